// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back from a container by itself, at TC.
 */
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "../../tc/hook.h"
#include "../../tc/return.h"

#include "nat_world.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the test. */
struct nat_world world;

/* Read by the test. */
__u32 reason;

static struct pkt packet;
static struct nat flow;

static __noinline int parse(struct __sk_buff *skb)
{
	pkt_init(&packet, skb->len, skb->vlan_present ? PKT_TAGGED : 0);
	pkt_parse((void *)(long)skb->data, (void *)(long)skb->data_end, &packet, WEIR_DEPTH_ALL);
	return 0;
}

SEC("tc")
int nat_back_in(struct __sk_buff *skb)
{
	int result;

	parse(skb);
	result = return_local(skb, &world.image, &packet, &flow);
	reason = result & 0xffff;
	return result >> 16;
}
