// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ICMP to a VIP: pings are answered, errors go to the backend of the flow that
 * they quote, and what is neither is left alone.
 */
#include <string.h>

#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FLOWS 200
#define BACKENDS 4
#define ICMP_BYTES 8
#define PORTS_BYTES 8 /* of a transport header, the least that an error quotes */

static const char config[] =
	"interface in0 { xdp auto; balance }\n"
	"service web { address 192.0.2.1, 2001:db8:ff::1; port tcp 443, udp 443; forward l2\n"
	"backend b1 10.1.0.11\n backend b2 10.1.0.12\n"
	"backend b3 10.2.0.11\n backend b4 10.2.0.12 }\n";

static struct harness h;
static struct testnet net;
static const char *refusal;

static int start(void **state)
{
	(void)state;
	refusal = forward_start(&h, &net, config, &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

/* What a client sends to a VIP. */
static struct packet to_vip(bool v6, __u8 proto)
{
	return (struct packet){ .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
				.dst = v6 ? "2001:db8:ff::1" : "192.0.2.1",
				.proto = proto,
				.sport = 40000,
				.dport = 443,
				.flags = ACK,
				.payload = 64 };
}

static struct packet ping(bool v6)
{
	struct packet p = to_vip(v6, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	p.icmp_type = v6 ? 128 : 8;
	return p;
}

static void run(const struct frame *in, struct outcome *out)
{
	assert_int_equal(harness_run(&h, HOOK_XDP, in, out), 0);
}

static void assert_untouched(const struct packet *p)
{
	static struct outcome out;
	static struct frame in;

	packet_build(p, &in);
	run(&in, &out);
	assert_int_equal(out.verdict, XDP_PASS);
	assert_int_equal(out.frame.size, in.size);
	assert_memory_equal(out.frame.bytes, in.bytes, in.size);
}

/* The answer as its own sender would build it. */
static void check_ping(bool v6, __u8 option_words, __u16 tag)
{
	static struct frame in, want;
	static struct outcome out;
	struct packet p = ping(v6), answer;

	p.option_words = option_words;
	p.tags[0] = tag;
	answer = p;
	answer.src = p.dst;
	answer.dst = p.src;
	answer.smac = 0x020000000001;
	answer.dmac = 0x020000000002;
	answer.ttl = 64;
	answer.icmp_type = v6 ? 129 : 0;
	packet_build(&p, &in);
	packet_build(&answer, &want);
	run(&in, &out);
	assert_int_equal(out.verdict, XDP_TX);
	assert_int_equal(out.frame.size, want.size);
	assert_memory_equal(out.frame.bytes, want.bytes, want.size);
}

static void a_ping_of_a_vip_is_answered(void **state)
{
	__u64 before;

	(void)state;
	NEED_NET();
	before = harness_reason(&h, 0, WEIR_R_LB_PING);
	check_ping(false, 0, 0);
	check_ping(false, 3, 0);
	check_ping(true, 0, 0);
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_PING), before + 3);
}

static void what_is_no_ping_of_a_vip_is_left_alone(void **state)
{
	struct packet other = ping(false), other6 = ping(true), reply = ping(false);
	struct packet timestamp = ping(false), code = ping(false), fragment = ping(false);

	(void)state;
	NEED_NET();
	other.dst = "192.0.2.2";
	other6.dst = "2001:db8:ff::2";
	reply.icmp_type = 0;
	timestamp.icmp_type = 13;
	code.icmp_code = 1;
	fragment.fragment = IPV4_MORE_FRAGMENTS;
	assert_untouched(&other);
	assert_untouched(&other6);
	assert_untouched(&reply);
	assert_untouched(&timestamp);
	assert_untouched(&code);
	assert_untouched(&fragment);
}

static void a_ping_cut_at_any_byte_is_left_alone(void **state)
{
	(void)state;
	NEED_NET();
	for (int v6 = 0; v6 <= 1; v6++) {
		static struct frame f;
		static struct outcome out;
		struct packet p = ping(v6);

		packet_build(&p, &f);
		while (f.size-- > ETHERNET_BYTES) {
			run(&f, &out);
			assert_int_equal(out.verdict, XDP_PASS);
			assert_memory_equal(out.frame.bytes, f.bytes, f.size);
		}
	}
}

/* Which backend a frame went to, by its destination's MAC and the way out. */
static size_t backend_of(const struct outcome *out)
{
	const __u8 *const macs[BACKENDS] = { testnet_in_11, testnet_in_12, testnet_out_11,
					     testnet_out_12 };
	const __u32 verdicts[BACKENDS] = { XDP_TX, XDP_TX, XDP_REDIRECT, XDP_REDIRECT };

	for (size_t i = 0; i < BACKENDS; i++) {
		if (out->verdict == verdicts[i] && !memcmp(out->frame.bytes, macs[i], 6))
			return i;
	}
	fail_msg("verdict %u, to no backend", out->verdict);
	return BACKENDS;
}

/* A router's error about what a backend sent in the flow, quoting @quoted bytes past the IP header. */
static void build_error(const struct packet *flow, bool v6, size_t quoted, struct frame *out)
{
	size_t header = v6 ? 40 : 20, bytes = header + quoted;
	struct packet error = { .src = v6 ? "2001:db8:9::1" : "203.0.113.9",
				.dst = flow->dst,
				.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				.icmp_type = v6 ? 2 : 3,
				.icmp_code = v6 ? 0 : 4,
				.payload = (__u16)bytes };
	struct packet answer = *flow;
	static struct frame sent;

	answer.src = flow->dst;
	answer.dst = flow->src;
	answer.sport = flow->dport;
	answer.dport = flow->sport;
	packet_build(&answer, &sent);
	packet_build(&error, out);
	memcpy(out->bytes + ETHERNET_BYTES + header + ICMP_BYTES, sent.bytes + ETHERNET_BYTES,
	       bytes);
}

static void check_errors(bool v6, __u8 proto, size_t quoted)
{
	size_t seen[BACKENDS] = {};

	for (int i = 0; i < FLOWS; i++) {
		static struct frame in, error;
		static struct outcome of_flow, of_error;
		struct packet p = to_vip(v6, proto);

		p.sport = (__u16)(1024 + i);
		packet_build(&p, &in);
		build_error(&p, v6, quoted, &error);
		run(&in, &of_flow);
		run(&error, &of_error);
		assert_int_equal(backend_of(&of_error), backend_of(&of_flow));
		assert_memory_equal(of_error.frame.bytes + ETHERNET_BYTES,
				    error.bytes + ETHERNET_BYTES, error.size - ETHERNET_BYTES);
		seen[backend_of(&of_flow)]++;
	}
	for (size_t i = 0; i < BACKENDS; i++)
		assert_true(seen[i] > 0);
}

static void errors_go_where_the_flow_goes_that_they_quote(void **state)
{
	(void)state;
	NEED_NET();
	for (int v6 = 0; v6 <= 1; v6++) {
		check_errors(v6, IPPROTO_TCP, PORTS_BYTES);
		check_errors(v6, IPPROTO_UDP, PORTS_BYTES);
		check_errors(v6, IPPROTO_TCP, 60);
	}
}

static void errors_about_something_else_are_left_alone(void **state)
{
	struct packet flow = to_vip(false, IPPROTO_TCP);
	static struct outcome out;
	static struct frame f;

	(void)state;
	NEED_NET();
	build_error(&flow, false, PORTS_BYTES, &f);
	f.bytes[ETHERNET_BYTES + 20 + ICMP_BYTES + 12 + 3] =
		77; /* what is quoted left another address */
	run(&f, &out);
	assert_int_equal(out.verdict, XDP_PASS);

	flow.dport = 444;
	build_error(&flow, false, PORTS_BYTES, &f);
	run(&f, &out);
	assert_int_equal(out.verdict, XDP_PASS);

	flow.dport = 443;
	build_error(&flow, false, PORTS_BYTES, &f);
	f.size -= 1;
	run(&f, &out);
	assert_int_equal(out.verdict, XDP_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_of_a_vip_is_answered),
		cmocka_unit_test(what_is_no_ping_of_a_vip_is_left_alone),
		cmocka_unit_test(a_ping_cut_at_any_byte_is_left_alone),
		cmocka_unit_test(errors_go_where_the_flow_goes_that_they_quote),
		cmocka_unit_test(errors_about_something_else_are_left_alone),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
