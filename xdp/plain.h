/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way to a backend, of packets as most are: TCP or UDP, untagged, no
 * fragment, without options or extension headers, of a flow that the ring or an
 * open pin names a backend for, to a service that wants nothing but an outer
 * header.
 *
 * It reads the packet once, keeps in registers what it read, and writes nothing
 * but the packet and the counters. What it is not for it leaves as it was, for
 * the long way.
 */
#ifndef WEIR_XDP_PLAIN_H
#define WEIR_XDP_PLAIN_H

#include "weir/bpf/filter.h"

#include "choice.h"
#include "hop.h"
#include "plain_pin.h"
#include "plain_read.h"
#include "ring.h"
#include "send.h"
#include "tunnel.h"
#include "vip.h"

/* What plain() returns where the packet is one for the long way. */
#define PLAIN_OTHER (-1)

/* NULL where there is none, or it wants more than the short way has. */
static __always_inline const struct weir_service *
plain_service(const struct weir_image *image, const struct weir_vip *vip, const struct plain *f)
{
	struct vip_port_key key = { .proto = f->proto, .port = bpf_ntohs(f->dport) };
	const struct weir_service *service;
	__u32 number;

	if (is_needed(WEIR_NEED_NAT) && vip->flags & WEIR_VIP_SOURCE)
		return NULL;
	number = vip_service_at(image, vip, &key);
	if (!number)
		return NULL;
	service = image_at(image, image->services_offset + (number - 1) * sizeof(*service));
	if (!(service->flags & WEIR_SERVICE_PLAIN))
		return NULL;
	if (service->flags & WEIR_SERVICE_ASKS_SYN && f->tcp_flags & SETTLE_TCP_SYN)
		return NULL;
	return service;
}

static __always_inline bool plain_is_outer_v6(const struct weir_backend *backend)
{
	return is_needed(WEIR_NEED_V6) && (backend->is_v6 || !is_needed(WEIR_NEED_V4));
}

/* NULL where the way is not known, or is not to be gone so. */
static __always_inline const struct hop *plain_hop(const struct weir_backend *backend,
						   const struct plain *f)
{
	__u32 bytes = f->ip_bytes + tunnel_overhead(plain_is_outer_v6(backend), false);
	const __u64 *addr = (const __u64 *)backend->addr;
	__u32 slot = backend->id & weir.hop_mask;
	const struct hop *hop = bpf_map_lookup_elem(&weir_hops, &slot);

	if (!hop || hop->until <= bpf_jiffies64() || hop->addr[0] != addr[0] ||
	    hop->addr[1] != addr[1] || bytes > hop->plain_mtu)
		return NULL;
	return hop;
}

/* NULL: the long way knows more. */
static __always_inline const struct weir_backend *
plain_choose(const struct weir_image *image, struct plain_choice *c, const struct plain *f)
{
	const struct weir_service *service = c->service;

	c->position = weir_ring_position(f->src.half[0], f->src.half[1], f->dst.half[0],
					 f->dst.half[1], f->sport, f->dport, f->proto);
	c->slot = ring_slot(service, c->position);
	if (!c->slot)
		return NULL;
	if (plain_tracks(service, f) ||
	    (is_needed(WEIR_NEED_PINS) && c->slot->current & WEIR_SLOT_MOVED &&
	     service->track != WEIR_TRACK_NONE && f->proto == IPPROTO_TCP)) {
		__u32 current = c->slot->current & ~WEIR_SLOT_MOVED;

		if (current == WEIR_NO_BACKEND)
			return NULL;
		if (!(f->tcp_flags & PLAIN_TCP_STATE))
			return plain_pinned(image, c, f);
		/* It has no pin before it is known to go this way. */
		return plain_hop(plain_backend(image, c, current), f) ? plain_opened(image, c, f)
								      : NULL;
	}
	/* What moved, and no backend: both are above all indexes. */
	if (c->slot->current >= WEIR_NO_BACKEND)
		return NULL;
	c->why = WEIR_WHY_RING;
	return plain_backend(image, c, c->slot->current);
}

/* Put the outer header around the packet. False, with nothing changed, where there is no room. */
static __always_inline bool plain_enter(struct xdp_md *ctx, const struct plain *f,
					const struct weir_backend *backend, const struct hop *hop,
					bool outer_v6)
{
	const __u32 overhead = tunnel_overhead(outer_v6, false);
	const __u8 proto = f->is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	struct tunnel t = { .backend = backend, .source = backend->source };
	void *data, *ip;

	if (bpf_xdp_adjust_head(ctx, -(int)overhead))
		return false;
	data = (void *)(long)ctx->data;
	ip = data + ETH_HLEN;
	if (ip + overhead + sizeof(struct iphdr) > (void *)(long)ctx->data_end)
		return false;
	plain_take_hop(ip + overhead, f->is_v6);
	write_ethernet(data, hop, outer_v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	if (outer_v6)
		write_outer_ipv6(ip, &t, proto, f->traffic_class, f->ip_bytes + overhead);
	else
		write_outer_ipv4(ip, &t, proto, f->traffic_class, f->ip_bytes + overhead);
	return true;
}

/* For whoever asks afterwards; no program that packets meet is loaded so. */
static __always_inline void plain_tell(const struct weir_image *image, struct choice *told,
				       const struct plain_choice *c,
				       const struct weir_backend *backend)
{
	if (!(weir.flags & WEIR_PROGRAM_TRIAL))
		return;
	told->service_offset = (const void *)c->service - (const void *)image;
	told->backend_offset = (const void *)backend - (const void *)image;
	told->slot = c->position;
	told->why = c->why;
}

static __always_inline int plain_send(struct xdp_md *ctx, const struct weir_image *image,
				      struct scratch *scratch, struct plain_choice *c,
				      const struct plain *f, __u32 bytes)
{
	const struct weir_backend *backend = plain_choose(image, c, f);
	const struct hop *hop;
	bool outer_v6, fits;

	if (!backend)
		return PLAIN_OTHER;
	outer_v6 = plain_is_outer_v6(backend);
	hop = plain_hop(backend, f);
	if (!hop)
		return PLAIN_OTHER;
	if (outer_v6)
		fits = plain_enter(ctx, f, backend, hop, true);
	else
		fits = plain_enter(ctx, f, backend, hop, false);
	if (!fits)
		return WEIR_R_LB_ERROR;
	plain_tell(image, &scratch->choice, c, backend);
	count_service(&scratch->first, c->service->id, bytes);
	count_backend(&scratch->first, backend->id, bytes);
	return WEIR_R_LB_FORWARD | send_out_of(ctx, hop->ifindex) << 16;
}

/* @ip: of a packet long enough for headers of TCP. */
static __always_inline int plain_look(struct xdp_md *ctx, const struct weir_image *image,
				      struct scratch *scratch, const void *ip, __u32 bytes,
				      bool is_v6)
{
	struct plain f = {};
	struct plain_choice c;
	__u32 vip;

	plain_read_destination(&f, ip, is_v6);
	vip = vip_probe(image, f.dst.half[0], f.dst.half[1], 128);
	if (!vip)
		return is_needed(WEIR_NEED_PREFIX) || (pmtu_is_wanted() && pmtu_is_icmp(ip, is_v6))
			       ? PLAIN_OTHER
			       : WEIR_R_CONTINUE;
	if (!(device_row(image)->stages & 1U << WEIR_STAGE_BALANCE) ||
	    !plain_read(&f, ip, bytes, is_v6))
		return PLAIN_OTHER;
	c.service = plain_service(image, image_at(image, vip), &f);
	return c.service ? plain_send(ctx, image, scratch, &c, &f, bytes) : PLAIN_OTHER;
}

/*
 * Judge a frame of @bytes, and forward it. Returns the reason, and above 16 bits
 * the XDP verdict of what is forwarded; PLAIN_OTHER, with nothing changed, where
 * it is to go the long way.
 */
static __noinline int plain(struct xdp_md *ctx, const struct weir_image *image,
			    struct scratch *scratch, __u32 bytes)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	const __be16 *type = data + 2 * ETH_ALEN;
	void *ip = data + ETH_HLEN;

	if (ip + sizeof(struct iphdr) + sizeof(struct tcphdr) > data_end)
		return PLAIN_OTHER;
	if (*type == bpf_htons(ETH_P_IP))
		return plain_look(ctx, image, scratch, ip, bytes, false);
	if (*type != bpf_htons(ETH_P_IPV6))
		return WEIR_R_CONTINUE;
	if (ip + sizeof(struct ipv6hdr) + sizeof(struct tcphdr) > data_end)
		return PLAIN_OTHER;
	return plain_look(ctx, image, scratch, ip, bytes, true);
}

#endif
