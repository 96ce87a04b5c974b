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
	void *room;

	if (!(p->has & PKT_MARKED) || bpf_xdp_adjust_meta(ctx, -WEIR_MARK_ROOM))
		return;
	room = (void *)(long)ctx->data_meta;
	if (room + WEIR_MARK_ROOM > (void *)(long)ctx->data)
		return;
	__builtin_memset(room, 0, WEIR_MARK_ROOM);
	mark = room + WEIR_MARK_OFFSET;
	mark->magic = WEIR_MARK_MAGIC;
	mark->mark = p->mark;
}

#endif
