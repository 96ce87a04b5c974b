/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "forward local": the backend is a container behind a veth of this host. It
 * sees the client's address; nat.h gives the packet its own. What it answers
 * comes back at tc: see tc/return.h.
 */
#ifndef WEIR_XDP_LOCAL_H
#define WEIR_XDP_LOCAL_H

#include "weir/balance.h"
#include "weir/bpf/packet.h"

#include "hop.h"

/*
 * Whether the stack is to bring the packet to the container: XDP can't where the
 * veth's other end takes nothing of XDP, or its MAC address is yet to be asked for.
 * But for a container that is given itself: its packet is then of this host's own
 * address, and the stack takes no such packet from outside.
 */
static __always_inline bool
local_needs_stack(const struct pkt *p, const struct weir_backend *backend, const struct hop *hop)
{
	const __u64 *addr = (const __u64 *)backend->addr;

	if (p->src.half[0] == addr[0] && p->src.half[1] == addr[1])
		return false;
	return backend->flags & WEIR_BACKEND_STACK || hop->reason == WEIR_R_LB_NO_NEIGHBOUR;
}

#endif
