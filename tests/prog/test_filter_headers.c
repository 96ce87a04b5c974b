// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter before headers of all kinds: tags, extensions, fragments, and what
 * is broken or cut.
 */
#include "filter_case.h"

#define Q TYPE_8021Q
#define AD TYPE_8021AD

static const struct filter_case tags[] = {
	{ "vlan", "rule a drop tcp", { IPV4, .tags = { Q } }, DROP, 0 },
	{ "qinq", "rule a drop tcp", { IPV6, .tags = { AD, Q } }, DROP, 0 },
	{ "four tags", "rule a drop tcp", { IPV4, .tags = { AD, AD, Q, Q } }, DROP, 0 },
	{ "five tags cannot be looked through",
	  "default pass; rule a drop tcp",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  PASS,
	  1 },
	{ "five tags meet the default",
	  "default drop; rule a pass tcp",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  DROP,
	  1 },
	{ "five tags meet a rule without conditions",
	  "default drop; rule a pass",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  PASS,
	  0 },
	{ "a cut tag",
	  "default drop",
	  { IPV4, .tags = { Q } },
	  DROP,
	  0,
	  .bytes = ETHERNET_BYTES + 3 },
	{ "arp", "default drop", { .type = TYPE_ARP }, PASS, BY_NONE },
	{ "arp in a vlan", "default drop", { .type = TYPE_ARP, .tags = { Q } }, PASS, BY_NONE },
	{ "lldp", "default drop", { .type = 0x88cc, .payload = 40 }, PASS, BY_NONE },
	{ "802.3", "default drop", { .type = 40, .payload = 40 }, PASS, BY_NONE },
	{ "ethernet alone",
	  "default drop",
	  { .type = 0x88cc, .payload = 1 },
	  PASS,
	  BY_NONE,
	  .bytes = ETHERNET_BYTES },
};

static void tags_do_not_hide_a_packet_and_other_frames_are_left_alone(void **state)
{
	(void)state;
	filter_check(tags, COUNT(tags));
}

#define DROP22 "default pass; rule a drop tcp dport 22"

#define P22 .dport = 22
#define E(...) .extensions = { __VA_ARGS__ }
#define SIX \
	EXT_HOPOPTS(0), EXT_DSTOPTS(1), EXT_ROUTING(2), EXT_AH(4), EXT_DSTOPTS(0), EXT_DSTOPTS(0)

static const struct filter_case extensions[] = {
	{ "hop by hop", DROP22, { IPV6, P22, E(EXT_HOPOPTS(0)) }, DROP, 0 },
	{ "long routing", DROP22, { IPV6, P22, E(EXT_ROUTING(5)) }, DROP, 0 },
	{ "AH counts words", DROP22, { IPV6, P22, E(EXT_AH(4)) }, DROP, 0 },
	{ "all kinds", DROP22, { IPV6, P22, E(SIX) }, DROP, 0 },
	{ "eight", DROP22, { IPV6, P22, E(SIX, EXT_DSTOPTS(0), EXT_DSTOPTS(0)) }, DROP, 0 },
	{ "nine",
	  DROP22,
	  { IPV6, P22, E(SIX, EXT_DSTOPTS(0), EXT_DSTOPTS(0), EXT_DSTOPTS(0)) },
	  PASS,
	  1 },
	{ "nine, by protocol",
	  "default drop; rule a pass proto 0-255",
	  { IPV6, P22, E(SIX, EXT_DSTOPTS(0), EXT_DSTOPTS(0), EXT_DSTOPTS(0)) },
	  DROP,
	  1 },
	{ "nine, the last a fragment",
	  "default drop; rule a pass proto 0-255",
	  { IPV6, P22, E(SIX, EXT_DSTOPTS(0), EXT_DSTOPTS(0), EXT_FRAGMENT(8)) },
	  DROP,
	  1 },
	{ "nine, by address",
	  "default drop; rule a pass saddr 2001:db8::1",
	  { IPV6, P22, E(SIX, EXT_DSTOPTS(0), EXT_DSTOPTS(0), EXT_DSTOPTS(0)) },
	  PASS,
	  0 },
	{ "longer than the packet",
	  "default drop; rule a pass proto 0-255",
	  { IPV6, P22, E(EXT_DSTOPTS(0)), .claim.length = 7 },
	  DROP,
	  1 },
	{ "a fragment header behind the end",
	  "default drop; rule a pass proto 0-255",
	  { IPV6, P22, E(EXT_FRAGMENT(8)), .claim.length = 7 },
	  DROP,
	  1 },
	{ "no next header",
	  "rule a drop proto 59",
	  { IPV6, .proto = IPPROTO_NONE, .payload = 9 },
	  DROP,
	  0 },
};

static void extension_headers_are_walked_and_too_many_are_not(void **state)
{
	(void)state;
	filter_check(extensions, COUNT(extensions));
}

#define MORE4 .fragment = IPV4_MORE_FRAGMENTS
#define LATER4 .fragment = 185

static const struct filter_case fragments[] = {
	{ "first", DROP22, { IPV4, P22, MORE4 }, DROP, 0 },
	{ "later", DROP22, { IPV4, P22, LATER4 }, PASS, 1 },
	{ "later, not that port", "rule a drop dport != 22", { IPV4, LATER4 }, PASS, 1 },
	{ "later, protocol", "rule a drop tcp", { IPV4, LATER4 }, DROP, 0 },
	{ "later, flags", "rule a drop flags syn/syn", { IPV4, LATER4, .flags = SYN }, PASS, 1 },
	{ "later ping, type",
	  "rule a drop icmp type 8",
	  { IPV4, LATER4, .proto = IPPROTO_ICMP, .icmp_type = 8 },
	  PASS,
	  1 },
	{ "don't fragment", DROP22, { IPV4, P22, .fragment = IPV4_DONT_FRAGMENT }, DROP, 0 },
	{ "later, far", DROP22, { IPV4, P22, .fragment = 0x1000 }, PASS, 1 },
	{ "v6 later, far", DROP22, { IPV6, P22, E(EXT_FRAGMENT(0x8000)) }, PASS, 1 },
	{ "v6 first", DROP22, { IPV6, P22, E(EXT_FRAGMENT(1)) }, DROP, 0 },
	{ "v6 later", DROP22, { IPV6, P22, E(EXT_FRAGMENT(8)) }, PASS, 1 },
	{ "v6 later, protocol", "rule a drop tcp", { IPV6, E(EXT_FRAGMENT(9)) }, DROP, 0 },
	{ "v6 atomic", DROP22, { IPV6, P22, E(EXT_FRAGMENT(0)) }, DROP, 0 },
	{ "v6 reserved bits", DROP22, { IPV6, P22, E(EXT_FRAGMENT(6)) }, DROP, 0 },
	{ "v6 behind options",
	  DROP22,
	  { IPV6, P22, E(EXT_HOPOPTS(1), EXT_FRAGMENT(1), EXT_DSTOPTS(0)) },
	  DROP,
	  0 },
};

static void later_fragments_have_no_ports_first_and_atomic_ones_do(void **state)
{
	(void)state;
	filter_check(fragments, COUNT(fragments));
}

#define ANY_PORT "default drop; rule a pass dport 0-65535"
#define ANY_PROTO "default drop; rule a pass proto 0-255"
#define ANY_ADDR "default drop; rule a pass saddr { 0.0.0.0/0, ::/0 }"

#define UDP .proto = IPPROTO_UDP

static const struct filter_case broken[] = {
	{ "TCP cut", ANY_PORT, { IPV4 }, DROP, 1, .bytes = ETHERNET_BYTES + 39 },
	{ "UDP cut", ANY_PORT, { IPV4, UDP, .payload = 4, .claim.length = 27 }, DROP, 1 },
	{ "IPv4 cut", ANY_ADDR, { IPV4 }, DROP, 1, .bytes = ETHERNET_BYTES + 19 },
	{ "IPv6 cut", ANY_ADDR, { IPV6 }, DROP, 1, .bytes = ETHERNET_BYTES + 39 },
	{ "IHL 4", ANY_ADDR, { IPV4, .claim.ihl = 4 }, DROP, 1 },
	{ "IHL 1 meets the default",
	  "default pass; rule a drop saddr 0.0.0.0/0",
	  { IPV4, .claim.ihl = 1 },
	  PASS,
	  1 },
	{ "IHL past the end", ANY_PROTO, { IPV4, UDP, .claim.ihl = 15 }, DROP, 1 },
	{ "options", DROP22, { IPV4, P22, .option_words = 10 }, DROP, 0 },
	{ "version 6 in IPv4", ANY_ADDR, { IPV4, .claim.version = 6 }, DROP, 1 },
	{ "version 4 in IPv6", ANY_ADDR, { IPV6, .claim.version = 4 }, DROP, 1 },
	{ "total past the end", ANY_PROTO, { IPV4, .claim.length = 41 }, DROP, 1 },
	{ "total past the end, address", ANY_ADDR, { IPV4, .claim.length = 41 }, PASS, 0 },
	{ "total below the header", ANY_PROTO, { IPV4, .claim.length = 19 }, DROP, 1 },
	{ "total cuts TCP", ANY_PORT, { IPV4, .claim.length = 39 }, DROP, 1 },
	{ "total of 0", ANY_PROTO, { IPV4, P22, .claim.length = -1 }, DROP, 1 },
	{ "payload past the end", ANY_PROTO, { IPV6, .claim.length = 21 }, DROP, 1 },
	{ "payload cuts TCP", ANY_PORT, { IPV6, .claim.length = 19 }, DROP, 1 },
	{ "payload of 0", ANY_PORT, { IPV6, P22, .claim.length = -1 }, DROP, 1 },
	{ "payload of 0, protocol", ANY_PROTO, { IPV6, P22, .claim.length = -1 }, PASS, 0 },
	{ "ports in the padding behind nothing",
	  ANY_PORT,
	  { IPV6, P22, .claim.length = -1, .padding = 6 },
	  DROP,
	  1 },
	{ "an option in the padding",
	  ANY_PROTO,
	  { IPV6, E(EXT_HOPOPTS(0)), .claim.length = -1 },
	  DROP,
	  1 },
	{ "padding", DROP22, { IPV4, P22, .padding = 6 }, DROP, 0 },
	{ "ports in the padding", ANY_PORT, { IPV4, .claim.length = 20, .padding = 6 }, DROP, 1 },
	{ "data offset 4", ANY_PORT, { IPV4, .claim.doff = 4 }, DROP, 1 },
	{ "data offset past the end", ANY_PORT, { IPV6, .claim.doff = 6 }, DROP, 1 },
	{ "v4-mapped source in IPv6",
	  "default pass; rule a drop saddr 10.0.0.1",
	  { .src = "::ffff:10.0.0.1", .dst = SERVER6 },
	  PASS,
	  1 },
	{ "v4-mapped is no address",
	  ANY_ADDR,
	  { .src = CLIENT6, .dst = "::ffff:10.0.0.1" },
	  DROP,
	  1 },
};

static void broken_headers_meet_the_rules_as_far_as_they_go(void **state)
{
	(void)state;
	filter_check(broken, COUNT(broken));
}

/* What stands behind @more bytes of payload is one byte past the length field, or is not. */
static void a_super_packet_has_all_that_a_frame_has(void **state)
{
	static const struct {
		struct filter_case c;
		size_t more;
	} supers[] = {
		{ { "v4", DROP22, { IPV4, P22, .claim.length = -1 }, DROP, 0 }, 65536 },
		{ { "v6", DROP22, { IPV6, P22, .claim.length = -1 }, DROP, 0 }, 65536 },
		{ { "v6, jumbo payload",
		    DROP22,
		    { IPV6, P22, E(EXT_HOPOPTS(0)), .claim.length = -1 },
		    DROP,
		    0 },
		  65536 },
		{ { "v4, none", ANY_PORT, { IPV4, P22, .claim.length = -1 }, DROP, 1 }, 65495 },
		{ { "v4, least", DROP22, { IPV4, P22, .claim.length = -1 }, DROP, 0 }, 65496 },
		{ { "v6, none", ANY_PORT, { IPV6, P22, .claim.length = -1 }, DROP, 1 }, 65515 },
		{ { "v6, least", DROP22, { IPV6, P22, .claim.length = -1 }, DROP, 0 }, 65516 },
		{ { "length", "rule a drop length 65536", { IPV4, .claim.length = -1 }, DROP, 0 },
		  65496 },
		{ { "more than any",
		    "rule a drop length > 65574",
		    { IPV6, .claim.length = -1 },
		    DROP,
		    0 },
		  70000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(supers); i++)
		filter_check_with_more(&supers[i].c, supers[i].more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_do_not_hide_a_packet_and_other_frames_are_left_alone),
		cmocka_unit_test(extension_headers_are_walked_and_too_many_are_not),
		cmocka_unit_test(later_fragments_have_no_ports_first_and_atomic_ones_do),
		cmocka_unit_test(a_super_packet_has_all_that_a_frame_has),
		cmocka_unit_test(broken_headers_meet_the_rules_as_far_as_they_go),
	};

	return WEIR_RUN_GROUP(tests, filter_start, filter_stop);
}
