// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fragments of a packet to a VIP reach the backend of its first one; who may
 * talk to a service, and how often.
 */
#include <string.h>

#include "choose_case.h"

#define FIRST 0x2000 /* IPv4: more fragments, offset 0 */
#define CONFIG                                                                  \
	"interface in0 { xdp auto; balance }\n"                                 \
	"service s0 { address 192.0.2.1, 2001:db8:ff::1; port udp 53, tcp 80\n" \
	"forward ipip\nbackend b1 10.9.0.1\nbackend b2 10.9.0.2\n"              \
	"backend b3 10.9.0.3\nbackend b4 10.9.0.4 }\n"                          \
	"service s1 { address 192.0.2.2; port tcp 80; forward ipip\n"           \
	"backend b5 10.9.0.5 }\n"                                               \
	"service s2 { address 192.0.2.0/24; port udp 1000; forward ipip\n"      \
	"backend b6 10.9.0.6\nbackend b7 10.9.0.7 }\n"

static struct choose_case c;
static const char *refusal;

static int start(void **state)
{
	(void)state;
	refusal = choose_start(&c, CONFIG);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		choose_stop(&c);
	return 0;
}

/* @offset in units of 8 bytes, over IPv4's flags; all of one client have one id. */
static int fragment4(__u32 client, const char *dst, __u8 proto, __u16 dport, __u16 offset)
{
	char src[64];
	struct packet p = { .src = src,
			    .dst = dst,
			    .proto = proto,
			    .sport = (__u16)(2000 + client),
			    .dport = dport,
			    .fragment = offset,
			    .payload = 48 };

	snprintf(src, sizeof(src), "198.51.100.%u", client);
	return choose_run(&c, &p);
}

static int fragment6(__u32 client, __u16 dport, __u16 field)
{
	char src[64];
	struct packet p = { .src = src,
			    .dst = "2001:db8:ff::1",
			    .extensions = { EXT_FRAGMENT(field) },
			    .proto = IPPROTO_UDP,
			    .sport = (__u16)(2000 + client),
			    .dport = dport,
			    .payload = 48 };

	snprintf(src, sizeof(src), "2001:db8:c::%x", client);
	return choose_run(&c, &p);
}

static void later_fragments_follow_the_first(void **state)
{
	__u32 taken[5] = {};

	(void)state;
	NEED_NET();
	for (__u32 client = 1; client < 60; client++) {
		int went = fragment4(client, "192.0.2.1", IPPROTO_UDP, 53, FIRST);

		assert_in_range(went, 1, 4);
		taken[went]++;
		assert_int_equal(fragment4(client, "192.0.2.1", IPPROTO_UDP, 0, FIRST | 7), went);
		assert_int_equal(fragment4(client, "192.0.2.1", IPPROTO_UDP, 0, 14), went);
		went = fragment6(client, 53, IPV6_MORE_FRAGMENTS);
		assert_in_range(went, 1, 4);
		assert_int_equal(fragment6(client, 0, 56 | IPV6_MORE_FRAGMENTS), went);
		assert_int_equal(fragment6(client, 0, 112), went);
	}
	for (int i = 1; i < 5; i++)
		assert_true(taken[i] > 0);
}

static void a_fragment_whose_first_nobody_saw_is_the_hosts(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_PINS);
	assert_int_equal(fragment4(1, "192.0.2.1", IPPROTO_UDP, 0, 14), WENT_PASS);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_FRAGMENT);
	assert_int_equal(fragment6(1, 0, 112), WENT_PASS);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_FRAGMENT);
	/* No service there could mean it. */
	assert_int_equal(fragment4(1, "192.0.2.2", IPPROTO_GRE, 0, 14), WENT_PASS);
	assert_int_equal(choose_reason(&c), WEIR_R_CONTINUE);
	assert_int_equal(fragment4(1, "192.0.3.2", IPPROTO_UDP, 0, 14), WENT_PASS);
	assert_int_equal(choose_reason(&c), WEIR_R_CONTINUE);
	/* The longest prefix has TCP only, but a shorter one has UDP. */
	assert_int_equal(fragment4(1, "192.0.2.2", IPPROTO_UDP, 0, 14), WENT_PASS);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_FRAGMENT);
}

static void a_note_is_of_its_addresses_and_lives_half_a_minute(void **state)
{
	int went;

	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_PINS);
	went = fragment4(1, "192.0.2.9", IPPROTO_UDP, 1000, FIRST);
	assert_in_range(went, 6, 7);
	assert_int_equal(fragment4(1, "192.0.2.9", IPPROTO_UDP, 0, 14), went);
	assert_int_equal(fragment4(2, "192.0.2.9", IPPROTO_UDP, 0, 14), WENT_PASS);
	assert_int_equal(fragment4(1, "192.0.2.8", IPPROTO_UDP, 0, 14), WENT_PASS);
	choose_wait(&c, 28);
	assert_int_equal(fragment4(1, "192.0.2.9", IPPROTO_UDP, 0, 14), went);
	choose_wait(&c, 4);
	assert_int_equal(fragment4(1, "192.0.2.9", IPPROTO_UDP, 0, 14), WENT_PASS);
}

/* As those of an answer that the host itself gets at an address of its that is a VIP, too. */
static void fragments_to_no_port_of_a_VIP_are_the_hosts(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_PINS);
	assert_int_equal(fragment4(1, "192.0.2.1", IPPROTO_UDP, 54, FIRST), WENT_PASS);
	assert_int_equal(fragment4(1, "192.0.2.1", IPPROTO_UDP, 0, FIRST | 7), WENT_PASS);
	assert_int_equal(fragment4(1, "192.0.2.1", IPPROTO_UDP, 0, 14), WENT_PASS);
	assert_int_equal(fragment6(1, 54, IPV6_MORE_FRAGMENTS), WENT_PASS);
	assert_int_equal(fragment6(1, 0, 56 | IPV6_MORE_FRAGMENTS), WENT_PASS);
	assert_int_equal(fragment6(1, 0, 112), WENT_PASS);
}

/* RFC 8200: an atomic fragment is a whole packet. */
static void an_atomic_fragment_needs_no_note(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_PINS);
	assert_in_range(fragment6(1, 53, 0), 1, 4);
	assert_int_equal(choose_pins(&c), 0);
}

static int syn(const char *src, __u16 sport)
{
	const struct packet p = { .src = src,
				  .dst = strchr(src, ':') ? "2001:db8:ff::1" : "192.0.2.1",
				  .sport = sport,
				  .dport = 80,
				  .flags = SYN };

	return choose_run(&c, &p);
}

static void only_allowed_sources_come_in(void **state)
{
	(void)state;
	NEED_NET();
	choose_change(&c,
		      "interface in0 { xdp auto; balance }\n"
		      "set office { type prefix; elements { 203.0.113.0/25, 2001:db8:5::/48 } }\n"
		      "service s0 { address 192.0.2.1, 2001:db8:ff::1; port tcp 80; forward ipip\n"
		      "allow { 198.51.100.0/24, 2001:db8:c::/64, @office }\n"
		      "backend b1 10.9.0.1 }\n");
	assert_int_equal(syn("198.51.100.0", 1), 1);
	assert_int_equal(syn("198.51.100.255", 1), 1);
	assert_int_equal(syn("2001:db8:c::1", 1), 1);
	assert_int_equal(syn("203.0.113.127", 1), 1);
	assert_int_equal(syn("2001:db8:5:1::1", 1), 1);
	assert_int_equal(syn("198.51.101.0", 1), WENT_DROP);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_NOT_ALLOWED);
	assert_int_equal(syn("198.51.99.255", 1), WENT_DROP);
	assert_int_equal(syn("203.0.113.128", 1), WENT_DROP);
	assert_int_equal(syn("2001:db8:c:1::1", 1), WENT_DROP);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_NOT_ALLOWED);
	choose_change(&c, CONFIG);
}

/* Of 100 new connections from @sources addresses. */
static __u32 admitted(__u32 sources)
{
	__u32 went = 0;

	for (__u32 i = 0; i < 100; i++) {
		char src[64];

		snprintf(src, sizeof(src), "198.51.100.%u", i % sources + 1);
		if (syn(src, (__u16)(1000 + i)) > 0)
			went++;
		else
			assert_int_equal(choose_reason(&c), WEIR_R_LB_LIMIT);
	}
	return went;
}

#define LIMITED(limit)                                                      \
	"interface in0 { xdp auto; balance }\n"                             \
	"service s0 { address 192.0.2.1; port tcp 80; forward ipip\n" limit \
	"\nbackend b1 10.9.0.1 }\n"

static void new_connections_are_limited_and_others_are_not(void **state)
{
	const struct packet data = {
		.src = "198.51.100.1", .dst = "192.0.2.1", .dport = 80, .flags = ACK
	};

	(void)state;
	NEED_NET();
	choose_change(&c, LIMITED("limit 1/m burst 30"));
	assert_int_equal(admitted(50), 30);
	for (int i = 0; i < 100; i++)
		assert_int_equal(choose_run(&c, &data), 1);
	choose_change(&c, CONFIG);
}

static void each_source_has_its_own_limit(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_LIMITS);
	choose_change(&c, LIMITED("limit 1/m burst 3 per saddr/32/64"));
	assert_int_equal(admitted(10), 30);
	choose_change(&c, CONFIG);
}

static void who_is_above_his_own_limit_uses_up_nobody_elses(void **state)
{
	(void)state;
	NEED_NET();
	harness_clear(&c.h, WEIR_MAP_LIMITS);
	choose_change(&c, LIMITED("limit 1/m burst 20\nlimit 1/m burst 5 per saddr/32/64"));
	for (__u16 i = 0; i < 50; i++)
		syn("198.51.100.77", (__u16)(5000 + i));
	assert_int_equal(admitted(50), 15);
	choose_change(&c, CONFIG);
}

static void a_service_without_a_backend_drops_or_tells(void **state)
{
	static const char drop[] = "interface in0 { xdp auto; balance }\n"
				   "service s0 { address 192.0.2.1; port tcp 80; forward ipip\n"
				   "backend b1 10.9.0.1 drain }\n";
	static const char reject[] = "interface in0 { xdp auto; balance }\n"
				     "service s0 { address 192.0.2.1; port tcp 80; forward ipip\n"
				     "empty reject\nbackend b1 10.9.0.1 drain }\n";

	(void)state;
	NEED_NET();
	choose_change(&c, "interface in0 { xdp auto; balance }\n");
	choose_change(&c, drop);
	assert_int_equal(syn("198.51.100.1", 1), WENT_DROP);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_NO_BACKEND);
	choose_change(&c, reject);
	assert_int_equal(syn("198.51.100.1", 1), WENT_BACK);
	assert_int_equal(choose_reason(&c), WEIR_R_LB_REJECT);
	choose_change(&c, CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_fragments_follow_the_first),
		cmocka_unit_test(a_fragment_whose_first_nobody_saw_is_the_hosts),
		cmocka_unit_test(fragments_to_no_port_of_a_VIP_are_the_hosts),
		cmocka_unit_test(a_note_is_of_its_addresses_and_lives_half_a_minute),
		cmocka_unit_test(an_atomic_fragment_needs_no_note),
		cmocka_unit_test(only_allowed_sources_come_in),
		cmocka_unit_test(new_connections_are_limited_and_others_are_not),
		cmocka_unit_test(each_source_has_its_own_limit),
		cmocka_unit_test(who_is_above_his_own_limit_uses_up_nobody_elses),
		cmocka_unit_test(a_service_without_a_backend_drops_or_tells),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
