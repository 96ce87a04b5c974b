// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who gets a port and a record, for how long, and that nobody can push out a
 * flow that lives.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <string.h>

#include "../unit/random.h"
#include "nat_case.h"

#define KEPT 300
#define FLOOD 200000

static void send_flags(const struct nat_case *c, __u8 flags)
{
	struct packet p = nat_of_client(c);

	p.flags = flags;
	nat_check_send(c, &p);
}

static void answer_flags(const struct nat_case *c, __u8 flags)
{
	struct packet p = nat_of_backend(c);

	p.flags = flags;
	nat_check_answer(c, &p);
}

static void establish(struct nat_case *c)
{
	nat_open_case(c, SYN);
	answer_flags(c, SYN | ACK);
	send_flags(c, ACK);
}

/* Whether the client's next packet is still of that flow: the ring would say another backend. */
static bool is_known(const struct nat_case *c, __u8 flags)
{
	struct packet p = nat_of_client(c);
	static struct frame in, out;

	p.flags = flags;
	packet_build(&p, &in);
	nat->bss->service = c->service;
	nat->bss->backend = c->place ? 0 : 1;
	nat_send(&in, &out);
	return nat->bss->why == WEIR_WHY_NAT;
}

/* Whether an answer of the backend is still brought back. */
static bool is_brought_back(const struct nat_case *c)
{
	struct packet p = nat_of_backend(c);
	static struct frame in, out;

	packet_build(&p, &in);
	return nat_answer(&in, &out) != XDP_PASS;
}

static void flood(__u32 place, enum nat_service service, int times)
{
	struct nat_case c = nat_case_of(place, IPPROTO_TCP);
	struct packet p = nat_of_client(&c);
	static struct frame f;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.bytes, .repeat = times);

	p.flags = SYN;
	packet_build(&p, &f);
	opts.data_size_in = (__u32)f.size;
	nat->bss->service = service;
	nat->bss->backend = place;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(nat->progs.nat_flood), &opts), 0);
}

static void a_flow_lives_as_long_as_its_state_says(void **state)
{
	static const struct {
		__u8 proto, last;
		__u32 lives_s;
	} rows[] = {
		{ IPPROTO_TCP, SYN, 30 },	{ IPPROTO_TCP, ACK, 3600 },
		{ IPPROTO_TCP, FIN | ACK, 60 }, { IPPROTO_TCP, RST, 60 },
		{ IPPROTO_UDP, 0, 90 },
	};

	(void)state;
	NEED_NAT();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nat_case c = nat_case_of(0, rows[i].proto);

		nat_forget();
		if (rows[i].proto == IPPROTO_UDP || rows[i].last == SYN)
			nat_open_case(&c, rows[i].last);
		else
			establish(&c);
		send_flags(&c, rows[i].last);
		nat_pass_time(rows[i].lives_s - 2);
		assert_true(is_brought_back(&c));
		nat_forget();
		if (rows[i].proto == IPPROTO_UDP || rows[i].last == SYN)
			nat_open_case(&c, rows[i].last);
		else
			establish(&c);
		send_flags(&c, rows[i].last);
		/* What is written as eight bits may live an eighth longer. */
		nat_pass_time(rows[i].lives_s + rows[i].lives_s / 8 + 4);
		assert_false(is_brought_back(&c));
		assert_false(is_known(&c, ACK));
	}
}

static void packets_of_either_side_keep_a_flow_alive(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);

	(void)state;
	NEED_NAT();
	nat_forget();
	establish(&c);
	for (int i = 0; i < 5; i++) {
		nat_pass_time(3000);
		answer_flags(&c, ACK);
	}
	for (int i = 0; i < 5; i++) {
		nat_pass_time(3000);
		send_flags(&c, ACK);
	}
}

static void a_SYN_to_a_closed_flow_is_for_another_one(void **state)
{
	static const __u8 ends[] = { FIN | ACK, RST };

	(void)state;
	NEED_NAT();
	for (int i = 0; i < 2; i++) {
		struct nat_case c = nat_case_of(0, IPPROTO_TCP);

		nat_forget();
		establish(&c);
		assert_true(is_known(&c, SYN));
		send_flags(&c, ends[i]);
		assert_true(is_known(&c, ends[i]));
		assert_false(is_known(&c, SYN));
	}
}

static void a_flow_that_begins_anew_lives_as_one_that_does(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);

	(void)state;
	NEED_NAT();
	nat_forget();
	establish(&c);
	send_flags(&c, RST);
	establish(&c);
	assert_int_equal(nat_count(WEIR_NAT_ESTABLISHED), 1);
	assert_int_equal(nat_count(WEIR_NAT_RESET), 0);
}

static void a_reset_by_nobody_knows_whom_is_undone_by_the_client(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);

	(void)state;
	NEED_NAT();
	nat_forget();
	establish(&c);
	send_flags(&c, RST);
	assert_int_equal(nat_count(WEIR_NAT_RESET), 1);
	send_flags(&c, ACK);
	assert_int_equal(nat_count(WEIR_NAT_ESTABLISHED), 1);
	answer_flags(&c, RST);
	assert_int_equal(nat_count(WEIR_NAT_CLOSING), 1);
	send_flags(&c, ACK);
	assert_int_equal(nat_count(WEIR_NAT_CLOSING), 1);
}

static void no_handshake_no_long_life(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);

	(void)state;
	NEED_NAT();
	nat_forget();
	nat_open_case(&c, SYN);
	send_flags(&c, ACK);
	send_flags(&c, ACK | PSH);
	assert_int_equal(nat_count(WEIR_NAT_OPENING), 1);
	answer_flags(&c, SYN | ACK);
	assert_int_equal(nat_count(WEIR_NAT_ANSWERED), 1);
	send_flags(&c, ACK);
	assert_int_equal(nat_count(WEIR_NAT_ESTABLISHED), 1);
}

struct key {
	char text[96];
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

/* As many as the table has room for, of few clients and two backends. */
static void no_two_flows_look_the_same_to_a_backend(void **state)
{
	static struct key seen[NAT_CASE_FLOWS];
	__u32 count = 0;

	(void)state;
	NEED_NAT();
	nat_forget();
	while (count < NAT_CASE_FLOWS / 2) {
		struct nat_case c = nat_case_of(count % 2 ? 1 : 0, IPPROTO_UDP);

		c.client_port = (__u16)(1 + count / 2);
		c.vip_port = (__u16)(count % 2 ? 8443 : 443);
		nat_open_case(&c, 0);
		snprintf(seen[count++].text, sizeof(seen->text), "%s %s %u",
			 nat_places[c.place].addr, c.source, c.source_port);
	}
	qsort(seen, count, sizeof(*seen), by_text);
	for (__u32 i = 1; i < count; i++)
		assert_string_not_equal(seen[i - 1].text, seen[i].text);
}

static void a_flood_pushes_out_no_flow_that_lives(void **state)
{
	static const enum nat_service services[] = { NAT_SERVICE, LOCAL_SERVICE };
	static struct nat_case kept[KEPT];

	(void)state;
	NEED_NAT();
	for (int s = 0; s < 2; s++) {
		nat_forget();
		for (int i = 0; i < KEPT; i++) {
			kept[i] = nat_case_of((__u32)i % 3, IPPROTO_TCP);
			kept[i].client_port = (__u16)(1000 + i);
			establish(&kept[i]);
		}
		nat->bss->full = 0;
		for (int seconds = 0; seconds < 40; seconds += 8) {
			flood(0, services[s], FLOOD / 5);
			nat_pass_time(8);
		}
		assert_true(nat->bss->full > 0);
		for (int i = 0; i < KEPT; i++) {
			answer_flags(&kept[i], ACK);
			send_flags(&kept[i], ACK);
		}
	}
}

static void a_flow_that_nobody_confirmed_gives_way_after_seconds(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP);
	static struct frame in, out;
	struct packet p;

	(void)state;
	NEED_NAT();
	nat_forget();
	flood(0, NAT_SERVICE, 100000);
	p = nat_of_client(&c);
	p.flags = SYN;
	packet_build(&p, &in);
	nat_send(&in, &out);
	assert_int_equal(nat->bss->reason, WEIR_R_LB_NAT_FULL);
	nat_assert_equal(&out, &in);
	nat_pass_time(WEIR_NAT_UNSURE_S + 2);
	establish(&c);
}

/* Clients find their flow by its ports when its way in the set is lost. */
static void a_flow_without_a_way_is_found_by_its_ports(void **state)
{
	static const struct weir_nat_set empty;

	(void)state;
	NEED_NAT();
	nat_forget();
	for (__u32 i = 0; i < 200; i++) {
		struct nat_case c = nat_case_of(i % nat_places_count, IPPROTO_TCP);

		c.client_port = (__u16)(5000 + i);
		c.service = i % 2 ? LOCAL_SERVICE : NAT_SERVICE;
		nat_open_case(&c, SYN);
		for (__u32 set = 0; set < NAT_CASE_SETS; set++)
			bpf_map_update_elem(bpf_map__fd(nat->maps.weir_nat), &set, &empty, BPF_ANY);
		send_flags(&c, ACK);
		assert_true(is_known(&c, ACK));
	}
}

static void *flood_here(void *unused)
{
	flood(0, NAT_SERVICE, 300000);
	flood(0, LOCAL_SERVICE, 300000);
	return unused;
}

/* Every record lies where its packets look for it, as CPUs race for places. */
static void records_lie_where_answers_look_for_them(void **state)
{
	int fd;
	pthread_t other;
	__u32 live = 0;

	(void)state;
	NEED_NAT();
	fd = bpf_map__fd(nat->maps.weir_nat_flows);
	nat_forget();
	assert_int_equal(pthread_create(&other, NULL, flood_here, NULL), 0);
	flood_here(NULL);
	pthread_join(other, NULL);
	for (__u32 i = 0; i < NAT_CASE_FLOWS; i++) {
		const struct weir_backend *b = &nat->bss->world.backends[0];
		__u64 source[2], backend[2];
		struct weir_nat_flow r;
		__u32 place;

		assert_int_equal(bpf_map_lookup_elem(fd, &i, &r), 0);
		assert_int_not_equal(weir_nat_state(r.life), WEIR_NAT_CLAIMED);
		if (weir_nat_state(r.life) == WEIR_NAT_FREE)
			continue;
		memcpy(source, r.source, sizeof(source));
		memcpy(backend, b->addr, sizeof(backend));
		place = (__u32)weir_nat_hash(source, r.source_port, backend, b->port, 0,
					     nat->bss->world.image.secret[0]);
		assert_in_range((place ^ i) & (NAT_CASE_FLOWS - 1), 0, WEIR_NAT_PLACES - 1);
		if (memcmp(r.source, r.client, 16) != 0)
			assert_int_equal((place ^ i) & (NAT_CASE_FLOWS - 1), 0);
		live++;
	}
	assert_true(live > NAT_CASE_FLOWS / 2);
}

static void idle_times_are_kept_within_an_eighth(void **state)
{
	__u32 last = 0;

	(void)state;
	for (__u64 ticks = 0; ticks < 1ULL << 31; ticks += 1 + ticks / 50) {
		__u32 kept = weir_nat_idle_ticks(weir_nat_idle((__u32)ticks));

		assert_true(kept >= ticks && kept <= ticks + ticks / 8);
		assert_true(kept >= last);
		last = kept;
	}
}

static void local_keeps_the_client_and_its_port(void **state)
{
	(void)state;
	NEED_NAT();
	nat_forget();
	for (__u32 place = 0; place < nat_places_count; place++) {
		struct nat_case c = nat_case_of(place, IPPROTO_TCP);

		c.service = LOCAL_SERVICE;
		nat_open_case(&c, SYN);
		assert_string_equal(c.source, c.client);
		assert_int_equal(c.source_port, c.client_port);
		send_flags(&c, ACK);
	}
}

/* One port of a client, two VIPs, one backend. */
static void local_changes_a_port_where_two_flows_would_look_the_same(void **state)
{
	struct nat_case c = nat_case_of(0, IPPROTO_TCP), other;

	(void)state;
	NEED_NAT();
	nat_forget();
	c.service = LOCAL_SERVICE;
	other = c;
	other.vip = "192.0.2.2";
	nat_open_case(&c, SYN);
	nat_open_case(&other, SYN);
	assert_int_equal(c.source_port, c.client_port);
	assert_int_not_equal(other.source_port, other.client_port);
	send_flags(&c, ACK);
	send_flags(&other, ACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_lives_as_long_as_its_state_says),
		cmocka_unit_test(packets_of_either_side_keep_a_flow_alive),
		cmocka_unit_test(a_SYN_to_a_closed_flow_is_for_another_one),
		cmocka_unit_test(a_flow_that_begins_anew_lives_as_one_that_does),
		cmocka_unit_test(a_reset_by_nobody_knows_whom_is_undone_by_the_client),
		cmocka_unit_test(no_handshake_no_long_life),
		cmocka_unit_test(no_two_flows_look_the_same_to_a_backend),
		cmocka_unit_test(a_flood_pushes_out_no_flow_that_lives),
		cmocka_unit_test(a_flow_that_nobody_confirmed_gives_way_after_seconds),
		cmocka_unit_test(a_flow_without_a_way_is_found_by_its_ports),
		cmocka_unit_test(records_lie_where_answers_look_for_them),
		cmocka_unit_test(idle_times_are_kept_within_an_eighth),
		cmocka_unit_test(local_keeps_the_client_and_its_port),
		cmocka_unit_test(local_changes_a_port_where_two_flows_would_look_the_same),
	};

	random_start();
	return WEIR_RUN_GROUP(tests, nat_start, nat_stop);
}
