// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Round trips of ICMP echo, DNS and QUIC's spin bit, and where samples go
 * beside the histograms of a device: heat maps, prefixes, backends.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "latency_case.h"

#include "../unit/random.h"

#define PREFIX_CLIENTS 40

static const struct talk v4 = { "198.51.100.7", "192.0.2.1", 40000, 53, TIMESTAMPS_ALIGNED };
static const struct talk v6 = { "2001:db8:c::7", "2001:db8:ff::1", 40000, 53, TIMESTAMPS_ALIGNED };

static struct packet packet_of(const struct talk *talk, enum weir_direction sender)
{
	bool is_wire = sender == WEIR_DIR_WIRE;

	return (struct packet){
		.src = is_wire ? talk->client : talk->server,
		.dst = is_wire ? talk->server : talk->client,
		.sport = is_wire ? talk->client_port : talk->server_port,
		.dport = is_wire ? talk->server_port : talk->client_port,
		.proto = IPPROTO_UDP,
		.payload = 40,
	};
}

static __u8 *transport(const struct talk *talk, struct frame *f)
{
	return f->bytes + ETHERNET_BYTES + (strchr(talk->client, ':') ? 40 : 20);
}

static void build_echo(const struct talk *talk, enum weir_direction sender, bool asks, __u16 id,
		       __u16 seq, struct frame *f)
{
	struct packet p = packet_of(talk, sender);
	bool is_v6 = strchr(talk->client, ':');

	p.proto = is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	p.icmp_type = asks ? (is_v6 ? 128 : 8) : (is_v6 ? 129 : 0);
	packet_build(&p, f);
	put16(transport(talk, f) + 4, id);
	put16(transport(talk, f) + 6, seq);
}

static void echo(const struct timing *t, const struct talk *talk, enum weir_direction sender,
		 bool asks, __u16 id, __u16 seq)
{
	static struct frame f;

	build_echo(talk, sender, asks, id, seq, &f);
	timing_frame(t, sender, &f);
}

static void build_dns(const struct talk *talk, enum weir_direction sender, bool answers, __u16 id,
		      struct frame *f)
{
	const struct packet p = packet_of(talk, sender);

	packet_build(&p, f);
	put16(transport(talk, f) + 8, id);
	transport(talk, f)[10] = answers ? 0x81 : 0x01;
}

static void dns(const struct timing *t, const struct talk *talk, enum weir_direction sender,
		bool answers, __u16 id)
{
	static struct frame f;

	build_dns(talk, sender, answers, id, &f);
	timing_frame(t, sender, &f);
}

static __u64 count(const struct timing *t, enum weir_direction d, enum weir_rtt_kind kind)
{
	return timing_hist(t, d, kind).count;
}

static void an_echo_reply_answers_the_request_of_its_id_and_number(void **state)
{
	static const struct talk *const both[] = { &v4, &v6 };

	(void)state;
	NEED_BPF();
	for (int i = 0; i < 2; i++) {
		for (__u32 from = 0; from < WEIR_DIR_COUNT; from++) {
			const struct timing *t = timing_start(1);

			echo(t, both[i], from, true, 7, 1);
			echo(t, both[i], from, true, 7, 2);
			echo(t, both[i], !from, false, 7, 3);
			echo(t, both[i], !from, false, 8, 2);
			assert_int_equal(count(t, !from, WEIR_RTT_ICMP), 0);
			assert_int_equal(timing_loss(t, !from, WEIR_LOSS_UNMATCHED), 2);
			echo(t, both[i], !from, false, 7, 2);
			echo(t, both[i], !from, false, 7, 1);
			echo(t, both[i], !from, false, 7, 1);
			assert_int_equal(count(t, !from, WEIR_RTT_ICMP), 2);
			assert_int_equal(count(t, from, WEIR_RTT_ICMP), 0);
			assert_int_equal(timing_loss(t, !from, WEIR_LOSS_UNMATCHED), 3);
		}
	}
}

static void a_dns_answer_answers_the_query_of_its_id(void **state)
{
	static const struct talk *const both[] = { &v4, &v6 };

	(void)state;
	NEED_BPF();
	for (int i = 0; i < 2; i++) {
		const struct timing *t = timing_start(1);
		struct talk other = *both[i];

		other.client_port++;
		for (__u16 id = 0; id < 50; id++)
			dns(t, both[i], WEIR_DIR_WIRE, false, id);
		dns(t, &other, WEIR_DIR_HOST, true, 1);
		dns(t, both[i], WEIR_DIR_HOST, true, 50);
		assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 0);
		for (__u16 id = 50; id-- > 0;)
			dns(t, both[i], WEIR_DIR_HOST, true, id);
		assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 50);
		assert_int_equal(count(t, WEIR_DIR_WIRE, WEIR_RTT_DNS), 0);
	}
}

static void a_query_that_was_sent_twice_is_no_sample(void **state)
{
	const struct timing *t;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	for (int i = 0; i < 3; i++)
		dns(t, &v4, WEIR_DIR_WIRE, false, 5);
	for (int i = 0; i < 3; i++)
		dns(t, &v4, WEIR_DIR_HOST, true, 5);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 0);
	assert_int_equal(timing_loss(t, WEIR_DIR_WIRE, WEIR_LOSS_RETRANSMIT), 2);
	dns(t, &v4, WEIR_DIR_WIRE, false, 5);
	dns(t, &v4, WEIR_DIR_HOST, true, 5);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 1);
}

static void answers_that_are_cut_answer_nothing(void **state)
{
	static struct frame f;
	const struct timing *t;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	dns(t, &v6, WEIR_DIR_WIRE, false, 5);
	echo(t, &v6, WEIR_DIR_WIRE, true, 7, 1);
	build_dns(&v6, WEIR_DIR_HOST, true, 5, &f);
	while (f.size-- > ETHERNET_BYTES + 40)
		timing_frame(t, WEIR_DIR_HOST, &f);
	build_echo(&v6, WEIR_DIR_HOST, false, 7, 1, &f);
	while (f.size-- > ETHERNET_BYTES + 40)
		timing_frame(t, WEIR_DIR_HOST, &f);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 0);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_ICMP), 0);
	dns(t, &v6, WEIR_DIR_HOST, true, 5);
	echo(t, &v6, WEIR_DIR_HOST, false, 7, 1);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_DNS), 1);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_ICMP), 1);
}

static void quic(const struct timing *t, enum weir_direction sender, __u8 first)
{
	static const struct talk talk = { "198.51.100.7", "192.0.2.1", 40000, 443,
					  TIMESTAMPS_NONE };
	const struct packet p = packet_of(&talk, sender);
	static struct frame f;

	packet_build(&p, &f);
	transport(&talk, &f)[8] = first;
	timing_frame(t, sender, &f);
}

/* The client's bit is what the server's is not, the server's what the client's is. */
static void a_spinning_bit_gives_a_sample_at_each_edge_once_it_is_trusted(void **state)
{
	const struct timing *t;
	__u8 spin = 0;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	for (int round = 0; round <= 20; round++, spin ^= 0x20) {
		for (__u32 i = 0; i <= random_below(3); i++)
			quic(t, WEIR_DIR_WIRE, 0x40 | spin);
		quic(t, WEIR_DIR_WIRE, 0xc0); /* a long header has no such bit */
		for (__u32 i = 0; i <= random_below(3); i++)
			quic(t, WEIR_DIR_HOST, 0x40 | spin);
	}
	/* 20 edges each; the first eight are not believed. */
	assert_int_equal(count(t, WEIR_DIR_WIRE, WEIR_RTT_QUIC), 16);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_QUIC), 16);
	assert_int_equal(timing_loss(t, WEIR_DIR_WIRE, WEIR_LOSS_RANDOM_SPIN), 0);
}

static void bits_that_spin_at_random_are_left_out(void **state)
{
	const struct timing *t;
	__u64 samples, left_out;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	for (int i = 0; i < 5000; i++)
		quic(t, random_below(2), 0x40 | (random_below(2) ? 0x20 : 0));
	samples = count(t, WEIR_DIR_WIRE, WEIR_RTT_QUIC) + count(t, WEIR_DIR_HOST, WEIR_RTT_QUIC);
	left_out = timing_loss(t, WEIR_DIR_WIRE, WEIR_LOSS_RANDOM_SPIN) +
		   timing_loss(t, WEIR_DIR_HOST, WEIR_LOSS_RANDOM_SPIN);
	/* By chance, enough of them follow each other now and then. */
	assert_true(samples < 50);
	assert_true(left_out > 500);
}

static void a_constant_bit_is_no_sample(void **state)
{
	const struct timing *t;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	for (int i = 0; i < 100; i++)
		quic(t, i % 2, i % 2 ? 0x60 : 0x40);
	assert_int_equal(count(t, WEIR_DIR_WIRE, WEIR_RTT_QUIC), 0);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_QUIC), 0);
}

static __u64 heat_of_now(const struct timing *t, enum weir_direction d, __u64 epoch)
{
	static struct weir_heat_column parts[256];
	__u32 row = t->slot * WEIR_DIR_COUNT + d;
	__u64 sum = 0;

	assert_true(libbpf_num_possible_cpus() <= 256);
	assert_int_equal(bpf_map_lookup_elem(t->h.maps.fd[WEIR_MAP_HEAT_NOW], &row, parts), 0);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		for (__u32 i = 0; i < WEIR_HEAT_BUCKETS && parts[cpu].epoch == epoch; i++)
			sum += parts[cpu].bucket[i];
	}
	return sum;
}

/* Columns of the past are put into place, as if samples had been taken then. */
static void a_column_of_the_heat_map_is_added_when_the_next_begins(void **state)
{
	static struct weir_heat_column parts[256], shared;
	__u64 now = timing_now_ns() / WEIR_HEAT_NS, then = now - 3;
	const struct timing *t;
	__u32 row, index;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	row = t->slot * WEIR_DIR_COUNT + WEIR_DIR_HOST;
	index = weir_heat_index(t->slot, WEIR_DIR_HOST, then);
	memset(parts, 0, sizeof(parts));
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		parts[cpu].epoch = then;
		parts[cpu].bucket[5] = 100;
	}
	/* What lies there is of a turn of the ring before. */
	shared.epoch = then - WEIR_HEAT_COLUMNS;
	shared.bucket[5] = 12345;
	assert_int_equal(bpf_map_update_elem(t->h.maps.fd[WEIR_MAP_HEAT_NOW], &row, parts, BPF_ANY),
			 0);
	assert_int_equal(bpf_map_update_elem(t->h.maps.fd[WEIR_MAP_HEAT], &index, &shared, BPF_ANY),
			 0);
	echo(t, &v4, WEIR_DIR_WIRE, true, 7, 1);
	echo(t, &v4, WEIR_DIR_HOST, false, 7, 1);
	assert_int_equal(bpf_map_lookup_elem(t->h.maps.fd[WEIR_MAP_HEAT], &index, &shared), 0);
	assert_int_equal(shared.epoch, then);
	assert_int_equal(shared.bucket[5], 100);
	now = timing_now_ns() / WEIR_HEAT_NS;
	assert_true(heat_of_now(t, WEIR_DIR_HOST, now) + heat_of_now(t, WEIR_DIR_HOST, now - 1) ==
		    1);
}

static __u64 samples_of_prefix(const struct timing *t, const char *prefix)
{
	static struct weir_prefix_set set;
	__u64 sum = 0;
	__u8 addr[16];

	packet_address(prefix, addr);
	for (__u32 i = 0; i < t->h.capacity.prefix_sets; i++) {
		assert_int_equal(bpf_map_lookup_elem(t->h.maps.fd[WEIR_MAP_PREFIXES], &i, &set), 0);
		for (int way = 0; way < WEIR_PREFIX_WAYS; way++) {
			if (!set.way[way].in_use || memcmp(set.way[way].addr, addr, 16) != 0)
				continue;
			for (__u32 b = 0; b < WEIR_HIST_BUCKETS; b++)
				sum += set.hist[way].bucket[b];
		}
	}
	return sum;
}

static void round_trips_to_clients_are_kept_by_prefix(void **state)
{
	struct talk near = v4, far6 = v6;
	const struct timing *t;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	near.client = "198.51.100.250";
	far6.client = "2001:db8:c:ffff:ffff::1";
	echo(t, &v4, WEIR_DIR_HOST, true, 7, 1);
	echo(t, &v4, WEIR_DIR_WIRE, false, 7, 1);
	echo(t, &near, WEIR_DIR_HOST, true, 7, 1);
	echo(t, &near, WEIR_DIR_WIRE, false, 7, 1);
	echo(t, &far6, WEIR_DIR_HOST, true, 7, 1);
	echo(t, &far6, WEIR_DIR_WIRE, false, 7, 1);
	echo(t, &v4, WEIR_DIR_WIRE, true, 7, 1); /* the host's half is nobody's */
	echo(t, &v4, WEIR_DIR_HOST, false, 7, 1);
	assert_int_equal(samples_of_prefix(t, "198.51.100.0"), 2);
	assert_int_equal(samples_of_prefix(t, "2001:db8:c::"), 1);
}

static void a_prefix_that_gives_way_is_counted_and_leaves_nothing(void **state)
{
	const struct timing *t;
	struct talk talk = v4;
	char client[32], prefix[32];

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	for (int i = 0; i < PREFIX_CLIENTS; i++) {
		snprintf(client, sizeof(client), "10.0.%d.9", i);
		talk.client = client;
		echo(t, &talk, WEIR_DIR_HOST, true, 7, 1);
		echo(t, &talk, WEIR_DIR_WIRE, false, 7, 1);
	}
	snprintf(prefix, sizeof(prefix), "10.0.%d.0", PREFIX_CLIENTS - 1);
	assert_int_equal(samples_of_prefix(t, prefix), 1);
	assert_int_equal(timing_loss(t, WEIR_DIR_WIRE, WEIR_LOSS_PREFIX_EVICTED),
			 PREFIX_CLIENTS - t->h.capacity.prefix_sets * WEIR_PREFIX_WAYS);
}

static void a_fragment_is_not_timed(void **state)
{
	static struct frame f;
	const struct timing *t;

	(void)state;
	NEED_BPF();
	t = timing_start(1);
	build_echo(&v4, WEIR_DIR_WIRE, true, 7, 1, &f);
	f.bytes[ETHERNET_BYTES + 6] = 0x20; /* more fragments */
	timing_frame(t, WEIR_DIR_WIRE, &f);
	echo(t, &v4, WEIR_DIR_HOST, false, 7, 1);
	assert_int_equal(count(t, WEIR_DIR_HOST, WEIR_RTT_ICMP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_echo_reply_answers_the_request_of_its_id_and_number),
		cmocka_unit_test(a_dns_answer_answers_the_query_of_its_id),
		cmocka_unit_test(a_query_that_was_sent_twice_is_no_sample),
		cmocka_unit_test(answers_that_are_cut_answer_nothing),
		cmocka_unit_test(a_spinning_bit_gives_a_sample_at_each_edge_once_it_is_trusted),
		cmocka_unit_test(bits_that_spin_at_random_are_left_out),
		cmocka_unit_test(a_constant_bit_is_no_sample),
		cmocka_unit_test(a_column_of_the_heat_map_is_added_when_the_next_begins),
		cmocka_unit_test(round_trips_to_clients_are_kept_by_prefix),
		cmocka_unit_test(a_prefix_that_gives_way_is_counted_and_leaves_nothing),
		cmocka_unit_test(a_fragment_is_not_timed),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, NULL, timing_stop);
}
