/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes in at this moment, again and again. Each returns an exit code.
 */
#ifndef WEIR_TOP_H
#define WEIR_TOP_H

#include "command.h"

/* Round trips of @name, or of all; NULL for all. */
int top_latency(struct command *c, const char *name);
/* Stages of the path, of the interface @name or of all. */
int top_path(struct command *c, const char *name);
/* What each backend of the service @name, or of all, gets. */
int top_service(struct command *c, const char *name);
/* What is lost. */
int top_drops(struct command *c, const char *name);

/* "last 1.0 s", or "since it is measured" for what is shown first. */
struct top_span {
	__u64 read_ns; /* CLOCK_MONOTONIC; 0: nothing was read yet */
	double seconds; /* 0: there is nothing to compare with */
};

/* Now is read again. */
void top_read(struct top_span *s);
const char *top_span_text(const struct top_span *s, char *buf, size_t size);

#endif
