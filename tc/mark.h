/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking over the mark that a rule gave a packet at XDP.
 */
#ifndef WEIR_TC_MARK_H
#define WEIR_TC_MARK_H

#include <linux/bpf.h>

#include "weir/mark.h"

static __always_inline void take_mark(struct __sk_buff *skb)
{
	const void *room = (void *)(long)skb->data_meta;
	const struct weir_mark *misplaced = room, *mark = room + WEIR_MARK_OFFSET;

	if (room + WEIR_MARK_ROOM > (void *)(long)skb->data)
		return;
	/* This one first: where it is, the other lies in what the sender wrote. */
	if (misplaced->magic == WEIR_MARK_MAGIC)
		skb->mark = misplaced->mark;
	else if (mark->magic == WEIR_MARK_MAGIC)
		skb->mark = mark->mark;
}

#endif
