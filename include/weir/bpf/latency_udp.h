/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is timed beside TCP: ICMP echo, DNS, and the spin bit of QUIC.
 */
#ifndef WEIR_BPF_LATENCY_UDP_H
#define WEIR_BPF_LATENCY_UDP_H

#include "weir/bpf/latency_tcp.h"

/*
 * How well the edges of a flow follow each other as those of a spin bit do: one
 * more for each that does, and so many less for one that does not. From LEAST
 * on they are samples. Bits that are set at random follow three times in a row
 * and then fail three times, on average, where both sides send equally often: a
 * flow may begin half trusted, but has to go all the way after it failed.
 */
#define QUIC_TRUST_FIRST 8
#define QUIC_TRUST_LEAST 16
#define QUIC_TRUST_MOST 32
#define QUIC_TRUST_LOSS 8

/*
 * A question, to be answered by what has the same key and value. One of DNS
 * that is asked again is asked of a server that may answer either.
 */
static __always_inline void latency_ask(struct timed *t, enum weir_direction sender)
{
	__u64 hash = latency_spill_hash(t->key, sender, t->value);
	__u32 tag = latency_spill_tag(hash), now = latency_now(t), at;
	struct weir_stamp_set *set = latency_spill_set(hash);
	__u32 was;

	if (!set)
		return;
	at = latency_spill_find(set, tag);
	if (at < WEIR_STAMP_WAYS && t->kind == WEIR_RTT_DNS &&
	    now - set->way[at].ticks < LATENCY_SAME_TICKS) {
		set->way[at].tag = tag | WEIR_STAMP_TWICE;
		latency_count_rare(sender, WEIR_LOSS_RETRANSMIT);
		return;
	}
	if (at >= WEIR_STAMP_WAYS) {
		at = latency_spill_victim(set, now);
		was = set->way[at].ticks;
		if (was && now - was < LATENCY_WAITS_TICKS)
			latency_count_rare(sender, WEIR_LOSS_STAMP_LOST);
	}
	latency_put(&set->way[at & (WEIR_STAMP_WAYS - 1)], tag, now);
}

static __always_inline void latency_answer(struct timed *t, enum weir_direction sender)
{
	__u32 sent = latency_unspill(t->key, !sender, t->value);

	if (sent)
		latency_sample(t, sender, t->kind, sent);
	else
		latency_count_rare(sender, WEIR_LOSS_UNMATCHED);
}

/*
 * The spin bit of one side changed. The client's turns to what the server's is
 * not, the server's to what the client's is: RFC 9000, section 17.4. So edges
 * of both sides take turns, and between one and the next is the half of the
 * round trip behind whom the next is from. Bits that are set at random do not
 * follow each other, and are left out: RFC 9312, section 4.2.
 */
static __always_inline void latency_spin_edge(struct timed *t, struct weir_flow *flow,
					      enum weir_direction sender)
{
	struct weir_flow_side *own = &flow->side[sender], *other = &flow->side[!sender];
	bool is_same = !((own->flags ^ other->flags) & WEIR_SIDE_SPIN);
	__u32 trust = flow->side[WEIR_DIR_WIRE].done, now = latency_now(t), sent;

	own->last.ticks = now;
	flow->seen = now;
	if (!(other->flags & WEIR_SIDE_SENT))
		return;
	if (is_same == !!t->is_client) {
		flow->side[WEIR_DIR_WIRE].done =
			trust > QUIC_TRUST_LOSS ? trust - QUIC_TRUST_LOSS : 0;
		latency_count_rare(sender, WEIR_LOSS_RANDOM_SPIN);
		return;
	}
	if (trust < QUIC_TRUST_MOST)
		flow->side[WEIR_DIR_WIRE].done = trust + 1;
	sent = other->last.ticks;
	if (sent && trust >= QUIC_TRUST_LEAST)
		latency_sample(t, sender, WEIR_RTT_QUIC, sent);
}

static __always_inline void latency_spin(struct timed *t, enum weir_direction sender)
{
	struct weir_flow_side *own;
	struct weir_flow *flow;
	__u8 was;

	t->is_stamped = 1;
	flow = latency_flow_of(t, sender);
	if (!flow)
		return;
	if (!(flow->side[WEIR_DIR_WIRE].flags | flow->side[WEIR_DIR_HOST].flags))
		flow->side[WEIR_DIR_WIRE].done = QUIC_TRUST_FIRST;
	own = &flow->side[sender];
	was = own->flags;
	if ((was & ~WEIR_SIDE_BACKED) == (WEIR_SIDE_SENT | t->value))
		return;
	latency_own_backend(t, flow, sender);
	own->flags = (own->flags & WEIR_SIDE_BACKED) | WEIR_SIDE_SENT | t->value;
	if (was & WEIR_SIDE_SENT)
		latency_spin_edge(t, flow, sender);
}

/* What is not TCP. */
static __always_inline void latency_datagram(struct timed *t, enum weir_direction sender)
{
	switch (t->what) {
	case TIMED_ASK:
		latency_ask(t, sender);
		break;
	case TIMED_ANSWER:
		latency_answer(t, sender);
		break;
	case TIMED_SPIN:
		latency_spin(t, sender);
		break;
	}
}

#endif
