// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_bucket.h"

#include "ranges.h"

/* A set of fewer is as fast by its records, which stay in a cache. */
#define ITEMS_MIN 1024
/* The longest prefix that is surely a slot, whatever the table. */
#define PLAIN_BITS 64
#define LINES_MAX (1U << WEIR_SET_LINES_SHIFT)
#define SLOTS_MAX (LINES_MAX * WEIR_SET_SLOTS)

/* A slot before it has its place. */
struct entry {
	__u64 slot;
	__u32 bits; /* of its prefix */
	size_t first, count; /* items; none: what is around the region */
};

struct bucket {
	struct entry entries[SLOTS_MAX];
	size_t count;
	__u32 shift; /* lines, as a power of two */
	bool asks; /* has words */
};

static bool stays(const struct set_memory *m, const struct set_item *i)
{
	__u32 at = (i->word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE;

	return !SET_AT(m, at, struct weir_set_record)->expires;
}

bool set_bucket_pays(const struct set_memory *m, const struct set_item *items, size_t count)
{
	size_t plain = 0;

	for (size_t i = 0; i < count; i++)
		plain += items[i].bits <= PLAIN_BITS && stays(m, &items[i]);
	return count >= ITEMS_MIN && plain >= count - count / 4;
}

static u128 key_of(const struct set_item *i)
{
	return (u128)i->hi << 64 | i->lo;
}

/* A slot for the first @bits of what the item has behind @depth bits. */
static __u64 slot_of(const struct set_item *i, __u32 depth, __u32 bits)
{
	__u64 key = (__u64)(key_of(i) << depth >> (128 - WEIR_SET_SLOT_BITS));
	__u64 end = 1ULL << (WEIR_SET_SLOT_PREFIX - bits);

	return (key & ~(end | (end - 1))) | end;
}

/* The first item, or with it all that are longer than a slot and begin with the same one. */
static size_t add_entry(struct bucket *b, const struct set_memory *m, const struct set_item *items,
			size_t first, size_t end)
{
	const struct set_item *i = &items[first];
	struct entry *e = &b->entries[b->count++];
	__u32 depth = m->slots_depth;
	size_t next = first + 1;

	e->first = first;
	if (i->bits <= depth + WEIR_SET_SLOT_PREFIX) {
		e->bits = i->bits - depth;
		e->slot = slot_of(i, depth, e->bits) | (stays(m, i) ? 0 : WEIR_SET_SLOT_ASK);
	} else {
		e->bits = WEIR_SET_SLOT_PREFIX;
		e->slot = slot_of(i, depth, e->bits) | WEIR_SET_SLOT_ASK;
		while (next < end &&
		       slot_of(&items[next], depth, e->bits) == (e->slot & ~WEIR_SET_SLOT_ASK))
			next++;
	}
	e->count = next - first;
	return next;
}

/* Returns false when there are too many, or all are to be looked for. */
static bool collect(struct bucket *b, const struct set_memory *m, const struct set_item *items,
		    size_t count, __u32 around)
{
	bool answers = false;

	*b = (struct bucket){};
	if (around)
		b->entries[b->count++] =
			(struct entry){ .slot = 1ULL << WEIR_SET_SLOT_PREFIX | WEIR_SET_SLOT_ASK };
	for (size_t i = 0; i < count;) {
		if (b->count == SLOTS_MAX)
			return false;
		i = add_entry(b, m, items, i, count);
	}
	for (size_t i = 0; i < b->count; i++) {
		answers |= !(b->entries[i].slot & WEIR_SET_SLOT_ASK);
		b->asks |= b->entries[i].slot >> 63;
	}
	return answers;
}

/* The lines that an entry is in, [first, last]. */
static void lines_of(const struct entry *e, __u32 shift, __u32 *first, __u32 *last)
{
	__u64 key = e->slot & ~WEIR_SET_SLOT_ASK & ~(1ULL << (WEIR_SET_SLOT_PREFIX - e->bits));

	*first = *last = (__u32)(key >> (WEIR_SET_SLOT_BITS - shift));
	if (e->bits < shift)
		*last |= (1U << (shift - e->bits)) - 1;
}

static bool fits(const struct bucket *b, __u32 shift)
{
	__u32 used[LINES_MAX] = {}, first, last;

	for (size_t i = 0; i < b->count; i++) {
		lines_of(&b->entries[i], shift, &first, &last);
		for (; first <= last; first++) {
			if (++used[first] > WEIR_SET_SLOTS)
				return false;
		}
	}
	return true;
}

/* Below a table's own words the bits that choose a line are those of the way there. */
static bool choose_lines(struct bucket *b, bool is_of_table)
{
	__u32 most = is_of_table ? WEIR_SET_LINES_SHIFT : 0;

	for (b->shift = 0; b->shift <= most; b->shift++) {
		if (fits(b, b->shift))
			return true;
	}
	return false;
}

/* The word of the nearest entry that is around another, or of what is around all. */
static __u32 word_around(const struct bucket *b, const struct set_item *items, size_t entry,
			 __u32 around)
{
	u128 key = key_of(&items[b->entries[entry].first]);

	while (entry--) {
		const struct entry *e = &b->entries[entry];
		const struct set_item *i = &items[e->first];

		if (e->count && !((key ^ key_of(i)) >> (SET_KEY_BITS - i->bits)))
			return i->word;
	}
	return around;
}

static __u32 word_of(struct set_memory *m, const struct bucket *b, const struct set_item *items,
		     size_t entry, __u32 around)
{
	const struct entry *e = &b->entries[entry];

	if (!(e->slot & WEIR_SET_SLOT_ASK))
		return 0;
	if (!e->count)
		return around;
	if (e->count == 1)
		return items[e->first].word;
	return set_region_add(m, items + e->first, e->count, m->slots_depth + WEIR_SET_SLOT_PREFIX,
			      word_around(b, items, entry, around));
}

static void fill_lines(struct set_memory *m, const struct bucket *b, __u32 at,
		       const struct set_item *items, __u32 around)
{
	__u32 used[LINES_MAX] = {}, lines = 1U << b->shift, first, last;
	__u32 words = at + lines * (__u32)sizeof(struct weir_set_line);

	for (__u32 i = 0; i < lines * WEIR_SET_SLOTS; i++)
		SET_AT(m, at, __u64)[i] = WEIR_SET_SLOT_FREE;
	for (size_t i = 0; i < b->count; i++) {
		__u32 word = word_of(m, b, items, i, around);

		if (m->error)
			return;
		lines_of(&b->entries[i], b->shift, &first, &last);
		for (; first <= last; first++) {
			__u32 n = first * WEIR_SET_SLOTS + used[first]++;

			SET_AT(m, at, __u64)[n] = b->entries[i].slot;
			if (b->asks)
				SET_AT(m, words, __u32)[n] = word;
		}
	}
}

__u32 set_bucket_add(struct set_memory *m, const struct set_item *items, size_t count, __u32 depth,
		     __u32 around)
{
	struct bucket b;
	size_t bytes;
	__u32 word;

	if (depth >= m->slots_depth + WEIR_SET_SLOT_PREFIX ||
	    !collect(&b, m, items, count, around) || !choose_lines(&b, depth == m->slots_depth))
		return 0;
	bytes = sizeof(struct weir_set_line);
	if (b.asks)
		bytes += WEIR_SET_SLOTS * sizeof(__u32);
	word = set_node_add(m, bytes << b.shift, WEIR_SET_BUCKET + b.shift);
	if (!m->error)
		fill_lines(m, &b, (word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE, items, around);
	return word;
}
