// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules that cannot match, and what is allowed but hardly meant. */
#include "parser_check.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "ranges.h"

#define ND_FIRST 133 /* RFC 4861: router solicitation */
#define ND_NEIGHBOUR 135
#define ND_ADVERTISEMENT 136

#define FAMILY_V4 1U
#define FAMILY_V6 2U
#define FAMILY_BOTH (FAMILY_V4 | FAMILY_V6)

static unsigned int families_of(const range *ranges, size_t count)
{
	unsigned int families = 0;

	for (size_t i = 0; i < count && families != FAMILY_BOTH; i++) {
		if (range_first(&ranges[i]) <= V4_LAST && range_last(&ranges[i]) >= V4_FIRST)
			families |= FAMILY_V4;
		if (range_first(&ranges[i]) < V4_FIRST || range_last(&ranges[i]) > V4_LAST)
			families |= FAMILY_V6;
	}
	return families;
}

/* Families that a match can hold for; an empty set may be filled later. */
static unsigned int match_families(const struct name_index *sets, const unsigned int *set_families,
				   const struct match *m)
{
	unsigned int families;

	if (!m->present || m->negated)
		return FAMILY_BOTH;
	families = families_of(m->ranges, m->ranges_count);
	for (size_t i = 0; i < m->sets_count && families != FAMILY_BOTH; i++) {
		const struct named *found = name_index_find(sets, m->sets[i]);
		unsigned int held = found ? set_families[found->index] : 0;

		families |= held ? held : FAMILY_BOTH;
	}
	return families;
}

void check_families(struct build *b, const struct name_index *sets)
{
	const struct model *m = &b->model;
	OWN_FREE unsigned int *families = calloc(m->sets_count + 1, sizeof(*families));

	if (!families) {
		b->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < m->sets_count; i++)
		families[i] = families_of(m->sets[i].elements, m->sets[i].elements_count);
	for (size_t f = 0; f < m->filters_count; f++) {
		for (size_t i = 0; i < m->filters[f].rules_count; i++) {
			const struct rule *r = &m->filters[f].rules[i];
			const struct match *to = &r->match[WEIR_FIELD_DADDR];
			unsigned int source =
				match_families(sets, families, &r->match[WEIR_FIELD_SADDR]);
			unsigned int target = match_families(sets, families, to);

			/* none at all: the values were refused already */
			if ((source & target) || !source || !target)
				continue;
			b->failed = false;
			build_error(b, build_loc(b, to->at), NULL,
				    "rule %s can never match; saddr is IPv%d only and daddr IPv%d "
				    "only",
				    r->name, source == FAMILY_V4 ? 4 : 6,
				    target == FAMILY_V4 ? 4 : 6);
		}
	}
}

static bool holds_for(const struct match *m, unsigned int number)
{
	bool inside = false;

	for (size_t i = 0; i < m->ranges_count; i++)
		inside |= m->ranges[i].first_lo <= number && number <= m->ranges[i].last_lo;
	return !m->present || inside != m->negated;
}

static bool may_be_v6(const struct match *m)
{
	return !m->present || m->negated || m->sets_count ||
	       (families_of(m->ranges, m->ranges_count) & FAMILY_V6);
}

static bool passes_neighbours(const struct rule *r)
{
	return r->action == WEIR_ACTION_PASS && !r->tcp_flags.present &&
	       holds_for(&r->match[WEIR_FIELD_PROTO], IPPROTO_ICMPV6) &&
	       (holds_for(&r->match[WEIR_FIELD_ICMP_TYPE], ND_NEIGHBOUR) ||
		holds_for(&r->match[WEIR_FIELD_ICMP_TYPE], ND_ADVERTISEMENT)) &&
	       !r->match[WEIR_FIELD_SPORT].present && !r->match[WEIR_FIELD_DPORT].present &&
	       may_be_v6(&r->match[WEIR_FIELD_SADDR]) && may_be_v6(&r->match[WEIR_FIELD_DADDR]);
}

static bool is_used(const struct model *m, const struct filter *f)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (!strcmp(m->interfaces[i].filter, f->name))
			return true;
	}
	return false;
}

static void warn_filter(struct build *b, const struct filter *f)
{
	if (!is_used(&b->model, f)) {
		build_warn(b, f->loc, NULL,
			   "no interface uses filter %s; write \"filter %s\" in an interface",
			   f->name, f->name);
		return;
	}
	if (f->default_action != WEIR_ACTION_DROP)
		return;
	for (size_t i = 0; i < f->rules_count; i++) {
		if (passes_neighbours(&f->rules[i]))
			return;
	}
	build_warn(b, f->loc, NULL,
		   "filter %s drops by default and passes no IPv6 neighbour discovery, so IPv6 "
		   "will stop; add \"rule nd pass icmpv6 type %d-137\"",
		   f->name, ND_FIRST);
}

static void warn_interface(struct build *b, const struct interface *i)
{
	if (i->balance && !b->model.services_count)
		build_warn(b, i->loc, NULL,
			   "interface %s balances, but there is no service; add one", i->pattern);
	if (i->xdp == XDP_MODE_NONE && i->tc == TC_MODE_NONE)
		build_warn(b, i->loc, NULL,
			   "interface %s does nothing; add \"filter NAME\", \"balance\" or "
			   "\"measure\"",
			   i->pattern);
}

void check_warn(struct build *b)
{
	const struct model *m = &b->model;
	bool balances = false;

	for (size_t i = 0; i < m->interfaces_count; i++) {
		balances |= m->interfaces[i].balance;
		warn_interface(b, &m->interfaces[i]);
	}
	for (size_t i = 0; i < m->filters_count; i++)
		warn_filter(b, &m->filters[i]);
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		if (!balances)
			build_warn(b, s->loc, NULL,
				   "no interface balances service %s; write \"balance\" in one",
				   s->name);
		else if (!s->backends_count)
			build_warn(b, s->loc, NULL,
				   "service %s has no backend, so its packets are dropped; add "
				   "\"backend NAME ADDR\"",
				   s->name);
	}
}
