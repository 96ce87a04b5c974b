// SPDX-License-Identifier: GPL-2.0-or-later
#include "classifier_vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

/* What packets walk through is to stay near the processor. */
#define BYTES_MAX (2U << 20)
#define LINE 64

static const struct {
	enum weir_key key;
	__u32 bits; /* below those that a root is indexed by */
} vectors[WEIR_VECTOR_COUNT] = {
#define X(sym, bits) { WEIR_KEY_##sym, bits },
	WEIR_VECTORS(X)
#undef X
};

/* Where the terms that can hold change: from here on, @term does or no longer does. */
struct border {
	__u32 value;
	__u32 term;
};

/* One field while its tables grow. */
struct field {
	struct builder *b;
	const struct boxed *terms;
	__u32 count;
	__u32 words; /* of a row */
	enum weir_key key;
	struct border *borders; /* ascending */
	__u32 borders_count;
	/* Values from first[i] on, up to the next one, have the row at row[i]. */
	__u32 *first, *row;
	__u32 intervals;
	__u32 *slots; /* offsets of the rows there are, by the hash of their bits */
	__u32 slots_mask;
};

static int by_value(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static void find_borders(struct field *f)
{
	for (__u32 i = 0; i < f->count; i++) {
		__u32 first = f->terms[i].box.first[f->key], last = f->terms[i].box.last[f->key];

		f->borders[f->borders_count++] = (struct border){ first, i };
		if (last != ~0U)
			f->borders[f->borders_count++] = (struct border){ last + 1, i };
	}
	qsort(f->borders, f->borders_count, sizeof(*f->borders), by_value);
}

static __u64 hash_of(const __u64 *bits, __u32 words)
{
	__u64 hash = 0;

	for (__u32 i = 0; i < words; i++)
		hash = (hash ^ bits[i]) * 0x9e3779b97f4a7c15ULL, hash ^= hash >> 29;
	return hash;
}

/* The row of these bits, of which word 0 is none; there is one for each value they have. */
static __u32 row_of(struct field *f, const __u64 *bits)
{
	size_t size = (f->words - 1) * sizeof(*bits);
	__u32 at = (__u32)hash_of(bits + 1, f->words - 1) & f->slots_mask, row;

	for (; f->slots[at]; at = (at + 1) & f->slots_mask) {
		if (!memcmp(BUILDER_AT(f->b, f->slots[at], __u64) + 1, bits + 1, size))
			return f->slots[at];
	}
	row = builder_add(f->b, f->words * sizeof(*bits));
	if (f->b->error)
		return 0;
	memcpy(BUILDER_AT(f->b, row, __u64) + 1, bits + 1, size);
	*BUILDER_AT(f->b, row, __u32) = WEIR_VECTOR_ENTRY(row, WEIR_VECTOR_ROW);
	f->slots[at] = row;
	return row;
}

/* Sweep over the values, and give each interval between two borders its row. */
static void find_rows(struct field *f)
{
	__u64 bits[WEIR_VECTOR_GROUP * WEIR_VECTOR_GROUPS] = {};
	__u32 i = 0, value = 0;

	for (;;) {
		for (; i < f->borders_count && f->borders[i].value == value; i++)
			bits[1 + f->borders[i].term / 64] ^= 1ULL << f->borders[i].term % 64;
		f->first[f->intervals] = value;
		f->row[f->intervals++] = row_of(f, bits);
		if (i == f->borders_count || f->b->error)
			return;
		value = f->borders[i].value;
	}
}

/* The interval that holds @value, looked for from interval @at on. */
static __u32 interval_of(const struct field *f, __u32 at, __u64 value)
{
	while (at + 1 < f->intervals && f->first[at + 1] <= value)
		at++;
	return at;
}

/*
 * Fill the table at @place: its entry i is for the values from @first + (i <<
 * @bits) on. @at is the interval of @first.
 */
static void fill(struct field *f, __u32 place, __u32 entries, __u32 first, __u32 bits, __u32 at)
{
	for (__u32 i = 0; i < entries && !f->b->error; i++) {
		__u64 from = first + ((__u64)i << bits), to = from + (1ULL << bits) - 1;
		__u32 end, entry;

		at = interval_of(f, at, from);
		end = interval_of(f, at, to);
		while (end > at && f->row[end] == f->row[at])
			end--;
		entry = WEIR_VECTOR_ENTRY(f->row[at], WEIR_VECTOR_ROW);
		if (end > at) {
			__u32 next = builder_add(f->b, 256 * sizeof(__u32));

			fill(f, next, 256, (__u32)from, bits - 8, at);
			entry = WEIR_VECTOR_ENTRY(next, WEIR_VECTOR_TABLE);
		}
		if (!f->b->error)
			BUILDER_AT(f->b, place, __u32)[i] = entry;
	}
}

/* Returns the root's offset; 0 with the error in the builder. */
static __u32 build_field(struct field *f, __u32 bits)
{
	__u32 entries = bits == 24 ? 256 : WEIR_VECTOR_ROOT;
	__u32 root = builder_add(f->b, WEIR_VECTOR_ROOT * sizeof(__u32));

	find_borders(f);
	find_rows(f);
	if (!f->b->error)
		fill(f, root, entries, 0, bits, 0);
	return root;
}

static __u32 build_one(struct builder *b, const struct boxed *terms, __u32 count, __u32 words,
		       enum weir_vector v)
{
	__u32 most = 2 * count + 1;
	OWN_FREE struct border *borders = malloc(most * sizeof(*borders));
	OWN_FREE __u32 *first = malloc(2 * most * sizeof(*first));
	struct field f = { .b = b,
			   .terms = terms,
			   .count = count,
			   .words = words,
			   .key = vectors[v].key,
			   .borders = borders,
			   .first = first,
			   .row = first + most,
			   .slots_mask = 8191 };
	OWN_FREE __u32 *slots = f.slots = calloc(f.slots_mask + 1, sizeof(*slots));

	_Static_assert(2 * WEIR_VECTOR_TERMS + 1 <= 4096, "rows do not fit half the slots");
	if (borders && first && slots)
		return build_field(&f, vectors[v].bits);
	b->error = -ENOMEM;
	return 0;
}

bool vectors_build(struct builder *b, const struct boxed *terms, __u32 count,
		   struct weir_forest *forest)
{
	size_t before = b->used;
	struct weir_vectors out = { .groups = (count + 63) / 64 / WEIR_VECTOR_GROUP + 1 };

	if (count > WEIR_VECTOR_TERMS)
		return false;
	for (int v = 0; v < WEIR_VECTOR_COUNT && !b->error; v++)
		out.root[v] = build_one(b, terms, count, out.groups * WEIR_VECTOR_GROUP, v);
	if (b->error)
		return true;
	if (b->used - before > BYTES_MAX) {
		b->used = before;
		return false;
	}
	forest->trees = WEIR_FOREST_VECTORS;
	forest->root[0] = builder_copy(b, &out, sizeof(out));
	return true;
}
