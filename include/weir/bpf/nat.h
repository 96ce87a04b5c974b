/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of flows whose addresses change: finding a flow from either side,
 * opening one, and noting how far it got. See include/weir/nat.h.
 */
#ifndef WEIR_BPF_NAT_H
#define WEIR_BPF_NAT_H

#include "weir/bpf/hook.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/siphash.h"
#include "weir/nat.h"

#define NAT_FIN 0x01
#define NAT_SYN 0x02
#define NAT_RST 0x04
#define NAT_ACK 0x10

/* Where a packet comes from and where it goes. */
struct nat_ends {
	union pkt_addr src, dst;
	__be16 sport, dport;
};

enum nat_kind {
	NAT_PORTS, /* the source is this host's, and so are its ports */
	NAT_LOCAL, /* the source is the client */
};

/*
 * A flow that a packet is worked on for; lies in the CPU's scratch. Packets of
 * the client have the ends as they stand here, what comes back has them swapped.
 */
struct nat {
	struct nat_ends outside; /* from the client to the VIP */
	struct nat_ends inside; /* from the source to the backend */
	__u64 secret; /* the image's */
	__u64 tag; /* of @outside */
	__u64 life; /* the record's, when it was read */
	__u32 flow; /* the record's index */
	__u32 backend; /* its id */
	__u32 now; /* ticks */
	__u32 ports_count;
	__u16 port_first; /* host order */
	__u8 kind; /* enum nat_kind */
	__u8 is_udp;
	__u8 is_v6;
	__u8 flags; /* of TCP; 0 for all else */
	__u8 idle; /* weir_nat_idle() of its service */
	__u8 to_stack; /* the packet goes on to the stack, rewritten */
	__u8 is_partial; /* its checksum is the kernel's to complete */
	__u8 pad[3];
	__u32 quoted_l3; /* offset of what an ICMP error quotes */
	__u32 quoted_l4;
	struct nat_ends quoted; /* what it has as ends */
	struct nat_ends from, to; /* what the packet has, at TC, and is to have as ends */
	struct nat_ends quoted_to; /* and what it quotes */
};

static __always_inline __u32 nat_now(void)
{
	return (__u32)(bpf_ktime_get_coarse_ns() >> WEIR_NAT_TICK_SHIFT);
}

static __always_inline struct weir_nat_flow *nat_record(__u32 index)
{
	index &= weir.nat_flow_mask;
	return bpf_map_lookup_elem(&weir_nat_flows, &index);
}

static __always_inline struct weir_nat_set *nat_set(__u64 tag)
{
	__u32 index = tag & weir.nat_mask;

	return bpf_map_lookup_elem(&weir_nat, &index);
}

static __always_inline __u64 nat_life(const struct weir_nat_flow *r)
{
	return *(const volatile __u64 *)&r->life;
}

/* A table: the verifier would follow each case of a switch. */
static const volatile __u32 nat_state_ticks[8] = {
#define X(sym, name, idle_s) [WEIR_NAT_##sym] = WEIR_NAT_TICKS(idle_s),
	WEIR_NAT_STATES(X)
#undef X
};
_Static_assert(WEIR_NAT_STATE_COUNT <= 8, "states do not fit their mask");

/* How long a flow lives in a state without a packet. */
static __always_inline __u32 nat_ticks(__u8 state, __u8 is_udp, __u8 idle)
{
	__u32 index = state, ticks;

	/* clang 19 would leave the mask out where it knows the state, which the verifier does not. */
	HIDE_FROM_COMPILER(index);
	ticks = is_udp ? 0 : nat_state_ticks[index & 7];
	return ticks ?: weir_nat_idle_ticks(idle);
}

/* Whether the record is somebody's, who may be about to write it. */
static __always_inline bool nat_is_taken(__u64 life, __u32 now)
{
	return weir_nat_state(life) != WEIR_NAT_FREE && (__s32)(weir_nat_until(life) - now) >= 0;
}

static __always_inline bool nat_is_live(__u64 life, __u32 now)
{
	return weir_nat_state(life) >= WEIR_NAT_OPENING &&
	       (__s32)(weir_nat_until(life) - now) >= 0;
}

/* Whether a flow in need of room may take the record of another. */
static __always_inline bool nat_is_unsure(const struct weir_nat_flow *r, __u64 life, __u32 now)
{
	__u8 state = weir_nat_state(life), is_udp = weir_nat_is_udp(life);

	if (state != WEIR_NAT_OPENING && (state != WEIR_NAT_ANSWERED || is_udp))
		return false;
	return (__s32)(weir_nat_until(life) - nat_ticks(state, is_udp, r->idle) +
		       WEIR_NAT_TICKS(WEIR_NAT_UNSURE_S) - now) < 0;
}

static __always_inline bool nat_is_address(const __u8 *bytes, const union pkt_addr *a)
{
	const __u64 *half = (const __u64 *)bytes;

	return half[0] == a->half[0] && half[1] == a->half[1];
}

/* Whether the record is, or was, of the flow that has these ends toward clients. */
static __always_inline bool nat_is_outside(const struct weir_nat_flow *r, __u64 life,
					   const struct nat *n)
{
	return nat_is_address(r->client, &n->outside.src) &&
	       nat_is_address(r->vip, &n->outside.dst) && r->client_port == n->outside.sport &&
	       r->vip_port == n->outside.dport && weir_nat_is_udp(life) == n->is_udp;
}

/* The same of its source; whose backend it is, its place says. */
static __always_inline bool nat_is_inside(const struct weir_nat_flow *r, __u64 life,
					  const struct nat *n)
{
	return nat_is_address(r->source, &n->inside.src) && r->source_port == n->inside.sport &&
	       weir_nat_is_udp(life) == n->is_udp;
}

static __always_inline void nat_hash_tag(const struct weir_image *image, struct nat *n)
{
	struct siphash_words words = {
		.word = { (__u64)n->outside.sport << 32 | (__u64)n->outside.dport << 16 | n->is_udp,
			  (__u64)n->outside.src.word[3] << 32 | n->outside.dst.word[3] },
		.count = 2,
	};

	if (n->is_v6) {
		words.word[1] = n->outside.src.half[0];
		words.word[2] = n->outside.src.half[1];
		words.word[3] = n->outside.dst.half[0];
		words.word[4] = n->outside.dst.half[1];
		words.count = 5;
	}
	n->tag = siphash_keyed(&words, image) | 1;
}

static __always_inline __u64 nat_place(const struct nat *n)
{
	return weir_nat_hash(n->inside.src.half, n->inside.sport, n->inside.dst.half,
			     n->inside.dport, n->is_udp, n->secret);
}

/* Before a flow is looked for by the ends toward clients that are in @n. */
static __always_inline void nat_ask(const struct weir_image *image, struct nat *n)
{
	n->now = nat_now();
	n->secret = image->secret[0];
	nat_hash_tag(image, n);
}

/*
 * Find the flow with the ends toward clients that are in @n, and its source; after
 * nat_ask(). A SYN where the flow was closed is for another one, and finds nothing.
 *
 * Returns whether there is one, with source, backend, flow and life filled in.
 */
static __noinline int nat_find(struct nat *n)
{
	__u32 index = WEIR_NAT_WAYS;
	struct weir_nat_flow *r;
	struct weir_nat_set *set;
	__u8 state;

	set = nat_set(n->tag);
	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_NAT_WAYS; i++) {
		if (set->way[i].tag == n->tag)
			index = i;
		index = forget(index, n->now);
	}
	if (index >= WEIR_NAT_WAYS)
		return 0;
	n->flow = set->way[index].flow;
	r = nat_record(n->flow);
	if (!r)
		return 0;
	n->life = nat_life(r);
	state = weir_nat_state(n->life);
	if (!nat_is_live(n->life, n->now) || !nat_is_outside(r, n->life, n))
		return 0;
	if ((n->flags & (NAT_SYN | NAT_ACK)) == NAT_SYN && state >= WEIR_NAT_CLOSING)
		return 0;
	n->backend = weir_nat_backend(n->life);
	pkt_copy_addr(&n->inside.src, r->source);
	n->inside.sport = r->source_port;
	return 1;
}

/* The backend with this id, or NULL where the generation in force has none. */
static __always_inline const struct weir_backend *nat_backend(const struct weir_image *image,
							      __u32 id)
{
	const __u32 *offset;

	if (id >= image->backend_by_id_count)
		return NULL;
	offset = image_at(image, image->backend_by_id_offset + id * sizeof(*offset));
	return *offset ? image_at(image, *offset) : NULL;
}

/* Whether the record, which has the source and port in @n, is of the backend in @n. */
static __always_inline bool nat_is_backend(const struct weir_image *image,
					   const struct weir_nat_flow *r, __u64 life,
					   const struct nat *n)
{
	const struct weir_backend *backend = nat_backend(image, weir_nat_backend(life));

	return backend && nat_is_address(backend->addr, &n->inside.dst) &&
	       (backend->port ?: r->vip_port) == n->inside.dport;
}

static __always_inline int nat_back_at(const struct weir_image *image, struct nat *n, __u32 index)
{
	struct weir_nat_flow *r = nat_record(index);
	__u64 life;

	if (!r)
		return 0;
	life = nat_life(r);
	if (!nat_is_live(life, n->now) || !nat_is_inside(r, life, n) ||
	    !nat_is_backend(image, r, life, n))
		return 0;
	n->flow = index;
	n->life = life;
	n->backend = weir_nat_backend(life);
	pkt_copy_addr(&n->outside.src, r->client);
	pkt_copy_addr(&n->outside.dst, r->vip);
	n->outside.sport = r->client_port;
	n->outside.dport = r->vip_port;
	return 1;
}

/*
 * Find the flow with the ends toward the backend that are in @n.
 *
 * Returns whether there is one, with client, VIP, flow and life filled in.
 */
static __noinline int nat_back(const struct weir_image *image, struct nat *n)
{
	__u32 place;

	n->now = nat_now();
	n->secret = image->secret[0];
	place = nat_place(n);
	if (n->kind == NAT_PORTS)
		return nat_back_at(image, n, place);
#pragma unroll
	for (__u32 i = 0; i < WEIR_NAT_PLACES; i++) {
		if (nat_back_at(image, n, place ^ i))
			return 1;
	}
	return 0;
}

/* How far a flow gets by a segment of its client. */
static __always_inline __u8 nat_next_out(__u8 state, __u8 flags)
{
	if (flags & NAT_RST)
		return WEIR_NAT_RESET;
	if (flags & NAT_FIN)
		return state == WEIR_NAT_RESET ? WEIR_NAT_RESET : WEIR_NAT_CLOSING;
	if (flags & NAT_ACK && (state == WEIR_NAT_ANSWERED || state == WEIR_NAT_RESET))
		return WEIR_NAT_ESTABLISHED;
	return state;
}

/* And by one of its backend. */
static __always_inline __u8 nat_next_back(__u8 state, __u8 flags)
{
	if (flags & (NAT_RST | NAT_FIN))
		return state == WEIR_NAT_RESET ? WEIR_NAT_RESET : WEIR_NAT_CLOSING;
	return state == WEIR_NAT_OPENING ? WEIR_NAT_ANSWERED : state;
}

enum nat_sender { NAT_CLIENT, NAT_BACKEND };

/*
 * Note a packet of the flow that was found. The record is written when the flow
 * gets further, and once a tick otherwise.
 */
static __always_inline void nat_touch(struct nat *n, enum nat_sender sender)
{
	struct weir_nat_flow *r = nat_record(n->flow);
	__u8 state = weir_nat_state(n->life), next;
	__u64 life;

	if (!r)
		return;
	next = sender == NAT_CLIENT ? nat_next_out(state, n->flags) : nat_next_back(state, n->flags);
	if (n->is_udp)
		next = sender == NAT_CLIENT ? state : WEIR_NAT_ANSWERED;
	life = weir_nat_life(n->now + nat_ticks(next, n->is_udp, r->idle), n->backend,
			     next | (n->is_udp ? WEIR_NAT_STATE_UDP : 0));
	if (life != n->life)
		__sync_val_compare_and_swap(&r->life, n->life, life);
}

#endif
