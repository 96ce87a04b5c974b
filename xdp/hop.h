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

#define HOP_AF_INET 2
#define HOP_AF_INET6 10
/* An answer that is a failure lives an eighth as long: a neighbour may be found any moment. */
#define HOP_FAILURE_SHIFT 3

/*
 * One cache line. The backend's address is the key, not its id alone: a new
 * generation may have given the id's backend another one.
 */
struct hop {
	__u64 addr[2]; /* of the backend, as it lies in memory */
	__u64 until; /* in jiffies; past it nothing here is true */
	__u32 ifindex;
	__u32 mtu; /* of the way there: the device, a route with "mtu lock", or the path as ICMP told it */
	__u8 mac[2 * ETH_ALEN]; /* of the next hop, then of the exit */
	__u8 reason; /* enum weir_reason: LB_FORWARD, or why there is no way */
	__u8 pad[19];
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

/* Returns what bpf_fib_lookup() does, with @fib filled. XDP always learns the MTU. */
static __always_inline long hop_ask(struct xdp_md *ctx, const struct weir_backend *backend,
				    struct bpf_fib_lookup *fib)
{
	fib->ifindex = ctx->ingress_ifindex;
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

/* Not inlined: the frame of the lookup is large, and needed ten times a second. Returns 0. */
static __noinline int hop_refresh(struct xdp_md *ctx, const struct weir_backend *backend,
				  struct hop *hop)
{
	struct bpf_fib_lookup fib = {};
	__u64 lives = weir.hop_jiffies;

	__builtin_memcpy(hop->addr, backend->addr, sizeof(hop->addr));
	hop->reason = hop_reason(hop_ask(ctx, backend, &fib));
	if (hop->reason != WEIR_R_LB_FORWARD)
		lives >>= HOP_FAILURE_SHIFT;
	hop->ifindex = fib.ifindex;
	hop->mtu = fib.mtu_result;
	__builtin_memcpy(hop->mac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(hop->mac + ETH_ALEN, fib.smac, ETH_ALEN);
	hop->until = bpf_jiffies64() + lives;
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

#endif
