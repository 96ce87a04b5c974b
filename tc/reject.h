/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending the answer to a rejected packet from TC, in the packet's place: out
 * of the device, or, to a sender on this host, back in.
 *
 * The kernel may be about to complete a checksum, at a place that it has noted
 * in its buffer. Headers are added and taken off so that the transport header
 * stays where it is there; see reject_build_reset().
 */
#ifndef WEIR_TC_REJECT_H
#define WEIR_TC_REJECT_H

#include <linux/pkt_cls.h>

#include "weir/bpf/reject.h"

/* Marks an answer that weir sends to its own host; its ingress lets it by. In skb->tc_index. */
#define REJECT_ANSWER 0x7765

enum reject_way {
	REJECT_OUT, /* the packet came in */
	REJECT_IN, /* it was to leave */
};

/* The first knows where the IP header is to be, but not behind a tag in the frame. */
static __always_inline long reject_grow(struct __sk_buff *skb, __u32 bytes)
{
	if (!bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC, 0))
		return 0;
	return bpf_skb_change_head(skb, bytes, 0);
}

/*
 * Behind a tag in the frame the kernel does not know where the IP header is:
 * the transport header moves up instead, over the options. The kernel refuses
 * that where it is to complete the checksum; no answer is better than a broken one.
 */
static __always_inline long reject_close_gap(struct __sk_buff *skb, const struct pkt *p,
					     __u32 options)
{
	if (!bpf_skb_adjust_room(skb, -(int)options, BPF_ADJ_ROOM_NET, 0))
		return 0;
	return bpf_skb_change_tail(skb, p->l4_offset - options + sizeof(struct tcphdr), 0);
}

/*
 * Cut the packet to what the answer keeps of it, and make room before it or
 * close the gap that options leave. Cutting drops what only larger packets
 * have, too: pages, segments.
 */
static __always_inline long reject_reshape(struct __sk_buff *skb, const struct pkt *p,
					   const struct reject *r)
{
	__u32 ip = p->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	__u32 options = p->l4_offset - p->l3_offset - ip;

	if (r->quoted) {
		if (bpf_skb_change_tail(skb, p->l3_offset + r->quoted, 0))
			return -1;
		return reject_grow(skb, ip + sizeof(struct icmp));
	}
	if (bpf_skb_change_tail(skb, p->l4_offset + sizeof(struct tcphdr), 0))
		return -1;
	return options ? reject_close_gap(skb, p, options) : 0;
}

static __always_inline int reject_answer(struct __sk_buff *skb, const struct pkt *p,
					 enum reject_way way)
{
	__u8 l2[REJECT_MOST_L2 + 2] = {};
	__u32 ifindex = skb->ifindex;
	enum weir_reason reason;
	struct reject r = {};

	reason = reject_prepare(&r, skb, p, l2, REJECT_ACTION);
	if (reason != WEIR_R_FILTER_REJECT)
		return REJECT_RESULT(reason, TC_ACT_SHOT);
	if (way == REJECT_OUT)
		ifindex = reject_exit(skb, p, &r, ifindex, l2);
	if (reject_reshape(skb, p, &r) || reject_put(skb, &r, l2))
		return REJECT_RESULT(WEIR_R_FILTER_REJECT_SILENT, TC_ACT_SHOT);
	if (way == REJECT_OUT)
		return REJECT_RESULT(reason, bpf_redirect(ifindex, 0));
	skb->tc_index = REJECT_ANSWER;
	return REJECT_RESULT(reason, bpf_redirect(ifindex, BPF_F_INGRESS));
}

/*
 * Turn a packet that came in into the answer to it, and send that. Not inlined:
 * cold, and verified once. Returns REJECT_RESULT().
 */
__noinline int reject_ingress(struct __sk_buff *skb, const struct pkt *p)
{
	if (!p)
		return REJECT_RESULT(WEIR_R_FILTER_REJECT_SILENT, TC_ACT_SHOT);
	return reject_answer(skb, p, REJECT_OUT);
}

/* The same with a packet that was to leave: its sender is on this side. */
__noinline int reject_egress(struct __sk_buff *skb, const struct pkt *p)
{
	if (!p)
		return REJECT_RESULT(WEIR_R_FILTER_REJECT_SILENT, TC_ACT_SHOT);
	return reject_answer(skb, p, REJECT_IN);
}

#endif
