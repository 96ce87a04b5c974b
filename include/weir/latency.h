/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round-trip times: the flow table that pairs TCP timestamps with their
 * echoes, and the log-linear histogram that the samples go to.
 */
#ifndef WEIR_LATENCY_H
#define WEIR_LATENCY_H

#include <linux/types.h>

/* Times are kept in ticks of 256 ns: 32 bits wrap after 18 minutes. */
#define WEIR_TICK_SHIFT 8

/*
 * Which half of the path a sample covers, seen from the interface.
 * X(symbol, name, explanation)
 */
#define WEIR_DIRECTIONS(X)                                                   \
	X(WIRE, "wire", "out of the interface to the peer's stack and back") \
	X(HOST, "host", "into this host, or through it to a backend, and back")

enum weir_direction {
#define X(sym, name, text) WEIR_DIR_##sym,
	WEIR_DIRECTIONS(X)
#undef X
		WEIR_DIR_COUNT
};

/* 16 linear steps, then 16 steps per octave of a 32-bit value. */
#define WEIR_HIST_STEP_BITS 4
#define WEIR_HIST_STEPS (1U << WEIR_HIST_STEP_BITS)
#define WEIR_HIST_BUCKETS ((32 - WEIR_HIST_STEP_BITS + 1) * WEIR_HIST_STEPS)
_Static_assert(WEIR_HIST_BUCKETS == 464, "29 groups of 16 steps");

/* One CPU's part of one histogram; all values in ticks. Zero when empty. */
struct weir_hist {
	__u64 sum;
	__u32 min_plus_1; /* 0: no sample yet */
	__u32 max;
	__u32 bucket[WEIR_HIST_BUCKETS];
};
_Static_assert(sizeof(struct weir_hist) == 16 + 4 * 464, "histogram has holes");

/* TSvals that await their echo. Stamp 0 means none. */
#define WEIR_FLOW_STAMPS 6

struct weir_stamp {
	__u32 tsval; /* host order */
	__u32 ticks; /* when its first packet was seen; never 0 when in use */
};

struct weir_flow_side {
	__u32 newest_tsval;
	__u32 head; /* stamp to overwrite next; WEIR_FLOW_STAMPS stands for 0 */
	struct weir_stamp stamp[WEIR_FLOW_STAMPS];
};

/*
 * Two cache lines: a flow on one device. @key is a hash of the 5-tuple and the
 * device, the same in both directions, and stands for them: two flows that
 * share it (1 in 2^64) would share their samples, and nothing else.
 */
struct weir_flow {
	__u64 key;
	__u32 seen; /* ticks, last packet */
	__u32 backend; /* backend id + 1, 0 when the balancer had no part */
	struct weir_flow_side side[WEIR_DIR_COUNT]; /* who sent the TSval */
};
_Static_assert(sizeof(struct weir_flow) == 128, "flow is not two cache lines");

/* Where a flow can lie: the value of the flow map, chosen by the low bits of its key. */
#define WEIR_FLOW_WAYS 2

struct weir_flow_set {
	struct weir_flow way[WEIR_FLOW_WAYS];
};

/* Bucket of @ticks, in [0, WEIR_HIST_BUCKETS). */
static inline __attribute__((always_inline)) __u32 weir_hist_index(__u32 ticks)
{
	__u32 exponent = 0, v = ticks;

	if (ticks < WEIR_HIST_STEPS)
		return ticks;
	if (v >> 16) {
		v >>= 16;
		exponent += 16;
	}
	if (v >> 8) {
		v >>= 8;
		exponent += 8;
	}
	if (v >> 4) {
		v >>= 4;
		exponent += 4;
	}
	if (v >> 2) {
		v >>= 2;
		exponent += 2;
	}
	exponent += v >> 1;
	return ((exponent - WEIR_HIST_STEP_BITS + 1) << WEIR_HIST_STEP_BITS) +
	       ((ticks >> (exponent - WEIR_HIST_STEP_BITS)) & (WEIR_HIST_STEPS - 1));
}

/* Smallest value, in ticks, of bucket @index; 2^32 for WEIR_HIST_BUCKETS. */
static inline __u64 weir_hist_floor(__u32 index)
{
	__u32 group = index >> WEIR_HIST_STEP_BITS;
	__u64 step = index & (WEIR_HIST_STEPS - 1);

	if (group == 0)
		return step;
	return (WEIR_HIST_STEPS + step) << (group - 1);
}

#endif
