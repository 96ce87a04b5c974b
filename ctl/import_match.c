// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_match.h"

#include <netinet/in.h>

/* The only family that a condition on addresses can hold for, or 0. */
static unsigned int family_of(const struct import_cond *c)
{
	unsigned int families = 0;

	if (!c)
		return 0;
	if (c->in && c->in->families && c->in->families != (IMPORT_V4 | IMPORT_V6))
		return c->in->families;
	for (size_t i = 0; i < c->ranges_count; i++) {
		if (range_first(&c->ranges[i]) <= V4_LAST && range_last(&c->ranges[i]) >= V4_FIRST)
			families |= IMPORT_V4;
		if (range_first(&c->ranges[i]) < V4_FIRST || range_last(&c->ranges[i]) > V4_LAST)
			families |= IMPORT_V6;
	}
	return families == (IMPORT_V4 | IMPORT_V6) ? 0 : families;
}

static bool is_only(const struct import_cond *c, u128 number)
{
	return c && !c->in && !c->not_in_count && c->ranges_count == 1 &&
	       range_first(c->ranges) == number && range_last(c->ranges) == number;
}

static bool holds(const struct import_cond *c, u128 number)
{
	for (size_t i = 0; i < c->ranges_count; i++) {
		if (range_first(&c->ranges[i]) <= number && number <= range_last(&c->ranges[i]))
			return true;
	}
	return false;
}

unsigned int import_match_family(const struct import_match *m)
{
	unsigned int from = family_of(m->cond[WEIR_FIELD_SADDR]);
	unsigned int to = family_of(m->cond[WEIR_FIELD_DADDR]);
	const struct import_cond *proto = m->cond[WEIR_FIELD_PROTO];

	if (from || to)
		return from ? from : to;
	return is_only(proto, IPPROTO_ICMP)	? IMPORT_V4
	       : is_only(proto, IPPROTO_ICMPV6) ? IMPORT_V6
						: 0;
}

static bool may_have_ports(const struct import_cond *proto)
{
	static const __u8 with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP,
					   IPPROTO_UDPLITE };

	for (size_t i = 0; proto && i < sizeof(with_ports); i++) {
		if (holds(proto, with_ports[i]))
			return true;
	}
	return !proto;
}

static bool compares_pairs(const struct import_cond *c)
{
	bool pairs = c && c->in && c->in->type == SET_ADDRESS_PORT;

	for (size_t i = 0; c && i < c->not_in_count; i++)
		pairs |= c->not_in[i]->type == SET_ADDRESS_PORT;
	return pairs;
}

bool import_match_has_pairs(const struct import_match *m)
{
	return compares_pairs(m->cond[WEIR_FIELD_SADDR]) ||
	       compares_pairs(m->cond[WEIR_FIELD_DADDR]);
}

/* A field of IP or above, which other frames do not have. */
static bool asks_for_ip(const struct import_match *m)
{
	for (int f = 0; f < IMPORT_FIELDS; f++) {
		switch (f) {
		case WEIR_FIELD_ETHERTYPE:
		case WEIR_FIELD_SMAC:
		case WEIR_FIELD_DMAC:
		case WEIR_FIELD_VLAN:
		case WEIR_FIELD_IFACE:
			break;
		default:
			if (m->cond[f])
				return true;
		}
	}
	return false;
}

const char *import_match_unable(const struct import_match *m)
{
	bool ports = m->cond[WEIR_FIELD_SPORT] || m->cond[WEIR_FIELD_DPORT];

	if ((ports || import_match_has_pairs(m)) && !may_have_ports(m->cond[WEIR_FIELD_PROTO]))
		return "weir knows no ports of its protocol";
	if (m->cond[WEIR_FIELD_ICMP_CODE] && !m->cond[WEIR_FIELD_ICMP_TYPE])
		return "weir compares an ICMP code where it compares the type, too";
	return NULL;
}

unsigned int import_match_families(const struct import_match *m)
{
	const struct import_cond *ethertype = m->cond[WEIR_FIELD_ETHERTYPE];
	unsigned int family = import_match_family(m);

	if (family)
		return family;
	return (!ethertype || holds(ethertype, ETHERTYPE_IP4) ? IMPORT_V4 : 0) |
	       (!ethertype || holds(ethertype, ETHERTYPE_IP6) ? IMPORT_V6 : 0);
}

enum import_joined import_match_simplify(struct import_match *m)
{
	unsigned int from = family_of(m->cond[WEIR_FIELD_SADDR]);
	unsigned int to = family_of(m->cond[WEIR_FIELD_DADDR]);
	unsigned int family = import_match_family(m);

	if (from && to && from != to)
		return IMPORT_NEVER;
	if (asks_for_ip(m) && !import_match_families(m))
		return IMPORT_NEVER;
	if (!family || !m->cond[WEIR_FIELD_ETHERTYPE])
		return IMPORT_JOINED;
	if (!holds(m->cond[WEIR_FIELD_ETHERTYPE],
		   family == IMPORT_V4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6))
		return IMPORT_NEVER;
	m->cond[WEIR_FIELD_ETHERTYPE] = NULL;
	return IMPORT_JOINED;
}
