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

/* Addresses are single ones. */
#define VIP_LENGTH 128

static __always_inline bool vip_is(const struct weir_vip *vip, const struct pkt *p)
{
	const __u64 *half = (const __u64 *)vip->addr;

	return half[0] == p->dst.half[0] && half[1] == p->dst.half[1] && vip->length == VIP_LENGTH;
}

static __always_inline const struct weir_vip *find_vip(const struct weir_image *image,
						       const struct pkt *p)
{
	__u32 hash = weir_vip_hash(p->dst.half[0], p->dst.half[1], VIP_LENGTH);
	const struct weir_vip *vip;

#pragma unroll
	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		vip = image_at(image, image->vips_offset +
					      ((hash + probe) & image->vips_mask) * sizeof(*vip));
		if (!vip->length)
			return NULL;
		if (vip_is(vip, p))
			return vip;
	}
	return NULL;
}

static __always_inline bool port_is(const struct weir_vip_port *port, __u16 dport, __u8 proto)
{
	return (!port->proto || port->proto == proto) && port->first <= dport &&
	       dport <= port->last;
}

#define NO_SERVICE (-1)

/* Ports in the entry itself. */
static __noinline int find_port(const struct weir_vip *vip, __u16 dport, __u8 proto)
{
#pragma unroll
	for (int i = 0; i < WEIR_VIP_PORTS; i++) {
		if (i < vip->ports_count && port_is(&vip->port[i], dport, proto))
			return vip->port[i].service;
	}
	return NO_SERVICE;
}

/* More than WEIR_VIP_PORTS, by halving: one that means all protocols is the last. */
static __noinline int search_port(const struct weir_image *image, const struct weir_vip *vip,
				  __u16 dport, __u8 proto)
{
	__u32 low = 0, high = vip->ports_count, wanted = (__u32)proto << 16 | dport;
	const struct weir_vip_port *port;

	for (int i = 0; i < 17 && low < high; i++) {
		__u32 middle = (low + high) / 2;

		port = image_at(image, vip->ports_offset + middle * sizeof(*port));
		if (port->proto && ((__u32)port->proto << 16 | port->last) < wanted)
			low = middle + 1;
		else
			high = middle;
		low = forget(low, dport);
		high = forget(high, dport);
	}
	port = image_at(image, vip->ports_offset + low * sizeof(*port));
	if (low < vip->ports_count && port_is(port, dport, proto))
		return port->service;
	port = image_at(image, vip->ports_offset + (vip->ports_count - 1) * sizeof(*port));
	return port->proto ? NO_SERVICE : port->service;
}

/* The service that a VIP's ports mean, or NULL. */
static __always_inline const struct weir_service *
find_service(const struct weir_image *image, const struct weir_vip *vip, const struct pkt *p)
{
	__u16 dport = bpf_ntohs(p->dport);
	int service;

	if (weir.services & 1U << WEIR_NEED_PORTS && vip->ports_offset)
		service = search_port(image, vip, dport, p->proto);
	else
		service = find_port(vip, dport, p->proto);
	if (service == NO_SERVICE)
		return NULL;
	return image_at(image,
			image->services_offset + (__u32)service * sizeof(struct weir_service));
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
	const struct weir_service *service;
	const struct weir_slot *slot;
	const struct weir_vip *vip;
	__u32 position, current;

	if (!(p->has & PKT_PORTS) || (p->has & (PKT_FRAGMENT | PKT_TAGGED)))
		return WEIR_R_CONTINUE;
	vip = find_vip(image, p);
	service = vip ? find_service(image, vip, p) : NULL;
	if (!service)
		return WEIR_R_CONTINUE;

	position = weir_ring_position(p->src.half[0], p->src.half[1], p->dst.half[0],
				      p->dst.half[1], p->sport, p->dport, p->proto);
	slot = ring_slot(service, position);
	if (!slot)
		return WEIR_R_LB_ERROR;
	current = slot->current & ~WEIR_SLOT_MOVED;
	if (current == WEIR_NO_BACKEND)
		return WEIR_R_LB_NO_BACKEND;

	choice->backend =
		image_at(image, service->backends_offset + current * sizeof(*choice->backend));
	choice->forward = service->forward;
	return WEIR_R_LB_FORWARD;
}

#endif
