/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counter ids that stay with a name over reloads.
 */
#ifndef WEIR_IDS_H
#define WEIR_IDS_H

#include <linux/types.h>
#include <stddef.h>

/*
 * Names, of two parts, and the id of each: "edge", "ssh" of a filter's rule.
 * @kind tells groups apart that may have the same name.
 * Strings are borrowed.
 */
struct named_id {
	const char *group;
	const char *name;
	__u32 id;
	__u32 kind;
};

/*
 * Give every entry of @to the id of its name in @from, or a free one that no
 * entry of @from has, from 0 up: the old generation still counts under those.
 *
 * @fresh  set to 1 for each entry of @to whose id is new, whose counter must be
 *         cleared before use; has room for @to_count
 * Returns one more than the highest id of both, or -ENOMEM.
 */
long ids_assign(const struct named_id *from, size_t from_count, struct named_id *to,
		size_t to_count, __u8 *fresh);

#endif
