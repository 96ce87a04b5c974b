/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of bits in place of a forest, for few terms.
 */
#ifndef WEIR_CLASSIFIER_VECTORS_H
#define WEIR_CLASSIFIER_VECTORS_H

#include "classifier.h"

/*
 * Append to the image struct weir_vectors for @terms of IPv4, and all it leads
 * to. An error is left in @b.
 *
 * Returns false, and leaves nothing behind, where that takes more memory than
 * it is worth or there are too many terms: a forest is then as good.
 *
 * Lakshman and Stiliadis, SIGCOMM '98; tries in place of the binary search.
 */
bool vectors_build(struct builder *b, const struct boxed *terms, __u32 count,
		   struct weir_forest *forest);

#endif
