// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The next hop is remembered, and for how long: a new neighbour or route is
 * followed within a tenth of a second, a new configuration at once.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forward_case.h"

/* What an answer lives, and three ticks of the slowest clock. */
#define LIVES_NS 130000000ULL
#define FAILURE_LIVES_NS 45000000ULL

static struct harness h;
static struct testnet net;
static const char *refusal;

static const char *to_backend(const char *addr)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "interface in0 { xdp auto; balance }\n"
		 "service s { address 192.0.2.1; port tcp 443; forward l2; backend b %s }\n",
		 addr);
	return text;
}

/* Each CPU remembers for itself: the test stays on one. */
static void stay_on_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static int start(void **state)
{
	(void)state;
	stay_on_this_cpu();
	refusal = forward_start(&h, &net, to_backend("10.1.0.11"), &forward_host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		harness_stop(&h);
	return 0;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static void shell(const char *command)
{
	if (system(command))
		fail_msg("%s failed", command);
}

static void send_one(struct outcome *out)
{
	static const struct packet p = { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 443 };
	static struct frame f;

	packet_build(&p, &f);
	assert_int_equal(harness_run(&h, HOOK_XDP, &f, out), 0);
}

static bool goes_to(const __u8 mac[6])
{
	static struct outcome out;

	send_one(&out);
	return out.verdict == XDP_TX && !memcmp(out.frame.bytes, mac, 6);
}

/* @command changes the host; packets then go to @mac, within @most_ns and not sooner than now. */
static void check_followed(const char *command, const __u8 mac[6], __u64 most_ns)
{
	__u64 start, asked;

	shell(command);
	start = now_ns();
	/* It is the time of the question that counts: the answer may come late. */
	while (asked = now_ns(), !goes_to(mac)) {
		if (asked - start > most_ns)
			fail_msg("not followed: %s", command);
		usleep(1000);
	}
}

static void a_new_mac_address_is_followed_within_a_tenth_of_a_second(void **state)
{
	static const __u8 other[6] = { 2, 1, 0, 0, 0, 0x77 };

	(void)state;
	NEED_NET();
	harness_change(&h, to_backend("10.1.0.11"));
	assert_true(goes_to(testnet_in_11));
	check_followed("ip neigh replace 10.1.0.11 lladdr 02:01:00:00:00:77 dev in0", other,
		       LIVES_NS);
	check_followed("ip neigh replace 10.1.0.11 lladdr 02:01:00:00:00:11 dev in0", testnet_in_11,
		       LIVES_NS);
}

static void a_neighbour_that_appears_is_found_sooner(void **state)
{
	static const __u8 appears[6] = { 2, 1, 0, 0, 0, 0x55 };
	__u64 unknown;

	(void)state;
	NEED_NET();
	harness_change(&h, to_backend("10.1.0.55"));
	unknown = harness_reason(&h, 0, WEIR_R_LB_NO_NEIGHBOUR);
	assert_false(goes_to(appears));
	assert_int_equal(harness_reason(&h, 0, WEIR_R_LB_NO_NEIGHBOUR), unknown + 1);
	check_followed("ip neigh add 10.1.0.55 lladdr 02:01:00:00:00:55 dev in0", appears,
		       FAILURE_LIVES_NS);
}

/* Without a memory this would fail, and the lookup would be paid for by every packet. */
static void an_answer_serves_more_than_one_packet(void **state)
{
	int served = 0;

	(void)state;
	NEED_NET();
	for (int try = 0; try < 10 && !served; try++) {
		__u64 start;

		harness_change(&h, to_backend("10.1.0.12"));
		assert_true(goes_to(testnet_in_12));
		harness_change(&h, to_backend("10.1.0.11"));
		start = now_ns();
		assert_true(goes_to(testnet_in_11));
		shell("ip neigh replace 10.1.0.11 lladdr 02:01:00:00:00:77 dev in0");
		/* On a busy machine the change may take longer than the answer lives. */
		served = goes_to(testnet_in_11) && now_ns() - start < LIVES_NS;
		shell("ip neigh replace 10.1.0.11 lladdr 02:01:00:00:00:11 dev in0");
	}
	assert_true(served);
}

static void a_changed_backend_is_followed_by_the_next_packet(void **state)
{
	(void)state;
	NEED_NET();
	for (int i = 0; i < 50; i++) {
		harness_change(&h, to_backend("10.1.0.11"));
		assert_true(goes_to(testnet_in_11));
		harness_change(&h, to_backend("10.1.0.12"));
		assert_true(goes_to(testnet_in_12));
	}
}

static void a_smaller_mtu_is_followed(void **state)
{
	static struct outcome out;
	__u64 start, too_big;

	(void)state;
	NEED_NET();
	harness_change(&h, to_backend("10.1.0.12"));
	assert_true(goes_to(testnet_in_12));
	too_big = harness_reason(&h, 0, WEIR_R_LB_TOO_BIG);
	shell("ip route add 10.1.0.12/32 dev in0 mtu lock 80");
	start = now_ns();
	do {
		static const struct packet p = {
			.src = "198.51.100.7", .dst = "192.0.2.1", .dport = 443, .payload = 60
		};
		static struct frame f;

		assert_true(now_ns() - start < LIVES_NS);
		packet_build(&p, &f);
		assert_int_equal(harness_run(&h, HOOK_XDP, &f, &out), 0);
	} while (out.verdict != XDP_DROP);
	assert_true(harness_reason(&h, 0, WEIR_R_LB_TOO_BIG) > too_big);
	shell("ip route del 10.1.0.12/32 dev in0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_mac_address_is_followed_within_a_tenth_of_a_second),
		cmocka_unit_test(a_neighbour_that_appears_is_found_sooner),
		cmocka_unit_test(an_answer_serves_more_than_one_packet),
		cmocka_unit_test(a_changed_backend_is_followed_by_the_next_packet),
		cmocka_unit_test(a_smaller_mtu_is_followed),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
