// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters: rules to terms, and a forest over the terms of each family.
 */
#include "filter_terms.h"
#include "weir/limit.h"
#include "weir/reason.h"

static void put_rule(struct builder *b, __u32 offset, const struct weir_rule *rule)
{
	struct weir_rule *place = BUILDER_AT(b, offset, struct weir_rule);

	if (place)
		*place = *rule;
}

static __u32 put_limit(struct builder *b, const struct rule *rule, __u32 id)
{
	const struct limit *l = &rule->limit;
	struct weir_limit limit = { .id = id, .v4_bits = l->v4_bits, .v6_bits = l->v6_bits };

	if (l->per_saddr)
		limit.flags |= WEIR_LIMIT_PER_SOURCE;
	weir_limit_set_rate(&limit, l->rate, l->per_s, l->burst);
	return builder_copy(b, &limit, sizeof(limit));
}

static struct weir_rule rule_row(struct builder *b, const struct rule *rule, __u32 id)
{
	struct weir_rule row = { .id = id, .action = rule->action };

	if (rule->action == WEIR_ACTION_LIMIT)
		row.argument = put_limit(b, rule, id);
	else if (rule->action == WEIR_ACTION_LOG)
		row.argument = rule->log_sample;
	else if (rule->action == WEIR_ACTION_MARK)
		row.argument = rule->mark;
	return row;
}

static enum weir_reason default_reason(enum weir_action action)
{
	if (action == WEIR_ACTION_REJECT)
		return WEIR_R_FILTER_REJECT;
	return action == WEIR_ACTION_PASS ? WEIR_R_FILTER_PASS : WEIR_R_FILTER_DEFAULT;
}

/* What a rule is asked that passes or drops by one set of addresses alone; NULL: it is another. */
static const struct match *only_set(const struct model *m, const struct rule *r)
{
	const struct match *only = NULL;

	if ((r->action != WEIR_ACTION_PASS && r->action != WEIR_ACTION_DROP) ||
	    r->tcp_flags.present || r->expr.text)
		return NULL;
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (!r->match[field].present)
			continue;
		if (only || (field != WEIR_FIELD_SADDR && field != WEIR_FIELD_DADDR))
			return NULL;
		only = &r->match[field];
	}
	if (!only || only->ranges_count || only->sets_count != 1 ||
	    model_set(m, only->sets[0])->type == SET_ADDRESS_PORT)
		return NULL;
	return only;
}

/* The rules of a filter that has few, and none but of sets of addresses. */
static void put_set_rules(struct filter_build *f, const struct filter *filter, const __u32 *ids)
{
	const struct model *m = f->spec->model;
	struct weir_set_rule rules[WEIR_SET_RULES] = {};

	if (filter->rules_count > WEIR_SET_RULES)
		return;
	for (size_t i = 0; i < filter->rules_count; i++) {
		const struct rule *r = &filter->rules[i];
		const struct match *only = only_set(m, r);

		if (!only)
			return;
		rules[i] = (struct weir_set_rule){
			.id = ids[i],
			.slot = (__u16)f->spec->set_slots[model_set(m, only->sets[0]) - m->sets],
			.reason = r->action == WEIR_ACTION_PASS ? WEIR_R_FILTER_PASS
								: WEIR_R_FILTER_DROP,
			.is_destination = only == &r->match[WEIR_FIELD_DADDR],
			.is_negated = only->negated,
		};
	}
	f->out.shape = WEIR_SHAPE_SETS;
	f->out.set_rules_count = (__u8)filter->rules_count;
	f->out.set_rules_offset = builder_copy(f->b, rules, sizeof(rules));
}

/* Rows of the rules at @rules, then terms and trees. */
static void build_filter(struct builder *b, const struct image_spec *spec,
			 const struct filter *filter, const __u32 *ids, __u32 rules, __u32 place)
{
	struct filter_build f = { .b = b, .spec = spec };
	const __u32 size = sizeof(struct weir_rule);
	struct weir_rule row;

	drafts_reserve(&f, filter->rules_count);
	for (size_t i = 0; i < filter->rules_count && !b->error; i++) {
		row = rule_row(b, &filter->rules[i], ids[i]);
		put_rule(b, rules + i * size, &row);
		terms_add_rule(&f, &filter->rules[i], i, ids[i]);
	}
	row = (struct weir_rule){ .id = ids[filter->rules_count],
				  .action = filter->default_action,
				  .is_default = 1 };
	put_rule(b, rules + filter->rules_count * size, &row);

	f.out.rules_offset = rules;
	f.out.rules_count = filter->rules_count + 1;
	f.out.default_id = row.id;
	f.out.default_reason = default_reason(filter->default_action);
	if (filter->default_action == WEIR_ACTION_REJECT)
		f.out.depth = WEIR_DEPTH_ALL;
	else if (filter->rules_count)
		put_set_rules(&f, filter, ids);
	else
		f.out.shape = WEIR_SHAPE_DEFAULT;
	for (int family = 0; family < WEIR_FAMILY_COUNT && !b->error; family++)
		terms_place(&f, family);
	if (!b->error)
		*BUILDER_AT(b, place, struct weir_filter) = f.out;
	drafts_free(&f.drafts);
}

void build_filters(struct builder *b, const struct image_spec *spec)
{
	const struct model *m = spec->model;
	const __u32 *ids = spec->rule_ids;
	size_t count = model_rules_count(m);
	__u32 rules = builder_add(b, count * sizeof(struct weir_rule));
	__u32 filters = builder_add(b, m->filters_count * sizeof(struct weir_filter));
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	if (!header)
		return;
	header->rules_offset = rules;
	header->rules_count = count;
	header->filters_offset = filters;
	header->filters_count = m->filters_count;
	for (size_t i = 0; i < m->filters_count && !b->error; i++) {
		const struct filter *filter = &m->filters[i];

		build_filter(b, spec, filter, ids, rules, filters + i * sizeof(struct weir_filter));
		ids += filter->rules_count + 1;
		rules += (filter->rules_count + 1) * sizeof(struct weir_rule);
	}
}
