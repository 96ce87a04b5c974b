/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a plan that looks at devices.
 */
#ifndef WEIR_PLAN_DEVICES_H
#define WEIR_PLAN_DEVICES_H

#include "plan.h"

/* Which devices the configuration means, and a slot for each. */
int find_devices(struct plan *p, const struct state *s, const struct plan_scope *scope,
		 struct failure *why);

/* What to do at each hook, once the capacity is known. */
int choose_steps(struct plan *p, const struct state *s, struct failure *why);

/* What would make the kernel refuse the plan, or packets go astray. */
int check_host(const struct plan *p, const struct state *s, struct failure *why);

#endif
