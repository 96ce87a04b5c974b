/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an apply does with counters: those of what stays go on.
 */
#ifndef WEIR_APPLY_COUNTERS_H
#define WEIR_APPLY_COUNTERS_H

#include "plan.h"

/* Counters of what is new start at zero, whoever had their place before. */
int clear_counters(const struct plan *p, const struct maps *m, struct failure *why);

/* Into maps that are larger: the counters so far. */
int carry_counters(const struct state *s, const struct maps *to, const struct capacity *now,
		   struct failure *why);

#endif
