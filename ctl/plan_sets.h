/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets in a plan. A set whose definition and file say what they said keeps its
 * slot and whatever was done to it live. One that changes is built anew, with
 * what was added live, and gets another slot: the image that is swapped in
 * names it, so that rules and sets change at the same moment.
 */
#ifndef WEIR_PLAN_SETS_H
#define WEIR_PLAN_SETS_H

#include "plan.h"
#include "set_arena.h"

/* Decide p->sets, and p->capacity.sets_bytes. After the devices have their slots. */
int plan_sets(struct plan *p, const struct state *s, const struct plan_scope *scope,
	      struct failure *why);
void plan_sets_free(struct plan *p);

/*
 * Put new sets into the arena of @m, where no image names them yet.
 * Returns 0, or -1 with nothing left behind.
 */
int sets_put(const struct plan *p, const struct maps *m, struct failure *why);

/* When no packet sees the new image any more, or ever: take its new sets out. */
void sets_undo(const struct plan *p, const struct maps *m);

/* When no packet sees the old image any more: take out what the new one does not name. */
int sets_drop_others(const struct plan *p, const struct maps *m, struct failure *why);

/* Bring all sets over to larger memory. */
int sets_carry_over(const struct state *s, const struct maps *to, const struct capacity *now,
		    struct failure *why);

#endif
