/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits: token buckets, kept as GCRA does: one number for each bucket, the
 * time at which it will be full again (the theoretical arrival time, TAT).
 * ITU-T I.371, annex A.
 */
#ifndef WEIR_LIMIT_H
#define WEIR_LIMIT_H

#include <linux/types.h>

/* Times are in ticks of 1/16 ns: 64 bits of it last 36 years. */
#define WEIR_LIMIT_TICK_SHIFT 4

#define WEIR_LIMIT_TICKS_MOST (1ULL << 62) /* 9 years; a bucket that holds more is full so long */

enum weir_limit_flag {
	WEIR_LIMIT_PER_SOURCE = 1 << 0, /* a bucket for each source, or prefix of sources */
	WEIR_LIMIT_COARSE = 1 << 1, /* the clock of the timer tick is good enough */
};

/*
 * The timer ticks every 1 to 10 ms; a bucket that holds more than this is
 * never empty because the clock stood still.
 */
#define WEIR_LIMIT_COARSE_NS 20000000ULL

/* Half a cache line, in the image. */
struct weir_limit {
	__u64 interval; /* ticks between two packets at the rate, at least 1 */
	__u64 burst; /* ticks that the bucket holds: packets at once, times @interval */
	__u32 id; /* the rule's, so a bucket outlives a reload */
	__u16 flags; /* enum weir_limit_flag */
	__u8 v4_bits; /* of an IPv4 source that choose its bucket, 1-32 */
	__u8 v6_bits; /* the same of IPv6, 1-128 */
	__u64 pad;
};
_Static_assert(sizeof(struct weir_limit) == 32, "limit is not half a cache line");

/*
 * Buckets. A way whose TAT has passed is a full bucket, which is what a source
 * that nobody knows has, too: it is free.
 */
#define WEIR_LIMIT_WAYS 4

struct weir_bucket {
	__u64 tag; /* keyed hash of rule and source; of no meaning in a rule's own bucket */
	__u64 tat; /* ticks */
};

/*
 * One cache line, a value of the map of limits. The first weir_program.limit_base
 * are of rules, by rule id, and use way 0; the sources' follow.
 */
struct weir_bucket_set {
	struct weir_bucket way[WEIR_LIMIT_WAYS];
};
_Static_assert(sizeof(struct weir_bucket_set) == 64, "set of buckets is not a cache line");

/*
 * Fill in what a rate asks for.
 *
 * @rate   packets in @per_s seconds, at least 1
 * @burst  packets at once, at least 1
 */
static inline void weir_limit_set_rate(struct weir_limit *limit, __u32 rate, __u32 per_s,
				       __u32 burst)
{
	__u64 ticks = ((__u64)per_s * 1000000000ULL) << WEIR_LIMIT_TICK_SHIFT;

	limit->interval = (ticks + rate / 2) / rate;
	if (!limit->interval)
		limit->interval = 1;
	limit->burst = limit->interval > WEIR_LIMIT_TICKS_MOST / burst ? WEIR_LIMIT_TICKS_MOST
								       : limit->interval * burst;
	limit->flags &= ~WEIR_LIMIT_COARSE;
	if (limit->burst >= WEIR_LIMIT_COARSE_NS << WEIR_LIMIT_TICK_SHIFT)
		limit->flags |= WEIR_LIMIT_COARSE;
}

#endif
