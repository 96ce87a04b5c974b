/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handing a mark on: no socket buffer exists yet that could carry it.
 */
#ifndef WEIR_XDP_MARK_H
#define WEIR_XDP_MARK_H

#include "weir/bpf/packet.h"
#include "weir/mark.h"

/* A driver without room for metadata loses the mark, and the packet goes on. */
static __always_inline void hand_mark_on(struct xdp_md *ctx, const struct pkt *p)
{
	struct weir_mark *mark;

	if (!(p->has & PKT_MARKED) || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return;
	mark = (void *)(long)ctx->data_meta;
	if ((void *)(mark + 1) > (void *)(long)ctx->data)
		return;
	mark->magic = WEIR_MARK_MAGIC;
	mark->mark = p->mark;
}

#endif
