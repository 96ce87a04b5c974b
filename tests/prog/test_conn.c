// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections that this host opened: what opens one, what is of one, how long
 * it lives, and that nobody outside can push one out.
 */
#include "conn_case.h"

#include <bpf/bpf.h>

#include "../unit/random.h"

static void a_SYN_that_leaves_opens_a_connection(void **state)
{
	static const struct flow *const flows[] = { &tcp4, &tcp6 };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < 2; i++) {
		const struct flow *f = flows[i];
		struct flow other = *f;

		forget_all();
		assert_false(in(f, SYN | ACK));
		out(f, SYN);
		assert_true(in(f, SYN | ACK));
		out(f, ACK);
		assert_true(in(f, ACK | PSH));
		assert_true(in(f, ACK | FIN));
		other.local++;
		assert_false(in(&other, ACK));
		other = *f;
		other.remote++;
		assert_false(in(&other, ACK));
		other = *f;
		other.is_v6 = !f->is_v6;
		assert_false(in(&other, ACK));
		other = *f;
		other.proto = IPPROTO_UDP;
		assert_false(in(&other, 0));
	}
}

static void what_was_not_asked_for_is_not_established(void **state)
{
	static const __u8 flags[] = { 0, SYN, ACK, SYN | ACK, RST, RST | ACK, FIN | ACK, 0xff };

	(void)state;
	NEED_BPF();
	forget_all();
	for (size_t i = 0; i < sizeof(flags); i++) {
		assert_false(in(&tcp4, flags[i]));
		assert_false(in(&tcp6, flags[i]));
	}
	assert_false(in(&udp4, 0));
	assert_int_equal(opened(), 0);
}

static void answers_open_nothing(void **state)
{
	static const __u8 answers[] = { SYN | ACK, RST, RST | ACK, SYN | RST };

	(void)state;
	NEED_BPF();
	forget_all();
	for (size_t i = 0; i < sizeof(answers); i++) {
		out(&tcp4, answers[i]);
		assert_int_equal(opened(), 0);
		assert_false(in(&tcp4, ACK));
	}
}

static void a_SYN_that_comes_is_for_the_rules_to_judge(void **state)
{
	(void)state;
	NEED_BPF();
	forget_all();
	out(&tcp4, SYN);
	assert_true(in(&tcp4, SYN)); /* simultaneous open: RFC 9293, section 3.5 */
	assert_true(in(&tcp4, SYN | ACK));
	assert_false(in(&tcp4, SYN));
	assert_true(in(&tcp4, ACK));
}

static void a_connection_older_than_the_table_is_found(void **state)
{
	(void)state;
	NEED_BPF();
	forget_all();
	assert_false(in(&tcp4, ACK));
	out(&tcp4, ACK | PSH);
	assert_true(in(&tcp4, ACK));
}

static void what_leaves_is_known_once_its_connection_is_open(void **state)
{
	(void)state;
	NEED_BPF();
	forget_all();
	assert_false(knows(&tcp4, SYN));
	assert_false(knows(&tcp4, ACK));
	out(&tcp4, SYN);
	assert_true(knows(&tcp4, SYN));
	assert_true(in(&tcp4, SYN | ACK));
	assert_true(knows(&tcp4, ACK));
	assert_true(knows(&tcp4, RST));
	assert_false(knows(&tcp4, SYN));
	assert_false(knows(&tcp6, ACK));
	assert_int_equal(opened(), 1);
	out(&udp6, 0);
	assert_true(knows(&udp6, 0));
	assert_false(knows(&udp4, 0));
	assert_false(in(&(struct flow){ .proto = IPPROTO_UDP, .local = 53, .remote = 9 }, 0));
	assert_false(knows(&(struct flow){ .proto = IPPROTO_UDP, .local = 53, .remote = 9 }, 0));
}

static void a_packet_is_looked_up_once_for_all_rules(void **state)
{
	static const struct flow *const flows[] = { &tcp4, &udp6 };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < 2; i++) {
		struct packet p = coming(flows[i], ACK);
		struct frame f;

		forget_all();
		packet_build(&p, &f);
		for (__u64 times = 0; times < 2; times++) {
			programs->bss->asked = programs->bss->established = 0;
			actions_run(programs->progs.comes_to_many_rules, &f, NULL);
			assert_int_equal(programs->bss->asked, 1);
			assert_int_equal(programs->bss->established, 3 * times);
			out(flows[i], SYN);
			out(flows[i], ACK);
		}
	}
}

static void UDP_that_leaves_opens_and_answers_do_not(void **state)
{
	static const __u8 protos[] = { IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < 2 * sizeof(protos); i++) {
		struct flow f = {
			.is_v6 = i & 1, .proto = protos[i / 2], .local = 53, .remote = 4000
		};

		forget_all();
		/* A server here: what it answers opens nothing. */
		assert_false(in(&f, 0));
		out(&f, 0);
		assert_false(in(&f, 0));
		assert_int_equal(opened(), 0);
		/* A client here. */
		f.remote++;
		out(&f, 0);
		assert_true(in(&f, 0));
		assert_true(in(&f, 0));
		out(&f, 0);
		assert_true(in(&f, 0));
	}
}

/* Ones that came are forgotten after a while: the next packet that leaves is a client's. */
static void an_inbound_flow_is_remembered_for_a_time(void **state)
{
	(void)state;
	NEED_BPF();
	forget_all();
	assert_false(in(&udp4, 0));
	pass_time(WEIR_ASK_S - 1);
	out(&udp4, 0);
	assert_int_equal(opened(), 0);
	pass_time(2);
	out(&udp4, 0);
	assert_true(in(&udp4, 0));
}

static void later_fragments_are_of_no_connection(void **state)
{
	struct packet p = coming(&udp4, 0);

	(void)state;
	NEED_BPF();
	forget_all();
	out(&udp4, 0);
	p.fragment = IPV4_MORE_FRAGMENTS;
	assert_true(receive_packet(&p));
	p.fragment = 100;
	assert_false(receive_packet(&p));
	p = leaving(&tcp4, SYN);
	p.fragment = 100;
	send_packet(&p);
	assert_int_equal(opened(), 1);
}

static void packets_cut_at_every_byte_are_of_no_connection(void **state)
{
	static const struct flow *const flows[] = { &tcp4, &udp4, &tcp6, &udp6 };

	(void)state;
	NEED_BPF();
	forget_all();
	for (size_t i = 0; i < 4; i++) {
		struct packet p = coming(flows[i], ACK);
		struct frame f;
		size_t whole;

		out(flows[i], SYN);
		packet_build(&p, &f);
		whole = f.size;
		for (f.size = ETHERNET_BYTES; f.size < whole; f.size++)
			assert_int_equal(actions_run(programs->progs.comes, &f, NULL), XDP_DROP);
		assert_int_equal(actions_run(programs->progs.comes, &f, NULL), XDP_PASS);
	}
}

/* It lives while packets come within @idle_s, and no longer. */
static void assert_idle(const struct flow *f, __u32 idle_s)
{
	pass_time(idle_s - 1);
	assert_true(in(f, ACK));
	pass_time(idle_s - 1);
	assert_true(in(f, ACK));
	pass_time(idle_s + 1);
	assert_false(in(f, ACK));
}

static __u32 idle_of(enum weir_conn_state state)
{
	static const __u32 idle_s[] = {
#define X(sym, name, seconds) [WEIR_CONN_##sym] = seconds,
		WEIR_CONN_STATES(X)
#undef X
	};

	return idle_s[state];
}

static void connections_end_where_no_packets_come(void **state)
{
	(void)state;
	NEED_BPF();
	forget_all();
	out(&tcp4, SYN);
	pass_time(idle_of(WEIR_CONN_OPENING) + 1);
	assert_false(in(&tcp4, SYN | ACK));
	out(&tcp4, SYN);
	assert_true(in(&tcp4, SYN | ACK));
	assert_idle(&tcp4, idle_of(WEIR_CONN_ESTABLISHED));
	forget_all();
	out(&tcp4, ACK);
	assert_idle(&tcp4, idle_of(WEIR_CONN_FOUND));
	forget_all();
	out(&udp4, 0);
	pass_time(idle_of(WEIR_CONN_SENT) + 1);
	assert_false(in(&udp4, 0));
	forget_all();
	out(&udp4, 0);
	assert_true(in(&udp4, 0));
	assert_idle(&udp4, idle_of(WEIR_CONN_ANSWERED));
}

static void a_connection_that_closes_ends_soon(void **state)
{
	static const __u8 ends[] = { FIN | ACK, RST, RST | ACK };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < sizeof(ends); i++) {
		forget_all();
		out(&tcp4, SYN);
		assert_true(in(&tcp4, SYN | ACK));
		out(&tcp4, ends[i]);
		assert_idle(&tcp4, idle_of(WEIR_CONN_CLOSING));
	}
}

/* Anyone may send a reset in the peer's name; this host's stack knows which are true. */
static void a_forged_end_does_not_end_a_connection_that_goes_on(void **state)
{
	static const __u8 ends[] = { FIN | ACK, RST, RST | ACK };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < sizeof(ends); i++) {
		forget_all();
		out(&tcp4, SYN);
		assert_true(in(&tcp4, SYN | ACK));
		out(&tcp4, ACK);
		assert_true(in(&tcp4, ends[i]));
		out(&tcp4, ACK);
		assert_idle(&tcp4, idle_of(WEIR_CONN_ESTABLISHED));
		forget_all();
		out(&tcp4, SYN);
		assert_true(in(&tcp4, SYN | ACK));
		assert_true(in(&tcp4, ends[i]));
		assert_idle(&tcp4, idle_of(WEIR_CONN_HALF));
	}
}

#define OPEN 1000
#define FLOOD 1000000

static struct flow numbered(__u32 i)
{
	return (struct flow){ .is_v6 = i & 1,
			      .proto = i & 2 ? IPPROTO_UDP : 0,
			      .local = (__u16)(20000 + i),
			      .remote = (__u16)(443 + i % 7) };
}

static void open_many(void)
{
	forget_all();
	for (__u32 i = 0; i < OPEN; i++) {
		const struct flow f = numbered(i);

		out(&f, SYN);
		assert_true(in(&f, SYN | ACK));
	}
}

static void assert_all_open(void)
{
	for (__u32 i = 0; i < OPEN; i++) {
		const struct flow f = numbered(i);

		if (!in(&f, ACK))
			fail_msg("connection %u is gone", i);
	}
}

static void flood(const struct bpf_program *program, __u8 proto)
{
	const struct packet p = { .src = PEER4, .dst = HOST4, .proto = proto, .flags = ACK };
	struct frame f;

	packet_build(&p, &f);
	programs->bss->established = 0;
	actions_repeat(program, &f, FLOOD);
}

/* Opened here afterwards: those too must find a place, and take none from those that live. */
static void assert_more_can_be_opened(void)
{
	for (__u32 i = 0; i < OPEN; i++) {
		const struct flow f = { .local = (__u16)(40000 + i), .remote = 22 };

		out(&f, SYN);
		assert_true(in(&f, SYN | ACK));
	}
}

static void a_TCP_flood_pushes_out_no_connection(void **state)
{
	(void)state;
	NEED_BPF();
	open_many();
	flood(programs->progs.flood_tcp, IPPROTO_TCP);
	/* It filled what was free, so it was a flood. */
	assert_in_range(opened(), ACTIONS_CONN_SETS * WEIR_CONN_WAYS * 9 / 10,
			ACTIONS_CONN_SETS * WEIR_CONN_WAYS);
	assert_all_open();
	assert_more_can_be_opened();
	assert_all_open();
}

static void read_table(struct weir_conn_set *sets)
{
	for (__u32 i = 0; i < ACTIONS_CONN_SETS; i++)
		assert_int_equal(
			bpf_map_lookup_elem(bpf_map__fd(programs->maps.weir_conns), &i, &sets[i]),
			0);
}

/* Three for each place: hardly a set is left that has a free one. */
static void a_flood_takes_no_place_in_a_full_table(void **state)
{
	static struct weir_conn_set before[ACTIONS_CONN_SETS], after[ACTIONS_CONN_SETS];
	const __u32 most = 3 * WEIR_CONN_WAYS * ACTIONS_CONN_SETS;

	(void)state;
	NEED_BPF();
	forget_all();
	for (__u32 i = 0; i < most; i++) {
		const struct flow f = { .local = (__u16)i, .remote = (__u16)(443 + (i >> 16)) };

		out(&f, SYN);
	}
	read_table(before);
	flood(programs->progs.flood_tcp, IPPROTO_TCP);
	flood(programs->progs.flood_udp, IPPROTO_UDP);
	read_table(after);
	for (__u32 i = 0; i < ACTIONS_CONN_SETS; i++) {
		for (int w = 0; w < WEIR_CONN_WAYS; w++)
			if (before[i].way[w].tag)
				assert_int_equal(after[i].way[w].tag, before[i].way[w].tag);
	}
}

static void a_UDP_flood_pushes_out_no_connection(void **state)
{
	(void)state;
	NEED_BPF();
	open_many();
	flood(programs->progs.flood_udp, IPPROTO_UDP);
	assert_int_equal(opened(), OPEN);
	assert_int_equal(programs->bss->established, 0);
	assert_all_open();
	assert_more_can_be_opened();
	assert_all_open();
}

/* Frames that are nearly packets of open connections. */
static void random_frames_open_and_close_nothing(void **state)
{
	(void)state;
	NEED_BPF();
	open_many();
	for (int i = 0; i < 100000; i++) {
		const struct flow of = numbered(random_below(OPEN));
		const struct packet p = coming(&of, (__u8)random_u64());
		struct frame f;

		packet_build(&p, &f);
		for (__u32 flips = random_below(4); flips; flips--)
			f.bytes[random_below((__u32)f.size)] = (__u8)random_u64();
		if (!random_below(8))
			f.size = ETHERNET_BYTES + random_below((__u32)f.size - ETHERNET_BYTES);
		actions_run(programs->progs.comes, &f, NULL);
	}
	assert_int_equal(opened(), OPEN);
	assert_all_open();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_SYN_that_leaves_opens_a_connection),
		cmocka_unit_test(what_was_not_asked_for_is_not_established),
		cmocka_unit_test(answers_open_nothing),
		cmocka_unit_test(a_SYN_that_comes_is_for_the_rules_to_judge),
		cmocka_unit_test(a_connection_older_than_the_table_is_found),
		cmocka_unit_test(what_leaves_is_known_once_its_connection_is_open),
		cmocka_unit_test(a_packet_is_looked_up_once_for_all_rules),
		cmocka_unit_test(UDP_that_leaves_opens_and_answers_do_not),
		cmocka_unit_test(an_inbound_flow_is_remembered_for_a_time),
		cmocka_unit_test(later_fragments_are_of_no_connection),
		cmocka_unit_test(packets_cut_at_every_byte_are_of_no_connection),
		cmocka_unit_test(connections_end_where_no_packets_come),
		cmocka_unit_test(a_connection_that_closes_ends_soon),
		cmocka_unit_test(a_forged_end_does_not_end_a_connection_that_goes_on),
		cmocka_unit_test(a_TCP_flood_pushes_out_no_connection),
		cmocka_unit_test(a_flood_takes_no_place_in_a_full_table),
		cmocka_unit_test(a_UDP_flood_pushes_out_no_connection),
		cmocka_unit_test(random_frames_open_and_close_nothing),
	};

	return WEIR_RUN_GROUP(tests, conn_start, conn_stop);
}
