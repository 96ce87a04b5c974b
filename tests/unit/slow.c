// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slow packets, lost packets and the blame for delays, as they are printed.
 */
#include "slow.h"

#include <netinet/in.h>
#include <string.h>

#include "drops.h"
#include "own.h"
#include "path_show.h"
#include "test_main.h"

#define MS(n) ((__u32)((n)*1000000.0 / (1 << WEIR_TICK_SHIFT)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const __u8 client[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, 0, 0, 1 };
static const __u8 server[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };

static struct weir_slow event(void)
{
	struct weir_slow e = {
		.from = { .netns = 7, .ifindex = 12 },
		.to = { .netns = 8, .ifindex = 3 },
		.sport = 4444,
		.dport = 80,
		.proto = IPPROTO_TCP,
		.tcp_flags = 0x18,
		.stage = WEIR_PATH_APP,
		.seq = 4294967295U,
		.ack = 17,
		.window = 502,
		.cpu = 1,
		.ticks = MS(12.3),
		.total = MS(12.4),
		.delay = { [WEIR_PATH_HOP] = MS(0.05) + 1, [WEIR_PATH_APP] = MS(12.3) + 1 },
		.pid = 1234,
		.retransmits = 2,
		.comm = "nginx: \033[1m",
	};

	memcpy(e.saddr, client, 16);
	memcpy(e.daddr, client, 16);
	return e;
}

static char *printed(const struct weir_slow *e, const struct places *p)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	slow_print(e, p, out);
	fclose(out);
	return text;
}

static void a_slow_packet_is_one_line_with_all_that_is_known(void **state)
{
	struct places p = { .own = 7 };
	struct weir_slow e = event();
	OWN_FREE char *text = printed(&e, &p);

	(void)state;
	assert_string_equal(text,
			    "app 12.3 ms  12@netns-7 -> 3@netns-8  cpu 1  nginx:??[1m[1234]  "
			    "tcp 10.0.0.1:4444 > 10.0.0.1:80 psh,ack seq 4294967295 ack 17 win "
			    "502  hop 49.9 us, app 12.3 ms  total 12.4 ms  after 2 "
			    "retransmits");
}

static void who_was_woken_stands_behind_who_reads(void **state)
{
	struct places p = { .own = 7 };
	struct weir_slow e = event();
	OWN_FREE char *text = NULL;
	json_t *json;

	(void)state;
	e.stage = WEIR_PATH_WAKE;
	e.delay[WEIR_PATH_WAKE] = MS(12.3) + 1;
	e.delay[WEIR_PATH_APP] = MS(1) + 1;
	e.woken_pid = 99;
	strcpy(e.woken_comm, "a b");
	text = printed(&e, &p);
	assert_non_null(strstr(text,
			       "wake 12.3 ms  12@netns-7 -> 3@netns-8  cpu 1  nginx:??[1m[1234]  "
			       "woke a?b[99]  tcp "));
	assert_non_null(strstr(text, "  hop 49.9 us, wake 12.3 ms, app 1.00 ms  total 12.4 ms"));
	json = slow_json(&e, &p);
	assert_int_equal(json_integer_value(json_object_get(json, "woken_pid")), 99);
	assert_string_equal(json_string_value(json_object_get(json, "woken_process")), "a?b");
	json_decref(json);
}

static void what_is_not_known_is_left_out(void **state)
{
	struct places p = { .own = 7 };
	struct weir_slow e = event();
	OWN_FREE char *text = NULL, *rtt = NULL;

	(void)state;
	memcpy(e.saddr, server, 16);
	memcpy(e.daddr, server, 16);
	e.proto = IPPROTO_UDP;
	e.pid = e.retransmits = 0;
	e.process_retransmits = 3;
	e.to.ifindex = 0;
	memset(e.delay, 0, sizeof(e.delay));
	text = printed(&e, &p);
	assert_string_equal(text, "app 12.3 ms  12@netns-7  cpu 1  udp [2001:db8::2]:4444 > "
				  "[2001:db8::2]:80  total 12.4 ms  after 3 of the process");
	e.proto = IPPROTO_ICMPV6;
	e.sport = e.dport = 0;
	e.stage = WEIR_SLOW_RTT;
	e.process_retransmits = 0;
	rtt = printed(&e, &p);
	assert_string_equal(rtt,
			    "rtt 12.3 ms  12@netns-7  cpu 1  icmpv6 2001:db8::2 > 2001:db8::2");
}

static void json_has_the_same(void **state)
{
	struct places p = { .own = 7 };
	struct weir_slow e = event();
	json_t *o = slow_json(&e, &p);
	json_t *delays = json_object_get(o, "delays_ns");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "stage")), "app");
	assert_int_equal(json_integer_value(json_object_get(o, "delay_ns")),
			 (__u64)MS(12.3) << WEIR_TICK_SHIFT);
	assert_string_equal(json_string_value(json_object_get(o, "to")), "3@netns-8");
	assert_string_equal(json_string_value(json_object_get(o, "netns")), "netns-8");
	assert_string_equal(json_string_value(json_object_get(o, "process")), "nginx:??[1m");
	assert_int_equal(json_integer_value(json_object_get(o, "seq")), 4294967295);
	assert_int_equal(json_integer_value(json_object_get(o, "retransmits")), 2);
	assert_int_equal(json_object_size(delays), 2);
	assert_int_equal(json_array_size(json_object_get(o, "flags")), 2);
	json_decref(o);
}

static void times_have_units_and_limits(void **state)
{
	static const struct {
		const char *text;
		__u32 ticks;
	} good[] = { { "5ms", 19531 },
		     { "1.5ms", 5859 },
		     { "800us", 3125 },
		     { "256ns", 1 },
		     { "2s", 7812500 } };
	static const char *const bad[] = { "",	  "5",	 "ms",	"-5ms", "5 ms", "5m",
					   "1ns", "inf", "nan", "1e9s", "5msx", "0x5ms " };
	struct failure why = {};
	__u32 ticks;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(slow_time_parse(good[i].text, &ticks, &why), 0);
		assert_int_equal(ticks, good[i].ticks);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		ticks = 77;
		assert_int_equal(slow_time_parse(bad[i], &ticks, &why), -1);
		assert_int_equal(ticks, 77);
		assert_non_null(strstr(why.message, "256ns to 1000s"));
	}
	failure_free(&why);
}

static void what_is_asked_becomes_thresholds_and_filters(void **state)
{
	const struct slow_options o = {
		.over = "5ms",
		.host = { "10.0.0.1", "2001:db8::2" },
		.port = { "80" },
		.proto = "UDP",
		.pid = "42",
	};
	struct weir_slow_ask ask;
	struct failure why = {};
	struct places p = {};
	double times;

	(void)state;
	assert_int_equal(slow_ask_parse(&o, &p, &ask, &times, &why), 0);
	for (int i = 0; i < WEIR_SLOW_COUNT; i++)
		assert_int_equal(ask.over[i], MS(5));
	assert_int_equal(ask.total, MS(5));
	assert_memory_equal(ask.host[0], client, 16);
	assert_memory_equal(ask.host[1], server, 16);
	assert_int_equal(ask.port[0], 80);
	assert_int_equal(ask.port[1], 0);
	assert_int_equal(ask.pid, 42);
	assert_int_equal(ask.proto, IPPROTO_UDP);
	assert_true(times == 0);
}

static void so_many_times_the_p99_may_be_written_with_an_x(void **state)
{
	static const char *const three[] = { "3", "x3", "3.0" };

	(void)state;
	for (size_t i = 0; i < COUNT(three); i++) {
		const struct slow_options o = { .over_p99 = three[i] };
		struct weir_slow_ask ask;
		struct failure why = {};
		struct places p = {};
		double times = 0;

		assert_int_equal(slow_ask_parse(&o, &p, &ask, &times, &why), 0);
		assert_true(times == 3);
	}
}

static void mistakes_are_refused_and_nothing_is_asked(void **state)
{
	static const struct {
		struct slow_options o;
		const char *message;
	} wrong[] = {
		{ {}, "slower than what?" },
		{ { .over = "5ms", .over_p99 = "3" }, "slower than what?" },
		{ { .over = "soon" }, "--over takes a time" },
		{ { .over_p99 = "0.5" }, "--over-p99 takes how many times" },
		{ { .over_p99 = "x" }, "\"x\" is not that" },
		{ { .over_p99 = "xx3" }, "\"xx3\" is not that" },
		{ { .over_p99 = "3x" }, "\"3x\" is not that" },
		{ { .over = "5ms", .host = { "example.net" } }, "--host takes an IPv4 or IPv6" },
		{ { .over = "5ms", .port = { "http" } }, "--port takes a number from 1 to 65535" },
		{ { .over = "5ms", .port = { "65536" } }, "--port takes a number from 1 to 65535" },
		{ { .over = "5ms", .proto = "tpc" }, "--proto takes tcp, udp" },
		{ { .over = "5ms", .proto = "256" }, "--proto takes tcp, udp" },
		{ { .over = "5ms", .proto = "0" }, "--proto takes tcp, udp" },
		{ { .over = "5ms", .pid = "0" }, "--pid takes a number from 1" },
		{ { .over = "5ms", .interface = "eth9" }, "there is no interface \"eth9\"" },
		{ { .over = "5ms", .in = "blue" }, "there is no network namespace \"blue\"" },
		{ { .over = "5ms", .is_wrong = true }, "a packet has two ends" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct weir_slow_ask ask = { .pid = 77 };
		struct failure why = {};
		struct places p = {};
		double times;

		assert_int_equal(slow_ask_parse(&wrong[i].o, &p, &ask, &times, &why), -1);
		if (!strstr(why.message, wrong[i].message))
			fail_msg("gave %s, wanted %s", why.message, wrong[i].message);
		assert_int_equal(ask.pid, 77);
		failure_free(&why);
	}
}

static void samples(struct hist *h, double ms, __u64 count)
{
	h->bucket[weir_hist_index(MS(ms))] += count;
	h->count += count;
	h->min_ns = h->count == count ? (__u64)(ms * 1e6) : h->min_ns;
	h->max_ns = (__u64)(ms * 1e6);
}

static void the_most_time_is_found(void **state)
{
	struct path_row rows[] = {
		{ .pair = { .stage = WEIR_PATH_HOP, .from = { 1, 2, 0 }, .to = { 3, 4, 0 } } },
		{ .pair = { .stage = WEIR_PATH_STACK, .from = { 1, 2, 0 }, .to = { 1, 2, 0 } } },
		{ .pair = { .stage = WEIR_PATH_APP, .from = { 1, 2, 0 }, .to = { 1, 2, 0 } } },
	};
	struct path_rows p = { .list = rows, .count = 3, .places = { .own = 1 } };
	struct blame blame[BLAMES];
	OWN_FREE char *text = NULL;
	struct hist rtt = {};
	size_t size;
	FILE *out;

	(void)state;
	samples(&rows[0].hist, 0.02, 1000);
	samples(&rows[1].hist, 0.05, 1000);
	samples(&rows[2].hist, 0.5, 900);
	samples(&rows[2].hist, 16.384, 100);
	samples(&rtt, 1.0, 500);
	blame_make(&p, &rtt, blame);
	assert_int_equal(blame_most(blame), 5);
	out = open_memstream(&text, &size);
	blame_print(blame, out);
	path_print(&p, NULL, out);
	assert_int_equal(path_print(&p, "2", out), 3);
	assert_int_equal(path_print(&p, "4@netns-3", out), 1);
	assert_int_equal(path_print(&p, "eth7", out), 0);
	fclose(out);
	assert_non_null(strstr(text, "program      504 us   16.4 ms  ####################"
				     "  in the socket until it is read  <- most\n"));
	assert_non_null(strstr(text, "nic               -         -                      "
				     "  driver and queueing discipline: nothing seen\n"));
	assert_non_null(strstr(text, "hop      2 -> 4@netns-3       1000   20.0 us   20.0 us   20.0"
				     " us   20.0 us  "));
}

static void nothing_measured_blames_nobody(void **state)
{
	struct path_rows p = {};
	struct blame blame[BLAMES];
	struct hist rtt = {};

	(void)state;
	blame_make(&p, &rtt, blame);
	assert_int_equal(blame_most(blame), -1);
}

static void drops_have_names_places_and_processes(void **state)
{
	struct drop_row rows[] = {
		{ .key = { .netns = 1, .ifindex = 5, .reason = 3, .kind = WEIR_DROP_DROP },
		  .packets = 2,
		  .last_ns = 1000000000 },
		{ .key = { .netns = 1, .ifindex = 5, .reason = 9, .kind = WEIR_DROP_DROP },
		  .packets = 12,
		  .last_ns = 4000000000 },
		{ .key = { .netns = 2, .kind = WEIR_DROP_RETRANSMIT }, .packets = 99 },
	};
	struct weir_process process = { .pid = 42, .retransmits = 7, .comm = "curl" };
	struct weir_retransmit flows[2] = { { .count = 1, .sport = 1, .dport = 2 },
					    { .count = 5, .sport = 3, .dport = 4, .pid = 42 } };
	char names[4][48] = { [3] = "no-socket" };
	struct drops d = { .drops = rows,
			   .drops_count = 3,
			   .processes = &process,
			   .processes_count = 1,
			   .flows = flows,
			   .flows_count = 2,
			   .reasons = { names, 4 },
			   .places = { .own = 1 },
			   .now_ns = 5000000000 };
	OWN_FREE char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	(void)state;
	memcpy(flows[1].saddr, client, 16);
	memcpy(flows[1].daddr, server, 16);
	drops_sort(&d);
	drops_print(&d, 1, out);
	fclose(out);
	assert_non_null(strstr(text, "\nreason 9                         5                       "
				     "               12  1 s ago\nno-socket "));
	assert_non_null(strstr(text, "\nretransmit                       netns-2 "));
	assert_non_null(strstr(text, "\ncurl[42]                              7            0"));
	assert_non_null(strstr(text, "\n10.0.0.1:3 > [2001:db8::2]:4                "));
	assert_non_null(strstr(text, "and 1 flows with fewer; all are in --json\n"));
	json = drops_json(&d);
	assert_int_equal(json_array_size(json_object_get(json, "retransmits")), 2);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_packet_is_one_line_with_all_that_is_known),
		cmocka_unit_test(who_was_woken_stands_behind_who_reads),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(times_have_units_and_limits),
		cmocka_unit_test(what_is_asked_becomes_thresholds_and_filters),
		cmocka_unit_test(so_many_times_the_p99_may_be_written_with_an_x),
		cmocka_unit_test(mistakes_are_refused_and_nothing_is_asked),
		cmocka_unit_test(the_most_time_is_found),
		cmocka_unit_test(nothing_measured_blames_nobody),
		cmocka_unit_test(drops_have_names_places_and_processes),
	};

	return WEIR_RUN(tests);
}
