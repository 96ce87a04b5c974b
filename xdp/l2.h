/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another MAC address alone: backends are on a network of this host and have
 * the service's address themselves. This is no hop, and the TTL stays.
 */
#ifndef WEIR_XDP_L2_H
#define WEIR_XDP_L2_H

#include "weir/bpf/packet.h"

#include "hop.h"
#include "tunnel.h"

/* Tags that the frame came with go: they are of the way that it came. */
static __always_inline enum weir_reason l2_forward(struct xdp_md *ctx, const struct pkt *p,
						   const struct hop *hop)
{
	struct ethhdr *eth;
	struct cursor c;

	if (p->has & PKT_TAGGED && bpf_xdp_adjust_head(ctx, (int)(p->l3_offset - ETH_HLEN)))
		return WEIR_R_LB_ERROR;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	eth = cursor_pull(&c, struct ethhdr);
	if (!eth)
		return WEIR_R_LB_ERROR;
	write_ethernet(eth, hop, p->ethertype);
	return WEIR_R_LB_FORWARD;
}

#endif
