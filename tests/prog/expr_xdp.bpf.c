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
__u64 holds;

SEC("xdp.frags")
int expr_xdp(struct xdp_md *ctx)
{
	__u64 found = 0;

	for (__u32 i = 0; i < WEIR_EXPR_MAX; i++)
		found |= (__u64)expr_holds(ctx, ids[i]) << i;
	holds = found;
	return XDP_PASS;
}
