/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling senders what cannot be forwarded: a packet that is too big for the
 * way to its backend (RFC 1191, RFC 4443, section 3.2), or whose TTL ends here
 * (RFC 792, RFC 4443, section 3.3). The error comes from the packet's own
 * destination, and tunnels count as part of the way.
 */
#ifndef WEIR_XDP_TOO_BIG_H
#define WEIR_XDP_TOO_BIG_H

#include "reject.h"

#define TOO_BIG_MIN_V6 1280 /* RFC 8200: every link takes it, and no sender goes below */
#define TOO_BIG_V4 3
#define TOO_BIG_V4_CODE 4
#define TOO_BIG_V6 2
#define TTL_V4 11
#define TTL_V6 3

/* @what in the packet's place. Returns @told with @verdict filled, or @silent. */
static __noinline int tell_sender(struct xdp_md *ctx, const struct pkt *p, __u32 what, int *verdict)
{
	__u32 result = reject_xdp(ctx, p, what);

	*verdict = result >> 16;
	return (result & 0xffff) == WEIR_R_FILTER_REJECT;
}

static __always_inline bool may_be_fragmented(struct xdp_md *ctx, const struct pkt *p)
{
	struct cursor c =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l3_offset);
	struct iphdr *ip = cursor_pull(&c, struct iphdr);

	return !ip || !(ip->frag_off & bpf_htons(0x4000));
}

/*
 * @mtu  what the way takes of the packet itself, without what is put around it
 *
 * Returns WEIR_R_LB_TOO_BIG_TOLD with @verdict filled, or WEIR_R_LB_TOO_BIG:
 * IPv4 packets that routers may fragment are dropped, as nobody fragments here,
 * and an IPv6 sender would not believe less than 1,280 bytes.
 */
static __always_inline enum weir_reason too_big(struct xdp_md *ctx, const struct pkt *p, __u32 mtu,
						int *verdict)
{
	__u32 what = REJECT_ERROR(TOO_BIG_V4, TOO_BIG_V4_CODE, mtu);

	if (p->is_v6)
		what = REJECT_ERROR(TOO_BIG_V6, 0, mtu);
	if (p->is_v6 ? mtu < TOO_BIG_MIN_V6 : may_be_fragmented(ctx, p))
		return WEIR_R_LB_TOO_BIG;
	return tell_sender(ctx, p, what, verdict) ? WEIR_R_LB_TOO_BIG_TOLD : WEIR_R_LB_TOO_BIG;
}

/*
 * Take one off the TTL of a packet that is forwarded: RFC 2003, section 3.1,
 * and RFC 2473, section 3.1, make that the encapsulator's business. It ends
 * packets that two balancers send each other.
 *
 * Returns false where it may not be forwarded.
 */
static __always_inline bool decrement_ttl(struct xdp_md *ctx, const struct pkt *p)
{
	struct cursor c =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l3_offset);
	struct ipv6hdr *ip6;
	struct iphdr *ip4;
	__u32 check;

	if (p->ttl <= 1)
		return false;
	if (p->is_v6) {
		ip6 = cursor_pull(&c, struct ipv6hdr);
		if (ip6)
			ip6->hop_limit--;
		return ip6;
	}
	ip4 = cursor_pull(&c, struct iphdr);
	if (!ip4)
		return false;
	/* RFC 1141, where the field is one that cannot be 0xffff. */
	check = (__u32)ip4->check + bpf_htons(0x0100);
	ip4->check = check + (check >= 0xffff);
	ip4->ttl--;
	return true;
}

static __always_inline enum weir_reason ttl_ended(struct xdp_md *ctx, const struct pkt *p,
						  int *verdict)
{
	__u32 what = p->is_v6 ? REJECT_ERROR(TTL_V6, 0, 0) : REJECT_ERROR(TTL_V4, 0, 0);

	return tell_sender(ctx, p, what, verdict) ? WEIR_R_LB_TTL_TOLD : WEIR_R_LB_TTL;
}

#endif
