// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules whose conditions no packet fulfils together. */
#include <net/ethernet.h>
#include <netinet/in.h>

#include "parser_check.h"
#include "print.h"
#include "ranges.h"

unsigned int ranges_families(const range *ranges, size_t count)
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

static bool holds(const struct match *m, unsigned int number)
{
	return !m->present || ranges_hold(m->ranges, m->ranges_count, number) != m->negated;
}

unsigned int ethertype_families(const struct rule *r)
{
	const struct match *m = &r->match[WEIR_FIELD_ETHERTYPE];

	return (holds(m, ETHERTYPE_IP) ? FAMILY_V4 : 0) |
	       (holds(m, ETHERTYPE_IPV6) ? FAMILY_V6 : 0);
}

unsigned int protocol_families(const struct rule *r)
{
	const struct match *m = &r->match[WEIR_FIELD_PROTO];

	return match_is_only(m, IPPROTO_ICMP)	  ? FAMILY_V4
	       : match_is_only(m, IPPROTO_ICMPV6) ? FAMILY_V6
						  : FAMILY_BOTH;
}

/* Whether a field is of IP or above; frames that are not IP have none of these. */
static bool is_of_ip(enum weir_field field)
{
	switch (field) {
	case WEIR_FIELD_ETHERTYPE:
	case WEIR_FIELD_SMAC:
	case WEIR_FIELD_DMAC:
	case WEIR_FIELD_VLAN:
	case WEIR_FIELD_IFACE:
		return false;
	default:
		return true;
	}
}

/* Families that a match can hold for; a set may get elements of both while it works. */
static unsigned int match_families(const struct match *m)
{
	if (!m->present || m->negated || m->sets_count)
		return FAMILY_BOTH;
	return ranges_families(m->ranges, m->ranges_count);
}

static int number_of(unsigned int family)
{
	return family == FAMILY_V4 ? 4 : 6;
}

static void check_addresses(struct build *b, const struct rule *r)
{
	unsigned int ether = ethertype_families(r);
	unsigned int before = FAMILY_BOTH;
	int who = -1;

	for (int f = WEIR_FIELD_SADDR; f <= WEIR_FIELD_DADDR; f++) {
		const struct match *m = &r->match[f];
		unsigned int families = match_families(m);

		if (!families) /* the values were refused already */
			return;
		if (!(families & before) || (ether && !(families & ether))) {
			b->failed = false;
			build_error(b, build_loc(b, m->at), NULL,
				    "rule %s can never match; %s is IPv%d only and %s IPv%d only",
				    r->name, families & before ? "ethertype" : print_field[who],
				    number_of(families & before ? ether : before), print_field[f],
				    number_of(families));
			return;
		}
		if (families != FAMILY_BOTH) {
			before = families;
			who = f;
		}
	}
}

static void check_ethertype(struct build *b, const struct rule *r)
{
	const char *field = r->tcp_flags.present ? "flags" : NULL;

	for (int f = 0; f < WEIR_FIELD_COUNT && !field; f++) {
		if (r->match[f].present && is_of_ip((enum weir_field)f))
			field = print_field[f];
	}
	if (!field || ethertype_families(r))
		return;
	b->failed = false;
	build_error(b, build_loc(b, r->match[WEIR_FIELD_ETHERTYPE].at), NULL,
		    "rule %s can never match; only packets of ethertype ip and ip6 have what "
		    "\"%s\" looks at",
		    r->name, field);
}

/* A set of pairs compares the port as well. */
static void check_pairs(struct build *b, const struct name_index *sets, const struct rule *r,
			enum weir_field field)
{
	const struct match *m = &r->match[field];
	size_t pairs = 0;

	for (size_t i = 0; i < m->sets_count; i++) {
		const struct named *found = name_index_find(sets, m->sets[i]);

		pairs += found && b->model.sets[found->index].type == SET_ADDRESS_PORT;
	}
	if (!pairs || pairs != m->sets_count || m->ranges_count || rule_may_have_ports(r))
		return;
	b->failed = false;
	build_error(b, build_loc(b, m->at), NULL,
		    "rule %s can never match; @%s has ports and the rule's protocol has none",
		    r->name, m->sets[0]);
}

void check_families(struct build *b, const struct name_index *sets)
{
	const struct model *m = &b->model;

	for (size_t f = 0; f < m->filters_count; f++) {
		for (size_t i = 0; i < m->filters[f].rules_count; i++) {
			const struct rule *r = &m->filters[f].rules[i];

			if (r->match[WEIR_FIELD_ETHERTYPE].present)
				check_ethertype(b, r);
			check_addresses(b, r);
			check_pairs(b, sets, r, WEIR_FIELD_SADDR);
			check_pairs(b, sets, r, WEIR_FIELD_DADDR);
		}
	}
}
