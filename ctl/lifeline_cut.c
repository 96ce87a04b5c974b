// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a plan cuts the session that it is made from.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "judge.h"
#include "lifeline.h"

#define TCP_ACK 0x10

/*
 * The next packet of the session: an acknowledgement. Of its length and its
 * like nothing is known; nor is it "established", which are connections that
 * this host opened.
 */
static struct judge_packet next_packet(const struct lifeline *l, const char *ifname)
{
	struct judge_packet p = {
		.is_ip = true,
		.ifname = ifname,
		.has_tcp_flags = true,
		.tcp_flags = TCP_ACK,
	};

	p.has = p.unknown = 1U << WEIR_FIELD_LENGTH | 1U << WEIR_FIELD_TTL | 1U << WEIR_FIELD_DSCP |
			    1U << WEIR_FIELD_SMAC | 1U << WEIR_FIELD_DMAC;
	judge_set(&p, WEIR_FIELD_SADDR, addr_number(l->peer));
	judge_set(&p, WEIR_FIELD_DADDR, addr_number(l->local));
	judge_set(&p, WEIR_FIELD_PROTO, IPPROTO_TCP);
	judge_set(&p, WEIR_FIELD_SPORT, l->peer_port);
	judge_set(&p, WEIR_FIELD_DPORT, l->local_port);
	judge_set(&p, WEIR_FIELD_ETHERTYPE, addr_is_v4(l->peer) ? 0x0800 : 0x86dd);
	judge_set(&p, WEIR_FIELD_IFACE, 0);
	judge_set(&p, WEIR_FIELD_FRAGMENT, 0);
	judge_set(&p, WEIR_FIELD_ESTABLISHED, 0);
	return p;
}

static const struct filter *filter_named(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->filters_count; i++) {
		if (!strcmp(m->filters[i].name, name))
			return &m->filters[i];
	}
	return NULL;
}

static bool filter_cuts(const struct plan *p, const struct plan_device *d, struct cut *cut)
{
	struct judge_packet packet = next_packet(&cut->line, d->link.name);
	struct verdict verdict;

	cut->ifname = d->link.name;
	cut->filter = filter_named(p->model, d->config->filter);
	if (!cut->filter)
		return false;
	verdict = judge_filter(p->model, cut->filter, &packet, JUDGE_HOPE);
	cut->rule = verdict.rule;
	return verdict.action != WEIR_ACTION_PASS;
}

/* Its packets come in where the answers go out; where they don't, nothing is said. */
bool plan_cuts(const struct plan *p, struct cut *cut)
{
	struct host_route route;

	if (!lifeline_find(&cut->line) || host_route(p->host, cut->line.peer, &route))
		return false;
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].link.ifindex == route.ifindex)
			return filter_cuts(p, &p->devices[i], cut);
	}
	return false;
}
