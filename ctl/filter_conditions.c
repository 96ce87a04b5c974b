// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "filter_terms.h"
#include "own.h"
#include "ranges.h"

/* More than the parser lets a rule have: lists, RULE_SETS_MAX sets, flags, an expression. */
#define CONDITIONS_MAX 255

struct conditions {
	struct weir_condition list[CONDITIONS_MAX];
	__u32 count;
};

range *match_values(const struct model *m, const struct match *match, size_t *count)
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

static void add(struct filter_build *f, struct conditions *c, struct weir_condition condition)
{
	if (c->count == CONDITIONS_MAX)
		f->b->error = -E2BIG;
	else
		c->list[c->count++] = condition;
}

/* Values and sets of a match are alternatives; of a negated one, all must fail. */
static void end_alternatives(struct conditions *c, __u32 first, bool is_negated)
{
	for (__u32 i = first; i + 1 < c->count && !is_negated; i++)
		c->list[i].or_next = 1;
}

static __u32 put_numbers(struct builder *b, const range *list, size_t count)
{
	__u32 offset = builder_add(b, count * sizeof(struct weir_range64));
	struct weir_range64 *out = BUILDER_AT(b, offset, struct weir_range64);

	for (size_t i = 0; i < count && out; i++)
		out[i] =
			(struct weir_range64){ .first = list[i].first_lo, .last = list[i].last_lo };
	return offset;
}

static bool is_address(enum weir_field field)
{
	return field == WEIR_FIELD_SADDR || field == WEIR_FIELD_DADDR;
}

static void add_ranges(struct filter_build *f, struct conditions *c, enum weir_field field,
		       const struct match *match, const range *list, size_t count)
{
	struct weir_condition condition = { .field = field,
					    .negated = match->negated,
					    .count = count };

	if (is_address(field)) {
		condition.kind = WEIR_CONDITION_ADDR;
		condition.offset = builder_copy(f->b, list, count * sizeof(*list));
	} else {
		condition.kind = WEIR_CONDITION_NUMBER;
		condition.offset = put_numbers(f->b, list, count);
	}
	add(f, c, condition);
}

static void add_sets(struct filter_build *f, struct conditions *c, const struct match *match,
		     enum weir_field field)
{
	const struct model *m = f->spec->model;

	for (size_t i = 0; i < match->sets_count; i++)
		add(f, c,
		    (struct weir_condition){
			    .kind = WEIR_CONDITION_SET,
			    .field = field,
			    .negated = match->negated,
			    .offset = f->spec->set_slots[model_set(m, match->sets[i]) - m->sets],
		    });
}

/* The devices that the rule names, by their rows. */
static void add_interfaces(struct filter_build *f, struct conditions *c, const struct rule *rule)
{
	const struct image_spec *spec = f->spec;
	OWN_FREE range *rows = calloc(spec->devices_count + 1, sizeof(*rows));
	size_t count = 0;

	if (!rows) {
		f->b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < spec->devices_count; i++) {
		bool is_named = false;

		for (size_t n = 0; n < rule->interfaces_count; n++)
			is_named |= !fnmatch(rule->interfaces[n], spec->devices[i].name, 0);
		if (is_named)
			range_set(&rows[count++], spec->devices[i].slot, spec->devices[i].slot);
	}
	add_ranges(f, c, WEIR_FIELD_IFACE, &rule->match[WEIR_FIELD_IFACE], rows,
		   ranges_normalise(rows, count));
}

static void add_numbers(struct filter_build *f, struct conditions *c, const struct match *match,
			enum weir_field field)
{
	OWN_FREE range *all = NULL;
	size_t count = 0;

	all = match_values(f->spec->model, match, &count);
	if (!all)
		f->b->error = -ENOMEM;
	else
		add_ranges(f, c, field, match, all, count);
}

static void add_field(struct filter_build *f, struct conditions *c, const struct rule *rule,
		      enum weir_field field)
{
	const struct match *match = &rule->match[field];
	__u32 first = c->count;

	if (field == WEIR_FIELD_ESTABLISHED) {
		add(f, c,
		    (struct weir_condition){ .kind = WEIR_CONDITION_ESTABLISHED,
					     .field = field,
					     .negated = match->negated });
	} else if (field == WEIR_FIELD_IFACE) {
		if (rule->interfaces_count)
			add_interfaces(f, c, rule);
		add_sets(f, c, match, field);
	} else if (is_address(field)) {
		if (match->ranges_count)
			add_ranges(f, c, field, match, match->ranges, match->ranges_count);
		add_sets(f, c, match, field);
	} else {
		add_numbers(f, c, match, field);
	}
	end_alternatives(c, first, match->negated);
}

__u32 conditions_add(struct filter_build *f, const struct rule *rule, __u32 fields, __u8 *count)
{
	const struct tcp_flags_match *flags = &rule->tcp_flags;
	struct conditions c;

	c.count = 0;
	for (; fields; fields &= fields - 1)
		add_field(f, &c, rule, __builtin_ctz(fields));
	if (flags->present && flags->negated)
		add(f, &c,
		    (struct weir_condition){ .kind = WEIR_CONDITION_TCP_FLAGS,
					     .negated = 1,
					     .offset = flags->mask << 8 | flags->value });
	if (rule->expr.text)
		add(f, &c,
		    (struct weir_condition){ .kind = WEIR_CONDITION_EXPR,
					     .negated = rule->expr.negated,
					     .offset = expr_id(rule->expr.text) });
	*count = c.count;
	return c.count ? builder_copy(f->b, c.list, c.count * sizeof(c.list[0])) : 0;
}
