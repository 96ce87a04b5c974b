/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions at TC. The kernel keeps the outermost tag beside the frame;
 * an expression sees it where it was on the wire.
 */
#ifndef WEIR_TC_EXPR_H
#define WEIR_TC_EXPR_H

#include "weir/bpf/expr.h"

#define TAG_OFFSET 12
#define TAG_BYTES 4

static __always_inline __u8 tag_byte(const struct __sk_buff *skb, __u64 index)
{
	__u16 type = bpf_ntohs(skb->vlan_proto), tci = skb->vlan_tci;

	switch (index) {
	case 0:
		return type >> 8;
	case 1:
		return type;
	case 2:
		return tci >> 8;
	default:
		return tci;
	}
}

/* One byte at an offset of the frame as it was on the wire, or -1. */
static __always_inline long load_byte(struct __sk_buff *skb, __u64 offset)
{
	__u8 byte = 0;

	if (skb->vlan_present && offset >= TAG_OFFSET) {
		if (offset < TAG_OFFSET + TAG_BYTES)
			return tag_byte(skb, offset - TAG_OFFSET);
		offset -= TAG_BYTES;
	}
	return bpf_skb_load_bytes(skb, offset, &byte, 1) ? -1 : byte;
}

/*
 * A load that may lie outside the linear part, or touch the tag: the number,
 * or -1 where the frame ends before it. @size is 1, 2 or 4. Called by
 * translated code only.
 */
__attribute__((used)) __noinline __s64 weir_expr_load(struct __sk_buff *skb, __u64 offset,
						      __u32 size)
{
	__u8 bytes[4] = {};

	if (offset > EXPR_MAX_OFFSET)
		return -1;
	for (__u32 i = 0; i < 4 && i < size; i++) {
		long byte = load_byte(skb, offset + i);

		if (byte < 0)
			return -1;
		bytes[i] = byte;
	}
	return expr_number(bytes, size);
}

__noinline int weir_expr(struct __sk_buff *skb, __u32 id)
{
	int holds;

	EXPR_ROOM(holds, skb, id);
	return holds;
}

static __always_inline bool expr_holds(void *ctx, __u32 id)
{
	return weir_expr(ctx, id);
}

#endif
