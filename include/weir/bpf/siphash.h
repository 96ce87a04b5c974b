/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SipHash-1-3 over 64-bit words, for tables that a peer must not be able to
 * aim at. The key is the image's secret. Aumasson and Bernstein, 2012.
 */
#ifndef WEIR_BPF_SIPHASH_H
#define WEIR_BPF_SIPHASH_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "weir/image.h"

struct siphash {
	__u64 v0, v1, v2, v3;
};

#define SIPHASH_ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

static __always_inline void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v1 = SIPHASH_ROTATE(s->v1, 13) ^ s->v0;
	s->v0 = SIPHASH_ROTATE(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = SIPHASH_ROTATE(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = SIPHASH_ROTATE(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = SIPHASH_ROTATE(s->v1, 17) ^ s->v2;
	s->v2 = SIPHASH_ROTATE(s->v2, 32);
}

static __always_inline void siphash_begin(struct siphash *s, const __u64 *secret)
{
	s->v0 = 0x736f6d6570736575ULL ^ secret[0];
	s->v1 = 0x646f72616e646f6dULL ^ secret[1];
	s->v2 = 0x6c7967656e657261ULL ^ secret[0];
	s->v3 = 0x7465646279746573ULL ^ secret[1];
}

static __always_inline void siphash_word(struct siphash *s, __u64 word)
{
	s->v3 ^= word;
	siphash_round(s);
	s->v0 ^= word;
}

#define SIPHASH_MOST 5

struct siphash_words {
	__u64 word[SIPHASH_MOST];
	__u64 count; /* 2, 3 or 5 */
};

/*
 * Hash of @words under the image's secret. Not inlined: the verifier then goes
 * through its rounds once, and not once for each kind of packet.
 */
__noinline __u64 siphash_keyed(const struct siphash_words *words, const struct weir_image *image)
{
	struct siphash s;

	if (!words || !image)
		return 0;
	siphash_begin(&s, image->secret);
	siphash_word(&s, words->word[0]);
	siphash_word(&s, words->word[1]);
	if (words->count > 2)
		siphash_word(&s, words->word[2]);
	if (words->count > 3) {
		siphash_word(&s, words->word[3]);
		siphash_word(&s, words->word[4]);
	}
	siphash_word(&s, words->count << 59); /* bytes, in the highest eight bits */
	s.v2 ^= 0xff;
	siphash_round(&s);
	siphash_round(&s);
	siphash_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
