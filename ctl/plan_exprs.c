// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_exprs.h"

#include <string.h>

static const char *filter_of(const struct interface *i, enum hook hook)
{
	return hook == HOOK_EGRESS ? i->filter_egress : i->filter;
}

int plan_exprs(const struct plan *p, const struct plan_device *d, enum hook hook,
	       struct expr_set *set, struct failure *why)
{
	return expr_set_add_filter(set, p->model, filter_of(d->config, hook), why);
}

/*
 * A name may have left /etc/hosts since, and that must not be in the way of the
 * next configuration.
 */
int plan_exprs_in_force(const struct plan *p, const struct plan_device *d, enum hook hook,
			struct expr_set *set, struct failure *why)
{
	const struct interface *was = interface_for(&p->old, d->link.name);
	const struct filter *filter = NULL;

	for (size_t f = 0; was && f < p->old.filters_count && !filter; f++) {
		if (!strcmp(p->old.filters[f].name, filter_of(was, hook)))
			filter = &p->old.filters[f];
	}
	for (size_t r = 0; filter && r < filter->rules_count; r++) {
		const char *text = filter->rules[r].expr.text;
		struct failure refused = {};

		if (text && expr_set_add(set, text, &refused) && refused.code != EXIT_USAGE)
			fail(why, refused.code, "%s", refused.message);
		failure_free(&refused);
	}
	return why->message ? -1 : 0;
}

int plan_exprs_hash(const struct expr_set *set, enum hook hook, struct weir_program *config,
		    struct failure *why)
{
	int error = expr_set_hash(set, program_context(hook), &config->exprs);

	return error ? fail_errno(why, -error, "cannot translate an expression") : 0;
}
