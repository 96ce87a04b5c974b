// SPDX-License-Identifier: GPL-2.0-only
/*
 * Expressions as ctl translates them, and the same by hand, as one would write
 * them into an XDP program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../xdp/expr.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by bench_expr.c. */
__u32 id;
__u32 matches;

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int translated(struct xdp_md *ctx)
{
	matches += expr_holds(ctx, id);
	return XDP_PASS;
}

/* The TCP header of a packet that is not a later fragment; NULL where there is none. */
static __always_inline struct tcphdr *tcp_of(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = data + sizeof(*eth);
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp;

	if (data + sizeof(*eth) + sizeof(*ip) > end)
		return NULL;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(0x1fff))
			return NULL;
		tcp = (void *)ip + ip->ihl * 4;
	} else {
		if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(ip6 + 1) > end ||
		    ip6->nexthdr != IPPROTO_TCP)
			return NULL;
		tcp = (void *)(ip6 + 1);
	}
	return (void *)(tcp + 1) > end ? NULL : tcp;
}

/* tcp port 80 */
SEC("xdp.frags")
int port_by_hand(struct xdp_md *ctx)
{
	struct tcphdr *tcp = tcp_of(ctx);

	matches += tcp && (tcp->source == bpf_htons(80) || tcp->dest == bpf_htons(80));
	return XDP_PASS;
}

/* tcp[13] & 0x3f = 0 */
SEC("xdp.frags")
int flags_by_hand(struct xdp_md *ctx)
{
	struct tcphdr *tcp = tcp_of(ctx);

	matches += tcp && !(((__u8 *)tcp)[13] & 0x3f);
	return XDP_PASS;
}
