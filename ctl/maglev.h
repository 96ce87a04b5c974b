/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maglev consistent hashing, NSDI '16, section 3.4.
 */
#ifndef WEIR_MAGLEV_H
#define WEIR_MAGLEV_H

#include <linux/types.h>

/*
 * Fill a lookup table for @count weighted backends.
 *
 * @names   their names; a backend's share of the table depends on names and
 *          weights only, not on their order, so every node of a fleet that has
 *          the same backends fills the same table
 * @weight  1-256, relative; 0 gets no slot (a drained backend)
 * @table   @size entries, each an index into @names, below @count
 * @size    prime, at least 16 times the number of backends with weight
 *
 * Returns 0; -EINVAL when no backend has weight or @size is too small, -ENOMEM;
 * @table is untouched on failure.
 */
int maglev_fill(const char *const *names, const __u16 *weight, __u32 count, __u32 *table,
		__u32 size);

#endif
