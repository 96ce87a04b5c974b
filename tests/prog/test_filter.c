// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter, case by case: which rule decides a packet, by its fields.
 */
#include "filter_case.h"

static const struct packet plain = { IPV4 };

static const struct filter_case actions[] = {
	{ "no rule, default pass", "default pass", { IPV4 }, PASS, 0 },
	{ "no rule, default drop", "default drop", { IPV4 }, DROP, 0 },
	{ "pass", "default drop; rule a pass tcp", { IPV4 }, PASS, 0 },
	{ "drop", "default pass; rule a drop tcp", { IPV4 }, DROP, 0 },
	{ "count, then default", "default drop; rule a count tcp", { IPV4 }, DROP, 1 },
	{ "count, then pass", "default drop; rule a count; rule b pass", { IPV4 }, PASS, 1 },
	{ "pass before drop", "rule a pass tcp; rule b drop", { IPV4 }, PASS, 0 },
	{ "drop before pass", "rule a drop; rule b pass tcp", { IPV4 }, DROP, 0 },
	{ "others first", "rule a drop udp; rule b drop icmp; rule c drop tcp", { IPV4 }, DROP, 2 },
};

static void the_first_rule_that_decides_wins_and_count_goes_on(void **state)
{
	(void)state;
	filter_check(actions, COUNT(actions));
}

static const struct filter_case addresses[] = {
	{ "saddr", "rule a drop saddr 10.0.0.1", { IPV4 }, DROP, 0 },
	{ "other saddr", "rule a drop saddr 10.0.0.2", { IPV4 }, PASS, 1 },
	{ "daddr", "rule a drop daddr 10.0.0.2", { IPV4 }, DROP, 0 },
	{ "prefix", "rule a drop saddr 10.0.0.0/31", { IPV4 }, DROP, 0 },
	{ "past the prefix", "rule a drop daddr 10.0.0.0/31", { IPV4 }, PASS, 1 },
	{ "range's first", "rule a drop saddr 10.0.0.1-10.0.0.9", { IPV4 }, DROP, 0 },
	{ "range's last", "rule a drop saddr 9.0.0.0-10.0.0.1", { IPV4 }, DROP, 0 },
	{ "list", "rule a drop saddr { 10.0.0.7, 2001:db8::1 }", { IPV6 }, DROP, 0 },
	{ "v6", "rule a drop daddr 2001:db8::2/127", { IPV6 }, DROP, 0 },
	{ "v6, upper half", "rule a drop daddr 2001:db8:1::/48", { IPV6 }, PASS, 1 },
	{ "all of v6 is not v4", "rule a drop saddr ::/0", { IPV4 }, PASS, 1 },
	{ "all of v4 is not v6", "rule a drop saddr 0.0.0.0/0", { IPV6 }, PASS, 1 },
	{ "all of v4", "rule a drop saddr 0.0.0.0/0", { IPV4 }, DROP, 0 },
	{ "all of v6", "rule a drop saddr ::/0", { IPV6 }, DROP, 0 },
	{ "both", "rule a drop saddr 10.0.0.1 daddr 10.0.0.2", { IPV4 }, DROP, 0 },
	{ "one of both", "rule a drop saddr 10.0.0.1 daddr 10.0.0.3", { IPV4 }, PASS, 1 },
	{ "not", "rule a drop saddr != 10.0.0.1", { IPV4 }, PASS, 1 },
	{ "not another", "rule a drop saddr != 10.0.0.9", { IPV4 }, DROP, 0 },
	{ "not v4, is v6", "rule a drop saddr != 10.0.0.1", { IPV6 }, DROP, 0 },
};

static void addresses_match_by_value_prefix_range_and_family(void **state)
{
	(void)state;
	filter_check(addresses, COUNT(addresses));
}

static const struct filter_case ports[] = {
	{ "sport", "rule a drop tcp sport 7", { IPV4, .sport = 7 }, DROP, 0 },
	{ "dport", "rule a drop dport 8", { IPV6, .dport = 8 }, DROP, 0 },
	{ "dport is no sport", "rule a drop dport 7", { IPV4, .sport = 7 }, PASS, 1 },
	{ "range", "rule a drop dport 1-65535", { IPV4, .dport = 65535 }, DROP, 0 },
	{ "port 0", "rule a drop dport 0", { IPV4 }, DROP, 0 },
	{ "not", "rule a drop tcp dport != 22", { IPV4, .dport = 23 }, DROP, 0 },
	{ "not that", "rule a drop tcp dport != 22", { IPV4, .dport = 22 }, PASS, 1 },
	{ "udp", "rule a drop udp dport 53", { IPV4, .proto = IPPROTO_UDP, .dport = 53 }, DROP, 0 },
	{ "tcp is no udp", "rule a drop udp", { IPV4 }, PASS, 1 },
	{ "sctp",
	  "rule a drop proto sctp dport 5",
	  { IPV6, .proto = IPPROTO_SCTP, .dport = 5 },
	  DROP,
	  0 },
	{ "a ping has no port, so not 22 neither",
	  "rule a drop dport != 22",
	  { IPV4, .proto = IPPROTO_ICMP },
	  PASS,
	  1 },
	{ "gre has no port",
	  "rule a drop sport 0-65535",
	  { IPV4, .proto = IPPROTO_GRE, .payload = 40 },
	  PASS,
	  1 },
	{ "proto by number",
	  "rule a drop proto 47",
	  { IPV4, .proto = IPPROTO_GRE, .payload = 4 },
	  DROP,
	  0 },
	{ "not a protocol", "rule a drop proto != tcp", { IPV4, .proto = IPPROTO_GRE }, DROP, 0 },
	{ "an inner packet is not looked at",
	  "rule a drop tcp",
	  { IPV4, .proto = IPPROTO_IPIP, .inner = &plain },
	  PASS,
	  1 },
};

static void ports_and_protocols_match_and_what_lacks_them_does_not(void **state)
{
	(void)state;
	filter_check(ports, COUNT(ports));
}

static const struct filter_case types_and_flags[] = {
	{ "echo",
	  "rule a drop icmp type echo-request",
	  { IPV4, .proto = IPPROTO_ICMP, .icmp_type = 8 },
	  DROP,
	  0 },
	{ "reply",
	  "rule a drop icmp type echo-request",
	  { IPV4, .proto = IPPROTO_ICMP, .icmp_type = 0 },
	  PASS,
	  1 },
	{ "not",
	  "rule a drop icmp type != 8",
	  { IPV4, .proto = IPPROTO_ICMP, .icmp_type = 3 },
	  DROP,
	  0 },
	{ "v6 echo",
	  "rule a drop icmpv6 type 128",
	  { IPV6, .proto = IPPROTO_ICMPV6, .icmp_type = 128 },
	  DROP,
	  0 },
	{ "v6 is not v4",
	  "rule a drop icmp type 128",
	  { IPV6, .proto = IPPROTO_ICMPV6, .icmp_type = 128 },
	  PASS,
	  1 },
	{ "tcp has no type", "rule a drop icmp type != 8", { IPV4 }, PASS, 1 },
	{ "half an ICMP header has none",
	  "rule a drop icmp type != 8",
	  { IPV4, .proto = IPPROTO_ICMP },
	  PASS,
	  1,
	  .bytes = ETHERNET_BYTES + 24 },
	{ "syn", "rule a drop flags syn/syn,ack", { IPV4, .flags = SYN }, DROP, 0 },
	{ "syn ack", "rule a drop flags syn/syn,ack", { IPV4, .flags = SYN | ACK }, PASS, 1 },
	{ "not syn", "rule a drop flags != syn/syn", { IPV6, .flags = ACK }, DROP, 0 },
	{ "not, but is", "rule a drop flags != syn/syn", { IPV4, .flags = SYN }, PASS, 1 },
	{ "udp has no flags",
	  "rule a drop flags != syn/syn",
	  { IPV4, .proto = IPPROTO_UDP },
	  PASS,
	  1 },
	{ "flags and port",
	  "rule a drop tcp dport 80 flags rst/rst",
	  { IPV4, .dport = 80, .flags = RST | ACK },
	  DROP,
	  0 },
};

static void icmp_types_and_tcp_flags_match(void **state)
{
	(void)state;
	filter_check(types_and_flags, COUNT(types_and_flags));
}

#define NETS "set nets { type prefix; elements { 10.0.0.0/31, 192.0.2.1, 2001:db8::/127 } }\n"
#define PORTS "set ports { type port; elements { 22, 80-90, 65535 } }\n"

static const struct filter_case sets[] = {
	{ "in", "rule a drop saddr @nets", { IPV4 }, DROP, 0, .sets = NETS },
	{ "out", "rule a drop daddr @nets", { IPV4 }, PASS, 1, .sets = NETS },
	{ "in v6", "rule a drop saddr @nets", { IPV6 }, DROP, 0, .sets = NETS },
	{ "out v6", "rule a drop daddr @nets", { IPV6 }, PASS, 1, .sets = NETS },
	{ "not in", "rule a drop saddr != @nets", { IPV4 }, PASS, 1, .sets = NETS },
	{ "not out", "rule a drop daddr != @nets", { IPV4 }, DROP, 0, .sets = NETS },
	{ "and a value", "rule a drop daddr { @nets, 10.0.0.2 }", { IPV4 }, DROP, 0, .sets = NETS },
	{ "ports", "rule a drop dport @ports", { IPV4, .dport = 85 }, DROP, 0, .sets = PORTS },
	{ "last port",
	  "rule a drop dport @ports",
	  { IPV4, .dport = 65535 },
	  DROP,
	  0,
	  .sets = PORTS },
	{ "no port", "rule a drop dport @ports", { IPV4, .dport = 91 }, PASS, 1, .sets = PORTS },
	{ "port or",
	  "rule a drop dport { @ports, 91 }",
	  { IPV4, .dport = 91 },
	  DROP,
	  0,
	  .sets = PORTS },
	{ "port not",
	  "rule a drop dport != @ports",
	  { IPV4, .dport = 21 },
	  DROP,
	  0,
	  .sets = PORTS },
};

static void sets_match_alone_negated_and_beside_values(void **state)
{
	(void)state;
	filter_check(sets, COUNT(sets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_decides_wins_and_count_goes_on),
		cmocka_unit_test(addresses_match_by_value_prefix_range_and_family),
		cmocka_unit_test(ports_and_protocols_match_and_what_lacks_them_does_not),
		cmocka_unit_test(icmp_types_and_tcp_flags_match),
		cmocka_unit_test(sets_match_alone_negated_and_beside_values),
	};

	return WEIR_RUN_GROUP(tests, filter_start, filter_stop);
}
