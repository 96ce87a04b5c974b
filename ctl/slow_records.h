/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow packets that no hook sees any more: they left the host, or were dropped,
 * or nobody reads them. The datapath tells of the others.
 */
#ifndef WEIR_SLOW_RECORDS_H
#define WEIR_SLOW_RECORDS_H

#include <stddef.h>

#include "state.h"
#include "weir/path.h"

/* The datapath's own records; all zero: none. */
struct slow_records {
	struct weir_path_set *sets;
	size_t count;
	int resent; /* map, which is the caller's */
};

/* @m must outlive it. Returns 0, or -errno with @out untouched. */
int slow_records_open(const struct maps *m, const struct capacity *c, struct slow_records *out);
void slow_records_close(struct slow_records *r);

/*
 * Take what @ask wants to hear of and no hook has seen for @unseen_ns, so that the
 * datapath tells of none of them. Of more than @most the rest is added to
 * @suppressed. Stops when @take returns less than 0, and returns that; or 0.
 */
int slow_records_take(const struct slow_records *r, const struct weir_slow_ask *ask,
		      __u64 unseen_ns, __u32 most, __u64 *suppressed,
		      int (*take)(void *arg, void *event, size_t bytes), void *arg);

#endif
