// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels byte for byte, against headers put together field by field: gue with
 * and without its checksum, outer sources of the service's own, ECN.
 */
#include <string.h>

#include "forward_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOURCE4 FORWARD_SOURCE4
#define SOURCE6 FORWARD_SOURCE6
#define OWN4 "172.31.0.9"
#define OWN6 "2001:db8:f::9"
#define GUE_PORT 6080

enum kind { IPIP, GUE, GUE_CHECKSUM };

/* VIPs end in the row's number plus 1. */
static const struct way {
	const char *words;
	enum kind kind;
	const char *backend;
	const char *source;
	__u32 verdict;
	const __u8 *dmac;
} ways[] = {
	{ "forward gue", GUE, "10.1.0.11", SOURCE4, XDP_TX, testnet_in_11 },
	{ "forward gue", GUE, "2001:db8:1::12", SOURCE6, XDP_TX, testnet_in_12 },
	{ "forward gue", GUE, "10.9.0.5", SOURCE4, XDP_REDIRECT, testnet_out_12 },
	{ "forward gue checksum", GUE_CHECKSUM, "10.1.0.11", SOURCE4, XDP_TX, testnet_in_11 },
	{ "forward gue checksum", GUE_CHECKSUM, "2001:db8:2::11", SOURCE6, XDP_REDIRECT,
	  testnet_out_11 },
	{ "forward ipip; source " OWN4 ", " OWN6, IPIP, "10.1.0.11", OWN4, XDP_TX, testnet_in_11 },
	{ "forward ipip; source " OWN4 ", " OWN6, IPIP, "2001:db8:1::11", OWN6, XDP_TX,
	  testnet_in_11 },
	{ "forward gue checksum; source " OWN4, GUE_CHECKSUM, "10.1.0.12", OWN4, XDP_TX,
	  testnet_in_12 },
};

#define GUE_FIRST 0
#define SUMMED_V4 3
#define SUMMED_V6 4

static struct harness h;
static struct testnet net;
static const char *refusal;

static int start(void **state)
{
	char text[4096] = "interface in0 { xdp auto; balance }\n";

	(void)state;
	for (__u32 i = 0; i < COUNT(ways); i++)
		forward_add_service(text, sizeof(text), i + 1, ways[i].words, ways[i].backend);
	refusal = forward_start(&h, &net, text, &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

/* Of an IP header with @bytes behind it. Returns its size. */
static size_t put_ip(__u8 *ip, const struct way *way, __u8 proto, __u8 tos, size_t bytes)
{
	bool v6 = strchr(way->backend, ':');
	__u8 source[16], addr[16];

	packet_address(way->source, source);
	packet_address(way->backend, addr);
	memset(ip, 0, v6 ? 40 : 20);
	if (v6) {
		ip[0] = 0x60 | tos >> 4;
		ip[1] = (__u8)(tos << 4);
		put16(ip + 4, (__u32)bytes);
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, source, 16);
		memcpy(ip + 24, addr, 16);
		return 40;
	}
	ip[0] = 0x45;
	ip[1] = tos;
	put16(ip + 2, (__u32)(20 + bytes));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, source + 12, 4);
	memcpy(ip + 16, addr + 12, 4);
	put16(ip + 10, packet_checksum(packet_sum(ip, 20, 0)));
	return 20;
}

/* RFC 768 and RFC 8200, section 8.1, over all there is. */
static void put_udp_checksum(const __u8 *ip, size_t header, __u8 *udp, size_t bytes)
{
	__u32 pseudo = header == 40 ? packet_sum(ip + 8, 32, 0) : packet_sum(ip + 12, 8, 0);
	__u16 sum = packet_checksum(packet_sum(udp, bytes, pseudo + IPPROTO_UDP + (__u32)bytes));

	put16(udp + 6, sum ? sum : 0xffff);
}

/*
 * What the frame @inner becomes, whose TTL has been lowered already.
 *
 * @padding  of its last bytes
 * @sport    source port, which is the datapath's to choose
 */
static void expect(const struct way *way, const struct frame *inner, size_t padding, __u8 tos,
		   __u32 sport, struct frame *want)
{
	size_t bytes = inner->size - ETHERNET_BYTES - padding, header, gue = 0;
	__u8 proto = inner->bytes[12] == 0x86 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	__u8 *ip = want->bytes + ETHERNET_BYTES, *udp;

	memcpy(want->bytes, way->dmac, 6);
	memcpy(want->bytes + 6, way->verdict == XDP_TX ? net.in_mac : net.out_mac, 6);
	put16(want->bytes + 12, strchr(way->backend, ':') ? TYPE_IPV6 : TYPE_IPV4);
	if (way->kind != IPIP)
		gue = 12;
	header = put_ip(ip, way, gue ? IPPROTO_UDP : proto, tos, gue + bytes);
	udp = ip + header;
	if (gue) {
		memset(udp, 0, gue);
		put16(udp, sport);
		put16(udp + 2, GUE_PORT);
		put16(udp + 4, (__u32)(gue + bytes));
		udp[9] = proto;
	}
	memcpy(udp + gue, inner->bytes + ETHERNET_BYTES, bytes + padding);
	if (way->kind == GUE_CHECKSUM)
		put_udp_checksum(ip, header, udp, gue + bytes);
	want->size = ETHERNET_BYTES + header + gue + bytes + padding;
}

static void assert_frames_equal(const struct frame *a, const struct frame *b)
{
	if (a->size == b->size && !memcmp(a->bytes, b->bytes, a->size))
		return;
	frame_print(a);
	frame_print(b);
	fail_msg("frames differ");
}

/* Where a frame out of @way has the source port of GUE. */
static size_t sport_at(const struct way *way)
{
	return ETHERNET_BYTES + (strchr(way->backend, ':') ? 40 : 20);
}

/* @change: to the packet as it is built; NULL: none. Returns the source port of GUE, or 0. */
static __u32 check(__u32 n, const struct packet *p, void (*change)(struct frame *))
{
	const struct way *way = &ways[n];
	static struct frame in, inner, want;
	struct packet hopped = *p;
	static struct outcome out;
	__u32 sport = 0;

	packet_build(p, &in);
	hopped.ttl = 60;
	packet_build(&hopped, &inner);
	if (change) {
		change(&in);
		change(&inner);
	}
	assert_int_equal(harness_run(&h, HOOK_XDP, &in, &out), 0);
	assert_int_equal(out.verdict, way->verdict);
	if (way->kind != IPIP) {
		sport = get16(out.frame.bytes + sport_at(way));
		assert_in_range(sport, 0xc000, 0xffff);
	}
	expect(way, &inner, p->padding, p->tos, sport, &want);
	assert_frames_equal(&out.frame, &want);
	return sport;
}

static struct packet to_service(__u32 n, bool v6, __u8 proto)
{
	static char vip[64];

	snprintf(vip, sizeof(vip), v6 ? "2001:db8:ff::%x" : "192.0.2.%u", n + 1);
	return (struct packet){ .src = v6 ? "2001:db8:c::7" : "198.51.100.7",
				.dst = vip,
				.proto = proto,
				.sport = 40000,
				.dport = 443,
				.flags = ACK,
				.payload = 100 };
}

static void every_tunnel_has_the_headers_that_it_should(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 n = 0; n < COUNT(ways); n++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct packet p = to_service(n, v6, IPPROTO_TCP);

			check(n, &p, NULL);
			p.padding = 11;
			check(n, &p, NULL);
			p = to_service(n, v6, IPPROTO_UDP);
			check(n, &p, NULL);
		}
	}
}

/* RFC 6040, section 4.1, normal mode; DSCP with it. */
static void the_traffic_class_goes_on_the_outside_too(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 tos = 0; tos < 256; tos++) {
		__u32 n = tos % COUNT(ways);
		struct packet p = to_service(n, tos & 8, IPPROTO_TCP);

		p.tos = (__u8)tos;
		check(n, &p, NULL);
	}
}

static void no_udp_checksum(struct frame *f)
{
	const __u8 *ip = f->bytes + ETHERNET_BYTES;
	size_t header = f->bytes[12] == 0x86 ? 40 : (ip[0] & 15U) * 4;

	put16(f->bytes + ETHERNET_BYTES + header + 6, 0);
}

/* The checksum of what has no checksum inside, or headers in the way, is summed over all of it. */
static void the_outer_checksum_is_right_whatever_is_inside(void **state)
{
	(void)state;
	NEED_NET();
	for (__u32 n = SUMMED_V4; n <= SUMMED_V6; n++) {
		for (__u16 payload = 0; payload < 1200; payload += payload < 8 ? 1 : 149) {
			struct packet p = to_service(n, false, IPPROTO_UDP);

			p.payload = payload;
			check(n, &p, no_udp_checksum);
			p.option_words = 4;
			check(n, &p, NULL);
			check(n, &p, no_udp_checksum);
			p = to_service(n, true, IPPROTO_TCP);
			p.payload = payload;
			check(n, &p, NULL);
			p.extensions[0] = (struct packet_extension)EXT_DSTOPTS(1);
			check(n, &p, NULL);
		}
	}
}

static void a_flow_keeps_its_source_port_and_flows_differ(void **state)
{
	__u32 ports[64], different = 0;

	(void)state;
	NEED_NET();
	for (__u32 flow = 0; flow < COUNT(ports); flow++) {
		struct packet p = to_service(GUE_FIRST, flow & 1, IPPROTO_TCP);

		p.sport = (__u16)(30000 + flow);
		ports[flow] = check(GUE_FIRST, &p, NULL);
		p.payload = 7;
		p.flags = ACK | PSH;
		assert_int_equal(check(GUE_FIRST, &p, NULL), ports[flow]);
		for (__u32 other = 0; other < flow; other++)
			different += ports[other] != ports[flow];
	}
	/* Of 2,016 pairs, one in 16,384 is expected to share a port. */
	assert_true(different > 2016 - 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tunnel_has_the_headers_that_it_should),
		cmocka_unit_test(the_traffic_class_goes_on_the_outside_too),
		cmocka_unit_test(the_outer_checksum_is_right_whatever_is_inside),
		cmocka_unit_test(a_flow_keeps_its_source_port_and_flows_differ),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
