// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "forward local": the container sees the client's address, and what it answers
 * at TC, and says in ICMP errors, comes from the VIP.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "nat_case.h"
#include "nat_error.h"
#include "nat_tc.skel.h"

#define TC_ACT_UNSPEC (-1)
#define TC_ACT_REDIRECT 7
#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
#define PIN_SETS 64U

static struct nat_tc *tc;
static __u32 test_flags;

/* TC over the same tables. */
static int start(void **state)
{
	nat_start(state);
	if (nat_refusal)
		return 0;
	tc = nat_tc__open();
	assert_non_null(tc);
	tc->rodata_weir->weir = nat->rodata_weir->weir;
	tc->rodata_weir->weir.pin_mask = PIN_SETS - 1;
	assert_int_equal(bpf_map__set_max_entries(tc->maps.weir_pins, PIN_SETS), 0);
	assert_int_equal(bpf_map__reuse_fd(tc->maps.weir_nat, bpf_map__fd(nat->maps.weir_nat)), 0);
	assert_int_equal(
		bpf_map__reuse_fd(tc->maps.weir_nat_flows, bpf_map__fd(nat->maps.weir_nat_flows)),
		0);
	tc->bss->world = nat->bss->world;
	assert_int_equal(nat_tc__load(tc), 0);
	return 0;
}

static int stop(void **state)
{
	nat_tc__destroy(tc);
	return nat_stop(state);
}

/* Returns the verdict, or -errno below -1. */
static int answer(const struct frame *in, struct frame *out)
{
	struct __sk_buff skb = { .ifindex = nat_net.in };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .data_out = out->bytes, .data_size_out = sizeof(out->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1, .flags = test_flags);
	int error = bpf_prog_test_run_opts(bpf_program__fd(tc->progs.nat_back_in), &opts);

	if (error)
		return error;
	out->size = opts.data_size_out;
	return (int)opts.retval;
}

static struct nat_case local_case(__u32 place, __u8 proto)
{
	struct nat_case c = nat_case_of(place, proto);

	c.service = LOCAL_SERVICE;
	return c;
}

/* MAC addresses are the neighbour's to write. */
static void assert_same_packet(const struct frame *got, struct frame *want)
{
	memcpy(want->bytes, got->bytes, 12);
	nat_assert_equal(got, want);
}

static void check_answer(const struct nat_case *c, struct packet p)
{
	struct packet to = nat_to_client(c);
	static struct frame in, out, want;

	packet_build(&p, &in);
	p.src = to.src;
	p.dst = to.dst;
	p.sport = to.sport;
	p.dport = to.dport;
	p.ttl = 60;
	packet_build(&p, &want);
	assert_int_equal(answer(&in, &out), TC_ACT_REDIRECT);
	assert_int_equal(tc->bss->reason, WEIR_R_LB_NAT_RETURN);
	assert_same_packet(&out, &want);
}

static void check_sizes(void)
{
	nat_forget();
	for (__u32 place = 0; place < nat_places_count; place++) {
		for (int i = 0; i < 2; i++) {
			struct nat_case c = local_case(place, protos[i]);
			bool is_v6 = strchr(c.client, ':') != NULL;
			struct packet p;

			nat_open_case(&c, SYN);
			p = nat_of_backend(&c);
			p.timestamps = TIMESTAMPS_ALIGNED;
			for (p.payload = 0; p.payload < 1300; p.payload += 41)
				check_answer(&c, p);
			p.option_words = is_v6 ? 0 : 5;
			if (is_v6)
				p.extensions[0] = (struct packet_extension)EXT_DSTOPTS(1);
			check_answer(&c, p);
		}
	}
}

static void what_a_container_answers_comes_from_the_VIP(void **state)
{
	(void)state;
	NEED_NAT();
	check_sizes();
}

/* Fields of a fragment: its offset in units of 8 bytes, and whether more follow. */
static struct packet fragment_of(const struct packet *p, __u16 units, bool has_more)
{
	struct packet f = *p;

	if (strchr(p->src, ':'))
		f.extensions[0] = (struct packet_extension)EXT_FRAGMENT(
			(__u16)(units << 3 | (has_more ? IPV6_MORE_FRAGMENTS : 0)));
	else
		f.fragment = units | (has_more ? IPV4_MORE_FRAGMENTS : 0);
	f.payload = 64;
	return f;
}

/* Behind the first one there are no ports, and nothing but the IP header is to change. */
static void check_later_fragment(const struct nat_case *c, struct packet p)
{
	size_t l4 = ETHERNET_BYTES + (strchr(p.src, ':') ? 40 + 8 : 20);
	struct packet to = nat_to_client(c);
	static struct frame in, out, want;

	p.sport = p.dport = 0x4242;
	packet_build(&p, &in);
	p.src = to.src;
	p.dst = to.dst;
	p.ttl = 60;
	packet_build(&p, &want);
	memcpy(want.bytes + l4, in.bytes + l4, in.size - l4);
	assert_int_equal(answer(&in, &out), TC_ACT_REDIRECT);
	assert_int_equal(tc->bss->reason, WEIR_R_LB_NAT_RETURN);
	assert_same_packet(&out, &want);
}

static void forget_fragments(void)
{
	static const struct weir_pin_set empty;

	for (__u32 i = 0; i < PIN_SETS; i++)
		assert_int_equal(bpf_map__update_elem(tc->maps.weir_pins, &i, sizeof(i), &empty,
						      sizeof(empty), BPF_ANY),
				 0);
}

static void assert_untouched(const struct frame *f);

static void check_fragments(void)
{
	forget_fragments();
	for (__u32 place = 0; place < nat_places_count; place++) {
		struct nat_case c = local_case(place, IPPROTO_UDP);
		static struct frame f;
		struct packet p, later;

		nat_forget();
		nat_open_case(&c, 0);
		p = nat_of_backend(&c);
		later = fragment_of(&p, 9, true);
		packet_build(&later, &f);
		assert_untouched(&f); /* its first one was not seen */
		check_answer(&c, fragment_of(&p, 0, true));
		check_later_fragment(&c, fragment_of(&p, 9, true));
		check_later_fragment(&c, fragment_of(&p, 18, false));
		later.dst = strchr(p.dst, ':') ? "2001:db8:9::66" : "10.9.0.66";
		packet_build(&later, &f);
		assert_untouched(&f); /* of another client */
	}
}

static void fragments_of_an_answer_come_from_the_VIP(void **state)
{
	(void)state;
	NEED_NAT();
	check_fragments();
}

static void assert_untouched(const struct frame *f)
{
	static struct frame out;

	assert_int_equal(answer(f, &out), TC_ACT_UNSPEC);
	assert_int_equal(tc->bss->reason, WEIR_R_CONTINUE);
	nat_assert_equal(&out, f);
}

static void what_else_a_container_sends_is_left_alone(void **state)
{
	struct nat_case c;
	static struct frame f;
	struct packet p;

	(void)state;
	NEED_NAT();
	nat_forget();
	c = local_case(0, IPPROTO_TCP);
	nat_open_case(&c, SYN);
	for (int i = 0; i < 6; i++) {
		p = nat_of_backend(&c);
		if (i == 0)
			p.dport++;
		if (i == 1)
			p.sport++;
		if (i == 2)
			p.dst = "10.9.0.8"; /* somebody who asked the container itself */
		if (i == 3)
			p.proto = IPPROTO_UDP;
		if (i == 4)
			p.proto = IPPROTO_SCTP;
		if (i == 5)
			p.ttl = 1; /* the stack tells the container */
		packet_build(&p, &f);
		assert_untouched(&f);
	}
	p = nat_of_backend(&c);
	p.payload = 2;
	packet_build(&p, &f);
	while (--f.size >= ETHERNET_BYTES + 20)
		assert_untouched(&f);
}

static void what_is_too_big_is_the_stacks_to_tell_or_to_cut(void **state)
{
	struct nat_case c;
	static struct frame in, out, want;
	struct packet p, to;

	(void)state;
	NEED_NAT();
	nat_forget();
	c = local_case(0, IPPROTO_UDP);
	nat_open_case(&c, 0);
	p = nat_of_backend(&c);
	p.payload = 1600;
	p.fragment = IPV4_DONT_FRAGMENT;
	packet_build(&p, &in);
	assert_untouched(&in);
	p.fragment = 0;
	packet_build(&p, &in);
	to = nat_to_client(&c);
	to.payload = 1600;
	packet_build(&to, &want);
	assert_int_equal(answer(&in, &out), TC_ACT_UNSPEC);
	assert_int_equal(tc->bss->reason, WEIR_R_LB_NAT_STACK);
	assert_same_packet(&out, &want);
}

/* An error of the container's, about a packet of the client. */
static void check_error(const struct nat_case *c, const char *sender, size_t quoted)
{
	bool is_v6 = strchr(c->client, ':') != NULL;
	struct packet about_in = nat_to_backend(c), about_want = nat_of_client(c);
	struct nat_error in = { .src = sender,
				.dst = c->source,
				.type = is_v6 ? 1 : 3,
				.code = is_v6 ? 4 : 3,
				.about = &about_in,
				.quoted = quoted };
	struct nat_error want = in;
	static struct frame f, out, wanted;

	want.src = c->vip;
	want.dst = c->client;
	want.ttl = 60;
	want.about = &about_want;
	nat_error_build(&in, &f);
	nat_error_build(&want, &wanted);
	assert_int_equal(answer(&f, &out), TC_ACT_REDIRECT);
	assert_int_equal(tc->bss->reason, WEIR_R_LB_NAT_RETURN);
	assert_same_packet(&out, &wanted);
}

static void check_errors(void)
{
	nat_forget();
	for (__u32 place = 0; place < nat_places_count; place++) {
		for (int i = 0; i < 2; i++) {
			struct nat_case c = local_case(place, protos[i]);
			size_t header = strchr(c.client, ':') ? 40 : 20;

			nat_open_case(&c, SYN);
			for (size_t bytes = header + 8; bytes < header + 40; bytes++) {
				/* Of half a checksum nobody knows what it becomes. */
				if (protos[i] == IPPROTO_TCP && bytes == header + 17)
					continue;
				check_error(&c, nat_places[place].addr, bytes);
			}
			check_error(&c, nat_places[place].addr, 0);
		}
	}
}

static void errors_of_a_container_are_translated(void **state)
{
	(void)state;
	NEED_NAT();
	check_errors();
}

/* The kernel compares the sum that it keeps with the packet after each run. */
static void the_kernels_own_sum_over_the_packet_stays_right(void **state)
{
	static struct frame f, out;
	struct nat_case c;
	struct packet p;

	(void)state;
	NEED_NAT();
	nat_forget();
	c = local_case(0, IPPROTO_TCP);
	nat_open_case(&c, SYN);
	p = nat_of_backend(&c);
	packet_build(&p, &f);
	test_flags = BPF_F_TEST_SKB_CHECKSUM_COMPLETE;
	if (answer(&f, &out) == -EINVAL) {
		test_flags = 0;
		WEIR_SKIP("this kernel's test runs keep no sum");
	}
	check_sizes();
	check_fragments();
	check_errors();
	test_flags = 0;
}

static void a_port_that_had_to_change_changes_back(void **state)
{
	struct nat_case c, other;

	(void)state;
	NEED_NAT();
	nat_forget();
	c = local_case(0, IPPROTO_TCP);
	other = c;
	other.vip = "192.0.2.2";
	nat_open_case(&c, SYN);
	nat_open_case(&other, SYN);
	check_answer(&c, nat_of_backend(&c));
	check_answer(&other, nat_of_backend(&other));
}

static void a_container_that_is_its_own_client_is_answered(void **state)
{
	struct nat_case c;

	(void)state;
	NEED_NAT();
	nat_forget();
	c = local_case(0, IPPROTO_TCP);
	c.client = nat_places[0].addr;
	nat_open_case(&c, SYN);
	assert_string_not_equal(c.source, c.client);
	check_answer(&c, nat_of_backend(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_container_answers_comes_from_the_VIP),
		cmocka_unit_test(fragments_of_an_answer_come_from_the_VIP),
		cmocka_unit_test(what_else_a_container_sends_is_left_alone),
		cmocka_unit_test(what_is_too_big_is_the_stacks_to_tell_or_to_cut),
		cmocka_unit_test(errors_of_a_container_are_translated),
		cmocka_unit_test(the_kernels_own_sum_over_the_packet_stays_right),
		cmocka_unit_test(a_port_that_had_to_change_changes_back),
		cmocka_unit_test(a_container_that_is_its_own_client_is_answered),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
