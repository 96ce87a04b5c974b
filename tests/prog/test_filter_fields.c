// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter's conditions on headers other than addresses, ports and protocols:
 * each and its negation, in both families, tagged and not, and cut.
 */
#include "filter_case.h"

#define Q TYPE_8021Q
#define AD TYPE_8021AD
#define E(...) .extensions = { __VA_ARGS__ }

#define ICMP4(t, c) IPV4, .proto = IPPROTO_ICMP, .icmp_type = (t), .icmp_code = (c)
#define ICMP6(t, c) IPV6, .proto = IPPROTO_ICMPV6, .icmp_type = (t), .icmp_code = (c)

static const struct filter_case codes[] = {
	{ "code", "rule a drop icmp type 3 code 4", { ICMP4(3, 4) }, DROP, 0 },
	{ "other code", "rule a drop icmp type 3 code 4", { ICMP4(3, 3) }, PASS, 1 },
	{ "other type", "rule a drop icmp type 3 code 4", { ICMP4(11, 4) }, PASS, 1 },
	{ "list", "rule a drop icmp type 3 code { 0-1, 4 }", { ICMP4(3, 1) }, DROP, 0 },
	{ "not", "rule a drop icmp type 3 code != 4", { ICMP4(3, 3) }, DROP, 0 },
	{ "not, but is", "rule a drop icmp type 3 code != 4", { ICMP4(3, 4) }, PASS, 1 },
	{ "v6", "rule a drop icmpv6 type 1 code 4", { ICMP6(1, 4) }, DROP, 0 },
	{ "v6 not", "rule a drop icmpv6 type 1 code != 4", { ICMP6(1, 4) }, PASS, 1 },
	{ "a later fragment has none",
	  "rule a drop icmp type 0-255 code 0-255",
	  { ICMP4(3, 4), .fragment = 1 },
	  PASS,
	  1 },
	{ "nor is it another",
	  "rule a drop icmp type != 9 code != 9",
	  { ICMP4(3, 4), .fragment = 1 },
	  PASS,
	  1 },
};

static void icmp_codes_match(void **state)
{
	(void)state;
	filter_check(codes, COUNT(codes));
}

/* A TCP packet without payload has 40 bytes over IPv4 and 60 over IPv6. */
static const struct filter_case lengths[] = {
	{ "length", "rule a drop length 40", { IPV4 }, DROP, 0 },
	{ "below", "rule a drop length 41-65535", { IPV4 }, PASS, 1 },
	{ "above", "rule a drop length 0-39", { IPV4 }, PASS, 1 },
	{ "more than", "rule a drop length > 40", { IPV4, .payload = 1 }, DROP, 0 },
	{ "not more than", "rule a drop length > 40", { IPV4 }, PASS, 1 },
	{ "at least", "rule a drop length >= 40", { IPV4 }, DROP, 0 },
	{ "less than", "rule a drop length < 41", { IPV4 }, DROP, 0 },
	{ "not less than", "rule a drop length < 40", { IPV4 }, PASS, 1 },
	{ "at most", "rule a drop length <= 40", { IPV4 }, DROP, 0 },
	{ "not", "rule a drop length != 40", { IPV4 }, PASS, 1 },
	{ "not another", "rule a drop length != 41", { IPV4 }, DROP, 0 },
	{ "v6 counts its header", "rule a drop length 60", { IPV6 }, DROP, 0 },
	{ "v6 counts extensions", "rule a drop length 68", { IPV6, E(EXT_DSTOPTS(0)) }, DROP, 0 },
	{ "v6 not", "rule a drop length != 60", { IPV6 }, PASS, 1 },
	{ "options count", "rule a drop length 44", { IPV4, .option_words = 1 }, DROP, 0 },
	{ "padding does not", "rule a drop length 40", { IPV4, .padding = 6 }, DROP, 0 },
	{ "v6 padding does not", "rule a drop length 60", { IPV6, .padding = 6 }, DROP, 0 },
	{ "tags do not", "rule a drop length 40", { IPV4, .tags = { AD, Q } }, DROP, 0 },
	{ "0 in a short frame",
	  "rule a drop length 0",
	  { IPV4, .payload = 8, .claim.length = -1 },
	  DROP,
	  0 },
	{ "v6 0 in a short frame",
	  "rule a drop length 40",
	  { IPV6, .payload = 8, .claim.length = -1 },
	  DROP,
	  0 },
	{ "v6 without payload, padded",
	  "rule a drop length 40 proto 59",
	  { IPV6, .proto = IPPROTO_NONE, .padding = 6 },
	  DROP,
	  0 },
	{ "as the header says",
	  "rule a drop length 1500",
	  { IPV4, .claim.length = 1500 },
	  DROP,
	  0 },
	{ "largest v4", "rule a drop length 65535", { IPV4, .claim.length = 65535 }, DROP, 0 },
	{ "a fragment's is its own",
	  "rule a drop length 40",
	  { IPV4, .fragment = IPV4_MORE_FRAGMENTS },
	  DROP,
	  0 },
	{ "a wrong version has none",
	  "rule a drop length > 0",
	  { IPV4, .claim.version = 5 },
	  PASS,
	  1 },
};

static void lengths_are_of_the_ip_packet(void **state)
{
	(void)state;
	filter_check(lengths, COUNT(lengths));
}

static const struct filter_case hops[] = {
	{ "ttl", "rule a drop ttl 1", { IPV4, .ttl = 1 }, DROP, 0 },
	{ "other ttl", "rule a drop ttl 1", { IPV4, .ttl = 2 }, PASS, 1 },
	{ "ttl 0", "rule a drop ttl 0", { IPV4, .ttl = -1 }, DROP, 0 },
	{ "ttl 255", "rule a drop ttl 255", { IPV4, .ttl = 255 }, DROP, 0 },
	{ "less than", "rule a drop ttl < 2", { IPV6, .ttl = 1 }, DROP, 0 },
	{ "not less than", "rule a drop ttl < 2", { IPV6, .ttl = 2 }, PASS, 1 },
	{ "not 255", "rule a drop ttl != 255", { IPV6, .ttl = 254 }, DROP, 0 },
	{ "not, but is", "rule a drop ttl != 255", { IPV6, .ttl = 255 }, PASS, 1 },
	{ "dscp", "rule a drop dscp 46", { IPV4, .tos = 46 << 2 }, DROP, 0 },
	{ "dscp by name", "rule a drop dscp ef", { IPV4, .tos = 46 << 2 }, DROP, 0 },
	{ "ECN does not count", "rule a drop dscp cs1", { IPV4, .tos = 8 << 2 | 3 }, DROP, 0 },
	{ "other dscp", "rule a drop dscp cs1", { IPV4, .tos = 9 << 2 }, PASS, 1 },
	{ "largest dscp", "rule a drop dscp 63", { IPV6, .tos = 0xff }, DROP, 0 },
	{ "v6 dscp", "rule a drop dscp af11", { IPV6, .tos = 10 << 2 | 1 }, DROP, 0 },
	{ "v6 not", "rule a drop dscp != 0", { IPV6, .tos = 3 }, PASS, 1 },
	{ "not another", "rule a drop dscp != 0", { IPV6, .tos = 4 }, DROP, 0 },
	{ "v6 in a vlan", "rule a drop dscp 32", { IPV6, .tos = 128, .tags = { Q } }, DROP, 0 },
};

static void ttl_and_dscp_match(void **state)
{
	(void)state;
	filter_check(hops, COUNT(hops));
}

#define ARP .type = TYPE_ARP
#define LLDP .type = 0x88cc, .payload = 40

static const struct filter_case types[] = {
	{ "ip", "rule a drop ethertype ip", { IPV4 }, DROP, 0 },
	{ "ip6 is not ip", "rule a drop ethertype ip", { IPV6 }, PASS, 1 },
	{ "ip6", "rule a drop ethertype ip6", { IPV6 }, DROP, 0 },
	{ "arp", "rule a drop ethertype arp", { ARP }, DROP, 0 },
	{ "arp by number", "rule a drop ethertype 0x0806", { ARP }, DROP, 0 },
	{ "arp in a vlan", "rule a drop ethertype arp", { ARP, .tags = { Q } }, DROP, 0 },
	{ "arp in two", "rule a drop ethertype arp", { ARP, .tags = { AD, Q } }, DROP, 0 },
	{ "arp may pass", "default drop; rule a pass ethertype arp", { ARP }, PASS, 0 },
	{ "arp is not the default's",
	  "default drop; rule a drop ethertype 0x88cc",
	  { ARP },
	  PASS,
	  BY_NONE },
	{ "nor a rule's without conditions",
	  "rule a drop; rule b drop ethertype 0x88cc",
	  { ARP },
	  PASS,
	  BY_NONE },
	{ "a rule before that is not asked",
	  "rule a pass; rule b drop ethertype arp",
	  { ARP },
	  DROP,
	  1 },
	{ "count goes on",
	  "default drop; rule a count ethertype arp; rule b drop ethertype 0x88cc",
	  { ARP },
	  PASS,
	  BY_NONE },
	{ "not ip", "rule a drop ethertype != { ip, ip6 }", { LLDP }, DROP, 0 },
	{ "not ip, but is", "rule a drop ethertype != { ip, ip6 }", { IPV6 }, PASS, 1 },
	{ "802.3 length", "rule a drop ethertype 0-1500", { .type = 40, .payload = 40 }, DROP, 0 },
	{ "below five tags is a tag",
	  "rule a drop ethertype 0x8100",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  DROP,
	  0 },
	{ "below five tags is nothing else",
	  "rule a drop ethertype ip",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  PASS,
	  1 },
};

static void ethernet_types_match_and_only_such_rules_see_other_frames(void **state)
{
	(void)state;
	filter_check(types, COUNT(types));
}

#define FROM(mac) .smac = 0x##mac
#define TO(mac) .dmac = 0x##mac

static const struct filter_case macs[] = {
	{ "smac", "rule a drop smac 02:00:00:00:00:02", { IPV4 }, DROP, 0 },
	{ "smac is not dmac", "rule a drop smac 02:00:00:00:00:01", { IPV4 }, PASS, 1 },
	{ "dmac", "rule a drop dmac 02:00:00:00:00:01", { IPV6 }, DROP, 0 },
	{ "first byte", "rule a drop smac 03:00:00:00:00:02", { IPV4 }, PASS, 1 },
	{ "byte order",
	  "rule a drop smac 01:23:45:67:89:ab",
	  { IPV4, FROM(0123456789ab) },
	  DROP,
	  0 },
	{ "oui", "rule a drop smac 01:23:45:00:00:00/24", { IPV4, FROM(0123456789ab) }, DROP, 0 },
	{ "oui's last",
	  "rule a drop smac 01:23:45:00:00:00/24",
	  { IPV4, FROM(012345ffffff) },
	  DROP,
	  0 },
	{ "past it",
	  "rule a drop smac 01:23:45:00:00:00/24",
	  { IPV4, FROM(012346000000) },
	  PASS,
	  1 },
	{ "broadcast", "rule a drop dmac ff:ff:ff:ff:ff:ff", { ARP, TO(ffffffffffff) }, DROP, 0 },
	{ "list", "rule a drop smac { 02:00:00:00:00:07, 02:00:00:00:00:02 }", { LLDP }, DROP, 0 },
	{ "not", "rule a drop smac != 02:00:00:00:00:02", { IPV4 }, PASS, 1 },
	{ "not another", "rule a drop smac != 02:00:00:00:00:03", { IPV6 }, DROP, 0 },
	{ "not another, arp", "rule a drop smac != 02:00:00:00:00:03", { ARP }, DROP, 0 },
	{ "arp with an address condition",
	  "default drop; rule a drop smac 02:00:00:00:00:02 saddr 0.0.0.0/0",
	  { ARP },
	  PASS,
	  BY_NONE },
};

static void macs_match_by_value_and_by_prefix(void **state)
{
	(void)state;
	filter_check(macs, COUNT(macs));
}

static const struct filter_case vlans[] = {
	{ "vlan", "rule a drop vlan 100", { IPV4, .tags = { Q } }, DROP, 0 },
	{ "other vlan", "rule a drop vlan 101", { IPV4, .tags = { Q } }, PASS, 1 },
	{ "no vlan", "rule a drop vlan 0-4095", { IPV4 }, PASS, 1 },
	{ "no vlan is not another", "rule a drop vlan != 100", { IPV4 }, PASS, 1 },
	{ "not", "rule a drop vlan != 100", { IPV6, .tags = { Q } }, PASS, 1 },
	{ "not another", "rule a drop vlan != 101", { IPV6, .tags = { AD } }, DROP, 0 },
	{ "outermost", "rule a drop vlan 100", { IPV4, .tags = { AD, Q } }, DROP, 0 },
	{ "not the inner", "rule a drop vlan 101", { IPV4, .tags = { AD, Q } }, PASS, 1 },
	{ "priority does not count",
	  "rule a drop vlan 5",
	  { IPV4, .tags = { Q }, .tcis = { 0xf005 } },
	  DROP,
	  0 },
	{ "priority tag",
	  "rule a drop vlan 0",
	  { IPV4, .tags = { Q }, .tcis = { 0xe000 } },
	  DROP,
	  0 },
	{ "largest", "rule a drop vlan 4094", { IPV4, .tags = { Q }, .tcis = { 4094 } }, DROP, 0 },
	{ "arp", "rule a drop vlan 100", { ARP, .tags = { Q } }, DROP, 0 },
	{ "arp elsewhere",
	  "default drop; rule a drop vlan 7",
	  { ARP, .tags = { Q } },
	  PASS,
	  BY_NONE },
	{ "above five tags",
	  "rule a drop vlan 100",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  DROP,
	  0 },
	{ "taken out", "rule a drop vlan 100", { IPV4 }, DROP, 0, .taken_tci = 0xf064 },
	{ "taken, other", "rule a drop vlan 101", { IPV6 }, PASS, 1, .taken_tci = 100 },
	{ "taken, not", "rule a drop vlan != 101", { IPV6 }, DROP, 0, .taken_tci = 100 },
	{ "taken, not the inner",
	  "rule a drop vlan 100",
	  { IPV4, .tags = { Q } },
	  PASS,
	  1,
	  .taken_tci = 7 },
	{ "taken, above another",
	  "rule a drop vlan 7",
	  { IPV4, .tags = { Q } },
	  DROP,
	  0,
	  .taken_tci = 7 },
	{ "taken, arp", "rule a drop vlan 7", { ARP }, DROP, 0, .taken_tci = 7 },
	{ "taken, the type below", "rule a drop ethertype arp", { ARP }, DROP, 0, .taken_tci = 7 },
};

static void vlans_match_by_the_outermost_tag(void **state)
{
	(void)state;
	filter_check(vlans, COUNT(vlans));
}

#define MY_MAC "smac 02:00:00:00:00:02"

static const struct filter_case fragments[] = {
	{ "whole", "rule a drop fragment", { IPV4 }, PASS, 1 },
	{ "not", "rule a drop not fragment", { IPV4 }, DROP, 0 },
	{ "first", "rule a drop fragment", { IPV4, .fragment = IPV4_MORE_FRAGMENTS }, DROP, 0 },
	{ "later", "rule a drop fragment", { IPV4, .fragment = 185 }, DROP, 0 },
	{ "later, not", "rule a drop not fragment", { IPV4, .fragment = 185 }, PASS, 1 },
	{ "don't fragment",
	  "rule a drop fragment",
	  { IPV4, .fragment = IPV4_DONT_FRAGMENT },
	  PASS,
	  1 },
	{ "v6 first", "rule a drop fragment", { IPV6, E(EXT_FRAGMENT(1)) }, DROP, 0 },
	{ "v6 later", "rule a drop fragment", { IPV6, E(EXT_FRAGMENT(8)) }, DROP, 0 },
	{ "v6 atomic", "rule a drop fragment", { IPV6, E(EXT_FRAGMENT(0)) }, PASS, 1 },
	{ "v6 atomic, not", "rule a drop not fragment", { IPV6, E(EXT_FRAGMENT(0)) }, DROP, 0 },
	{ "v6 behind options",
	  "rule a drop fragment",
	  { IPV6, E(EXT_HOPOPTS(0), EXT_FRAGMENT(1)) },
	  DROP,
	  0 },
	{ "what is broken is none", "rule a drop not fragment", { IPV4, .claim.ihl = 4 }, DROP, 0 },
	{ "arp is neither",
	  "default drop; rule a drop " MY_MAC " not fragment; rule b drop " MY_MAC " fragment",
	  { ARP },
	  PASS,
	  BY_NONE },
	{ "under five tags none is seen",
	  "rule a drop not fragment",
	  { IPV4, .tags = { AD, AD, Q, Q, Q } },
	  DROP,
	  0 },
	{ "not established", "rule a drop not established", { IPV4 }, DROP, 0 },
	{ "not established, v6", "rule a drop not established", { IPV6, .flags = ACK }, DROP, 0 },
	{ "established", "rule a drop established", { IPV6, .flags = ACK }, PASS, 1 },
};

static void fragments_match_the_first_included(void **state)
{
	(void)state;
	filter_check(fragments, COUNT(fragments));
}

#define LANS "set lans { type interface; elements { " FILTER_DEVICE ", veth0 } }\n"

static const struct filter_case interfaces[] = {
	{ "name", "rule a drop interface " FILTER_DEVICE, { IPV4 }, DROP, 0 },
	{ "other name", "rule a drop interface eth0", { IPV4 }, PASS, 1 },
	{ "glob", "rule a drop interface te*", { IPV6 }, DROP, 0 },
	{ "list", "rule a drop interface { eth0, " FILTER_DEVICE " }", { IPV6 }, DROP, 0 },
	{ "not", "rule a drop interface != " FILTER_DEVICE, { IPV4 }, PASS, 1 },
	{ "not another", "rule a drop interface != { eth0, veth* }", { IPV4 }, DROP, 0 },
	{ "set", "rule a drop interface @lans", { IPV4 }, DROP, 0, .sets = LANS },
	{ "not in the set", "rule a drop interface != @lans", { IPV4 }, PASS, 1, .sets = LANS },
	{ "what cannot be parsed has one, too",
	  "rule a drop interface " FILTER_DEVICE,
	  { IPV4, .claim.version = 9 },
	  DROP,
	  0 },
};

static void interfaces_match_by_name_glob_and_set(void **state)
{
	(void)state;
	filter_check(interfaces, COUNT(interfaces));
}

#define SERVERS                                                                             \
	"set servers { type address+port; elements { 10.0.0.2:443, [2001:db8::2]:443 } }\n" \
	"set hosts { type address; elements { 10.0.0.1, 2001:db8::1 } }\n"

static const struct filter_case sets[] = {
	{ "pair",
	  "rule a drop tcp daddr @servers",
	  { IPV4, .dport = 443 },
	  DROP,
	  0,
	  .sets = SERVERS },
	{ "v6 pair",
	  "rule a drop daddr @servers",
	  { IPV6, .dport = 443 },
	  DROP,
	  0,
	  .sets = SERVERS },
	{ "other port",
	  "rule a drop daddr @servers",
	  { IPV4, .dport = 444 },
	  PASS,
	  1,
	  .sets = SERVERS },
	{ "the source's port",
	  "rule a drop daddr @servers",
	  { IPV4, .sport = 443 },
	  PASS,
	  1,
	  .sets = SERVERS },
	{ "not",
	  "rule a drop daddr != @servers",
	  { IPV4, .dport = 443 },
	  PASS,
	  1,
	  .sets = SERVERS },
	{ "not another",
	  "rule a drop daddr != @servers",
	  { IPV4, .dport = 80 },
	  DROP,
	  0,
	  .sets = SERVERS },
	{ "without ports it is neither",
	  "rule a drop daddr @servers; rule b drop daddr != @servers",
	  { ICMP4(8, 0) },
	  PASS,
	  2,
	  .sets = SERVERS },
	{ "source pair",
	  "rule a drop saddr @servers",
	  { .src = SERVER4, .dst = CLIENT4, .sport = 443 },
	  DROP,
	  0,
	  .sets = SERVERS },
	{ "address", "rule a drop saddr @hosts", { IPV4 }, DROP, 0, .sets = SERVERS },
	{ "v6 address", "rule a drop saddr @hosts", { IPV6 }, DROP, 0, .sets = SERVERS },
	{ "other address", "rule a drop daddr @hosts", { IPV6 }, PASS, 1, .sets = SERVERS },
	{ "not the address", "rule a drop daddr != @hosts", { IPV4 }, DROP, 0, .sets = SERVERS },
};

static void sets_of_addresses_match_and_with_ports_both_count(void **state)
{
	(void)state;
	filter_check(sets, COUNT(sets));
}

/* Ethernet 14, a tag 4, IPv4 20, IPv6 40, ICMP 8, TCP 20; ports need the whole IP packet. */
static const struct filter_cut cuts[] = {
	{ "code", "icmp type 3 code 4", { ICMP4(3, 4) }, 14 + 20 + 8 },
	{ "code, not", "icmp type 3 code != 5", { ICMP4(3, 4) }, 14 + 20 + 8 },
	{ "v6 code", "icmpv6 type 1 code != 5", { ICMP6(1, 4), .payload = 3 }, 14 + 40 + 8 + 3 },
	{ "length", "length 42", { IPV4, .payload = 2 }, 14 + 20 },
	{ "length, not", "length != 41", { IPV4, .payload = 2 }, 14 + 20 },
	{ "v6 length", "length 60", { IPV6, .tags = { Q } }, 14 + 4 + 40 },
	{ "ttl", "ttl 61", { IPV4 }, 14 + 20 },
	{ "ttl, not", "ttl != 60", { IPV6 }, 14 + 40 },
	{ "ttl in a vlan", "ttl 61", { IPV4, .tags = { AD, Q } }, 14 + 8 + 20 },
	{ "dscp", "dscp 63", { IPV4, .tos = 255 }, 14 + 20 },
	{ "v6 dscp, not", "dscp != 63", { IPV6 }, 14 + 40 },
	{ "type", "ethertype arp", { ARP }, 14 },
	{ "type, not", "ethertype != ip", { IPV6 }, 14 },
	{ "type in a vlan", "ethertype arp", { ARP, .tags = { Q } }, 14 + 4 },
	{ "type in two", "ethertype arp", { ARP, .tags = { AD, Q } }, 14 + 8 },
	{ "smac", "smac 02:00:00:00:00:02", { IPV4 }, 14 },
	{ "dmac, not", "dmac != 02:00:00:00:00:02", { IPV6, .tags = { Q } }, 14 },
	{ "vlan", "vlan 100", { IPV4, .tags = { Q } }, 14 + 4 },
	{ "vlan, not", "vlan != 101", { IPV6, .tags = { AD, Q } }, 14 + 4 },
	{ "fragment", "fragment", { IPV4, .fragment = IPV4_MORE_FRAGMENTS }, 14 + 40 },
	{ "later fragment", "fragment", { IPV4, .fragment = 9 }, 14 + 40 },
	{ "v6 fragment", "fragment", { IPV6, E(EXT_FRAGMENT(8)) }, 14 + 40 + 8 + 20 },
	{ "not fragment", "not fragment", { IPV4 }, 14 },
	{ "not established", "not established", { IPV6 }, 14 },
	{ "interface", "interface " FILTER_DEVICE, { IPV6, .tags = { Q } }, 14 },
};

static void a_cut_frame_has_a_field_when_its_header_is_whole(void **state)
{
	(void)state;
	filter_check_cuts(cuts, COUNT(cuts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp_codes_match),
		cmocka_unit_test(lengths_are_of_the_ip_packet),
		cmocka_unit_test(ttl_and_dscp_match),
		cmocka_unit_test(ethernet_types_match_and_only_such_rules_see_other_frames),
		cmocka_unit_test(macs_match_by_value_and_by_prefix),
		cmocka_unit_test(vlans_match_by_the_outermost_tag),
		cmocka_unit_test(fragments_match_the_first_included),
		cmocka_unit_test(interfaces_match_by_name_glob_and_set),
		cmocka_unit_test(sets_of_addresses_match_and_with_ports_both_count),
		cmocka_unit_test(a_cut_frame_has_a_field_when_its_header_is_whole),
	};

	return WEIR_RUN_GROUP(tests, filter_start, filter_stop);
}
