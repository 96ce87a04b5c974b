// SPDX-License-Identifier: GPL-2.0-or-later
#include "classifier_cut.h"

#include <string.h>

/* Terms that are looked at to find cuts; more of them cost time and change little. */
#define SAMPLE_TERMS 256

/* The terms looked at, and where they begin and end within the box, in one key. */
struct sample {
	const struct boxed *terms;
	const __u32 *list;
	__u32 count;
	__u32 step; /* every so many of the list */
	/* The last value on the left of each, sorted. */
	__u32 start[SAMPLE_TERMS], end[SAMPLE_TERMS], border[2 * SAMPLE_TERMS];
	__u32 starts, ends, borders; /* a border is either */
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

/* @count is at most that of a sample. */
static void sort(__u32 *list, __u32 count)
{
	__u32 other[SAMPLE_TERMS], *from = list, *to = other;

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
	__u32 start = 0, end = 0;

	s->starts = s->ends = s->borders = 0;
	for (__u32 i = 0; i < s->count; i++) {
		const struct box *term = sampled(s, i);

		if (term->first[key] > box->first[key])
			s->start[s->starts++] = term->first[key] - 1;
		if (term->last[key] < box->last[key])
			s->end[s->ends++] = term->last[key];
	}
	sort(s->start, s->starts);
	sort(s->end, s->ends);
	while (start < s->starts || end < s->ends) {
		bool is_start =
			end == s->ends || (start < s->starts && s->start[start] < s->end[end]);

		s->border[s->borders++] = is_start ? s->start[start++] : s->end[end++];
	}
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

/*
 * How many terms of the sample each child has: those that begin in it or
 * before, without those that end before it.
 */
static void count_children(const struct sample *s, const struct cut *cut,
			   __u32 sizes[WEIR_NODE_CHILDREN])
{
	__u32 start = 0, end = 0;

	for (__u32 child = 0; child < cut->count; child++) {
		__u32 ended = end;

		while (start < s->starts && s->start[start] < cut->at[child])
			start++;
		while (end < s->ends && s->end[end] <= cut->at[child])
			end++;
		sizes[child] = s->count - s->starts + start - ended;
	}
	sizes[cut->count] = s->count - end;
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
