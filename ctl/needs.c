// SPDX-License-Identifier: GPL-2.0-or-later
#include "needs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir/image.h"

static __u32 rule_needs(const struct rule *r)
{
	__u32 needs = r->match[WEIR_FIELD_ESTABLISHED].present ? NEED_TRACK : 0;

	switch (r->action) {
	case WEIR_ACTION_LIMIT:
		return needs | NEED_LIMIT | (r->limit.per_saddr ? NEED_LIMIT_SOURCES : 0);
	case WEIR_ACTION_LOG:
		return needs | NEED_LOG;
	case WEIR_ACTION_MARK:
		return needs | NEED_MARK;
	case WEIR_ACTION_REJECT:
		return needs | NEED_REJECT;
	default:
		return needs;
	}
}

__u32 needs_named(const struct needs *n, const struct model *m, const char *name)
{
	for (size_t i = 0; *name && i < m->filters_count; i++) {
		if (!strcmp(m->filters[i].name, name))
			return n->of_filter[i];
	}
	return 0;
}

int needs_find(struct needs *n, const struct model *m)
{
	*n = (struct needs){ .of_filter = calloc(m->filters_count + 1, sizeof(*n->of_filter)) };
	if (!n->of_filter)
		return -ENOMEM;
	for (size_t f = 0; f < m->filters_count; f++) {
		if (m->filters[f].default_action == WEIR_ACTION_REJECT)
			n->of_filter[f] = NEED_REJECT;
		for (size_t r = 0; r < m->filters[f].rules_count; r++)
			n->of_filter[f] |= rule_needs(&m->filters[f].rules[r]);
	}
	for (size_t i = 0; i < m->interfaces_count; i++) {
		n->in_use |= needs_named(n, m, m->interfaces[i].filter);
		n->in_use |= needs_named(n, m, m->interfaces[i].filter_egress);
	}
	return 0;
}

void needs_free(struct needs *n)
{
	free(n->of_filter);
	*n = (struct needs){};
}

__u32 interface_stages(const struct interface *i, const struct model *m, const struct needs *n)
{
	__u32 stages = 0;

	stages |= (i->filter[0] != '\0') << WEIR_STAGE_FILTER;
	stages |= i->balance << WEIR_STAGE_BALANCE;
	stages |= i->decap << WEIR_STAGE_DECAP;
	stages |= i->measure << WEIR_STAGE_MEASURE;
	stages |= (i->filter_egress[0] != '\0') << WEIR_STAGE_EGRESS;
	stages |= !!(n->in_use & NEED_TRACK) << WEIR_STAGE_TRACK;
	/* TC sets a mark by itself. */
	if (i->xdp != XDP_MODE_NONE && needs_named(n, m, i->filter) & NEED_MARK)
		stages |= 1 << WEIR_STAGE_MARK;
	return stages;
}
