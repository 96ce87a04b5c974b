/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Removing the tunnel header that a balancer put before a packet for this
 * host, so that a backend needs no tunnel device. RFC 2003, RFC 2473,
 * draft-ietf-intarea-gue.
 */
#ifndef WEIR_XDP_DECAP_H
#define WEIR_XDP_DECAP_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/filter.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/gue.h"

#include "parse.h"

#define ECN_MASK 3
#define ECN_NOT 0
#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE 3

/* The packet in a tunnel. */
struct inner {
	__u32 offset; /* in the frame; 0: there is none to take out */
	__be16 type; /* Ethernet type */
};

/* A packet of type @proto at @offset, if its first byte says that it is one. */
static __always_inline struct inner inner_at(const __u8 *first, __u32 offset, __u8 proto)
{
	if (proto == IPPROTO_IPIP && *first >> 4 == 4)
		return (struct inner){ offset, bpf_htons(ETH_P_IP) };
	if (proto == IPPROTO_IPV6 && *first >> 4 == 6)
		return (struct inner){ offset, bpf_htons(ETH_P_IPV6) };
	return (struct inner){};
}

static __always_inline struct inner find_in_ip(struct xdp_md *ctx, const struct pkt *p)
{
	struct cursor c =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l4_offset);
	const __u8 *first = cursor_pull(&c, __u8);

	if (!first || !p->l4_bytes)
		return (struct inner){};
	return inner_at(first, p->l4_offset, p->proto);
}

/*
 * GUE of variant 0, without control messages and optional fields that have a
 * meaning, and of variant 1, where the packet follows the UDP header. Its own
 * checksum is not verified: what is inside has one.
 */
static __always_inline struct inner find_in_gue(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 offset = p->l4_offset + sizeof(struct udphdr), end = p->l4_offset + p->l4_bytes;
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, offset);
	const struct weir_gue *gue = cursor_pull(&c, struct weir_gue);
	const __u8 *first;
	__u8 proto;

	if (!gue || offset >= end)
		return (struct inner){};
	if ((gue->first & WEIR_GUE_VARIANT) == WEIR_GUE_DIRECT)
		return inner_at(&gue->first, offset,
				gue->first >> 4 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6);
	if (gue->first & (WEIR_GUE_VARIANT | WEIR_GUE_CONTROL) || gue->flags)
		return (struct inner){};
	proto = gue->proto;
	cursor_skip(&c, (gue->first & WEIR_GUE_WORDS) * 4);
	offset = c.offset;
	first = cursor_pull(&c, __u8);
	if (!first || offset >= end)
		return (struct inner){};
	return inner_at(first, offset, proto);
}

static __always_inline struct inner find_inner(struct xdp_md *ctx, const struct pkt *p)
{
	if (p->proto == IPPROTO_IPIP || p->proto == IPPROTO_IPV6)
		return find_in_ip(ctx, p);
	if (p->proto == IPPROTO_UDP && p->has & PKT_PORTS && p->dport == bpf_htons(WEIR_GUE_PORT))
		return find_in_gue(ctx, p);
	return (struct inner){};
}

static __always_inline bool is_for_this_host(const struct weir_image *image, const struct pkt *p)
{
	return in_ranges128(image, image->local_offset, image->local_count, &p->dst);
}

static __always_inline int remove_outer(struct xdp_md *ctx, __u32 outer_bytes, __be16 type)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct ethhdr *eth = cursor_pull(&c, struct ethhdr);
	__u32 addresses[3]; /* in words: a copy of a packed struct goes byte by byte */

	if (!eth)
		return -1;
	for (int i = 0; i < 3; i++)
		addresses[i] = ((const __u32 *)eth)[i];
	if (bpf_xdp_adjust_head(ctx, outer_bytes))
		return -1;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	eth = cursor_pull(&c, struct ethhdr);
	if (!eth)
		return -1;
	for (int i = 0; i < 3; i++)
		((__u32 *)eth)[i] = addresses[i];
	eth->h_proto = type;
	return 0;
}

static __always_inline void write_ecn_ipv4(struct iphdr *ip, __u8 ecn)
{
	__u16 *word = (__u16 *)ip, was = *word;

	ip->tos = (ip->tos & ~ECN_MASK) | ecn;
	ip->check = checksum_replace(ip->check, was, *word);
}

static __always_inline int write_ecn(struct xdp_md *ctx, struct pkt *p, __u8 ecn)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, ETH_HLEN);
	struct iphdr *ip = cursor_pull(&c, struct iphdr);
	__u8 *byte = (__u8 *)ip;

	if (!ip)
		return -1;
	p->traffic_class = (p->traffic_class & ~ECN_MASK) | ecn;
	if (p->is_v6)
		byte[1] = (byte[1] & ~(ECN_MASK << 4)) | ecn << 4;
	else
		write_ecn_ipv4(ip, ecn);
	return 0;
}

/*
 * What routers said of congestion on the outer header goes on with the packet
 * inside: RFC 6040, section 4.2. Returns WEIR_R_DECAP, or why it cannot.
 */
static __always_inline enum weir_reason carry_ecn(struct xdp_md *ctx, struct pkt *p, __u8 outer)
{
	__u8 inner = p->traffic_class & ECN_MASK;

	if (!(p->has & PKT_ADDR))
		return WEIR_R_DECAP;
	if (outer == ECN_CE && inner == ECN_NOT)
		return WEIR_R_DECAP_ECN;
	if ((outer == ECN_CE && inner != ECN_CE) || (outer == ECN_ECT1 && inner == ECN_ECT0))
		return write_ecn(ctx, p, outer) ? WEIR_R_DECAP_ERROR : WEIR_R_DECAP;
	return WEIR_R_DECAP;
}

/*
 * Take the outer headers off an untagged, whole packet that is for one of this
 * host's addresses, and parse again: later stages see the packet inside.
 *
 * Returns WEIR_R_CONTINUE when there was nothing to take off, WEIR_R_DECAP, or
 * why the packet is dropped. Not inlined: what it needs of the stack, the filter
 * has to spare.
 */
static __noinline int decap(struct xdp_md *ctx, const struct weir_image *image, struct pkt *p)
{
	__u16 kept = p->has & (PKT_MARKED | PKT_LOGGED);
	__u8 ecn = p->traffic_class & ECN_MASK;
	__u32 bytes = p->bytes;
	struct inner inner;

	if (!pkt_is(p, PKT_ADDR | PKT_PROTO) || (p->has & (PKT_FRAGMENT | PKT_TAGGED)))
		return WEIR_R_CONTINUE;
	inner = find_inner(ctx, p);
	if (!inner.offset || !is_for_this_host(image, p))
		return WEIR_R_CONTINUE;
	if (remove_outer(ctx, inner.offset - ETH_HLEN, inner.type))
		return WEIR_R_DECAP_ERROR;

	pkt_init(p, bytes - (inner.offset - ETH_HLEN), kept);
	parse(ctx, p, WEIR_DEPTH_ALL);
	return carry_ecn(ctx, p, ecn);
}

#endif
