// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether one rule covers another.
 */
#include <fnmatch.h>
#include <string.h>

#include "judge.h"
#include "ranges.h"
#include "shadow.h"

/* Both canonical: each of @inner must lie in one of @outer. */
static bool ranges_within(const range *inner, size_t inner_count, const range *outer,
			  size_t outer_count)
{
	size_t o = 0;

	for (size_t i = 0; i < inner_count; i++) {
		while (o < outer_count && range_last(&outer[o]) < range_first(&inner[i]))
			o++;
		if (o == outer_count || range_first(&outer[o]) > range_first(&inner[i]) ||
		    range_last(&outer[o]) < range_last(&inner[i]))
			return false;
	}
	return true;
}

static bool ranges_disjoint(const range *a, size_t a_count, const range *b, size_t b_count)
{
	size_t i = 0, j = 0;

	while (i < a_count && j < b_count) {
		if (range_last(&a[i]) < range_first(&b[j]))
			i++;
		else if (range_last(&b[j]) < range_first(&a[i]))
			j++;
		else
			return false;
	}
	return true;
}

static bool names_within(char *const *inner, size_t inner_count, char *const *outer,
			 size_t outer_count)
{
	for (size_t i = 0; i < inner_count; i++) {
		size_t o = 0;

		while (o < outer_count && strcmp(inner[i], outer[o]) != 0)
			o++;
		if (o == outer_count)
			return false;
	}
	return true;
}

/* A set of addresses with ports also wants ports: with one, only the same sets will do. */
static bool sets_within(const struct match *inner, const struct match *outer)
{
	return names_within(inner->sets, inner->sets_count, outer->sets, outer->sets_count) &&
	       (inner->sets_count || !outer->sets_count);
}

/* Whether what holds for @b holds for @a: values of a field, and sets by their names. */
static bool match_covers(const struct match *a, const struct match *b)
{
	if (a->negated != b->negated)
		return a->negated && !a->sets_count && !b->sets_count &&
		       ranges_disjoint(a->ranges, a->ranges_count, b->ranges, b->ranges_count);
	if (a->negated) {
		const struct match *swap = a;

		a = b;
		b = swap;
	}
	return ranges_within(b->ranges, b->ranges_count, a->ranges, a->ranges_count) &&
	       sets_within(b, a);
}

static bool interfaces_cover(const struct rule *a, const struct rule *b)
{
	const struct match *x = &a->match[WEIR_FIELD_IFACE], *y = &b->match[WEIR_FIELD_IFACE];
	const struct rule *inner = x->negated ? a : b, *outer = x->negated ? b : a;

	return x->negated == y->negated &&
	       names_within(inner->interfaces, inner->interfaces_count, outer->interfaces,
			    outer->interfaces_count) &&
	       names_within(inner->match[WEIR_FIELD_IFACE].sets,
			    inner->match[WEIR_FIELD_IFACE].sets_count,
			    outer->match[WEIR_FIELD_IFACE].sets,
			    outer->match[WEIR_FIELD_IFACE].sets_count);
}

static bool flags_cover(const struct tcp_flags_match *a, const struct tcp_flags_match *b)
{
	if (!a->present)
		return true;
	if (!b->present)
		return false;
	if (b->negated)
		return a->negated && a->mask == b->mask && a->value == b->value;
	if (a->negated)
		return ((a->value ^ b->value) & a->mask & b->mask) != 0;
	return !(a->mask & ~b->mask) && (b->value & a->mask) == a->value;
}

static bool expr_covers(const struct expr_match *a, const struct expr_match *b)
{
	if (!a->text)
		return true;
	return b->text && a->negated == b->negated && !strcmp(a->text, b->text);
}

bool rule_covers(const struct rule *a, const struct rule *b)
{
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		if (!a->match[f].present)
			continue;
		if (!b->match[f].present)
			return false;
		if (f == WEIR_FIELD_IFACE ? !interfaces_cover(a, b)
					  : !match_covers(&a->match[f], &b->match[f]))
			return false;
	}
	/* Frames that are not IP pass by @a, and meet @b. */
	if (!rule_is_ethernet(a) && rule_is_ethernet(b) && !rule_is_ip_only(b))
		return false;
	return flags_cover(&a->tcp_flags, &b->tcp_flags) && expr_covers(&a->expr, &b->expr);
}
