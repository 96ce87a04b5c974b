/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balancer: in the image a hash table of VIPs, the services and their
 * backends; beside it, in maps of their own, the rings and the pins.
 */
#ifndef WEIR_BALANCE_H
#define WEIR_BALANCE_H

#include <linux/types.h>

#include "weir/service.h"

#define WEIR_RING_SLOTS 65537
#define WEIR_NO_BACKEND 0x7fff /* in a slot */
/* In weir_slot.current: flows of this slot may have pins, or belong to base. */
#define WEIR_SLOT_MOVED 0x8000
/* Of one service: 16 slots for each. */
#define WEIR_MAX_RING_BACKENDS 4096
#define WEIR_MAX_SERVICES 32768
/* Rings that differ; of 256 KiB each. */
#define WEIR_MAX_RINGS 4096
/* ctl sizes the table so that no VIP lies further than this from its hash. */
#define WEIR_VIP_PROBES 4
/* Ports that a VIP has in its own cache line. */
#define WEIR_VIP_PORTS 5
/* Lengths of VIP prefixes that differ, of each family. */
#define WEIR_VIP_LENGTHS 8

/* Why a packet goes to the backend that it goes to. X(symbol, name, explanation) */
#define WEIR_WHYS(X)                                                                          \
	X(RING, "ring", "what the ring says now")                                             \
	X(BASE, "base", "what the ring said before its slot moved; the flow may be that old") \
	X(PIN, "pin", "the flow is pinned, as its slot of the ring moved")                    \
	X(TRACK, "track", "the flow is pinned, as all flows of the service are")              \
	X(QUIC, "quic", "the server ID in its connection ID")                                 \
	X(FRAGMENT, "fragment", "where the first fragment went")                              \
	X(ICMP, "icmp", "where the flow goes that the error quotes")                          \
	X(NAT, "nat", "the flow is being translated already")

enum weir_why {
#define X(sym, name, text) WEIR_WHY_##sym,
	WEIR_WHYS(X)
#undef X
		WEIR_WHY_COUNT
};

/*
 * Code that services ask for, as bits of weir_program.services: a program of a
 * device that balances has no other. X(symbol, name)
 */
#define WEIR_NEEDS(X)                                                           \
	X(L2, "l2")                                                             \
	X(IPIP, "ipip")                                                         \
	X(GUE, "gue")                                                           \
	X(NAT, "nat")                                                           \
	X(LOCAL, "local")                                                       \
	X(V4, "v4") /* an IPv4 backend */                                       \
	X(V6, "v6")                                                             \
	X(PINS, "pins") /* a service whose moved slots are looked up */         \
	X(TRACK, "track") /* a service that pins all flows of TCP or UDP */     \
	X(QUIC, "quic")                                                         \
	X(SOURCE, "source") /* a hash by source */                              \
	X(PREFIX, "prefix") /* a VIP that is no single address */               \
	X(PORTS, "ports") /* a VIP with more ports than its cache line holds */ \
	X(ALLOW, "allow")                                                       \
	X(LIMIT, "limit")                                                       \
	X(SYNCOOKIE, "syncookie")                                               \
	X(MSS, "mss")                                                           \
	X(REJECT, "reject") /* an answer where no backend is left */

enum weir_need {
#define X(sym, name) WEIR_NEED_##sym,
	WEIR_NEEDS(X)
#undef X
		WEIR_NEED_COUNT
};

/* As weir_program.flags. */
enum weir_program_flag {
	WEIR_PROGRAM_VETH = 1 << 0, /* the device is one: checksums may be unfinished */
	WEIR_PROGRAM_GENERIC = 1 << 1, /* the kernel completes them after XDP, too */
	WEIR_PROGRAM_VLANS = 1 << 2, /* packets may leave by VLAN devices */
	WEIR_PROGRAM_TRIAL = 1 << 3, /* its scratch is read after a packet: what it chose */
	WEIR_PROGRAM_BOND =
		1 << 4, /* a bond: packets come in at its ports, and it has the routes */
};

/* An interval of ports of a VIP. */
struct weir_vip_port {
	__u16 first, last; /* host order */
	__u16 service; /* index of the image's table */
	__u8 proto; /* 0: any, also packets without ports */
	__u8 pad;
};
_Static_assert(sizeof(struct weir_vip_port) == 8, "port interval has holes");

enum weir_vip_flag {
	WEIR_VIP_SOURCE = 1 << 0, /* of translated flows, too: what comes there may be an answer */
};

/*
 * One cache line of a table of open addressing, keyed by address and length.
 * A packet is a VIP's by the longest prefix that has ports for it. Ports are
 * disjoint and sorted by protocol and first; one of protocol 0 is the last.
 */
struct weir_vip {
	__u8 addr[16]; /* network order, v4-mapped; 0 past @length */
	__u8 length; /* 1-128, counted in v4-mapped form; 0: an empty entry */
	__u8 flags; /* enum weir_vip_flag */
	__u16 ports_count;
	__u32 ports_offset; /* struct weir_vip_port[]; 0: they are in @port */
	struct weir_vip_port port[WEIR_VIP_PORTS];
};
_Static_assert(sizeof(struct weir_vip) == 64, "VIP entry is not a cache line");

/*
 * Indexes into the service's backends, or WEIR_NO_BACKEND. @current may carry
 * WEIR_SLOT_MOVED; without it both are the same, and no pin is looked at.
 */
struct weir_slot {
	__u16 base;
	__u16 current;
};

/* A value of the map of rings. */
struct weir_ring {
	struct weir_slot slot[WEIR_RING_SLOTS];
	__u32 pad; /* values of a map begin at multiples of 8 bytes */
};
_Static_assert(sizeof(struct weir_ring) % 8 == 0, "ring is not as long as in its map");

enum weir_service_flag {
	WEIR_SERVICE_UNSETTLED = 1 << 0, /* some slot of its ring carries WEIR_SLOT_MOVED */
	WEIR_SERVICE_LIMIT = 1 << 1,
	WEIR_SERVICE_LIMIT_SOURCE = 1 << 2,
	WEIR_SERVICE_ALLOW = 1 << 3,
	WEIR_SERVICE_SYNCOOKIE = 1 << 4,
	WEIR_SERVICE_EMPTY_REJECT = 1 << 5,
	WEIR_SERVICE_MSS = 1 << 6,
	WEIR_SERVICE_GUE_CHECKSUM = 1 << 7,
	WEIR_SERVICE_SOURCE = 1 << 8, /* its outer source is not that of its backends, a pool's */
	/* Its packets want nothing but the ring, by all of their tuple, and an outer IP header. */
	WEIR_SERVICE_PLAIN = 1 << 9,
};
/* Of which SYNs want more than that. */
#define WEIR_SERVICE_ASKS_SYN (WEIR_SERVICE_LIMIT | WEIR_SERVICE_LIMIT_SOURCE | WEIR_SERVICE_MSS)

/*
 * Two cache lines, of which every packet reads the first. Times are seconds of
 * CLOCK_MONOTONIC, coarse.
 */
struct weir_service {
	__u32 ring; /* index into the map of rings */
	__u32 backends_offset; /* struct weir_backend[]; services of one pool share them */
	__u16 backends_count;
	__u8 forward; /* enum weir_forward */
	__u8 hash; /* enum weir_hash */
	__u8 hash_v4_bits; /* 1-32 */
	__u8 hash_v6_bits; /* 1-128 */
	__u8 track; /* enum weir_track */
	__u8 udp; /* enum weir_udp */
	__u16 flags; /* enum weir_service_flag */
	__u16 udp_idle_s; /* how long a pin of UDP lives */
	__u32 id; /* stable over reloads by name; of its counters and its pins' deadline */
	__u32 settle_s; /* how long an idle pin lives */
	__u32 quic_offset; /* __u16[quic_count] by server id: a backend, or WEIR_NO_BACKEND */
	__u64 base_until_s; /* the last second that base counts in */
	__u64 pins_until_s; /* the same of pins, or weir_settle says a later time */
	__u32 quic_count;
	__u16 mss; /* host order; with WEIR_SERVICE_MSS: 0 is what the way out takes */
	__u8 tcp_life; /* weir_pin_life() of settle_s */
	__u8 udp_life; /* and of udp_idle_s */

	__u32 allow_offset; /* struct weir_range128[], sorted and disjoint */
	__u32 allow_count;
	__u32 sources_offset; /* as configured, 16 bytes each: IPv4 first, v4-mapped */
	__u16 sources_v4;
	__u16 sources_v6;
	__u32 limit_offset; /* struct weir_limit of the service */
	__u32 limit_source_offset; /* and of each source */
	__u32 syncookie_offset; /* struct weir_limit of SYNs that get no cookie; 0: all do */
	__u32 allow_sets_offset; /* __u32[]: slots of weir_sets that allow, too */
	__u32 allow_sets_count;
	__u32 pad2[9];
};
_Static_assert(sizeof(struct weir_service) == 128, "service is not two cache lines");

enum weir_backend_flag {
	WEIR_BACKEND_STACK =
		1 << 0, /* of "local": XDP cannot bring packets there, the stack does */
};

/* One cache line. Addresses in network order, v4-mapped. */
struct weir_backend {
	__u8 addr[16];
	__u8 source[16]; /* outer source address, or the one to translate to */
	__u32 id; /* counter, pins; stable over reloads by the names of service or pool and backend */
	__u32 hop_ifindex; /* the neighbour that the kernel keeps for it; for user space */
	__u8 hop[16];
	__be16 port; /* 0: the packet keeps its own */
	__u8 is_v6; /* family of @addr, and so of the outer header */
	__u8 flags; /* enum weir_backend_flag */
	__u16 weight; /* in the ring: 0 when drained; for user space */
	__u16 pad;
};
_Static_assert(sizeof(struct weir_backend) == 64, "backend is not a cache line");

/*
 * Flows that keep to a backend. A free way has state 0.
 */
#define WEIR_PIN_WAYS 4

struct weir_pin {
	__u64 tag; /* keyed hash of the service's id and the flow */
	__u32 seen; /* seconds of CLOCK_MONOTONIC, coarse */
	__u32 state; /* see WEIR_PIN_STATE_SHIFT */
};
_Static_assert(sizeof(struct weir_pin) == 16, "pin has holes");

/*
 * How far a flow got. X(symbol, name)
 *
 * Nobody confirmed a flow that is OPENING or FOUND: others may have its place
 * once it is some seconds old. So may they have that of a VERIFIED source, which
 * itself has only places of such sources, of OPENING flows, and of none.
 */
#define WEIR_PIN_STATES(X)                                                     \
	X(FREE, "free")                                                        \
	X(OPENING, "opening") /* a SYN came */                                 \
	X(FOUND, "found") /* another packet, but only in one second */         \
	X(OPEN, "open")                                                        \
	X(CLOSING, "closing") /* a FIN or RST came, and no data after it */    \
	X(FRAGMENT, "fragment") /* no flow: where a first fragment went */     \
	X(VERIFIED, "verified") /* no flow: a source that returned a cookie */ \
	X(BUSY, "busy") /* its tag changes this moment */

enum weir_pin_state {
#define X(sym, name) WEIR_PIN_##sym,
	WEIR_PIN_STATES(X)
#undef X
		WEIR_PIN_STATE_COUNT
};

/*
 * weir_pin.state: the backend's id in the low 24 bits, 3 bits of the state, and
 * in the highest 5 how long the pin lives without a packet, as the exponent of
 * a power of two of seconds. A FRAGMENT has bits of its service's id there.
 */
#define WEIR_PIN_STATE_SHIFT 24
#define WEIR_PIN_STATE_MASK 7
#define WEIR_PIN_LIFE_SHIFT 27
#define WEIR_PIN_LIFE_MOST 31
_Static_assert(WEIR_PIN_STATE_COUNT <= WEIR_PIN_STATE_MASK + 1, "states do not fit their bits");

/* Seconds. */
#define WEIR_PIN_HALF_OPEN_S 120 /* OPENING and CLOSING live no longer */
#define WEIR_PIN_FRAGMENT_S 30
#define WEIR_PIN_VERIFIED_S 512 /* a power of two, as lives are */
#define WEIR_PIN_UNSURE_S 5 /* an unconfirmed pin keeps its place */
#define WEIR_PIN_REUSE_S 2 /* after it a SYN on a flow that closes is a new one */
#define WEIR_PIN_GRACE_S 2 /* new flows are pinned past the end of base */
#define WEIR_COOKIE_S 60 /* a SYN cookie may come back; the kernel takes it for as long at least */

#define WEIR_PIN_BACKEND_MASK ((1U << WEIR_PIN_STATE_SHIFT) - 1)

/* The least power of two that is not below @s, by its exponent. */
static inline __attribute__((always_inline)) __u32 weir_pin_life(__u32 s)
{
	__u32 life = 0;

	s = s ? s - 1 : 0;
#pragma GCC unroll 5
	for (int bits = 16; bits; bits /= 2) {
		if (s >> bits) {
			life += bits;
			s >>= bits;
		}
	}
	life += s;
	return life > WEIR_PIN_LIFE_MOST ? WEIR_PIN_LIFE_MOST : life;
}

/*
 * How far a pin's "seen" may lie behind: writing it for each second takes a
 * cache line away from other CPUs. Of a pin that lives 1 << @life seconds, of a
 * service that promises @idle_s, which the pin keeps in any case.
 */
static inline __attribute__((always_inline)) __u32 weir_pin_lag(__u32 life, __u32 idle_s)
{
	__u32 spare = (1U << (life & 31)) - idle_s, most = (1U << (life & 31)) >> 8;

	return spare < most ? spare : most;
}

/* One cache line, a value of the map of pins. */
struct weir_pin_set {
	struct weir_pin way[WEIR_PIN_WAYS];
};
_Static_assert(sizeof(struct weir_pin_set) == 64, "set of pins is not a cache line");

/*
 * By service id, written by the datapath, once a second at most: a pin of the
 * service may be alive until then.
 */
struct weir_settle {
	__u64 pins_until_s;
	__u64 base_until_s; /* so is base, past the service's time: flows found no room for a pin */
	__u64 cookies_until_s; /* SYN cookies of the service may come back */
};

static inline __attribute__((always_inline)) __u64 weir_mix64(__u64 x)
{
	x ^= x >> 32;
	x *= 0x9E3779B97F4A7C15ULL;
	x ^= x >> 29;
	x *= 0xBF58476D1CE4E5B9ULL;
	return x ^ (x >> 32);
}

/*
 * Ports and protocol share a word with the low half of an address, where that
 * of a v4-mapped one is constant: no two IPv4 endpoints give the same word.
 */
#define WEIR_PORT_SHIFT 16

/*
 * Hash of a VIP table key: the two halves of the address as they lie in memory,
 * 0 past @length, which is counted in v4-mapped form. The low bits are the good
 * ones, and consecutive addresses differ there. One multiplication for IPv4, as
 * every packet of others takes it; Knuth, volume 3, section 6.4.
 */
static inline __attribute__((always_inline)) __u32 weir_vip_hash(__u64 addr0, __u64 addr1,
								 __u8 length)
{
	__u64 hash = (addr1 + length) * 0x9E3779B97F4A7C15ULL;

	return (__u32)__builtin_bswap64(hash + addr0 * 0xBF58476D1CE4E5B9ULL);
}

/*
 * Hash of a flow toward a VIP. Arguments as they lie in memory. The same on
 * every node of a fleet.
 */
static inline __attribute__((always_inline)) __u64 weir_ring_hash(__u64 saddr0, __u64 saddr1,
								  __u64 daddr0, __u64 daddr1,
								  __be16 sport, __be16 dport,
								  __u8 proto)
{
	__u64 source = saddr1 ^ ((__u64)sport << WEIR_PORT_SHIFT | proto);
	__u64 target = daddr1 ^ (__u64)dport << WEIR_PORT_SHIFT;

	return weir_mix64(source * 0x9E3779B97F4A7C15ULL + target * 0xC2B2AE3D27D4EB4FULL +
			  saddr0 * 0xBF58476D1CE4E5B9ULL + daddr0 * 0x94D049BB133111EBULL);
}

/* The slot of a flow, in [0, WEIR_RING_SLOTS), by its hash; the low half stays unused. */
static inline __attribute__((always_inline)) __u32 weir_ring_slot(__u64 hash)
{
	return (__u32)(((hash >> 32) * WEIR_RING_SLOTS) >> 32);
}

/* The slot of a flow whose service hashes the whole tuple. */
static inline __attribute__((always_inline)) __u32 weir_ring_position(__u64 saddr0, __u64 saddr1,
								      __u64 daddr0, __u64 daddr1,
								      __be16 sport, __be16 dport,
								      __u8 proto)
{
	return weir_ring_slot(weir_ring_hash(saddr0, saddr1, daddr0, daddr1, sport, dport, proto));
}

#endif
