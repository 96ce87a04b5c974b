/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outer headers: IP in IP in all four combinations (RFC 2003, RFC 2473), and
 * the same behind UDP (draft-ietf-intarea-gue, variant 0, without a control
 * message or optional fields). An outer header is of the backend's family.
 */
#ifndef WEIR_XDP_TUNNEL_H
#define WEIR_XDP_TUNNEL_H

#include "weir/balance.h"
#include "weir/bpf/checksum.h"
#include "weir/bpf/packet.h"
#include "weir/gue.h"

#include "hop.h"

#define TUNNEL_TTL 64
/* Source ports are those that nobody registers: RFC 6335, section 6. */
#define TUNNEL_FIRST_PORT 0xc000
#define TUNNEL_PORTS_MASK 0x3fff

struct tunnel {
	const struct weir_backend *backend;
	const __u8 *source; /* 16 bytes, network order, v4-mapped */
	const struct hop *hop;
	__u32 entropy; /* of the flow */
	__u16 inner_sum; /* of the packet inside, with WEIR_SERVICE_GUE_CHECKSUM */
	__u8 is_v6;
	__u8 is_gue;
	__u8 has_checksum;
};

/* Of services whose backends have others: 16 bytes, IPv4 first. */
static __always_inline const __u8 *tunnel_source(const struct weir_image *image,
						 const struct weir_service *service,
						 const struct weir_backend *backend)
{
	if (!(service->flags & WEIR_SERVICE_SOURCE))
		return backend->source;
	if (!(backend->is_v6 ? service->sources_v6 : service->sources_v4))
		return backend->source;
	return image_at(image,
			service->sources_offset + (backend->is_v6 ? service->sources_v4 : 0) * 16);
}

struct gue_headers {
	struct udphdr udp;
	struct weir_gue gue;
};

static __always_inline __u32 tunnel_overhead(bool is_v6, bool is_gue)
{
	return (is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
	       (is_gue ? sizeof(struct gue_headers) : 0);
}

static __always_inline void write_ethernet(struct ethhdr *eth, const struct hop *hop, __be16 type)
{
	write_macs(eth, hop);
	eth->h_proto = type;
}

static __always_inline __u8 tunnel_proto(const struct tunnel *t, const struct pkt *p)
{
	if (t->is_gue)
		return IPPROTO_UDP;
	return p->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

/*
 * RFC 6040, section 4.1: the traffic class is copied with its ECN field. Whole
 * words, and no read of what was just written in parts, which a processor
 * would have to wait for.
 */
static __always_inline void write_outer_ipv4(struct iphdr *ip, const struct tunnel *t, __u8 proto,
					     __u8 traffic_class, __u32 bytes)
{
	__u32 ttl_and_proto = TUNNEL_TTL << 24 | (__u32)proto << 16;
	__u32 first = bpf_htonl(0x45U << 24 | (__u32)traffic_class << 16 | bytes);
	__u32 dont_fragment = bpf_htonl(0x4000);
	__be32 saddr = *(const __be32 *)&t->source[12];
	__be32 daddr = *(const __be32 *)&t->backend->addr[12];
	__u16 check = ~checksum_fold((__u64)first + dont_fragment + bpf_htonl(ttl_and_proto) +
				     saddr + daddr);
	__u32 *word = (__u32 *)ip;

	word[0] = first;
	word[1] = dont_fragment;
	word[2] = bpf_htonl(ttl_and_proto | bpf_ntohs(check));
	word[3] = saddr;
	word[4] = daddr;
}

static __always_inline void write_outer_ipv6(struct ipv6hdr *ip, const struct tunnel *t, __u8 proto,
					     __u8 traffic_class, __u32 bytes)
{
	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)traffic_class << 20);
	ip->payload_len = bpf_htons(bytes - sizeof(*ip));
	ip->nexthdr = proto;
	ip->hop_limit = TUNNEL_TTL;
	pkt_copy_addr(&ip->saddr, t->source);
	pkt_copy_addr(&ip->daddr, t->backend->addr);
}

static __always_inline __u16 gue_checksum(const struct tunnel *t, const struct gue_headers *h)
{
	const __u32 *word = (const __u32 *)h, *source = (const __u32 *)t->source,
		    *addr = (const __u32 *)t->backend->addr;
	__u64 sum = (__u64)bpf_htonl(IPPROTO_UDP) + h->udp.len + word[0] + word[1] + word[2] +
		    t->inner_sum + source[3] + addr[3];
	__u16 check;

	if (t->is_v6)
		sum += (__u64)source[0] + source[1] + source[2] + addr[0] + addr[1] + addr[2];
	check = ~checksum_fold(sum);
	return check ? check : 0xffff;
}

/* No checksum is 0, which RFC 6935 allows of tunnels over IPv6, too. */
static __always_inline void write_gue(struct gue_headers *h, const struct tunnel *t,
				      const struct pkt *p, __u32 bytes)
{
	*h = (struct gue_headers){
		.udp.source = bpf_htons(TUNNEL_FIRST_PORT | (t->entropy & TUNNEL_PORTS_MASK)),
		.udp.dest = bpf_htons(WEIR_GUE_PORT),
		.udp.len = bpf_htons(bytes),
		.gue.proto = p->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
	};
	if (t->has_checksum)
		h->udp.check = gue_checksum(t, h);
}

/*
 * The sum of an IP packet, for the checksum of a header around it. A transport
 * header with a checksum of its own makes the sum of it and its payload that of
 * the complement of the pseudo header, also while a device is still to complete
 * it; an IPv4 header sums up to nothing. All else is read.
 *
 * Global, so that it is verified once. Returns the sum, folded, or -1.
 */
__noinline int tunnel_inner_sum(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 header, at, read;
	__u64 sum = 0;
	__u16 check;

	if (!p)
		return -1;
	header = p->l4_offset - p->l3_offset;
	at = checksum_place(p);
	read = p->is_v6 ? sizeof(struct ipv6hdr) : 0;
	if (!at || (p->is_v6 && header != sizeof(struct ipv6hdr)) ||
	    hook_load(ctx, at, &check, sizeof(check)) || !check)
		read = p->ip_bytes;
	else
		sum = 0xffff - checksum_fold(checksum_pseudo(p, p->proto, p->l4_bytes));
	if (read && checksum_add_packet(ctx, p->l3_offset, read, &sum))
		return -1;
	return checksum_fold(sum);
}

/*
 * Put the outer headers before the packet, and no tag. Padding that the frame
 * had stays behind it, outside of what the outer headers count.
 */
static __always_inline enum weir_reason tunnel_enter(struct xdp_md *ctx, const struct pkt *p,
						     const struct tunnel *t)
{
	__u32 overhead = tunnel_overhead(t->is_v6, t->is_gue), bytes = p->ip_bytes + overhead;
	struct gue_headers *gue;
	struct ethhdr *eth;
	struct cursor c;
	void *ip;

	if (bpf_xdp_adjust_head(ctx, (int)(p->l3_offset - ETH_HLEN) - (int)overhead))
		return WEIR_R_LB_ERROR;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	eth = cursor_pull(&c, struct ethhdr);
	if (!eth)
		return WEIR_R_LB_ERROR;
	if (t->is_v6) {
		ip = cursor_pull(&c, struct ipv6hdr);
		if (!ip)
			return WEIR_R_LB_ERROR;
		write_ethernet(eth, t->hop, bpf_htons(ETH_P_IPV6));
		write_outer_ipv6(ip, t, tunnel_proto(t, p), p->traffic_class, bytes);
		bytes -= sizeof(struct ipv6hdr);
	} else {
		ip = cursor_pull(&c, struct iphdr);
		if (!ip)
			return WEIR_R_LB_ERROR;
		write_ethernet(eth, t->hop, bpf_htons(ETH_P_IP));
		write_outer_ipv4(ip, t, tunnel_proto(t, p), p->traffic_class, bytes);
		bytes -= sizeof(struct iphdr);
	}
	if (!t->is_gue)
		return WEIR_R_LB_FORWARD;
	gue = cursor_pull(&c, struct gue_headers);
	if (!gue)
		return WEIR_R_LB_ERROR;
	write_gue(gue, t, p, bytes);
	return WEIR_R_LB_FORWARD;
}

#endif
