/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that lie at the borders of a filter's rules.
 */
#ifndef WEIR_TEST_NEAR_H
#define WEIR_TEST_NEAR_H

#include "model.h"
#include "packet.h"

/*
 * A frame that meets a rule of @f, or misses it by one: each field lies at the
 * first or the last value of a range, beside them or between, by chance.
 * What the rule does not ask for is another's, or anything.
 */
void near_frame(const struct model *m, const struct filter *f, struct frame *out);

#endif
