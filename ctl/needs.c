// SPDX-License-Identifier: GPL-2.0-or-later
#include "needs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir/image.h"

static __u32 rule_needs(const struct rule *r)
{
	__u32 needs = r->match[WEIR_FIELD_ESTABLISHED].present ? NEED_TRACK : 0;

	switch (r->action) {
	case WEIR_ACTION_LIMIT:
		return needs | NEED_LIMIT | (r->limit.per_saddr ? NEED_LIMIT_SOURCES : 0);
	case WEIR_ACTION_LOG:
		return needs | NEED_LOG;
	case WEIR_ACTION_MARK:
		return needs | NEED_MARK;
	case WEIR_ACTION_REJECT:
		return needs | NEED_REJECT;
	default:
		return needs;
	}
}

static __u32 service_needs(const struct model *m, const struct service *s)
{
	static const __u8 forwards[WEIR_FORWARD_KINDS] = {
		[WEIR_FORWARD_L2] = WEIR_NEED_L2,	[WEIR_FORWARD_IPIP] = WEIR_NEED_IPIP,
		[WEIR_FORWARD_GUE] = WEIR_NEED_GUE,	[WEIR_FORWARD_NAT] = WEIR_NEED_NAT,
		[WEIR_FORWARD_LOCAL] = WEIR_NEED_LOCAL,
	};
	__u32 needs = 1U << forwards[s->forward];
	const struct backend *backends;
	size_t count;

	backends = service_backends(m, s, &count);
	for (size_t i = 0; i < count; i++)
		needs |= 1U << (addr_is_v4(backends[i].addr) ? WEIR_NEED_V4 : WEIR_NEED_V6);
	for (size_t i = 0; i < s->addrs_count; i++)
		needs |= (s->addrs[i].length != 128) << WEIR_NEED_PREFIX;
	needs |= (s->track != WEIR_TRACK_NONE || s->udp == WEIR_UDP_TRACK) << WEIR_NEED_PINS;
	needs |= (s->track == WEIR_TRACK_ALL || s->udp == WEIR_UDP_TRACK) << WEIR_NEED_TRACK;
	needs |= (s->udp == WEIR_UDP_QUIC) << WEIR_NEED_QUIC;
	needs |= (s->hash == WEIR_HASH_SOURCE) << WEIR_NEED_SOURCE;
	needs |= s->allow.present << WEIR_NEED_ALLOW;
	needs |= (s->limit.per_s || s->limit_source.per_s) << WEIR_NEED_LIMIT;
	needs |= (s->syncookie != SYNCOOKIE_OFF) << WEIR_NEED_SYNCOOKIE;
	needs |= (s->mss_mode != MSS_OFF) << WEIR_NEED_MSS;
	needs |= (s->empty == WEIR_EMPTY_REJECT) << WEIR_NEED_REJECT;
	return needs;
}

__u32 needs_of_services(const struct model *m)
{
	size_t ports = 0;
	__u32 needs = 0;

	for (size_t i = 0; i < m->services_count; i++) {
		needs |= service_needs(m, &m->services[i]);
		ports += m->services[i].ports_count;
	}
	/* Any of them may be at the same address. */
	if (ports > WEIR_VIP_PORTS)
		needs |= 1U << WEIR_NEED_PORTS;
	return needs;
}

__u32 needs_named(const struct needs *n, const struct model *m, const char *name)
{
	for (size_t i = 0; *name && i < m->filters_count; i++) {
		if (!strcmp(m->filters[i].name, name))
			return n->of_filter[i];
	}
	return 0;
}

int needs_find(struct needs *n, const struct model *m)
{
	*n = (struct needs){ .of_filter = calloc(m->filters_count + 1, sizeof(*n->of_filter)) };
	if (!n->of_filter)
		return -ENOMEM;
	for (size_t f = 0; f < m->filters_count; f++) {
		if (m->filters[f].default_action == WEIR_ACTION_REJECT)
			n->of_filter[f] = NEED_REJECT;
		for (size_t r = 0; r < m->filters[f].rules_count; r++)
			n->of_filter[f] |= rule_needs(&m->filters[f].rules[r]);
	}
	for (size_t i = 0; i < m->interfaces_count; i++) {
		n->in_use |= needs_named(n, m, m->interfaces[i].filter);
		n->in_use |= needs_named(n, m, m->interfaces[i].filter_egress);
	}
	n->services = needs_of_services(m);
	return 0;
}

void needs_free(struct needs *n)
{
	free(n->of_filter);
	*n = (struct needs){};
}

__u32 interface_stages(const struct interface *i, const struct model *m, const struct needs *n)
{
	__u32 stages = 0;

	stages |= (i->filter[0] != '\0') << WEIR_STAGE_FILTER;
	stages |= i->balance << WEIR_STAGE_BALANCE;
	stages |= i->decap << WEIR_STAGE_DECAP;
	stages |= (i->measure >> MEASURE_RTT & 1) << WEIR_STAGE_MEASURE;
	stages |= (i->measure >> MEASURE_PATH & 1) << WEIR_STAGE_PATH;
	stages |= (i->measure >> MEASURE_LOSS & 1) << WEIR_STAGE_LOSS;
	stages |= (i->filter_egress[0] != '\0') << WEIR_STAGE_EGRESS;
	stages |= !!(n->in_use & NEED_TRACK) << WEIR_STAGE_TRACK;
	stages |= i->takes_returns << WEIR_STAGE_RETURN;
	/* TC sets a mark by itself. */
	if (i->xdp != XDP_MODE_NONE && needs_named(n, m, i->filter) & NEED_MARK)
		stages |= 1 << WEIR_STAGE_MARK;
	return stages;
}
