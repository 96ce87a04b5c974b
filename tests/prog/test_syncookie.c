// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SYN cookies: what a SYN is answered with, who is verified by it, and that
 * nobody else notices.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "../unit/random.h"
#include "syncookie.h"
#include "syncookie_case.h"

static const struct packet syns[] = {
	{ .src = ONE, .dst = VIP4 },
	{ .src = ONE, .dst = VIP4, .option_words = 3 },
	{ .src = ONE, .dst = VIP4, .timestamps = TIMESTAMPS_LINUX_SYN },
	{ .src = ONE, .dst = VIP4, .payload = 100, .padding = 3 },
	{ .src = ONE, .dst = VIP4, .padding = 6, .tos = 0xff, .ttl = 1 },
	{ .src = ONE, .dst = VIP4, .fragment = IPV4_MORE_FRAGMENTS, .payload = 4 },
	{ .src = "2001:db8:c::7", .dst = VIP6 },
	{ .src = "2001:db8:c::7", .dst = VIP6, .timestamps = TIMESTAMPS_BSD_SYN, .payload = 1200 },
	{ .src = "2001:db8:c::7", .dst = VIP6, .extensions = { EXT_DSTOPTS(2) } },
};

static void a_SYN_is_answered_with_a_cookie(void **state)
{
	(void)state;
	FRESH("syncookie always");
	for (size_t i = 0; i < sizeof(syns) / sizeof(*syns); i++) {
		struct packet p = syns[i];
		static struct frame f;

		p.sport = (__u16)(1024 + i);
		p.dport = 80;
		p.flags = SYN;
		packet_build(&p, &f);
		cookie_of_frame(&p, &f, ISN);
	}
	cookie_of(ONE, 9, 0xffffffff);
	assert_int_equal(send_syn(ONE, 9), WENT_BACK);
	assert_int_equal(choose_reason(&syncookies), WEIR_R_LB_SYNCOOKIE);
}

/* Where a sender on this host left the checksum to a device, which may still write it. */
static void an_unfinished_checksum_is_right_whoever_finishes_it(void **state)
{
	static struct outcome out;
	static struct frame f;

	(void)state;
	FRESH("syncookie always");
	for (int v6 = 0; v6 <= 1; v6++) {
		struct packet p = segment(v6 ? "2001:db8:c::7" : ONE, 1, SYN);
		__u8 *tcp;

		packet_build(&p, &f);
		tcp = tcp_of(&f);
		memset(tcp, 0, 20);
		/* What is left is the sum of the pseudo header. */
		put32(tcp + 16, (__u32)(__u16)~tcp_sum(&f) << 16);
		put32(tcp, 1 << 16 | 80);
		put32(tcp + 4, 1);
		put32(tcp + 12, 0x50020000);
		assert_int_equal(harness_run(&syncookies.h, HOOK_XDP, &f, &out), 0);
		assert_int_equal(out.verdict, XDP_TX);
		assert_int_equal(tcp_sum(&out.frame), 0);
		tcp = tcp_of(&out.frame);
		assert_int_equal(get32(tcp + 12) >> 16, 0x5012);
		/* As the device does it: over all from the TCP header on, as it is. */
		put32(tcp + 16, (__u32)packet_checksum(packet_sum(tcp, 20, 0)) << 16 |
					(get32(tcp + 16) & 0xffff));
		assert_int_equal(tcp_sum(&out.frame), 0);
	}
}

static void assert_cuts_are_left_alone(const struct packet *p, __u32 seq, __u32 ack)
{
	static struct frame f;

	packet_build(p, &f);
	put32(tcp_of(&f) + 4, seq);
	put32(tcp_of(&f) + 8, ack);
	while (--f.size > ETHERNET_BYTES)
		assert_int_equal(choose_run_frame(&syncookies, &f), WENT_PASS);
}

static void what_is_cut_at_any_byte_is_left_alone(void **state)
{
	(void)state;
	FRESH("syncookie always");
	for (int v6 = 0; v6 <= 1; v6++) {
		const char *src = v6 ? "2001:db8:c::7" : ONE;
		struct packet p = segment(src, 5, ACK);

		assert_cuts_are_left_alone(&p, 1001, cookie_of(src, 5, 1000) + 1);
		p.flags = SYN;
		p.timestamps = TIMESTAMPS_LINUX_SYN;
		assert_cuts_are_left_alone(&p, 1000, 0);
		cookie_of(src, 5, 1000);
	}
}

static void who_returns_a_cookie_is_reset_once_and_goes_through(void **state)
{
	static const char *const sources[] = { ONE, "2001:db8:c::7" };

	(void)state;
	FRESH("syncookie always");
	for (size_t i = 0; i < 2; i++) {
		struct packet p = segment(sources[i], 6, ACK);
		__u32 cookie = cookie_of(sources[i], 6, 0xffffffff);
		static struct outcome out;
		static struct frame f;

		packet_build(&p, &f);
		put32(tcp_of(&f) + 4, 0);
		put32(tcp_of(&f) + 8, cookie + 1);
		assert_int_equal(harness_run(&syncookies.h, HOOK_XDP, &f, &out), 0);
		assert_answer(&p, &out, RST, cookie + 1, 0);
		assert_int_equal(send_syn(sources[i], 7), 1);
		assert_int_equal(send_syn(sources[i], 6), 1);
		/* Another connection that began before. */
		assert_int_equal(send_ack(sources[i], 6, 0, cookie + 1), WENT_BACK);
	}
	cookie_of(TWO, 6, 1);
	assert_int_equal(send_syn("2001:db8:c::8", 6), 1);
	cookie_of("2001:db8:c:1::7", 6, 1);
}

static void a_source_is_verified_for_512_seconds(void **state)
{
	(void)state;
	FRESH("syncookie always");
	verify(ONE, 8);
	choose_wait(&syncookies, 500);
	assert_int_equal(send_syn(ONE, 9), 1);
	choose_wait(&syncookies, 13);
	cookie_of(ONE, 9, 1);
}

static void a_wrong_cookie_verifies_nobody(void **state)
{
	__u32 cookie;

	(void)state;
	FRESH("syncookie always");
	cookie = cookie_of(ONE, 8, 1000);
	for (int bit = 2; bit < 32; bit++) {
		/* The kernel's cookies have room for a few MSS in the low bits, and the minute here. */
		if (bit == 24)
			continue;
		assert_int_equal(send_ack(ONE, 8, 1001, (cookie + 1) ^ 1U << bit), 1);
		assert_int_equal(send_ack(ONE, 8, 1001U ^ 1U << bit, cookie + 1), 1);
	}
	assert_int_equal(send_ack(ONE, 8, 1001, cookie), 1);
	assert_int_equal(send_ack(ONE, 9, 1001, cookie + 1), 1);
	assert_int_equal(send_ack(TWO, 8, 1001, cookie + 1), 1);
	cookie_of(ONE, 8, 1000);
	cookie_of(TWO, 8, 1000);
}

/* What no handshake ends with is not looked at, be its cookie right. */
static void only_a_pure_ACK_returns_a_cookie(void **state)
{
	static const __u8 flags[] = { 0,	 ACK | PSH, ACK | FIN,	     ACK | RST,
				      ACK | SYN, ACK | URG, ACK | FIN | PSH, RST };
	__u32 cookie;
	struct packet p;

	(void)state;
	FRESH("syncookie always");
	cookie = cookie_of(ONE, 8, 1000);
	for (size_t i = 0; i < sizeof(flags); i++) {
		p = segment(ONE, 8, flags[i]);
		assert_int_equal(run_numbered(&p, 1001, cookie + 1), 1);
	}
	p = segment(ONE, 8, ACK);
	p.payload = 1;
	assert_int_equal(run_numbered(&p, 1001, cookie + 1), 1);
	p.payload = 0;
	p.timestamps = TIMESTAMPS_ALIGNED;
	assert_int_equal(run_numbered(&p, 1001, cookie + 1), 1);
	cookie_of(ONE, 8, 1000);
}

static void a_cookie_comes_back_within_a_minute(void **state)
{
	__u32 cookie;

	(void)state;
	FRESH("syncookie always");
	cookie = cookie_of(ONE, 8, 1000);
	choose_wait(&syncookies, 61);
	assert_int_equal(send_ack(ONE, 8, 1001, cookie + 1), 1);
	/* As one is out again, and the kernel still knows this one. */
	cookie_of(TWO, 8, 1000);
	assert_int_equal(send_ack(ONE, 8, 1001, cookie + 1), WENT_BACK);
}

static void established_flows_go_on(void **state)
{
	(void)state;
	FRESH("syncookie always");
	cookie_of(TWO, 1, 1);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(send_ack(ONE, (__u16)(1024 + i % 100), (__u32)random_u64(),
					  (__u32)random_u64()),
				 1);
	cookie_of(ONE, 1, 1);
}

static void SYNs_below_the_limit_go_on(void **state)
{
	__u32 went = 0;

	(void)state;
	FRESH("syncookie above 5/s");
	for (__u16 i = 0; i < 50; i++) {
		if (send_syn(ONE, (__u16)(1024 + i)) == 1)
			went++;
		else
			assert_int_equal(choose_reason(&syncookies), WEIR_R_LB_SYNCOOKIE);
	}
	/* Five at once, and maybe one more while the test ran. */
	assert_in_range(went, 5, 7);
	verify(ONE, 8);
	for (__u16 i = 0; i < 50; i++)
		assert_int_equal(send_syn(ONE, (__u16)(1024 + i)), 1);
}

static void who_is_not_verified_uses_up_no_limit_of_new_connections(void **state)
{
	(void)state;
	FRESH("syncookie always; limit 1/m burst 10");
	for (__u16 i = 0; i < 100; i++)
		cookie_of(TWO, i, 1);
	verify(ONE, 8);
	for (__u16 i = 0; i < 10; i++)
		assert_int_equal(send_syn(ONE, i), 1);
	assert_int_equal(send_syn(ONE, 10), WENT_DROP);
	assert_int_equal(choose_reason(&syncookies), WEIR_R_LB_LIMIT);
}

static void services_without_the_word_are_left_alone(void **state)
{
	struct packet p = segment(ONE, 8, SYN);
	__u32 cookie;

	(void)state;
	FRESH("syncookie always");
	p.dst = "192.0.2.2";
	assert_int_equal(choose_run(&syncookies, &p), 2);
	p.dst = VIP4;
	p.dport = 81;
	assert_int_equal(choose_run(&syncookies, &p), WENT_PASS);
	cookie = cookie_of(ONE, 8, 1000);
	p = segment(ONE, 8, ACK);
	p.dst = "192.0.2.2";
	assert_int_equal(run_numbered(&p, 1001, cookie + 1), 2);
}

static void sources_that_nobody_can_have_get_no_answer(void **state)
{
	static const char *const odd[] = { "127.0.0.1",	      "224.0.0.1", "0.0.0.1",
					   "255.255.255.255", "ff02::1",   "::1" };

	(void)state;
	FRESH("syncookie always");
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		assert_int_equal(send_syn(odd[i], 5), 1);
}

/* Four ways in @state, seen just now, of tags that no source has. */
static struct weir_pin_set fill(enum weir_pin_state state)
{
	struct weir_pin_set set;
	__u32 zero = 0;

	for (__u32 i = 0; i < WEIR_PIN_WAYS; i++)
		set.way[i] = (struct weir_pin){
			.tag = i + 1,
			.seen = (__u32)choose_now(),
			.state = 10U << WEIR_PIN_LIFE_SHIFT | (__u32)state << WEIR_PIN_STATE_SHIFT,
		};
	assert_int_equal(
		bpf_map_update_elem(syncookies.h.maps.fd[WEIR_MAP_PINS], &zero, &set, BPF_ANY), 0);
	return set;
}

static struct weir_pin_set pins(void)
{
	struct weir_pin_set set;
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(syncookies.h.maps.fd[WEIR_MAP_PINS], &zero, &set), 0);
	return set;
}

static void a_source_takes_no_place_of_a_flow(void **state)
{
	static const enum weir_pin_state of_flows[] = { WEIR_PIN_OPEN, WEIR_PIN_FOUND,
							WEIR_PIN_CLOSING, WEIR_PIN_FRAGMENT };

	(void)state;
	FRESH("syncookie always");
	for (size_t i = 0; i < sizeof(of_flows) / sizeof(*of_flows); i++) {
		struct weir_pin_set before, after;
		__u32 cookie;

		harness_clear(&syncookies.h, WEIR_MAP_PINS);
		cookie = cookie_of(ONE, 8, 1000);
		before = fill(of_flows[i]);
		/* Nobody could remember it: better let it through than reset it for ever. */
		assert_int_equal(send_syn(ONE, 8), 1);
		assert_int_equal(send_ack(ONE, 8, 1001, cookie + 1), WENT_BACK);
		after = pins();
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void a_flood_of_SYNs_does_not_keep_a_source_from_its_place(void **state)
{
	struct weir_pin_set after;
	__u32 others = 0;

	(void)state;
	FRESH("syncookie always");
	fill(WEIR_PIN_OPENING);
	verify(ONE, 8);
	assert_int_equal(send_syn(ONE, 8), 1);
	after = pins();
	for (__u32 i = 0; i < WEIR_PIN_WAYS; i++)
		others += after.way[i].tag == i + 1;
	assert_int_equal(others, WEIR_PIN_WAYS - 1);
}

static void of_many_sources_the_last_ones_are_verified(void **state)
{
	char src[32];

	(void)state;
	FRESH("syncookie always");
	for (int i = 0; i < 10; i++) {
		snprintf(src, sizeof(src), "198.51.100.%d", 100 + i);
		verify(src, 8);
		choose_wait(&syncookies, 1);
	}
	for (int i = 9; i >= 0; i--) {
		snprintf(src, sizeof(src), "198.51.100.%d", 100 + i);
		assert_int_equal(send_syn(src, 8), i >= 6 ? 1 : WENT_BACK);
	}
}

/* Where the program loads, the words for a kernel without cookies are not said. */
static void a_kernel_that_makes_cookies_says_so(void **state)
{
	(void)state;
	if (syncookie_refusal)
		WEIR_SKIP("%s", syncookie_refusal);
	assert_int_equal(syncookie_probe(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_SYN_is_answered_with_a_cookie),
		cmocka_unit_test(an_unfinished_checksum_is_right_whoever_finishes_it),
		cmocka_unit_test(what_is_cut_at_any_byte_is_left_alone),
		cmocka_unit_test(who_returns_a_cookie_is_reset_once_and_goes_through),
		cmocka_unit_test(a_source_is_verified_for_512_seconds),
		cmocka_unit_test(a_wrong_cookie_verifies_nobody),
		cmocka_unit_test(only_a_pure_ACK_returns_a_cookie),
		cmocka_unit_test(a_cookie_comes_back_within_a_minute),
		cmocka_unit_test(established_flows_go_on),
		cmocka_unit_test(SYNs_below_the_limit_go_on),
		cmocka_unit_test(who_is_not_verified_uses_up_no_limit_of_new_connections),
		cmocka_unit_test(services_without_the_word_are_left_alone),
		cmocka_unit_test(sources_that_nobody_can_have_get_no_answer),
		cmocka_unit_test(a_source_takes_no_place_of_a_flow),
		cmocka_unit_test(a_flood_of_SYNs_does_not_keep_a_source_from_its_place),
		cmocka_unit_test(of_many_sources_the_last_ones_are_verified),
		cmocka_unit_test(a_kernel_that_makes_cookies_says_so),
	};

	return WEIR_RUN_GROUP(tests, syncookie_start, syncookie_stop);
}
