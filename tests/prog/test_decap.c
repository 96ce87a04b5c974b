// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backend takes off what the balancer put on and gets the packet that the
 * client sent; what is not a tunnel to this host it leaves alone.
 */
#include <string.h>

#include "generate.h"
#include "harness.h"
#include "testnet.h"
#include "weir/mark.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST4 "10.1.0.11"
#define HOST6 "2001:db8:1::11"
#define FUZZ 20000

static const char *const locals[] = { HOST4, HOST6, NULL };
static const struct image_device decap_devices[] = {
	{ .slot = 0, .ifindex = 1, .stages = STAGE(DECAP), .filter = "" },
	{ .slot = 1, .ifindex = 2, .stages = STAGE(DECAP) | STAGE(FILTER), .filter = "f" },
};
static const struct harness_host decap_host = { .devices = decap_devices,
						.devices_count = 2,
						.locals = locals };
static const struct image_device balance_device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(BALANCE), .filter = ""
};
static const struct harness_host balance_host = { .devices = &balance_device,
						  .devices_count = 1,
						  .source4 = "172.31.0.1",
						  .source6 = "2001:db8:f::1",
						  .image_bytes = 2U << 20 };
static struct harness backend;

#define NEED(refusal)                         \
	do {                                  \
		const char *why = (refusal);  \
		if (why)                      \
			WEIR_SKIP("%s", why); \
	} while (0)

static int start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	harness_start(
		&backend,
		"interface a { xdp auto; decap }\ninterface b { xdp auto; decap; filter f }\n"
		"filter f { default drop; rule web pass tcp dport 80\n"
		"rule tunnels pass proto { ipip, ipv6 } saddr { 172.31.0.1, 2001:db8:f::1 } }\n",
		&decap_host);
	harness_load(&backend, HOOK_XDP, 0, STAGE(DECAP));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!harness_refusal())
		harness_stop(&backend);
	return 0;
}

static void assert_frames_equal(const struct frame *a, const struct frame *b)
{
	if (a->size == b->size && !memcmp(a->bytes, b->bytes, a->size))
		return;
	frame_print(a);
	frame_print(b);
	fail_msg("frames differ");
}

static void run_backend(const struct frame *f, __u32 verdict, struct outcome *out)
{
	assert_int_equal(harness_run(&backend, HOOK_XDP, f, out), 0);
	assert_int_equal(out->verdict, verdict);
}

static void assert_untouched(const struct frame *f)
{
	static struct outcome out;

	run_backend(f, XDP_PASS, &out);
	assert_frames_equal(&out.frame, f);
}

static void check_round_trip(const struct harness *balancer, const struct packet *p)
{
	struct packet arrives = *p;
	static struct frame sent, want;
	static struct outcome tunnel, out;
	__u64 before = harness_reason(&backend, 0, WEIR_R_DECAP);

	packet_build(p, &sent);
	assert_int_equal(harness_run(balancer, HOOK_XDP, &sent, &tunnel), 0);
	assert_int_equal(tunnel.verdict, XDP_TX);
	assert_true(tunnel.frame.size > sent.size);
	run_backend(&tunnel.frame, XDP_PASS, &out);

	assert_int_equal(harness_reason(&backend, 0, WEIR_R_DECAP), before + 1);
	arrives.ttl = 60; /* the balancer is a hop */
	packet_build(&arrives, &want);
	memcpy(want.bytes, tunnel.frame.bytes, 12); /* it came from the balancer's MAC */
	assert_frames_equal(&out.frame, &want);
}

static void a_balanced_packet_arrives_as_the_client_sent_it(void **state)
{
	static const char *const configs[] = {
		"interface in0 { xdp auto; balance }\n"
		"service s { address 192.0.2.1, 2001:db8:ff::1; port tcp 80, udp 80\n"
		"forward ipip; backend b " HOST4 " }\n",
		"interface in0 { xdp auto; balance }\n"
		"service s { address 192.0.2.1, 2001:db8:ff::1; port tcp 80, udp 80\n"
		"forward ipip; backend b " HOST6 " }\n"
	};
	static const struct packet packets[] = {
		{ .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 80, .flags = SYN },
		{ .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 80, .payload = 1400 },
		{ .src = "198.51.100.7",
		  .dst = "192.0.2.1",
		  .proto = IPPROTO_UDP,
		  .dport = 80,
		  .option_words = 10,
		  .payload = 1 },
		{ .src = "2001:db8:c::7", .dst = "2001:db8:ff::1", .dport = 80, .tos = 0xff },
		{ .src = "2001:db8:c::7",
		  .dst = "2001:db8:ff::1",
		  .proto = IPPROTO_UDP,
		  .extensions = { EXT_HOPOPTS(0), EXT_DSTOPTS(1) },
		  .dport = 80,
		  .payload = 1200 },
	};
	struct testnet net;

	(void)state;
	NEED(harness_refusal());
	NEED(testnet_start(&net));
	for (size_t c = 0; c < COUNT(configs); c++) {
		struct harness balancer;

		harness_start(&balancer, configs[c], &balance_host);
		harness_load(&balancer, HOOK_XDP, 0, STAGE(BALANCE));
		balancer.ingress_ifindex = net.in;
		for (size_t i = 0; i < COUNT(packets); i++)
			check_round_trip(&balancer, &packets[i]);
		harness_stop(&balancer);
	}
}

static const struct packet inner4 = {
	.src = "198.51.100.7", .dst = "192.0.2.1", .dport = 80, .payload = 40
};
static const struct packet inner6 = {
	.src = "2001:db8:c::7", .dst = "2001:db8:ff::1", .dport = 22, .payload = 40
};

#define IN4 .proto = IPPROTO_IPIP, .inner = &inner4
#define IN6 .proto = IPPROTO_IPV6, .inner = &inner6
#define GUE4 .proto = IPPROTO_UDP, .sport = 50000, .dport = 6080, .inner = &inner4, .gue
#define GUE6 .proto = IPPROTO_UDP, .sport = 50000, .dport = 6080, .inner = &inner6, .gue
#define TO_HOST4 .src = "172.31.0.1", .dst = HOST4
#define TO_HOST6 .src = "2001:db8:f::1", .dst = HOST6

static const struct packet_gue gue4 = { .proto = IPPROTO_IPIP };
static const struct packet_gue gue6 = { .proto = IPPROTO_IPV6 };
static const struct packet_gue gue4_sum = { .proto = IPPROTO_IPIP, .has_checksum = true };
static const struct packet_gue gue6_sum = { .proto = IPPROTO_IPV6, .has_checksum = true };
static const struct packet_gue gue4_private = { .proto = IPPROTO_IPIP, .first = 31 };
static const struct packet_gue gue_direct = { .is_direct = true };

static const struct packet tunnels[] = {
	{ TO_HOST4, IN4 },
	{ TO_HOST4, IN6 },
	{ TO_HOST6, IN4 },
	{ TO_HOST6, IN6 },
	{ TO_HOST4, IN4, .option_words = 10 },
	{ TO_HOST6, IN6, .extensions = { EXT_DSTOPTS(0) } }, /* encapsulation limit, RFC 2473 */
	{ TO_HOST4, IN6, .padding = 9 },
	{ TO_HOST4, GUE4 = &gue4 },
	{ TO_HOST4, GUE6 = &gue6_sum },
	{ TO_HOST6, GUE4 = &gue4_sum },
	{ TO_HOST6, GUE6 = &gue6 },
	{ TO_HOST4, GUE4 = &gue4_private, .option_words = 3 },
	{ TO_HOST6, GUE6 = &gue_direct },
	{ TO_HOST4, GUE4 = &gue_direct, .padding = 9 },
};

static void add_padding(struct frame *f, size_t bytes)
{
	memset(f->bytes + f->size, 0, bytes);
	f->size += bytes;
}

static void a_tunnel_of_any_two_families_ends_here(void **state)
{
	static struct frame f, want;
	static struct outcome out;

	(void)state;
	NEED(harness_refusal());
	for (size_t i = 0; i < COUNT(tunnels); i++) {
		packet_build(tunnels[i].inner, &want);
		packet_build(&tunnels[i], &f);
		add_padding(&want, tunnels[i].padding);
		run_backend(&f, XDP_PASS, &out);
		assert_frames_equal(&out.frame, &want);
	}
}

static void what_is_no_tunnel_to_this_host_passes_untouched(void **state)
{
	static const struct packet_gue variant2 = { .proto = IPPROTO_IPIP, .first = 0x80 };
	static const struct packet_gue control = { .proto = IPPROTO_IPIP, .first = 0x20 };
	static const struct packet_gue flagged = { .proto = IPPROTO_IPIP, .flags = 0x8000 };
	static const struct packet_gue no_ip = { .proto = IPPROTO_GRE };
	static const struct packet packets[] = {
		{ TO_HOST4, GUE4 = &variant2 },
		{ TO_HOST4, GUE4 = &control },
		{ TO_HOST4, GUE4 = &flagged },
		{ TO_HOST4, GUE4 = &no_ip },
		{ TO_HOST4, GUE4 = &gue6 }, /* the header against what is inside */
		{ TO_HOST4, .proto = IPPROTO_UDP, .dport = 6081, .inner = &inner4, .gue = &gue4 },
		{ .src = "172.31.0.1", .dst = "10.1.0.12", GUE4 = &gue4 },
		{ TO_HOST4, GUE4 = &gue4, .fragment = IPV4_MORE_FRAGMENTS },
		{ TO_HOST4, .proto = IPPROTO_UDP, .dport = 6080, .gue = &gue4, .padding = 40 },
		{ TO_HOST4, .proto = IPPROTO_UDP, .dport = 6080, .gue = &gue_direct,
		  .padding = 40 },
		{ .src = "172.31.0.1", .dst = "10.1.0.12", IN4 },
		{ .src = "172.31.0.1", .dst = "10.1.0.10", IN6 },
		{ .src = "2001:db8:f::1", .dst = "2001:db8:1::12", IN6 },
		{ .src = HOST4, .dst = "172.31.0.1", IN4 },
		{ TO_HOST4, .dport = 80 },
		{ TO_HOST6, .proto = IPPROTO_GRE, .payload = 60 },
		{ TO_HOST4, IN4, .tags = { TYPE_8021Q } },
		{ TO_HOST4, IN4, .fragment = IPV4_MORE_FRAGMENTS },
		{ TO_HOST4, IN4, .fragment = 10 },
		{ TO_HOST6, IN6, .extensions = { EXT_FRAGMENT(1) } },
		{ TO_HOST4, .proto = IPPROTO_IPIP },
		{ TO_HOST4, .proto = IPPROTO_IPV6, .inner = &inner4 }, /* family against protocol */
		{ TO_HOST6, .proto = IPPROTO_IPIP, .inner = &inner6 },
		{ TO_HOST4, IN4, .claim.length = 3000 },
		{ TO_HOST4, IN4, .claim.ihl = 4 },
		{ TO_HOST4, IN4, .claim.length = 20, .padding = 4 }, /* nothing in it */
		{ .type = TYPE_ARP },
	};

	(void)state;
	NEED(harness_refusal());
	for (size_t i = 0; i < COUNT(packets); i++) {
		static struct frame f;

		packet_build(&packets[i], &f);
		assert_untouched(&f);
	}
}

static void a_tunnel_cut_at_any_byte_passes_untouched(void **state)
{
	(void)state;
	NEED(harness_refusal());
	for (size_t i = 0; i < COUNT(tunnels); i++) {
		static struct frame f;

		if (tunnels[i].padding)
			continue;
		packet_build(&tunnels[i], &f);
		while (f.size-- > ETHERNET_BYTES)
			assert_untouched(&f);
	}
}

/* The outer header says so, and the packet inside ends where it may. */
static void a_packet_inside_that_is_cut_at_any_byte_comes_out_as_it_is(void **state)
{
	static struct frame f, inner;
	static struct outcome out;

	(void)state;
	NEED(harness_refusal());
	packet_build(&inner6, &inner);
	packet_build(&tunnels[1], &f);
	for (inner.size--; f.size-- > ETHERNET_BYTES + 21; inner.size--) {
		f.bytes[ETHERNET_BYTES + 3] = (__u8)(f.size - ETHERNET_BYTES);
		run_backend(&f, XDP_PASS, &out);
		assert_frames_equal(&out.frame, &inner);
	}
}

/* A random frame inside a tunnel: it comes out byte for byte, or nothing was touched. */
static void any_bytes_in_a_tunnel_come_out_or_stay_as_they_are(void **state)
{
	(void)state;
	NEED(harness_refusal());
	for (int i = 0; i < FUZZ; i++) {
		const struct packet *outer = &tunnels[generate_below(COUNT(tunnels))];
		static struct frame f, inner;
		static struct outcome out;
		size_t header;

		generate_frame(&inner);
		packet_build(outer, &f);
		header = f.size;
		packet_build(outer->inner, &f);
		header -= f.size + outer->padding;
		packet_build(outer, &f);
		f.size = ETHERNET_BYTES + header + inner.size - ETHERNET_BYTES;
		memcpy(f.bytes + ETHERNET_BYTES + header, inner.bytes + ETHERNET_BYTES,
		       inner.size - ETHERNET_BYTES);
		assert_int_equal(harness_run(&backend, HOOK_XDP, &f, &out), 0);
		assert_int_equal(out.verdict, XDP_PASS);
		if (out.frame.size == f.size)
			assert_frames_equal(&out.frame, &f);
		else
			assert_memory_equal(out.frame.bytes + ETHERNET_BYTES,
					    inner.bytes + ETHERNET_BYTES,
					    inner.size - ETHERNET_BYTES);
	}
}

/* RFC 6040, figure 4, by outer and inner ECN field; -1: dropped. */
static const int ecn_inward[4][4] = {
	{ 0, 1, 2, 3 },
	{ 0, 1, 1, 3 },
	{ 0, 1, 2, 3 },
	{ -1, 3, 3, 3 },
};

static void check_ecn(const struct packet *tunnel, __u8 outer, __u8 inner)
{
	int want_ecn = ecn_inward[outer][inner];
	struct packet in = *tunnel->inner, around = *tunnel;
	static struct frame f, want;
	static struct outcome out;

	in.tos = 0xb8 | inner;
	around.tos = 0x28 | outer;
	around.inner = &in;
	packet_build(&around, &f);
	run_backend(&f, want_ecn < 0 ? XDP_DROP : XDP_PASS, &out);
	if (want_ecn < 0)
		return;
	in.tos = (__u8)(0xb8 | want_ecn);
	packet_build(&in, &want);
	add_padding(&want, around.padding);
	assert_frames_equal(&out.frame, &want);
}

static void congestion_that_the_tunnel_met_is_carried_inward(void **state)
{
	__u64 before;

	(void)state;
	NEED(harness_refusal());
	before = harness_reason(&backend, 0, WEIR_R_DECAP_ECN);
	for (size_t i = 0; i < COUNT(tunnels); i++) {
		for (__u8 ecn = 0; ecn < 16; ecn++)
			check_ecn(&tunnels[i], ecn >> 2, ecn & 3);
	}
	assert_int_equal(harness_reason(&backend, 0, WEIR_R_DECAP_ECN), before + COUNT(tunnels));
}

static void the_filter_sees_the_tunnel_and_the_packet_inside(void **state)
{
	static const struct packet web = { TO_HOST6, IN4 }, other = { TO_HOST4, IN6 },
				   stranger = { .src = "172.31.0.2", .dst = HOST4, IN4 };
	static struct frame f;
	static struct outcome out;

	(void)state;
	NEED(harness_refusal());
	harness_load(&backend, HOOK_XDP, 1, STAGE(DECAP) | STAGE(FILTER));
	packet_build(&web, &f);
	run_backend(&f, XDP_PASS, &out);
	packet_build(&other, &f);
	run_backend(&f, XDP_DROP, &out);
	packet_build(&stranger, &f);
	run_backend(&f, XDP_DROP, &out);
	assert_true(out.frame.size == f.size);
	assert_int_equal(harness_reason(&backend, 1, WEIR_R_FILTER_PASS), 1);
	assert_int_equal(harness_reason(&backend, 1, WEIR_R_FILTER_DEFAULT), 2);
	/* web, and both tunnels of the edge */
	assert_int_equal(harness_counter(&backend, WEIR_MAP_RULES, 0).packets, 1);
	assert_int_equal(harness_counter(&backend, WEIR_MAP_RULES, 1).packets, 2);
	harness_load(&backend, HOOK_XDP, 0, STAGE(DECAP));
}

/* As XDP hands it on, in front of the frame. */
static struct weir_mark mark_of(const struct frame *f, const struct packet *inner)
{
	static struct frame want;
	struct weir_mark mark;

	packet_build(inner, &want);
	assert_int_equal(f->size, WEIR_MARK_ROOM + want.size);
	assert_memory_equal(f->bytes + WEIR_MARK_ROOM, want.bytes, want.size);
	memcpy(&mark, f->bytes + WEIR_MARK_OFFSET, sizeof(mark));
	return mark;
}

static void a_mark_of_the_tunnel_stays_unless_a_rule_marks_what_was_inside(void **state)
{
	static const struct packet kept = { TO_HOST6, IN4 }, replaced = { TO_HOST4, IN6 };
	static const struct image_device marks = {
		.slot = 0, .ifindex = 1, .stages = STAGE(DECAP) | STAGE(FILTER), .filter = "f"
	};
	const struct harness_host host = { .devices = &marks,
					   .devices_count = 1,
					   .locals = locals };
	static struct outcome out;
	struct weir_mark mark;
	struct frame f;
	struct harness h;

	(void)state;
	NEED(harness_refusal());
	harness_start(&h,
		      "interface a { xdp auto; decap; filter f }\n"
		      "filter f { rule outer mark 0xfeed0001 proto { ipip, ipv6 }\n"
		      "rule inner mark 2 tcp dport 22 }\n",
		      &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(DECAP) | STAGE(FILTER) | STAGE(MARK));
	packet_build(&kept, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	mark = mark_of(&out.frame, &inner4);
	assert_int_equal(mark.magic, WEIR_MARK_MAGIC);
	assert_int_equal(mark.mark, 0xfeed0001);
	packet_build(&replaced, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	mark = mark_of(&out.frame, &inner6);
	assert_int_equal(mark.magic, WEIR_MARK_MAGIC);
	assert_int_equal(mark.mark, 2);
	harness_stop(&h);
}

/* What is known of the tunnel says nothing of the packet inside. */
static void the_packet_inside_is_established_by_itself(void **state)
{
	static const struct packet asks = {
		.src = "192.0.2.1", .dst = "198.51.100.7", .sport = 80, .flags = SYN
	};
	static const struct packet other = {
		.src = "198.51.100.8", .dst = "192.0.2.1", .dport = 80, .flags = ACK
	};
	static const struct packet answer = { TO_HOST4, IN4 },
				   stray = { TO_HOST4, .proto = IPPROTO_IPIP, .inner = &other };
	static const struct image_device tracks = { .slot = 0,
						    .ifindex = 1,
						    .stages = STAGE(DECAP) | STAGE(FILTER) |
							      STAGE(TRACK),
						    .filter = "f" };
	const struct harness_host host = { .devices = &tracks,
					   .devices_count = 1,
					   .locals = locals };
	static struct outcome out;
	struct frame f;
	struct harness h;

	(void)state;
	NEED(harness_refusal());
	harness_start(&h,
		      "interface a { xdp auto; decap; filter f }\n"
		      "filter f { default drop; rule own pass established\n"
		      "rule tunnels pass proto ipip }\n",
		      &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(DECAP) | STAGE(FILTER) | STAGE(TRACK));
	harness_load(&h, HOOK_EGRESS, 0, STAGE(TRACK));
	packet_build(&asks, &f);
	assert_int_equal(harness_run(&h, HOOK_EGRESS, &f, &out), 0);
	packet_build(&answer, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	assert_int_equal(out.verdict, XDP_PASS);
	packet_build(&stray, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	assert_int_equal(out.verdict, XDP_DROP);
	harness_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_of_any_two_families_ends_here),
		cmocka_unit_test(what_is_no_tunnel_to_this_host_passes_untouched),
		cmocka_unit_test(a_tunnel_cut_at_any_byte_passes_untouched),
		cmocka_unit_test(a_packet_inside_that_is_cut_at_any_byte_comes_out_as_it_is),
		cmocka_unit_test(any_bytes_in_a_tunnel_come_out_or_stay_as_they_are),
		cmocka_unit_test(congestion_that_the_tunnel_met_is_carried_inward),
		cmocka_unit_test(the_filter_sees_the_tunnel_and_the_packet_inside),
		cmocka_unit_test(a_mark_of_the_tunnel_stays_unless_a_rule_marks_what_was_inside),
		cmocka_unit_test(the_packet_inside_is_established_by_itself),
		cmocka_unit_test(a_balanced_packet_arrives_as_the_client_sent_it),
	};

	generate_start();
	return WEIR_RUN_GROUP(tests, start, stop);
}
