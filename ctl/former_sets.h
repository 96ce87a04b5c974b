/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets from files as they are in memory, to come back as they were: with
 * comments, with what is left of timeouts, and with what was added live. A
 * stored text has none of that.
 */
#ifndef WEIR_FORMER_SETS_H
#define WEIR_FORMER_SETS_H

#include "failure.h"
#include "model.h"
#include "state.h"

struct former_set {
	char name[NAME_BYTES];
	enum set_type type;
	__u64 configured[2]; /* digest of what the configuration gave it */
	struct set_elements elements;
};

struct former_sets {
	struct former_set *list;
	size_t count;
};

/* Copies of those of @m that are in force in @s. Returns 0, or -1 with @why and @out empty. */
int former_sets_read(const struct model *m, const struct state *s, struct former_sets *out,
		     struct failure *why);
void former_sets_free(struct former_sets *f);

/*
 * Give the sets of @m, parsed of stored text, the elements that they had.
 * Returns 0 or -ENOMEM.
 */
int former_sets_fill(const struct former_sets *f, struct model *m);

#endif
