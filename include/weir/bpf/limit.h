/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limit action: whether a packet is within the rate.
 */
#ifndef WEIR_BPF_LIMIT_H
#define WEIR_BPF_LIMIT_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/siphash.h"
#include "weir/limit.h"

static __always_inline __u64 limit_now(const struct weir_limit *limit)
{
	__u64 ns =
		limit->flags & WEIR_LIMIT_COARSE ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();

	return ns << WEIR_LIMIT_TICK_SHIFT;
}

/*
 * Take a token out of @bucket; false, with nothing changed, where it has none.
 * Every packet that is admitted has added its interval, whoever else adds at
 * the same time; who finds the last token taken adds nothing in the end. A
 * bucket that is full is brought to the present by who takes from it first.
 */
static __always_inline bool limit_take(struct weir_bucket *bucket, const struct weir_limit *limit,
				       __u64 now)
{
	__u64 was = *(volatile __u64 *)&bucket->tat, tat;

	if (was < now) {
		tat = __sync_val_compare_and_swap(&bucket->tat, was, now + limit->interval);
		if (tat == was)
			return true;
		was = tat;
	}
	if (was > now && was + limit->interval - now > limit->burst)
		return false;
	tat = __sync_fetch_and_add(&bucket->tat, limit->interval) + limit->interval;
	if (tat <= now || tat - now <= limit->burst)
		return true;
	__sync_fetch_and_sub(&bucket->tat, limit->interval);
	return false;
}

/* The high @bits of @half, of 64. */
static __always_inline __u64 limit_prefix(__u64 half, __u32 bits)
{
	if (!bits)
		return 0;
	return half & bpf_cpu_to_be64(~0ULL << ((64 - bits) & 63));
}

static __always_inline __u64 limit_tag(const struct weir_image *image,
				       const struct weir_limit *limit, const struct pkt *p)
{
	__u32 bits = p->is_v6 ? limit->v6_bits : 96 + limit->v4_bits;
	struct siphash_words words = {
		.word = { limit->id, limit_prefix(p->src.half[0], bits < 64 ? bits : 64),
			  limit_prefix(p->src.half[1], bits < 64 ? 0 : bits - 64) },
		.count = 3,
	};

	return siphash_keyed(&words, image);
}

static __always_inline struct weir_bucket_set *limit_set(__u32 index)
{
	return bpf_map_lookup_elem(&weir_limits, &index);
}

/* The bucket of @tag, or else the one that is full or will be soonest. */
static __always_inline struct weir_bucket *limit_way(struct weir_bucket_set *set, __u64 tag)
{
	struct weir_bucket *chosen = &set->way[0];

	if (chosen->tag == tag)
		return chosen;
#pragma unroll
	for (int i = 1; i < WEIR_LIMIT_WAYS; i++) {
		if (set->way[i].tag == tag)
			return &set->way[i];
		if (set->way[i].tat < chosen->tat)
			chosen = &set->way[i];
	}
	return chosen;
}

/*
 * Whether there is a token in the bucket of @tag; takes it. Sources that send
 * one packet each, as spoofed ones do, push out each other: they are the nearest
 * to being full.
 */
static __always_inline bool limit_admits_tag(const struct weir_limit *limit, __u64 tag)
{
	struct weir_bucket_set *set = limit_set(weir.limit_base + (tag & weir.limit_mask));
	struct weir_bucket *way;
	__u64 now;

	if (!set)
		return true;
	now = limit_now(limit);
	way = limit_way(set, tag);
	if (way->tag == tag)
		return limit_take(way, limit, now);
	way->tag = tag;
	way->tat = now + limit->interval;
	return true;
}

static __always_inline bool limit_admits_source(const struct weir_image *image,
						const struct weir_limit *limit, const struct pkt *p)
{
	if (!(p->has & PKT_ADDR))
		return true;
	return limit_admits_tag(limit, limit_tag(image, limit, p));
}

/* The same for what is no rule and has no bucket by its number: one for @number of @limit. */
static __always_inline bool limit_admits_number(const struct weir_image *image,
						const struct weir_limit *limit, __u32 number)
{
	struct siphash_words words = {
		.word = { limit->id, number },
		.count = 2,
	};

	return limit_admits_tag(limit, siphash_keyed(&words, image));
}

/* Whether @p is within the rate; takes a token if so. */
static __always_inline bool limit_admits(const struct weir_image *image,
					 const struct weir_limit *limit, const struct pkt *p)
{
	struct weir_bucket_set *set;

	if (limit->flags & WEIR_LIMIT_PER_SOURCE)
		return limit_admits_source(image, limit, p);
	if (limit->id >= weir.limit_base)
		return true;
	set = limit_set(limit->id);
	return !set || limit_take(&set->way[0], limit, limit_now(limit));
}

#endif
