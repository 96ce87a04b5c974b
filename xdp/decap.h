/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Removing the tunnel header that a balancer put before a packet for this
 * host, so that a backend needs no tunnel device. RFC 2003, RFC 2473.
 */
#ifndef WEIR_XDP_DECAP_H
#define WEIR_XDP_DECAP_H

#include "weir/bpf/filter.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#include "parse.h"

/* The Ethernet type of the packet inside, or 0 where there is none to take out. */
static __always_inline __be16 inner_type(struct xdp_md *ctx, const struct pkt *p)
{
	struct cursor c =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l4_offset);
	__u8 *first = cursor_pull(&c, __u8);

	if (!first || !p->l4_bytes)
		return 0;
	if (p->proto == IPPROTO_IPIP && *first >> 4 == 4)
		return bpf_htons(ETH_P_IP);
	if (p->proto == IPPROTO_IPV6 && *first >> 4 == 6)
		return bpf_htons(ETH_P_IPV6);
	return 0;
}

static __always_inline bool is_for_this_host(const struct weir_image *image, const struct pkt *p)
{
	return in_ranges128(image, image->local_offset, image->local_count, &p->dst);
}

static __always_inline int remove_outer(struct xdp_md *ctx, __u32 outer_bytes, __be16 type)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct ethhdr *eth = cursor_pull(&c, struct ethhdr);
	struct ethhdr kept;

	if (!eth)
		return -1;
	__builtin_memcpy(&kept, eth, sizeof(kept));
	if (bpf_xdp_adjust_head(ctx, outer_bytes))
		return -1;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	eth = cursor_pull(&c, struct ethhdr);
	if (!eth)
		return -1;
	kept.h_proto = type;
	__builtin_memcpy(eth, &kept, sizeof(kept));
	return 0;
}

/*
 * Take the outer header off an untagged, whole packet that is for one of this
 * host's addresses, and parse again: later stages see the packet inside.
 *
 * Returns WEIR_R_CONTINUE when there was nothing to take off, WEIR_R_DECAP, or
 * WEIR_R_DECAP_ERROR.
 */
static __always_inline enum weir_reason decap(struct xdp_md *ctx, const struct weir_image *image,
					      struct pkt *p)
{
	__u32 outer_bytes = p->l4_offset - ETH_HLEN, bytes = p->bytes;
	__u16 kept = p->has & (PKT_MARKED | PKT_LOGGED);
	__be16 type;

	if (!pkt_is(p, PKT_ADDR | PKT_PROTO) || (p->has & (PKT_FRAGMENT | PKT_TAGGED)))
		return WEIR_R_CONTINUE;
	type = inner_type(ctx, p);
	if (!type || !is_for_this_host(image, p))
		return WEIR_R_CONTINUE;
	if (remove_outer(ctx, outer_bytes, type))
		return WEIR_R_DECAP_ERROR;

	pkt_init(p, bytes - outer_bytes, kept);
	parse(ctx, p, WEIR_DEPTH_ALL);
	return WEIR_R_DECAP;
}

#endif
