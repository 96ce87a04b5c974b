/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way through the stage, of segments as most are: in the middle of an
 * open connection, in order, with timestamps or without any option, of a flow
 * that the balancer has no part in. It does what latency_tcp() does with them,
 * in registers; what it is not for it leaves as it was, for the long way.
 */
#ifndef WEIR_BPF_LATENCY_PLAIN_H
#define WEIR_BPF_LATENCY_PLAIN_H

#include "weir/bpf/latency_read.h"
#include "weir/bpf/latency_tcp.h"
#include "weir/bpf/packet_plain.h"

/* What the short way returns where the packet is one for the long way. */
#define LATENCY_OTHER (-1)

/* Of both sides, in the middle of a connection: these, and whether it has timestamps. */
#define LATENCY_PLAIN_FLAGS (WEIR_SIDE_SENT | WEIR_SIDE_ACKED)
#define LATENCY_PLAIN_MASK (LATENCY_PLAIN_FLAGS | WEIR_SIDE_TIMED)

/* Returns false where they are another's to read, or are none. */
static __always_inline bool latency_plain_timestamps(struct timed *t, const struct pkt *p,
						     struct cursor *c)
{
	const struct tcp_aligned_timestamp *option = cursor_pull(c, struct tcp_aligned_timestamp);

	if (!option || option->kinds != LATENCY_NOP_NOP_TIMESTAMP ||
	    p->tcp_header_bytes < sizeof(struct tcphdr) + sizeof(*option))
		return false;
	t->tsval = bpf_ntohl(option->tsval);
	t->tsecr = bpf_ntohl(option->tsecr);
	return true;
}

/* Returns false where it is another's to read. */
static __always_inline bool latency_plain_read(struct timed *t, const struct pkt *p,
					       struct cursor *c)
{
	const struct tcphdr *tcp = cursor_pull(c, struct tcphdr);

	if (!tcp || (p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return false;
	t->has_timestamps = p->tcp_header_bytes != sizeof(*tcp);
	if (t->has_timestamps && !latency_plain_timestamps(t, p, c))
		return false;
	t->seq = bpf_ntohl(tcp->seq);
	t->ack = bpf_ntohl(tcp->ack_seq);
	t->window = bpf_ntohs(tcp->window);
	t->flags = TCP_ACK;
	t->bytes = p->l4_bytes - p->tcp_header_bytes;
	t->end = t->seq + t->bytes;
	t->is_stamped = t->bytes;
	t->now = t->took = 0;
	return true;
}

static __always_inline bool latency_is_plain(const struct weir_flow *flow, const struct timed *t,
					     enum weir_direction sender)
{
	const struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];

	__u8 flags = LATENCY_PLAIN_FLAGS | (t->has_timestamps ? WEIR_SIDE_TIMED : 0);

	return (own->flags & LATENCY_PLAIN_MASK) == flags &&
	       (other->flags & LATENCY_PLAIN_MASK) == flags &&
	       !(flow->side[WEIR_DIR_WIRE].flags & WEIR_SIDE_BACKED) &&
	       !((own->pending | other->pending) & WEIR_PENDING_OPENING) &&
	       !is_after(own->next, t->seq) &&
	       (!t->has_timestamps || (__s32)(t->tsval - own->last.value) >= 0);
}

static __always_inline void latency_plain_sample(struct timed *t, const struct weir_flow *flow,
						 enum weir_direction sender, __u32 sent)
{
	__u32 ticks = latency_now(t) - sent, kind = latency_kind(flow, t, sender), bucket;

	if (ticks > LATENCY_MAX_TICKS) {
		latency_count_rare(sender, WEIR_LOSS_UNMATCHED);
		return;
	}
	bucket = forget(weir_hist_index(ticks), ticks);
	latency_tally(t, sender, kind, bucket, ticks);
}

static __always_inline void latency_plain_note(struct timed *t, struct weir_flow *flow,
					       enum weir_direction sender)
{
	if (!t->has_timestamps) {
		if (t->is_stamped)
			latency_note_end(t, flow, sender);
	} else if (t->tsval != flow->side[sender].last.value) {
		latency_note_newest(t, flow, sender);
	}
}

/* Returns the round trip that ended, ticks, 0 where none did, or LATENCY_OTHER. */
static __always_inline int latency_plain_tcp(struct timed *t, enum weir_direction sender)
{
	struct weir_flow_set *set = latency_flow_set(t->key);
	struct weir_flow_side *own;
	struct weir_flow *flow;
	__u32 sent;

	if (!set)
		return LATENCY_OTHER;
	t->has_timestamps = forget(t->has_timestamps, t->seq);
	t->way = forget(latency_find(set, t->key), t->seq);
	if (t->way >= WEIR_FLOW_WAYS)
		return LATENCY_OTHER;
	flow = &set->way[t->way];
	if (!latency_is_plain(flow, t, sender))
		return LATENCY_OTHER;
	own = &flow->side[sender];
	sent = t->has_timestamps ? latency_find_echoed(t, &flow->side[!sender], sender)
				 : latency_find_acked(t, &flow->side[!sender], sender);
	sent = forget(sent, t->seq);
	if (sent)
		latency_plain_sample(t, flow, sender, sent);
	t->now = forget(t->now, t->seq);
	t->took = forget(t->took, t->seq);
	latency_note_ack(t, flow, sender);
	latency_plain_note(t, flow, sender);
	latency_note_size(flow, t, sender);
	if (t->bytes && is_after(t->end, own->next))
		own->next = t->end;
	return t->took;
}

/*
 * @p       parsed, of TCP
 * @single  bytes of payload of each segment, where the packet is several; else 0
 *
 * Returns as latency_plain_tcp().
 */
static __always_inline int latency_plain(void *data, void *data_end, const struct pkt *p,
					 __u32 single, enum weir_direction sender)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset);
	struct timed t = {};

	if (latency_has_prefixes() || !latency_plain_read(&t, p, &c))
		return LATENCY_OTHER;
	t.single = single;
	t.key = latency_flow_key(p, sender);
	return latency_plain_tcp(&t, sender);
}

/* The same of a packet that nobody has parsed, nor needs to: 0 where it is none that is timed. */
static __always_inline int latency_alone(void *data, void *data_end, __u32 bytes, __u32 single,
					 enum weir_direction sender)
{
	struct pkt p;

	pkt_init(&p, bytes, 0);
	if (!pkt_parse_plain(data, data_end, &p))
		return LATENCY_OTHER;
	if (p.has & PKT_TCP)
		return latency_plain(data, data_end, &p, single, sender);
	return latency_is_timed(&p) ? LATENCY_OTHER : 0;
}

#endif
