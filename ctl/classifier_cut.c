// SPDX-License-Identifier: GPL-2.0-or-later
#include "classifier_cut.h"

#include <stdlib.h>
#include <string.h>

/* Terms that are looked at to find cuts; more of them cost time and change little. */
#define SAMPLE_TERMS 256

/* The terms looked at, and the borders that they have within the box, in one key. */
struct sample {
	const struct boxed *terms;
	const __u32 *list;
	__u32 count;
	__u32 step; /* every so many of the list */
	__u32 border[2 * SAMPLE_TERMS]; /* the last value on the left of each, sorted */
	__u32 borders;
};

static const struct box *sampled(const struct sample *s, __u32 i)
{
	return &s->terms[s->list[i * s->step]].box;
}

static int ascending(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

static void sort(__u32 *list, __u32 count)
{
	if (count > 24) {
		qsort(list, count, sizeof(*list), ascending);
		return;
	}
	for (__u32 i = 1; i < count; i++) {
		__u32 value = list[i], at = i;

		for (; at && list[at - 1] > value; at--)
			list[at] = list[at - 1];
		list[at] = value;
	}
}

static void find_borders(struct sample *s, const struct box *box, int key)
{
	s->borders = 0;
	for (__u32 i = 0; i < s->count; i++) {
		const struct box *term = sampled(s, i);

		if (term->first[key] > box->first[key])
			s->border[s->borders++] = term->first[key] - 1;
		if (term->last[key] < box->last[key])
			s->border[s->borders++] = term->last[key];
	}
	sort(s->border, s->borders);
}

/* @wanted cuts, or fewer, with about as many borders between any two of them. */
static void place_cuts(const struct sample *s, __u32 wanted, struct cut *cut)
{
	cut->count = 0;
	for (__u32 i = 1; i <= wanted; i++) {
		__u32 at = s->border[(__u64)s->borders * i / (wanted + 1)];

		if (!cut->count || at > cut->at[cut->count - 1])
			cut->at[cut->count++] = at;
	}
}

/* Distinct borders, if there are no more than a node has cuts for. */
static bool place_all(const struct sample *s, struct cut *cut)
{
	cut->count = 0;
	for (__u32 i = 0; i < s->borders; i++) {
		if (cut->count && s->border[i] == cut->at[cut->count - 1])
			continue;
		if (cut->count == WEIR_NODE_CUTS)
			return false;
		cut->at[cut->count++] = s->border[i];
	}
	return true;
}

static __u32 child_of(const struct cut *cut, __u32 value)
{
	__u32 child = 0;

	for (__u32 i = 0; i < cut->count; i++)
		child += value > cut->at[i];
	return child;
}

/* How many terms of the sample each child has. */
static void count_children(const struct sample *s, const struct cut *cut,
			   __u32 sizes[WEIR_NODE_CHILDREN])
{
	__u32 begin[WEIR_NODE_CHILDREN + 1] = {}, end[WEIR_NODE_CHILDREN + 1] = {};
	__u32 inside = 0;

	for (__u32 i = 0; i < s->count; i++) {
		const struct box *term = sampled(s, i);

		begin[child_of(cut, term->first[cut->key])]++;
		end[child_of(cut, term->last[cut->key])]++;
	}
	for (__u32 child = 0; child <= cut->count; child++) {
		inside += begin[child];
		sizes[child] = inside;
		inside -= end[child];
	}
}

/*
 * What a cut leaves: terms that a packet still meets, on average over the
 * terms. 0 where the cut copies more than it is worth or tells nothing apart.
 */
static double cost_of(const struct sample *s, const struct cut *cut, double copies_max)
{
	__u32 sizes[WEIR_NODE_CHILDREN], largest = 0;
	double sum = 0, squares = 0;

	count_children(s, cut, sizes);
	for (__u32 child = 0; child <= cut->count; child++) {
		sum += sizes[child];
		squares += (double)sizes[child] * sizes[child];
		if (sizes[child] > largest)
			largest = sizes[child];
	}
	if (largest >= s->count || sum > copies_max * s->count)
		return 0;
	return squares / s->count;
}

/* As many cuts as pay; fewer where many copy too much. */
static double cut_key(const struct sample *s, double copies_max, struct cut *cut)
{
	static const __u32 tries[] = { WEIR_NODE_CUTS, 7, 3, 1 };
	double cost;

	if (!s->borders)
		return 0;
	if (place_all(s, cut)) {
		cost = cost_of(s, cut, copies_max);
		if (cost > 0)
			return cost;
	}
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		place_cuts(s, tries[i], cut);
		cost = cost_of(s, cut, copies_max);
		if (cost > 0)
			return cost;
	}
	return 0;
}

bool cut_choose(const struct boxed *terms, const __u32 *list, __u32 count, const struct box *box,
		struct cut *cut)
{
	struct sample s = { .terms = terms, .list = list };
	double best = 0, copies_max = count > 64 ? 1.5 : 2.5;

	s.step = (count + SAMPLE_TERMS - 1) / SAMPLE_TERMS;
	s.count = count / s.step;
	for (int key = 0; key < WEIR_KEY_COUNT; key++) {
		struct cut candidate = { .key = key };
		double cost;

		find_borders(&s, box, key);
		cost = cut_key(&s, copies_max, &candidate);
		if (cost > 0 && (best == 0 || cost < best)) {
			best = cost;
			*cut = candidate;
		}
	}
	return best > 0;
}
