/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4, a 64-bit keyed hash of short strings; Aumasson and Bernstein,
 * INDOCRYPT '12. The same value on every machine, whatever its byte order.
 */
#ifndef WEIR_SIPHASH_H
#define WEIR_SIPHASH_H

#include <endian.h>
#include <stddef.h>
#include <string.h>

#include <linux/types.h>

#define SIPHASH_KEY_BYTES 16

static inline __u64 siphash_word(const void *p)
{
	__u64 v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline __u64 siphash_rotate(__u64 x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void siphash_rounds(__u64 v[4], unsigned int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[1] = siphash_rotate(v[1], 13) ^ v[0];
		v[0] = siphash_rotate(v[0], 32);
		v[2] += v[3];
		v[3] = siphash_rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = siphash_rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = siphash_rotate(v[1], 17) ^ v[2];
		v[2] = siphash_rotate(v[2], 32);
	}
}

/* Hash @size bytes of @data under @key, SIPHASH_KEY_BYTES long. */
static inline __u64 siphash24(const void *data, size_t size, const void *key)
{
	const __u64 k0 = siphash_word(key), k1 = siphash_word((const char *)key + 8);
	__u64 v[4] = { 0x736f6d6570736575ULL ^ k0, 0x646f72616e646f6dULL ^ k1,
		       0x6c7967656e657261ULL ^ k0, 0x7465646279746573ULL ^ k1 };
	const unsigned char *p = data, *end = p + (size & ~(size_t)7);
	unsigned char last[8] = { [7] = (unsigned char)size };
	__u64 word;

	for (; p != end; p += 8) {
		word = siphash_word(p);
		v[3] ^= word;
		siphash_rounds(v, 2);
		v[0] ^= word;
	}
	memcpy(last, end, size & 7);
	word = siphash_word(last);
	v[3] ^= word;
	siphash_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
