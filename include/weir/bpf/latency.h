/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Round-trip times. A hook makes functions of its own of what is here: one that
 * reads the packet, and one for each protocol that takes what was read.
 */
#ifndef WEIR_BPF_LATENCY_H
#define WEIR_BPF_LATENCY_H

#include "weir/bpf/latency_plain.h"
#include "weir/bpf/latency_read.h"
#include "weir/bpf/latency_tcp.h"
#include "weir/bpf/latency_udp.h"
#include "weir/bpf/path_slow.h"

/* Whether a monitor may want to know of a round trip of @ticks. */
static __always_inline bool latency_is_asked(__u32 ticks)
{
	__u32 zero = 0, over;
	struct weir_slow_ask *ask = bpf_map_lookup_elem(&weir_slow_ask, &zero);

	over = ask ? ask->over[WEIR_SLOW_RTT] : 0;
	return over && ticks >= over;
}

/* What both ends of the connection of @t have sent again so far. */
static __always_inline __u32 latency_resent(const struct timed *t)
{
	struct weir_flow_set *set = latency_flow_set(t->key);
	__u32 way = set ? latency_find(set, t->key) : WEIR_FLOW_WAYS;

	if (t->what != TIMED_TCP || way >= WEIR_FLOW_WAYS)
		return 0;
	return latency_retransmits(t->key, LATENCY_PLACE(way, WEIR_DIR_WIRE)) +
	       latency_retransmits(t->key, LATENCY_PLACE(way, WEIR_DIR_HOST));
}

/*
 * @p ended a round trip on the device @ifindex, as @t says: a monitor may want to
 * know. Called from where the stack is empty, as an event needs it. Returns 0.
 */
__noinline int latency_tell(const struct pkt *p, const struct timed *t, __u32 ifindex)
{
	if (LATENCY_IS_OFF || !p || !t || !latency_is_asked(t->took))
		return 0;
	return path_tell_rtt(image_in_force(), p, t, ifindex, latency_resent(t));
}

/* Whether nothing else is to be done with packets here. */
#define LATENCY_IS_ALONE (weir.stages == 1U << WEIR_STAGE_MEASURE)

/*
 * Global functions for packets that come from one side. Each is verified once,
 * and what it needs of the stack nobody else shares. They return 0, and those of
 * the short way as latency_plain_tcp() does.
 *
 * @ctx_type  of the hook
 * @single_of bytes of payload of each segment, where a packet is several; else 0
 * @bytes_of  the whole packet
 * @ifindex_field  of @ctx_type: of the device
 */
#define LATENCY_OF(name, ctx_type, sender, single_of, bytes_of, ifindex_field)                    \
	__noinline int name##_alone(ctx_type *ctx)                                                \
	{                                                                                         \
		if (!LATENCY_IS_ALONE)                                                            \
			return LATENCY_OTHER;                                                     \
		return latency_alone((void *)(long)ctx->data, (void *)(long)ctx->data_end,        \
				     bytes_of, single_of, sender);                                \
	}                                                                                         \
                                                                                                  \
	__noinline int name##_plain(ctx_type *ctx, const struct pkt *p)                           \
	{                                                                                         \
		if (LATENCY_IS_OFF || LATENCY_IS_ALONE || !p)                                     \
			return LATENCY_OTHER;                                                     \
		return latency_plain((void *)(long)ctx->data, (void *)(long)ctx->data_end, p,     \
				     single_of, sender);                                          \
	}                                                                                         \
                                                                                                  \
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
	/* Of a packet that went the short way, which wrote nothing of it down. */                \
	__noinline int name##_tell(ctx_type *ctx, const struct pkt *p, struct timed *t, int took) \
	{                                                                                         \
		if (LATENCY_IS_OFF || !p || !t || !latency_is_asked(took))                        \
			return 0;                                                                 \
		name##_read(ctx, p, t);                                                           \
		t->took = took;                                                                   \
		return latency_tell(p, t, ctx->ifindex_field);                                    \
	}                                                                                         \
                                                                                                  \
	/* A packet for which latency_is_timed(). */                                              \
	__noinline int name##_timed(ctx_type *ctx, const struct pkt *p, struct timed *t,          \
				    __u32 backend)                                                \
	{                                                                                         \
		int took;                                                                         \
                                                                                                  \
		if (LATENCY_IS_OFF || !p || !t)                                                   \
			return 0;                                                                 \
		if (!LATENCY_IS_ALONE && !backend && p->has & PKT_TCP) {                          \
			took = name##_plain(ctx, p);                                              \
			if (took > 0)                                                             \
				name##_tell(ctx, p, t, took);                                     \
			if (took >= 0)                                                            \
				return 0;                                                         \
		}                                                                                 \
		t->backend = backend;                                                             \
		name##_read(ctx, p, t);                                                           \
		if (t->what == TIMED_TCP)                                                         \
			name##_tcp(t);                                                            \
		else                                                                              \
			name##_datagram(t);                                                       \
		if (t->took)                                                                      \
			latency_tell(p, t, ctx->ifindex_field);                                   \
		return 0;                                                                         \
	}                                                                                         \
                                                                                                  \
	static __always_inline void name(ctx_type *ctx, const struct pkt *p, struct timed *t,     \
					 __u32 backend)                                           \
	{                                                                                         \
		if (latency_is_timed(p))                                                          \
			name##_timed(ctx, p, t, backend);                                         \
	}

#endif
