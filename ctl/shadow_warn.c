// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saying which rules can never match.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "note.h"
#include "own.h"
#include "shadow.h"

static const char *const deeds[WEIR_ACTION_KINDS] = {
	[WEIR_ACTION_PASS] = "passes",
	[WEIR_ACTION_DROP] = "drops",
	[WEIR_ACTION_REJECT] = "rejects",
};

static void warn(const struct rule *r, const struct rule *by, const char *text, size_t size,
		 struct diags *d)
{
	char place[32] = "";

	if (by->loc.line)
		snprintf(place, sizeof(place), " in line %u", by->loc.line);
	diag_add(
		d, DIAG_WARNING, r->loc, r->loc.line ? text : NULL, size, NULL,
		"rule %s can never match: rule %s%s %s all that it would; move it up, or remove it",
		r->name, by->name, place, deeds[by->action]);
}

int shadow_warn(const struct model *m, const char *text, size_t size, struct diags *d)
{
	for (size_t i = 0; i < m->filters_count; i++) {
		const struct filter *f = &m->filters[i];
		OWN_FREE __u32 *shadow = calloc(f->rules_count + 1, sizeof(*shadow));
		long seen = shadow ? shadow_find(f, shadow) : -ENOMEM;

		if (seen < 0)
			return -ENOMEM;
		if (seen < (long)f->rules_count)
			note("filter %s: looked for rules that can never match in the first %ld of "
			     "%zu only; the rest would take too long",
			     f->name, seen, f->rules_count);
		for (size_t r = 0; r < f->rules_count; r++) {
			if (shadow[r] != SHADOW_NONE)
				warn(&f->rules[r], &f->rules[shadow[r]], text, size, d);
		}
	}
	return 0;
}

static void *work(void *arg)
{
	struct shadow_work *w = arg;

	w->error = shadow_warn(w->model, w->model->source, w->model->source_bytes, w->diags);
	return NULL;
}

void shadow_begin(struct shadow_work *w, const struct model *m, struct diags *d)
{
	*w = (struct shadow_work){ .model = m, .diags = d };
	w->is_running = !pthread_create(&w->thread, NULL, work, w);
	if (!w->is_running)
		work(w);
}

int shadow_end(struct shadow_work *w)
{
	if (w->is_running)
		pthread_join(w->thread, NULL);
	w->is_running = false;
	diag_sort(w->diags);
	return w->error;
}
