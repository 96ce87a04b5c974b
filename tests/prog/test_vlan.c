// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Backends behind a VLAN device: their frames get its tag and leave by the
 * device below it. The FIB's answer names the VLAN device; here another device
 * stands for it, as not every kernel has VLANs.
 */
#include <string.h>

#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* out0 as VLAN 300 of in0; VIPs end in the row's number plus 1. */
static const struct way {
	const char *words, *backend;
	const __u8 *dmac;
	size_t overhead;
	__u16 type; /* behind the tag; 0: the packet's own */
} ways[] = {
	{ "forward l2", "10.2.0.11", testnet_out_11, 0, 0 },
	{ "forward ipip", "10.2.0.11", testnet_out_11, 20, TYPE_IPV4 },
	{ "forward ipip", "2001:db8:9::5", testnet_out_12, 40, TYPE_IPV6 },
	{ "forward gue checksum", "10.9.0.5", testnet_out_12, 32, TYPE_IPV4 },
};

static struct harness h;
static struct testnet net;
static const char *refusal;

static int start(void **state)
{
	static struct weir_vlan vlans[40];
	struct harness_host host = forward_host;
	char text[4096] = "interface in0 { xdp auto; balance }\n";
	size_t used;

	(void)state;
	refusal = harness_refusal();
	if (!refusal)
		refusal = testnet_start(&net);
	if (refusal)
		return 0;
	host.vlans = vlans;
	host.vlans_count = COUNT(vlans);
	for (__u32 i = 0; i < COUNT(vlans); i++)
		vlans[i] = (struct weir_vlan){ .ifindex = 1000 + i, .lower = 2000, .proto = 1 };
	vlans[COUNT(vlans) - 1] = (struct weir_vlan){
		.ifindex = net.out, .lower = net.in, .proto = htons(TYPE_8021AD), .tci = htons(300)
	};
	for (__u32 i = 0; i < COUNT(ways); i++)
		forward_add_service(text, sizeof(text), i + 1, ways[i].words, ways[i].backend);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used,
		 "service near { address 192.0.2.99; port tcp 443\n"
		 "forward l2; backend b 10.1.0.11 }\n");
	harness_start(&h, text, &host);
	h.flags = WEIR_PROGRAM_VLANS;
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
	h.ingress_ifindex = net.in;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static struct packet to_service(__u32 n, bool v6)
{
	static char vip[64];

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n);
	return (struct packet){ .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
				.dst = vip,
				.dport = 443,
				.flags = SYN,
				.payload = 33 };
}

static void check(const struct way *way, const struct packet *p)
{
	static const __u8 tag[4] = { 0x88, 0xa8, 300 >> 8, 300 & 0xff };
	static struct frame in, inner;
	struct packet hopped = *p;
	static struct outcome out;
	__u32 type;

	packet_build(p, &in);
	if (way->overhead)
		hopped.ttl = 60;
	packet_build(&hopped, &inner);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	assert_int_equal(out.verdict, XDP_TX);
	assert_int_equal(out.frame.size, in.size + 4 + way->overhead);
	assert_memory_equal(out.frame.bytes, way->dmac, 6);
	assert_memory_equal(out.frame.bytes + 6, net.out_mac, 6);
	assert_memory_equal(out.frame.bytes + 12, tag, 4);
	type = (__u32)out.frame.bytes[16] << 8 | out.frame.bytes[17];
	assert_int_equal(type, way->type ? way->type : strchr(p->src, ':') ? TYPE_IPV6 : TYPE_IPV4);
	assert_memory_equal(out.frame.bytes + 18 + way->overhead, inner.bytes + ETHERNET_BYTES,
			    inner.size - ETHERNET_BYTES);
}

static void a_frame_for_a_VLAN_device_leaves_below_it_with_its_tag(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 i = 0; i < COUNT(ways); i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct packet p = to_service(i + 1, v6);

			check(&ways[i], &p);
		}
	}
}

static void other_exits_get_no_tag(void **state)
{
	struct packet p = to_service(99, false);
	static struct frame in;
	static struct outcome out;

	(void)state;
	NEED_NET();
	packet_build(&p, &in);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	assert_int_equal(out.verdict, XDP_TX);
	assert_int_equal(out.frame.size, in.size);
	assert_memory_equal(out.frame.bytes + 12, in.bytes + 12, in.size - 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_for_a_VLAN_device_leaves_below_it_with_its_tag),
		cmocka_unit_test(other_exits_get_no_tag),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
