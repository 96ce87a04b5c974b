/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a packet's address, address and port, or device is in a set. The
 * walk takes one masked load from the arena for each step; the clock is read
 * only where an element that matches has an expiry.
 */
#ifndef WEIR_BPF_SET_H
#define WEIR_BPF_SET_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/set.h"

/* What of the packet is looked for. An interface set always means the packet's device. */
enum set_side { SET_SOURCE, SET_DESTINATION };

/* Steps of 4 bits through 128; a check takes the place of more than one. */
#define SET_STEPS 33
/* Prefixes one around the other: one of each length. */
#define SET_NESTED 129

static __always_inline const void *set_at(const void *arena, __u32 offset)
{
	offset &= weir.sets_mask;
	asm volatile("" : "+r"(offset));
	return arena + offset;
}

/* 64 bits of the key from bit @depth on, which is 1 to 127. */
static __always_inline __u64 set_bits_from(__u64 hi, __u64 lo, __u32 depth)
{
	if (depth >= 64)
		return lo << (depth & 63);
	return hi << depth | lo >> (64 - depth);
}

/* Whether @bits from the top, 0 to 128, of both keys are the same. */
static __always_inline bool set_agree(__u64 hi, __u64 lo, __u64 other_hi, __u64 other_lo,
				      __u32 bits)
{
	if (bits < 64)
		return !((hi ^ other_hi) >> ((63 - bits) & 63) >> 1);
	if (hi != other_hi)
		return false;
	return bits >= 128 ? lo == other_lo : !((lo ^ other_lo) >> ((127 - bits) & 63) >> 1);
}

/* The word of the record that the key leads to; 0: there is none. */
static __always_inline __u32 set_walk(const void *arena, __u32 base, __u32 word, __u32 depth,
				      __u64 hi, __u64 lo)
{
	for (int i = 0; i < SET_STEPS; i++) {
		__u32 kind = word & ((1 << WEIR_SET_KIND_BITS) - 1), node;

		depth = forget(depth, base);
		node = base + (word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE;

		if (kind == WEIR_SET_RECORD)
			return word;
		if (kind == WEIR_SET_CHECK) {
			const struct weir_set_check *c = set_at(arena, node);

			depth = c->bits & 127;
			word = set_agree(hi, lo, c->hi, c->lo, depth) ? c->inside : c->beside;
		} else {
			__u32 bits = kind == WEIR_SET_BRANCH16 ? 4 : 8;
			__u64 next = set_bits_from(hi, lo, depth & 127) >> (64 - bits);

			word = *(const __u32 *)set_at(arena, node + (__u32)next * 4);
			depth += bits;
		}
	}
	return 0;
}

static __always_inline bool set_is_alive(const struct weir_set_record *r)
{
	if (!r->expires)
		return true;
	return (__s32)(r->expires - (__u32)(bpf_ktime_get_coarse_ns() >> WEIR_SET_TICK_SHIFT)) > 0;
}

static __always_inline const struct weir_set_record *set_record(const void *arena, __u32 base,
								__u32 word)
{
	return set_at(arena, base + (word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE);
}

/* The record, or a shorter prefix around it, matches. */
static __always_inline bool set_any_prefix(const void *arena, __u32 base, __u32 word, __u64 hi,
					   __u64 lo)
{
	for (int i = 0; i < SET_NESTED && word; i++) {
		const struct weir_set_record *r = set_record(arena, base, word);

		if (set_agree(hi, lo, r->hi, r->lo, r->detail) && set_is_alive(r))
			return true;
		word = r->outer << WEIR_SET_KIND_BITS;
	}
	return false;
}

/* The word of the table that the first bits of the key choose. */
static __always_inline __u32 set_first_word(const void *arena, __u32 base,
					    const struct weir_set_table *t, __u64 hi, __u32 *depth)
{
	__u32 skip = t->skip & 63, bits = t->bits & 63;
	__u64 index = hi << skip >> ((64 - bits) & 63);

	*depth = skip + bits;
	if (!bits || (hi ^ t->common) >> (63 - skip) >> 1)
		return 0;
	return *(const __u32 *)set_at(arena, base + t->offset + index * sizeof(__u32));
}

/*
 * Look a key up. Of all that has numbers as arguments alone, so that the
 * verifier follows it once however often it is called.
 *
 * @slot    of the directory; one that is free holds nothing
 * @hi @lo  the address in host order; IPv4 in the upper half of @hi
 * @detail  port, where the set has ports, and WEIR_SET_V6; of an interface set
 *          the device's slot
 */
__noinline int set_lookup(__u32 slot, __u64 hi, __u64 lo, __u32 detail)
{
	__u32 zero = 0, word, depth, base;
	const void *arena = bpf_map_lookup_elem(&weir_sets, &zero);
	const struct weir_set_record *r;
	const struct weir_set *set;
	__u64 place, key = hi;

	if (!arena)
		return 0;
	place = *(const volatile __u64 *)set_at(arena,
						(slot & (WEIR_MAX_SETS - 1)) * sizeof(__u64));
	if (!place)
		return 0;
	base = (__u32)place * WEIR_SETS_UNIT;
	set = set_at(arena, base);
	if (set->type == WEIR_SET_PREFIX) {
		const struct weir_set_table *t = &set->table[detail & WEIR_SET_V6 ? 1 : 0];

		word = set_first_word(arena, base, t, hi, &depth);
		word = set_walk(arena, base, word, depth, hi, lo);
		return set_any_prefix(arena, base, word, hi, lo);
	}
	if (set->type == WEIR_SET_INTERFACE) {
		word = *(const __u32 *)set_at(arena, base + set->table[0].offset +
							     (__u16)detail * sizeof(__u32));
		return word && set_is_alive(set_record(arena, base, word));
	}
	if (set->type == WEIR_SET_ADDRESS)
		detail &= WEIR_SET_V6;
	key = weir_set_hash(hi, lo, detail, set->seed);
	word = set_first_word(arena, base, &set->table[0], key, &depth);
	word = set_walk(arena, base, word, depth, key, 0);
	if (!word)
		return 0;
	r = set_record(arena, base, word);
	return r->hi == hi && r->lo == lo && r->detail == detail && set_is_alive(r);
}

/*
 * Whether the packet is in the set. False where it lacks what the set's
 * elements have; whether it does, a rule has to ask before it negates this.
 */
static __always_inline bool set_holds(__u32 slot, enum set_side side, const struct pkt *p)
{
	const union pkt_addr *addr = side == SET_SOURCE ? &p->src : &p->dst;
	__u32 port = bpf_ntohs(side == SET_SOURCE ? p->sport : p->dport);
	__u64 hi = bpf_be64_to_cpu(addr->half[0]), lo = bpf_be64_to_cpu(addr->half[1]);

	if (!(p->has & PKT_ADDR))
		return false;
	if (!p->is_v6) {
		hi = lo << 32;
		lo = 0;
	}
	return set_lookup(slot, hi, lo, port | (p->is_v6 ? WEIR_SET_V6 : 0));
}

/* Whether the device of this program is in a set of interfaces. */
static __always_inline bool set_holds_device(__u32 slot)
{
	return set_lookup(slot, 0, 0, weir.device);
}

#endif
