// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_cond.h"

#include <fnmatch.h>
#include <string.h>

#include "interface_name.h"
#include "print.h"

#define MAC_LAST (((u128)1 << 48) - 1)

u128 import_field_most(int field)
{
	switch (field) {
	case WEIR_FIELD_SADDR:
	case WEIR_FIELD_DADDR:
		return ~(u128)0;
	case WEIR_FIELD_PROTO:
	case WEIR_FIELD_ICMP_TYPE:
	case WEIR_FIELD_ICMP_CODE:
	case WEIR_FIELD_TTL:
	case IMPORT_FLAGS:
		return 255;
	case WEIR_FIELD_DSCP:
		return 63;
	case WEIR_FIELD_LENGTH:
		return 40 + 65535; /* IPv6 counts its payload alone */
	case WEIR_FIELD_VLAN:
		return 4095;
	case WEIR_FIELD_SMAC:
	case WEIR_FIELD_DMAC:
		return MAC_LAST;
	case WEIR_FIELD_FRAGMENT:
	case WEIR_FIELD_ESTABLISHED:
		return 1;
	default:
		return 65535;
	}
}

const char *import_field_name(int field)
{
	return field == IMPORT_FLAGS ? "flags" : print_field[field];
}

bool import_field_always(int field)
{
	switch (field) {
	case WEIR_FIELD_SADDR:
	case WEIR_FIELD_DADDR:
	case WEIR_FIELD_PROTO:
	case WEIR_FIELD_LENGTH:
	case WEIR_FIELD_TTL:
	case WEIR_FIELD_DSCP:
	case WEIR_FIELD_ETHERTYPE:
	case WEIR_FIELD_IFACE:
	case WEIR_FIELD_FRAGMENT:
	case WEIR_FIELD_ESTABLISHED:
		return true;
	default:
		return false;
	}
}

static const range everything = { 0, 0, ~0ULL, ~0ULL };

static struct import_cond *new_cond(struct importer *im)
{
	struct import_cond *c = import_alloc(im->memory, sizeof(*c));

	c->ranges = &everything;
	c->ranges_count = 1;
	return c;
}

const struct import_cond *import_cond_ranges(struct importer *im, range *ranges, size_t count)
{
	struct import_cond *c = new_cond(im);
	size_t kept = ranges_normalise(ranges, count);
	range *copy = import_alloc(im->memory, kept * sizeof(*copy));

	if (kept)
		memcpy(copy, ranges, kept * sizeof(*copy));
	c->ranges = copy;
	c->ranges_count = kept;
	return c;
}

const struct import_cond *import_cond_number(struct importer *im, u128 first, u128 last)
{
	range r;

	range_set(&r, first, last);
	return import_cond_ranges(im, &r, 1);
}

const struct import_cond *import_cond_names(struct importer *im, const char *const *names,
					    size_t count)
{
	struct import_cond *c = new_cond(im);
	const char **copy = import_alloc(im->memory, count * sizeof(*copy));

	if (count)
		memcpy(copy, names, count * sizeof(*copy));
	c->names = copy;
	c->names_count = count;
	return c;
}

const struct import_cond *import_cond_set(struct importer *im, int field, struct import_set *s)
{
	struct import_cond *c = new_cond(im);

	(void)field;
	c->in = s;
	return c;
}

const struct import_cond *import_cond_complement(struct importer *im, const struct import_cond *c,
						 u128 most)
{
	struct import_cond *out = new_cond(im);
	range *list = import_alloc(im->memory, (c->ranges_count + 1) * sizeof(*list));
	size_t count = 0;
	u128 next = 0;

	for (size_t i = 0; i < c->ranges_count; i++) {
		u128 first = range_first(&c->ranges[i]), last = range_last(&c->ranges[i]);

		if (first > next)
			range_set(&list[count++], next, first - 1);
		if (last >= most) {
			next = 0;
			goto done;
		}
		next = last + 1;
	}
	range_set(&list[count++], next, most);
done:
	out->ranges = list;
	out->ranges_count = count;
	return out;
}

static bool covers(const struct import_cond *c, int field)
{
	return c->ranges_count == 1 && !range_first(c->ranges) &&
	       range_last(c->ranges) >= import_field_most(field);
}

const struct import_cond *import_cond_not(struct importer *im, int field,
					  const struct import_cond *c)
{
	unsigned int parts = !covers(c, field) + (c->in != NULL) + (c->names != NULL);
	struct import_cond *out;

	if (c->not_in_count || c->not_names_count || parts > 1)
		return NULL;
	if (!c->in && !c->names)
		return import_cond_complement(im, c, import_field_most(field));
	out = new_cond(im);
	out->not_names = c->names;
	out->not_names_count = c->names_count;
	if (c->in) {
		const struct import_set **one = import_alloc(im->memory, sizeof(*one));

		*one = c->in;
		out->not_in = one;
		out->not_in_count = 1;
	}
	return out;
}

/* @a and @b are canonical; the intersection is, too, but for adjacent ranges, which stay. */
static void intersect(struct importer *im, struct import_cond *out, const struct import_cond *a,
		      const struct import_cond *b)
{
	range *list = import_alloc(im->memory, (a->ranges_count + b->ranges_count) * sizeof(*list));
	size_t count = 0, i = 0, j = 0;

	while (i < a->ranges_count && j < b->ranges_count) {
		u128 first = range_first(&a->ranges[i]), last = range_last(&a->ranges[i]);
		u128 other = range_last(&b->ranges[j]);

		if (range_first(&b->ranges[j]) > first)
			first = range_first(&b->ranges[j]);
		if (other <= last)
			j++;
		else
			i++;
		last = other < last ? other : last;
		if (first <= last)
			range_set(&list[count++], first, last);
	}
	out->ranges = list;
	out->ranges_count = count;
}

static bool fits_any(const char *name, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(name, patterns[i]) || !fnmatch(patterns[i], name, 0))
			return true;
	}
	return false;
}

/* Those names of @a that @b allows; false when patterns overlap in ways that cannot be told. */
static bool filter_names(struct importer *im, struct import_cond *out, const struct import_cond *a,
			 const struct import_cond *b)
{
	const char **kept = import_alloc(im->memory, a->names_count * sizeof(*kept));
	size_t count = 0;

	for (size_t i = 0; i < a->names_count; i++) {
		const char *name = a->names[i];

		if (interface_name_is_pattern(name) &&
		    (b->not_names || !fits_any(name, b->names, b->names_count)))
			return false;
		if (b->names && !fits_any(name, b->names, b->names_count))
			continue;
		if (!fits_any(name, b->not_names, b->not_names_count))
			kept[count++] = name;
	}
	out->names = kept;
	out->names_count = count;
	out->not_names = NULL;
	out->not_names_count = 0;
	return true;
}

#define APPEND_LISTS(im, a, a_count, b, b_count)                                         \
	({                                                                               \
		size_t sum = (a_count) + (b_count);                                      \
		__typeof__(*(a)) *list = import_alloc((im)->memory, sum * sizeof(*(a))); \
		size_t kept = 0;                                                         \
                                                                                         \
		for (size_t at = 0; at < (a_count); at++)                                \
			memcpy((void *)&list[kept++], &(a)[at], sizeof(*(a)));           \
		for (size_t at = 0; at < (b_count); at++)                                \
			memcpy((void *)&list[kept++], &(b)[at], sizeof(*(a)));           \
		list;                                                                    \
	})

static bool join_names(struct importer *im, struct import_cond *out, const struct import_cond *a,
		       const struct import_cond *b)
{
	if (a->names)
		return filter_names(im, out, a, b) || (b->names && filter_names(im, out, b, a));
	if (b->names)
		return filter_names(im, out, b, a);
	out->not_names = APPEND_LISTS(im, a->not_names, a->not_names_count, b->not_names,
				      b->not_names_count);
	out->not_names_count = a->not_names_count + b->not_names_count;
	return true;
}

static enum import_joined join(struct importer *im, int field, const struct import_cond *a,
			       const struct import_cond *b, const struct import_cond **joined)
{
	struct import_cond *out = new_cond(im);

	if (a->in && b->in && a->in != b->in)
		return IMPORT_UNABLE;
	if (!join_names(im, out, a, b))
		return IMPORT_UNABLE;
	intersect(im, out, a, b);
	if (!out->ranges_count || (out->names && !out->names_count))
		return IMPORT_NEVER;
	out->in = a->in ? a->in : b->in;
	out->not_in = APPEND_LISTS(im, a->not_in, a->not_in_count, b->not_in, b->not_in_count);
	out->not_in_count = a->not_in_count + b->not_in_count;
	if (out->in &&
	    (out->not_in_count || out->names || out->not_names_count || !covers(out, field)))
		return IMPORT_UNABLE;
	if (out->names && out->not_in_count)
		return IMPORT_UNABLE;
	*joined = out;
	return IMPORT_JOINED;
}

enum import_joined import_match_add(struct importer *im, struct import_match *m, int field,
				    const struct import_cond *c)
{
	if (!c)
		return IMPORT_UNABLE;
	if (m->cond[field])
		return m->cond[field] == c ? IMPORT_JOINED
					   : join(im, field, m->cond[field], c, &m->cond[field]);
	if (!c->ranges_count || (c->names && !c->names_count))
		return IMPORT_NEVER;
	m->cond[field] = c;
	return IMPORT_JOINED;
}

enum import_joined import_match_join(struct importer *im, struct import_match *m,
				     const struct import_match *more)
{
	struct import_match joined = *m;

	for (int f = 0; f < IMPORT_FIELDS; f++) {
		enum import_joined done = more->cond[f]
						  ? import_match_add(im, &joined, f, more->cond[f])
						  : IMPORT_JOINED;

		if (done != IMPORT_JOINED)
			return done;
	}
	*m = joined;
	return IMPORT_JOINED;
}

/* Every range of @a lies in one of @b; both are canonical. */
static bool ranges_within(const struct import_cond *a, const struct import_cond *b)
{
	size_t j = 0;

	for (size_t i = 0; i < a->ranges_count; i++) {
		while (j < b->ranges_count &&
		       range_last(&b->ranges[j]) < range_first(&a->ranges[i]))
			j++;
		if (j == b->ranges_count ||
		    range_first(&b->ranges[j]) > range_first(&a->ranges[i]) ||
		    range_last(&b->ranges[j]) < range_last(&a->ranges[i]))
			return false;
	}
	return true;
}

static bool lists_hold(const struct import_cond *a, const struct import_cond *b)
{
	for (size_t i = 0; i < b->not_in_count; i++) {
		bool found = false;

		for (size_t j = 0; j < a->not_in_count; j++)
			found |= a->not_in[j] == b->not_in[i];
		if (!found)
			return false;
	}
	for (size_t i = 0; i < b->not_names_count; i++) {
		if (!fits_any(b->not_names[i], a->not_names, a->not_names_count))
			return false;
	}
	for (size_t i = 0; b->names && i < a->names_count; i++) {
		if (!fits_any(a->names[i], b->names, b->names_count))
			return false;
	}
	return !b->names || a->names;
}

bool import_match_within(const struct import_match *a, const struct import_match *b)
{
	for (int f = 0; f < IMPORT_FIELDS; f++) {
		const struct import_cond *x = a->cond[f], *y = b->cond[f];

		if (!y)
			continue;
		if (!x || !ranges_within(x, y) || (y->in && x->in != y->in) || !lists_hold(x, y))
			return false;
	}
	return true;
}

static bool names_apart(const struct import_cond *a, const struct import_cond *b)
{
	if (!a->names || !b->names)
		return false;
	for (size_t i = 0; i < a->names_count; i++) {
		for (size_t j = 0; j < b->names_count; j++) {
			if (interface_name_is_pattern(a->names[i]) ||
			    interface_name_is_pattern(b->names[j]) ||
			    !strcmp(a->names[i], b->names[j]))
				return false;
		}
	}
	return true;
}

bool import_match_apart(const struct import_match *a, const struct import_match *b)
{
	for (int f = 0; f < IMPORT_FIELDS; f++) {
		const struct import_cond *x = a->cond[f], *y = b->cond[f];
		size_t i = 0, j = 0;
		bool meet = false;

		if (!x || !y)
			continue;
		while (!meet && i < x->ranges_count && j < y->ranges_count) {
			meet = range_first(&x->ranges[i]) <= range_last(&y->ranges[j]) &&
			       range_first(&y->ranges[j]) <= range_last(&x->ranges[i]);
			if (range_last(&x->ranges[i]) < range_last(&y->ranges[j]))
				i++;
			else
				j++;
		}
		if (!meet || names_apart(x, y))
			return true;
	}
	return false;
}

bool import_match_empty(const struct import_match *m)
{
	for (int f = 0; f < IMPORT_FIELDS; f++) {
		if (m->cond[f])
			return false;
	}
	return true;
}
