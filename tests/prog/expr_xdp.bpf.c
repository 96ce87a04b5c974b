// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks expressions about a frame at XDP, each by its id.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../../xdp/expr.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test, and read by it. */
__u32 ids[WEIR_EXPR_MAX];
int holds[WEIR_EXPR_MAX];

SEC("xdp.frags")
int expr_xdp(struct xdp_md *ctx)
{
	/* No branches here, or Linux 6.1 follows 2^64 ways. */
	for (__u32 i = 0; i < WEIR_EXPR_MAX; i++)
		holds[i] = weir_expr(ctx, ids[i]);
	return XDP_PASS;
}
