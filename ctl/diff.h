/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes between two configurations.
 */
#ifndef WEIR_DIFF_H
#define WEIR_DIFF_H

#include "model.h"

struct diff_count {
	unsigned int added;
	unsigned int changed;
	unsigned int removed;
};

/*
 * Write one line per difference to @out and count them:
 *
 *     ~ service web   backend b2 weight 10 -> 5   (7.6 % of ring slots move)
 *     + filter edge   rule bogons drop saddr @bogons
 *     - interface eth1
 *
 * A rule that only moved is a change, "rule ssh moved before rule bogons"; a
 * set's change says how many elements come and go. @out may be NULL to only
 * count.
 */
struct diff_count model_diff(const struct model *from, const struct model *to, FILE *out);

#endif
