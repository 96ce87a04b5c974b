// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Round trips of made-up TCP conversations: XDP sees what the peer on the wire
 * sends, TC egress what this host sends. How long they took is the clock's
 * business; that there is one for each, and where it is counted, is ours.
 */
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "harness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FLOWS 100
#define SECOND_NS 1000000000ULL
#define FIRST_TSVAL 5000

/* Who sends. */
enum side { WIRE, HOST };

struct conversation {
	const char *client, *server; /* on the wire, and here */
	__u16 client_port;
	enum packet_timestamps timestamps;
};

static const struct conversation v4 = { "198.51.100.7", "192.0.2.1", 40000, TIMESTAMPS_ALIGNED };
static const struct conversation v6 = { "2001:db8:c::7", "2001:db8:ff::1", 40000,
					TIMESTAMPS_ALIGNED };

/* Slot 0 measures and balances, slot 1 measures. */
static const struct image_device devices[] = {
	{ .slot = 0, .ifindex = 1, .stages = STAGE(MEASURE) | STAGE(BALANCE), .filter = "" },
	{ .slot = 1, .ifindex = 2, .stages = STAGE(MEASURE), .filter = "" },
};
static const struct harness_host host = { .devices = devices, .devices_count = COUNT(devices) };
static const char config[] = "interface a { xdp auto; balance; measure }\n"
			     "interface b { measure }\n"
			     "service s { address 192.0.2.80; port tcp 80; forward ipip\n"
			     "backend only 203.0.113.1 }\n";

/* One harness for each slot; every start() empties its flow table and its histograms. */
struct bench {
	struct harness h;
	__u32 slot;
	bool loaded;
};

static struct bench benches[COUNT(devices)];

static struct bench *start(__u32 slot)
{
	struct bench *b = &benches[slot];

	if (!b->loaded) {
		harness_start(&b->h, config, &host);
		harness_load(&b->h, HOOK_XDP, slot, devices[slot].stages);
		harness_load(&b->h, HOOK_EGRESS, slot, devices[slot].stages);
		b->slot = slot;
		b->loaded = true;
	}
	harness_clear(&b->h, WEIR_MAP_FLOWS);
	harness_clear(&b->h, WEIR_MAP_HISTS);
	return b;
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(benches); i++) {
		if (benches[i].loaded)
			harness_stop(&benches[i].h);
	}
	return 0;
}

static void run_frame(const struct bench *b, enum side sender, const struct frame *f)
{
	static struct outcome out;

	assert_int_equal(harness_run(&b->h, sender == WIRE ? HOOK_XDP : HOOK_EGRESS, f, &out), 0);
	if (sender == HOST)
		assert_int_equal(out.verdict, (__u32)TC_ACT_UNSPEC);
	assert_int_equal(out.frame.size, f->size);
	assert_memory_equal(out.frame.bytes, f->bytes, f->size);
}

/* One segment; @flags 0 is ACK, and a @payload of 0 makes it a pure one. */
static void say(const struct bench *b, const struct conversation *c, enum side sender, __u32 tsval,
		__u32 tsecr, __u8 flags, __u16 payload)
{
	static struct frame f;
	const struct packet p = {
		.src = sender == WIRE ? c->client : c->server,
		.dst = sender == WIRE ? c->server : c->client,
		.sport = sender == WIRE ? c->client_port : 80,
		.dport = sender == WIRE ? 80 : c->client_port,
		.flags = flags ? flags : ACK,
		.timestamps = c->timestamps,
		.tsval = tsval,
		.tsecr = tsecr,
		.payload = payload,
	};

	packet_build(&p, &f);
	run_frame(b, sender, &f);
}

static struct hist samples(const struct bench *b, enum weir_direction direction)
{
	struct hist h, sum = {};

	for (__u32 kind = 0; kind < WEIR_RTT_COUNT; kind++) {
		harness_hist(&b->h, weir_hist_of_device(b->slot, direction, kind), &h);
		hist_add(&sum, &h);
	}
	return sum;
}

static struct hist samples_of_backend(const struct bench *b, __u32 id)
{
	struct hist h;

	harness_hist(&b->h,
		     weir_hist_of_backend(weir_hist_backend_base(HARNESS_DEVICES), id,
					  WEIR_BACKEND_HIST_RTT),
		     &h);
	return h;
}

static void assert_samples(const struct bench *b, __u64 wire, __u64 toward_host)
{
	struct hist w = samples(b, WEIR_DIR_WIRE), h = samples(b, WEIR_DIR_HOST);

	assert_int_equal(w.count, wire);
	assert_int_equal(h.count, toward_host);
	assert_true(w.min_ns <= w.max_ns && w.max_ns < SECOND_NS);
	assert_true(h.min_ns <= h.max_ns && h.max_ns < SECOND_NS);
}

static void a_request_and_its_reply_give_one_sample_each_way(void **state)
{
	static const struct conversation *const both[] = { &v4, &v6 };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < COUNT(both); i++) {
		struct bench *b;

		b = start(1);
		say(b, both[i], WIRE, 100, 0, PSH | ACK, 50);
		assert_samples(b, 0, 0);
		say(b, both[i], HOST, 900, 100, PSH | ACK, 500);
		assert_samples(b, 0, 1);
		say(b, both[i], WIRE, 101, 900, 0, 0);
		assert_samples(b, 1, 1);
	}
}

static void a_handshake_gives_a_sample_each_way(void **state)
{
	struct conversation c = v4;
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	c.timestamps = TIMESTAMPS_LINUX_SYN;
	say(b, &c, WIRE, 100, 0, SYN, 0);
	say(b, &c, HOST, 900, 100, SYN | ACK, 0);
	c.timestamps = TIMESTAMPS_ALIGNED;
	say(b, &c, WIRE, 101, 900, ACK, 0);
	assert_samples(b, 1, 1);
}

static void a_connection_opened_from_here_is_timed_the_other_way_round(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v6, HOST, 900, 0, SYN, 0);
	say(b, &v6, WIRE, 100, 900, SYN | ACK, 0);
	assert_samples(b, 1, 0);
	say(b, &v6, HOST, 901, 100, ACK, 0);
	assert_samples(b, 1, 1);
}

static void only_the_first_echo_of_a_timestamp_is_a_sample(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v4, WIRE, 100, 0, PSH | ACK, 50);
	for (int i = 0; i < 5; i++)
		say(b, &v4, HOST, 900, 100, 0, 0);
	assert_samples(b, 0, 1);
}

static void a_retransmission_with_the_same_timestamp_is_not_counted_twice(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v4, WIRE, 100, 0, PSH | ACK, 50);
	say(b, &v4, WIRE, 100, 0, PSH | ACK, 50);
	say(b, &v4, HOST, 900, 100, 0, 0);
	say(b, &v4, WIRE, 100, 0, PSH | ACK, 50);
	say(b, &v4, HOST, 900, 100, 0, 0);
	assert_samples(b, 0, 1);
}

static void a_pure_ack_is_not_stamped_nor_is_what_follows_with_its_timestamp(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v4, WIRE, 100, 1, PSH | ACK, 50);
	say(b, &v4, HOST, 900, 100, 0, 0);
	say(b, &v4, WIRE, 101, 900, 0, 0); /* pure, and echoes a pure one */
	say(b, &v4, HOST, 901, 101, PSH | ACK, 10);
	assert_samples(b, 0, 1);
	say(b, &v4, WIRE, 101, 901, PSH | ACK, 10);
	say(b, &v4, HOST, 902, 101, 0, 0);
	assert_samples(b, 1, 1);
}

static void a_flow_of_pure_acks_alone_takes_no_room(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	for (__u32 i = 0; i < 10; i++) {
		say(b, &v4, WIRE, 100 + i, 900 + i, 0, 0);
		say(b, &v4, HOST, 900 + i, 100 + i, 0, 0);
	}
	assert_samples(b, 0, 0);
}

/* A second of Linux's clock of milliseconds, and a long way. */
static void a_thousand_timestamps_may_be_under_way(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v4, HOST, 900, 0, PSH | ACK, 50);
	for (__u32 i = 1; i <= 1005; i++)
		say(b, &v4, WIRE, i, 0, PSH | ACK, 50);
	for (__u32 i = 1; i <= 1005; i++)
		say(b, &v4, HOST, 900, i, 0, 0);
	assert_samples(b, 0, 1005);
}

static void timestamps_wrap_around_zero(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v4, WIRE, 0xfffffffe, 0, PSH | ACK, 50);
	say(b, &v4, HOST, 900, 0xfffffffe, 0, 0);
	say(b, &v4, WIRE, 3, 0, PSH | ACK, 50);
	say(b, &v4, HOST, 900, 3, 0, 0);
	assert_samples(b, 0, 2);
}

static void timestamps_are_found_wherever_they_stand_among_the_options(void **state)
{
	static const enum packet_timestamps places[] = { TIMESTAMPS_LINUX_SYN, TIMESTAMPS_BSD_SYN,
							 TIMESTAMPS_FIRST, TIMESTAMPS_AFTER_SACK };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < COUNT(places); i++) {
		struct conversation c = v6;
		struct bench *b;

		b = start(1);
		c.timestamps = places[i];
		say(b, &c, WIRE, 100, 0, PSH | ACK, 1);
		say(b, &c, HOST, 900, 100, PSH | ACK, 1);
		say(b, &c, WIRE, 101, 900, 0, 0);
		assert_samples(b, 1, 1);
	}
}

static void an_option_that_is_no_timestamp_is_not_taken_for_one(void **state)
{
	static const enum packet_timestamps none[] = { TIMESTAMPS_NONE, TIMESTAMPS_AFTER_EOL,
						       TIMESTAMPS_WRONG_SIZE };

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < COUNT(none); i++) {
		struct conversation c = v4;
		struct bench *b;

		b = start(1);
		c.timestamps = none[i];
		say(b, &c, WIRE, 100, 0, SYN, 0);
		say(b, &c, HOST, 900, 100, SYN | ACK, 0);
		say(b, &c, WIRE, 101, 900, PSH | ACK, 10);
		say(b, &c, HOST, 901, 101, PSH | ACK, 10);
		assert_samples(b, 0, 0);
	}
}

static void a_hundred_flows_are_kept_apart(void **state)
{
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	for (__u32 step = 0; step < 3; step++) {
		for (__u32 flow = 0; flow < FLOWS; flow++) {
			struct conversation c = flow % 2 ? v4 : v6;
			__u32 tsval = FIRST_TSVAL + step;

			/* All say the same timestamps, and only one answers at a time. */
			c.client_port = (__u16)(1024 + flow);
			say(b, &c, WIRE, tsval, tsval + 99999, PSH | ACK, 10);
		}
		for (__u32 flow = 0; flow < FLOWS; flow++) {
			struct conversation c = flow % 2 ? v4 : v6;
			__u32 tsval = FIRST_TSVAL + step;

			c.client_port = (__u16)(1024 + flow);
			say(b, &c, HOST, tsval + 100000, tsval, PSH | ACK, 10);
		}
	}
	assert_samples(b, 2 * FLOWS, 3 * FLOWS);
}

/* Whatever the clock says: half of the time, the time of a used place is a negative number. */
static void an_empty_place_is_taken_before_a_used_one(void **state)
{
	const struct weir_flow_set used = { .way[0] = { .key = 1, .seen = 0x80000001 } };
	struct weir_flow_set now;
	struct bench *b;
	__u32 taken = 0;

	(void)state;
	NEED_BPF();
	b = start(1);
	for (__u32 i = 0; i < b->h.capacity.flow_sets; i++)
		assert_int_equal(
			bpf_map_update_elem(b->h.maps.fd[WEIR_MAP_FLOWS], &i, &used, BPF_ANY), 0);
	say(b, &v4, WIRE, 100, 0, PSH | ACK, 50);
	for (__u32 i = 0; i < b->h.capacity.flow_sets; i++) {
		assert_int_equal(bpf_map_lookup_elem(b->h.maps.fd[WEIR_MAP_FLOWS], &i, &now), 0);
		assert_int_equal(now.way[0].key, 1);
		for (__u32 way = 1; way < WEIR_FLOW_WAYS; way++)
			taken += now.way[way].key != 0;
	}
	assert_int_equal(taken, 1);
}

static void a_balanced_flow_is_timed_for_its_backend(void **state)
{
	struct conversation balanced = v4;
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(0);
	balanced.server = "192.0.2.80";
	for (int i = 0; i < 2; i++) {
		const struct conversation *c = i ? &v4 : &balanced;
		static struct frame f;
		static struct outcome out;
		struct packet p = { .src = c->client,
				    .dst = c->server,
				    .sport = c->client_port,
				    .dport = 80,
				    .flags = PSH | ACK,
				    .timestamps = TIMESTAMPS_ALIGNED,
				    .tsval = 100,
				    .payload = 9 };

		/* There is no route to the backend; it was chosen all the same. */
		packet_build(&p, &f);
		assert_int_equal(harness_run(&b->h, HOOK_XDP, &f, &out), 0);
		assert_int_equal(out.verdict, i ? XDP_PASS : XDP_DROP);
		say(b, c, HOST, 900, 100, PSH | ACK, 10);
	}
	assert_samples(b, 0, 2);
	assert_int_equal(samples_of_backend(b, 0).count, 1);
	assert_int_equal(samples_of_backend(b, 1).count, 0);
	assert_true(samples_of_backend(b, 0).max_ns < SECOND_NS);
}

static void a_segment_cut_at_any_byte_is_no_sample_and_is_left_alone(void **state)
{
	static struct frame f;
	static const struct packet p = { .src = "2001:db8:ff::1",
					 .dst = "2001:db8:c::7",
					 .sport = 80,
					 .dport = 40000,
					 .flags = PSH | ACK,
					 .timestamps = TIMESTAMPS_AFTER_SACK,
					 .tsval = 900,
					 .tsecr = 100,
					 .payload = 4 };
	struct bench *b;

	(void)state;
	NEED_BPF();
	b = start(1);
	say(b, &v6, WIRE, 100, 0, PSH | ACK, 50);
	packet_build(&p, &f);
	while (f.size-- > ETHERNET_BYTES + 40)
		run_frame(b, HOST, &f);
	assert_samples(b, 0, 0);
	packet_build(&p, &f);
	run_frame(b, HOST, &f);
	assert_samples(b, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_and_its_reply_give_one_sample_each_way),
		cmocka_unit_test(a_handshake_gives_a_sample_each_way),
		cmocka_unit_test(a_connection_opened_from_here_is_timed_the_other_way_round),
		cmocka_unit_test(only_the_first_echo_of_a_timestamp_is_a_sample),
		cmocka_unit_test(a_retransmission_with_the_same_timestamp_is_not_counted_twice),
		cmocka_unit_test(a_pure_ack_is_not_stamped_nor_is_what_follows_with_its_timestamp),
		cmocka_unit_test(a_flow_of_pure_acks_alone_takes_no_room),
		cmocka_unit_test(a_thousand_timestamps_may_be_under_way),
		cmocka_unit_test(timestamps_wrap_around_zero),
		cmocka_unit_test(timestamps_are_found_wherever_they_stand_among_the_options),
		cmocka_unit_test(an_option_that_is_no_timestamp_is_not_taken_for_one),
		cmocka_unit_test(a_hundred_flows_are_kept_apart),
		cmocka_unit_test(an_empty_place_is_taken_before_a_used_one),
		cmocka_unit_test(a_balanced_flow_is_timed_for_its_backend),
		cmocka_unit_test(a_segment_cut_at_any_byte_is_no_sample_and_is_left_alone),
	};

	return WEIR_RUN_GROUP(tests, NULL, stop);
}
