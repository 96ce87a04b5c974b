// SPDX-License-Identifier: GPL-2.0-or-later
#include "classifier_cut.h"

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

static void sort_few(__u32 *list, __u32 count)
{
	for (__u32 i = 1; i < count; i++) {
		__u32 value = list[i], at = i;

		for (; at && list[at - 1] > value; at--)
			list[at] = list[at - 1];
		list[at] = value;
	}
}

/* By the byte at @shift, from @list to @out; false where all have the same one. */
static bool sort_byte(const __u32 *list, __u32 count, int shift, __u32 *out)
{
	__u16 begin[256] = {}, sum = 0;

	for (__u32 i = 0; i < count; i++)
		begin[list[i] >> shift & 255]++;
	if (begin[list[0] >> shift & 255] == count)
		return false;
	for (int byte = 0; byte < 256; byte++) {
		__u16 here = begin[byte];

		begin[byte] = sum;
		sum += here;
	}
	for (__u32 i = 0; i < count; i++)
		out[begin[list[i] >> shift & 255]++] = list[i];
	return true;
}

/* @count is at most that of all borders of a sample. */
static void sort(__u32 *list, __u32 count)
{
	__u32 other[2 * SAMPLE_TERMS], *from = list, *to = other;

	if (count <= 32) {
		sort_few(list, count);
		return;
	}
	for (int shift = 0; shift < 32; shift += 8) {
		if (sort_byte(from, count, shift, to)) {
			__u32 *sorted = to;

			to = from;
			from = sorted;
		}
	}
	if (from != list)
		memcpy(list, from, count * sizeof(*list));
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

static void clear_cuts(struct cut *cut)
{
	cut->count = 0;
	memset(cut->at, 0xff, sizeof(cut->at));
}

/* @wanted cuts, or fewer, with about as many borders between any two of them. */
static void place_cuts(const struct sample *s, __u32 wanted, struct cut *cut)
{
	clear_cuts(cut);
	for (__u32 i = 1; i <= wanted; i++) {
		__u32 at = s->border[(__u64)s->borders * i / (wanted + 1)];

		if (!cut->count || at > cut->at[cut->count - 1])
			cut->at[cut->count++] = at;
	}
}

/* Distinct borders, if there are no more than a node has cuts for. */
static bool place_all(const struct sample *s, struct cut *cut)
{
	clear_cuts(cut);
	for (__u32 i = 0; i < s->borders; i++) {
		if (cut->count && s->border[i] == cut->at[cut->count - 1])
			continue;
		if (cut->count == WEIR_NODE_CUTS)
			return false;
		cut->at[cut->count++] = s->border[i];
	}
	return true;
}

/* How many terms of the sample each child has. */
static void count_children(const struct sample *s, const struct cut *cut,
			   __u32 sizes[WEIR_NODE_CHILDREN])
{
	__u32 begin[WEIR_NODE_CHILDREN + 1] = {}, end[WEIR_NODE_CHILDREN + 1] = {};
	__u32 inside = 0;

	for (__u32 i = 0; i < s->count; i++) {
		const struct box *term = sampled(s, i);

		begin[cut_child(cut, term->first[cut->key])]++;
		end[cut_child(cut, term->last[cut->key])]++;
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
		__u32 keys, struct cut *cut)
{
	struct sample s = { .terms = terms, .list = list };
	double best = 0, copies_max = count > 64 ? 1.5 : 2.5;

	s.step = (count + SAMPLE_TERMS - 1) / SAMPLE_TERMS;
	s.count = count / s.step;
	for (int key = 0; key < WEIR_KEY_COUNT; key++) {
		struct cut candidate = { .key = key };
		double cost;

		if (!(keys & 1U << key))
			continue;
		find_borders(&s, box, key);
		cost = cut_key(&s, copies_max, &candidate);
		if (cost > 0 && (best == 0 || cost < best)) {
			best = cost;
			*cut = candidate;
		}
	}
	return best > 0;
}
