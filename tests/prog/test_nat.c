// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "forward nat": a client's packets reach the backend from this host's address,
 * and answers reach the client from the VIP, byte for byte as they should; all
 * else is the host's.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/random.h"
#include "nat_case.h"

static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };

/* Every backend, both protocols. */
#define EACH_CASE(c)                                                                               \
	for (__u32 place_ = 0; place_ < nat_places_count; place_++)                                \
		for (__u32 proto_ = 0, once_; proto_ < 2; proto_++)                                \
			for (struct nat_case c = (once_ = 1, nat_case_of(place_, protos[proto_])); \
			     once_; once_ = 0)

static void a_flow_is_translated_and_its_answers_are_translated_back(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	EACH_CASE(c)
	{
		struct packet p;

		nat_open_case(&c, SYN);
		assert_string_equal(c.source, nat_places[c.place].source);
		assert_in_range(c.source_port, NAT_CASE_PORT_FIRST,
				NAT_CASE_PORT_FIRST + NAT_CASE_PORTS - 1);
		p = nat_of_backend(&c);
		p.flags = SYN | ACK;
		nat_check_answer(&c, &p);
		for (__u16 payload = 0; payload < 9; payload++) {
			p = nat_of_client(&c);
			p.payload = payload;
			nat_check_send(&c, &p);
			p = nat_of_backend(&c);
			p.payload = 1000 + payload;
			p.padding = payload;
			nat_check_answer(&c, &p);
		}
	}
}

static void options_and_extension_headers_stay(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	EACH_CASE(c)
	{
		bool is_v6 = strchr(c.client, ':') != NULL;
		struct packet p;

		nat_open_case(&c, SYN);
		p = nat_of_client(&c);
		p.timestamps = TIMESTAMPS_LINUX_SYN;
		p.option_words = is_v6 ? 0 : 10;
		if (is_v6)
			p.extensions[0] = (struct packet_extension)EXT_DSTOPTS(2);
		nat_check_send(&c, &p);
		p.src = nat_of_backend(&c).src;
		p.dst = nat_of_backend(&c).dst;
		p.sport = nat_of_backend(&c).sport;
		p.dport = nat_of_backend(&c).dport;
		nat_check_answer(&c, &p);
	}
}

static void a_first_fragment_is_translated_by_its_ports(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	for (__u32 place = 0; place < nat_places_count; place++) {
		struct nat_case c = nat_case_of(place, IPPROTO_UDP);
		bool is_v6 = strchr(c.client, ':') != NULL;
		struct packet p;

		nat_open_case(&c, 0);
		p = nat_of_client(&c);
		p.payload = 40;
		if (is_v6)
			p.extensions[0] = (struct packet_extension)EXT_FRAGMENT(1);
		else
			p.fragment = IPV4_MORE_FRAGMENTS;
		nat_check_send(&c, &p);
	}
}

/* Both are rebuilt by hand: the builder leaves no checksum out. */
static void clear_udp_checksum(struct frame *f)
{
	memset(f->bytes + ETHERNET_BYTES + 20 + 6, 0, 2);
}

static void UDP_without_a_checksum_stays_without(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_UDP);
	static struct frame in, out, want;
	struct packet p, to;

	(void)state;
	NEED_NAT();
	nat_forget();
	nat_open_case(&c, 0);
	p = nat_of_client(&c);
	to = nat_to_backend(&c);
	to.ttl = 60;
	packet_build(&p, &in);
	packet_build(&to, &want);
	clear_udp_checksum(&in);
	clear_udp_checksum(&want);
	nat_set_macs(&want, nat_places[0].dmac, nat_places[0].verdict);
	assert_int_equal(nat_send(&in, &out), XDP_TX);
	nat_assert_equal(&out, &want);
}

/* A sum that comes out as 0 is sent as 0xffff: 0 would say that there is none. */
static void no_UDP_checksum_becomes_0(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_UDP);
	static struct frame in, out;
	__u8 *data, *check;
	__u32 sum;

	(void)state;
	NEED_NAT();
	nat_forget();
	nat_open_case(&c, 0);
	for (__u32 value = 0; value < 65536; value++) {
		struct packet p = nat_of_client(&c);

		packet_build(&p, &in);
		data = in.bytes + ETHERNET_BYTES + 28;
		check = in.bytes + ETHERNET_BYTES + 26;
		/* Another payload with another checksum, by the difference of the two. */
		sum = 0xffffU - (__u32)(check[0] << 8 | check[1]) + 0xffffU -
		      (__u32)(data[0] << 8 | data[1]) + value;
		sum = (sum & 0xffff) + (sum >> 16);
		sum = 0xffff - ((sum & 0xffff) + (sum >> 16));
		if (!sum)
			continue;
		data[0] = (__u8)(value >> 8);
		data[1] = (__u8)value;
		check[0] = (__u8)(sum >> 8);
		check[1] = (__u8)sum;
		nat_send(&in, &out);
		check = out.bytes + ETHERNET_BYTES + 26;
		assert_true(check[0] || check[1]);
		/* With the pseudo header of the packet that left, it is right. */
		sum = packet_sum(out.bytes + ETHERNET_BYTES + 12, out.size - ETHERNET_BYTES - 12,
				 IPPROTO_UDP);
		sum += (__u32)(out.size - ETHERNET_BYTES - 20);
		assert_int_equal(packet_checksum(sum), 0);
		if (value > 2000 && value < 63000)
			value += 97;
	}
}

/* @f is not the translator's: it passes, and no byte of it changes. */
static void assert_answer_untouched(const struct frame *f)
{
	static struct frame out;

	assert_int_equal(nat_answer(f, &out), XDP_PASS);
	assert_int_equal(nat->bss->reason, WEIR_R_CONTINUE);
	nat_assert_equal(&out, f);
}

static void what_comes_to_a_source_and_is_of_no_flow_is_the_hosts(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);
	static struct frame f;
	struct packet p;

	(void)state;
	NEED_NAT();
	nat_forget();
	nat_open_case(&c, SYN);
	for (int i = 0; i < 7; i++) {
		p = nat_of_backend(&c);
		if (i == 0)
			p.dport++;
		if (i == 1)
			p.sport++;
		if (i == 2)
			p.src = "10.1.0.12";
		if (i == 3)
			p.dst = "10.2.0.1";
		if (i == 4)
			p.proto = IPPROTO_UDP;
		if (i == 5)
			p.proto = IPPROTO_SCTP;
		if (i == 6)
			p.dport = 22; /* a server of the host's own */
		packet_build(&p, &f);
		assert_answer_untouched(&f);
	}
	p = nat_of_backend(&c);
	nat_check_answer(&c, &p);
}

static void a_packet_cut_at_any_byte_is_left_alone_or_right(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	EACH_CASE(c)
	{
		static struct frame in, out;
		struct packet p;

		nat_open_case(&c, SYN);
		p = nat_of_backend(&c);
		p.payload = 3;
		packet_build(&p, &in);
		while (--in.size > ETHERNET_BYTES)
			assert_answer_untouched(&in);
		p = nat_of_client(&c);
		p.payload = 3;
		packet_build(&p, &in);
		while (--in.size > ETHERNET_BYTES) {
			/* Of TCP or UDP without ports: asked all the same, nothing is sent. */
			__u32 verdict = nat_send(&in, &out);

			if (verdict != XDP_PASS)
				fail_msg("cut to %zu bytes: verdict %u, reason %u, place %u, "
					 "protocol %u",
					 (size_t)in.size, verdict, nat->bss->reason, c.place,
					 c.proto);
			assert_int_not_equal(nat->bss->reason, WEIR_R_LB_FORWARD);
			nat_assert_equal(&out, &in);
		}
	}
}

static void a_flow_keeps_its_backend_when_the_ring_says_another(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	EACH_CASE(c)
	{
		static struct frame in, out;
		struct packet p;

		nat_open_case(&c, SYN);
		p = nat_of_client(&c);
		packet_build(&p, &in);
		nat->bss->backend = c.place < 3 ? (c.place + 1) % 3 : 3 + (c.place - 2) % 3;
		assert_int_equal(nat_send(&in, &out), nat_places[c.place].verdict);
		assert_memory_equal(out.bytes, nat_places[c.place].dmac, 6);
		assert_int_equal(nat->bss->why, WEIR_WHY_NAT);
	}
}

static void a_flow_whose_backend_is_gone_gets_another(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP), moved;
	__u32 *by_id, kept;
	static struct frame f;
	struct packet p;

	(void)state;
	NEED_NAT();
	by_id = nat->bss->world.backend_by_id;
	nat_forget();
	nat_open_case(&c, SYN);
	moved = c;
	moved.place = 1;
	kept = by_id[1];
	by_id[1] = 0;
	nat_open_case(&moved, ACK);
	assert_int_equal(nat_places[1].verdict, XDP_REDIRECT);
	p = nat_of_backend(&moved);
	nat_check_answer(&moved, &p);
	p = nat_of_backend(&c);
	packet_build(&p, &f);
	assert_answer_untouched(&f);
	by_id[1] = kept;
}

static void a_pool_of_sources_is_used_up_and_down(void **state)
{
	__u32 seen4 = 0, seen6 = 0;

	(void)state;
	NEED_NAT();
	nat_forget();
	for (__u32 i = 0; i < 200; i++) {
		struct nat_case c = nat_case_of(i % 2 ? 3 : 0, IPPROTO_UDP), other;
		char client[64];

		snprintf(client, sizeof(client), i % 2 ? "2001:db8:9::%x" : "10.9.0.%u", i + 1);
		c.client = client;
		c.service = POOL_SERVICE;
		nat_open_case(&c, 0);
		other = c;
		other.client_port++;
		nat_open_case(&other, 0);
		/* All of a client's flows have one source: fragments are told by addresses alone. */
		assert_string_equal(c.source, other.source);
		if (i % 2)
			seen6 |= 1U << (c.source[strlen(c.source) - 1] - '0');
		else
			seen4 |= 1U << (c.source[strlen(c.source) - 1] - '0');
		assert_non_null(strstr(c.source, i % 2 ? "2001:db8:f::" : "172.31.0."));
		nat_check_answer(&c, &(struct packet){ .src = nat_places[c.place].addr,
						       .dst = c.source,
						       .proto = IPPROTO_UDP,
						       .sport = 8443,
						       .dport = c.source_port });
	}
	assert_int_equal(seen4, 0xe);
	assert_int_equal(seen6, 0x6);
}

static void a_backend_that_is_its_own_client_is_translated(void **state)
{
	static const enum nat_service services[] = { NAT_SERVICE, LOCAL_SERVICE };

	(void)state;
	NEED_NAT();
	for (int i = 0; i < 2; i++) {
		struct nat_case c = nat_case_of(2, IPPROTO_TCP);
		struct packet p;

		nat_forget();
		c.client = nat_places[2].addr; /* lies behind out0's router, as clients do */
		c.service = services[i];
		nat_open_case(&c, SYN);
		assert_string_equal(c.source, nat_places[2].source);
		p = nat_of_backend(&c);
		nat_check_answer(&c, &p);
	}
}

/* The sender of @in is told; its packet goes no further. */
static void assert_expires(__u32 (*run)(const struct frame *, struct frame *),
			   const struct packet *p)
{
	bool is_v6 = strchr(p->src, ':') != NULL;
	static struct frame in, out;
	__u8 want[16], *ip = out.bytes + ETHERNET_BYTES;

	packet_build(p, &in);
	assert_int_not_equal(run(&in, &out), XDP_PASS);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_TTL_TOLD);
	packet_address(p->src, want);
	assert_memory_equal(ip + (is_v6 ? 24 : 16), is_v6 ? want : want + 12, is_v6 ? 16 : 4);
	assert_int_equal(ip[is_v6 ? 6 : 9], is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	assert_int_equal(ip[is_v6 ? 40 : 20], is_v6 ? 3 : 11);
	/* It quotes what it is about, untouched. */
	assert_memory_equal(ip + (is_v6 ? 48 : 28), in.bytes + ETHERNET_BYTES, 40);
}

static void a_packet_that_reaches_its_last_hop_here_is_answered(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	EACH_CASE(c)
	{
		struct packet p;

		nat_open_case(&c, SYN);
		p = nat_of_client(&c);
		p.ttl = 1;
		assert_expires(nat_send, &p);
		p = nat_of_backend(&c);
		p.ttl = 1;
		assert_expires(nat_answer, &p);
		p = nat_of_client(&c);
		p.ttl = 2;
		nat_check_send(&c, &p);
	}
}

/* Random flows and payloads: what checksums come out is chance. */
static void random_packets_of_random_flows_are_right(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	for (int i = 0; i < 3000; i++) {
		struct nat_case c =
			nat_case_of((__u32)random_below(nat_places_count), protos[random_below(2)]);
		struct packet p;

		c.client_port = (__u16)(1 + random_below(65535));
		c.vip_port = (__u16)(1 + random_below(65535));
		nat_open_case(&c, (__u8)(random_below(2) ? SYN : ACK));
		p = nat_of_backend(&c);
		p.payload = (__u16)random_below(1300);
		p.tos = (__u8)random_below(256);
		p.flags = (__u8)random_below(64);
		nat_check_answer(&c, &p);
		if (i % 500 == 499)
			nat_forget();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_translated_and_its_answers_are_translated_back),
		cmocka_unit_test(options_and_extension_headers_stay),
		cmocka_unit_test(a_first_fragment_is_translated_by_its_ports),
		cmocka_unit_test(UDP_without_a_checksum_stays_without),
		cmocka_unit_test(no_UDP_checksum_becomes_0),
		cmocka_unit_test(what_comes_to_a_source_and_is_of_no_flow_is_the_hosts),
		cmocka_unit_test(a_packet_cut_at_any_byte_is_left_alone_or_right),
		cmocka_unit_test(a_flow_keeps_its_backend_when_the_ring_says_another),
		cmocka_unit_test(a_flow_whose_backend_is_gone_gets_another),
		cmocka_unit_test(a_pool_of_sources_is_used_up_and_down),
		cmocka_unit_test(a_backend_that_is_its_own_client_is_translated),
		cmocka_unit_test(a_packet_that_reaches_its_last_hop_here_is_answered),
		cmocka_unit_test(random_packets_of_random_flows_are_right),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, nat_start, nat_stop);
}
