// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_cover.h"

#define IPV4_BITS 32
#define WORD_BITS 64

/* What a lookup may read for one prefix of a table: its words and the record. */
#define TABLE_BYTES (4 * sizeof(__u32) + sizeof(struct weir_set_record))
/* A prefix that is left to the table counts so often: its keys ask the cover in vain. */
#define LEFT_WEIGHT 4

static bool stays(const struct set_memory *m, const struct set_item *i)
{
	__u32 at = (i->word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE;

	return !SET_AT(m, at, struct weir_set_record)->expires;
}

static bool is_covered(const struct set_memory *m, const struct set_item *i, __u32 leaf_bits)
{
	return i->bits <= leaf_bits && stays(m, i);
}

/* Of a map of 2^@bits bits. */
static size_t map_bytes(__u32 bits)
{
	return bits < 6 ? sizeof(__u64) : (size_t)1 << bits >> 3;
}

static __u32 group_bits(__u32 bits)
{
	return bits < WEIR_SET_GROUP_SHIFT ? 0 : bits - WEIR_SET_GROUP_SHIFT;
}

/* The length of leaves with which packets read the least, or 0: without a cover they do. */
static __u32 choose_leaf(const struct set_memory *m, const struct set_item *items, size_t count,
			 __u32 common)
{
	size_t by_length[IPV4_BITS + 1] = {}, left = count, least = count * TABLE_BYTES;
	__u32 best = 0;

	for (size_t i = 0; i < count; i++)
		by_length[items[i].bits] += stays(m, &items[i]);
	for (__u32 length = 0; length <= IPV4_BITS; length++) {
		size_t bytes;

		left -= by_length[length];
		if (!length || length < common || length - common > WEIR_SET_COVER_MAX_BITS)
			continue;
		bytes = map_bytes(length - common) + map_bytes(group_bits(length - common)) +
			left * LEFT_WEIGHT * TABLE_BYTES;
		if (bytes < least) {
			least = bytes;
			best = length;
		}
	}
	return best;
}

static void set_bits(__u64 *map, __u64 first, __u64 last)
{
	while (first <= last) {
		__u64 end = first | (WORD_BITS - 1), from = first % WORD_BITS, to;

		end = end < last ? end : last;
		to = WORD_BITS - 1 - end % WORD_BITS;
		map[first / WORD_BITS] |= ~0ULL << from & ~0ULL >> to;
		first = end + 1;
	}
}

static void mark(const struct set_memory *m, const struct weir_set_cover *c,
		 const struct set_item *i)
{
	__u32 length = WORD_BITS - c->shift;
	__u64 first = (i->hi ^ c->common) >> c->shift, last = first;

	if (i->bits < length)
		last |= (1ULL << (length - i->bits)) - 1;
	if (is_covered(m, i, length))
		set_bits(SET_AT(m, c->covered, __u64), first, last);
	else
		set_bits(SET_AT(m, c->mixed, __u64), first >> WEIR_SET_GROUP_SHIFT,
			 last >> WEIR_SET_GROUP_SHIFT);
}

size_t set_cover_add(struct set_memory *m, struct set_item *items, size_t count)
{
	__u32 common = count ? set_common_bits(items, count, IPV4_BITS) : 0, length;
	struct weir_set_cover c = {};
	size_t left = 0;

	length = count ? choose_leaf(m, items, count, common) : 0;
	if (!length || m->error)
		return count;
	c.bits = (__u8)(length - common);
	c.shift = (__u8)(WORD_BITS - length);
	c.common = common ? items[0].hi & ~0ULL << (WORD_BITS - common) : 0;
	c.covered = set_memory_add(m, map_bytes(c.bits), WEIR_SETS_UNIT);
	c.mixed = set_memory_add(m, map_bytes(group_bits(c.bits)), sizeof(__u64));
	if (m->error)
		return count;
	for (size_t i = 0; i < count; i++) {
		mark(m, &c, &items[i]);
		if (!is_covered(m, &items[i], length))
			items[left++] = items[i];
	}
	SET_AT(m, 0, struct weir_set)->cover = c;
	return left;
}
