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
	const struct weir_mark *mark = (void *)(long)skb->data_meta;

	if ((void *)(mark + 1) <= (void *)(long)skb->data && mark->magic == WEIR_MARK_MAGIC)
		skb->mark = mark->mark;
}

#endif
