/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a rule asks beyond its terms, one condition after the other.
 */
#ifndef WEIR_BPF_CONDITION_H
#define WEIR_BPF_CONDITION_H

#include "weir/bpf/expr.h"
#include "weir/bpf/hook.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/set.h"
#include "weir/filter.h"

/* Halvings that a search needs at most: an image holds fewer than 2^24 ranges. */
#define SEARCH_HALVINGS 24

static __always_inline bool in_ranges64(const struct weir_image *image, __u32 base, __u32 n,
					__u64 value)
{
	const struct weir_range64 *r;

	for (int i = 0; i < SEARCH_HALVINGS && n > 1; i++) {
		__u32 half = n / 2;

		r = image_at(image, base + half * sizeof(*r));
		if (r->first <= value)
			base += half * sizeof(*r);
		n -= half;
	}
	r = image_at(image, base);
	return n && r->first <= value && value <= r->last;
}

static __always_inline bool at_most128(__u64 a_hi, __u64 a_lo, __u64 b_hi, __u64 b_lo)
{
	return a_hi < b_hi || (a_hi == b_hi && a_lo <= b_lo);
}

static __always_inline bool in_ranges128(const struct weir_image *image, __u32 base, __u32 n,
					 const union pkt_addr *addr)
{
	__u64 hi = bpf_be64_to_cpu(addr->half[0]), lo = bpf_be64_to_cpu(addr->half[1]);
	const struct weir_range128 *r;

	for (int i = 0; i < SEARCH_HALVINGS && n > 1; i++) {
		__u32 half = n / 2;

		r = image_at(image, base + half * sizeof(*r));
		if (at_most128(r->first_hi, r->first_lo, hi, lo))
			base += half * sizeof(*r);
		n -= half;
	}
	r = image_at(image, base);
	return n && at_most128(r->first_hi, r->first_lo, hi, lo) &&
	       at_most128(hi, lo, r->last_hi, r->last_lo);
}

/* A field as a number. What the term needs says that the packet has it. */
static __always_inline __u64 number_of(enum weir_field field, const struct pkt *p)
{
	switch (field) {
	case WEIR_FIELD_PROTO:
		return p->proto;
	case WEIR_FIELD_SPORT:
		return bpf_ntohs(p->sport);
	case WEIR_FIELD_DPORT:
		return bpf_ntohs(p->dport);
	case WEIR_FIELD_ICMP_TYPE:
		return p->icmp_type;
	case WEIR_FIELD_ICMP_CODE:
		return p->icmp_code;
	case WEIR_FIELD_LENGTH:
		return p->ip_bytes;
	case WEIR_FIELD_TTL:
		return p->ttl;
	case WEIR_FIELD_DSCP:
		return p->traffic_class >> 2;
	case WEIR_FIELD_ETHERTYPE:
		return bpf_ntohs(p->ethertype);
	case WEIR_FIELD_SMAC:
		return pkt_smac(p);
	case WEIR_FIELD_DMAC:
		return pkt_dmac(p);
	case WEIR_FIELD_VLAN:
		return p->vlan;
	case WEIR_FIELD_IFACE:
		return weir.device;
	case WEIR_FIELD_FRAGMENT:
		return !!(p->has & PKT_FRAGMENT);
	default:
		return 0;
	}
}

struct conditions {
	void *ctx;
	const struct weir_image *image;
	struct pkt *pkt;
	__u32 offset;
	__u32 holds; /* those so far, one of each alternative */
	__u32 alternative; /* one before, of which this one is an alternative, held */
};

/* The answer costs a hash and a cache line; it is the same for every rule. */
static __always_inline bool is_established(void *ctx, const struct weir_image *image, struct pkt *p)
{
	if (!(p->has & PKT_ASKED))
		p->has |= hook_established(ctx, image, p) ? PKT_ASKED | PKT_ESTABLISHED : PKT_ASKED;
	return p->has & PKT_ESTABLISHED;
}

static __always_inline bool in_address_set(const struct weir_condition *c, const struct pkt *p)
{
	return set_holds(c->offset, c->field == WEIR_FIELD_SADDR ? SET_SOURCE : SET_DESTINATION, p);
}

static __always_inline bool condition_holds(void *ctx, const struct weir_image *image,
					    const struct weir_condition *c, struct pkt *p)
{
	switch (c->kind) {
	case WEIR_CONDITION_NUMBER:
		return in_ranges64(image, c->offset, c->count,
				   forget64(number_of(c->field, p), p->src.half[1]));
	case WEIR_CONDITION_ADDR:
		return in_ranges128(image, c->offset, c->count,
				    c->field == WEIR_FIELD_SADDR ? &p->src : &p->dst);
	case WEIR_CONDITION_ESTABLISHED:
		return is_established(ctx, image, p);
	case WEIR_CONDITION_TCP_FLAGS:
		return (p->tcp_flags & c->offset >> 8) == (c->offset & 0xff);
	case WEIR_CONDITION_SET:
		if (c->field == WEIR_FIELD_IFACE)
			return set_holds_device(c->offset);
		return in_address_set(c, p);
	case WEIR_CONDITION_EXPR:
		return expr_holds(ctx, c->offset);
	}
	return false;
}

static long check_condition(__u32 index, struct conditions *s)
{
	const struct weir_condition *c =
		image_at(s->image, s->offset + index * sizeof(struct weir_condition));
	bool held = s->alternative || condition_holds(s->ctx, s->image, c, s->pkt) != c->negated;

	s->alternative = held && c->or_next;
	s->holds = held || c->or_next;
	return !s->holds;
}

/* Of the lists of addresses that many filters are all about. */
static __always_inline bool asks_for_a_set(const struct weir_image *image,
					   const struct weir_term_rule *t)
{
	const struct weir_condition *c = image_at(image, t->conditions);

	return t->conditions_count == 1 && c->kind == WEIR_CONDITION_SET &&
	       c->field != WEIR_FIELD_IFACE;
}

static __always_inline bool is_in_its_set(const struct weir_image *image,
					  const struct weir_term_rule *t, const struct pkt *p)
{
	const struct weir_condition *c = image_at(image, t->conditions);

	return in_address_set(c, p) != c->negated;
}

/* Whether all conditions of a term hold; the packet has what the term needs. */
static __always_inline bool conditions_hold(void *ctx, const struct weir_image *image,
					    const struct weir_term_rule *t, struct pkt *p)
{
	struct conditions s = {
		.ctx = ctx, .image = image, .pkt = p, .offset = t->conditions, .holds = 1
	};

	bpf_loop(t->conditions_count, check_condition, &s, 0);
	return s.holds;
}

#endif
