// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_tree.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"
#include "set_bucket.h"

/* Fewer keys than this share 16 words rather than 256. */
#define BRANCH256_ITEMS 64
/* A check must save a step. */
#define CHECK_BITS 4
/* Bits that a table skips at most: with those it has they are in the key's first word. */
#define SKIP_BITS 40
#define TABLE_BITS_MIN 4
#define SMALL_KEYS 4096

__u32 set_memory_add(struct set_memory *m, size_t size, size_t align)
{
	size_t offset = (m->used + align - 1) & ~(align - 1);

	if (m->error)
		return 0;
	if (offset + size > WEIR_MAX_SETS_BYTES) {
		m->error = -E2BIG;
		return 0;
	}
	if (offset + size > m->room) {
		size_t room = m->room ? m->room : 4096;
		char *grown;

		while (room < offset + size)
			room *= 2;
		grown = realloc(m->bytes, room);
		if (!grown) {
			m->error = -ENOMEM;
			return 0;
		}
		memset(grown + m->room, 0, room - m->room);
		m->bytes = grown;
		m->room = room;
	}
	m->used = offset + size;
	return (__u32)offset;
}

static u128 mask_of(__u32 bits)
{
	return bits ? ~(u128)0 << (SET_KEY_BITS - bits) : 0;
}

static u128 key_of(const struct set_item *i)
{
	return (u128)i->hi << 64 | i->lo;
}

bool set_key_within(__u64 hi, __u64 lo, const struct weir_set_record *r)
{
	u128 differ = ((u128)hi << 64 | lo) ^ ((u128)r->hi << 64 | r->lo);

	return !(differ & mask_of(r->detail));
}

void set_interface_key(const char *name, struct set_element *e)
{
	char bytes[2 * sizeof(__u64)] = {};

	memcpy(bytes, name, strnlen(name, IFNAMSIZ - 1));
	memcpy(&e->hi, bytes, sizeof(e->hi));
	memcpy(&e->lo, bytes + sizeof(e->hi), sizeof(e->lo));
	e->hi = be64toh(e->hi);
	e->lo = be64toh(e->lo);
}

__u32 set_common_bits(const struct set_item *items, size_t count, __u32 most)
{
	u128 differ = key_of(&items[0]) ^ key_of(&items[count - 1]);
	__u32 same = SET_KEY_BITS;

	if (differ >> 64)
		same = (__u32)__builtin_clzll((unsigned long long)(differ >> 64));
	else if (differ)
		same = 64 + (__u32)__builtin_clzll((unsigned long long)differ);
	same = same < most ? same : most;
	/* One that ends there is the first: it is around all others. */
	return items[0].bits < same ? items[0].bits : same;
}

/* Whether each is within the one before it. */
static bool is_chain(const struct set_item *items, size_t count)
{
	const struct set_item *last = &items[count - 1];

	for (size_t i = 0; i + 1 < count; i++) {
		if ((key_of(&items[i]) ^ key_of(last)) & mask_of(items[i].bits))
			return false;
	}
	return true;
}

static __u32 bits_at(const struct set_item *item, __u32 depth, __u32 bits)
{
	u128 rest = depth < SET_KEY_BITS ? key_of(item) << depth : 0;

	return (__u32)(rest >> (SET_KEY_BITS - bits));
}

__u32 set_node_add(struct set_memory *m, size_t size, enum weir_set_kind kind)
{
	__u32 at = set_memory_add(m, size, size < WEIR_SETS_UNIT ? size : WEIR_SETS_UNIT);

	return at / WEIR_SET_NODE << WEIR_SET_KIND_BITS | kind;
}

static __u32 *words_of(const struct set_memory *m, __u32 word)
{
	return SET_AT(m, (word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE, __u32);
}

/*
 * Fill 2^@bits words at @offset, by the key's bits from @depth on: with the
 * longest key that is as short as a word's own, or the region below it.
 */
static void fill(struct set_memory *m, __u32 offset, const struct set_item *items, size_t count,
		 __u32 depth, __u32 bits, __u32 around)
{
	__u32 end = depth + bits;
	size_t i = 0;

	for (__u32 w = 0; around && w < 1U << bits; w++)
		SET_AT(m, offset, __u32)[w] = around;
	while (i < count && !m->error) {
		__u32 first = items[i].bits > depth ? bits_at(&items[i], depth, bits) : 0;
		__u32 length = items[i].bits > depth ? items[i].bits : depth, word;
		size_t inside = i;

		if (length <= end) {
			for (__u32 w = 0; w < 1U << (end - length); w++)
				SET_AT(m, offset, __u32)[first + w] = items[i].word;
			i++;
			continue;
		}
		while (inside < count && items[inside].bits > end &&
		       bits_at(&items[inside], depth, bits) == first)
			inside++;
		word = set_region_add(m, items + i, inside - i, end,
				      SET_AT(m, offset, __u32)[first]);
		if (!m->error)
			SET_AT(m, offset, __u32)[first] = word;
		i = inside;
	}
}

static __u32 add_check(struct set_memory *m, const struct set_item *items, size_t count, __u32 bits,
		       __u32 around)
{
	__u32 word = set_node_add(m, sizeof(struct weir_set_check), WEIR_SET_CHECK);
	u128 key = key_of(&items[0]) & mask_of(bits);
	__u32 near = around, inside;

	for (; count && items[0].bits <= bits; items++, count--)
		near = items[0].word;
	inside = set_region_add(m, items, count, bits, near);
	if (!m->error)
		*(struct weir_set_check *)words_of(m, word) =
			(struct weir_set_check){ .hi = (__u64)(key >> 64),
						 .lo = (__u64)key,
						 .bits = bits,
						 .inside = inside,
						 .beside = around };
	return word;
}

__u32 set_region_add(struct set_memory *m, const struct set_item *items, size_t count, __u32 depth,
		     __u32 around)
{
	__u32 same, bits, word;

	if (!count)
		return around;
	if (is_chain(items, count))
		return items[count - 1].word;
	word = m->slots_depth ? set_bucket_add(m, items, count, depth, around) : 0;
	if (word)
		return word;
	same = set_common_bits(items, count, SET_KEY_BITS - 1);
	if (same >= depth + CHECK_BITS)
		return add_check(m, items, count, same, around);
	bits = count < BRANCH256_ITEMS ? 4 : 8;
	word = set_node_add(m, sizeof(__u32) << bits,
			    bits == 4 ? WEIR_SET_BRANCH16 : WEIR_SET_BRANCH256);
	if (!m->error)
		fill(m, (word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE, items, count, depth, bits,
		     around);
	return word;
}

/*
 * Four words or more for each key, so that most are alone with theirs: a fork
 * that is not foreseen costs as much as a load. A small table can have more.
 */
static __u32 table_bits(size_t count, bool has_buckets)
{
	size_t words = count < SMALL_KEYS ? 8 * count : 4 * count;
	__u32 bits = TABLE_BITS_MIN;

	if (has_buckets)
		words = count / WEIR_SET_SLOTS;
	while (bits < WEIR_SET_MAX_BITS && 1UL << bits < words)
		bits++;
	return bits;
}

static void add_table(struct set_memory *m, int family, const struct set_item *items, size_t count,
		      bool has_buckets)
{
	struct weir_set_table table = { .offset = offsetof(struct weir_set, nothing) };
	__u32 skip = 0;

	if (m->error)
		return;
	if (count) {
		skip = set_common_bits(items, count, SKIP_BITS);
		table.bits = (__u8)table_bits(count, has_buckets);
		table.common = (__u64)((key_of(&items[0]) & mask_of(skip)) >> 64);
		table.offset = set_memory_add(m, sizeof(__u32) << table.bits, WEIR_SETS_UNIT);
	}
	table.shift = (__u8)(64 - skip - table.bits) & 63;
	m->slots_depth = has_buckets ? skip + table.bits : 0;
	if (!m->error)
		fill(m, table.offset, items, count, skip, table.bits, 0);
	if (!m->error)
		SET_AT(m, 0, struct weir_set)->table[family] = table;
}

void set_tree_add(struct set_memory *m, int family, const struct set_item *items, size_t count)
{
	add_table(m, family, items, count, false);
}

void set_tree_add_prefixes(struct set_memory *m, int family, const struct set_item *items,
			   size_t count)
{
	add_table(m, family, items, count, set_bucket_pays(m, items, count));
}
