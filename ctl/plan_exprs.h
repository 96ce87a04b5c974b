/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expressions that programs need. A condition of the image names one by a
 * hash of its text; until the swap a program must know those of the image in
 * force, and from then on those of the next.
 */
#ifndef WEIR_PLAN_EXPRS_H
#define WEIR_PLAN_EXPRS_H

#include "expr.h"
#include "plan.h"

/* Those that the planned filter of a hook has; none where it does not filter. */
int plan_exprs(const struct plan *p, const struct plan_device *d, enum hook hook,
	       struct expr_set *set, struct failure *why);

/* And those of the filter in force. One that does not compile any more is left out. */
int plan_exprs_in_force(const struct plan *p, const struct plan_device *d, enum hook hook,
			struct expr_set *set, struct failure *why);

/* Put the hash of @set, as code for @hook, into @config. */
int plan_exprs_hash(const struct expr_set *set, enum hook hook, struct weir_program *config,
		    struct failure *why);

#endif
