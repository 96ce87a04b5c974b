/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cover of a set of prefixes, as weir/set.h describes it.
 */
#ifndef WEIR_SET_COVER_H
#define WEIR_SET_COVER_H

#include "set_tree.h"

/*
 * Cover IPv4 prefixes, as set_tree_add() takes them, where that makes what
 * packets read smaller. Those that the table does not need any more are taken
 * out of the list. Returns how many are left; all of them without a cover.
 */
size_t set_cover_add(struct set_memory *m, struct set_item *items, size_t count);

#endif
