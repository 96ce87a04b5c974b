/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a plan that is about the ways to backends.
 */
#ifndef WEIR_PLAN_ROUTES_H
#define WEIR_PLAN_ROUTES_H

#include "plan.h"
#include "weir/image.h"

/*
 * Fill p->routes: those of @former, which may be NULL, for backends that it has
 * at the same address, and what the kernel says, which is asked for all others
 * at once. Needs p->backend_ids. A backend without a route has its error there.
 */
int plan_routes(struct plan *p, const struct weir_image *former, struct failure *why);

#endif
