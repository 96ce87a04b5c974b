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
__be16 server_port;
__u32 flow_bits;
__u32 kind; /* enum converse_kind */
__u32 packets;

struct frame {
	__u8 ethernet[ETH_HLEN];
	__u8 ip[12];
	__be32 saddr, daddr;
	__be16 source, dest;
	__be32 seq, ack, rest[2];
	__be32 nops, tsval, tsecr;
} __attribute__((packed, aligned(2)));

/*
 * What differs from the packet before, each field by a store of its size: a
 * load of what was just stored in parts waits until all of them are in the
 * cache, which no packet that a device wrote makes a program do.
 */
#define PUT(at, type, value) (*(volatile type *)(void *)&(at) = (value))

static __always_inline void write_numbers(struct frame *f, __u32 visit, __u32 is_egress)
{
	__u32 mine = FIRST + visit, theirs = is_egress ? mine : mine - 1;

	PUT(f->seq, __be32, bpf_htonl(mine * PAYLOAD));
	PUT(f->ack, __be32, bpf_htonl((theirs + 1) * PAYLOAD));
	if (kind == CONVERSE_SEQUENCE)
		return;
	if (kind == CONVERSE_SAME)
		mine = theirs = FIRST;
	PUT(f->tsval, __be32, bpf_htonl(mine));
	PUT(f->tsecr, __be32, bpf_htonl(theirs));
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
	__be32 client = bpf_htonl(0xC6120000 + (flow >> 12)), server = bpf_htonl(0xC0000201);
	__be16 port = bpf_htons(1024 + (flow & 0xfff));
	struct frame *f = (void *)(long)skb->data;
	__u32 is_egress = turn & 1;

	if ((void *)(f + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	PUT(f->saddr, __be32, is_egress ? server : client);
	PUT(f->daddr, __be32, is_egress ? client : server);
	PUT(f->source, __be16, is_egress ? server_port : port);
	PUT(f->dest, __be16, is_egress ? port : server_port);
	if (kind != CONVERSE_DATAGRAM)
		write_numbers(f, turn >> 1, is_egress);
	bpf_tail_call(skb, &under_test, is_egress);
	return TC_ACT_SHOT;
}
