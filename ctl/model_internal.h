/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of model.h: what rules and services both have. */
#ifndef WEIR_MODEL_INTERNAL_H
#define WEIR_MODEL_INTERNAL_H

#include "model.h"

bool model_match_equal(const struct match *a, const struct match *b);
void model_free_match(struct match *m);

void model_free_pool(struct pool *p);
void model_free_service(struct service *s);

#endif
