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
#include "send.h"
#include "too_big.h"
#include "tunnel.h"

/* Whether the service forwards so; false, at no cost, where none does. */
static __always_inline bool forwards_by(const struct weir_service *service,
					enum weir_forward forward, enum weir_need need)
{
	return is_needed(need) && service->forward == forward;
}

/* What a packet may grow by on its way. */
static __always_inline __u32 forward_overhead(const struct weir_service *service,
					      const struct weir_backend *backend)
{
	if (forwards_by(service, WEIR_FORWARD_L2, WEIR_NEED_L2))
		return 0;
	return tunnel_overhead(backend->is_v6,
			       forwards_by(service, WEIR_FORWARD_GUE, WEIR_NEED_GUE));
}

static __always_inline enum weir_reason
forward_tunnel(struct xdp_md *ctx, const struct weir_image *image, const struct pkt *p,
	       const struct choice *choice, const struct hop *hop)
{
	const struct weir_service *service = choice_service(image, choice);
	const struct weir_backend *backend = choice_backend(image, choice);
	struct tunnel t = {
		.backend = backend,
		.source = tunnel_source(image, service, backend),
		.hop = hop,
		.entropy = choice->entropy,
		.is_v6 = backend->is_v6,
		.is_gue = forwards_by(service, WEIR_FORWARD_GUE, WEIR_NEED_GUE),
	};
	int sum;

	if (!hop_is_source(t.source))
		return WEIR_R_LB_NO_ROUTE;
	if (!decrement_ttl(ctx, p))
		return WEIR_R_LB_ERROR;
	if (t.is_gue && service->flags & WEIR_SERVICE_GUE_CHECKSUM) {
		sum = tunnel_inner_sum(ctx, p);
		if (sum < 0)
			return WEIR_R_LB_ERROR;
		t.inner_sum = sum;
		t.has_checksum = true;
	}
	return tunnel_enter(ctx, p, &t);
}

/* After complete_checksum(). */
static __always_inline void forward_clamp(struct xdp_md *ctx, const struct pkt *p,
					  const struct weir_service *service, __u32 mtu)
{
	__u32 most = mss_most(p, service, mtu);
	int is_partial = 0;

	if (!most)
		return;
	if (weir.flags & WEIR_PROGRAM_VETH && weir.flags & WEIR_PROGRAM_GENERIC)
		is_partial = is_completed_later(ctx, p);
	mss_clamp(ctx, p, most, is_partial);
}

/* The XDP verdict that carries out a reason whose fate is to be sent is left in @verdict. */
static __noinline int forward(struct xdp_md *ctx, const struct weir_image *image,
			      struct scratch *scratch, int *verdict)
{
	const struct weir_service *service = choice_service(image, &scratch->choice);
	const struct weir_backend *backend = choice_backend(image, &scratch->choice);
	const struct pkt *p = &scratch->pkt;
	bool is_l2 = forwards_by(service, WEIR_FORWARD_L2, WEIR_NEED_L2);
	__u32 overhead = forward_overhead(service, backend);
	const struct hop *hop = hop_to(ctx, backend);
	enum weir_reason reason;

	if (!hop)
		return WEIR_R_LB_ERROR;
	if (hop->reason != WEIR_R_LB_FORWARD)
		return hop->reason;
	if (p->ip_bytes + overhead > hop->mtu || p->ip_bytes + overhead > 0xffff)
		return too_big(ctx, p, hop->mtu - overhead, verdict);
	if (!is_l2 && p->ttl <= 1)
		return ttl_ended(ctx, p, verdict);
	complete_checksum(ctx, p);
	forward_clamp(ctx, p, service, hop->mtu - overhead);
	reason = is_l2 ? l2_forward(ctx, p, hop)
		       : forward_tunnel(ctx, image, p, &scratch->choice, hop);
	if (reason != WEIR_R_LB_FORWARD)
		return reason;
	if (hop_tag(ctx, hop))
		return WEIR_R_LB_ERROR;
	count_backend(&scratch->first, backend->id, p->bytes);
	*verdict = send_out_of(ctx, hop->ifindex);
	return WEIR_R_LB_FORWARD;
}

#endif
