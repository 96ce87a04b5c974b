/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of what awaits an answer: records of flows, and stamps beyond.
 */
#ifndef WEIR_BPF_LATENCY_FLOW_H
#define WEIR_BPF_LATENCY_FLOW_H

#include "weir/balance.h"
#include "weir/bpf/latency_record.h"

/* A flow that was timed in the last 34 s is live, and its record worth a counter when it goes. */
#define LATENCY_LIVE_TICKS (1U << 27)
/* A stamp of the last 4.3 s still waits. */
#define LATENCY_WAITS_TICKS (1U << 24)
/* A query sent again within 17 s is the same. */
#define LATENCY_SAME_TICKS (1U << 26)

/* The same in both directions: the peer on the wire comes first. ICMP has no ports. */
static __always_inline __u64 latency_flow_key(const struct pkt *p, enum weir_direction sender)
{
	const union pkt_addr *wire = sender == WEIR_DIR_WIRE ? &p->src : &p->dst;
	const union pkt_addr *host = sender == WEIR_DIR_WIRE ? &p->dst : &p->src;
	__u32 wire_port = sender == WEIR_DIR_WIRE ? p->sport : p->dport;
	__u32 host_port = sender == WEIR_DIR_WIRE ? p->dport : p->sport;
	__u32 ports = p->has & PKT_PORTS ? wire_port << 16 | host_port : 0;
	__u64 rest = (__u64)weir.device << 40 ^ (__u64)p->proto << 32 ^ ports;

	return weir_mix64(wire->half[1] * 0x9E3779B97F4A7C15ULL +
			  host->half[1] * 0xC2B2AE3D27D4EB4FULL +
			  wire->half[0] * 0xBF58476D1CE4E5B9ULL +
			  host->half[0] * 0x94D049BB133111EBULL + rest * 0xD6E8FEB86659FD93ULL) |
	       1ULL << 63;
}

static __always_inline struct weir_flow_set *latency_flow_set(__u64 key)
{
	__u32 index = key & weir.flow_mask;

	return bpf_map_lookup_elem(&weir_flows, &index);
}

/* The way where a flow lies unless another was there first. */
static __always_inline __u32 latency_way(__u64 key)
{
	return key >> 60 & (WEIR_FLOW_WAYS - 1);
}

/* Start to load the line of a flow, for when it is read. */
static __always_inline void latency_touch(__u64 key)
{
	struct weir_flow_set *set = latency_flow_set(key);

	if (set)
		*(volatile __u64 *)&set->way[latency_way(key)].key;
}

/* The way where a flow lies; WEIR_FLOW_WAYS: it has no record. */
static __always_inline __u32 latency_find(const struct weir_flow_set *set, __u64 key)
{
	__u32 way = latency_way(key);

	if (set->way[way].key == key)
		return way;
#pragma unroll
	for (way = 0; way < WEIR_FLOW_WAYS; way++) {
		if (set->way[way].key == key)
			return way;
	}
	return WEIR_FLOW_WAYS;
}

/* NULL: there is no such table. */
static __always_inline struct weir_flow_rest *latency_rest(__u64 key, __u32 way)
{
	__u32 index = key & weir.flow_mask;
	struct weir_flow_rest_set *set = bpf_map_lookup_elem(&weir_flow_rests, &index);

	return set ? &set->way[way & (WEIR_FLOW_WAYS - 1)] : NULL;
}

/* Whether @a is to give way rather than @b. The clock goes round: 0 is no time of an empty one. */
static __always_inline bool latency_is_older(const struct weir_flow *a, const struct weir_flow *b)
{
	return !a->key || (b->key && (__s32)(a->seen - b->seen) <= 0);
}

/* The way of a new flow: its own where that is free, else the one that was timed longest ago. */
static __always_inline __u32 latency_victim(const struct weir_flow_set *set, __u64 key)
{
	const struct weir_flow *w = set->way;
	__u32 a, b;

	if (!w[latency_way(key)].key)
		return latency_way(key);
	a = latency_is_older(&w[0], &w[1]) ? 0 : 1;
	b = latency_is_older(&w[2], &w[3]) ? 2 : 3;
	return latency_is_older(&w[a], &w[b]) ? a : b;
}

/*
 * Another CPU that is in the record now may leave a stamp there, which this
 * flow's answers miss. Returns 0.
 */
__noinline int latency_flow_take(struct timed *t, __u32 sender)
{
	struct weir_flow_rest *rest;
	struct weir_flow_set *set;
	struct weir_flow *flow;
	__u32 way, now;

	if (LATENCY_IS_OFF || !t)
		return 0;
	set = latency_flow_set(t->key);
	if (!set)
		return 0;
	now = latency_now(t);
	way = latency_victim(set, t->key) & (WEIR_FLOW_WAYS - 1);
	flow = &set->way[way];
	rest = latency_rest(t->key, way);
	if (!rest)
		return 0;
	if (flow->key && now - flow->seen < LATENCY_LIVE_TICKS)
		latency_count_rare(sender, WEIR_LOSS_EVICTED);
	latency_count_rare(sender, WEIR_LOSS_FLOW);
	flow->key = 0;
	__builtin_memset(rest, 0, sizeof(*rest));
	__builtin_memset(flow->segment, 0, sizeof(flow->segment));
	__builtin_memset(flow->side, 0, sizeof(flow->side));
	flow->seen = now;
	flow->key = t->key;
	return 0;
}

static __always_inline __u64 latency_spill_hash(__u64 key, __u32 side, __u32 value)
{
	return weir_mix64(key ^ ((__u64)value << 1 | side) * 0xC2B2AE3D27D4EB4FULL);
}

static __always_inline __u32 latency_spill_tag(__u64 hash)
{
	return (hash >> 32) & ~WEIR_STAMP_TWICE;
}

static __always_inline struct weir_stamp_set *latency_spill_set(__u64 hash)
{
	__u32 index = hash & weir.stamp_mask;

	return bpf_map_lookup_elem(&weir_stamps, &index);
}

/* As one word: who reads it meanwhile finds a stamp or none. */
static __always_inline void latency_put(void *at, __u32 low, __u32 high)
{
	*(volatile __u64 *)at = (__u64)high << 32 | low;
}

/* Ticks alone: a stamp that another CPU puts there meanwhile is lost then, and not the wrong one. */
static __always_inline void latency_clear(struct weir_stamp *at)
{
	*(volatile __u32 *)&at->ticks = 0;
}

/* The place of an entry that is free, or else the oldest, in [0, WEIR_STAMP_WAYS). */
static __always_inline __u32 latency_spill_victim(const struct weir_stamp_set *set, __u32 now)
{
	__u32 oldest = 0, age = 0;

#pragma unroll
	for (__u32 i = 0; i < WEIR_STAMP_WAYS; i++) {
		__u32 ticks = set->way[i].ticks, is = ticks ? now - ticks : ~0U;

		is = forget(is, now);
		if (is > age) {
			age = is;
			oldest = i;
		}
		oldest = forget(oldest, now);
	}
	return oldest & (WEIR_STAMP_WAYS - 1);
}

/* Returns 1 where a stamp that may still be answered gave way, else 0. */
__noinline int latency_spill(__u64 key, __u32 side, __u32 value, __u32 ticks, __u32 now)
{
	__u64 hash = latency_spill_hash(key, side, value);
	struct weir_stamp_set *set;
	__u32 at, was;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_spill_set(hash);
	if (!set)
		return 0;
	at = latency_spill_victim(set, now);
	was = set->way[at].ticks;
	latency_put(&set->way[at], latency_spill_tag(hash), ticks);
	return was && now - was < LATENCY_WAITS_TICKS;
}

/* The place of @tag among the ways, WEIR_STAMP_TWICE or not; WEIR_STAMP_WAYS: nowhere. */
static __always_inline __u32 latency_spill_find(const struct weir_stamp_set *set, __u32 tag)
{
	__u32 at = WEIR_STAMP_WAYS;

#pragma unroll
	for (__u32 i = 0; i < WEIR_STAMP_WAYS; i++) {
		if ((set->way[i].tag & ~WEIR_STAMP_TWICE) == tag && set->way[i].ticks)
			at = i;
		at = forget(at, tag);
	}
	return at;
}

/* Returns 1 where there is a stamp, else 0. */
__noinline int latency_is_spilled(__u64 key, __u32 side, __u32 value)
{
	__u64 hash = latency_spill_hash(key, side, value);
	struct weir_stamp_set *set;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_spill_set(hash);
	return set && latency_spill_find(set, latency_spill_tag(hash)) < WEIR_STAMP_WAYS;
}

/* Take a stamp out. Returns when it was put, ticks; 0: there is none, or no answer tells of it. */
__noinline int latency_unspill(__u64 key, __u32 side, __u32 value)
{
	__u64 hash = latency_spill_hash(key, side, value), word;
	struct weir_stamp_set *set;
	__u32 at;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_spill_set(hash);
	if (!set)
		return 0;
	at = latency_spill_find(set, latency_spill_tag(hash));
	if (at >= WEIR_STAMP_WAYS)
		return 0;
	word = *(volatile __u64 *)&set->way[at];
	if (((__u32)word & ~WEIR_STAMP_TWICE) != latency_spill_tag(hash))
		return 0;
	latency_put(&set->way[at], 0, 0);
	return (__u32)word & WEIR_STAMP_TWICE ? 0 : word >> 32;
}

#endif
