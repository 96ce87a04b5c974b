/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a term holds for a packet. Answers are numbers, 0 for yes, and come
 * about without a branch: which term fails, and by what, is not to be predicted.
 */
#ifndef WEIR_BPF_TERM_H
#define WEIR_BPF_TERM_H

#include "weir/bpf/condition.h"
#include "weir/bpf/forest.h"
#include "weir/bpf/packet.h"

/* A packet as terms see it, beside its keys. */
struct term_view {
	__u64 src_hi, src_lo; /* of IPv6 */
	__u64 dst_hi, dst_lo;
	__u32 word; /* WEIR_WORD() */
	__u16 sport, dport; /* any, where there are none */
};

static __always_inline void term_view(struct term_view *v, const struct pkt *p)
{
	v->word = WEIR_WORD(p->has, p->tcp_flags, p->proto);
	v->sport = bpf_ntohs(p->sport);
	v->dport = bpf_ntohs(p->dport);
}

static __always_inline void term_view_v6(struct term_view *v, const struct pkt *p)
{
	v->src_hi = bpf_be64_to_cpu(p->src.half[0]);
	v->src_lo = bpf_be64_to_cpu(p->src.half[1]);
	v->dst_hi = bpf_be64_to_cpu(p->dst.half[0]);
	v->dst_lo = bpf_be64_to_cpu(p->dst.half[1]);
}

/* Where a port lies outside its interval. Terms that ask for no port take any. */
#define PORTS_DIFFER(t, v)                                                    \
	((((v)->sport - (t)->sport_first) | ((t)->sport_last - (v)->sport) |  \
	  ((v)->dport - (t)->dport_first) | ((t)->dport_last - (v)->dport)) & \
	 (int)0x80000000)

/* Not 0 where @a is below @b, both of at most 31 bits. */
static __always_inline __u32 is_below(__u32 a, __u32 b)
{
	return (a - b) & 0x80000000;
}

static __always_inline __u32 term4_differs(const struct weir_term4 *t, const struct keys *k,
					   const struct term_view *v)
{
	__u32 wrong = (t->word ^ v->word) & t->mask;

	/* Of 64 bits, as a shift may be by 32. */
	wrong |= (__u64)(t->src ^ k->key[WEIR_KEY_SRC_LAST]) >> t->head.src_shift;
	wrong |= (__u64)(t->dst ^ k->key[WEIR_KEY_DST_LAST]) >> t->head.dst_shift;
	return wrong | PORTS_DIFFER(t, v);
}

/* How many of the high bits of half an address a prefix compares. */
const volatile __u64 half_masks[128] = {
#define MASK(n) [n] = ~0ULL << (64 - (n))
#define MASKS(n)                                                                            \
	MASK(n), MASK((n) + 1), MASK((n) + 2), MASK((n) + 3), MASK((n) + 4), MASK((n) + 5), \
		MASK((n) + 6), MASK((n) + 7)
	MASKS(1), MASKS(9), MASKS(17), MASKS(25), MASKS(33), MASKS(41), MASKS(49), MASKS(57),
#undef MASKS
#undef MASK
};

static __always_inline __u64 differs(__u64 a, __u64 b, __u8 bits)
{
	return (a ^ b) & half_masks[bits & 127];
}

static __always_inline __u64 term6_differs(const struct weir_term6 *t, const struct keys *k,
					   const struct term_view *v)
{
	__u64 wrong = (t->word ^ v->word) & t->mask;

	wrong |= differs(t->src_lo, v->src_lo, t->src_lo_bits);
	wrong |= differs(t->src_hi, v->src_hi, t->src_hi_bits);
	wrong |= differs(t->dst_lo, v->dst_lo, t->dst_lo_bits);
	wrong |= differs(t->dst_hi, v->dst_hi, t->dst_hi_bits);
	return wrong | (__u32)PORTS_DIFFER(t, v);
}

#endif
