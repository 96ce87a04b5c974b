/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a plan changes, in words, found by another thread while this one builds
 * the image.
 */
#ifndef WEIR_PLAN_COMPARE_H
#define WEIR_PLAN_COMPARE_H

#include <pthread.h>
#include <stdio.h>

#include "plan.h"

struct comparison {
	struct plan *plan;
	FILE *out; /* to plan->diff_text, which is there when it is closed */
	size_t size;
	pthread_t thread;
	bool is_running;
};

/*
 * Begin with the models of @c->plan, which must not change until the end. Returns
 * 0, or -1; comparison_close() is owed in both cases, and waits.
 */
int comparison_begin(struct comparison *c, struct failure *why);
void comparison_close(struct comparison *c);

/* Wait, and add what the plan's image says of the host. */
void comparison_end(struct comparison *c, const struct state *s);

#endif
