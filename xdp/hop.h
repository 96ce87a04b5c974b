/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The next hop to a backend: the exit, the frame's addresses and the MTU. The
 * kernel's FIB knows, and asking it costs as much as all the rest, so that each
 * CPU keeps the answer for a tenth of a second.
 */
#ifndef WEIR_XDP_HOP_H
#define WEIR_XDP_HOP_H

#include "weir/balance.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#include "pmtu.h"

#define HOP_AF_INET 2
#define HOP_AF_INET6 10
/* An answer that is a failure lives an eighth as long: a neighbour may be found any moment. */
#define HOP_FAILURE_SHIFT 3
#define HOP_MOST_BYTES 0xffff /* of an IP packet with an outer header */

/*
 * One cache line. The backend's address is the key, not its id alone: a new
 * generation may have given the id's backend another one.
 */
struct hop {
	__u64 addr[2]; /* of the backend, as it lies in memory */
	__u64 until; /* in jiffies; past it nothing here is true */
	__u32 ifindex;
	__u32 mtu; /* of the way there: the device, a route with "mtu lock", or what a router said */
	__u8 mac[2 * ETH_ALEN]; /* of the next hop, then of the exit */
	__be16 tag_proto; /* of the tag that the frame needs there; 0: none */
	__be16 tag_tci;
	__u8 reason; /* enum weir_reason: LB_FORWARD, or why there is no way */
	__u8 pad[3];
	__u32 plain_mtu; /* what an IP packet may have there; 0: the short way is none */
	__u8 pad2[8];
};
_Static_assert(sizeof(struct hop) == 64, "hop is not a cache line");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hop);
} weir_hops SEC(".maps");

static __always_inline enum weir_reason hop_reason(long result)
{
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return WEIR_R_LB_FORWARD;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return WEIR_R_LB_NO_NEIGHBOUR;
	default:
		return WEIR_R_LB_NO_ROUTE;
	}
}

/*
 * The device that routes are asked for as the one that the packet came in by. The
 * driver runs a bond's program at the bond's ports, which forward nothing themselves.
 */
static __always_inline __u32 hop_ingress(const struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;
	const struct weir_image *image;

	if (weir.flags & WEIR_PROGRAM_BOND) {
		image = image_in_force();
		if (image)
			ifindex = device_row(image)->ifindex;
	}
	return ifindex;
}

/* Returns what bpf_fib_lookup() does, with @fib filled. XDP always learns the MTU. */
static __always_inline long hop_ask(struct xdp_md *ctx, const struct weir_backend *backend,
				    struct bpf_fib_lookup *fib)
{
	fib->ifindex = hop_ingress(ctx);
	if (backend->is_v6) {
		fib->family = HOP_AF_INET6;
		__builtin_memcpy(fib->ipv6_src, backend->source, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, backend->addr, sizeof(fib->ipv6_dst));
	} else {
		fib->family = HOP_AF_INET;
		fib->ipv4_src = *(const __be32 *)&backend->source[12];
		fib->ipv4_dst = *(const __be32 *)&backend->addr[12];
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

struct hop_vlan_search {
	const struct weir_image *image;
	struct hop *hop;
	__u32 offset; /* of the next row */
};

/* Returns 1 where the hop's exit is this VLAN device, which is replaced by what it stands for. */
static long hop_try_vlan(__u32 unused, struct hop_vlan_search *s)
{
	const struct weir_vlan *vlan = image_at(s->image, s->offset);

	s->offset += sizeof(*vlan);
	if (vlan->ifindex != s->hop->ifindex)
		return 0;
	s->hop->ifindex = vlan->lower;
	s->hop->tag_proto = vlan->proto;
	s->hop->tag_tci = vlan->tci;
	return 1;
}

/* bpf_fib_lookup() names VLAN devices and not their tags, and XDP cannot send out of them. */
static __always_inline void hop_find_vlan(struct hop *hop)
{
	struct hop_vlan_search search = { .image = image_in_force(), .hop = hop };

	hop->tag_proto = 0;
	if (!(weir.flags & WEIR_PROGRAM_VLANS) || !search.image)
		return;
	search.offset = search.image->vlans_offset;
	bpf_loop(search.image->vlans_count, hop_try_vlan, &search, 0);
}

/*
 * Note the FIB's answer, for as long as it lives.
 *
 * @result  of bpf_fib_lookup()
 */
static __always_inline void hop_note(struct hop *hop, const struct bpf_fib_lookup *fib, long result)
{
	__u64 lives = weir.hop_jiffies;

	hop->reason = hop_reason(result);
	if (hop->reason != WEIR_R_LB_FORWARD)
		lives >>= HOP_FAILURE_SHIFT;
	hop->ifindex = fib->ifindex;
	hop->mtu = fib->mtu_result;
	__builtin_memcpy(hop->mac, fib->dmac, ETH_ALEN);
	__builtin_memcpy(hop->mac + ETH_ALEN, fib->smac, ETH_ALEN);
	hop->until = bpf_jiffies64() + lives;
	hop_find_vlan(hop);
	hop->plain_mtu = 0;
	if (hop->reason == WEIR_R_LB_FORWARD && !hop->tag_proto)
		hop->plain_mtu = hop->mtu < HOP_MOST_BYTES ? hop->mtu : HOP_MOST_BYTES;
}

/* Not where there was no route to the backend when the image was made. */
static __always_inline bool hop_is_source(const void *addr)
{
	const __u64 *half = addr;

	return half[0] || half[1];
}

/* Not inlined: the frame of the lookup is large, and needed ten times a second. Returns 0. */
static __noinline KEEPS_RETURN int hop_refresh(struct xdp_md *ctx,
					       const struct weir_backend *backend, struct hop *hop)
{
	struct bpf_fib_lookup fib = {};
	long result = hop_ask(ctx, backend, &fib);

	if (pmtu_is_wanted())
		fib.mtu_result = pmtu_of(backend, fib.mtu_result);
	__builtin_memcpy(hop->addr, backend->addr, sizeof(hop->addr));
	hop_note(hop, &fib, result);
	if (!hop_is_source(backend->source))
		hop->plain_mtu = 0;
	return 0;
}

/* Backends whose ids agree in the mask push each other out. NULL cannot happen. */
static __always_inline const struct hop *hop_to(struct xdp_md *ctx,
						const struct weir_backend *backend)
{
	const __u64 *addr = (const __u64 *)backend->addr;
	__u32 slot = backend->id & weir.hop_mask;
	struct hop *hop = bpf_map_lookup_elem(&weir_hops, &slot);

	if (!hop)
		return NULL;
	if (hop->until <= bpf_jiffies64() || hop->addr[0] != addr[0] || hop->addr[1] != addr[1])
		hop_refresh(ctx, backend, hop);
	return hop;
}

/* The addresses of a frame that goes there. In words: the frame may begin anywhere. */
static __always_inline void write_macs(void *frame, const struct hop *hop)
{
	__u32 *word = frame;

	for (int i = 0; i < 3; i++)
		word[i] = ((const __u32 *)hop->mac)[i];
}

/*
 * Give the frame the tag that its exit wants, behind addresses that are written
 * again. Returns 0, or -1 where the frame cannot grow.
 */
static __always_inline int hop_tag(struct xdp_md *ctx, const struct hop *hop)
{
	struct vlan_tag *tag;
	struct cursor c;
	__u8 *mac;

	if (!(weir.flags & WEIR_PROGRAM_VLANS) || !hop->tag_proto)
		return 0;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*tag)))
		return -1;
	c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	mac = cursor_take(&c, sizeof(hop->mac) + sizeof(*tag));
	if (!mac)
		return -1;
	write_macs(mac, hop);
	/* What was the frame's type is the tag's now. */
	*(__be16 *)(mac + sizeof(hop->mac)) = hop->tag_proto;
	*(__be16 *)(mac + sizeof(hop->mac) + sizeof(__be16)) = hop->tag_tci;
	return 0;
}

#endif
