// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A flow keeps its backend while its slot of the ring moves, and no flood takes
 * that from it.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "choose_case.h"

#define SETTLE_S 16
/* Few enough to be full at once. */
#define PIN_SETS 64
#define FLOOD 4000

#define SERVICE(options)                                                          \
	"interface in0 { xdp auto; balance }\n"                                   \
	"service s0 { address 192.0.2.1, 2001:db8:ff::1; port tcp 443, udp 443\n" \
	"forward ipip; " options "\n"                                             \
	"backend b1 10.9.0.1\nbackend b2 10.9.0.2\nbackend b3 10.9.0.3 }\n"

static struct choose_case c = { .pin_sets = PIN_SETS };
static const char *refusal;

static int start(void **state)
{
	(void)state;
	refusal = choose_start(&c, SERVICE("settle 16s"));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		choose_stop(&c);
	return 0;
}

/* Begin anew: no pins, no memory of a move. */
static void reset(const char *config)
{
	harness_clear(&c.h, WEIR_MAP_PINS);
	harness_clear(&c.h, WEIR_MAP_SETTLE);
	choose_change(&c, "interface in0 { xdp auto; balance }\n");
	choose_change(&c, config);
}

static int send_v(__u32 flow, bool v6, __u8 proto, __u8 flags, __u16 payload)
{
	char src[64];
	struct packet p = { .src = src,
			    .dst = v6 ? "2001:db8:ff::1" : "192.0.2.1",
			    .proto = proto,
			    .sport = (__u16)(1024 + flow % 50000),
			    .dport = 443,
			    .flags = flags,
			    .payload = payload };

	snprintf(src, sizeof(src), v6 ? "2001:db8:c::%x" : "198.51.100.%u", flow / 50000 + 1);
	return choose_run(&c, &p);
}

static int tcp(__u32 flow, __u8 flags)
{
	return send_v(flow, false, IPPROTO_TCP, flags, flags & PSH ? 100 : 0);
}

static int udp(__u32 flow)
{
	return send_v(flow, false, IPPROTO_UDP, 0, 100);
}

static void a_settled_slot_makes_no_pin(void **state)
{
	int first;

	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	first = tcp(1, SYN);
	assert_in_range(first, 1, 3);
	assert_int_equal(tcp(1, ACK), first);
	assert_int_equal(tcp(1, ACK | PSH), first);
	assert_int_equal(choose_pins(&c), 0);
}

static void new_flows_go_to_current_and_old_ones_to_base(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	for (int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(send_v(1, v6, IPPROTO_TCP, SYN, 0), 2);
		assert_int_equal(send_v(1, v6, IPPROTO_TCP, ACK, 0), 2);
		assert_int_equal(send_v(2, v6, IPPROTO_TCP, ACK, 0), 1);
		assert_int_equal(send_v(2, v6, IPPROTO_TCP, ACK | PSH, 99), 1);
		assert_int_equal(send_v(1, v6, IPPROTO_TCP, ACK | PSH, 99), 2);
		assert_int_equal(send_v(3, v6, IPPROTO_TCP, RST, 0), 1);
	}
	/* An RST makes none. */
	assert_int_equal(choose_pins(&c), 4);
	/* UDP has no beginning that could be seen; "udp ring". */
	assert_int_equal(udp(1), 2);
}

static void pins_outlive_the_deadline_while_they_are_used(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(tcp(1, ACK | PSH), 1);
		choose_wait(&c, 10);
	}
	assert_int_equal(tcp(1, ACK), 1);
	/* One that is not pinned belongs to what the ring says. */
	assert_int_equal(tcp(2, ACK), 2);
	assert_int_equal(tcp(3, SYN), 2);
	choose_wait(&c, SETTLE_S + 1);
	assert_int_equal(tcp(1, ACK), 2);
}

static void a_second_move_keeps_the_flows_of_both(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	assert_int_equal(tcp(1, SYN), 2);
	assert_int_equal(tcp(2, ACK), 1);
	choose_wait(&c, 3);
	choose_move(&c, 0, 0, 2, SETTLE_S);
	assert_int_equal(tcp(1, ACK), 2);
	assert_int_equal(tcp(2, ACK), 1);
	assert_int_equal(tcp(3, ACK), 1);
	assert_int_equal(tcp(4, SYN), 3);
	choose_wait(&c, 3);
	choose_move(&c, 0, 0, 0, SETTLE_S);
	assert_int_equal(tcp(1, ACK), 2);
	assert_int_equal(tcp(4, ACK), 3);
	assert_int_equal(tcp(5, SYN), 1);
}

static void a_flow_whose_backend_is_gone_moves_at_once(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	assert_int_equal(tcp(1, SYN), 2);
	assert_int_equal(tcp(1, ACK), 2);
	choose_change(&c, "interface in0 { xdp auto; balance }\n"
			  "service s0 { address 192.0.2.1; port tcp 443\n"
			  "forward ipip; settle 16s; backend b3 10.9.0.3 }\n");
	assert_int_equal(tcp(1, ACK), 3);
	assert_int_equal(tcp(2, SYN), 3);
}

static void a_closed_flow_gives_way_to_a_new_one(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	assert_int_equal(tcp(1, ACK), 1);
	assert_int_equal(tcp(1, FIN | ACK), 1);
	/* Who only pretends to close it and opens it anew does not move it. */
	assert_int_equal(tcp(1, SYN), 1);
	assert_int_equal(tcp(1, RST), 1);
	assert_int_equal(tcp(1, ACK | PSH), 1);
	choose_wait(&c, 3);
	assert_int_equal(tcp(1, SYN), 1);
	assert_int_equal(tcp(1, FIN | ACK), 1);
	choose_wait(&c, 3);
	assert_int_equal(tcp(1, SYN), 2);
	assert_int_equal(tcp(1, ACK), 2);
}

static void read_pins(struct weir_pin_set *sets)
{
	for (__u32 i = 0; i < PIN_SETS; i++)
		assert_int_equal(bpf_map_lookup_elem(c.h.maps.fd[WEIR_MAP_PINS], &i, &sets[i]), 0);
}

static void a_pin_is_written_once_a_second_at_most(void **state)
{
	struct weir_pin_set before[PIN_SETS], after[PIN_SETS];

	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	tcp(1, SYN);
	choose_wait(&c, 1);
	choose_now();
	tcp(1, ACK);
	read_pins(before);
	for (int i = 0; i < 100; i++)
		assert_int_equal(tcp(1, ACK | PSH), 2);
	read_pins(after);
	assert_memory_equal(before, after, sizeof(before));
}

/* CPUs read the clock one after the other, and the pin in between. */
static void a_pin_that_is_a_second_ahead_is_alive(void **state)
{
	struct weir_pin_set sets[PIN_SETS];

	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	assert_int_equal(tcp(1, SYN), 2);
	read_pins(sets);
	for (__u32 i = 0; i < PIN_SETS; i++) {
		for (int w = 0; w < WEIR_PIN_WAYS; w++)
			sets[i].way[w].seen += sets[i].way[w].state != 0;
		assert_int_equal(
			bpf_map_update_elem(c.h.maps.fd[WEIR_MAP_PINS], &i, &sets[i], BPF_ANY), 0);
	}
	assert_int_equal(tcp(1, ACK), 2);
}

#define ESTABLISHED 24

/* Of the first half the pins are of new flows, of the second of old ones. */
static void establish(void)
{
	for (__u32 i = 0; i < ESTABLISHED; i++) {
		if (i < ESTABLISHED / 2)
			assert_int_equal(tcp(i, SYN), 2);
		assert_int_equal(tcp(i, ACK), i < ESTABLISHED / 2 ? 2 : 1);
	}
	choose_wait(&c, 1);
	for (__u32 i = 0; i < ESTABLISHED; i++)
		assert_int_equal(tcp(i, ACK | PSH), i < ESTABLISHED / 2 ? 2 : 1);
}

static void assert_established(void)
{
	for (__u32 i = 0; i < ESTABLISHED; i++)
		assert_int_equal(tcp(i, ACK | PSH), i < ESTABLISHED / 2 ? 2 : 1);
}

/* Of packets with @flags, how many went to base. */
static __u32 flood(__u8 flags)
{
	__u32 base = 0;

	for (__u32 i = 0; i < FLOOD; i++) {
		int went = tcp(1000 + (__u32)rand() % 10000000, flags);

		assert_in_range(went, 1, 2);
		base += went == 1;
	}
	return base;
}

static void a_syn_flood_pushes_out_no_flow(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	establish();
	/* Where there is no room for a pin, the move waits. */
	assert_in_range(flood(SYN), FLOOD - PIN_SETS * WEIR_PIN_WAYS, FLOOD);
	assert_established();
	for (int i = 0; i < 4; i++) {
		choose_wait(&c, WEIR_PIN_UNSURE_S + 1);
		flood(SYN);
		assert_established();
	}
	/* Flows of base that found no room are not lost at the deadline. */
	assert_true(choose_settle(&c, 0).base_until_s >= choose_now() + SETTLE_S - 1);
	assert_int_equal(tcp(12000000, ACK), 1);
}

static void an_ack_flood_pushes_out_no_flow(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	establish();
	assert_int_equal(flood(ACK), FLOOD);
	assert_established();
	for (int i = 0; i < 4; i++) {
		choose_wait(&c, WEIR_PIN_UNSURE_S + 1);
		assert_int_equal(flood(ACK), FLOOD);
		assert_established();
	}
}

/* Pins that nobody confirmed have given way to what comes after the flood. */
static void after_a_flood_new_flows_find_room(void **state)
{
	__u32 pinned = 0;

	(void)state;
	NEED_NET();
	reset(SERVICE("settle 16s"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	flood(SYN);
	flood(ACK);
	choose_wait(&c, WEIR_PIN_UNSURE_S + 1);
	for (__u32 i = 0; i < 20; i++)
		pinned += tcp(i, SYN) == 2;
	assert_in_range(pinned, 19, 20);
}

static void track_all_pins_every_flow(void **state)
{
	int went[20];

	(void)state;
	NEED_NET();
	reset(SERVICE("track all; settle 16s"));
	for (__u32 i = 0; i < 20; i++) {
		went[i] = tcp(i, SYN);
		assert_int_equal(tcp(i, ACK), went[i]);
	}
	assert_int_equal(choose_pins(&c), 20);
	choose_wait(&c, 4);
	choose_move(&c, 0, 1, 1, SETTLE_S);
	choose_wait(&c, SETTLE_S - 5);
	for (__u32 i = 0; i < 20; i++)
		assert_int_equal(tcp(i, ACK | PSH), went[i]);
}

static void track_none_goes_by_the_ring(void **state)
{
	(void)state;
	NEED_NET();
	reset(SERVICE("track none"));
	choose_move(&c, 0, 0, 1, SETTLE_S);
	assert_int_equal(tcp(1, ACK), 2);
	assert_int_equal(tcp(1, SYN), 2);
	assert_int_equal(choose_pins(&c), 0);
}

static void udp_track_keeps_a_flow_until_it_is_idle(void **state)
{
	int went;

	(void)state;
	NEED_NET();
	reset(SERVICE("udp track 8s"));
	went = udp(1);
	choose_move(&c, 0, (__u16)(went % 3), (__u16)(went % 3), SETTLE_S);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(udp(1), went);
		choose_wait(&c, 6);
	}
	choose_wait(&c, 3);
	assert_int_equal(udp(1), went % 3 + 1);
	/* TCP is not tracked for that. */
	assert_int_equal(tcp(1, ACK), went % 3 + 1);
}

/* Again where a second ended meanwhile: what lasts N seconds is looked at just N later. */
static void a_pin_lives_for_its_time_at_least(void **state)
{
	int went, kept;
	__u64 began;

	(void)state;
	NEED_NET();
	do {
		reset(SERVICE("udp track 8s"));
		went = udp(1);
		choose_move(&c, 0, (__u16)(went % 3), (__u16)(went % 3), SETTLE_S);
		began = choose_now();
		assert_int_equal(udp(1), went);
		choose_wait(&c, 8);
		kept = udp(1);
	} while (choose_now() != began);
	assert_int_equal(kept, went);
	choose_wait(&c, 9);
	assert_int_equal(udp(1), went % 3 + 1);
}

static void base_counts_for_its_time_at_least(void **state)
{
	__u64 began;
	int went;

	(void)state;
	NEED_NET();
	do {
		reset(SERVICE("settle 16s"));
		began = choose_now();
		choose_move(&c, 0, 0, 1, SETTLE_S);
		choose_wait(&c, SETTLE_S);
		went = tcp(1, ACK);
	} while (choose_now() != began);
	assert_int_equal(went, 1);
	choose_wait(&c, 1);
	assert_int_equal(tcp(2, ACK), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_settled_slot_makes_no_pin),
		cmocka_unit_test(new_flows_go_to_current_and_old_ones_to_base),
		cmocka_unit_test(pins_outlive_the_deadline_while_they_are_used),
		cmocka_unit_test(a_second_move_keeps_the_flows_of_both),
		cmocka_unit_test(a_flow_whose_backend_is_gone_moves_at_once),
		cmocka_unit_test(a_closed_flow_gives_way_to_a_new_one),
		cmocka_unit_test(a_pin_is_written_once_a_second_at_most),
		cmocka_unit_test(a_pin_that_is_a_second_ahead_is_alive),
		cmocka_unit_test(a_syn_flood_pushes_out_no_flow),
		cmocka_unit_test(an_ack_flood_pushes_out_no_flow),
		cmocka_unit_test(after_a_flood_new_flows_find_room),
		cmocka_unit_test(track_all_pins_every_flow),
		cmocka_unit_test(track_none_goes_by_the_ring),
		cmocka_unit_test(udp_track_keeps_a_flow_until_it_is_idle),
		cmocka_unit_test(a_pin_lives_for_its_time_at_least),
		cmocka_unit_test(base_counts_for_its_time_at_least),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
