/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_XDP_PARSE_H
#define WEIR_XDP_PARSE_H

#include "weir/bpf/packet.h"

/*
 * Not inlined, so that no pointer into the packet outlives it: the verifier
 * would follow each way to parse a frame through all stages. Returns 0.
 */
static __noinline int parse(struct xdp_md *ctx, struct pkt *p, enum weir_depth depth)
{
	if (depth == WEIR_DEPTH_ALL &&
	    pkt_parse_plain((void *)(long)ctx->data, (void *)(long)ctx->data_end, p))
		return 0;
	pkt_init(p, p->bytes, p->has);
	pkt_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, depth);
	return 0;
}

#endif
