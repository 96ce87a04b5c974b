/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening a translated flow: a port, a record, and the way that clients' packets
 * find it by. See include/weir/nat.h.
 */
#ifndef WEIR_BPF_NAT_OPEN_H
#define WEIR_BPF_NAT_OPEN_H

#include "weir/bpf/nat.h"

/* What a record is to a flow that looks for a place. */
enum nat_fit {
	NAT_FIT_OTHER, /* somebody's, whom it does not bother */
	NAT_FIT_FREE,
	NAT_FIT_OWN, /* the flow is known after all */
	NAT_FIT_CLASH, /* another flow would look the same to the backend */
};

static __always_inline enum nat_fit nat_judge(const struct weir_nat_flow *r, __u64 life,
					      const struct nat *n, bool may_push)
{
	bool is_live = nat_is_live(life, n->now);

	if (!nat_is_taken(life, n->now))
		return NAT_FIT_FREE;
	if (is_live && nat_is_inside(r, life, n)) {
		if (weir_nat_backend(life) == n->backend && nat_is_outside(r, life, n))
			return NAT_FIT_OWN;
		if (n->kind == NAT_LOCAL)
			return NAT_FIT_CLASH;
	}
	return may_push && is_live && nat_is_unsure(r, life, n->now) ? NAT_FIT_FREE : NAT_FIT_OTHER;
}

static __always_inline __u64 nat_opening(const struct nat *n)
{
	return weir_nat_life(n->now + nat_ticks(WEIR_NAT_OPENING, n->is_udp, n->idle), n->backend,
			     WEIR_NAT_OPENING | (n->is_udp ? WEIR_NAT_STATE_UDP : 0));
}

/* Take the record if it is still as it was. Returns whether it was. */
static __always_inline int nat_claim(struct weir_nat_flow *r, __u64 was, __u32 index, struct nat *n)
{
	__u64 claimed = weir_nat_life(n->now + WEIR_NAT_TICKS(2), n->backend, WEIR_NAT_CLAIMED);

	if (__sync_val_compare_and_swap(&r->life, was, claimed) != was)
		return 0;
	pkt_copy_addr(r->client, &n->outside.src);
	pkt_copy_addr(r->vip, &n->outside.dst);
	pkt_copy_addr(r->source, &n->inside.src);
	r->client_port = n->outside.sport;
	r->vip_port = n->outside.dport;
	r->source_port = n->inside.sport;
	r->idle = n->idle;
	r->mark = WEIR_NAT_MARK(n->tag);
	n->flow = index;
	n->life = nat_opening(n);
	/* A barrier, too: whoever reads this life finds the rest written. */
	__sync_lock_test_and_set(&r->life, n->life);
	return 1;
}

/* Go on with the flow's own record; a SYN begins anew. */
static __always_inline void nat_adopt(struct weir_nat_flow *r, __u64 life, __u32 index,
				      struct nat *n)
{
	n->flow = index;
	n->life = life;
	if (weir_nat_state(life) < WEIR_NAT_CLOSING || !(n->flags & NAT_SYN))
		return;
	n->life = nat_opening(n);
	__sync_val_compare_and_swap(&r->life, life, n->life);
}

/*
 * Look for a record for the flow with the ports that are in @n.
 * Returns 1 when it has one, 0 when there is none to be had.
 */
static __always_inline int nat_try_places(struct nat *n, bool may_push)
{
	__u32 place = nat_place(n), found = ~0U;
	struct weir_nat_flow *r;
	__u64 life, was = 0;

#pragma unroll
	for (__u32 i = 0; i < WEIR_NAT_PLACES; i++) {
		enum nat_fit fit;

		if (i && n->kind == NAT_PORTS)
			break;
		r = nat_record(place ^ i);
		if (!r)
			return 0;
		life = nat_life(r);
		fit = forget(nat_judge(r, life, n, may_push), n->now);
		if (fit == NAT_FIT_CLASH)
			return 0;
		if (fit == NAT_FIT_OWN) {
			nat_adopt(r, life, place ^ i, n);
			return 1;
		}
		if (fit == NAT_FIT_FREE && found == ~0U) {
			found = i;
			was = life;
		}
		found = forget(found, n->now);
		was = forget64(was, n->now);
	}
	if (found == ~0U)
		return 0;
	r = nat_record(place ^ found);
	return r ? nat_claim(r, was, place ^ found, n) : 0;
}

/*
 * The @attempt'th port for a new flow: RFC 6056 wants ports that nobody guesses,
 * and of a keyed hash they are that. With "local" the client's own comes first.
 */
static __always_inline __be16 nat_port(const struct nat *n, __u32 attempt)
{
	__u32 step = 1 + ((__u32)(n->tag >> 8) & 0x3ff);
	__u32 count = n->ports_count ?: 1;

	if (n->kind == NAT_LOCAL && !attempt)
		return n->outside.sport;
	return bpf_htons(n->port_first + ((__u32)(n->tag >> 40) + attempt * step) % count);
}

/*
 * Not inlined, and global: the verifier goes through it once. Returns 1 when the
 * flow has a record.
 */
__noinline int nat_try(struct nat *n, __u32 attempt)
{
	if (!n)
		return 0;
	n->inside.sport = nat_port(n, attempt % WEIR_NAT_TRIES);
	return nat_try_places(n, attempt >= WEIR_NAT_TRIES);
}

/* Whether what a way says is still so; until when it is, is noted. */
static __always_inline bool nat_way_holds(struct weir_nat_way *way, __u32 now)
{
	struct weir_nat_flow *r;
	__u64 life;

	if ((__s32)(way->until - now) >= 0)
		return true;
	r = nat_record(way->flow);
	if (!r)
		return false;
	life = nat_life(r);
	if (!nat_is_live(life, now) || (r->mark & ~WEIR_NAT_NO_WAY) != WEIR_NAT_MARK(way->tag))
		return false;
	way->until = weir_nat_until(life);
	return true;
}

/*
 * Have packets of the client find the record. Returns false where the set has no
 * room; then it is found by its ports, as long as the ring names the same backend.
 *
 * Global, as nat_try().
 */
__noinline int nat_note_way(struct nat *n)
{
	__u32 index = WEIR_NAT_WAYS, room = 0;
	struct weir_nat_set *set;
	struct weir_nat_way *way;

	if (!n)
		return 0;
	set = nat_set(n->tag);
	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_NAT_WAYS; i++) {
		__u32 other = 0;

		way = &set->way[i];
		if (way->tag == n->tag)
			other = 3;
		else if (!way->tag)
			other = 2;
		else if (!nat_way_holds(way, n->now))
			other = 1;
		if (other > room) {
			index = i;
			room = other;
		}
		index = forget(index, n->now);
		room = forget(room, n->now);
	}
	if (index >= WEIR_NAT_WAYS)
		return 0;
	way = &set->way[index];
	way->flow = n->flow;
	way->until = weir_nat_until(n->life);
	way->tag = n->tag;
	return 1;
}

/* Whether the record may be taken for the flow's own without asking the table. */
static __always_inline void nat_note_record(struct nat *n, int has_way)
{
	struct weir_nat_flow *r = nat_record(n->flow);

	if (r)
		r->mark = WEIR_NAT_MARK(n->tag) | (has_way ? 0 : WEIR_NAT_NO_WAY);
}

/*
 * Whether the flow, in @n with its ends toward the backend but for the port, has
 * the port that it would be given first. Most flows do, and one line of memory
 * tells, of which nothing is waited for but the answer. Only of a flow that both
 * sides confirmed: the table knows it by then, and no other record that it had.
 */
static __always_inline int nat_find_first(struct nat *n)
{
	struct weir_nat_flow *r;
	__u32 place;
	__u64 life;

	n->inside.sport = nat_port(n, 0);
	place = nat_place(n);
	r = nat_record(place);
	if (!r)
		return 0;
	life = nat_life(r);
	if (!nat_is_live(life, n->now) ||
	    weir_nat_state(life) != (n->is_udp ? WEIR_NAT_ANSWERED : WEIR_NAT_ESTABLISHED) ||
	    weir_nat_backend(life) != n->backend || r->mark != WEIR_NAT_MARK(n->tag) ||
	    !nat_is_inside(r, life, n) || !nat_is_outside(r, life, n))
		return 0;
	n->flow = place;
	n->life = life;
	return 1;
}

/*
 * Open a flow: the ends toward the client, the source's address, the backend's
 * id, address and port, kind, ports and idle are in @n, which nat_find() has
 * failed for. A live flow is never pushed out; one that nobody confirmed is, when
 * no port has another place.
 *
 * Returns whether there was room, with the source's port, flow and life filled in.
 */
static __noinline int nat_open(struct nat *n)
{
	int found = 0;

#pragma unroll
	for (__u32 attempt = 0; attempt < 2 * WEIR_NAT_TRIES; attempt++) {
		if (!found)
			found = nat_try(n, attempt);
	}
	if (!found)
		return 0;
	nat_note_record(n, nat_note_way(n));
	return 1;
}

#endif
