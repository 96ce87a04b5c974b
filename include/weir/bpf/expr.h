/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pcap-filter(7) expression as a condition of a rule. ctl translates it and
 * puts the code where weir_expr() stands in the object, before it is loaded;
 * each layer has an expr.h with the functions for its context.
 */
#ifndef WEIR_BPF_EXPR_H
#define WEIR_BPF_EXPR_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir/expr.h"

/* Whether the frame matches the expression of @id; one that the program lacks does not. */
static __always_inline bool expr_holds(void *ctx, __u32 id);

#define EXPR_TEXT_OF(number) #number
#define EXPR_TEXT(number) EXPR_TEXT_OF(number)

/*
 * The room for the code. What is not needed is cut off before the load. The
 * compiler must neither know the result nor leave an argument out.
 */
#define EXPR_ROOM(result, ctx, id)                                                       \
	asm volatile("%0 = 0\n\t.rept " EXPR_TEXT(WEIR_EXPR_INSNS) "\n\tr0 = 0\n\t.endr" \
		     : "=r"(result)                                                      \
		     : "r"(ctx), "r"(id)                                                 \
		     : "r0", "memory")

/* No frame is longer, and the helpers' offsets are narrower. */
#define EXPR_MAX_OFFSET 0xffffff

/* The most significant byte first, as classic BPF loads it. */
static __always_inline __s64 expr_number(const __u8 *bytes, __u32 size)
{
	if (size == 1)
		return bytes[0];
	if (size == 2)
		return bytes[0] << 8 | bytes[1];
	return (__s64)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

#endif
