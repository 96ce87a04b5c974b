// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a list of addresses can cost with a map of the kernel's: where
 * the source is, one lookup, one count, the verdict.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, __be32);
	__type(value, __u64);
} addresses SEC(".maps");

SEC("xdp")
int drop_listed(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 *packets;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	packets = bpf_map_lookup_elem(&addresses, &ip->saddr);
	if (!packets)
		return XDP_PASS;
	++*packets;
	return XDP_DROP;
}
