// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters: rules to compiled rules, their values to sorted ranges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image_internal.h"
#include "own.h"

enum value_type { ADDR, SMALL };

static const enum value_type value_types[] = {
#define X(sym, keyword, type, member) [WEIR_FIELD_##sym] = type,
	WEIR_RULE_FIELDS(X)
#undef X
};

/* Where each set's ranges went, in the order of the model, for both types. */
struct placed_sets {
	const struct model *model;
	struct weir_ranges *places;
};

static struct weir_ranges add_small(struct builder *b, const range *list, size_t count)
{
	struct weir_ranges placed = { .offset = builder_add(b, count * sizeof(struct weir_range16)),
				      .count = count };
	struct weir_range16 *small = BUILDER_AT(b, placed.offset, struct weir_range16);

	for (size_t i = 0; i < count && !b->error; i++)
		small[i] =
			(struct weir_range16){ .first = list[i].first_lo, .last = list[i].last_lo };
	return placed;
}

static struct weir_ranges add_ranges(struct builder *b, const range *list, size_t count,
				     enum value_type type)
{
	if (type == SMALL)
		return add_small(b, list, count);
	return (struct weir_ranges){ .offset = builder_copy(b, list, count * sizeof(*list)),
				     .count = count };
}

static void place_sets(struct builder *b, struct placed_sets *sets)
{
	for (size_t i = 0; i < sets->model->sets_count; i++) {
		const struct set *set = &sets->model->sets[i];

		sets->places[i] = add_ranges(b, set->elements, set->elements_count,
					     set->type == SET_PREFIX ? ADDR : SMALL);
	}
}

/* All values of a condition in one canonical list; freed by the caller. */
static range *join_values(const struct model *m, const struct match *match, size_t *count)
{
	size_t total = match->ranges_count;
	range *all;

	for (size_t i = 0; i < match->sets_count; i++)
		total += model_set(m, match->sets[i])->elements_count;
	all = calloc(total + 1, sizeof(*all));
	if (!all)
		return NULL;
	total = match->ranges_count;
	if (total)
		memcpy(all, match->ranges, total * sizeof(*all));
	for (size_t i = 0; i < match->sets_count; i++) {
		const struct set *set = model_set(m, match->sets[i]);

		if (set->elements_count)
			memcpy(all + total, set->elements, set->elements_count * sizeof(*all));
		total += set->elements_count;
	}
	*count = ranges_normalise(all, total);
	return all;
}

static struct weir_ranges add_match(struct builder *b, const struct placed_sets *sets,
				    const struct match *match, enum value_type type)
{
	OWN_FREE range *all = NULL;
	size_t count = 0;

	if (!match->sets_count)
		return add_ranges(b, match->ranges, match->ranges_count, type);
	if (match->sets_count == 1 && !match->ranges_count)
		return sets->places[model_set(sets->model, match->sets[0]) - sets->model->sets];
	all = join_values(sets->model, match, &count);
	if (!all)
		b->error = -ENOMEM;
	return add_ranges(b, all, count, type);
}

/* What struct weir_rule cannot say. */
static bool needs_more(const struct rule *rule)
{
	for (int field = WEIR_RULE_FIELD_COUNT; field < WEIR_FIELD_COUNT; field++) {
		if (rule->match[field].present)
			return true;
	}
	return rule->expr.text || rule->action > WEIR_ACTION_COUNT;
}

static void fill_rule(struct builder *b, const struct placed_sets *sets, const struct rule *rule,
		      __u32 id, __u32 offset)
{
	struct weir_rule compiled = {
		.action = rule->action,
		.id = id,
		.tcp_mask = rule->tcp_flags.present ? rule->tcp_flags.mask : 0,
		.tcp_value = rule->tcp_flags.value,
		.tcp_negated = rule->tcp_flags.negated,
	};

	for (int field = 0; field < WEIR_RULE_FIELD_COUNT; field++) {
		const struct match *match = &rule->match[field];

		if (!match->present)
			continue;
		compiled.fields |= 1 << field;
		compiled.negated |= match->negated << field;
		compiled.match[field] = add_match(b, sets, match, value_types[field]);
	}
	if (needs_more(rule))
		b->error = -EOPNOTSUPP;
	if (!b->error)
		*BUILDER_AT(b, offset, struct weir_rule) = compiled;
}

static void fill_default(struct builder *b, const struct filter *filter, __u32 id, __u32 offset)
{
	if (!b->error)
		*BUILDER_AT(b, offset, struct weir_rule) = (struct weir_rule){
			.action = filter->default_action, .id = id, .is_default = 1
		};
}

void build_filters(struct builder *b, const struct image_spec *spec)
{
	const struct model *m = spec->model;
	OWN_FREE struct weir_ranges *places = calloc(m->sets_count + 1, sizeof(*places));
	struct placed_sets sets = { .model = m, .places = places };
	size_t count = model_rules_count(m);
	const __u32 *id = spec->rule_ids;
	__u32 offset = builder_add(b, count * sizeof(struct weir_rule));

	if (!places)
		b->error = -ENOMEM;
	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->rules_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->rules_count = count;
	place_sets(b, &sets);
	for (size_t i = 0; i < m->filters_count; i++) {
		const struct filter *filter = &m->filters[i];

		for (size_t r = 0; r < filter->rules_count; r++) {
			fill_rule(b, &sets, &filter->rules[r], *id++, offset);
			offset += sizeof(struct weir_rule);
		}
		fill_default(b, filter, *id++, offset);
		offset += sizeof(struct weir_rule);
	}
}
