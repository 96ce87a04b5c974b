// SPDX-License-Identifier: GPL-2.0-only
/*
 * Around the two programs of an interface at tc: each packet is the next of a
 * conversation. All flows speak at ingress, then all at egress, and so on; with
 * one flow the sides take turns.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define HEADER_BYTES 66
#define ADDRESSES (ETH_HLEN + 12)
#define L4 (ETH_HLEN + 20)
#define FIRST 1000
#define PAYLOAD 80

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} under_test SEC(".maps");

enum converse_kind { CONVERSE_TIMESTAMPS, CONVERSE_SEQUENCE, CONVERSE_SAME, CONVERSE_DATAGRAM };

/* Set by latency_bench.c. */
__u8 header[HEADER_BYTES] __attribute__((aligned(8)));
__u32 flow_bits;
__u32 kind; /* enum converse_kind */
__u32 packets;

struct tcp_words {
	__be16 source, dest;
	__be32 seq, ack, rest[2];
	__be32 nops, tsval, tsecr;
};

static __always_inline void write_numbers(struct tcp_words *tcp, __u32 visit, __u32 is_egress)
{
	__u32 mine = FIRST + visit, theirs = is_egress ? mine : mine - 1;

	if (kind == CONVERSE_SAME)
		mine = theirs = FIRST;
	tcp->seq = bpf_htonl(mine * PAYLOAD);
	tcp->ack = bpf_htonl((theirs + 1) * PAYLOAD);
	if (kind == CONVERSE_SEQUENCE)
		return;
	tcp->tsval = bpf_htonl(mine);
	tcp->tsecr = bpf_htonl(theirs);
}

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int around(struct __sk_buff *skb)
{
	__u32 n = packets++, turn = n >> flow_bits;
	/* Odd, so that it visits every flow before it visits one again, and not in order. */
	__u32 flow = n * 2654435761U & ((1U << flow_bits) - 1);
	__u8 *data = (__u8 *)(long)skb->data, *end = (__u8 *)(long)skb->data_end;
	__be32 client = bpf_htonl(0xC6120000 + (flow >> 12)), server = bpf_htonl(0xC0000201);
	__be16 port = bpf_htons(1024 + (flow & 0xfff));
	struct tcp_words *tcp = (void *)(data + L4);
	__u32 is_egress = turn & 1;

	if (data + HEADER_BYTES > end)
		return TC_ACT_SHOT;
	__builtin_memcpy(data, header, HEADER_BYTES);
	*(__be32 *)(data + ADDRESSES) = is_egress ? server : client;
	*(__be32 *)(data + ADDRESSES + 4) = is_egress ? client : server;
	if (is_egress) {
		tcp->source = tcp->dest;
		tcp->dest = port;
	} else {
		tcp->source = port;
	}
	if (kind != CONVERSE_DATAGRAM)
		write_numbers(tcp, turn >> 1, is_egress);
	bpf_tail_call(skb, &under_test, is_egress);
	return TC_ACT_SHOT;
}
