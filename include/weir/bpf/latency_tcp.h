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

#include "weir/bpf/latency_flow.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* No segment is longer than a jumbo frame: what is, is several of which nobody says how long. */
#define LATENCY_MOST_SEGMENT 9216
/* RFC 1122: at least what any receiver takes, and holds an acknowledgement back for. */
#define LATENCY_LEAST_SEGMENT 536

static __always_inline bool is_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline void latency_drop_stamps(struct weir_flow_side *side)
{
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_STAMPS; i++)
		latency_put(&side->stamp[i], 0, 0);
	side->spilled = 0;
}

/* A connection begins: nothing that this side sent before counts any more. */
static __always_inline void latency_begin(struct weir_flow_side *side, __u8 opening)
{
	latency_drop_stamps(side);
	side->flags = 0;
	side->retransmits = 0;
	side->segment = 0;
	side->opening = opening;
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
	    (own->opening || other->flags & WEIR_SIDE_SENT)) {
		/* Its answer was lost behind this place: it goes on asking. */
		if (!(t->flags & TCP_ACK) && !(own->flags & WEIR_SIDE_ACKED))
			own->opening = WEIR_OPENING_ASKED;
		return 0;
	}
	/* After a SYN nothing of the other side is left; so it is sent again. */
	if (t->flags & TCP_ACK && own->flags & other->flags & WEIR_SIDE_SENT &&
	    !is_after(t->end, own->next))
		return 0;
	if (t->flags & TCP_ACK) {
		latency_begin(own, WEIR_OPENING_ANSWERED);
		return 0;
	}
	if (own->opening == WEIR_OPENING_ASKED)
		latency_count_rare(sender, WEIR_LOSS_FAILED);
	latency_count_rare(sender, WEIR_LOSS_BEGUN);
	latency_begin(other, 0);
	latency_begin(own, WEIR_OPENING_ASKED);
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
		if (flow->side[side].opening == WEIR_OPENING_ASKED)
			latency_count_rare(side, WEIR_LOSS_FAILED);
		flow->side[side].opening = 0;
		latency_drop_stamps(&flow->side[side]);
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
	if (LATENCY_IS_OFF || !own || !t)
		return 0;
	if (t->has_timestamps && own->flags & WEIR_SIDE_TIMED && is_after(own->newest, t->tsval))
		return latency_count_rare(sender, WEIR_LOSS_REORDER);
	latency_count_rare(sender, WEIR_LOSS_RETRANSMIT);
	if (own->retransmits < 255)
		own->retransmits++;
	if (!t->has_timestamps) {
		latency_drop_stamps(own);
		own->newest = own->next;
	}
	return 0;
}

/* No room in the record: the oldest stamp there goes on waiting elsewhere. Returns 0. */
__noinline int latency_make_room(struct timed *t, struct weir_flow_side *own, __u32 sender,
				 __u32 value, __u32 ticks)
{
	if (LATENCY_IS_OFF || !t || !own)
		return 0;
	latency_count_rare(sender, WEIR_LOSS_SPILLED);
	if (latency_spill(t->key, sender, value, ticks, latency_now(t)))
		latency_count_rare(sender, WEIR_LOSS_STAMP_LOST);
	own->spilled = 1;
	return 0;
}

/*
 * @done  what has been answered so far: older stamps need not be kept
 */
static __always_inline void latency_stamp(struct timed *t, struct weir_flow *flow,
					  enum weir_direction sender, __u32 value, __u32 done)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];
	__u32 head = own->flags & WEIR_SIDE_HEAD;
	struct weir_stamp *stamp = &own->stamp[head];

	/* Of a flow of which only one side passes, nothing waits. */
	if (stamp->ticks && is_after(stamp->value, done) && other->flags & WEIR_SIDE_SENT)
		latency_make_room(t, own, sender, stamp->value, stamp->ticks);
	own->flags = (own->flags & ~WEIR_SIDE_HEAD) | ((head + 1) & WEIR_SIDE_HEAD);
	latency_put(stamp, value, latency_now(t));
	flow->seen = t->now;
}

/*
 * The kind of a sample: what answers a SYN, or is the first to answer a
 * SYN-ACK; an acknowledgement that may have been held back; or neither.
 */
static __always_inline __u32 latency_kind(const struct weir_flow_side *own,
					  const struct weir_flow_side *other, const struct timed *t)
{
	__u32 least =
		other->segment > LATENCY_LEAST_SEGMENT ? other->segment : LATENCY_LEAST_SEGMENT;

	if (other->opening)
		return WEIR_RTT_HANDSHAKE;
	if (t->bytes || t->flags & (TCP_SYN | TCP_FIN))
		return WEIR_RTT_TCP;
	return own->flags & WEIR_SIDE_ACKED && is_after(t->ack, own->acked + least) ? WEIR_RTT_TCP
										    : WEIR_RTT_ACK;
}

/* When the stamp of @value was put, ticks, or 0. Takes it away. */
static __always_inline __u32 latency_take_equal(struct weir_flow_side *side, __u32 value)
{
	__u64 found = 0, at = 0;

#pragma unroll
	for (__u32 i = 0; i < WEIR_FLOW_STAMPS; i++) {
		__u64 word = *(volatile __u64 *)&side->stamp[i];
		__u64 is = (((__u64)((__u32)word ^ value) - 1) & -(word >> 32)) >> 63;

		asm volatile("" : "+r"(is));
		found |= (word >> 32) * is;
		at += i * is;
	}
	at &= WEIR_FLOW_STAMPS - 1;
	if (found)
		latency_put(&side->stamp[at], 0, 0);
	return found;
}

/* Of the stamps up to @ack, which all go: when the greatest was put, ticks, or 0. */
static __always_inline __u32 latency_take_up_to(struct weir_flow_side *side, __u32 ack)
{
	__u32 found = 0, best = 0;

#pragma unroll
	for (__u32 i = 0; i < WEIR_FLOW_STAMPS; i++) {
		__u64 word = *(volatile __u64 *)&side->stamp[i];

		found = forget(found, ack);
		best = forget(best, ack);
		if (!(word >> 32) || is_after((__u32)word, ack))
			continue;
		if (!found || is_after((__u32)word, best)) {
			found = word >> 32;
			best = (__u32)word;
		}
		latency_put(&side->stamp[i], 0, 0);
	}
	return found;
}

/* When the TSval that @t echoes was first seen, or 0. */
static __always_inline __u32 latency_find_echoed(const struct timed *t,
						 struct weir_flow_side *other, __u32 answerer)
{
	__u32 sent = latency_take_equal(other, t->tsecr);
	bool is_news = is_after(t->tsecr, other->echoed);

	if (!is_news)
		return sent;
	if (is_after(t->tsecr, other->newest)) {
		latency_count_rare(answerer, WEIR_LOSS_UNMATCHED);
		return sent;
	}
	if (!sent && other->spilled)
		sent = latency_unspill(t->key, !answerer, t->tsecr);
	other->echoed = t->tsecr;
	if (t->tsecr == other->newest)
		other->spilled = 0;
	return sent;
}

/* When the last segment that @t acknowledges was seen, or 0. */
static __always_inline __u32 latency_find_acked(const struct timed *t,
						const struct weir_flow_side *own,
						struct weir_flow_side *other, __u32 answerer)
{
	__u32 sent = latency_take_up_to(other, t->ack);

	if (is_after(t->ack, other->next)) {
		latency_count_rare(answerer, WEIR_LOSS_UNMATCHED);
		return 0;
	}
	if (!sent && other->spilled && is_after(t->ack, other->newest) &&
	    (!(own->flags & WEIR_SIDE_ACKED) || is_after(t->ack, own->acked)))
		sent = latency_unspill(t->key, !answerer, t->ack);
	if (t->ack == other->next)
		other->spilled = 0;
	return sent;
}

/* When a SYN was seen that offered timestamps to a peer that has none, or 0. */
static __always_inline __u32 latency_syn_in_vain(const struct timed *t,
						 struct weir_flow_side *other)
{
	__u32 sent = other->stamp[0].ticks;

	if (!other->opening || other->retransmits || t->ack != other->next)
		return 0;
	latency_put(&other->stamp[0], 0, 0);
	return sent;
}

static __always_inline void latency_match(struct timed *t, struct weir_flow *flow,
					  enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];
	__u32 sent = 0;

	if (!(other->flags & WEIR_SIDE_SENT))
		return;
	if (t->has_timestamps && other->flags & WEIR_SIDE_TIMED)
		sent = latency_find_echoed(t, other, sender);
	else if (!t->has_timestamps && !(other->flags & WEIR_SIDE_TIMED))
		sent = latency_find_acked(t, own, other, sender);
	else if (!t->has_timestamps)
		sent = latency_syn_in_vain(t, other);
	if (sent)
		latency_sample(t, sender, latency_kind(own, other, t), sent);
}

/*
 * Of a balanced flow whose answers do not pass here: the time from the last of
 * a request to the client's acknowledgement of something new is that of the
 * backend and of both ways. The side that nobody sees has room for it.
 */
static __always_inline void latency_response(struct timed *t, struct weir_flow *flow)
{
	struct weir_stamp *asked = &flow->side[WEIR_DIR_HOST].stamp[0];
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
	return (own->opening == WEIR_OPENING_ASKED && (!other->opening || covers)) ||
	       (other->opening == WEIR_OPENING_ANSWERED && covers);
}

/* What an acknowledgement says beside what it answers. */
static __always_inline void latency_note_ack(const struct timed *t, struct weir_flow *flow,
					     enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];
	bool is_first = !(own->flags & WEIR_SIDE_ACKED);

	if (latency_opens(t, own, other))
		latency_count_rare(sender, WEIR_LOSS_DONE);
	if (own->opening && !(t->flags & TCP_SYN))
		own->opening = 0;
	if (other->opening && t->ack == other->next)
		other->opening = 0;
	if (!is_first && t->ack == own->acked && t->window == own->window && t->end == t->seq &&
	    !is_after(own->next, t->seq) && other->flags & WEIR_SIDE_SENT &&
	    is_after(other->next, t->ack))
		latency_count_rare(sender, WEIR_LOSS_DUP_ACK);
	if (!t->window && !(t->flags & TCP_SYN) && (is_first || own->window))
		latency_count_rare(sender, WEIR_LOSS_ZERO_WINDOW);
	if (is_first || latency_acks_more(t, own, other))
		own->acked = t->ack;
	own->window = t->window;
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
	if (!t->is_stamped || !is_after(t->tsval, own->echoed) ||
	    !(other->flags & WEIR_SIDE_ACKED) || !is_after(t->end, other->acked))
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_STAMPS; i++) {
		if (own->stamp[i].ticks && own->stamp[i].value == t->tsval)
			return 0;
	}
	return !own->spilled || !latency_is_spilled(t->key, sender, t->tsval);
}

/*
 * Stamp what will be acknowledged. A pure ACK is not: its TSval is echoed
 * whenever the peer next speaks. So a TSval that began with one has no stamp,
 * nor has that of a keep-alive.
 */
static __always_inline void latency_note_sent(struct timed *t, struct weir_flow *flow,
					      enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];

	if (t->has_timestamps) {
		if (!(own->flags & WEIR_SIDE_TIMED)) {
			latency_drop_stamps(own);
			own->flags |= WEIR_SIDE_TIMED;
			own->echoed = own->newest = t->tsval - 1;
		}
		if (is_after(t->tsval, own->newest))
			own->newest = t->tsval;
		else if (t->tsval == own->newest || !latency_is_overtaken(t, flow, sender))
			return;
		if (t->is_stamped)
			latency_stamp(t, flow, sender, t->tsval, own->echoed);
		return;
	}
	if (own->flags & WEIR_SIDE_TIMED) {
		latency_drop_stamps(own);
		own->newest = own->next;
		own->flags &= ~WEIR_SIDE_TIMED;
	}
	if (t->is_stamped && t->is_new)
		latency_stamp(t, flow, sender, t->end,
			      other->flags & WEIR_SIDE_ACKED ? other->acked : own->newest);
}

static __always_inline void latency_note_size(struct weir_flow_side *own, const struct timed *t)
{
	__u32 bytes = t->single ? t->single : t->bytes;

	if (bytes > own->segment && bytes <= LATENCY_MOST_SEGMENT)
		own->segment = bytes;
}

/* Returns false where it has no record: one is made for what will be acknowledged. */
static __always_inline struct weir_flow *latency_flow_of(struct timed *t,
							 enum weir_direction sender)
{
	struct weir_flow_set *set = latency_flow_set(t->key);
	struct weir_flow *flow;

	if (!set)
		return NULL;
	flow = latency_flow(set, t->key);
	if (flow || !t->is_stamped)
		return flow;
	latency_flow_take(t, sender);
	return latency_flow(set, t->key);
}

static __always_inline void latency_own_backend(struct timed *t, struct weir_flow *flow,
						enum weir_direction sender)
{
	if (sender == WEIR_DIR_HOST)
		t->backend = flow->backend;
	else if (flow->backend != t->backend)
		flow->backend = t->backend;
}

/* Whether this is news of its side. */
static __always_inline void latency_judge(struct timed *t, struct weir_flow_side *own,
					  enum weir_direction sender)
{
	if (!(own->flags & WEIR_SIDE_SENT)) {
		latency_drop_stamps(own);
		own->next = own->newest = t->seq;
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
	latency_note_size(own, t);
	/* What has no data may have overtaken the data that it stands behind. */
	if (t->end != t->seq && is_after(t->end, own->next))
		own->next = t->end;
	own->flags |= WEIR_SIDE_SENT;
}

#endif
