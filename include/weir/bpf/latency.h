/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Round-trip times. A hook makes functions of its own of what is here: one that
 * reads the packet, and one for each protocol that takes what was read.
 */
#ifndef WEIR_BPF_LATENCY_H
#define WEIR_BPF_LATENCY_H

#include "weir/bpf/latency_read.h"
#include "weir/bpf/latency_tcp.h"
#include "weir/bpf/latency_udp.h"
#include "weir/bpf/path_slow.h"

/* What both ends of the connection of @t have sent again so far. */
static __always_inline __u32 latency_resent(const struct timed *t)
{
	struct weir_flow_set *set = latency_flow_set(t->key);
	struct weir_flow *flow = set ? latency_flow(set, t->key) : NULL;

	if (t->what != TIMED_TCP || !flow)
		return 0;
	return flow->side[WEIR_DIR_WIRE].retransmits + flow->side[WEIR_DIR_HOST].retransmits;
}

/*
 * @p ended a round trip on the device @ifindex, as @t says: a monitor may want to
 * know. Called from where the stack is empty, as an event needs it. Returns 0.
 */
__noinline int latency_tell(const struct pkt *p, const struct timed *t, __u32 ifindex)
{
	struct weir_slow_ask *ask;
	__u32 zero = 0, over;

	if (LATENCY_IS_OFF || !p || !t)
		return 0;
	ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);
	over = ask ? ask->over[WEIR_SLOW_RTT] : 0;
	if (!over || t->took < over)
		return 0;
	return path_tell_rtt(image_in_force(), p, t, ifindex, latency_resent(t));
}

/*
 * Global functions for packets that come from one side. Each is verified once,
 * and what it needs of the stack nobody else shares. They return 0.
 *
 * @ctx_type  of the hook
 * @single_of bytes of payload of each segment, where a packet is several; else 0
 * @ifindex_field  of @ctx_type: of the device
 */
#define LATENCY_OF(name, ctx_type, sender, single_of, ifindex_field)                              \
	__noinline int name##_read(ctx_type *ctx, const struct pkt *p, struct timed *t)           \
	{                                                                                         \
		if (LATENCY_IS_OFF || !p || !t)                                                   \
			return 0;                                                                 \
		t->single = single_of;                                                            \
		latency_read((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, sender, t); \
		return 0;                                                                         \
	}                                                                                         \
                                                                                                  \
	__noinline int name##_tcp(struct timed *t)                                                \
	{                                                                                         \
		if (!LATENCY_IS_OFF && t)                                                         \
			latency_tcp(t, sender);                                                   \
		return 0;                                                                         \
	}                                                                                         \
                                                                                                  \
	__noinline int name##_datagram(struct timed *t)                                           \
	{                                                                                         \
		if (!LATENCY_IS_OFF && t)                                                         \
			latency_datagram(t, sender);                                              \
		return 0;                                                                         \
	}                                                                                         \
                                                                                                  \
	static __always_inline void name(ctx_type *ctx, const struct pkt *p, struct timed *t,     \
					 __u32 backend)                                           \
	{                                                                                         \
		if (!latency_is_timed(p))                                                         \
			return;                                                                   \
		t->backend = backend;                                                             \
		name##_read(ctx, p, t);                                                           \
		if (t->what == TIMED_TCP)                                                         \
			name##_tcp(t);                                                            \
		else                                                                              \
			name##_datagram(t);                                                       \
		if (t->took)                                                                      \
			latency_tell(p, t, ctx->ifindex_field);                                   \
	}

#endif
