// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes to many backends at once are those that the kernel gives for each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "host.h"
#include "testnet.h"

#define MANY 6000

static struct testnet net;
static const char *refusal;

#define NEED_NET()                                \
	do {                                      \
		if (refusal)                      \
			WEIR_SKIP("%s", refusal); \
	} while (0)

/* Prefixes that nest, of several kinds, tables and rules; a gateway inside its own prefix. */
static const char routes[] = "set -e\n"
			     "ip route add 10.9.64.0/18 via 10.1.0.11\n"
			     "ip route add 10.9.65.0/24 via 10.2.0.11 src 10.1.0.1\n"
			     "ip route add 10.9.65.7/32 via 10.1.0.12\n"
			     "ip route add blackhole 10.9.66.0/24\n"
			     "ip route add unreachable 10.9.67.0/25\n"
			     "ip route add prohibit 10.9.67.128/25\n"
			     "ip route add throw 10.9.68.0/24\n"
			     "ip route add 10.10.0.0/16 via 10.10.0.1 dev out0 onlink\n"
			     "ip route add 10.11.0.0/16 via inet6 2001:db8:1::11\n"
			     "ip route add 10.12.0.0/16 dev in0\n"
			     "ip route add 10.9.128.0/17 via 10.2.0.11 table 100\n"
			     "ip route add 10.9.200.0/24 via 10.1.0.12 table 101\n"
			     "ip rule add to 10.9.129.0/24 lookup 100\n"
			     "ip rule add to 10.9.200.0/21 lookup 101 suppress_prefixlength 0\n";

static int open_net(void **state)
{
	(void)state;
	refusal = testnet_start(&net);
	if (!refusal && system(routes))
		refusal = "ip(8) could not make the routes";
	return 0;
}

static void read_addr(const char *text, __u8 addr[16])
{
	__u8 binary[16];
	bool v6 = strchr(text, ':') != NULL;

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, binary), 1);
	assert_true(addr_from_binary(binary, v6 ? AF_INET6 : AF_INET, addr));
}

/* Around the ends of prefixes, and anywhere in 10.8.0.0/13. */
static void choose_addrs(__u8 (*addrs)[16])
{
	static const __u32 ends[] = { 0x0a090000, 0x0a094000, 0x0a094100, 0x0a094107, 0x0a094200,
				      0x0a094300, 0x0a094380, 0x0a094400, 0x0a094500, 0x0a098000,
				      0x0a098100, 0x0a098200, 0x0a09c800, 0x0a09c900, 0x0a09d000,
				      0x0a0a0000, 0x0a0b0000, 0x0a0c0000, 0x0a0d0000, 0x0a010000,
				      0x0a010100, 0x0a020000, 0x0a010001, 0x7f000000 };
	const size_t each = 7;
	__u32 seed = 12345;

	for (size_t i = 0; i < MANY; i++) {
		__be32 v4;

		seed = seed * 1664525 + 1013904223;
		if (i < each * (sizeof(ends) / sizeof(*ends)))
			v4 = htonl(ends[i / each] + (__u32)(i % each) - 3);
		else
			v4 = htonl(0x0a080000 | seed >> 13);
		addr_from_binary(&v4, AF_INET, addrs[i]);
		if (i % 50 == 49) {
			read_addr("2001:db8:9::1", addrs[i]);
			addrs[i][15] = (__u8)i;
		}
	}
}

static void many_routes_are_those_of_each(void **state)
{
	static __u8 addrs[MANY][16];
	static struct host_route many[MANY];
	static struct host_ask asks[MANY];
	size_t errors = 0;

	(void)state;
	NEED_NET();
	choose_addrs(addrs);
	for (size_t i = 0; i < MANY; i++)
		asks[i] = (struct host_ask){ .addr = addrs[i], .route = &many[i] };
	host_routes(asks, MANY);
	for (size_t i = 0; i < MANY; i++) {
		struct host_route one = {};
		char text[INET6_ADDRSTRLEN];
		int error = host_route(addrs[i], &one);

		errors += error != 0;
		if (error != asks[i].error || memcmp(&one, &many[i], sizeof(one)) != 0)
			fail_msg("%s: %d by itself, %d among many",
				 addr_text(addrs[i], text, sizeof(text)), error, asks[i].error);
	}
	assert_in_range(errors, 100, MANY - 100);
}

static void expect(const char *to, int error, __u32 ifindex, const char *hop, const char *source)
{
	__u8 addr[16], want_hop[16] = {}, want_source[16] = {};
	struct host_route route = {};

	read_addr(to, addr);
	assert_int_equal(host_route(addr, &route), error);
	if (hop)
		read_addr(hop, want_hop);
	if (source)
		read_addr(source, want_source);
	assert_int_equal(route.ifindex, ifindex);
	assert_memory_equal(route.next_hop, want_hop, 16);
	assert_memory_equal(route.source, want_source, 16);
}

static void a_route_has_device_next_hop_and_source(void **state)
{
	(void)state;
	NEED_NET();
	expect("10.1.0.77", 0, net.in, "10.1.0.77", "10.1.0.1");
	expect("10.9.1.2", 0, net.out, "10.2.0.12", "10.2.0.1");
	expect("10.9.65.1", 0, net.out, "10.2.0.11", "10.1.0.1");
	expect("10.9.65.7", 0, net.in, "10.1.0.12", "10.1.0.1");
	expect("10.9.129.1", 0, net.out, "10.2.0.11", "10.2.0.1");
	expect("10.10.0.1", 0, net.out, "10.10.0.1", "10.2.0.1");
	expect("10.11.0.1", 0, net.in, "2001:db8:1::11", "10.1.0.1");
	expect("2001:db8:9::1", 0, net.out, "2001:db8:2::12", "2001:db8:2::1");
	expect("10.9.67.1", -EHOSTUNREACH, 0, NULL, NULL);
	expect("10.9.67.129", -EACCES, 0, NULL, NULL);
	expect("10.1.0.1", -EADDRINUSE, 0, NULL, NULL);
	expect("203.0.113.1", -ENETUNREACH, 0, NULL, NULL);
}

/* What the destination's hash decides is asked for each. */
static void of_a_route_with_several_ways_each_destination_has_its_own(void **state)
{
	static __u8 addrs[MANY][16];
	static struct host_route many[MANY];
	static struct host_ask asks[MANY];
	size_t by_in = 0;

	(void)state;
	NEED_NET();
	assert_int_equal(system("ip route add 10.13.0.0/16 nexthop via 10.1.0.11 nexthop via "
				"10.2.0.11"),
			 0);
	for (size_t i = 0; i < MANY; i++) {
		__be32 v4 = htonl(0x0a0d0000 + (__u32)i);

		addr_from_binary(&v4, AF_INET, addrs[i]);
		asks[i] = (struct host_ask){ .addr = addrs[i], .route = &many[i] };
	}
	host_routes(asks, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(asks[i].error, 0);
		by_in += many[i].ifindex == net.in;
	}
	assert_in_range(by_in, MANY / 3, MANY * 2 / 3);
	assert_int_equal(system("ip route del 10.13.0.0/16"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_routes_are_those_of_each),
		cmocka_unit_test(a_route_has_device_next_hop_and_source),
		cmocka_unit_test(of_a_route_with_several_ways_each_destination_has_its_own),
	};

	return WEIR_RUN_GROUP(tests, open_net, NULL);
}
