// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * There was no route to the backends when the configuration was applied, and
 * there is one now: nothing is sent that would have the source 0.0.0.0 or "::".
 */
#include <string.h>

#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* VIPs end in the row's number plus 1; clients are of the backend's family. */
static const struct way {
	const char *words, *backend;
	bool v6, is_sent;
} ways[] = {
	{ "forward ipip", "10.1.0.11", false, false },
	{ "forward ipip", "2001:db8:1::11", true, false },
	{ "forward gue", "10.1.0.11", false, false },
	{ "forward gue checksum", "2001:db8:1::11", true, false },
	{ "forward nat", "10.1.0.11", false, false },
	{ "forward nat", "2001:db8:1::11", true, false },
	/* These have one, or want none. */
	{ "forward ipip; source 172.31.0.9", "10.1.0.11", false, true },
	{ "forward gue; source 2001:db8:f::9", "2001:db8:1::11", true, true },
	{ "forward nat; source 172.31.0.9", "10.1.0.11", false, true },
	{ "forward nat; source 2001:db8:f::9", "2001:db8:1::11", true, true },
	{ "forward l2", "10.1.0.11", false, true },
	{ "forward l2", "2001:db8:1::11", true, true },
	{ "forward local", "10.1.0.11", false, true },
	{ "forward local", "2001:db8:1::11", true, true },
};

static struct harness h;
static struct testnet net;
static const char *refusal;

static void write_vip(__u32 n, char *text, size_t size)
{
	snprintf(text, size, ways[n].v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n + 1);
}

static int start(void **state)
{
	struct harness_host host = forward_host;
	char text[4096] = "interface in0 { xdp auto; balance }\n", vip[64];

	(void)state;
	host.source4 = host.source6 = NULL;
	for (__u32 n = 0; n < COUNT(ways); n++) {
		size_t used = strlen(text);

		write_vip(n, vip, sizeof(vip));
		snprintf(text + used, sizeof(text) - used,
			 "service s%u { address %s; port tcp 80, udp 80; %s; backend b %s }\n", n,
			 vip, ways[n].words, ways[n].backend);
	}
	refusal = forward_start(&h, &net, text, &host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static void check(__u32 n, __u8 proto, __u16 units)
{
	__u64 dropped = harness_reason(&h, 0, WEIR_R_LB_NO_ROUTE);
	static struct outcome out;
	static struct frame f;
	char vip[64];
	struct packet p = { .src = ways[n].v6 ? "2001:db8:c::7" : "198.51.100.7",
			    .dst = vip,
			    .proto = proto,
			    .sport = 1000,
			    .dport = 80,
			    .flags = SYN,
			    .fragment = units,
			    .payload = 64 };

	write_vip(n, vip, sizeof(vip));
	packet_build(&p, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	if (out.verdict != (ways[n].is_sent ? XDP_TX : XDP_DROP))
		fail_msg("%s to %s: verdict %u", ways[n].words, ways[n].backend, out.verdict);
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_NO_ROUTE), dropped + !ways[n].is_sent);
}

/* By the long way, and by the short one once the hop is known. */
static void nothing_is_sent_without_a_source(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 n = 0; n < COUNT(ways); n++) {
		for (int i = 0; i < 4; i++)
			check(n, i & 1 ? IPPROTO_UDP : IPPROTO_TCP, 0);
	}
}

static void neither_are_fragments(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 n = 0; n < COUNT(ways); n++) {
		if (ways[n].v6)
			continue;
		check(n, IPPROTO_UDP, IPV4_MORE_FRAGMENTS);
		check(n, IPPROTO_UDP, 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_without_a_source),
		cmocka_unit_test(neither_are_fragments),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
