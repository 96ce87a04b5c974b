// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks expressions about a frame at TC, each by its id; first, if the test
 * says so, with a tag put beside the frame as the kernel does.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../tc/expr.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test, and read by it. */
__u32 ids[WEIR_EXPR_MAX];
int holds[WEIR_EXPR_MAX];
__u16 tag_type; /* 0: none */
__u16 tag_tci;

SEC("tc")
int expr_tc(struct __sk_buff *skb)
{
	if (tag_type && bpf_skb_vlan_push(skb, bpf_htons(tag_type), tag_tci))
		return TC_ACT_SHOT;
	/* No branches here, or Linux 6.1 follows 2^64 ways. */
	for (__u32 i = 0; i < WEIR_EXPR_MAX; i++)
		holds[i] = weir_expr(skb, ids[i]);
	return TC_ACT_OK;
}
