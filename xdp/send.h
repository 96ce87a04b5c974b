/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_XDP_SEND_H
#define WEIR_XDP_SEND_H

#include "weir/balance.h"
#include "weir/bpf/maps.h"

/*
 * The XDP verdict that sends the frame out of a device. A veth's peer is not
 * woken after XDP_TX unless it runs an XDP program itself; after a redirect,
 * GRO there is enough.
 */
static __always_inline int send_out_of(struct xdp_md *ctx, __u32 ifindex)
{
	if (ifindex == ctx->ingress_ifindex && !(weir.flags & WEIR_PROGRAM_VETH))
		return XDP_TX;
	return bpf_redirect(ifindex, 0);
}

#endif
