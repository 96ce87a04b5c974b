/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending the answer to a rejected packet from XDP, in the packet's place.
 */
#ifndef WEIR_XDP_REJECT_H
#define WEIR_XDP_REJECT_H

#include "weir/bpf/reject.h"

#include "send.h"

/*
 * What grows, grows at the front: not every driver has room behind the packet.
 * What an error quotes stays where it is: in generic mode the kernel may be
 * about to complete its checksum there.
 */
static __always_inline long reject_resize(struct xdp_md *ctx, const struct reject *r, __u32 was,
					  __u32 is)
{
	__u32 grows = r->quoted ? REJECT_QUOTE - r->start : is > was ? is - was : 0;

	if (grows && bpf_xdp_adjust_head(ctx, -(int)grows))
		return -1;
	was += grows;
	return is == was ? 0 : bpf_xdp_adjust_tail(ctx, (int)(is - was));
}

/*
 * Turn the packet into the answer to it. Not inlined: it is cold, and its
 * instructions are verified once.
 *
 * @what  REJECT_ACTION or REJECT_ERROR()
 * Returns REJECT_RESULT().
 */
__noinline int reject_xdp(struct xdp_md *ctx, const struct pkt *p, __u32 what)
{
	__u32 ifindex = ctx->ingress_ifindex, exit;
	__u8 l2[REJECT_MOST_L2 + 2] = {};
	enum weir_reason reason;
	struct reject r = {};

	if (!p)
		return REJECT_RESULT(WEIR_R_FILTER_REJECT_SILENT, XDP_DROP);
	reason = reject_prepare(&r, ctx, p, l2, what);
	if (reason != WEIR_R_FILTER_REJECT)
		return REJECT_RESULT(reason, XDP_DROP);
	exit = reject_exit(ctx, p, &r, ifindex, l2);
	if (reject_resize(ctx, &r, p->bytes, r.l2_bytes + r.bytes) || reject_put(ctx, &r, l2))
		return REJECT_RESULT(WEIR_R_FILTER_REJECT_SILENT, XDP_DROP);
	return REJECT_RESULT(reason, send_out_of(ctx, exit));
}

#endif
