/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The next hop to a client, for what a backend answers. Each CPU keeps what the
 * kernel's FIB said of a client for as long as that of a backend.
 */
#ifndef WEIR_XDP_NAT_HOP_H
#define WEIR_XDP_NAT_HOP_H

#include "weir/bpf/nat.h"

#include "hop.h"

#define NAT_HOPS 1024

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NAT_HOPS);
	__type(key, __u32);
	__type(value, struct hop);
} weir_nat_hops SEC(".maps");

/*
 * Both addresses as 128 bits: exact for IPv4. Routes may depend on the VIP, from
 * which the packet is to come.
 */
static __always_inline void nat_hop_key(const struct nat_ends *to, __u64 key[2])
{
	key[0] = to->dst.half[0] ^ weir_mix64(to->src.half[0]) ^ to->src.half[1];
	key[1] = to->dst.half[1];
}

static __noinline KEEPS_RETURN int nat_hop_refresh(struct xdp_md *ctx, const struct nat_ends *to,
						   struct hop *hop)
{
	struct bpf_fib_lookup fib = { .ifindex = hop_ingress(ctx) };

	if (to->dst.half[0] || to->dst.word[2] != PKT_V4MAPPED) {
		fib.family = HOP_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &to->src, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &to->dst, sizeof(fib.ipv6_dst));
	} else {
		fib.family = HOP_AF_INET;
		fib.ipv4_src = to->src.word[3];
		fib.ipv4_dst = to->dst.word[3];
	}
	nat_hop_key(to, hop->addr);
	hop_note(hop, &fib, bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
	return 0;
}

/* How a packet with these ends leaves. NULL cannot happen. */
static __always_inline const struct hop *nat_hop_to(struct xdp_md *ctx, const struct nat_ends *to)
{
	__u64 key[2];
	struct hop *hop;
	__u32 slot;

	nat_hop_key(to, key);
	slot = weir_mix64(key[0] ^ weir_mix64(key[1])) & (NAT_HOPS - 1);
	hop = bpf_map_lookup_elem(&weir_nat_hops, &slot);
	if (!hop)
		return NULL;
	if (hop->until <= bpf_jiffies64() || hop->addr[0] != key[0] || hop->addr[1] != key[1])
		nat_hop_refresh(ctx, to, hop);
	return hop;
}

#endif
