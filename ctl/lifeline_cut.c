// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a plan cuts the session that it is made from.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "judge.h"
#include "lifeline.h"
#include "ranges.h"

#define TCP_SYN 0x02
#define TCP_ACK 0x10

#define BIT(field) (1U << WEIR_FIELD_##field)

/* A packet of the session, of whose length and the like nothing is known. */
static struct judge_packet packet_of(const struct lifeline *l, const char *ifname)
{
	struct judge_packet p = {
		.is_ip = true,
		.ifname = ifname,
		.has_tcp_flags = true,
	};

	p.has = p.unknown = BIT(LENGTH) | BIT(TTL) | BIT(DSCP) | BIT(SMAC) | BIT(DMAC) | BIT(SPORT);
	judge_set(&p, WEIR_FIELD_SADDR, addr_number(l->peer));
	judge_set(&p, WEIR_FIELD_DADDR, addr_number(l->local));
	judge_set(&p, WEIR_FIELD_PROTO, IPPROTO_TCP);
	judge_set(&p, WEIR_FIELD_DPORT, l->local_port);
	judge_set(&p, WEIR_FIELD_ETHERTYPE, addr_is_v4(l->peer) ? 0x0800 : 0x86dd);
	judge_set(&p, WEIR_FIELD_IFACE, 0);
	judge_set(&p, WEIR_FIELD_FRAGMENT, 0);
	return p;
}

/*
 * The next acknowledgement. "established" may hold for it: what leaves of a
 * session that is older than the filter makes it known.
 */
static struct judge_packet next_packet(const struct lifeline *l, const char *ifname)
{
	struct judge_packet p = packet_of(l, ifname);

	p.tcp_flags = TCP_ACK;
	p.has |= BIT(ESTABLISHED);
	p.unknown |= BIT(ESTABLISHED);
	judge_set(&p, WEIR_FIELD_SPORT, l->peer_port);
	return p;
}

/* How the same peer would come back, from whatever port. */
static struct judge_packet first_packet(const struct lifeline *l, const char *ifname)
{
	struct judge_packet p = packet_of(l, ifname);

	p.tcp_flags = TCP_SYN;
	judge_set(&p, WEIR_FIELD_ESTABLISHED, 0);
	return p;
}

/* The other way round: an answer to @in, whose TCP flags are @flags. */
static struct judge_packet answer_to(const struct judge_packet *in, __u8 flags)
{
	struct judge_packet p = *in;

	judge_set(&p, WEIR_FIELD_SADDR, in->value[WEIR_FIELD_DADDR]);
	judge_set(&p, WEIR_FIELD_DADDR, in->value[WEIR_FIELD_SADDR]);
	judge_set(&p, WEIR_FIELD_SPORT, in->value[WEIR_FIELD_DPORT]);
	if (in->unknown & BIT(SPORT))
		p.unknown |= BIT(DPORT);
	else
		judge_set(&p, WEIR_FIELD_DPORT, in->value[WEIR_FIELD_SPORT]);
	p.tcp_flags = flags;
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

static bool is_dropped(const struct plan *p, struct cut *cut, const struct judge_packet *packet)
{
	struct verdict verdict = judge_filter(p->model, cut->filter, packet, JUDGE_HOPE);

	cut->rule = verdict.rule;
	return verdict.action != WEIR_ACTION_PASS;
}

/* Whether @filter drops what it sees of the session, or of one that begins. */
static bool filter_cuts(const struct plan *p, const char *filter, const struct judge_packet *next,
			const struct judge_packet *first, struct cut *cut)
{
	cut->filter = filter_named(p->model, filter);
	if (cut->filter && is_dropped(p, cut, next))
		cut->kind = CUT_SESSION;
	else if (cut->filter && is_dropped(p, cut, first))
		cut->kind = CUT_RETURN;
	return cut->kind != CUT_NOTHING;
}

static bool has_port(const struct service *s, __u16 port)
{
	for (size_t i = 0; i < s->ports_count; i++) {
		const struct vip_port *p = &s->ports[i];

		if (!p->proto || (p->proto == IPPROTO_TCP && port >= p->first && port <= p->last))
			return true;
	}
	return false;
}

/* A service takes the session's packets away, as it has this host's own address and port. */
static bool service_cuts(const struct plan *p, const struct plan_device *d, struct cut *cut)
{
	for (size_t i = 0; d->config->balance && i < p->model->services_count; i++) {
		const struct service *s = &p->model->services[i];

		if (!service_has_address(s, addr_number(cut->line.local)) ||
		    !has_port(s, cut->line.local_port))
			continue;
		cut->service = s;
		cut->kind = CUT_SESSION;
		return true;
	}
	return false;
}

static enum cut_kind device_cuts(const struct plan *p, const struct plan_device *d, struct cut *cut)
{
	struct judge_packet next = next_packet(&cut->line, d->link.name);
	struct judge_packet first = first_packet(&cut->line, d->link.name);
	struct judge_packet next_out = answer_to(&next, TCP_ACK);
	struct judge_packet first_out = answer_to(&first, TCP_SYN | TCP_ACK);

	cut->ifname = d->link.name;
	if (!filter_cuts(p, d->config->filter, &next, &first, cut) && !service_cuts(p, d, cut))
		filter_cuts(p, d->config->filter_egress, &next_out, &first_out, cut);
	return cut->kind;
}

/* Its packets come in where the answers go out; where they don't, nothing is said. */
static enum cut_kind line_cuts(const struct plan *p, struct cut *cut)
{
	struct host_route route;

	if (host_route(cut->line.peer, &route))
		return CUT_NOTHING;
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].link.ifindex == route.ifindex)
			return device_cuts(p, &p->devices[i], cut);
	}
	return CUT_NOTHING;
}

enum cut_kind plan_cuts(const struct plan *p, struct cut *cut)
{
	struct lifelines lines;

	*cut = (struct cut){ .kind = CUT_NOTHING };
	lifelines_find(&lines);
	for (size_t i = 0; i < lines.count && cut->kind != CUT_SESSION; i++) {
		struct cut one = { .line = lines.list[i], .is_guess = lines.is_guess };

		if (line_cuts(p, &one) != CUT_NOTHING &&
		    (cut->kind == CUT_NOTHING || one.kind == CUT_SESSION))
			*cut = one;
	}
	return cut->kind;
}
