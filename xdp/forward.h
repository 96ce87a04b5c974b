/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending a packet to its backend: the next hop from the kernel's FIB, an
 * outer header where the service wants one, and out.
 */
#ifndef WEIR_XDP_FORWARD_H
#define WEIR_XDP_FORWARD_H

#include "balance.h"
#include "hop.h"

#define FORWARD_TTL 64

static __always_inline void write_ethernet(struct ethhdr *eth, const struct hop *hop, __be16 type)
{
	__builtin_memcpy(eth, hop->mac, sizeof(hop->mac));
	eth->h_proto = type;
}

static __always_inline __be16 ipv4_checksum(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum;
}

static __always_inline void write_outer_ipv4(struct iphdr *ip, const struct weir_backend *backend,
					     const struct pkt *p, __u32 l3_bytes)
{
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = p->traffic_class,
		.tot_len = bpf_htons(l3_bytes),
		.frag_off = bpf_htons(0x4000), /* don't fragment */
		.ttl = FORWARD_TTL,
		.protocol = p->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
		.saddr = *(const __be32 *)&backend->source[12],
		.daddr = *(const __be32 *)&backend->addr[12],
	};
	ip->check = ipv4_checksum(ip);
}

static __always_inline void write_outer_ipv6(struct ipv6hdr *ip, const struct weir_backend *backend,
					     const struct pkt *p, __u32 l3_bytes)
{
	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)p->traffic_class << 20);
	ip->payload_len = bpf_htons(l3_bytes - sizeof(*ip));
	ip->nexthdr = p->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	ip->hop_limit = FORWARD_TTL;
	__builtin_memcpy(&ip->saddr, backend->source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, backend->addr, sizeof(ip->daddr));
}

/* Backends are on this link and answer for the VIP themselves: only MACs change. */
static __always_inline enum weir_reason forward_l2(struct xdp_md *ctx, const struct hop *hop)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct ethhdr *eth = cursor_pull(&c, struct ethhdr);

	if (!eth)
		return WEIR_R_LB_ERROR;
	write_ethernet(eth, hop, eth->h_proto);
	return WEIR_R_LB_FORWARD;
}

/*
 * Put an outer header of the backend's family before the packet. Padding that
 * the frame had stays behind it, outside of what the outer header counts.
 */
static __always_inline enum weir_reason forward_ipip(struct xdp_md *ctx, const struct pkt *p,
						     const struct weir_backend *backend,
						     const struct hop *hop, __u32 outer)
{
	__u32 l3_bytes = p->ip_bytes + outer;
	struct ethhdr *eth;
	struct cursor c;
	void *ip;

	if (bpf_xdp_adjust_head(ctx, -(int)outer))
		return WEIR_R_LB_ERROR;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	eth = cursor_pull(&c, struct ethhdr);
	ip = cursor_take(&c, sizeof(struct ipv6hdr)); /* 20 of it are the packet's own with IPv4 */
	if (!eth || !ip)
		return WEIR_R_LB_ERROR;
	if (backend->is_v6) {
		write_ethernet(eth, hop, bpf_htons(ETH_P_IPV6));
		write_outer_ipv6(ip, backend, p, l3_bytes);
	} else {
		write_ethernet(eth, hop, bpf_htons(ETH_P_IP));
		write_outer_ipv4(ip, backend, p, l3_bytes);
	}
	return WEIR_R_LB_FORWARD;
}

static __always_inline __u32 outer_bytes(const struct choice *choice)
{
	if (choice->forward == WEIR_FORWARD_L2)
		return 0;
	return choice->backend->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

/* The XDP verdict that carries out WEIR_R_LB_FORWARD is left in @verdict. */
static __noinline int forward(struct xdp_md *ctx, const struct pkt *p, const struct choice *choice,
			      int *verdict)
{
	const struct hop *hop = hop_to(ctx, choice->backend);
	__u32 outer = outer_bytes(choice);
	enum weir_reason reason;

	if (!hop)
		return WEIR_R_LB_ERROR;
	if (hop->reason != WEIR_R_LB_FORWARD)
		return hop->reason;
	if (p->ip_bytes + outer > hop->mtu || p->ip_bytes + outer > 0xffff)
		return WEIR_R_LB_TOO_BIG;
	reason = outer ? forward_ipip(ctx, p, choice->backend, hop, outer) : forward_l2(ctx, hop);
	if (reason != WEIR_R_LB_FORWARD)
		return reason;
	count(&weir_backends, choice->backend->id, p->bytes);
	*verdict = hop->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(hop->ifindex, 0);
	return WEIR_R_LB_FORWARD;
}

#endif
