// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ICMP errors about translated packets: in both directions they arrive as about
 * the packet that their receiver sent, with every checksum right, however little
 * they quote.
 */
#include <string.h>

#include "nat_case.h"
#include "nat_error.h"

#define LEAST_L4 8

static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };

struct icmp_kind {
	__u8 type, code;
	__u32 rest;
};

static const struct icmp_kind kinds4[] = {
	{ 3, 3, 0 }, { 3, 4, 1400 }, { 11, 0, 0 }, { 12, 0, 0 }
};
static const struct icmp_kind kinds6[] = { { 1, 4, 0 }, { 2, 0, 1400 }, { 3, 0, 0 }, { 4, 0, 0 } };

static bool is_v6(const struct nat_case *c)
{
	return strchr(c->client, ':') != NULL;
}

/* Both versions of the error, before and after. */
struct error_case {
	struct nat_case flow;
	struct nat_error in, want;
	struct packet about_in, about_want;
};

static void set_kind(struct error_case *e, int kind)
{
	const struct icmp_kind *k = is_v6(&e->flow) ? &kinds6[kind] : &kinds4[kind];

	e->in.type = e->want.type = k->type;
	e->in.code = e->want.code = k->code;
	e->in.rest = e->want.rest = k->rest;
	e->in.ttl = 61;
	e->want.ttl = 60;
	e->in.about = &e->about_in;
	e->want.about = &e->about_want;
	e->about_in.ttl = e->about_want.ttl = 7;
}

/* Somebody on the way to the backend says something about a packet of the client. */
static void from_behind(struct error_case *e, const char *sender, int kind)
{
	e->about_in = nat_to_backend(&e->flow);
	e->about_want = nat_of_client(&e->flow);
	e->in.src = sender;
	e->in.dst = e->flow.source;
	e->want.src = e->flow.vip;
	e->want.dst = e->flow.client;
	set_kind(e, kind);
}

/* And on the way to the client, about an answer. */
static void from_ahead(struct error_case *e, const char *sender, int kind)
{
	e->about_in = nat_to_client(&e->flow);
	e->about_want = nat_of_backend(&e->flow);
	e->in.src = sender;
	e->in.dst = e->flow.vip;
	e->want.src = e->flow.source;
	e->want.dst = nat_places[e->flow.place].addr;
	set_kind(e, kind);
}

static void check_behind(const struct error_case *e)
{
	static struct frame in, want, out;

	nat_error_build(&e->in, &in);
	nat_error_build(&e->want, &want);
	nat_set_macs(&want, testnet_out_12, XDP_REDIRECT);
	assert_int_equal(nat_answer(&in, &out), XDP_REDIRECT);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_NAT_RETURN);
	nat_assert_equal(&out, &want);
}

static void check_ahead(const struct error_case *e)
{
	const struct nat_place *place = &nat_places[e->flow.place];
	static struct frame in, want, out;

	nat_error_build(&e->in, &in);
	nat_error_build(&e->want, &want);
	nat_set_macs(&want, place->dmac, place->verdict);
	assert_int_equal(nat_send(&in, &out), place->verdict);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_FORWARD);
	nat_assert_equal(&out, &want);
}

static void set_quoted(struct error_case *e, size_t bytes)
{
	e->in.quoted = e->want.quoted = bytes;
}

typedef void each_fn(struct error_case *e);

static void for_each_flow(each_fn *check)
{
	nat_forget();
	for (__u32 place = 0; place < nat_places_count; place++) {
		for (int proto = 0; proto < 2; proto++) {
			struct error_case e = { .flow = nat_case_of(place, protos[proto]) };

			nat_open_case(&e.flow, SYN);
			check(&e);
		}
	}
}

static void check_kinds(struct error_case *e)
{
	bool v6 = is_v6(&e->flow);

	for (int kind = 0; kind < 4; kind++) {
		from_behind(e, nat_places[e->flow.place].addr, kind);
		check_behind(e);
		from_behind(e, v6 ? "2001:db8:bad::1" : "203.0.113.9", kind);
		check_behind(e);
		from_ahead(e, e->flow.client, kind);
		check_ahead(e);
		from_ahead(e, v6 ? "2001:db8:bad::1" : "203.0.113.9", kind);
		check_ahead(e);
	}
}

static void errors_of_all_kinds_and_senders_are_translated(void **state)
{
	(void)state;
	NEED_NAT();
	for_each_flow(check_kinds);
}

static void check_quotes(struct error_case *e)
{
	size_t least = (is_v6(&e->flow) ? 40 : 20) + LEAST_L4;
	static struct frame f;
	size_t all;

	from_behind(e, nat_places[e->flow.place].addr, 0);
	all = nat_error_build(&e->in, &f);
	for (size_t bytes = least; bytes <= all; bytes++) {
		/* Of half a checksum nobody knows what it becomes. */
		if (e->flow.proto == IPPROTO_TCP && bytes == least + 9)
			continue;
		set_quoted(e, bytes);
		from_behind(e, nat_places[e->flow.place].addr, 0);
		check_behind(e);
		from_ahead(e, e->flow.client, 0);
		check_ahead(e);
	}
}

static void however_little_an_error_quotes_its_checksums_are_right(void **state)
{
	(void)state;
	NEED_NAT();
	for_each_flow(check_quotes);
}

/* What lies behind the IP packet is no part of the quote. */
static void check_padding(struct error_case *e)
{
	set_quoted(e, (is_v6(&e->flow) ? 40 : 20) + LEAST_L4);
	e->in.padding = e->want.padding = 40;
	from_behind(e, nat_places[e->flow.place].addr, 0);
	check_behind(e);
	from_ahead(e, e->flow.client, 0);
	check_ahead(e);
}

static void padding_is_not_taken_for_quoted(void **state)
{
	(void)state;
	NEED_NAT();
	for_each_flow(check_padding);
}

static void assert_untouched(const struct frame *f)
{
	static struct frame out;

	assert_int_equal(nat_answer(f, &out), XDP_PASS);
	assert_int_equal(nat->bss->reason, WEIR_R_CONTINUE);
	nat_assert_equal(&out, f);
}

static void check_strange(struct error_case *e)
{
	size_t least = (is_v6(&e->flow) ? 40 : 20) + LEAST_L4;
	static struct frame f;

	for (size_t bytes = 1; bytes < least; bytes++) {
		set_quoted(e, bytes);
		from_behind(e, nat_places[e->flow.place].addr, 0);
		nat_error_build(&e->in, &f);
		assert_untouched(&f);
	}
	set_quoted(e, 0);
	from_behind(e, nat_places[e->flow.place].addr, 0);
	e->about_in.sport++;
	nat_error_build(&e->in, &f);
	assert_untouched(&f);
	/* It quotes a packet that the error's receiver did not send. */
	from_behind(e, nat_places[e->flow.place].addr, 0);
	e->in.dst = is_v6(&e->flow) ? "2001:db8:f::1" : "172.31.0.1";
	nat_error_build(&e->in, &f);
	assert_untouched(&f);
	/* No error: a redirect, an echo. */
	from_behind(e, nat_places[e->flow.place].addr, 0);
	e->in.type = is_v6(&e->flow) ? 137 : 5;
	nat_error_build(&e->in, &f);
	assert_untouched(&f);
	e->in.type = is_v6(&e->flow) ? 128 : 8;
	nat_error_build(&e->in, &f);
	assert_untouched(&f);
}

static void errors_about_other_packets_are_the_hosts(void **state)
{
	(void)state;
	NEED_NAT();
	for_each_flow(check_strange);
}

static void check_cut(struct error_case *e)
{
	static struct frame f;

	from_behind(e, nat_places[e->flow.place].addr, 0);
	nat_error_build(&e->in, &f);
	while (--f.size > ETHERNET_BYTES)
		assert_untouched(&f);
}

static void an_error_cut_at_any_byte_is_left_alone(void **state)
{
	(void)state;
	NEED_NAT();
	for_each_flow(check_cut);
}

static void a_quoted_UDP_packet_without_checksum_stays_so(void **state)
{
	struct error_case e = { .flow = nat_case_of(0, IPPROTO_UDP) };
	__u8 *frames[2];
	static struct frame in, want, out;
	__u8 *icmp;

	(void)state;
	NEED_NAT();
	nat_forget();
	nat_open_case(&e.flow, 0);
	from_behind(&e, nat_places[0].addr, 0);
	nat_error_build(&e.in, &in);
	nat_error_build(&e.want, &want);
	frames[0] = in.bytes;
	frames[1] = want.bytes;
	for (int i = 0; i < 2; i++) {
		size_t size = in.size - ETHERNET_BYTES - 20;
		__u16 check;

		icmp = frames[i] + ETHERNET_BYTES + 20;
		memset(icmp + 8 + 20 + 6, 0, 2);
		memset(icmp + 2, 0, 2);
		check = packet_checksum(packet_sum(icmp, size, 0));
		icmp[2] = (__u8)(check >> 8);
		icmp[3] = (__u8)check;
	}
	nat_set_macs(&want, testnet_out_12, XDP_REDIRECT);
	assert_int_equal(nat_answer(&in, &out), XDP_REDIRECT);
	nat_assert_equal(&out, &want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_all_kinds_and_senders_are_translated),
		cmocka_unit_test(however_little_an_error_quotes_its_checksums_are_right),
		cmocka_unit_test(padding_is_not_taken_for_quoted),
		cmocka_unit_test(errors_about_other_packets_are_the_hosts),
		cmocka_unit_test(an_error_cut_at_any_byte_is_left_alone),
		cmocka_unit_test(a_quoted_UDP_packet_without_checksum_stays_so),
	};

	return WEIR_RUN_GROUP(tests, nat_start, nat_stop);
}
