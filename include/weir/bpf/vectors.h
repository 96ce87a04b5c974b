/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terms that can hold for a packet of IPv4, from rows of bits: where there
 * are few terms, and without a branch but for whole groups of words.
 */
#ifndef WEIR_BPF_VECTORS_H
#define WEIR_BPF_VECTORS_H

#include "weir/bpf/forest.h"

/* Bits of terms that were not taken yet. */
struct bits {
	__u64 word[WEIR_VECTOR_GROUP];
	__u32 row[WEIR_VECTOR_COUNT]; /* offset of each field's */
	__u32 group; /* offset in a row of the one in @word */
	__u32 groups; /* still to come */
};

static __always_inline __u32 vector_step(const struct weir_image *image, __u32 entry, __u32 key)
{
	const __u32 *table = image_at(image, WEIR_VECTOR_NEXT(entry) + (key & entry & 255) * 4);

	return *table;
}

/* The offset of the row of a key with @bits below those that the root goes by. */
static __always_inline __u32 vector_row(const struct weir_image *image, __u32 root, __u32 key,
					__u32 bits)
{
	const __u32 *table = image_at(image, root + (key >> bits) * sizeof(*table));
	__u32 entry = *table;

	if (bits >= 24)
		entry = vector_step(image, entry, key >> 16);
	if (bits >= 16)
		entry = vector_step(image, entry, key >> 8);
	if (bits >= 8)
		entry = vector_step(image, entry, key);
	return WEIR_VECTOR_NEXT(entry);
}

/* The group of words at b->group of all rows. */
static __always_inline void bits_load(const struct weir_image *image, struct bits *b)
{
	const __u64 *row = image_at(image, b->row[0] + b->group);
	__u64 word0 = row[0], word1 = row[1], word2 = row[2], word3 = row[3];

#pragma unroll
	for (int v = 1; v < WEIR_VECTOR_COUNT; v++) {
		row = image_at(image, b->row[v] + b->group);
		word0 &= row[0];
		word1 &= row[1];
		word2 &= row[2];
		word3 &= row[3];
	}
	b->word[0] = b->group ? word0 : 0; /* the first says where the row is */
	b->word[1] = word1;
	b->word[2] = word2;
	b->word[3] = word3;
}

static __always_inline void bits_start(struct bits *b, const struct weir_image *image,
				       const struct weir_vectors *v, const struct keys *k)
{
#define X(sym, bits)                \
	b->row[WEIR_VECTOR_##sym] = \
		vector_row(image, v->root[WEIR_VECTOR_##sym], k->key[WEIR_KEY_##sym], bits);
	WEIR_VECTORS(X)
#undef X
	b->groups = v->groups - 1;
	b->group = 0;
	bits_load(image, b);
}

/* Of a number that is a power of two, which one: by a de Bruijn sequence. */
const volatile __u8 bit_numbers[64] = { 0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34,
					55, 48, 28, 62, 5,  39, 46, 44, 42, 22, 9,  24, 35,
					59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33,
					47, 61, 45, 43, 21, 23, 58, 17, 10, 51, 25, 36, 32,
					60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12 };

static __always_inline __u32 bit_number(__u64 power)
{
	return bit_numbers[power * 0x022fdd63cc95386dULL >> 58];
}

/* Take the first term. Returns its number, or @none where there are no more. */
static __always_inline __u32 bits_take(struct bits *b, const struct weir_image *image, __u32 none)
{
	__u64 zero, more, low;
	__u32 index;

#pragma unroll
	for (int i = 1; i < WEIR_VECTOR_GROUPS; i++) {
		if (b->word[0] | b->word[1] | b->word[2] | b->word[3])
			break;
		if (!b->groups)
			return none;
		b->groups--;
		b->group += sizeof(b->word);
		bits_load(image, b);
	}
	zero = is_zero(b->word[0]);
	index = zero;
	zero &= is_zero(b->word[1]);
	index += zero;
	zero &= is_zero(b->word[2]);
	index = (index + zero) & (WEIR_VECTOR_GROUP - 1);
	asm volatile("" : "+r"(index));
	more = b->word[index];
	if (!more)
		return none;
	low = more & -more;
	b->word[index] = more ^ low;
	return b->group * 8 + index * 64 - 64 + bit_number(low);
}

#endif
