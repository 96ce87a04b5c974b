// SPDX-License-Identifier: GPL-2.0-only
/*
 * Around a program under test: makes the frame the next packet of a trace, and
 * calls the program. A test run with repeat would hand it the same packet.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "trace.h"

char LICENSE[] SEC("license") = "GPL";

#define IPV4_PROTO (ETH_HLEN + 9)
#define IPV4_ADDRESSES (ETH_HLEN + 12)
#define IPV4_PORTS (ETH_HLEN + 20)
#define IPV6_PROTO (ETH_HLEN + 6)
#define IPV6_ADDRESSES (ETH_HLEN + 8)
#define IPV6_PORTS (ETH_HLEN + 40)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} under_test SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace4);
} trace4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace6);
} trace6 SEC(".maps");

/* Set by driver.c: where in the trace the next packet is. */
__u32 at;

static __always_inline int write4(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 zero = 0;
	struct trace4 *trace = bpf_map_lookup_elem(&trace4, &zero);
	struct trace_header4 *h;

	if (!trace || data + FRAME4_BYTES > end)
		return -1;
	h = &trace->header[at++ % TRACE_HEADERS];
	data[IPV4_PROTO] = h->proto;
	__builtin_memcpy(data + IPV4_ADDRESSES, &h->saddr, 8);
	__builtin_memcpy(data + IPV4_PORTS, &h->sport, 4);
	return 0;
}

static __always_inline int write6(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 zero = 0;
	struct trace6 *trace = bpf_map_lookup_elem(&trace6, &zero);
	struct trace_header6 *h;

	if (!trace || data + FRAME6_BYTES > end)
		return -1;
	h = &trace->header[at++ % TRACE_HEADERS];
	data[IPV6_PROTO] = h->proto;
	__builtin_memcpy(data + IPV6_ADDRESSES, h->saddr, 32);
	__builtin_memcpy(data + IPV6_PORTS, &h->sport, 4);
	return 0;
}

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int around4(struct xdp_md *ctx)
{
	if (!write4(ctx))
		bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int around6(struct xdp_md *ctx)
{
	if (!write6(ctx))
		bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

/* For what stands behind XDP in the stack. */
SEC("xdp")
int inject4(struct xdp_md *ctx)
{
	return write4(ctx) ? XDP_ABORTED : XDP_PASS;
}
