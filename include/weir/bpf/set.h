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

/* Of a packet that has none: equal to no element's. */
#define SET_NO_PORT (WEIR_SET_V6 << 1)

/* Steps of 4 bits through 128; a check takes the place of more than one. */
#define SET_STEPS 33
/* Records one behind the other: prefixes of each length. */
#define SET_NEXT 129

/* A set in the arena. */
struct set_view {
	const void *arena;
	__u64 base;
	__u64 mask;
};

/* Like image_at(): the mask is a constant to the verifier, and not to the compiler. */
static __always_inline const void *set_at(const struct set_view *v, __u64 offset)
{
	offset = (v->base + offset) & v->mask;
	asm volatile("" : "+r"(offset));
	return v->arena + offset;
}

static __always_inline __u64 set_node(__u32 word)
{
	return (__u64)(word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE;
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

/* For a word, where no record need be looked at. No node lies there. */
#define SET_IS_IN 1

/*
 * What a bucket says of a key: 0, SET_IS_IN or a word to go on with. Whether a
 * key is in the set is not to be predicted: no branch asks for it. Of all that
 * has numbers as arguments, so that the verifier follows it once.
 *
 * @node   place of the bucket in the arena
 * @word   that led there
 * @key    the part of the key that slots have
 */
__noinline int set_ask_bucket(__u64 node, __u32 word, __u64 key)
{
	__u32 shift = word & WEIR_SET_LINES_SHIFT, found = 0, zero = 0;
	__u64 index = key >> (WEIR_SET_SLOT_BITS - shift);
	__u64 none = ~0ULL, none_for_good = ~0ULL;
	struct set_view v = { .arena = bpf_map_lookup_elem(&weir_sets, &zero),
			      .base = node,
			      .mask = weir.sets_mask };
	const struct weir_set_line *line;
	const __u32 *words;

	if (!v.arena)
		return 0;
	line = set_at(&v, index * sizeof(*line));
	/* The highest bits: that no slot matches, and that none without ASK does. */
#pragma unroll
	for (int i = 0; i < WEIR_SET_SLOTS; i++) {
		__u64 slot = line->slot[i];
		__u64 miss = (slot ^ (slot - 1)) - ((slot & ~WEIR_SET_SLOT_ASK) ^ key);

		none &= miss;
		none_for_good &= miss | slot;
		KEEP_APART(none);
	}
	if ((__s64)(none_for_good & ~none) >= 0)
		return (none_for_good >> 63) ^ 1;
	/* Found again, where the stack has no room for it. */
	KEEP_APART(key);
	index = key >> (WEIR_SET_SLOT_BITS - shift);
	v.mask = weir.sets_mask;
	words = set_at(&v, (sizeof(*line) << shift) + index * WEIR_SET_SLOTS * sizeof(*words));
#pragma unroll
	for (int i = 0; i < WEIR_SET_SLOTS; i++) {
		__u64 slot = line->slot[i];
		__u64 miss = (slot ^ (slot - 1)) - ((slot & ~WEIR_SET_SLOT_ASK) ^ key);
		__u32 hit = -(__u32)((slot & ~miss) >> 63);

		found = (words[i] & hit) | (found & ~hit);
		KEEP_APART(found);
	}
	return found;
}

/*
 * From a word that is no record's to the one that the key leads to; 0: there is
 * none. SET_IS_IN where a bucket says so. With numbers as arguments, too.
 *
 * @base   place of the set in the arena
 * @depth  bits of the key that led to @word from the set's head
 */
__noinline int set_walk(__u64 base, __u32 word, __u32 depth, __u64 hi, __u64 lo)
{
	__u32 table = depth & 63, zero = 0;
	const struct set_view v = { .arena = bpf_map_lookup_elem(&weir_sets, &zero),
				    .base = base,
				    .mask = weir.sets_mask };

	if (!v.arena)
		return 0;
	for (int i = 0; i < SET_STEPS; i++) {
		__u32 kind = word & ((1 << WEIR_SET_KIND_BITS) - 1);
		__u64 node = set_node(word);

		if (kind == WEIR_SET_RECORD)
			return word;
		depth = forget(depth, word);
		if (kind >= WEIR_SET_BUCKET) {
			word = set_ask_bucket(base + node, word,
					      set_bits_from(hi, lo, table) >>
						      (64 - WEIR_SET_SLOT_BITS));
			if (word <= SET_IS_IN)
				return word;
			depth = table + WEIR_SET_SLOT_PREFIX;
		} else if (kind == WEIR_SET_CHECK) {
			const struct weir_set_check *c = set_at(&v, node);

			depth = c->bits & 127;
			word = set_agree(hi, lo, c->hi, c->lo, depth) ? c->inside : c->beside;
		} else {
			__u32 bits = kind == WEIR_SET_BRANCH16 ? 4 : 8;
			__u64 next = set_bits_from(hi, lo, depth & 127) >> (64 - bits);

			word = *(const __u32 *)set_at(&v, node + next * sizeof(__u32));
			depth += bits;
		}
	}
	return 0;
}

/* What set_walk() says of a key. Most tables lead there at once. */
static __always_inline __u32 set_find(const struct set_view *v, const struct weir_set_table *t,
				      __u64 hi, __u64 lo)
{
	__u32 shift = t->shift & 63, word;
	__u64 index = (hi ^ t->common) >> shift;

	if (index >> (t->bits & 63))
		return 0;
	word = *(const __u32 *)set_at(v, t->offset + index * sizeof(__u32));
	if (word & ((1 << WEIR_SET_KIND_BITS) - 1))
		word = set_walk(v->base, word, 64 - shift, hi, lo);
	return word;
}

/* What set_ask_cover() says where it does not know. */
#define SET_MIXED 2

static __always_inline __u64 set_bit(const struct set_view *v, __u32 map, __u64 n)
{
	return *(const __u64 *)set_at(v, map + (n >> 6) * sizeof(__u64)) >> (n & 63) & 1;
}

/*
 * Whether a key is in the set, 0 or 1, or SET_MIXED. Both maps are read at once
 * and without a branch: which of them decides is not to be predicted.
 */
static __always_inline __u32 set_ask_cover(const struct set_view *v, const struct weir_set_cover *c,
					   __u64 hi)
{
	__u64 leaf = (hi ^ c->common) >> (c->shift & 63), covered, mixed;

	if (leaf >> (c->bits & 63))
		return 0;
	covered = set_bit(v, c->covered, leaf);
	mixed = set_bit(v, c->mixed, leaf >> WEIR_SET_GROUP_SHIFT);
	return covered | (mixed & ~covered) << 1;
}

static __always_inline bool set_is_alive(const struct weir_set_record *r)
{
	if (!r->expires)
		return true;
	return (__s32)(r->expires - (__u32)(bpf_ktime_get_coarse_ns() >> WEIR_SET_TICK_SHIFT)) > 0;
}

/* Whether this record, or one behind it, matches. */
static __always_inline bool set_any_prefix(const struct set_view *v, __u32 word, __u64 hi, __u64 lo)
{
	for (int i = 0; i < SET_NEXT && word; i++) {
		const struct weir_set_record *r = set_at(v, set_node(word));

		if (set_agree(hi, lo, r->hi, r->lo, r->detail) && set_is_alive(r))
			return true;
		word = r->next << WEIR_SET_KIND_BITS;
	}
	return false;
}

static __always_inline int set_has_prefix(const struct set_view *v, const struct weir_set *set,
					  __u64 hi, __u64 lo, __u32 detail)
{
	bool is_v6 = detail & WEIR_SET_V6;
	__u32 word;

	if (!is_v6 && set->cover.covered) {
		__u32 answer = set_ask_cover(v, &set->cover, hi);

		if (answer != SET_MIXED)
			return answer;
	}
	word = set_find(v, &set->table[is_v6], hi, lo);
	if (word <= SET_IS_IN)
		return word;
	return set_any_prefix(v, word, hi, lo);
}

static __always_inline bool set_any_exact(const struct set_view *v, __u32 word, __u64 hi, __u64 lo,
					  __u32 detail)
{
	for (int i = 0; i < SET_NEXT && word; i++) {
		const struct weir_set_record *r = set_at(v, set_node(word));

		if (r->hi == hi && r->lo == lo && r->detail == detail)
			return set_is_alive(r);
		word = r->next << WEIR_SET_KIND_BITS;
	}
	return false;
}

static __always_inline bool set_has_device(const struct set_view *v, const struct weir_set *set,
					   __u32 device)
{
	__u64 offset = set->table[0].offset + (device & (WEIR_MAX_IFACES - 1)) * sizeof(__u32);
	__u32 word = *(const __u32 *)set_at(v, offset);

	return word && set_is_alive(set_at(v, set_node(word)));
}

/* The set in a slot, and a view of it; NULL: there is none. */
static __always_inline const struct weir_set *set_open(struct set_view *v, __u32 slot)
{
	__u32 zero = 0;
	__u64 place;

	*v = (struct set_view){ .arena = bpf_map_lookup_elem(&weir_sets, &zero),
				.mask = weir.sets_mask };
	if (!v->arena)
		return NULL;
	place = *(const volatile __u64 *)set_at(v, (slot & (WEIR_MAX_SETS - 1)) * sizeof(place));
	if (!place)
		return NULL;
	v->base = (__u64)(__u32)place * WEIR_SETS_UNIT;
	return set_at(v, 0);
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
	struct set_view v;
	const struct weir_set *set = set_open(&v, slot);
	__u32 type;

	if (!set)
		return 0;
	type = set->type;
	if (type == WEIR_SET_PREFIX)
		return set_has_prefix(&v, set, hi, lo, detail);
	if (type == WEIR_SET_INTERFACE)
		return set_has_device(&v, set, detail);
	if (type == WEIR_SET_ADDRESS)
		detail &= WEIR_SET_V6;
	return set_any_exact(
		&v, set_find(&v, &set->table[0], weir_set_hash(hi, lo, detail, set->factor), 0), hi,
		lo, detail);
}

/*
 * Whether the packet is in the set. False where it lacks what the set's
 * elements have; whether it does, a rule has to ask before it negates this.
 */
static __always_inline bool set_holds(__u32 slot, enum set_side side, const struct pkt *p)
{
	const union pkt_addr *addr = side == SET_SOURCE ? &p->src : &p->dst;
	__u32 port = SET_NO_PORT;
	__u64 hi = bpf_be64_to_cpu(addr->half[0]), lo = bpf_be64_to_cpu(addr->half[1]);

	if (!(p->has & PKT_ADDR))
		return false;
	if (p->has & PKT_PORTS)
		port = bpf_ntohs(side == SET_SOURCE ? p->sport : p->dport);
	if (!p->is_v6) {
		hi = lo << 32;
		lo = 0;
	}
	return set_lookup(slot, hi, lo, port | (p->is_v6 ? WEIR_SET_V6 : 0));
}

/*
 * What set_lookup() says of an address, 0 or 1, and without a branch on what it
 * is, where that is found at once: a set of addresses is asked of many that are
 * not in it.
 *
 * @v6  WEIR_SET_V6 or 0
 */
static __always_inline __u32 set_has_address(__u32 slot, __u64 hi, __u64 lo, __u32 v6)
{
	struct set_view v;
	const struct weir_set *set = set_open(&v, slot);
	const struct weir_set_record *r;
	__u64 index, word, is_there;

	if (!set)
		return 0;
	if (set->type != WEIR_SET_ADDRESS)
		goto no_address;
	index = (weir_set_hash(hi, lo, v6, set->factor) ^ set->table[0].common) >>
		(set->table[0].shift & 63);
	if (index >> (set->table[0].bits & 63))
		return 0;
	word = *(const __u32 *)set_at(&v, set->table[0].offset + index * sizeof(__u32));
	if (word & ((1 << WEIR_SET_KIND_BITS) - 1))
		goto look_up;
	/* Of no word, something that lies in the set, and is no record. */
	r = set_at(&v, set_node(word));
	is_there = is_zero(word) - 1;
	if ((r->next | r->expires) & is_there)
		goto look_up;
	return is_zero((r->hi ^ hi) | (r->lo ^ lo) | (r->detail ^ v6)) & is_there;
no_address:
	if (set->type == WEIR_SET_PREFIX && !v6 && set->cover.covered) {
		__u32 answer = set_ask_cover(&v, &set->cover, hi);

		if (answer != SET_MIXED)
			return answer;
	}
look_up:
	return set_lookup(slot, hi, lo, v6 | SET_NO_PORT) & 1;
}

/* Whether the device of this program is in a set of interfaces. */
static __always_inline bool set_holds_device(__u32 slot)
{
	return set_lookup(slot, 0, 0, weir.device);
}

#endif
