// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits against a token bucket that counts, which is another algorithm than
 * the datapath's. Time passes by setting buckets back: at the rates of these
 * tests what the kernel's clock adds is less than a hundredth of a packet.
 */
#include "actions.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <string.h>

#include "../unit/random.h"

#define RULE 7
#define PARTS 16 /* of a packet's interval */

static struct actions_xdp *a;

static int start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	random_start();
	a = actions_xdp_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	actions_xdp__destroy(a);
	return 0;
}

static void clear(void)
{
	const struct weir_bucket_set empty = {};

	for (__u32 i = 0; i < ACTIONS_RULES + ACTIONS_LIMIT_SETS; i++)
		assert_int_equal(
			bpf_map_update_elem(bpf_map__fd(a->maps.weir_limits), &i, &empty, BPF_ANY),
			0);
	a->bss->admitted = a->bss->refused = 0;
}

/* @rate packets an hour. */
static void limit(__u32 rate, __u32 burst)
{
	a->bss->limit = (struct weir_limit){ .id = RULE };
	weir_limit_set_rate(&a->bss->limit, rate, 3600, burst);
	clear();
}

static void limit_per_source(__u32 rate, __u32 burst, __u8 v4_bits, __u8 v6_bits)
{
	limit(rate, burst);
	a->bss->limit.flags |= WEIR_LIMIT_PER_SOURCE;
	a->bss->limit.v4_bits = v4_bits;
	a->bss->limit.v6_bits = v6_bits;
}

static bool admits(const char *src)
{
	const struct packet p = { .src = src,
				  .dst = strchr(src, ':') ? "2001:db8::1" : "192.0.2.1",
				  .dport = 80,
				  .flags = SYN };
	struct frame f;

	packet_build(&p, &f);
	return actions_run(a->progs.limit_packet, &f, NULL) == XDP_PASS;
}

/* How many of @most packets pass before the first that does not. */
static __u32 admitted_of(const char *src, __u32 most)
{
	__u32 passed = 0;

	while (passed < most && admits(src))
		passed++;
	return passed;
}

/* Let the rule's bucket fill up as in so many sixteenths of an interval. */
static void pass_time(__u32 parts)
{
	struct weir_bucket_set set;
	__u64 ticks = (a->bss->limit.interval * parts + PARTS - 1) / PARTS;
	__u32 index = RULE;
	int fd = bpf_map__fd(a->maps.weir_limits);

	assert_int_equal(bpf_map_lookup_elem(fd, &index, &set), 0);
	set.way[0].tat -= set.way[0].tat > ticks ? ticks : set.way[0].tat;
	assert_int_equal(bpf_map_update_elem(fd, &index, &set, BPF_ANY), 0);
}

static void a_full_bucket_lets_a_burst_pass_and_nothing_more(void **state)
{
	(void)state;
	NEED_BPF();
	for (int round = 0; round < 100; round++) {
		__u32 burst = 1 + random_below(40);

		limit(1 + random_below(100), burst);
		assert_int_equal(admitted_of("10.0.0.1", burst + 5), burst);
		assert_false(admits("10.0.0.2"));
		pass_time(PARTS);
		assert_int_equal(admitted_of("10.0.0.1", 5), 1);
	}
}

/* Tokens in sixteenths, counted up and down. */
static void a_bucket_agrees_with_one_that_counts_tokens(void **state)
{
	(void)state;
	NEED_BPF();
	for (int round = 0; round < 200; round++) {
		__u32 burst = 1 + random_below(10), most = burst * PARTS, level = most;
		__u32 longest = 1 + random_below(3 * PARTS);

		limit(1 + random_below(100), burst);
		for (int i = 0; i < 100; i++) {
			__u32 parts = random_below(longest);
			bool want;

			pass_time(parts);
			level = level + parts < most ? level + parts : most;
			want = level >= PARTS;
			level -= want ? PARTS : 0;
			if (admits("10.0.0.1") != want)
				fail_msg("round %d packet %d: want %d, burst %u, level %u", round,
					 i, want, burst, level);
		}
	}
}

static void a_rate_is_an_interval(void **state)
{
	static const struct {
		__u32 rate, per_s, burst;
		__u64 interval, ticks;
		bool is_coarse;
	} rates[] = {
		{ 1, 1, 1, 16000000000, 16000000000, true },
		{ 1, 3600, 5, 57600000000000, 288000000000000, true },
		{ 200, 1, 400, 80000000, 32000000000, true },
		{ 3, 60, 1, 320000000000, 320000000000, true },
		{ 1000000, 1, 1000, 16000, 16000000, false },
		{ 4000000000, 1, 1, 4, 4, false },
		{ 1, 3600, 1 << 24, 57600000000000, 1ULL << 62, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct weir_limit l = {};

		weir_limit_set_rate(&l, rates[i].rate, rates[i].per_s, rates[i].burst);
		assert_int_equal(l.interval, rates[i].interval);
		assert_int_equal(l.burst, rates[i].ticks);
		assert_int_equal(!!(l.flags & WEIR_LIMIT_COARSE), rates[i].is_coarse);
	}
}

static void each_source_has_a_bucket(void **state)
{
	(void)state;
	NEED_BPF();
	limit_per_source(10, 3, 32, 128);
	assert_int_equal(admitted_of("10.0.0.1", 9), 3);
	assert_int_equal(admitted_of("10.0.0.2", 9), 3);
	assert_int_equal(admitted_of("2001:db8::10", 9), 3);
	assert_int_equal(admitted_of("2001:db8::11", 9), 3);
	assert_false(admits("10.0.0.1"));
	assert_false(admits("2001:db8::10"));
}

static void sources_of_one_prefix_share_a_bucket(void **state)
{
	static const struct {
		__u8 v4_bits, v6_bits;
		const char *one, *same, *other;
	} groups[] = {
		{ 24, 64, "10.0.0.1", "10.0.0.255", "10.0.1.1" },
		{ 24, 64, "2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1" },
		{ 1, 1, "1.2.3.4", "127.0.0.1", "128.0.0.1" },
		{ 1, 1, "2001:db8::1", "7fff::", "8000::" },
		{ 31, 127, "10.0.0.2", "10.0.0.3", "10.0.0.4" },
		{ 31, 127, "2001:db8::2", "2001:db8::3", "2001:db8::4" },
		{ 25, 65, "10.0.0.1", "10.0.0.127", "10.0.0.128" },
		{ 25, 65, "2001:db8::1", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:1" },
		{ 8, 48, "10.0.0.1", "10.255.0.1", "11.0.0.1" },
		{ 8, 48, "2001:db8:1::1", "2001:db8:1:ffff::1", "2001:db8:2::1" },
	};

	(void)state;
	NEED_BPF();
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		limit_per_source(10, 4, groups[i].v4_bits, groups[i].v6_bits);
		assert_int_equal(admitted_of(groups[i].one, 2), 2);
		assert_int_equal(admitted_of(groups[i].same, 9), 2);
		assert_false(admits(groups[i].one));
		assert_int_equal(admitted_of(groups[i].other, 9), 4);
	}
}

static void rules_have_buckets_of_their_own(void **state)
{
	(void)state;
	NEED_BPF();
	limit(10, 2);
	assert_int_equal(admitted_of("10.0.0.1", 9), 2);
	a->bss->limit.id = RULE + 1;
	assert_int_equal(admitted_of("10.0.0.1", 9), 2);
	limit_per_source(10, 2, 32, 128);
	assert_int_equal(admitted_of("10.0.0.1", 9), 2);
	a->bss->limit.id = RULE + 1;
	assert_int_equal(admitted_of("10.0.0.1", 9), 2);
}

/* A rule that the table has no room for is a rule too many, not a closed door. */
static void a_rule_without_a_bucket_limits_nothing(void **state)
{
	(void)state;
	NEED_BPF();
	limit(10, 1);
	a->bss->limit.id = ACTIONS_RULES;
	assert_int_equal(admitted_of("10.0.0.1", 50), 50);
}

static void a_spoofed_flood_refills_no_bucket_and_blocks_no_other(void **state)
{
	const struct packet p = { .src = "10.0.0.1", .dst = "192.0.2.1", .flags = SYN };
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&p, &f);
	limit_per_source(10, 5, 32, 128);
	for (int i = 1; i <= 200; i++) {
		char src[32];

		snprintf(src, sizeof(src), "203.0.113.%d", i);
		assert_int_equal(admitted_of(src, 9), 5);
	}
	actions_repeat(a->progs.limit_spoofed, &f, 1000000);
	for (int i = 1; i <= 200; i++) {
		char src[32];

		snprintf(src, sizeof(src), "203.0.113.%d", i);
		assert_false(admits(src));
		snprintf(src, sizeof(src), "2001:db8:9::%x", i);
		assert_int_equal(admitted_of(src, 9), 5);
	}
}

#define AT_ONCE 200000
#define THREADS 2

static void *send_many(void *frame)
{
	actions_repeat(a->progs.limit_packet, frame, AT_ONCE);
	return NULL;
}

static void CPUs_share_a_bucket_and_take_no_token_twice(void **state)
{
	const struct packet p = { .src = "10.0.0.1", .dst = "192.0.2.1", .flags = SYN };
	pthread_t thread[THREADS];
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&p, &f);
	limit(10, AT_ONCE);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, send_many, &f), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(a->bss->admitted, AT_ONCE);
	assert_int_equal(a->bss->admitted + a->bss->refused, THREADS * AT_ONCE);
	assert_false(admits("10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_an_interval),
		cmocka_unit_test(a_full_bucket_lets_a_burst_pass_and_nothing_more),
		cmocka_unit_test(a_bucket_agrees_with_one_that_counts_tokens),
		cmocka_unit_test(each_source_has_a_bucket),
		cmocka_unit_test(sources_of_one_prefix_share_a_bucket),
		cmocka_unit_test(rules_have_buckets_of_their_own),
		cmocka_unit_test(a_rule_without_a_bucket_limits_nothing),
		cmocka_unit_test(a_spoofed_flood_refills_no_bucket_and_blocks_no_other),
		cmocka_unit_test(CPUs_share_a_bucket_and_take_no_token_twice),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
