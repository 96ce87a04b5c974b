/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of a program over the packets of a trace, by BPF_PROG_TEST_RUN: of one
 * that stands at XDP, or of what stands behind it in the stack.
 */
#ifndef WEIR_BENCH_DRIVER_H
#define WEIR_BENCH_DRIVER_H

#include <stdbool.h>

#include "trace.h"

enum driver_kind {
	DRIVER_XDP4,
	DRIVER_XDP6,
	DRIVER_INJECT4, /* as frames that a device received; they go up its stack */
};

/* The kernel calls a program that knows fragments only from one that does. */
enum driver_frags { DRIVER_PLAIN, DRIVER_FRAGS };

struct driver {
	struct vary *skeleton;
	enum driver_kind kind;
	int program; /* that writes the packet */
	int empty;
	struct trace4 *trace4; /* mapped; NULL for IPv6 */
	struct trace6 *trace6;
};

void driver_open(struct driver *d, enum driver_kind kind, enum driver_frags frags);
void driver_close(struct driver *d);

/* Where in the trace the next run begins. */
void driver_seek(struct driver *d, __u32 at);

/* XDP: which program the runs are of; of @d->empty none. */
void driver_point_at(struct driver *d, int program);

/*
 * Run so many packets, that came in at @ifindex. Returns ns for each; @verdict
 * of the last one, may be NULL.
 */
double driver_run(struct driver *d, __u32 ifindex, __u32 packets, __u32 *verdict);

/* Ends the benchmark with a message where @holds is false. */
void need(bool holds, const char *what);

#endif
