/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP. With timestamps, the first packet of a TSval is stamped, and its first
 * echo is the sample: RFC 7323, section 3; the method is that of Kathleen
 * Nichols' pping. Without, the end of a segment is stamped, and the first
 * acknowledgement that covers it is the sample, but for what was sent again:
 * Karn's rule, RFC 6298, section 3.
 */
#ifndef WEIR_BPF_LATENCY_TCP_H
#define WEIR_BPF_LATENCY_TCP_H

#include "weir/bpf/latency_older.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* No segment is longer than a jumbo frame: what is, is several of which nobody says how long. */
#define LATENCY_MOST_SEGMENT 9216
/* RFC 1122: at least what any receiver takes, and holds an acknowledgement back for. */
#define LATENCY_LEAST_SEGMENT 536

/* What is older lies where nobody looks any more. */
static __always_inline void latency_drop_stamps(struct weir_flow_side *side)
{
	latency_clear(&side->last);
	side->pending &= ~WEIR_PENDING_OLDER;
}

/* A connection begins: nothing that this side sent before counts any more. */
static __always_inline void latency_begin(struct weir_flow *flow, const struct timed *t, __u32 side,
					  __u8 opening)
{
	struct weir_flow_side *own = &flow->side[side & 1];

	latency_put(&own->last, 0, 0);
	own->flags &= WEIR_SIDE_BACKED;
	own->pending = opening;
	flow->segment[side & 1] = 0;
	latency_set_retransmits(t->key, LATENCY_PLACE(t->way, side), 0);
}

static __always_inline __u8 latency_opening(const struct weir_flow_side *side)
{
	return side->pending & WEIR_PENDING_OPENING;
}

static __always_inline void latency_set_opening(struct weir_flow_side *side, __u8 opening)
{
	side->pending = (side->pending & ~WEIR_PENDING_OPENING) | opening;
}

/*
 * A SYN. One that is sent again goes on with the same connection; another takes
 * the record over, as of a port that is used again. Returns 0.
 */
__noinline int latency_syn(struct weir_flow *flow, const struct timed *t, __u32 sender)
{
	struct weir_flow_side *own, *other;

	if (LATENCY_IS_OFF || !flow || !t)
		return 0;
	own = &flow->side[sender & 1];
	other = &flow->side[~sender & 1];
	if (own->flags & WEIR_SIDE_SENT && t->end == own->next &&
	    (latency_opening(own) || other->flags & WEIR_SIDE_SENT)) {
		/* Its answer was lost behind this place: it goes on asking. */
		if (!(t->flags & TCP_ACK) && !(own->flags & WEIR_SIDE_ACKED))
			latency_set_opening(own, WEIR_OPENING_ASKED);
		return 0;
	}
	/* After a SYN nothing of the other side is left; so it is sent again. */
	if (t->flags & TCP_ACK && own->flags & other->flags & WEIR_SIDE_SENT &&
	    !is_after(t->end, own->next))
		return 0;
	if (t->flags & TCP_ACK) {
		latency_begin(flow, t, sender, WEIR_OPENING_ANSWERED);
		return 0;
	}
	if (latency_opening(own) == WEIR_OPENING_ASKED)
		latency_count_rare(sender, WEIR_LOSS_FAILED);
	latency_count_rare(sender, WEIR_LOSS_BEGUN);
	latency_begin(flow, t, !sender, WEIR_OPENING_NOT);
	latency_begin(flow, t, sender, WEIR_OPENING_ASKED);
	return 0;
}

/* Returns 0. */
__noinline int latency_reset(struct weir_flow *flow, __u32 sender)
{
	if (LATENCY_IS_OFF || !flow)
		return 0;
	latency_count_rare(sender, WEIR_LOSS_RESET);
#pragma unroll
	for (__u32 side = 0; side < WEIR_DIR_COUNT; side++) {
		if (latency_opening(&flow->side[side]) == WEIR_OPENING_ASKED)
			latency_count_rare(side, WEIR_LOSS_FAILED);
		latency_drop_stamps(&flow->side[side]);
		flow->side[side].pending = 0;
	}
	return 0;
}

/*
 * A segment, or a part of one, that was seen before, or that later ones have
 * overtaken: its timestamp tells. Without, nobody knows which one will be
 * acknowledged, nor what waits behind it: no stamp counts. Returns 0.
 */
__noinline int latency_again(struct weir_flow_side *own, const struct timed *t, __u32 sender)
{
	__u32 place;

	if (LATENCY_IS_OFF || !own || !t)
		return 0;
	if (t->has_timestamps && own->flags & WEIR_SIDE_TIMED &&
	    is_after(own->last.value, t->tsval))
		return latency_count_rare(sender, WEIR_LOSS_REORDER);
	latency_count_rare(sender, WEIR_LOSS_RETRANSMIT);
	place = LATENCY_PLACE(t->way, sender);
	latency_set_retransmits(t->key, place, latency_retransmits(t->key, place) + 1);
	if (!t->has_timestamps) {
		latency_drop_stamps(own);
		own->done = own->next;
	}
	return 0;
}

/* Its last stamp, in one piece: ticks above the value. */
static __always_inline __u64 latency_last(const struct weir_flow_side *side)
{
	return *(const volatile __u64 *)&side->last;
}

/*
 * What was the last that it sent waits on: what answers it would have taken it.
 * An acknowledgement of more than was sent says nothing of what is sent later.
 */
static __always_inline void latency_keep_last(struct timed *t, struct weir_flow *flow,
					      enum weir_direction sender)
{
	__u64 last = latency_last(&flow->side[sender]);

	if (last >> 32)
		latency_keep(t->key, LATENCY_PLACE(t->way, sender), (__u32)last, last >> 32,
			     latency_now(t));
}

/*
 * The kind of a sample: what answers a SYN, or is the first to answer a
 * SYN-ACK; an acknowledgement that may have been held back; or neither.
 */
static __always_inline __u32 latency_kind(const struct weir_flow *flow, const struct timed *t,
					  enum weir_direction sender)
{
	const struct weir_flow_side *own = &flow->side[sender];
	__u32 least = flow->segment[!sender] > LATENCY_LEAST_SEGMENT ? flow->segment[!sender]
								     : LATENCY_LEAST_SEGMENT;

	if (latency_opening(&flow->side[!sender]))
		return WEIR_RTT_HANDSHAKE;
	if (t->bytes || t->flags & (TCP_SYN | TCP_FIN))
		return WEIR_RTT_TCP;
	return own->flags & WEIR_SIDE_ACKED && is_after(t->ack, own->acked + least) ? WEIR_RTT_TCP
										    : WEIR_RTT_ACK;
}

/* When the TSval that @t echoes was first seen, or 0. */
static __always_inline __u32 latency_find_echoed(const struct timed *t,
						 struct weir_flow_side *other, __u32 answerer)
{
	__u64 last = latency_last(other);
	__u32 newest = (__u32)last, sent = 0;

	if (t->tsecr == newest) {
		sent = last >> 32;
		if (sent)
			latency_clear(&other->last);
	} else if (other->pending & WEIR_PENDING_OLDER) {
		sent = latency_take_older(t->key, LATENCY_PLACE(t->way, !answerer), t->tsecr);
	}
	if (!is_after(t->tsecr, other->done))
		return sent;
	if (is_after(t->tsecr, newest))
		latency_count_rare(answerer, WEIR_LOSS_UNMATCHED);
	else
		other->done = t->tsecr;
	return sent;
}

/* When the last segment that @t acknowledges was seen, or 0. */
static __always_inline __u32 latency_find_acked(const struct timed *t, struct weir_flow_side *other,
						__u32 answerer)
{
	__u64 last = latency_last(other);
	__u32 sent = 0;

	if (last >> 32 && !is_after((__u32)last, t->ack)) {
		sent = last >> 32;
		latency_clear(&other->last);
		if (other->pending & WEIR_PENDING_OLDER)
			other->pending &= ~WEIR_PENDING_OLDER;
	} else if (other->pending & WEIR_PENDING_OLDER) {
		sent = latency_take_older_up_to(t->key, LATENCY_PLACE(t->way, !answerer), t->ack);
	}
	if (is_after(t->ack, other->next)) {
		latency_count_rare(answerer, WEIR_LOSS_UNMATCHED);
		return 0;
	}
	if (is_after(t->ack, other->done))
		other->done = t->ack;
	return sent;
}

/* When a SYN was seen that offered timestamps to a peer that has none, or 0. */
static __always_inline __u32 latency_syn_in_vain(const struct timed *t,
						 struct weir_flow_side *other, __u32 answerer)
{
	__u64 last = latency_last(other);

	if (!latency_opening(other) || t->ack != other->next ||
	    latency_retransmits(t->key, LATENCY_PLACE(t->way, !answerer)))
		return 0;
	latency_clear(&other->last);
	return last >> 32;
}

static __always_inline void latency_match(struct timed *t, struct weir_flow *flow,
					  enum weir_direction sender)
{
	struct weir_flow_side *other = &flow->side[!sender];
	__u32 sent = 0;

	if (!(other->flags & WEIR_SIDE_SENT))
		return;
	if (t->has_timestamps && other->flags & WEIR_SIDE_TIMED)
		sent = latency_find_echoed(t, other, sender);
	else if (!t->has_timestamps && !(other->flags & WEIR_SIDE_TIMED))
		sent = latency_find_acked(t, other, sender);
	else if (!t->has_timestamps)
		sent = latency_syn_in_vain(t, other, sender);
	if (sent)
		latency_sample(t, sender, latency_kind(flow, t, sender), sent);
}

/*
 * Of a balanced flow whose answers do not pass here: the time from the last of
 * a request to the client's acknowledgement of something new is that of the
 * backend and of both ways. The side that nobody sees has room for it.
 */
static __always_inline void latency_response(struct timed *t, struct weir_flow *flow)
{
	struct weir_stamp *asked = &flow->side[WEIR_DIR_HOST].last;
	__u32 sent = asked->ticks;

	if (flow->side[WEIR_DIR_HOST].flags & WEIR_SIDE_SENT || !(t->flags & TCP_ACK))
		return;
	if (sent && is_after(t->ack, asked->value)) {
		latency_put(asked, 0, 0);
		latency_sample(t, WEIR_DIR_HOST, WEIR_RTT_RESPONSE, sent);
	}
	if (t->is_new && t->bytes)
		latency_put(asked, t->ack, latency_now(t));
}

/* Of what was not seen, nobody knows whether it is true. */
static __always_inline bool latency_acks_more(const struct timed *t,
					      const struct weir_flow_side *own,
					      const struct weir_flow_side *other)
{
	if (!(other->flags & WEIR_SIDE_SENT))
		return is_after(t->ack, own->acked);
	return is_after(own->acked, other->next) ||
	       (is_after(t->ack, own->acked) && !is_after(t->ack, other->next));
}

/* Whether this ends the handshake of its sender, whose SYN was seen, or what answered it. */
static __always_inline bool latency_opens(const struct timed *t, const struct weir_flow_side *own,
					  const struct weir_flow_side *other)
{
	bool covers = t->ack == other->next;

	if (t->flags & TCP_SYN)
		return false;
	return (latency_opening(own) == WEIR_OPENING_ASKED &&
		(!latency_opening(other) || covers)) ||
	       (latency_opening(other) == WEIR_OPENING_ANSWERED && covers);
}

/* What an acknowledgement says beside what it answers. */
static __always_inline void latency_note_ack(const struct timed *t, struct weir_flow *flow,
					     enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];
	bool is_first = !(own->flags & WEIR_SIDE_ACKED);

	if (latency_opening(own) | latency_opening(other)) {
		if (latency_opens(t, own, other))
			latency_count_rare(sender, WEIR_LOSS_DONE);
		if (!(t->flags & TCP_SYN))
			latency_set_opening(own, WEIR_OPENING_NOT);
		if (t->ack == other->next)
			latency_set_opening(other, WEIR_OPENING_NOT);
	}
	if (!is_first && t->ack == own->acked && t->window == own->window && t->end == t->seq &&
	    !is_after(own->next, t->seq) && other->flags & WEIR_SIDE_SENT &&
	    is_after(other->next, t->ack))
		latency_count_rare(sender, WEIR_LOSS_DUP_ACK);
	if (!t->window && !(t->flags & TCP_SYN) && (is_first || own->window))
		latency_count_rare(sender, WEIR_LOSS_ZERO_WINDOW);
	if (is_first || latency_acks_more(t, own, other))
		own->acked = t->ack;
	if (own->window != t->window)
		own->window = t->window;
	if (is_first)
		own->flags |= WEIR_SIDE_ACKED;
}

static __always_inline bool latency_is_keep_alive(const struct weir_flow_side *own,
						  const struct timed *t)
{
	return own->flags & WEIR_SIDE_SENT && t->bytes <= 1 && t->seq == own->next - 1 &&
	       !(t->flags & (TCP_SYN | TCP_FIN));
}

/*
 * Whether @t, with an older TSval than the newest, was overtaken on its way
 * here, and nothing else with that TSval was: what is sent again has a newer
 * one. Its receiver gets it as late, and then echoes just that: RFC 7323,
 * section 4.3.
 */
__noinline int latency_is_overtaken(const struct timed *t, const struct weir_flow *flow,
				    __u32 sender)
{
	const struct weir_flow_side *own, *other;

	if (LATENCY_IS_OFF || !t || !flow)
		return 0;
	own = &flow->side[sender & 1];
	other = &flow->side[~sender & 1];
	if (!t->is_stamped || !is_after(t->tsval, own->done) || !(other->flags & WEIR_SIDE_ACKED) ||
	    !is_after(t->end, other->acked))
		return 0;
	return !(own->pending & WEIR_PENDING_OLDER) ||
	       !latency_is_kept(t->key, LATENCY_PLACE(t->way, sender), t->tsval);
}

/*
 * Its TSval is the newest. A pure ACK is not stamped: its TSval is echoed
 * whenever the peer next speaks. So a TSval that began with one has no stamp,
 * nor has that of a keep-alive.
 */
static __always_inline void latency_note_newest(struct timed *t, struct weir_flow *flow,
						enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender];

	latency_keep_last(t, flow, sender);
	if (!t->is_stamped) {
		latency_put(&own->last, t->tsval, 0);
		return;
	}
	latency_put(&own->last, t->tsval, latency_now(t));
	flow->seen = t->now;
}

/* Without timestamps, the end of what is new is stamped. */
static __always_inline void latency_note_end(struct timed *t, struct weir_flow *flow,
					     enum weir_direction sender)
{
	latency_keep_last(t, flow, sender);
	latency_put(&flow->side[sender].last, t->end, latency_now(t));
	flow->seen = t->now;
}

/* Its TSval is not: it is stamped where it was overtaken. */
static __always_inline void latency_note_late(struct timed *t, struct weir_flow *flow,
					      enum weir_direction sender)
{
	if (!latency_is_overtaken(t, flow, sender))
		return;
	latency_keep(t->key, LATENCY_PLACE(t->way, sender), t->tsval, latency_now(t), t->now);
	flow->seen = t->now;
}

static __always_inline void latency_note_timed(struct timed *t, struct weir_flow *flow,
					       enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender];

	if (!(own->flags & WEIR_SIDE_TIMED)) {
		latency_drop_stamps(own);
		own->flags |= WEIR_SIDE_TIMED;
		own->done = own->last.value = t->tsval - 1;
	}
	if (is_after(t->tsval, own->last.value))
		latency_note_newest(t, flow, sender);
	else if (t->tsval != own->last.value)
		latency_note_late(t, flow, sender);
}

/* Stamp what will be acknowledged. */
static __always_inline void latency_note_sent(struct timed *t, struct weir_flow *flow,
					      enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender];

	if (t->has_timestamps) {
		latency_note_timed(t, flow, sender);
		return;
	}
	if (own->flags & WEIR_SIDE_TIMED) {
		latency_drop_stamps(own);
		own->done = own->next;
		own->flags &= ~WEIR_SIDE_TIMED;
	}
	if (t->is_stamped && t->is_new)
		latency_note_end(t, flow, sender);
}

static __always_inline void latency_note_size(struct weir_flow *flow, const struct timed *t,
					      enum weir_direction sender)
{
	__u32 bytes = t->single ? t->single : t->bytes;

	if (bytes > flow->segment[sender] && bytes <= LATENCY_MOST_SEGMENT)
		flow->segment[sender] = bytes;
}

/* NULL where it has no record: one is made for what will be acknowledged. */
static __always_inline struct weir_flow *latency_flow_of(struct timed *t,
							 enum weir_direction sender)
{
	struct weir_flow_set *set = latency_flow_set(t->key);

	if (!set)
		return NULL;
	t->way = latency_find(set, t->key);
	if (t->way >= WEIR_FLOW_WAYS) {
		if (!t->is_stamped)
			return NULL;
		latency_flow_take(t, sender);
		t->way = latency_find(set, t->key);
	}
	return t->way < WEIR_FLOW_WAYS ? &set->way[t->way] : NULL;
}

/* Whether this is news of its side. */
static __always_inline void latency_judge(struct timed *t, struct weir_flow_side *own,
					  enum weir_direction sender)
{
	if (!(own->flags & WEIR_SIDE_SENT)) {
		latency_drop_stamps(own);
		own->next = own->done = t->seq;
	}
	t->is_new = !is_after(own->next, t->seq);
	if (latency_is_keep_alive(own, t))
		t->is_stamped = 0;
	else if (t->is_stamped && !t->is_new)
		latency_again(own, t, sender);
}

/*
 * @sender  the side it comes from: WIRE at ingress, HOST at egress
 */
static __always_inline void latency_tcp(struct timed *t, enum weir_direction sender)
{
	struct weir_flow_side *own;
	struct weir_flow *flow;

	t->is_stamped = t->end != t->seq && !(t->flags & TCP_RST);
	flow = latency_flow_of(t, sender);
	if (!flow)
		return;
	own = &flow->side[sender];
	if (t->flags & TCP_RST) {
		latency_reset(flow, sender);
		return;
	}
	if (t->flags & TCP_SYN)
		latency_syn(flow, t, sender);
	latency_own_backend(t, flow, sender);
	latency_judge(t, own, sender);
	if (t->flags & TCP_ACK) {
		latency_match(t, flow, sender);
		latency_note_ack(t, flow, sender);
	}
	if (sender == WEIR_DIR_WIRE && t->backend)
		latency_response(t, flow);
	latency_note_sent(t, flow, sender);
	latency_note_size(flow, t, sender);
	/* What has no data may have overtaken the data that it stands behind. */
	if (t->end != t->seq && is_after(t->end, own->next))
		own->next = t->end;
	if (!(own->flags & WEIR_SIDE_SENT))
		own->flags |= WEIR_SIDE_SENT;
}

#endif
