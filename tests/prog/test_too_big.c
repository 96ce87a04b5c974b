// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is too big for the way to its backend, or has no TTL left, is answered
 * byte for byte as the RFCs want it, in the service's name.
 */
#include <stdlib.h>
#include <string.h>

#include "forward_case.h"
#include "weir/cpu.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MTU 1500
#define CLIENT4 "198.51.100.7"
#define CLIENT6 "2001:db8:c::7"

/* Services, whose VIPs end in the row's number plus 1. */
static const struct way {
	const char *words, *backend;
	__u32 overhead;
} ways[] = {
	{ "forward ipip", "10.1.0.11", 20 },
	{ "forward ipip", "2001:db8:1::12", 40 },
	{ "forward ipip", "10.9.0.5", 20 }, /* out of another device */
	{ "forward l2", "10.1.0.12", 0 },
};

enum { IPIP4, IPIP6, IPIP4_OUT, L2 };

static struct harness h;
static struct testnet net;
static const char *refusal;

static const char *config(void)
{
	static char text[4096];

	strcpy(text, "interface in0 { xdp auto; balance }\n");
	for (__u32 i = 0; i < COUNT(ways); i++)
		forward_add_service(text, sizeof(text), i + 1, ways[i].words, ways[i].backend);
	return text;
}

static int start(void **state)
{
	(void)state;
	refusal = forward_start(&h, &net, config(), &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static void shell(const char *command)
{
	if (system(command))
		fail_msg("%s failed", command);
}

struct error {
	__u8 type4, code4, type6;
	__u32 mtu;
};

/* The outer IP header of the answer, which has @bytes behind it. */
static size_t put_header(__u8 *ip, const __u8 *was, bool v6, size_t bytes)
{
	memset(ip, 0, v6 ? 40 : 20);
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, (__u32)bytes);
		ip[6] = IPPROTO_ICMPV6;
		ip[7] = 64;
		memcpy(ip + 8, was + 24, 16);
		memcpy(ip + 24, was + 8, 16);
		return 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, (__u32)(20 + bytes));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, was + 16, 4);
	memcpy(ip + 16, was + 12, 4);
	put16(ip + 10, packet_checksum(packet_sum(ip, 20, 0)));
	return 20;
}

/* RFC 1812, section 4.3.2.3: up to 576 bytes; RFC 4443, section 2.4: up to 1,280. */
static void expect_error(const struct frame *in, const struct error *e, struct frame *want)
{
	const __u8 *was = in->bytes + ETHERNET_BYTES;
	bool v6 = in->bytes[12] == 0x86;
	size_t quoted = in->size - ETHERNET_BYTES, most = v6 ? 1280 - 48 : 576 - 28, header;
	__u8 *ip = want->bytes + ETHERNET_BYTES, *icmp;
	__u32 pseudo = 0;

	if (quoted > most)
		quoted = most;
	memcpy(want->bytes, in->bytes + 6, 6);
	memcpy(want->bytes + 6, in->bytes, 6);
	memcpy(want->bytes + 12, in->bytes + 12, 2);
	header = put_header(ip, was, v6, 8 + quoted);
	icmp = ip + header;
	memset(icmp, 0, 8);
	icmp[0] = v6 ? e->type6 : e->type4;
	icmp[1] = v6 ? 0 : e->code4;
	put16(icmp + 6, e->mtu);
	memcpy(icmp + 8, was, quoted);
	if (v6)
		pseudo = packet_sum(ip + 8, 32, IPPROTO_ICMPV6 + 8 + (__u32)quoted);
	put16(icmp + 2, packet_checksum(packet_sum(icmp, 8 + quoted, pseudo)));
	want->size = ETHERNET_BYTES + header + 8 + quoted;
}

static void assert_frames_equal(const struct frame *a, const struct frame *b)
{
	if (a->size == b->size && !memcmp(a->bytes, b->bytes, a->size))
		return;
	frame_print(a);
	frame_print(b);
	fail_msg("frames differ");
}

/* A packet of @bytes, from its IP header on, to service @way; good until the next. */
static struct packet to_service(__u32 way, bool v6, __u32 bytes)
{
	static char vip[64];
	struct packet p = { .src = v6 ? CLIENT6 : CLIENT4,
			    .dst = vip,
			    .proto = IPPROTO_UDP,
			    .sport = 40000,
			    .dport = 443,
			    .fragment = v6 ? 0 : IPV4_DONT_FRAGMENT };

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", way + 1);
	p.payload = (__u16)(bytes - (v6 ? 48 : 28));
	return p;
}

static void run(const struct packet *p, struct frame *in, struct outcome *out)
{
	harness_clear(&h, WEIR_MAP_CPU);
	packet_build(p, in);
	assert_int_equal(harness_run(&h, HOOK_XDP, in, out), 0);
}

static void check_told(const struct packet *p, const struct error *e, enum weir_reason reason)
{
	__u64 before = harness_reason(&h, 0, reason);
	static struct frame in, want;
	static struct outcome out;

	run(p, &in, &out);
	expect_error(&in, e, &want);
	assert_int_equal(out.verdict, XDP_TX);
	assert_frames_equal(&out.frame, &want);
	assert_int_equal(harness_reason(&h, 0, reason), before + 1);
}

static void check_dropped(const struct packet *p, enum weir_reason reason)
{
	__u64 before = harness_reason(&h, 0, reason);
	static struct frame in;
	static struct outcome out;

	run(p, &in, &out);
	assert_int_equal(out.verdict, XDP_DROP);
	assert_int_equal(harness_reason(&h, 0, reason), before + 1);
}

static void check_forwarded(const struct packet *p)
{
	__u64 before = harness_reason(&h, 0, WEIR_R_LB_FORWARD);
	static struct frame in;
	static struct outcome out;

	run(p, &in, &out);
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_FORWARD), before + 1);
}

static void a_packet_that_does_not_fit_is_answered_with_what_does(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 way = 0; way < COUNT(ways); way++) {
		const struct error e = { 3, 4, 2, MTU - ways[way].overhead };

		for (int v6 = 0; v6 < 2; v6++) {
			for (__u32 more = 1; more < 12; more += 5) {
				struct packet p = to_service(way, v6, e.mtu + more);

				check_told(&p, &e, WEIR_R_LB_TOO_BIG_TOLD);
			}
		}
	}
}

static void a_packet_that_just_fits_is_forwarded(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 way = 0; way < COUNT(ways); way++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct packet p = to_service(way, v6, MTU - ways[way].overhead);

			check_forwarded(&p);
		}
	}
}

static void IPv4_that_may_be_fragmented_is_dropped_and_counted(void **state)
{
	struct packet p = to_service(IPIP4, false, MTU - 19);

	(void)state;
	NEED_NET();
	p.fragment = 0;
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
}

/* The MTU of the way to a backend is not always its device's. */
static void the_mtu_of_a_route_counts(void **state)
{
	const struct error e4 = { 3, 4, 2, 1400 - 20 }, e6 = { 3, 4, 2, 1400 - 40 };
	struct packet p;

	(void)state;
	NEED_NET();
	shell("ip route add 10.1.0.11/32 dev in0 mtu lock 1400 &&"
	      " ip route add 2001:db8:1::12/128 dev in0 mtu lock 1400");
	/* Another program has forgotten the answers of this one. */
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
	p = to_service(IPIP4, false, 1381);
	check_told(&p, &e4, WEIR_R_LB_TOO_BIG_TOLD);
	p = to_service(IPIP6, true, 1361);
	check_told(&p, &e6, WEIR_R_LB_TOO_BIG_TOLD);
	shell("ip route del 10.1.0.11/32 && ip -6 route del 2001:db8:1::12/128");
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
}

/* No IPv6 sender goes below 1,280: RFC 8200, section 5. */
static void IPv6_is_told_nothing_that_it_would_not_believe(void **state)
{
	struct packet p = to_service(IPIP6, true, 1280);
	const struct error e4 = { 3, 4, 2, 1300 - 40 };

	(void)state;
	NEED_NET();
	shell("ip route add 2001:db8:1::12/128 dev in0 mtu lock 1300");
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
	p = to_service(IPIP6, false, 1261);
	check_told(&p, &e4, WEIR_R_LB_TOO_BIG_TOLD);
	shell("ip -6 route del 2001:db8:1::12/128");
	harness_load(&h, HOOK_XDP, 0, STAGE(BALANCE));
}

static void options_and_extensions_are_quoted(void **state)
{
	const struct error e = { 3, 4, 2, MTU - 20 };
	struct packet p;

	(void)state;
	NEED_NET();
	for (__u8 words = 1; words <= 10; words++) {
		p = to_service(IPIP4, false, MTU - 20);
		p.option_words = words;
		check_told(&p, &e, WEIR_R_LB_TOO_BIG_TOLD);
	}
	p = to_service(IPIP4, true, MTU - 20);
	p.extensions[0] = (struct packet_extension)EXT_DSTOPTS(2);
	check_told(&p, &e, WEIR_R_LB_TOO_BIG_TOLD);
}

static void TCP_is_told_like_UDP(void **state)
{
	const struct error e = { 3, 4, 2, MTU - 40 };

	(void)state;
	NEED_NET();
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = to_service(IPIP6, v6, MTU - 40);

		p.proto = IPPROTO_TCP;
		p.flags = ACK;
		check_told(&p, &e, WEIR_R_LB_TOO_BIG_TOLD);
	}
}

static void who_must_not_be_told_is_not(void **state)
{
	struct packet p = to_service(IPIP4, false, MTU);

	(void)state;
	NEED_NET();
	p.dmac = 0xffffffffffff;
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
	p.dmac = 0;
	p.src = "255.255.255.255";
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
	p = to_service(IPIP4, true, MTU);
	p.src = "ff02::1";
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
	p.src = "::";
	check_dropped(&p, WEIR_R_LB_TOO_BIG);
}

static void answers_are_bounded(void **state)
{
	__u64 told = harness_reason(&h, 0, WEIR_R_LB_TOO_BIG_TOLD), silent;
	struct packet p = to_service(IPIP4, false, MTU);
	static struct frame in;
	static struct outcome out;

	(void)state;
	NEED_NET();
	silent = harness_reason(&h, 0, WEIR_R_LB_TOO_BIG);
	harness_clear(&h, WEIR_MAP_CPU);
	packet_build(&p, &in);
	for (int i = 0; i < 5 * WEIR_REJECT_BURST; i++)
		assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	told = harness_reason(&h, 0, WEIR_R_LB_TOO_BIG_TOLD) - told;
	silent = harness_reason(&h, 0, WEIR_R_LB_TOO_BIG) - silent;
	assert_int_equal(told + silent, 5 * WEIR_REJECT_BURST);
	assert_in_range(told, WEIR_REJECT_BURST, 4 * WEIR_REJECT_BURST);
}

static void a_TTL_that_ends_here_is_answered(void **state)
{
	const struct error e = { 11, 0, 3, 0 };

	(void)state;
	NEED_NET();
	for (__u32 way = IPIP4; way <= IPIP4_OUT; way++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct packet p = to_service(way, v6, 100);

			p.ttl = 1;
			check_told(&p, &e, WEIR_R_LB_TTL_TOLD);
			p.ttl = -1; /* 0 */
			check_told(&p, &e, WEIR_R_LB_TTL_TOLD);
			p.ttl = 2;
			check_forwarded(&p);
		}
	}
}

static void l2_is_no_hop(void **state)
{
	struct packet p = to_service(L2, false, 100);

	(void)state;
	NEED_NET();
	p.ttl = 1;
	check_forwarded(&p);
	p = to_service(L2, true, 100);
	p.ttl = 1;
	check_forwarded(&p);
}

static void a_cut_packet_is_told_nothing(void **state)
{
	static struct frame f;
	static struct outcome out;

	(void)state;
	NEED_NET();
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet p = to_service(IPIP4, v6, MTU);

		packet_build(&p, &f);
		while (f.size-- > ETHERNET_BYTES) {
			assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
			assert_int_equal(out.verdict, XDP_PASS);
			assert_frames_equal(&out.frame, &f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_that_does_not_fit_is_answered_with_what_does),
		cmocka_unit_test(a_packet_that_just_fits_is_forwarded),
		cmocka_unit_test(IPv4_that_may_be_fragmented_is_dropped_and_counted),
		cmocka_unit_test(the_mtu_of_a_route_counts),
		cmocka_unit_test(IPv6_is_told_nothing_that_it_would_not_believe),
		cmocka_unit_test(options_and_extensions_are_quoted),
		cmocka_unit_test(TCP_is_told_like_UDP),
		cmocka_unit_test(who_must_not_be_told_is_not),
		cmocka_unit_test(answers_are_bounded),
		cmocka_unit_test(a_TTL_that_ends_here_is_answered),
		cmocka_unit_test(l2_is_no_hop),
		cmocka_unit_test(a_cut_packet_is_told_nothing),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
