// SPDX-License-Identifier: GPL-2.0-only
/*
 * Around a program under test: puts the packet back as it was before the last
 * one forwarded it, makes it another flow's, and calls the program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define HEADER_BYTES 94 /* after Ethernet, whole words */
/* The low 32 bits of the source address, and the source port. */
#define SADDR4 (ETH_HLEN + 12)
#define SPORT4 (ETH_HLEN + 20)
#define SADDR6 (ETH_HLEN + 20)
#define SPORT6 (ETH_HLEN + 40)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} under_test SEC(".maps");

/* Set by bench.c. */
__u8 header[96] __attribute__((aligned(8)));
__u32 bytes;
__u32 flow_mask;
__u32 is_v6;
__u32 packets;
__u32 restores_all; /* as if the last packet had grown, also where it did not */

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/*
 * In words that no field straddles. A load of what was just stored in parts waits
 * until all of them are in the cache, which no packet that a device wrote makes a
 * program do.
 */
static __always_inline void restore(__u8 *data)
{
	__u64 *to = (__u64 *)(data + ETH_HLEN);
	const __u64 *from = (const __u64 *)(header + ETH_HLEN);

	*(__u64 *)data = *(const __u64 *)header;
	*(__u32 *)(data + 8) = *(const __u32 *)(header + 8);
	*(__u16 *)(data + 12) = *(const __u16 *)(header + 12);
#pragma unroll
	for (int i = 0; i < (HEADER_BYTES - ETH_HLEN) / 8; i++)
		to[i] = from[i];
}

SEC("xdp.frags")
int around(struct xdp_md *ctx)
{
	int grown = (int)bpf_xdp_get_buff_len(ctx) - (int)bytes;
	/* Odd, so that it visits every flow before it visits one again, and not in order. */
	__u32 flow = packets++ * 2654435761U & flow_mask;
	__u8 *data, *end;

	if ((grown || restores_all) && bpf_xdp_adjust_head(ctx, grown))
		return XDP_ABORTED;
	data = (__u8 *)(long)ctx->data;
	end = (__u8 *)(long)ctx->data_end;
	if (data + HEADER_BYTES > end)
		return XDP_ABORTED;
	restore(data);
	*(__be32 *)(data + (is_v6 ? SADDR6 : SADDR4)) = bpf_htonl(0xC6120000 + (flow >> 12));
	*(__be16 *)(data + (is_v6 ? SPORT6 : SPORT4)) = bpf_htons(1024 + (flow & 0xfff));
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}
