/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that can never match, because one rule before them decides about every
 * packet that they would match.
 */
#ifndef WEIR_SHADOW_H
#define WEIR_SHADOW_H

#include <pthread.h>
#include <stdbool.h>

#include "model.h"

/*
 * Whether every packet that matches @b matches @a. False where it cannot be
 * told from the two alone: what a set holds may change, so a set covers itself
 * and nothing else; so does an expression.
 */
bool rule_covers(const struct rule *a, const struct rule *b);

#define SHADOW_NONE (~0U)

/*
 * Find for each rule of @f the first deciding rule before it that covers it.
 *
 * @shadow  indexes of these, or SHADOW_NONE; has room for all rules
 * Returns how many rules were looked at: all of them unless the comparisons,
 * which are near linear for rules that differ, got too many; -ENOMEM.
 */
long shadow_find(const struct filter *f, __u32 *shadow);

/* The same by comparing each rule with all before it; for tests. */
void shadow_find_slowly(const struct filter *f, __u32 *shadow);

/*
 * Add a warning to @d for each shadowed rule of the model that @text says; NULL
 * where places do not count lines. Returns 0 or -ENOMEM.
 */
int shadow_warn(const struct model *m, const char *text, size_t size, struct diags *d);

/* The same by another thread. */
struct shadow_work {
	pthread_t thread;
	bool is_running;
	const struct model *model;
	struct diags *diags;
	int error;
};

/* From here to shadow_end(), @m must not change, and nobody else touch @d. */
void shadow_begin(struct shadow_work *w, const struct model *m, struct diags *d);

/* Wait, and put the messages in their order. Returns what shadow_warn() did. */
int shadow_end(struct shadow_work *w);

#endif
