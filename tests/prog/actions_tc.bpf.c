// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the filter's actions that TC does in another way than XDP.
 */
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "../../tc/hook.h"
#include "../../tc/reject.h"

char LICENSE[] SEC("license") = "GPL";

/* Read by the test. */
__u32 reason;

static struct pkt packet;
static struct log_waiting waiting;

static __noinline int parse(struct __sk_buff *skb)
{
	pkt_init(&packet, skb->len, skb->vlan_present ? PKT_TAGGED : 0);
	pkt_parse((void *)(long)skb->data, (void *)(long)skb->data_end, &packet, WEIR_DEPTH_ALL);
	return 0;
}

static __always_inline int told(int result)
{
	reason = result & 0xffff;
	return result >> 16;
}

SEC("tc")
int reject_in(struct __sk_buff *skb)
{
	parse(skb);
	return told(reject_ingress(skb, &packet));
}

SEC("tc")
int reject_out(struct __sk_buff *skb)
{
	parse(skb);
	return told(reject_egress(skb, &packet));
}

SEC("tc")
int log_one(struct __sk_buff *skb)
{
	parse(skb);
	hook_log(skb, &packet, &waiting, 7);
	if (packet.has & PKT_LOGGED)
		log_tell(&waiting, WEIR_R_CONTINUE);
	return 0;
}
