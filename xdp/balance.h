/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The balancer: which backend a packet to a VIP belongs to. Stateless: one
 * VIP lookup, one ring slot, one backend record.
 */
#ifndef WEIR_XDP_BALANCE_H
#define WEIR_XDP_BALANCE_H

#include "weir/balance.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

struct choice {
	const struct weir_backend *backend;
	__u8 forward; /* enum weir_forward */
};

static __always_inline bool vip_is(const struct weir_vip *vip, const struct pkt *p)
{
	const __u64 *half = (const __u64 *)vip->key.addr;

	return half[0] == p->dst.half[0] && half[1] == p->dst.half[1] &&
	       vip->key.port == p->dport && vip->key.proto == p->proto;
}

static __always_inline const struct weir_vip *find_vip(const struct weir_image *image,
						       const struct pkt *p)
{
	__u32 hash = weir_vip_hash(p->dst.half[0], p->dst.half[1], p->dport, p->proto);
	const struct weir_vip *vip;

#pragma unroll
	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		vip = image_at(image, image->vips_offset +
					      ((hash + probe) & image->vips_mask) * sizeof(*vip));
		if (!vip->key.proto)
			return NULL;
		if (vip_is(vip, p))
			return vip;
	}
	return NULL;
}

/*
 * Choose a backend. Fragments and tagged frames are left to the host: the
 * first have no ports to go by, the second no untagged next hop.
 *
 * Returns WEIR_R_CONTINUE when the packet is no service's, WEIR_R_LB_FORWARD
 * with @choice filled, or the reason why it is dropped.
 */
static __always_inline enum weir_reason balance_choose(const struct weir_image *image,
						       const struct pkt *p, struct choice *choice)
{
	const struct weir_slot *slot;
	const struct weir_vip *vip;
	__u32 position;

	if (!(p->has & PKT_PORTS) || (p->has & (PKT_FRAGMENT | PKT_TAGGED)))
		return WEIR_R_CONTINUE;
	vip = find_vip(image, p);
	if (!vip)
		return WEIR_R_CONTINUE;

	position = weir_ring_position(p->src.half[0], p->src.half[1], p->dst.half[0],
				      p->dst.half[1], p->sport, p->dport, p->proto);
	slot = image_at(image, vip->ring_offset + position * sizeof(*slot));
	if (slot->current == WEIR_NO_BACKEND)
		return WEIR_R_LB_NO_BACKEND;

	choice->backend =
		image_at(image, image->backends_offset + slot->current * sizeof(*choice->backend));
	choice->forward = vip->forward;
	return WEIR_R_LB_FORWARD;
}

#endif
