/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending a packet to its backend: what the way takes, what goes around the
 * packet, and out.
 */
#ifndef WEIR_XDP_FORWARD_H
#define WEIR_XDP_FORWARD_H

#include "balance.h"
#include "complete.h"
#include "hop.h"
#include "l2.h"
#include "mss.h"
#include "too_big.h"
#include "tunnel.h"

static __always_inline enum weir_reason forward_tunnel(struct xdp_md *ctx, const struct pkt *p,
						       struct tunnel *t)
{
	int sum = 0;

	if (!decrement_ttl(ctx, p))
		return WEIR_R_LB_ERROR;
	if (t->is_gue && t->has_checksum) {
		sum = tunnel_inner_sum(ctx, p);
		if (sum < 0)
			return WEIR_R_LB_ERROR;
		t->inner_sum = sum;
	}
	return tunnel_enter(ctx, p, t);
}

/* The XDP verdict that carries out a reason whose fate is to be sent is left in @verdict. */
static __noinline int forward(struct xdp_md *ctx, const struct weir_image *image,
			      struct scratch *scratch, int *verdict)
{
	const struct weir_service *service = choice_service(image, &scratch->choice);
	const struct weir_backend *backend = choice_backend(image, &scratch->choice);
	const struct pkt *p = &scratch->pkt;
	struct tunnel t = {
		.backend = backend,
		.hop = hop_to(ctx, backend),
		.entropy = scratch->choice.entropy,
		.is_v6 = backend->is_v6,
		.is_gue = service->forward == WEIR_FORWARD_GUE,
	};
	bool is_l2 = service->forward == WEIR_FORWARD_L2;
	__u32 overhead = is_l2 ? 0 : tunnel_overhead(t.is_v6, t.is_gue);
	enum weir_reason reason;

	if (!t.hop)
		return WEIR_R_LB_ERROR;
	if (t.hop->reason != WEIR_R_LB_FORWARD)
		return t.hop->reason;
	if (p->ip_bytes + overhead > t.hop->mtu || p->ip_bytes + overhead > 0xffff)
		return too_big(ctx, p, t.hop->mtu - overhead, verdict);
	if (!is_l2 && p->ttl <= 1)
		return ttl_ended(ctx, p, verdict);
	complete_checksum(ctx, p);
	reason = is_l2 ? l2_forward(ctx, p, t.hop) : forward_tunnel(ctx, p, &t);
	if (reason != WEIR_R_LB_FORWARD)
		return reason;
	count(&weir_backends, t.backend->id, p->bytes);
	*verdict =
		t.hop->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(t.hop->ifindex, 0);
	return WEIR_R_LB_FORWARD;
}

#endif
