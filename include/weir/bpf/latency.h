/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Round-trip times from TCP timestamps: the first packet of a TSval is
 * stamped, its first echo is the sample. RFC 7323, section 3; the method is
 * that of Kathleen Nichols' pping.
 */
#ifndef WEIR_BPF_LATENCY_H
#define WEIR_BPF_LATENCY_H

#include "weir/balance.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_ACK 0x10

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_TIMESTAMP 8
/* Options before the timestamp that a packet may have; real stacks send up to 6. */
#define LATENCY_MAX_OPTIONS 12
#define LATENCY_NOP_NOP_TIMESTAMP bpf_htonl(0x0101080a)

/* 4.6 minutes, a quarter of the clock: more is a clock that went round, not a round trip. */
#define LATENCY_MAX_TICKS (1U << 30)

struct latency_timestamps {
	__u32 tsval;
	__u32 tsecr;
};

struct tcp_timestamp_option {
	__u8 kind;
	__u8 size;
	__be32 tsval;
	__be32 tsecr;
} __attribute__((packed));

struct tcp_aligned_timestamp {
	__be32 kinds; /* NOP NOP TIMESTAMP 10, as Linux and others send it */
	__be32 tsval;
	__be32 tsecr;
};

/* Returns 0, or -1 when the packet has no timestamp option. */
static __always_inline int latency_find_timestamps(void *data, void *data_end, const struct pkt *p,
						   struct latency_timestamps *ts)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset + sizeof(struct tcphdr));
	__u32 left = p->tcp_header_bytes - sizeof(struct tcphdr);
	struct tcp_aligned_timestamp *aligned;
	struct tcp_timestamp_option *option;
	struct cursor probe = c;
	__u32 size;

	if (left < 12)
		return -1;
	aligned = cursor_pull(&probe, struct tcp_aligned_timestamp);
	if (aligned && aligned->kinds == LATENCY_NOP_NOP_TIMESTAMP) {
		ts->tsval = bpf_ntohl(aligned->tsval);
		ts->tsecr = bpf_ntohl(aligned->tsecr);
		return 0;
	}
	for (int i = 0; i < LATENCY_MAX_OPTIONS && left >= sizeof(*option); i++) {
		left = forget(left, p->bytes);
		c.offset = forget(c.offset, p->bytes);
		probe = c;
		option = cursor_pull(&probe, struct tcp_timestamp_option);
		if (!option || option->kind == TCPOPT_EOL)
			return -1;
		if (option->kind == TCPOPT_TIMESTAMP && option->size == sizeof(*option)) {
			ts->tsval = bpf_ntohl(option->tsval);
			ts->tsecr = bpf_ntohl(option->tsecr);
			return 0;
		}
		size = option->kind == TCPOPT_NOP ? 1 : option->size;
		if (!size || size > left)
			return -1;
		left -= size;
		cursor_skip(&c, size);
	}
	return -1;
}

/* The same in both directions: the peer on the wire comes first. */
static __always_inline __u64 latency_flow_key(const struct pkt *p, enum weir_direction sender)
{
	const union pkt_addr *wire = sender == WEIR_DIR_WIRE ? &p->src : &p->dst;
	const union pkt_addr *host = sender == WEIR_DIR_WIRE ? &p->dst : &p->src;
	__u64 wire_port = sender == WEIR_DIR_WIRE ? p->sport : p->dport;
	__u64 host_port = sender == WEIR_DIR_WIRE ? p->dport : p->sport;
	__u64 key =
		weir_mix64(wire->half[0] ^ (__u64)weir.device << 32 ^ wire_port << 16 ^ host_port);

	key = weir_mix64(key ^ wire->half[1]);
	key = weir_mix64(key ^ host->half[0]);
	return weir_mix64(key ^ host->half[1]) | 1ULL << 63;
}

/* Whether @a is to give way rather than @b. The clock goes round: 0 is no time of an empty one. */
static __always_inline bool latency_is_older(const struct weir_flow *a, const struct weir_flow *b)
{
	return !a->key || (b->key && (__s32)(a->seen - b->seen) <= 0);
}

static __always_inline struct weir_flow *latency_older(struct weir_flow *a, struct weir_flow *b)
{
	return latency_is_older(a, b) ? a : b;
}

static __always_inline struct weir_flow *latency_flow(__u64 key, bool may_create)
{
	__u32 index = key & weir.flow_mask;
	struct weir_flow_set *set = bpf_map_lookup_elem(&weir_flows, &index);
	struct weir_flow *flow;

	if (!set)
		return NULL;
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_WAYS; i++) {
		if (set->way[i].key == key)
			return &set->way[i];
	}
	if (!may_create)
		return NULL;
	flow = latency_older(latency_older(&set->way[0], &set->way[1]),
			     latency_older(&set->way[2], &set->way[3]));
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->key = key;
	return flow;
}

static __always_inline void latency_record(__u32 histogram, __u32 ticks)
{
	struct weir_hist *hist = bpf_map_lookup_elem(&weir_hists, &histogram);
	__u32 index = forget(weir_hist_index(ticks), ticks);

	if (!hist || index >= WEIR_HIST_BUCKETS)
		return;
	hist->bucket[index]++;
	hist->sum += ticks;
	if (!hist->min_plus_1 || ticks + 1 < hist->min_plus_1)
		hist->min_plus_1 = ticks + 1;
	if (ticks > hist->max)
		hist->max = ticks;
}

/*
 * A pure ACK is not acknowledged: its TSval is echoed whenever the peer next
 * speaks. So it is never stamped, and a TSval that began with one stays so.
 */
static __always_inline void latency_stamp(struct weir_flow_side *side, __u32 tsval, __u32 now,
					  bool acknowledged)
{
	struct weir_stamp *stamp;

	__u32 head = side->flags & WEIR_SIDE_HEAD;

	if (side->newest && (__s32)(tsval - side->newest) <= 0)
		return;
	side->newest = tsval;
	if (!acknowledged)
		return;
	side->flags = (head + 1) & WEIR_SIDE_HEAD;
	stamp = &side->stamp[head];
	stamp->value = tsval;
	stamp->ticks = now;
}

static __always_inline void latency_match(struct weir_flow *flow, enum weir_direction direction,
					  __u32 tsecr, __u32 now)
{
	struct weir_flow_side *side = &flow->side[!direction];
	__u32 sent = 0, ticks;

#pragma unroll
	for (int i = 0; i < WEIR_FLOW_STAMPS; i++) {
		if (side->stamp[i].value == tsecr && side->stamp[i].ticks) {
			sent = side->stamp[i].ticks;
			side->stamp[i].ticks = 0;
		}
		sent = forget(sent, now);
	}
	ticks = now - sent;
	if (!sent || ticks > LATENCY_MAX_TICKS)
		return;
	latency_record(weir_hist_of_device(weir.device, direction, WEIR_RTT_TCP), ticks);
	if (direction == WEIR_DIR_HOST && flow->backend)
		latency_record(weir_hist_of_backend(weir.hist_backend_base, flow->backend - 1,
						    WEIR_BACKEND_HIST_RTT),
			       ticks);
}

/*
 * Look at one packet.
 *
 * @sender   the side it comes from: WIRE at ingress, HOST at egress
 * @backend  backend id + 1 where the balancer chose one, else 0
 */
static __always_inline void latency_observe(void *data, void *data_end, const struct pkt *p,
					    enum weir_direction sender, __u32 backend)
{
	bool acknowledged =
		p->l4_bytes > p->tcp_header_bytes || (p->tcp_flags & (TCP_SYN | TCP_FIN));
	struct latency_timestamps ts = {};
	struct weir_flow *flow;
	__u32 now;

	if (!(p->has & PKT_TCP) || latency_find_timestamps(data, data_end, p, &ts))
		return;
	flow = latency_flow(latency_flow_key(p, sender), acknowledged);
	if (!flow)
		return;
	now = (__u32)(bpf_ktime_get_ns() >> WEIR_TICK_SHIFT) ?: 1;
	if (sender == WEIR_DIR_WIRE)
		flow->backend = backend;
	/* Another connection of the same ports has a clock of its own. */
	if (p->tcp_flags & TCP_SYN)
		flow->side[sender].newest = 0;
	latency_stamp(&flow->side[sender], ts.tsval, now, acknowledged);
	flow->seen = now;
	if (p->tcp_flags & TCP_ACK)
		latency_match(flow, sender, ts.tsecr, now);
}

#endif
