/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round-trip times: the tables that pair what was asked with what answers it,
 * and where the samples go: log-linear histograms, a heat map, histograms by
 * the client's prefix; and what is seen of loss on the way.
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

/*
 * What asked and what answered. X(symbol, name, explanation)
 *
 * A receiver may hold back the acknowledgement of one segment for a while (RFC
 * 1122, section 4.2.3.2), and of more than one full-sized segment it may not:
 * TCP is the network, ACK the network and that delay.
 */
#define WEIR_RTT_KINDS(X)                                                                    \
	X(TCP, "tcp", "segments that were answered at once: with data, or as more than one") \
	X(ACK, "ack", "segments whose bare acknowledgement the receiver may have held back") \
	X(HANDSHAKE, "handshake", "SYN to SYN-ACK, and SYN-ACK to what acknowledges it")     \
	X(ICMP, "icmp", "echo request to echo reply")                                        \
	X(DNS, "dns", "query to answer, with what the server took")                          \
	X(QUIC, "quic", "edges of the spin bit")                                             \
	X(RESPONSE, "response",                                                              \
	  "request to the client's first acknowledgement of the answer, of balanced flows "  \
	  "of which only the client is seen")

enum weir_rtt_kind {
#define X(sym, name, text) WEIR_RTT_##sym,
	WEIR_RTT_KINDS(X)
#undef X
		WEIR_RTT_COUNT
};

/* Whether a sample is of the network: these go to heat maps, prefixes, and backends' round trips. */
#define WEIR_RTT_IS_ROUND_TRIP(kind) ((kind) != WEIR_RTT_DNS && (kind) != WEIR_RTT_RESPONSE)

/* 32 linear steps, then 32 steps per octave of a 32-bit value: 1.6 % off at most. */
#define WEIR_HIST_STEP_BITS 5
#define WEIR_HIST_STEPS (1U << WEIR_HIST_STEP_BITS)
#define WEIR_HIST_BUCKETS ((32 - WEIR_HIST_STEP_BITS + 1) * WEIR_HIST_STEPS)
_Static_assert(WEIR_HIST_BUCKETS == 896, "28 groups of 32 steps");

/* One CPU's part of one histogram; all values in ticks. Zero when empty. */
struct weir_hist {
	__u64 sum;
	__u32 min_plus_1; /* 0: no sample yet */
	__u32 max;
	__u32 bucket[WEIR_HIST_BUCKETS];
};
_Static_assert(sizeof(struct weir_hist) == 16 + 4 * 896, "histogram has holes");

/*
 * The histograms of weir_hists: those of devices, then those of backends.
 * @devices is how many rows the image's table has room for.
 */
static inline __attribute__((always_inline)) __u32
weir_hist_of_device(__u32 device, enum weir_direction direction, enum weir_rtt_kind kind)
{
	return (device * WEIR_DIR_COUNT + direction) * WEIR_RTT_COUNT + kind;
}

static inline __attribute__((always_inline)) __u32 weir_hist_backend_base(__u32 devices)
{
	return devices * WEIR_DIR_COUNT * WEIR_RTT_COUNT;
}

/* Of a backend: round trips toward it (WEIR_DIR_HOST), of all kinds that are; and RESPONSE. */
#define WEIR_BACKEND_HISTS(X) X(RTT, "rtt") X(RESPONSE, "response")

enum weir_backend_hist {
#define X(sym, name) WEIR_BACKEND_HIST_##sym,
	WEIR_BACKEND_HISTS(X)
#undef X
		WEIR_BACKEND_HIST_COUNT
};

/* @base  weir_hist_backend_base() */
static inline __attribute__((always_inline)) __u32
weir_hist_of_backend(__u32 base, __u32 id, enum weir_backend_hist which)
{
	return base + id * WEIR_BACKEND_HIST_COUNT + which;
}

/* Entries of weir_hists. */
static inline __attribute__((always_inline)) __u32 weir_hists_count(__u32 devices, __u32 backends)
{
	return weir_hist_backend_base(devices) + backends * WEIR_BACKEND_HIST_COUNT;
}

/*
 * What is seen of loss, and of what could not be timed; by device and by who
 * sent the packet that told: weir_losses[device * WEIR_DIR_COUNT + direction].
 * WIRE is the peer on the wire, HOST this host or what lies behind it.
 * X(symbol, name, explanation)
 */
#define WEIR_LOSSES(X)                                                                        \
	X(RETRANSMIT, "retransmits", "TCP segments sent again, and DNS queries")              \
	X(REORDER, "reordered", "TCP segments overtaken on their way here")                   \
	X(DUP_ACK, "duplicate-acks", "acknowledgements that say a segment is missing")        \
	X(ZERO_WINDOW, "zero-windows", "receivers that became full")                          \
	X(RESET, "resets", "connections reset")                                               \
	X(BEGUN, "handshakes-begun", "connections that somebody began to open")               \
	X(DONE, "handshakes-done", "that were opened")                                        \
	X(FAILED, "handshakes-failed", "that were refused, or given up for another try")      \
	X(FLOW, "flows", "flows that were given a record")                                    \
	X(EVICTED, "flows-evicted", "live flows that lost their record to another")           \
	X(SPILLED, "stamps-spilled", "stamps for which a flow's record had no room")          \
	X(STAMP_LOST, "stamps-lost", "spilled stamps that had to give way while they waited") \
	X(UNMATCHED, "unmatched", "answers to what was not seen, or was seen too long ago")   \
	X(RANDOM_SPIN, "random-spins", "edges of spin bits that do not follow each other")    \
	X(PREFIX_EVICTED, "prefixes-evicted", "prefixes that lost their histogram to another")

enum weir_loss_kind {
#define X(sym, name, text) WEIR_LOSS_##sym,
	WEIR_LOSSES(X)
#undef X
		WEIR_LOSS_COUNT
};

/* One CPU's part. */
struct weir_loss {
	__u64 count[WEIR_LOSS_COUNT];
};

/*
 * What awaits its answer. @value is a TSval, the sequence number that follows a
 * segment, or of QUIC nothing. Written and read as one word, so never torn.
 */
struct weir_stamp {
	__u32 value; /* host order */
	__u32 ticks; /* when it was seen first; 0: there is none */
};

enum weir_side_flag {
	WEIR_SIDE_TIMED = 1 << 0, /* last has its newest TSval, stamps are TSvals */
	WEIR_SIDE_SENT = 1 << 1, /* next is valid */
	WEIR_SIDE_ACKED = 1 << 2, /* acked and window are valid */
	WEIR_SIDE_SPIN = 1 << 3, /* QUIC: the spin bit of its last packet */
	WEIR_SIDE_BACKED = 1 << 4, /* of the wire: the rest has a backend */
};

/* How far the handshake of a side is. */
enum weir_opening {
	WEIR_OPENING_NOT,
	WEIR_OPENING_ASKED, /* its SYN is not acknowledged, as far as its own packets say */
	WEIR_OPENING_ANSWERED, /* its SYN-ACK is not acknowledged */
};

/* What a side waits for. */
#define WEIR_PENDING_OPENING 3 /* enum weir_opening */
#define WEIR_PENDING_OLDER (1 << 2) /* stamps before the last: the rest has them */

/* One end of a flow, by what it sent. */
struct weir_flow_side {
	struct weir_stamp last; /* with timestamps, value is the newest, stamped or not */
	__u32 done; /* the newest TSval that came back; without: up to here all is acknowledged,
		       or ambiguous (Karn); QUIC, of the wire: how the edges of both follow each other */
	__u32 next; /* sequence number that follows all data that it sent */
	__u32 acked; /* greatest acknowledgement that it sent */
	__u16 window; /* as in the header */
	__u8 flags; /* enum weir_side_flag */
	__u8 pending; /* WEIR_PENDING_*; both sides write it */
};
_Static_assert(sizeof(struct weir_flow_side) == 24, "side has holes");

/*
 * A flow on one device, in one cache line: all that a packet needs of a flow of
 * which little is under way. @key is a hash of the 5-tuple and the device, the
 * same in both directions, and stands for them: two flows that share it (1 in
 * 2^63) would share their samples, and nothing else.
 *
 * CPUs that meet in a record do so without a lock. Words are written whole; a
 * sample may be lost or counted twice then, and never be of another packet.
 */
struct weir_flow {
	__u64 key; /* 0: free */
	__u32 seen; /* ticks, last packet that was timed */
	__u16 segment[WEIR_DIR_COUNT]; /* bytes of the largest single segment of each side */
	struct weir_flow_side side[WEIR_DIR_COUNT]; /* by who sends: the wire, the host */
};
_Static_assert(sizeof(struct weir_flow) == 64, "flow is not a cache line");

/* Stamps before the last, of each side; what is more spills to weir_stamps. */
#define WEIR_FLOW_OLDER 3

/* The rest of a record, for when more is under way, and for what is rare. */
struct weir_flow_rest {
	/* With WEIR_PENDING_OLDER, else of no meaning. */
	struct weir_stamp older[WEIR_DIR_COUNT][WEIR_FLOW_OLDER];
	__u32 spilled[WEIR_DIR_COUNT]; /* greatest value of them in weir_stamps, if not done */
	__u8 head[WEIR_DIR_COUNT]; /* which of older is to give way next */
	__u8 retransmits[WEIR_DIR_COUNT]; /* of the connection, up to 255 */
	__u32 backend; /* backend id + 1, of meaning with WEIR_SIDE_BACKED */
};
_Static_assert(sizeof(struct weir_flow_rest) == 64, "rest of a flow is not a cache line");

/*
 * Where a flow can lie: the value of weir_flows, chosen by the low bits of its
 * key; and of weir_flow_rests the same. Two maps, as what is read of each flow
 * is to lie as close as it can: that is what fills a cache.
 */
#define WEIR_FLOW_WAYS 4

struct weir_flow_set {
	struct weir_flow way[WEIR_FLOW_WAYS];
};

struct weir_flow_rest_set {
	struct weir_flow_rest way[WEIR_FLOW_WAYS];
};

/* Sets for @flows, a power of two: twice the room, or many would push each other out. */
static inline __u32 weir_flow_sets(__u32 flows)
{
	return flows * 2 / WEIR_FLOW_WAYS;
}

/*
 * Stamps beyond those in flows' records, and those of what has no record: ICMP
 * echo and DNS. A cache line, chosen by a hash of flow, side and value, as is
 * the tag: one answer in 2^28 may be taken for that of another stamp.
 */
#define WEIR_STAMP_TWICE \
	(1U << 31) /* of a tag: asked more than once, whatever answers is no sample */
#define WEIR_STAMP_WAYS 8

struct weir_spilled {
	__u32 tag;
	__u32 ticks; /* 0: free */
};

struct weir_stamp_set {
	struct weir_spilled way[WEIR_STAMP_WAYS];
};
_Static_assert(sizeof(struct weir_stamp_set) == 64, "stamps are not a cache line");

/* Sets for @flows: four stamps for each. */
static inline __u32 weir_stamp_sets(__u32 flows)
{
	return flows * 4 / WEIR_STAMP_WAYS;
}

/*
 * Time against latency, of all round trips. A column is some time, and has four
 * buckets per octave from 1 us (4 ticks): 104 reach a minute.
 *
 * Each CPU counts in a column of its own, weir_heat_now[device * WEIR_DIR_COUNT
 * + direction], and adds it to weir_heat when it has a sample of the next one.
 * So a column of weir_heat and every CPU's weir_heat_now of the same epoch are
 * to be added up.
 */
#define WEIR_HEAT_COLUMNS 256
#define WEIR_HEAT_BUCKETS 104
#define WEIR_HEAT_NS 15000000000ULL
#define WEIR_HEAT_FIRST_TICKS 4

struct weir_heat_column {
	__u64 epoch; /* CLOCK_MONOTONIC / WEIR_HEAT_NS; 0 and empty: none yet */
	__u32 bucket[WEIR_HEAT_BUCKETS];
};
_Static_assert(sizeof(struct weir_heat_column) == 424, "column has holes");

/* Entry of weir_heat for a device, a direction and an epoch. */
static inline __attribute__((always_inline)) __u32
weir_heat_index(__u32 device, enum weir_direction direction, __u64 epoch)
{
	return (device * WEIR_DIR_COUNT + direction) * WEIR_HEAT_COLUMNS +
	       (__u32)(epoch % WEIR_HEAT_COLUMNS);
}

/*
 * Round trips to clients, by their prefix: WEIR_DIR_WIRE of all devices. Not
 * one for each CPU: these are added to atomically.
 */
#define WEIR_PREFIX_WAYS 4

struct weir_prefix {
	__u8 addr[16]; /* network order, v4-mapped, what is behind the prefix 0 */
	__u32 seen; /* ticks */
	__u32 in_use;
	__u64 pad;
};

struct weir_prefix_set {
	struct weir_prefix way[WEIR_PREFIX_WAYS];
	struct weir_hist hist[WEIR_PREFIX_WAYS];
};
_Static_assert(sizeof(struct weir_prefix_set) == 4 * (32 + 3600), "prefixes have holes");

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

/* Bucket of a heat map for @ticks, in [0, WEIR_HEAT_BUCKETS); the first has what is shorter, too. */
static inline __attribute__((always_inline)) __u32 weir_heat_bucket(__u32 ticks)
{
	__u32 index;

	if (ticks < 8)
		index = ticks < WEIR_HEAT_FIRST_TICKS ? 0 : ticks - 4;
	else if (ticks < 16)
		index = 4 + ((ticks - 8) >> 1);
	else if (ticks < 32)
		index = 8 + ((ticks - 16) >> 2);
	else
		index = (weir_hist_index(ticks) >> 3) + 8;
	return index < WEIR_HEAT_BUCKETS ? index : WEIR_HEAT_BUCKETS - 1;
}

/* Smallest value, in ticks, of a heat map's bucket @index. */
static inline __u64 weir_heat_floor(__u32 index)
{
	return (__u64)(4 + index % 4) << (index / 4);
}

#endif
