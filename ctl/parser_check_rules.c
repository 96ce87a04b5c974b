// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules that cannot match, and what is allowed but hardly meant. */
#include "parser_check.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "ranges.h"

#define ND_FIRST 133 /* RFC 4861: router solicitation */
#define ND_NEIGHBOUR 135
#define ND_ADVERTISEMENT 136

static bool holds_for(const struct match *m, unsigned int number)
{
	return !m->present || ranges_hold(m->ranges, m->ranges_count, number) != m->negated;
}

static bool may_be_v6(const struct match *m)
{
	return !m->present || m->negated || m->sets_count ||
	       (ranges_families(m->ranges, m->ranges_count) & FAMILY_V6);
}

/* A host asks for its neighbours before it has any connection, in whole packets. */
static bool takes_first_packets(const struct rule *r)
{
	const struct match *established = &r->match[WEIR_FIELD_ESTABLISHED];
	const struct match *fragment = &r->match[WEIR_FIELD_FRAGMENT];

	return (!established->present || established->negated) &&
	       (!fragment->present || fragment->negated);
}

static bool passes_neighbours(const struct rule *r)
{
	return r->action == WEIR_ACTION_PASS && !r->tcp_flags.present && takes_first_packets(r) &&
	       (ethertype_families(r) & FAMILY_V6) &&
	       holds_for(&r->match[WEIR_FIELD_PROTO], IPPROTO_ICMPV6) &&
	       (holds_for(&r->match[WEIR_FIELD_ICMP_TYPE], ND_NEIGHBOUR) ||
		holds_for(&r->match[WEIR_FIELD_ICMP_TYPE], ND_ADVERTISEMENT)) &&
	       !r->match[WEIR_FIELD_SPORT].present && !r->match[WEIR_FIELD_DPORT].present &&
	       may_be_v6(&r->match[WEIR_FIELD_SADDR]) && may_be_v6(&r->match[WEIR_FIELD_DADDR]);
}

static bool is_used(const struct model *m, const struct filter *f)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (!strcmp(m->interfaces[i].filter, f->name) ||
		    !strcmp(m->interfaces[i].filter_egress, f->name))
			return true;
	}
	return false;
}

static void warn_rule(struct build *b, const struct rule *r)
{
	unsigned int proto = protocol_families(r);

	for (int f = WEIR_FIELD_SADDR; proto != FAMILY_BOTH && f <= WEIR_FIELD_DADDR; f++) {
		const struct match *m = &r->match[f];

		if (!m->present || m->negated || m->sets_count ||
		    (ranges_families(m->ranges, m->ranges_count) & proto))
			continue;
		build_warn(b, build_loc(b, m->at), NULL,
			   "rule %s will hardly match; %s is IPv%d and %s IPv%d only", r->name,
			   proto == FAMILY_V4 ? "icmp" : "icmpv6", proto == FAMILY_V4 ? 4 : 6,
			   print_field[f], proto == FAMILY_V4 ? 6 : 4);
		return;
	}
}

static void warn_filter(struct build *b, const struct filter *f)
{
	if (!is_used(&b->model, f)) {
		build_warn(b, f->loc, NULL,
			   "no interface uses filter %s; write \"filter %s\" in an interface",
			   f->name, f->name);
		return;
	}
	for (size_t i = 0; i < f->rules_count; i++)
		warn_rule(b, &f->rules[i]);
	if (f->default_action == WEIR_ACTION_PASS)
		return;
	for (size_t i = 0; i < f->rules_count; i++) {
		if (passes_neighbours(&f->rules[i]))
			return;
	}
	build_warn(b, f->loc, NULL,
		   "filter %s %ss by default and passes no IPv6 neighbour discovery, so IPv6 "
		   "will stop; add \"rule nd pass icmpv6 type %d-137\"",
		   f->name, print_action[f->default_action], ND_FIRST);
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

	for (size_t i = 0; i < m->interfaces_count; i++) {
		warn_interface(b, &m->interfaces[i]);
	}
	for (size_t i = 0; i < m->filters_count; i++)
		warn_filter(b, &m->filters[i]);
	check_warn_services(b);
}
