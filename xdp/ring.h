/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slot of a service's ring that a packet falls into.
 */
#ifndef WEIR_XDP_RING_H
#define WEIR_XDP_RING_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#include "choice.h"

/* The high @bits of 64, as they lie in memory. */
static __always_inline __u64 ring_mask(__u32 bits)
{
	return bits ? bpf_cpu_to_be64(~0ULL << ((64 - bits) & 63)) : 0;
}

/*
 * All flows of a source, or of its prefix, to all addresses and ports of the
 * service.
 */
static __always_inline __u64 ring_hash_source(const struct weir_service *service,
					      const struct pkt *p)
{
	__u32 bits = p->is_v6 ? service->hash_v6_bits : 96 + service->hash_v4_bits;

	return weir_ring_hash(p->src.half[0] & ring_mask(bits < 64 ? bits : 64),
			      p->src.half[1] & ring_mask(bits < 64 ? 0 : bits - 64), 0, 0, 0, 0, 0);
}

static __always_inline __u64 ring_hash(const struct weir_service *service, const struct pkt *p)
{
	bool has_ports = p->has & PKT_PORTS;

	if (is_needed(WEIR_NEED_SOURCE) && service->hash == WEIR_HASH_SOURCE)
		return ring_hash_source(service, p);
	return weir_ring_hash(p->src.half[0], p->src.half[1], p->dst.half[0], p->dst.half[1],
			      has_ports ? p->sport : 0, has_ports ? p->dport : 0, p->proto);
}

/* Its index is left in @c. NULL, which cannot be, where the service has no ring. */
static __always_inline const struct weir_slot *ring_find(const struct weir_service *service,
							 struct choice *c, const struct pkt *p)
{
	__u64 hash = ring_hash(service, p);

	c->slot = weir_ring_slot(hash);
	c->entropy = (__u32)hash;
	return ring_slot(service, c->slot);
}

#endif
