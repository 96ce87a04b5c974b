/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the filters of a configuration ask for: code of programs, and memory
 * besides the image.
 */
#ifndef WEIR_NEEDS_H
#define WEIR_NEEDS_H

#include "model.h"

enum need {
	NEED_TRACK = 1 << 0, /* a rule asks for "established" */
	NEED_LIMIT = 1 << 1,
	NEED_LIMIT_SOURCES = 1 << 2, /* a limit for each source */
	NEED_LOG = 1 << 3,
	NEED_MARK = 1 << 4,
	NEED_REJECT = 1 << 5, /* a rule or the default answers */
};

struct needs {
	__u32 *of_filter; /* enum need, of the model's filters */
	__u32 in_use; /* of all that an interface block names */
	__u32 services; /* 1 << WEIR_NEED_*, of all services */
};

/* Look once: a filter may have 100,000 rules. Returns 0, or -ENOMEM. */
int needs_find(struct needs *n, const struct model *m);
void needs_free(struct needs *n);

/* Of the filter of that name; "" is none. */
__u32 needs_named(const struct needs *n, const struct model *m, const char *name);

/* 1 << WEIR_NEED_* of all services. */
__u32 needs_of_services(const struct model *m);

/*
 * 1 << WEIR_STAGE_* that a block asks for, and those that filters anywhere do:
 * a connection is noted by whatever interface it leaves.
 */
__u32 interface_stages(const struct interface *i, const struct model *m, const struct needs *n);

#endif
