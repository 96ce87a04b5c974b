/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two moments out of a heat map: the last while, and as long before it.
 */
#ifndef WEIR_LATENCY_SINCE_H
#define WEIR_LATENCY_SINCE_H

#include <linux/types.h>

/* Columns of a heat map; the last one is not over. */
struct moments {
	unsigned int since, before; /* columns of each; @since are the last ones */
	__u32 since_s, before_s; /* what they cover; before_s is 0 where there is no column left */
};

/*
 * @columns    of the map, at least 1
 * @wanted_s   seconds, at least one column
 * @column_s   seconds of a column
 * @partial_s  seconds of the last column that are over, less than @column_s
 *
 * "since" covers what is wanted or less than a column more, unless the map is
 * shorter; "before" what is wanted, rounded up to columns, or what is left.
 */
struct moments moments_of(unsigned int columns, __u32 wanted_s, __u32 column_s, __u32 partial_s);

#endif
