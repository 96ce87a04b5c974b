/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_XDP_PARSE_H
#define WEIR_XDP_PARSE_H

#include "weir/bpf/packet.h"
#include "weir/bpf/packet_plain.h"

/*
 * Not inlined, so that no pointer into the packet outlives it: the verifier
 * would follow each way to parse a frame through all stages. Returns 0.
 */
static __noinline KEEPS_RETURN int parse(struct xdp_md *ctx, struct pkt *p, enum weir_depth depth)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;

	if (!pkt_parse_plain(data, data_end, p))
		pkt_parse(data, data_end, p, depth);
	return 0;
}

#endif
