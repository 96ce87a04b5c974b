/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions at XDP, where a frame is as it was on the wire.
 */
#ifndef WEIR_XDP_EXPR_H
#define WEIR_XDP_EXPR_H

#include "weir/bpf/expr.h"

/*
 * A load that may lie outside the linear part: the number, or -1 where the
 * frame ends before it. @size is 1, 2 or 4. Called by translated code only.
 */
__attribute__((used)) __noinline __s64 weir_expr_load(struct xdp_md *ctx, __u64 offset, __u32 size)
{
	__u8 bytes[4] = {};
	long error;

	if (offset > EXPR_MAX_OFFSET)
		return -1;
	if (size == 1)
		error = bpf_xdp_load_bytes(ctx, offset, bytes, 1);
	else if (size == 2)
		error = bpf_xdp_load_bytes(ctx, offset, bytes, 2);
	else
		error = bpf_xdp_load_bytes(ctx, offset, bytes, 4);
	return error ? -1 : expr_number(bytes, size);
}

__noinline int weir_expr(struct xdp_md *ctx, __u32 id)
{
	int holds;

	EXPR_ROOM(holds, ctx, id);
	return holds;
}

static __always_inline bool expr_holds(void *ctx, __u32 id)
{
	return weir_expr(ctx, id);
}

#endif
