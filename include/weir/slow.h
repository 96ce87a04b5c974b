/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow packets, as the datapath tells of them when they come to their end, and a
 * monitor of those whose end nobody sees: both from the same record, with the same
 * filters.
 */
#ifndef WEIR_SLOW_PACKET_H
#define WEIR_SLOW_PACKET_H

#include "weir/balance.h"
#include "weir/path.h"

#define WEIR_SLOW_INLINE static inline __attribute__((always_inline))

/* A retransmit that is older has nothing to do with a slow packet. */
#define WEIR_RESENT_LIVES_NS 60000000000ULL

/* As a record of a packet has it, and one of retransmits. */
struct weir_path_flow {
	__u8 saddr[16]; /* v4-mapped */
	__u8 daddr[16];
	__u16 sport; /* host order */
	__u16 dport;
};

/* Which set of weir_resent a flow is in. */
WEIR_SLOW_INLINE __u32 weir_resent_set(const struct weir_path_flow *f)
{
	const __u64 *a = (const void *)f;
	__u64 hash =
		weir_mix64(a[1] ^ a[3] * 0x9E3779B97F4A7C15ULL ^ f->sport ^ (__u64)f->dport << 16);

	return weir_mix64(hash ^ a[0] ^ a[2]) & (WEIR_RETRANSMIT_SETS - 1);
}

/* Whether @r is of @f, which @netns sends. */
WEIR_SLOW_INLINE int weir_resent_is(const struct weir_retransmit *r, const struct weir_path_flow *f,
				    __u64 netns)
{
	const __u64 *a = (const void *)f, *b = (const void *)r;

	return r->count && r->netns == netns && a[0] == b[0] && a[1] == b[1] && a[2] == b[2] &&
	       a[3] == b[3] && f->sport == r->sport && f->dport == r->dport;
}

/* How often @f, which @netns sends, sent again, if that was lately. */
WEIR_SLOW_INLINE __u32 weir_resent_in(const struct weir_retransmit_set *set,
				      const struct weir_path_flow *f, __u64 netns, __u64 now_ns)
{
	for (int i = 0; i < WEIR_RETRANSMIT_WAYS; i++) {
		const struct weir_retransmit *r = &set->way[i];

		if (weir_resent_is(r, f, netns))
			return (__s64)(now_ns - r->last_ns) < (__s64)WEIR_RESENT_LIVES_NS ? r->count
											  : 0;
	}
	return 0;
}

/* Whether the filters of @ask for places let @place pass. */
WEIR_SLOW_INLINE int weir_slow_is_at(const struct weir_slow_ask *ask,
				     const struct weir_path_place *place)
{
	return (!ask->ifindex || ask->ifindex == place->ifindex) &&
	       (!ask->netns || ask->netns == place->netns);
}

WEIR_SLOW_INLINE int weir_slow_is_end(const __u8 wanted[16], const struct weir_slow *e)
{
	const __u64 *a = (const void *)wanted;
	const __u64 *from = (const void *)e->saddr, *to = (const void *)e->daddr;

	return !(a[0] | a[1]) || (a[0] == from[0] && a[1] == from[1]) ||
	       (a[0] == to[0] && a[1] == to[1]);
}

/*
 * Whether the monitor wants to hear of @e.
 *
 * @p  its record, which has the places that the packet passed; NULL of a round trip
 */
WEIR_SLOW_INLINE int weir_slow_is_asked(const struct weir_slow_ask *ask, const struct weir_slow *e,
					const struct weir_path *p)
{
	struct weir_path_place origin = {};

	for (int i = 0; i < 2; i++) {
		if (!weir_slow_is_end(ask->host[i], e) ||
		    (ask->port[i] && ask->port[i] != e->sport && ask->port[i] != e->dport))
			return 0;
	}
	if ((ask->pid && ask->pid != e->pid) || (ask->proto && ask->proto != e->proto))
		return 0;
	if (!p)
		return weir_slow_is_at(ask, &e->to);
	origin.netns = p->origin_netns;
	origin.ifindex = p->origin_ifindex;
	return p->passed == ask->id || weir_slow_is_at(ask, &origin) ||
	       weir_slow_is_at(ask, &p->place);
}

/*
 * What the record @p tells. @e is all zero; of retransmits, and of the name of the
 * process that reads, the record knows nothing.
 */
WEIR_SLOW_INLINE void weir_slow_of(const struct weir_path *p, const struct weir_slow_ask *ask,
				   __u64 now_ns, struct weir_slow *e)
{
	__u32 ago = (__u32)(now_ns >> WEIR_TICK_SHIFT) - p->at;

	e->time_ns = now_ns - ((__u64)ago << WEIR_TICK_SHIFT);
	e->from = p->longest_from;
	e->to = p->longest_to;
	__builtin_memcpy(e->saddr, p->saddr, 16);
	__builtin_memcpy(e->daddr, p->daddr, 16);
	e->sport = p->sport;
	e->dport = p->dport;
	e->proto = p->proto;
	e->tcp_flags = p->tcp_flags;
	e->stage = p->longest;
	e->seq = p->seq;
	e->ack = p->ack;
	e->window = p->window;
	e->is_again = p->told == ask->id;
	e->cpu = p->cpu;
	e->ticks = p->longest_ticks;
	e->total = p->at - p->first;
	__builtin_memcpy(e->delay, p->delay, sizeof(e->delay));
	e->pid = p->pid;
	e->woken_pid = p->woken_pid;
	__builtin_memcpy(e->woken_comm, p->woken_comm, sizeof(p->woken_comm));
}

#endif
