/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building the forest of include/weir/classifier.h over the terms of a filter.
 */
#ifndef WEIR_CLASSIFIER_BUILD_H
#define WEIR_CLASSIFIER_BUILD_H

#include <stdbool.h>

#include "image_internal.h"
#include "weir/classifier.h"

/* The keys that a term can hold for: in each an inclusive interval. */
struct box {
	__u32 first[WEIR_KEY_COUNT];
	__u32 last[WEIR_KEY_COUNT];
};

/* What the forest needs to know of a term; the array's index is the term's number. */
struct boxed {
	struct box box;
	bool decides; /* holds for every packet of its box, and ends the search */
	bool asks; /* has conditions */
};

/* A box of everything. */
extern const struct box box_all;

/*
 * Append to the image the nodes of a forest for @terms, which all can hold for
 * @family and stand in order of precedence. An error is left in @b.
 *
 * HyperSplit (INFOCOM '09) with wide nodes, over the partition of CutSplit
 * (INFOCOM '18).
 */
void classifier_build(struct builder *b, const struct boxed *terms, __u32 count,
		      enum weir_family family, struct weir_forest *forest);

#endif
