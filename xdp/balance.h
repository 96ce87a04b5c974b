/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The balancer: which backend a packet to a VIP belongs to. In the steady
 * state without any flow table: a VIP, its service, a ring slot, a backend.
 */
#ifndef WEIR_XDP_BALANCE_H
#define WEIR_XDP_BALANCE_H

#include "weir/bpf/filter.h"

#include "admit.h"
#include "choice.h"
#include "fragment.h"
#include "nat.h"
#include "quic.h"
#include "ring.h"
#include "settle.h"
#include "syncookie.h"
#include "vip.h"

static __always_inline bool balance_uses_pins(const struct weir_service *service,
					      const struct weir_slot *slot, const struct pkt *p)
{
	if (settle_tracks(service, p))
		return true;
	return is_needed(WEIR_NEED_PINS) && slot->current & WEIR_SLOT_MOVED &&
	       service->track != WEIR_TRACK_NONE && p->proto == IPPROTO_TCP;
}

/* Whether the service's flows have records, which say where they belong. */
static __always_inline bool balance_translates(const struct weir_service *service)
{
	return (is_needed(WEIR_NEED_NAT) || is_needed(WEIR_NEED_LOCAL)) && nat_translates(service);
}

/* Not inlined: it looks for the scratch again. The offset of a backend, or 0. */
static __noinline __u32 balance_by_nat(const struct weir_image *image, const struct pkt *p,
				       const struct weir_service *service, __u32 ring)
{
	const struct weir_backend *likely =
		image_at(image, service->backends_offset + ring * sizeof(*likely));
	struct scratch *scratch = scratch_get();

	if (!scratch)
		return 0;
	return nat_choose(image, p, service, ring == WEIR_NO_BACKEND ? NULL : likely,
			  &scratch->nat);
}

/*
 * Whether a packet that opens a flow of UDP is above the service's limit. Those of
 * TCP were counted as SYNs, and those of QUIC where they were read.
 */
static __always_inline bool balance_limits_udp(const struct weir_image *image,
					       const struct weir_service *service,
					       const struct pkt *p)
{
	return is_needed(WEIR_NEED_LIMIT) && p->proto == IPPROTO_UDP &&
	       service->udp != WEIR_UDP_QUIC && admit_new(image, service, p) != WEIR_R_CONTINUE;
}

/* By the ring, and by pins where it moved. Returns WEIR_R_LB_FORWARD, or why not. */
static __noinline int balance_by_ring(const struct weir_image *image, const struct pkt *p,
				      struct choice *c, enum settle_mode mode)
{
	const struct weir_service *service = choice_service(image, c);
	const struct weir_slot *slot;
	__u32 backend;

	slot = ring_find(service, c, p);
	if (!slot)
		return WEIR_R_LB_ERROR;
	backend = slot->current & ~WEIR_SLOT_MOVED;
	if (balance_translates(service)) {
		c->backend_offset = balance_by_nat(image, p, service, backend);
		c->why = WEIR_WHY_NAT;
		if (c->backend_offset)
			return WEIR_R_LB_FORWARD;
	} else if (balance_uses_pins(service, slot, p)) {
		return settle(image, p, c, slot, mode);
	}
	if (backend == WEIR_NO_BACKEND)
		return WEIR_R_LB_NO_BACKEND;
	if (mode == SETTLE_MAKE && balance_translates(service) &&
	    balance_limits_udp(image, service, p))
		return WEIR_R_LB_LIMIT;
	choose(c, service, backend, WEIR_WHY_RING);
	return WEIR_R_LB_FORWARD;
}

/*
 * The backend of the flow that @p describes: addresses, ports and protocol as
 * its client sends them. It is no packet of the flow, and nothing is noted.
 *
 * Returns WEIR_R_LB_FORWARD with @c filled, WEIR_R_CONTINUE where the flow is no
 * service's, or the reason why its packets are dropped.
 */
static __noinline int balance_look(const struct weir_image *image, const struct pkt *p,
				   struct choice *c)
{
	if (!vip_find(image, c, p->dst.half[0], p->dst.half[1], p->is_v6))
		return WEIR_R_CONTINUE;
	if (!vip_service(image, c, p))
		return WEIR_R_CONTINUE;
	return balance_by_ring(image, p, c, SETTLE_LOOK);
}

/*
 * By the connection ID of QUIC. What is translated already stays where it is: its
 * ports there are of that backend.
 */
static __always_inline enum weir_reason balance_by_id(struct xdp_md *ctx,
						      const struct weir_image *image,
						      const struct pkt *p, struct choice *c)
{
	const struct weir_service *service = choice_service(image, c);
	enum weir_reason reason;
	__u32 named, known;

	if (!is_needed(WEIR_NEED_QUIC) || service->udp != WEIR_UDP_QUIC || p->proto != IPPROTO_UDP)
		return WEIR_R_CONTINUE;
	reason = quic_choose(ctx, image, p, c);
	if (reason != WEIR_R_LB_FORWARD || !balance_translates(service))
		return reason;
	named = (c->backend_offset - service->backends_offset) / sizeof(struct weir_backend);
	known = balance_by_nat(image, p, service, named);
	if (known) {
		c->backend_offset = known;
		c->why = WEIR_WHY_NAT;
	}
	return reason;
}

/*
 * Choose a backend for the packet in @scratch, whose destination vip_find() or
 * vip_glance() found to be in a VIP. Tagged frames are left to the host, as
 * there is no tagged next hop.
 *
 * Returns WEIR_R_CONTINUE when the packet is no service's, WEIR_R_LB_FORWARD
 * with the choice in @scratch, what syncookie_answer() is for, or the reason why
 * it is dropped.
 */
static __always_inline enum weir_reason
balance_choose(struct xdp_md *ctx, const struct weir_image *image, struct scratch *scratch)
{
	struct choice *c = &scratch->choice;
	const struct pkt *p = &scratch->pkt;
	const struct weir_service *service;
	enum weir_reason reason;

	if (!pkt_is(p, PKT_ADDR | PKT_PROTO) || p->has & PKT_TAGGED)
		return WEIR_R_CONTINUE;
	if (fragment_lacks_ports(p))
		return fragment_choose(image, p, c);
	if (!vip_service(image, c, p))
		return WEIR_R_CONTINUE;
	service = choice_service(image, c);
	reason = admit_packet(image, service, p);
	/* What nobody verified does not use up what is for new connections. */
	if (reason == WEIR_R_CONTINUE)
		reason = syncookie_judge(ctx, image, service, p);
	if (reason == WEIR_R_CONTINUE)
		reason = admit_connection(image, service, p);
	if (reason != WEIR_R_CONTINUE)
		return reason;
	reason = balance_by_id(ctx, image, p, c);
	if (reason == WEIR_R_CONTINUE)
		reason = balance_by_ring(image, p, c, SETTLE_MAKE);
	if (reason != WEIR_R_LB_FORWARD)
		return reason;
	if (p->has & PKT_FRAGMENT && p->has & PKT_PORTS)
		fragment_note(image, p, c);
	count_service(&scratch->first, service->id, p->bytes);
	return WEIR_R_LB_FORWARD;
}

#endif
