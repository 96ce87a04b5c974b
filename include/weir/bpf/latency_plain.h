/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way through the stage, of segments as most are: in the middle of an
 * open connection with timestamps, in order, of a flow that the balancer has no
 * part in. It does what latency_tcp() does with them, in registers; what it is
 * not for it leaves as it was, for the long way.
 */
#ifndef WEIR_BPF_LATENCY_PLAIN_H
#define WEIR_BPF_LATENCY_PLAIN_H

#include "weir/bpf/latency_read.h"
#include "weir/bpf/latency_tcp.h"
#include "weir/bpf/packet_plain.h"

/* What the short way returns where the packet is one for the long way. */
#define LATENCY_OTHER (-1)

/* Of both sides, in the middle of a connection. */
#define LATENCY_PLAIN_FLAGS (WEIR_SIDE_TIMED | WEIR_SIDE_SENT | WEIR_SIDE_ACKED)

struct plain_segment {
	struct tcphdr head;
	struct tcp_aligned_timestamp option;
};
_Static_assert(sizeof(struct plain_segment) == 32, "segment has holes");

/* Returns false where it is another's to read. */
static __always_inline bool latency_plain_read(struct timed *t, const struct pkt *p,
					       const struct plain_segment *s)
{
	if ((p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK ||
	    s->option.kinds != LATENCY_NOP_NOP_TIMESTAMP ||
	    p->tcp_header_bytes < sizeof(struct plain_segment))
		return false;
	t->seq = bpf_ntohl(s->head.seq);
	t->ack = bpf_ntohl(s->head.ack_seq);
	t->window = bpf_ntohs(s->head.window);
	t->flags = TCP_ACK;
	t->bytes = p->l4_bytes - p->tcp_header_bytes;
	t->end = t->seq + t->bytes;
	t->tsval = bpf_ntohl(s->option.tsval);
	t->tsecr = bpf_ntohl(s->option.tsecr);
	t->has_timestamps = 1;
	t->is_stamped = t->bytes != 0;
	t->is_new = 1;
	t->now = t->took = 0;
	return true;
}

static __always_inline bool latency_is_plain(const struct weir_flow *flow, const struct timed *t,
					     enum weir_direction sender)
{
	const struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];

	return (own->flags & other->flags & LATENCY_PLAIN_FLAGS) == LATENCY_PLAIN_FLAGS &&
	       !(flow->side[WEIR_DIR_WIRE].flags & WEIR_SIDE_BACKED) &&
	       !((own->pending | other->pending) & WEIR_PENDING_OPENING) &&
	       !is_after(own->next, t->seq) && !is_after(own->last.value, t->tsval);
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

/* Returns the round trip that ended, ticks, 0 where none did, or LATENCY_OTHER. */
static __always_inline int latency_plain_tcp(struct timed *t, enum weir_direction sender)
{
	struct weir_flow_set *set = latency_flow_set(t->key);
	struct weir_flow_side *own;
	struct weir_flow *flow;
	__u32 sent;

	if (!set)
		return LATENCY_OTHER;
	t->way = latency_find(set, t->key);
	if (t->way >= WEIR_FLOW_WAYS)
		return LATENCY_OTHER;
	flow = &set->way[t->way];
	if (!latency_is_plain(flow, t, sender))
		return LATENCY_OTHER;
	own = &flow->side[sender];
	sent = latency_find_echoed(t, &flow->side[!sender], sender);
	if (sent)
		latency_plain_sample(t, flow, sender, sent);
	latency_note_ack(t, flow, sender);
	if (t->tsval != own->last.value)
		latency_note_newest(t, flow, sender);
	latency_note_size(flow, t, sender);
	if (t->bytes)
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
	const struct plain_segment *s = cursor_pull(&c, struct plain_segment);
	struct timed t;

	if (latency_has_prefixes() || !s || !latency_plain_read(&t, p, s))
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
