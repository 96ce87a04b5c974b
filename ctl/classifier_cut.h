/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a node of the forest is cut.
 */
#ifndef WEIR_CLASSIFIER_CUT_H
#define WEIR_CLASSIFIER_CUT_H

#include "classifier.h"

/* Child i holds the values above at[i - 1], up to and with at[i]. */
struct cut {
	enum weir_key key;
	__u32 count; /* 1 to WEIR_NODE_CUTS, ascending */
	__u32 at[WEIR_NODE_CUTS]; /* unused ones are ~0 */
};

static inline __u32 cut_first(const struct cut *cut, __u32 child)
{
	return child ? cut->at[child - 1] + 1 : 0;
}

static inline __u32 cut_last(const struct cut *cut, __u32 child)
{
	return child < cut->count ? cut->at[child] : ~0U;
}

/* The child that holds @value: as many as there are cuts below it. */
static inline __u32 cut_child(const struct cut *cut, __u32 value)
{
	__u32 child = value > cut->at[7] ? 8 : 0;

	child += value > cut->at[child + 3] ? 4 : 0;
	child += value > cut->at[child + 1] ? 2 : 0;
	return child + (value > cut->at[child]);
}
_Static_assert(WEIR_NODE_CUTS == 15, "the search takes four steps");

/*
 * Choose the key and the cuts that leave the fewest terms to look at, without
 * copying too many of them. All terms in @list reach into @box, and leave keys
 * open that are not in @keys, 1 << enum weir_key.
 *
 * Returns false where no cut tells the terms apart; @cut is then undefined.
 */
bool cut_choose(const struct boxed *terms, const __u32 *list, __u32 count, const struct box *box,
		__u32 keys, struct cut *cut);

#endif
