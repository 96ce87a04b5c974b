/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balancer's part of the image: a hash table of VIPs, a ring per service
 * and the backends that ring slots name.
 */
#ifndef WEIR_BALANCE_H
#define WEIR_BALANCE_H

#include <linux/types.h>

#include "service.h"

#define WEIR_RING_SLOTS 65537
#define WEIR_NO_BACKEND 0xffff
/* Of one service: Maglev wants 100 slots for each, or shares get uneven. */
#define WEIR_MAX_RING_BACKENDS (WEIR_RING_SLOTS / 100)
/* ctl sizes the table so that no VIP lies further than this from its hash. */
#define WEIR_VIP_PROBES 4

/* As weir_program.flags. */
enum weir_program_flag {
	WEIR_PROGRAM_VETH = 1 << 0, /* the device is one: checksums may be unfinished */
	WEIR_PROGRAM_GENERIC = 1 << 1, /* the kernel completes them after XDP, too */
};

struct weir_vip_key {
	__u8 addr[16]; /* network order, v4-mapped */
	__be16 port;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP; 0 marks an empty entry */
	__u8 pad; /* must be 0 */
};
_Static_assert(sizeof(struct weir_vip_key) == 20, "hash key has holes");

/* Half a cache line, so a probe of two entries touches one. */
struct weir_vip {
	struct weir_vip_key key;
	__u32 ring_offset; /* struct weir_slot[WEIR_RING_SLOTS] in the image */
	__u16 service; /* index in the configuration, for show */
	__u8 forward; /* enum weir_forward */
	__u8 pad[5];
};
_Static_assert(sizeof(struct weir_vip) == 32, "VIP entry is not half a line");

/*
 * Indexes into the backend table, or WEIR_NO_BACKEND. While both are equal the
 * slot has settled and no flow state is looked at.
 */
struct weir_slot {
	__u16 base;
	__u16 current;
};

/* One cache line. Addresses in network order, v4-mapped. */
struct weir_backend {
	__u8 addr[16];
	__u8 source[16]; /* outer source address of an encapsulated packet */
	__u32 id; /* counter; stable over reloads by service and backend name */
	__u8 is_v6; /* family of @addr, and so of the outer header */
	__u8 pad[3];
	__u32 hop_ifindex; /* the neighbour that the kernel keeps for it; for user space */
	__u8 hop[16];
	__u8 pad2[4];
};
_Static_assert(sizeof(struct weir_backend) == 64, "backend is not a cache line");

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
 * Hash of a VIP table key, given as the machine words of its bytes: the two
 * halves of @addr as they lie in memory, @port as it lies in memory.
 */
static inline __attribute__((always_inline)) __u32 weir_vip_hash(__u64 addr0, __u64 addr1,
								 __be16 port, __u8 proto)
{
	__u64 endpoint = addr1 ^ ((__u64)port << WEIR_PORT_SHIFT | proto);

	return (__u32)weir_mix64(addr0 ^ weir_mix64(endpoint));
}

/*
 * Ring position, in [0, WEIR_RING_SLOTS), of a flow toward a VIP. Arguments as
 * they lie in memory. The same on every node of a fleet.
 */
static inline __attribute__((always_inline)) __u32 weir_ring_position(__u64 saddr0, __u64 saddr1,
								      __u64 daddr0, __u64 daddr1,
								      __be16 sport, __be16 dport,
								      __u8 proto)
{
	__u64 source = saddr1 ^ ((__u64)sport << WEIR_PORT_SHIFT | proto);
	__u64 target = daddr1 ^ (__u64)dport << WEIR_PORT_SHIFT;
	__u64 hash = weir_mix64(saddr0 ^ weir_mix64(source));

	hash = weir_mix64(hash ^ daddr0 ^ weir_mix64(target));
	return (__u32)(((hash >> 32) * WEIR_RING_SLOTS) >> 32);
}

#endif
