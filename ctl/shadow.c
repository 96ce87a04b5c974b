// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding shadowed rules. A rule that covers another has in each of its own
 * fields all values of the other. So each deciding rule is filed under one
 * field, the one with the fewest others around it, as its intervals there; who
 * looks for what covers a rule takes one value of each of its fields, and asks
 * for the intervals around it.
 */
#include "shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "own.h"
#include "ranges.h"

/* What one filter may cost: some 50 ms, or ten of a plain list's 100,000 rules. */
#define EFFORT 10000000L
#define EFFORT_LOOK 1 /* at an interval, or a candidate */
#define EFFORT_COMPARE 10 /* of two rules */

struct span {
	u128 first, last;
	u128 reach; /* highest last of the subtree below: the list is a tree by halving */
	__u32 rule;
};

struct index {
	struct span *list;
	size_t count;
};

struct search {
	const struct filter *filter;
	__u32 *fields; /* by rule: 1 << field that it has a condition on */
	struct index index[WEIR_FIELD_COUNT];
	__u32 *others; /* deciding rules that have no interval to be filed under */
	size_t others_count;
	long effort;
};

/* Has its values in ranges alone, as the intervals of an index must be. */
static bool is_plain(const struct match *m)
{
	return m->present && !m->negated && !m->sets_count && m->ranges_count;
}

/* Of one field: where the intervals of some rules begin and end, each list sorted. */
struct sample {
	u128 *firsts, *lasts;
	size_t count;
};

#define SAMPLE 128

/* How crowded values are: how many rules have the same condition, by its hash, and a sample. */
struct census {
	__u32 *counts;
	__u32 mask;
	struct sample sample[WEIR_FIELD_COUNT];
};

static void own_census(struct census *c)
{
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		free(c->sample[field].firsts);
		free(c->sample[field].lasts);
	}
	free(c->counts);
}

static __u32 *place_of(const struct census *c, int field, const struct match *m)
{
	__u64 hash = field + 1;

	for (size_t i = 0; i < m->ranges_count; i++) {
		const range *r = &m->ranges[i];
		__u64 word = r->first_lo ^ (r->first_hi * 3) ^ (r->last_lo * 5) ^ (r->last_hi * 7);

		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return &c->counts[hash & c->mask];
}

static int by_number(const void *a, const void *b)
{
	u128 x = *(const u128 *)a, y = *(const u128 *)b;

	return x < y ? -1 : x > y;
}

static int take_sample(const struct filter *f, int field, struct sample *s)
{
	size_t step = f->rules_count / SAMPLE + 1;

	s->firsts = calloc(SAMPLE, sizeof(*s->firsts));
	s->lasts = calloc(SAMPLE, sizeof(*s->lasts));
	if (!s->firsts || !s->lasts)
		return -ENOMEM;
	for (size_t i = 0; i < f->rules_count; i += step) {
		const struct match *m = &f->rules[i].match[field];

		if (!is_plain(m) || s->count == SAMPLE)
			continue;
		s->firsts[s->count] = range_first(&m->ranges[0]);
		s->lasts[s->count++] = range_last(&m->ranges[0]);
	}
	qsort(s->firsts, s->count, sizeof(*s->firsts), by_number);
	qsort(s->lasts, s->count, sizeof(*s->lasts), by_number);
	return 0;
}

static int take_census(const struct filter *f, const __u32 *fields, struct census *c)
{
	c->mask = 1023;
	while (c->mask < f->rules_count * 8)
		c->mask = c->mask * 2 + 1;
	c->counts = calloc((size_t)c->mask + 1, sizeof(*c->counts));
	if (!c->counts)
		return -ENOMEM;
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (take_sample(f, field, &c->sample[field]))
			return -ENOMEM;
	}
	/* Rule by rule: they are large, and each is read once. */
	for (size_t i = 0; i < f->rules_count; i++) {
		for (__u32 left = fields[i]; left; left &= left - 1) {
			int field = __builtin_ctz(left);
			const struct match *m = &f->rules[i].match[field];

			if (is_plain(m))
				++*place_of(c, field, m);
		}
	}
	return 0;
}

/* How many of a sorted list are below @value. */
static size_t below(const u128 *list, size_t count, u128 value)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (list[middle] < value)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

/* Intervals of the sample around where @m begins, then rules that have the very same. */
static __u64 crowd_of(const struct census *c, int field, const struct match *m)
{
	const struct sample *s = &c->sample[field];
	u128 first = range_first(&m->ranges[0]);
	__u64 around = below(s->firsts, s->count, first + 1) - below(s->lasts, s->count, first);

	return around << 32 | *place_of(c, field, m);
}

/* The field to file @r under, where it has the smallest crowd; -1: it has none. */
static int choose_field(const struct census *c, const struct rule *r, __u32 fields)
{
	__u64 smallest = 0;
	int chosen = -1;

	for (; fields; fields &= fields - 1) {
		int field = __builtin_ctz(fields);
		__u64 crowd;

		if (!is_plain(&r->match[field]))
			continue;
		crowd = crowd_of(c, field, &r->match[field]);
		if (chosen < 0 || crowd < smallest) {
			chosen = field;
			smallest = crowd;
		}
	}
	return chosen;
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static u128 set_reach(struct span *list, size_t low, size_t high)
{
	size_t middle = low + (high - low) / 2;
	u128 reach, below;

	if (low == high)
		return 0;
	reach = list[middle].last;
	below = set_reach(list, low, middle);
	reach = below > reach ? below : reach;
	below = set_reach(list, middle + 1, high);
	reach = below > reach ? below : reach;
	list[middle].reach = reach;
	return reach;
}

static int fill_index(struct search *s, const __s8 *chosen, int field)
{
	const struct filter *f = s->filter;
	struct index *x = &s->index[field];
	size_t count = 0;

	for (size_t i = 0; i < f->rules_count; i++)
		count += chosen[i] == field ? f->rules[i].match[field].ranges_count : 0;
	if (!count)
		return 0;
	x->list = calloc(count, sizeof(*x->list));
	if (!x->list)
		return -ENOMEM;
	for (size_t i = 0; i < f->rules_count; i++) {
		const struct match *m = &f->rules[i].match[field];

		for (size_t r = 0; chosen[i] == field && r < m->ranges_count; r++)
			x->list[x->count++] = (struct span){ .first = range_first(&m->ranges[r]),
							     .last = range_last(&m->ranges[r]),
							     .rule = i };
	}
	qsort(x->list, x->count, sizeof(*x->list), by_first);
	set_reach(x->list, 0, x->count);
	return 0;
}

static void close_search(struct search *s)
{
	for (int field = 0; field < WEIR_FIELD_COUNT; field++)
		free(s->index[field].list);
	free(s->fields);
	free(s->others);
}

_Static_assert(WEIR_FIELD_COUNT <= 32, "a word has a bit per field");

static int open_search(struct search *s, const struct filter *f)
{
	OWN(own_census) struct census census = {};
	OWN_FREE __s8 *chosen = malloc(f->rules_count + 1);

	*s = (struct search){ .filter = f, .effort = EFFORT };
	s->fields = calloc(f->rules_count + 1, sizeof(*s->fields));
	s->others = calloc(f->rules_count + 1, sizeof(*s->others));
	if (!chosen || !s->fields || !s->others)
		return -ENOMEM;
	for (size_t i = 0; i < f->rules_count; i++) {
		for (int field = 0; field < WEIR_FIELD_COUNT; field++)
			s->fields[i] |= (__u32)f->rules[i].match[field].present << field;
	}
	if (take_census(f, s->fields, &census))
		return -ENOMEM;
	for (size_t i = 0; i < f->rules_count; i++) {
		const struct rule *r = &f->rules[i];

		chosen[i] = action_decides(r->action) ? choose_field(&census, r, s->fields[i]) : -2;
		if (chosen[i] == -1)
			s->others[s->others_count++] = i;
	}
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (fill_index(s, chosen, field))
			return -ENOMEM;
	}
	return 0;
}

static void consider(struct search *s, __u32 candidate, __u32 rule, __u32 *best)
{
	if (candidate >= rule || candidate >= *best || s->fields[candidate] & ~s->fields[rule])
		return;
	s->effort -= EFFORT_COMPARE;
	if (rule_covers(&s->filter->rules[candidate], &s->filter->rules[rule]))
		*best = candidate;
}

/* All intervals of a subtree that hold @value. */
static void stab(struct search *s, const struct index *x, size_t low, size_t high, u128 value,
		 __u32 rule, __u32 *best)
{
	while (low < high && s->effort > 0) {
		size_t middle = low + (high - low) / 2;
		const struct span *span = &x->list[middle];

		s->effort -= EFFORT_LOOK;
		if (span->reach < value)
			return;
		stab(s, x, low, middle, value, rule, best);
		if (span->first > value)
			return;
		if (span->last >= value)
			consider(s, span->rule, rule, best);
		low = middle + 1;
	}
}

static __u32 first_cover(struct search *s, __u32 rule)
{
	const struct rule *r = &s->filter->rules[rule];
	__u32 best = SHADOW_NONE;

	for (size_t i = 0; i < s->others_count && s->others[i] < rule && s->others[i] < best; i++) {
		s->effort -= EFFORT_LOOK;
		consider(s, s->others[i], rule, &best);
	}
	for (__u32 left = s->fields[rule]; left; left &= left - 1) {
		int field = __builtin_ctz(left);
		const struct match *m = &r->match[field];

		if (!m->negated && m->ranges_count)
			stab(s, &s->index[field], 0, s->index[field].count,
			     range_first(&m->ranges[0]), rule, &best);
	}
	return best;
}

long shadow_find(const struct filter *f, __u32 *shadow)
{
	OWN(close_search) struct search s = {};
	long rule = 0;

	for (size_t i = 0; i < f->rules_count; i++)
		shadow[i] = SHADOW_NONE;
	if (open_search(&s, f))
		return -ENOMEM;
	/* A count that ran out half-way through a rule has still found no wrong one. */
	for (; rule < (long)f->rules_count && s.effort > 0; rule++)
		shadow[rule] = first_cover(&s, rule);
	return rule;
}

void shadow_find_slowly(const struct filter *f, __u32 *shadow)
{
	for (size_t i = 0; i < f->rules_count; i++) {
		__u32 before = 0;

		while (before < i && !(action_decides(f->rules[before].action) &&
				       rule_covers(&f->rules[before], &f->rules[i])))
			before++;
		shadow[i] = before < i ? before : SHADOW_NONE;
	}
}
