/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buckets of a set of prefixes, as weir/set.h describes them.
 */
#ifndef WEIR_SET_BUCKET_H
#define WEIR_SET_BUCKET_H

#include <stdbool.h>

#include "set_tree.h"

/* Whether packets read less of a table of these prefixes that leads to buckets. */
bool set_bucket_pays(const struct set_memory *m, const struct set_item *items, size_t count);

/*
 * As set_region_add(), of two items or more: the word of a bucket, or 0 with
 * nothing added where they do not fit one, or all would lead to their records.
 */
__u32 set_bucket_add(struct set_memory *m, const struct set_item *items, size_t count, __u32 depth,
		     __u32 around);

#endif
