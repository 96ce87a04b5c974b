/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose packet it is: the VIP that its destination is of, and the service that
 * has its port there.
 */
#ifndef WEIR_XDP_VIP_H
#define WEIR_XDP_VIP_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#include "choice.h"

/* A list of ports has at most 65,536 entries. */
#define VIP_HALVINGS 17

static __always_inline bool vip_is(const struct weir_vip *vip, __u64 half0, __u64 half1,
				   __u8 length)
{
	const __u64 *half = (const __u64 *)vip->addr;

	return half[1] == half1 && half[0] == half0 && vip->length == length;
}

/* The offset of a prefix's entry, or 0. */
static __always_inline __u32 vip_probe(const struct weir_image *image, __u64 half0, __u64 half1,
				       __u8 length)
{
	__u32 hash = weir_vip_hash(half0, half1, length), offset;
	const struct weir_vip *vip;

#pragma unroll
	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		offset = image->vips_offset + ((hash + probe) & image->vips_mask) * sizeof(*vip);
		vip = image_at(image, offset);
		if (!vip->length)
			return 0;
		if (vip_is(vip, half0, half1, length))
			return offset;
	}
	return 0;
}

/*
 * Clear what is past @length, 1-128, of the address. Without branches, each of
 * which the verifier would follow for every length.
 */
static __always_inline void vip_mask(__u64 half[2], __u32 length)
{
	__s64 low = 128 - (__s64)length, high = low - 64;

	half[0] &= bpf_cpu_to_be64(~0ULL << (high & ~(high >> 63) & 63));
	half[1] &= bpf_cpu_to_be64(~0ULL << (low & 63)) & high >> 63;
}

struct vip_search {
	const struct weir_image *image;
	struct choice *choice;
	const struct pkt *p;
	__u64 half[2]; /* the address */
	__u32 is_v6;
	__u32 service; /* found: its index, plus 1 */
};

enum vip_step {
	VIP_STEP_NONE, /* no VIP of this length */
	VIP_STEP_FOUND,
	VIP_STEP_END, /* there are no shorter ones */
};

/* Look for a VIP of the next shorter length in use. */
static __noinline int vip_step(const struct vip_search *s)
{
	const __u8 *lengths = s->is_v6 ? s->image->vip_lengths_v6 : s->image->vip_lengths_v4;
	struct choice *c = s->choice;
	__u64 half[2] = { s->half[0], s->half[1] };
	__u32 rank = c->vip_rank, length;

	if (rank >= WEIR_VIP_LENGTHS)
		return VIP_STEP_END;
	length = lengths[rank & (WEIR_VIP_LENGTHS - 1)];
	if (!length)
		return VIP_STEP_END;
	c->vip_rank = rank + 1;
	vip_mask(half, length);
	c->vip_offset = vip_probe(s->image, half[0], half[1], length);
	return c->vip_offset ? VIP_STEP_FOUND : VIP_STEP_NONE;
}

static long vip_try(__u32 unused, struct vip_search *s)
{
	return vip_step(s) != VIP_STEP_NONE;
}

/* The longest prefix that the address is in. Returns whether there is one. */
static __noinline int vip_find_prefix(const struct weir_image *image, struct choice *c, __u64 half0,
				      __u64 half1, __u32 is_v6)
{
	struct vip_search s = {
		.image = image,
		.choice = c,
		.half = { half0, half1 },
		.is_v6 = is_v6,
	};

	c->vip_rank = 0;
	c->vip_offset = 0;
	bpf_loop(WEIR_VIP_LENGTHS, vip_try, &s, 0);
	return !!c->vip_offset;
}

/* Whether the address is in a VIP of any length; the longest is left in @c. */
static __always_inline bool vip_find(const struct weir_image *image, struct choice *c, __u64 half0,
				     __u64 half1, __u32 is_v6)
{
	if (is_needed(WEIR_NEED_PREFIX))
		return vip_find_prefix(image, c, half0, half1, is_v6);
	c->vip_offset = vip_probe(image, half0, half1, 128);
	return c->vip_offset;
}

/*
 * Whether a frame's destination is in a VIP, before anything else is parsed:
 * what is for nobody shall cost next to nothing. Tagged frames are the host's.
 */
static __always_inline bool vip_glance(struct xdp_md *ctx, const struct weir_image *image,
				       struct choice *c)
{
	struct cursor at = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct ethhdr *eth = cursor_pull(&at, struct ethhdr);
	union pkt_addr dst = { .word[2] = PKT_V4MAPPED };
	struct ipv6hdr *v6;
	struct iphdr *v4;

	if (!eth)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		v4 = cursor_pull(&at, struct iphdr);
		if (!v4)
			return false;
		dst.word[3] = v4->daddr;
		return vip_find(image, c, 0, dst.half[1], 0);
	}
	if (eth->h_proto != bpf_htons(ETH_P_IPV6))
		return false;
	v6 = cursor_pull(&at, struct ipv6hdr);
	if (!v6)
		return false;
	pkt_copy_addr(&dst, &v6->daddr);
	return vip_find(image, c, dst.half[0], dst.half[1], 1);
}

/* What an interval of ports is compared with. */
struct vip_port_key {
	__u32 proto; /* 0 where the packet has no ports */
	__u32 port;
};

static __always_inline struct vip_port_key vip_port_key(const struct pkt *p)
{
	if (!(p->has & PKT_PORTS))
		return (struct vip_port_key){};
	return (struct vip_port_key){ .proto = p->proto, .port = bpf_ntohs(p->dport) };
}

static __always_inline bool vip_port_holds(const struct weir_vip_port *e,
					   const struct vip_port_key *k)
{
	if (!e->proto)
		return true;
	return e->proto == k->proto && k->port >= e->first && k->port <= e->last;
}

static __always_inline __u32 vip_port_order(const struct weir_vip_port *e)
{
	return (__u32)e->proto << 16 | e->first;
}

static __always_inline const struct weir_vip_port *
vip_port_at(const struct weir_image *image, const struct weir_vip *vip, __u32 index)
{
	return image_at(image, vip->ports_offset + index * sizeof(struct weir_vip_port));
}

/* The same in a long list. Returns an index of a service plus 1, or 0. */
static __noinline int vip_search_ports(const struct weir_image *image, const struct weir_vip *vip,
				       __u32 proto, __u32 port)
{
	__u32 n = vip->ports_count, first = 0, wanted = proto << 16 | port;
	struct vip_port_key k = { .proto = proto, .port = port };
	const struct weir_vip_port *e = vip_port_at(image, vip, n - 1), *any = NULL;

	if (!n)
		return 0;
	if (!e->proto) {
		any = e;
		n--;
	}
#pragma unroll
	for (int i = 0; i < VIP_HALVINGS; i++) {
		__u32 half = n / 2;

		if (n > 1 && vip_port_order(vip_port_at(image, vip, first + half)) <= wanted)
			first += half;
		n -= half;
		first = forget(first, wanted);
		n = forget(n, wanted);
	}
	e = vip_port_at(image, vip, first);
	if (n && vip_port_holds(e, &k))
		return e->service + 1;
	return any ? any->service + 1 : 0;
}

/* The service that has the packet's port at a VIP: its index plus 1, or 0. */
static __always_inline __u32 vip_service_at(const struct weir_image *image,
					    const struct weir_vip *vip,
					    const struct vip_port_key *k)
{
	if (is_needed(WEIR_NEED_PORTS) && vip->ports_offset)
		return vip_search_ports(image, vip, k->proto, k->port);
#pragma unroll
	for (__u32 i = 0; i < WEIR_VIP_PORTS; i++) {
		if (i >= vip->ports_count)
			return 0;
		if (vip_port_holds(&vip->port[i], k))
			return vip->port[i].service + 1;
	}
	return 0;
}

static long vip_try_service(__u32 unused, struct vip_search *s)
{
	struct vip_port_key k = vip_port_key(s->p);
	int step = vip_step(s);

	if (step == VIP_STEP_FOUND)
		s->service =
			vip_service_at(s->image, image_at(s->image, s->choice->vip_offset), &k);
	return step == VIP_STEP_END || s->service;
}

static __always_inline void vip_search_of(struct vip_search *s, const struct weir_image *image,
					  struct choice *c, const struct pkt *p)
{
	*s = (struct vip_search){
		.image = image,
		.choice = c,
		.p = p,
		.half = { p->dst.half[0], p->dst.half[1] },
		.is_v6 = p->is_v6,
	};
}

/* The same at the prefixes shorter than the one that @c has. */
static __noinline int vip_service_beyond(const struct weir_image *image, struct choice *c,
					 const struct pkt *p)
{
	struct vip_search s;

	vip_search_of(&s, image, c, p);
	bpf_loop(WEIR_VIP_LENGTHS, vip_try_service, &s, 0);
	return s.service;
}

/*
 * The service that the packet is for, of the longest prefix that has one for
 * it; vip_find() was true. Leaves its offset in @c; false where it is nobody's.
 */
static __always_inline bool vip_service(const struct weir_image *image, struct choice *c,
					const struct pkt *p)
{
	struct vip_port_key k = vip_port_key(p);
	__u32 service = vip_service_at(image, image_at(image, c->vip_offset), &k);

	if (!service && is_needed(WEIR_NEED_PREFIX))
		service = vip_service_beyond(image, c, p);
	if (!service)
		return false;
	c->service_offset = image->services_offset + (service - 1) * sizeof(struct weir_service);
	return true;
}

#endif
