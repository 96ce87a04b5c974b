// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balancer forwards what is for a VIP, byte for byte as it should, and
 * leaves everything else alone. The kernel's FIB answers in a namespace of the
 * test's own.
 */
#include <string.h>

#include "forward_case.h"
#include "reference.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOURCE4 FORWARD_SOURCE4
#define SOURCE6 FORWARD_SOURCE6
#define IMAGE_BYTES (8U << 20)
#define FLOWS 10000

/* Where a backend may be; its service's VIPs end in its row's number plus 1. */
static const struct place {
	const char *backend;
	__u32 verdict;
	const __u8 *dmac;
} places[] = {
	{ "10.1.0.11", XDP_TX, testnet_in_11 },
	{ "10.2.0.11", XDP_REDIRECT, testnet_out_11 },
	{ "10.9.0.5", XDP_REDIRECT, testnet_out_12 }, /* behind a router */
	{ "2001:db8:1::12", XDP_TX, testnet_in_12 },
	{ "2001:db8:2::11", XDP_REDIRECT, testnet_out_11 },
	{ "2001:db8:9::5", XDP_REDIRECT, testnet_out_12 },
};

enum { L2_FIRST = COUNT(places) };

static struct harness h;
static struct testnet net;
static const char *refusal;

/* A service for each place, with ipip and then with l2. */
static const char *config_of_places(void)
{
	static char text[8192];

	strcpy(text, "interface in0 { xdp auto; balance }\n");
	for (__u32 i = 0; i < 2 * COUNT(places); i++)
		forward_add_service(text, sizeof(text), i + 1,
				    i < L2_FIRST ? "forward ipip" : "forward l2",
				    places[i % COUNT(places)].backend);
	return text;
}

static int start(void **state)
{
	struct harness_host host = forward_host;

	(void)state;
	host.image_bytes = IMAGE_BYTES;
	refusal = forward_start(&h, &net, config_of_places(), &host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

/* RFC 2003: don't fragment, the inner TOS, TTL 64. */
static size_t put_outer4(__u8 *ip, const struct place *place, bool inner6, __u8 tos, size_t inner)
{
	__u8 addr[16];

	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = tos;
	put16(ip + 2, (__u32)(20 + inner));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = inner6 ? 41 : 4;
	packet_address(SOURCE4, addr);
	memcpy(ip + 12, addr + 12, 4);
	packet_address(place->backend, addr);
	memcpy(ip + 16, addr + 12, 4);
	put16(ip + 10, packet_checksum(packet_sum(ip, 20, 0)));
	return 20;
}

/* RFC 2473: the inner traffic class, no flow label, hop limit 64. */
static size_t put_outer6(__u8 *ip, const struct place *place, bool inner6, __u8 tos, size_t inner)
{
	memset(ip, 0, 40);
	ip[0] = 0x60 | tos >> 4;
	ip[1] = (__u8)(tos << 4);
	put16(ip + 4, (__u32)inner);
	ip[6] = inner6 ? 41 : 4;
	ip[7] = 64;
	packet_address(SOURCE6, ip + 8);
	packet_address(place->backend, ip + 24);
	return 40;
}

/* What @in becomes, in which the IP packet has @inner bytes; padding stays behind it. */
static void expect(const struct frame *in, const struct place *place, bool ipip, __u8 tos,
		   size_t inner, struct frame *want)
{
	bool inner6 = in->bytes[12] == 0x86, outer6 = strchr(place->backend, ':');
	size_t outer = 0;

	memcpy(want->bytes, place->dmac, 6);
	memcpy(want->bytes + 6, place->verdict == XDP_TX ? net.in_mac : net.out_mac, 6);
	put16(want->bytes + 12, inner6 ? TYPE_IPV6 : TYPE_IPV4);
	if (ipip) {
		put16(want->bytes + 12, outer6 ? TYPE_IPV6 : TYPE_IPV4);
		outer = (outer6 ? put_outer6 : put_outer4)(want->bytes + 14, place, inner6, tos,
							   inner);
	}
	memcpy(want->bytes + 14 + outer, in->bytes + 14, in->size - 14);
	want->size = outer + in->size;
}

static void assert_frames_equal(const struct frame *a, const struct frame *b)
{
	if (a->size == b->size && !memcmp(a->bytes, b->bytes, a->size))
		return;
	frame_print(a);
	frame_print(b);
	fail_msg("frames differ");
}

/* The packet of a flow to service @n, and what should become of it. */
static void check_service(__u32 n, bool v6, __u8 proto, __u16 padding)
{
	const struct place *place = &places[n % COUNT(places)];
	bool ipip = n < L2_FIRST;
	struct weir_counter before = harness_counter(&h, WEIR_MAP_BACKENDS, n), after;
	__u64 forwarded = harness_reason(&h, 0, WEIR_R_LB_FORWARD);
	static struct frame in, want;
	static struct outcome out;
	char vip[64];
	struct packet p = { .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
			    .dst = vip,
			    .proto = proto,
			    .sport = 40000,
			    .dport = 443,
			    .tos = 0xb9,
			    .flags = SYN,
			    .payload = 100,
			    .padding = padding };

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n + 1);
	p.ttl = ipip ? 60 : 61; /* a tunnel is a hop */
	packet_build(&p, &in);
	expect(&in, place, ipip, p.tos, in.size - 14 - padding, &want);
	p.ttl = 61;
	packet_build(&p, &in);
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	assert_int_equal(out.verdict, place->verdict);
	assert_frames_equal(&out.frame, &want);

	after = harness_counter(&h, WEIR_MAP_BACKENDS, n);
	assert_int_equal(after.packets, before.packets + 1);
	assert_int_equal(after.bytes, before.bytes + in.size);
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_FORWARD), forwarded + 1);
}

static void check_services(__u32 first, __u16 padding)
{
	for (__u32 n = first; n < first + COUNT(places); n++) {
		check_service(n, false, IPPROTO_TCP, padding);
		check_service(n, false, IPPROTO_UDP, padding);
		check_service(n, true, IPPROTO_TCP, padding);
		check_service(n, true, IPPROTO_UDP, padding);
	}
}

static void ipip_writes_an_outer_header_of_the_backends_family(void **state)
{
	(void)state;
	NEED_NET();
	check_services(0, 0);
}

static void ipip_leaves_padding_outside_of_the_outer_packet(void **state)
{
	(void)state;
	NEED_NET();
	check_services(0, 11);
}

static void l2_changes_the_addresses_of_the_frame_and_nothing_else(void **state)
{
	(void)state;
	NEED_NET();
	check_services(L2_FIRST, 0);
	check_services(L2_FIRST, 11);
}

/* @f passes, and no byte of it changes. */
static void assert_untouched(const struct frame *f)
{
	static struct outcome out;

	assert_int_equal(harness_run(&h, HOOK_XDP, f, &out), 0);
	assert_int_equal(out.verdict, XDP_PASS);
	assert_frames_equal(&out.frame, f);
}

#define TO_VIP .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 443
#define TO_VIP6 .src = "2001:db8:c::7", .dst = "2001:db8:ff::1", .dport = 443

static void what_is_not_for_a_vip_passes_untouched(void **state)
{
	static const struct packet packets[] = {
		{ .src = "198.51.100.7", .dst = "192.0.2.100", .dport = 443 },
		{ .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 444 },
		{ .src = "192.0.2.1", .dst = "198.51.100.7", .sport = 443 },
		{ .src = "2001:db8:c::7", .dst = "2001:db8:ff::100", .dport = 443 },
		{ .src = "2001:db8:c::7", .dst = "::ffff:192.0.2.1", .dport = 443 },
		{ TO_VIP, .proto = IPPROTO_SCTP },
		{ TO_VIP, .proto = IPPROTO_UDPLITE },
		{ TO_VIP, .proto = IPPROTO_GRE, .payload = 50 },
		{ .src = "198.51.100.7", .dst = "192.0.2.100", .fragment = 100, .payload = 48 },
		{ .src = "2001:db8:c::7",
		  .dst = "2001:db8:ff::100",
		  .extensions = { EXT_FRAGMENT(80) },
		  .payload = 48 },
		{ TO_VIP, .tags = { TYPE_8021Q } },
		{ TO_VIP6, .tags = { TYPE_8021AD, TYPE_8021Q } },
		{ TO_VIP, .claim.ihl = 4 },
		{ TO_VIP, .claim.doff = 4 },
		{ TO_VIP, .claim.length = 2000 },
		{ .type = TYPE_ARP },
		{ .type = 0x88cc, .payload = 60 },
	};
	__u64 before;

	(void)state;
	NEED_NET();
	before = harness_reason(&h, 0, WEIR_R_CONTINUE);
	for (size_t i = 0; i < COUNT(packets); i++) {
		static struct frame f;

		packet_build(&packets[i], &f);
		assert_untouched(&f);
	}
	assert_int_equal(harness_reason(&h, 0, WEIR_R_CONTINUE), before + COUNT(packets));
}

static void a_packet_to_a_vip_cut_at_any_byte_passes_untouched(void **state)
{
	static const struct packet packets[] = {
		{ TO_VIP, .timestamps = TIMESTAMPS_LINUX_SYN, .flags = SYN, .payload = 20 },
		{ TO_VIP6, .extensions = { EXT_HOPOPTS(1) }, .payload = 20 },
		{ TO_VIP, .proto = IPPROTO_UDP, .option_words = 3, .payload = 20 },
	};

	(void)state;
	NEED_NET();
	for (size_t i = 0; i < COUNT(packets); i++) {
		static struct frame f;

		packet_build(&packets[i], &f);
		while (f.size-- > ETHERNET_BYTES)
			assert_untouched(&f);
	}
}

static void check_drop(const char *backends, const struct packet *p, enum weir_reason reason)
{
	char config[1024];
	static struct frame f;
	static struct outcome out;
	__u64 before = harness_reason(&h, 0, reason);

	snprintf(config, sizeof(config),
		 "interface in0 { xdp auto; balance }\n"
		 "service s { address 192.0.2.1, 2001:db8:ff::1; port tcp 443\n"
		 "forward ipip; %s }\n",
		 backends);
	harness_change(&h, config);
	packet_build(p, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	assert_int_equal(out.verdict, XDP_DROP);
	assert_int_equal(harness_reason(&h, 0, reason), before + 1);
}

static void a_packet_that_cannot_reach_a_backend_is_dropped_with_its_reason(void **state)
{
	static const struct packet v4 = { TO_VIP }, v6 = { TO_VIP6 };
	static const struct packet big4 = { TO_VIP, .payload = 1500 - 40 - 19 };

	(void)state;
	NEED_NET();
	check_drop("", &v4, WEIR_R_LB_NO_BACKEND);
	check_drop("backend b 10.1.0.11 drain", &v6, WEIR_R_LB_NO_BACKEND);
	check_drop("backend b 10.1.0.99", &v4, WEIR_R_LB_NO_NEIGHBOUR);
	check_drop("backend b 2001:db8:2::99", &v4, WEIR_R_LB_NO_NEIGHBOUR);
	check_drop("backend b 203.0.113.5", &v6, WEIR_R_LB_NO_ROUTE);
	check_drop("backend b 2001:db8:bad::5", &v6, WEIR_R_LB_NO_ROUTE);
	check_drop("backend b 10.1.0.11", &big4, WEIR_R_LB_TOO_BIG);
	harness_change(&h, config_of_places());
}

static void a_packet_that_just_fits_the_mtu_goes(void **state)
{
	static const struct packet p = { TO_VIP, .payload = 1500 - 40 - 20 };
	static struct frame f;
	static struct outcome out;

	(void)state;
	NEED_NET();
	packet_build(&p, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	assert_int_equal(out.verdict, XDP_TX);
	assert_int_equal(out.frame.size, ETHERNET_BYTES + 1500);
}

/* The backend of the packet, by its counter's step. */
static int backend_taken(__u32 *counts, __u32 backends)
{
	for (__u32 i = 0; i < backends; i++) {
		__u32 now = (__u32)harness_counter(&h, WEIR_MAP_BACKENDS, i).packets;

		if (now != counts[i]) {
			counts[i] = now;
			return (int)i;
		}
	}
	return -1;
}

static void flows_go_where_the_ring_says_in_proportion_to_weight(void **state)
{
	static const __u32 weights[] = { 10, 20, 0, 70 };
	__u32 counts[COUNT(weights)], taken[COUNT(weights)] = {};

	(void)state;
	NEED_NET();
	harness_change(&h, "interface in0 { xdp auto; balance }\n"
			   "service s { address 192.0.2.1, 2001:db8:ff::1; port tcp 443\n"
			   "forward ipip\nbackend a 10.1.0.11 weight 10\n"
			   "backend b 10.2.0.11 weight 20\nbackend c 10.9.0.5 weight 9 drain\n"
			   "backend d 2001:db8:2::11 weight 70 }\n");
	for (__u32 i = 0; i < COUNT(weights); i++)
		counts[i] = (__u32)harness_counter(&h, WEIR_MAP_BACKENDS, i).packets;
	for (__u32 flow = 0; flow < FLOWS; flow++) {
		static struct frame f;
		static struct outcome out;
		char src[64];
		struct packet p = { TO_VIP, .sport = (__u16)(1024 + flow * 7) };
		struct seen seen;
		int want, got;

		snprintf(src, sizeof(src), flow % 2 ? "2001:db8:c::%x" : "198.51.%u.7", flow / 50);
		p.src = src;
		p.dst = flow % 2 ? "2001:db8:ff::1" : "192.0.2.1";
		packet_build(&p, &f);
		reference_parse(f.bytes, f.size, &seen);
		want = reference_backend(&h.model, h.image, h.ring_map, &seen);
		assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
		got = backend_taken(counts, COUNT(weights));
		assert_int_equal(got, want);
		taken[got]++;
	}
	for (__u32 i = 0; i < COUNT(weights); i++)
		assert_in_range(taken[i] + 200, weights[i] * (FLOWS / 100),
				weights[i] * (FLOWS / 100) + 400);
	harness_change(&h, config_of_places());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipip_writes_an_outer_header_of_the_backends_family),
		cmocka_unit_test(ipip_leaves_padding_outside_of_the_outer_packet),
		cmocka_unit_test(l2_changes_the_addresses_of_the_frame_and_nothing_else),
		cmocka_unit_test(what_is_not_for_a_vip_passes_untouched),
		cmocka_unit_test(a_packet_to_a_vip_cut_at_any_byte_passes_untouched),
		cmocka_unit_test(a_packet_that_cannot_reach_a_backend_is_dropped_with_its_reason),
		cmocka_unit_test(a_packet_that_just_fits_the_mtu_goes),
		cmocka_unit_test(flows_go_where_the_ring_says_in_proportion_to_weight),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
