/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows whose addresses the balancer changes, "forward nat" and "forward
 * local": two tables that live on over changes of the configuration.
 *
 * A flow's record says what it is on either side of this host. Its place is a
 * hash of the packets toward the backend, both addresses and both ports. So a
 * port belongs to whoever took its place, no two flows look the same to a
 * backend, and what comes back is found without another table. What comes from
 * clients is found by a keyed hash, in sets of one cache line.
 *
 * With "local" the source toward the backend is the client itself; its port
 * changes only where two flows would look the same to the backend.
 *
 * Nothing sweeps: what was idle for too long is free to be taken.
 */
#ifndef WEIR_NAT_H
#define WEIR_NAT_H

#include <linux/types.h>

#include "weir/balance.h"

/* Times are in ticks of 2^30 ns, 1.07 s, of CLOCK_MONOTONIC, coarse. */
#define WEIR_NAT_TICK_SHIFT 30
#define WEIR_NAT_TICKS(s) ((__u32)(((__u64)(s)*1000000000ULL) >> WEIR_NAT_TICK_SHIFT))

/*
 * How far a flow got. X(symbol, name, seconds without a packet that it lives;
 * 0: what its service says). UDP knows OPENING and ANSWERED, and always lives
 * as long as its service says.
 *
 * RESET: by the client, or by somebody in its name; a segment of the client
 * makes it ESTABLISHED again.
 */
#define WEIR_NAT_STATES(X)                                                     \
	X(FREE, "free", 0)                                                     \
	X(CLAIMED, "claimed", 2) /* being written */                           \
	X(OPENING, "opening", 30) /* the backend said nothing so far */        \
	X(ANSWERED, "answered", 30) /* it did, and the client not yet again */ \
	X(ESTABLISHED, "established", 0)                                       \
	X(CLOSING, "closing", 60) /* a FIN, or a RST of the backend */         \
	X(RESET, "reset", 60)

enum weir_nat_state {
#define X(sym, name, idle_s) WEIR_NAT_##sym,
	WEIR_NAT_STATES(X)
#undef X
		WEIR_NAT_STATE_COUNT
};

/* Of UDP where its service says nothing: RFC 4787, section 4.3, two minutes at least. */
#define WEIR_NAT_UDP_S 120
/* A flow that got no answer, or none that its client confirmed, may be pushed out after this. */
#define WEIR_NAT_UNSURE_S 5

/* Ports that are tried for a new flow before the table counts as full. */
#define WEIR_NAT_TRIES 16
/* Places for the same packet toward a backend: "local" has no choice of ports. */
#define WEIR_NAT_PLACES 4

/* How a record's life is written, of which all but the first word changes rarely. */
#define WEIR_NAT_BACKEND_BITS 24
#define WEIR_NAT_STATE_UDP 0x80

/* One cache line. Addresses and ports in network order, addresses v4-mapped. */
struct weir_nat_flow {
	__u64 life; /* weir_nat_life(); 0: free. Changed by cmpxchg alone */
	__u8 client[16];
	__u8 vip[16];
	__u8 source[16]; /* what the backend takes for the client */
	__be16 client_port;
	__be16 vip_port;
	__be16 source_port;
	__u8 idle; /* weir_nat_idle(): ticks that it lives once it is established */
	__u8 mark; /* WEIR_NAT_MARK() of its tag, and WEIR_NAT_NO_WAY */
};
_Static_assert(sizeof(struct weir_nat_flow) == 64, "record is not a cache line");

#define WEIR_NAT_MARK(tag) ((__u8)((tag) >> 56) & ~WEIR_NAT_NO_WAY)
/* The table of what comes from clients has no room for it. */
#define WEIR_NAT_NO_WAY 1

#define WEIR_NAT_WAYS 4

struct weir_nat_way {
	__u64 tag; /* keyed hash of client, VIP, ports and protocol; 0: free */
	__u32 flow; /* index of the record, which alone knows whether this is true */
	__u32 until; /* tick; before it, it is not asked */
};
_Static_assert(sizeof(struct weir_nat_way) == 16, "way has holes");

struct weir_nat_set {
	struct weir_nat_way way[WEIR_NAT_WAYS];
};
_Static_assert(sizeof(struct weir_nat_set) == 64, "set is not a cache line");

/*
 * In the image. Ports in host order: those that flows are given, apart from
 * those that the kernel gives to this host's own connections.
 */
struct weir_nat {
	__u32 sources_offset; /* __u8[16][sources_mask + 1]: open addressing, zeroes are empty */
	__u32 sources_mask;
	__u16 port_first;
	__u16 ports_count;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_nat) == 16, "nat has holes");

/* ctl sizes the table of sources so that none lies further than this from its hash. */
#define WEIR_NAT_PROBES 4

/* @until is the last tick of its life. */
static inline __attribute__((always_inline)) __u64 weir_nat_life(__u32 until, __u32 backend,
								 __u8 state)
{
	return (__u64)until << 32 | (__u64)(backend & 0xffffff) << 8 | state;
}

static inline __attribute__((always_inline)) __u32 weir_nat_until(__u64 life)
{
	return (__u32)(life >> 32);
}

static inline __attribute__((always_inline)) __u32 weir_nat_backend(__u64 life)
{
	return (__u32)life >> 8;
}

static inline __attribute__((always_inline)) __u8 weir_nat_state(__u64 life)
{
	return life & (WEIR_NAT_STATE_UDP - 1);
}

static inline __attribute__((always_inline)) int weir_nat_is_udp(__u64 life)
{
	return !!(life & WEIR_NAT_STATE_UDP);
}

/* Ticks as eight bits, three of them after the point: at most an eighth too much. */
static inline __attribute__((always_inline)) __u8 weir_nat_idle(__u32 ticks)
{
	__u32 rest = ticks, shift = 0;

	if (ticks < 16)
		return ticks;
#pragma GCC unroll 5
	for (int bits = 16; bits; bits /= 2) {
		if (rest >> bits >= 8) {
			shift += bits;
			rest >>= bits;
		}
	}
	if (ticks & ((1U << shift) - 1))
		rest++; /* 16 is 8 with the next shift, which is what the sum below says */
	return ((shift + 1) << 3) + (rest - 8);
}

static inline __attribute__((always_inline)) __u32 weir_nat_idle_ticks(__u8 idle)
{
	return idle < 16 ? idle : (8U + (idle & 7)) << ((idle >> 3) - 1);
}

/* Hash of a source's address, given as it lies in memory. */
static inline __attribute__((always_inline)) __u32 weir_nat_source_hash(__u64 addr0, __u64 addr1)
{
	return (__u32)weir_mix64(addr0 ^ weir_mix64(addr1));
}

/*
 * Hash of a packet toward a backend, by which its record lies. Addresses and
 * ports as they lie in memory. @secret keeps a client of "local", who chooses
 * half of it, from aiming.
 */
static inline __attribute__((always_inline)) __u64
weir_nat_hash(const __u64 *source, __be16 source_port, const __u64 *backend, __be16 backend_port,
	      int is_udp, __u64 secret)
{
	__u64 hash = backend[1] ^ (__u64)backend_port << WEIR_PORT_SHIFT ^ (__u64)is_udp << 40;

	hash = weir_mix64(hash ^ secret) ^ backend[0];
	hash = weir_mix64(hash ^ source[1] ^ (__u64)source_port << WEIR_PORT_SHIFT);
	return weir_mix64(hash ^ source[0]);
}

#endif
