// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose packet it is: VIPs of all lengths with ports of all kinds, beside a
 * slow search through the configuration. What is for no VIP passes untouched.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/random.h"
#include "choose_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS 12
#define PACKETS 1500
#define CONFIG_BYTES 16384

static struct choose_case c;
static const char *refusal;

static int start(void **state)
{
	(void)state;
	random_start();
	refusal = choose_start(&c, "interface in0 { xdp auto; balance }\n");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (!refusal)
		choose_stop(&c);
	return 0;
}

static __u32 pick(__u32 below)
{
	return random_below(below);
}

#define ONE_SERVICE(address, port)                                        \
	"interface in0 { xdp auto; balance }\n"                           \
	"service s0 { address " address "; port " port "; forward ipip\n" \
	"backend b7 10.9.0.7 }\n"

static const struct fate {
	struct packet p;
	int went;
} ports[] = {
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 79 }, WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 80 }, 7 },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 81 }, WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 7999 }, WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 8000 }, 7 },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 8999 }, 7 },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 9000 }, WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_UDP, .dport = 80 },
	  WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_UDP }, WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_UDP, .dport = 65535 }, 7 },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_GRE, .payload = 50 },
	  WENT_PASS },
	{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_SCTP, .dport = 80 },
	  WENT_PASS },
	{ { .src = "2001:db8:c::7", .dst = "2001:db8:ff::1", .dport = 8500 }, 7 },
	{ { .src = "2001:db8:c::7", .dst = "2001:db8:ff::2", .dport = 8500 }, WENT_PASS },
	{ { .src = "2001:db8:c::7", .dst = "::ffff:192.0.2.1", .dport = 80 }, WENT_PASS },
};

static void check_fates(const struct fate *fates, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int went = choose_run(&c, &fates[i].p);

		if (went != fates[i].went)
			fail_msg("packet %zu went to %d, not %d", i, went, fates[i].went);
	}
}

static void ports_are_ranges_of_a_protocol(void **state)
{
	(void)state;
	NEED_NET();
	choose_change(&c, ONE_SERVICE("192.0.2.1, 2001:db8:ff::1",
				      "tcp 80, tcp 8000-8999, udp 443-65535"));
	check_fates(ports, COUNT(ports));
}

static void any_takes_protocols_without_ports(void **state)
{
	static const struct fate fates[] = {
		{ { .src = "198.51.100.7", .dst = "192.0.2.1", .dport = 79 }, 7 },
		{ { .src = "198.51.100.7",
		    .dst = "192.0.2.1",
		    .proto = IPPROTO_GRE,
		    .payload = 50 },
		  7 },
		{ { .src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_SCTP }, 7 },
		{ { .src = "198.51.100.7",
		    .dst = "192.0.2.2",
		    .proto = IPPROTO_GRE,
		    .payload = 50 },
		  WENT_PASS },
	};

	(void)state;
	NEED_NET();
	choose_change(&c, ONE_SERVICE("192.0.2.1", "any"));
	check_fates(fates, COUNT(fates));
}

static void the_longest_prefix_that_has_the_port_wins(void **state)
{
	static const struct fate fates[] = {
		{ { .src = "198.51.100.7", .dst = "203.0.113.17", .dport = 80 }, 1 },
		{ { .src = "198.51.100.7", .dst = "203.0.113.17", .dport = 443 }, 2 },
		{ { .src = "198.51.100.7", .dst = "203.0.113.17", .dport = 81 }, 3 },
		{ { .src = "198.51.100.7", .dst = "203.0.113.18", .dport = 80 }, 3 },
		{ { .src = "198.51.100.7", .dst = "203.0.113.32", .dport = 443 }, WENT_PASS },
		{ { .src = "198.51.100.7", .dst = "203.0.113.33", .dport = 81 }, 3 },
		{ { .src = "198.51.100.7", .dst = "203.0.114.1", .dport = 80 }, WENT_PASS },
		{ { .src = "2001:db8:c::7", .dst = "2001:db8:ff:1::9", .dport = 80 }, 3 },
		{ { .src = "2001:db8:c::7", .dst = "2001:db8:fe:1::9", .dport = 80 }, WENT_PASS },
	};

	(void)state;
	NEED_NET();
	choose_change(&c, "interface in0 { xdp auto; balance }\n"
			  "service s0 { address 203.0.113.17; port tcp 80; forward ipip\n"
			  "backend b1 10.9.0.1 }\n"
			  "service s1 { address 203.0.113.16/28; port tcp 443; forward ipip\n"
			  "backend b2 10.9.0.2 }\n"
			  "service s2 { address 203.0.113.0/24, 2001:db8:ff::/48; port tcp 80-81\n"
			  "forward ipip; backend b3 10.9.0.3 }\n");
	check_fates(fates, COUNT(fates));
}

/* What the random configurations are made of. */
static const char *const prefixes[] = {
	"192.0.2.1",	    "192.0.2.2",	  "192.0.2.0/30",     "192.0.2.0/24",
	"192.0.0.0/13",	    "192.0.2.128/25",	  "2001:db8:ff::1",   "2001:db8:ff::/127",
	"2001:db8:ff::/64", "2001:db8:ff::/65",	  "2001:db8:ff::/63", "2001:db8::/32",
	"2000::/3",	    "2001:db8:ff:8::/66",
};
static const char *const spans[] = {
	"tcp 80",      "tcp 443",  "tcp 1000-1999", "tcp 8000-8999", "tcp 9000",      "udp 53",
	"udp 443-444", "udp 5000", "udp 6000-6999", "any",	     "tcp 2000-7999", "tcp 65535",
};
#define SPAN_ANY (1U << 9)
static const char *const destinations[] = {
	"192.0.2.1",
	"192.0.2.2",
	"192.0.2.3",
	"192.0.2.4",
	"192.0.2.130",
	"192.7.255.255",
	"192.8.0.0",
	"2001:db8:ff::1",
	"2001:db8:ff::",
	"2001:db8:ff::2",
	"2001:db8:ff:0:8000::",
	"2001:db8:ff:1::",
	"2001:db8:ff:8::1",
	"2001:db8:ff:8:4000::",
	"2001:db8:1::",
	"2001:1::",
	"4000::1",
	"8000::1",
};
static const __u16 numbers[] = { 0,    53,   79,   80,	 81,   443,  444,  445,	  999,
				 1000, 1999, 2000, 5000, 6500, 7999, 8000, 65535, 9000 };
static const __u8 protocols[] = { IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_UDP,
				  IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_GRE };

/* Each prefix has some of the spans, dealt to a few services. */
static void random_config(char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "interface in0 { xdp auto; balance }\n");
	__u32 n = 0;

	for (size_t i = 0; i < COUNT(prefixes); i++) {
		__u32 owners = pick(3), left = (1U << COUNT(spans)) - 1;

		for (__u32 k = 0; k < owners; k++) {
			__u32 mine = (__u32)(random_u64() & random_u64()) & left;

			if (!mine)
				continue;
			if (mine & SPAN_ANY)
				mine = SPAN_ANY;
			left &= ~mine;
			used += (size_t)snprintf(text + used, size - used,
						 "service s%u { address %s; port ", n, prefixes[i]);
			for (size_t s = 0; s < COUNT(spans); s++) {
				if (!(mine >> s & 1))
					continue;
				used += (size_t)snprintf(text + used, size - used, "%s%s",
							 mine & ((1U << s) - 1) ? ", " : "",
							 spans[s]);
			}
			used += (size_t)snprintf(text + used, size - used,
						 "\nforward ipip; backend b%u 10.9.0.%u }\n", n + 1,
						 n + 1);
			n++;
		}
	}
}

static bool prefix_holds(const struct prefix *p, const __u8 addr[16])
{
	for (__u32 bit = 0; bit < p->length; bit++) {
		if ((p->addr[bit / 8] ^ addr[bit / 8]) & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

static bool port_holds(const struct vip_port *port, const struct packet *p)
{
	bool has_ports = p->proto != IPPROTO_GRE;

	if (!port->proto)
		return true;
	return has_ports && port->proto == p->proto && p->dport >= port->first &&
	       p->dport <= port->last;
}

/* The lower, the nearer: by the prefix first, then by the ports. */
static __u32 distance(const struct prefix *prefix, const struct vip_port *port)
{
	__u32 width = port->proto ? (__u32)(port->last - port->first) : 1U << 16;

	return (__u32)(128 - prefix->length) << 17 | width;
}

/* By every address and port of every service. */
static int expected(const struct packet *p)
{
	__u32 nearest = ~0U;
	int went = WENT_PASS;
	__u8 dst[16];

	packet_address(p->dst, dst);
	for (size_t i = 0; i < c.h.model.services_count; i++) {
		const struct service *s = &c.h.model.services[i];

		for (size_t k = 0; k < s->addrs_count * s->ports_count; k++) {
			const struct prefix *prefix = &s->addrs[k / s->ports_count];
			const struct vip_port *port = &s->ports[k % s->ports_count];

			if (!prefix_holds(prefix, dst) || !port_holds(port, p) ||
			    distance(prefix, port) >= nearest)
				continue;
			nearest = distance(prefix, port);
			went = atoi(s->backends[0].name + 1);
		}
	}
	return went;
}

static void check_random_packet(const char *config)
{
	const char *dst = destinations[pick(COUNT(destinations))];
	struct packet p = { .src = strchr(dst, ':') ? "2001:db8:c::7" : "198.51.100.7",
			    .dst = dst,
			    .proto = protocols[pick(COUNT(protocols))],
			    .dport = numbers[pick(COUNT(numbers))],
			    .flags = ACK,
			    .payload = 40 };
	int went = choose_run(&c, &p), want = expected(&p);

	if (went == want)
		return;
	printf("# %s\n# %s proto %u port %u\n", config, dst, p.proto, p.dport);
	fail_msg("went to %d, not %d", went, want);
}

static void random_vips_mean_what_a_slow_search_says(void **state)
{
	static char config[CONFIG_BYTES];

	(void)state;
	NEED_NET();
	for (int round = 0; round < ROUNDS; round++) {
		random_config(config, sizeof(config));
		choose_change(&c, config);
		for (int i = 0; i < PACKETS; i++)
			check_random_packet(config);
	}
}

/* The hash of a service takes what it says of the packet, and nothing else. */
static void hash_source_keeps_the_flows_of_a_prefix_together(void **state)
{
	int first[2] = {};

	(void)state;
	NEED_NET();
	choose_change(&c, "interface in0 { xdp auto; balance }\n"
			  "service s0 { address 192.0.2.1, 192.0.2.2, 2001:db8:ff::1\n"
			  "port tcp 443, tcp 80; forward ipip; hash source/24/64\n"
			  "backend b1 10.9.0.1\nbackend b2 10.9.0.2\nbackend b3 10.9.0.3\n"
			  "backend b4 10.9.0.4\nbackend b5 10.9.0.5\nbackend b6 10.9.0.6 }\n");
	for (__u32 i = 0; i < 200; i++) {
		bool v6 = i & 1;
		char src[64];
		struct packet p = { .src = src,
				    .dst = v6	   ? "2001:db8:ff::1"
					   : i & 2 ? "192.0.2.1"
						   : "192.0.2.2",
				    .sport = (__u16)(1024 + i),
				    .dport = i & 4 ? 443 : 80,
				    .flags = SYN };
		int went;

		snprintf(src, sizeof(src), v6 ? "2001:db8:c::%x" : "198.51.100.%u", i);
		went = choose_run(&c, &p);
		assert_in_range(went, 1, 6);
		if (!first[v6])
			first[v6] = went;
		assert_int_equal(went, first[v6]);
	}
}

static void sources_fall_to_all_backends(void **state)
{
	__u32 taken[7] = {};

	(void)state;
	NEED_NET();
	for (__u32 i = 0; i < 256; i++) {
		char src[64];
		struct packet p = { .src = src, .dst = "192.0.2.1", .dport = 443, .flags = SYN };

		snprintf(src, sizeof(src), "198.51.%u.7", i);
		taken[choose_run(&c, &p)]++;
	}
	for (int i = 1; i <= 6; i++)
		assert_in_range(taken[i], 20, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_ranges_of_a_protocol),
		cmocka_unit_test(any_takes_protocols_without_ports),
		cmocka_unit_test(the_longest_prefix_that_has_the_port_wins),
		cmocka_unit_test(random_vips_mean_what_a_slow_search_says),
		cmocka_unit_test(hash_source_keeps_the_flows_of_a_prefix_together),
		cmocka_unit_test(sources_fall_to_all_backends),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
