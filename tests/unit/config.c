// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration text to model and back: what is accepted and how it prints.
 */
#include <string.h>
#include <unistd.h>

#include "config_text.h"
#include "random_model.h"

#define ROUND_TRIPS 300

static const char canonical[] =
	"interface eth0 {\n"
	"    xdp auto\n    filter edge\n    balance\n    decap\n    measure\n"
	"}\n\n"
	"interface veth* {\n    tc auto\n    filter edge egress\n    measure\n}\n\n"
	"set bogons {\n    type prefix\n    elements { 10.0.0.0/8, 192.168.0.0/16 }\n}\n\n"
	"set mail {\n    type port\n    elements { 25, 465, 587, 6000-6010 }\n}\n\n"
	"filter edge {\n"
	"    default pass\n"
	"    rule ssh pass tcp saddr { 203.0.113.0/24, 2001:db8:5::/48 } dport 22\n"
	"    rule bogons drop saddr @bogons\n"
	"    rule amp drop udp sport { 53, 123, 11211 }\n"
	"    rule x count saddr != { 10.0.0.0/8, @bogons } dport 1000-2000\n"
	"    rule syn drop tcp flags syn/fin,syn,rst,ack\n"
	"    rule png pass icmp type echo-request\n"
	"    rule mail drop tcp dport @mail\n"
	"    rule flood limit 200/s burst 400 per saddr/24/64 tcp flags syn\n"
	"    rule odd drop length > 512 ttl < 5 expr \"tcp[13] & 0x3f = 0\"\n"
	"    rule arp log sample 1/100 vlan 7 ethertype arp smac != 02:00:00:00:00:00/24\n"
	"    rule est mark 0x10 dscp ef not fragment established interface { eth0, veth* }\n"
	"    rule rej reject icmp type unreachable code != 4\n"
	"}\n\n"
	"service web {\n"
	"    address 192.0.2.10, 2001:db8:ff::10\n"
	"    port tcp 443, udp 443\n"
	"    forward ipip\n"
	"    backend b1 10.0.7.11 weight 10\n"
	"    backend b2 10.0.7.12 weight 10 drain\n"
	"}\n";

static void the_example_prints_in_canonical_form(void **state)
{
	struct model m = good_config(example_config);
	char *text = print_config(&m, MODEL_PRINT_USER);

	(void)state;
	assert_string_equal(text, canonical);
	free(text);
	model_free(&m);
}

static void line_ends_of_windows_and_a_missing_last_one_are_fine(void **state)
{
	struct model m = good_config("\xef\xbb\xbf"
				     "interface eth0 {\r\n  measure\r\n}");

	(void)state;
	assert_int_equal(m.interfaces_count, 1);
	assert_int_equal(m.interfaces[0].xdp, XDP_MODE_AUTO);
	model_free(&m);
}

/* A rule as written, and as it prints. */
static const struct {
	const char *in, *out;
} written[] = {
	{ "pass", "pass" },
	{ "pass dport 22 tcp", "pass tcp dport 22" },
	{ "pass proto tcp", "pass tcp" },
	{ "pass proto { 6, 17 }", "pass proto { tcp, udp }" },
	{ "pass proto 0-5", "pass proto 0-5" },
	{ "drop proto != tcp", "drop proto != tcp" },
	{ "drop saddr { 10.0.0.0/9, 10.128.0.0/9 }", "drop saddr 10.0.0.0/8" },
	{ "drop saddr 10.0.0.0-10.0.2.255", "drop saddr 10.0.0.0-10.0.2.255" },
	{ "drop saddr 10.0.0.0-10.0.255.255", "drop saddr 10.0.0.0/16" },
	{ "drop saddr 192.0.2.1/32", "drop saddr 192.0.2.1" },
	{ "drop saddr 0.0.0.0/0", "drop saddr 0.0.0.0/0" },
	{ "drop saddr ::/0", "drop saddr ::/0" },
	{ "drop saddr { ::/0, 0.0.0.0/0 }", "drop saddr { 0.0.0.0/0, ::/0 }" },
	{ "drop saddr ::/80", "drop saddr ::/80" },
	{ "drop saddr { ::/0, 10.0.0.0/8 }", "drop saddr { 10.0.0.0/8, ::/0 }" },
	{ "drop saddr ::5-2001:db8::5", "drop saddr ::5-2001:db8::5" },
	{ "drop saddr != 2001:DB8::/32", "drop saddr != 2001:db8::/32" },
	{ "drop flags syn", "drop tcp flags syn" },
	{ "drop tcp flags syn,ack / syn, ack ,fin", "drop tcp flags syn,ack/fin,syn,ack" },
	{ "drop tcp flags != none/syn", "drop tcp flags != none/syn" },
	{ "drop tcp flags none", "drop tcp flags none/fin,syn,rst,psh,ack,urg,ece,cwr" },
	{ "drop icmpv6 type { packet-too-big, 133-136 }",
	  "drop icmpv6 type { packet-too-big, 133-136 }" },
	{ "drop icmp type destination-unreachable", "drop icmp type unreachable" },
	{ "drop icmpv6 type neighbor-solicitation", "drop icmpv6 type neighbour-solicitation" },
	{ "drop proto { icmp, icmpv6 } type 3", "drop proto { icmp, icmpv6 } type 3" },
	{ "drop dport { 1, 2, 3, 5 }", "drop dport { 1-3, 5 }" },
	{ "reject", "reject" },
	{ "reject length > 512", "reject length > 512" },
	{ "drop length >= 512", "drop length > 511" },
	{ "drop length <= 64", "drop length < 65" },
	{ "drop length < 1", "drop length 0" },
	{ "drop length > 65574", "drop length 65575" },
	{ "drop length >= 0", "drop length 0-65575" },
	{ "drop length != 0-512", "drop length != 0-512" },
	{ "drop length { 1-5, 3-9, 40 }", "drop length { 1-9, 40 }" },
	{ "drop ttl<=4", "drop ttl < 5" },
	{ "drop ttl 64-255", "drop ttl > 63" },
	{ "drop tcp dport >= 1024 sport < 5", "drop tcp sport 0-4 dport 1024-65535" },
	{ "drop vlan > 4000", "drop vlan 4001-4095" },
	{ "drop dscp { ef, AF11, 3, 46 }", "drop dscp { 3, af11, ef }" },
	{ "drop dscp >= 40", "drop dscp 40-63" },
	{ "drop ethertype arp", "drop ethertype arp" },
	{ "drop ethertype != { 0x88CC, 2054, 1-5 }",
	  "drop ethertype != { 0x0001-0x0005, arp, lldp }" },
	{ "drop ethertype { ipv6, 0x1234 }", "drop ethertype { 0x1234, ip6 }" },
	{ "drop smac 02:00:00:AB:00:00/32", "drop smac 02:00:00:ab:00:00/32" },
	{ "drop dmac { ff:ff:ff:ff:ff:ff, 02:00:00:00:00:01, 02:00:00:00:00:02 }",
	  "drop dmac { 02:00:00:00:00:01-02:00:00:00:00:02, ff:ff:ff:ff:ff:ff }" },
	{ "drop dmac 02:00:00:00:00:02-02:00:00:00:00:03", "drop dmac 02:00:00:00:00:02/47" },
	{ "drop smac 00:00:00:00:00:00/0", "drop smac 00:00:00:00:00:00/0" },
	{ "drop interface eth0", "drop interface eth0" },
	{ "drop interface != { eth0, veth*, \"a{b\", eth0 }",
	  "drop interface != { eth0, veth*, \"a{b\" }" },
	{ "drop established not fragment", "drop not fragment established" },
	{ "drop not established fragment", "drop fragment not established" },
	{ "drop icmp type unreachable code { 1, 4 }", "drop icmp type unreachable code { 1, 4 }" },
	{ "drop icmpv6 code != 0 type 1", "drop icmpv6 type unreachable code != 0" },
	{ "drop expr \"tcp[13] & 0x3f = 0\" tcp", "drop tcp expr \"tcp[13] & 0x3f = 0\"" },
	{ "drop not expr \"ip proto \\tcp or \\\\udp \\\"x\\\" \\\\\"",
	  "drop not expr \"ip proto \\\\tcp or \\\\udp \\\"x\\\" \\\\\"" },
	{ "limit 200/s burst 400 per saddr tcp flags syn",
	  "limit 200/s burst 400 per saddr tcp flags syn" },
	{ "limit 200/second per saddr/24/64 burst 200", "limit 200/s per saddr/24/64" },
	{ "limit 10/minute", "limit 10/m" },
	{ "limit 7200/hour burst 2", "limit 7200/h" },
	{ "limit 7200/h burst 3", "limit 7200/h burst 3" },
	{ "limit 1000000000/s", "limit 1000000000/s" },
	{ "limit 5/s per saddr/32/128", "limit 5/s per saddr" },
	{ "log", "log" },
	{ "log sample 1/1 udp", "log udp" },
	{ "log sample 1/100", "log sample 1/100" },
	{ "mark 77", "mark 0x4d" },
	{ "mark 0xFFFFFFFF tcp", "mark 0xffffffff tcp" },
	{ "mark 4294967295", "mark 0xffffffff" },
	{ "mark 0", "mark 0x0" },
	{ "drop dport {\n 1,\n\n 9 # nine\n}", "drop dport { 1, 9 }" },
};

static void rules_print_in_canonical_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(written); i++) {
		char in[300], out[300], *text;
		struct model m;

		snprintf(in, sizeof(in), "filter f { rule r %s; }", written[i].in);
		snprintf(out, sizeof(out), "filter f {\n    default pass\n    rule r %s\n}\n",
			 written[i].out);
		m = good_config(in);
		text = print_config(&m, MODEL_PRINT_USER);
		assert_string_equal(text, out);
		free(text);
		model_free(&m);
	}
}

/* Warnings alone do not refuse. */
static void assert_round_trip(const struct model *m, enum model_print how)
{
	struct diags d = { 0 };
	struct model again = { 0 };
	char *text = print_config(m, how), *text_again;

	if (model_parse("stored", text, strlen(text), MODEL_FILES_STORED, &d, &again))
		fail_msg("%s\nrefused: %s", text, first_message(&d));
	text_again = print_config(&again, how);
	assert_string_equal(text, text_again);
	assert_true(model_equal(m, &again));
	free(text);
	free(text_again);
	diag_free(&d);
	model_free(&again);
}

static void what_is_printed_parses_to_an_equal_model(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < ROUND_TRIPS; i++) {
		struct model m = random_model();

		assert_round_trip(&m, MODEL_PRINT_STORED);
		model_free(&m);
	}
}

static void a_model_differs_from_one_with_another_word(void **state)
{
	static const char *const words[][2] = {
		{ "xdp auto", "xdp native" },
		{ "tc; measure", "tc tcx; measure" },
		{ "balance; decap", "decap" },
		{ "type prefix; elements { 10", "type prefix; elements { 11" },
		{ "6010", "6011" },
		{ "default pass", "default drop" },
		{ "rule ssh", "rule sh" },
		{ "drop  udp", "pass udp" },
		{ "saddr !=", "saddr" },
		{ "syn/syn", "ack/syn" },
		{ ", @bogons", "" },
		{ "echo-request", "echo-reply" },
		{ "ipip", "l2" },
		{ "192.0.2.10,", "192.0.2.11," },
		{ "udp 443", "udp 444" },
		{ "weight 10\n", "weight 11\n" },
		{ " drain", "" },
		{ "b2", "b3" },
		{ "filter edge; b", "filter edge; filter edge egress; b" },
		{ "default pass", "default reject" },
		{ "rule ssh   pass ", "rule ssh   reject" },
		{ "rule ssh   pass ", "rule ssh   limit 2/s" },
		{ "rule x     count", "rule x     log" },
		{ "dport 1000-2000", "dport 1000-2000 fragment" },
		{ "dport 1000-2000", "dport 1000-2000 interface eth0" },
		{ "dport 1000-2000", "dport 1000-2000 expr \"tcp\"" },
	};
	struct model m = good_config(example_config);

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		const char *at = strstr(example_config, words[i][0]);
		char text[sizeof(example_config) + 32];
		struct model other;

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - example_config), example_config,
			 words[i][1], at + strlen(words[i][0]));
		other = good_config(text);
		if (model_equal(&m, &other))
			fail_msg("\"%s\" makes no difference", words[i][1]);
		model_free(&other);
	}
	model_free(&m);
}

/* Rules that differ in one thing of their action or of what only the new matches have. */
static void a_rule_differs_from_one_with_another_value(void **state)
{
	static const char *const pairs[][2] = {
		{ "limit 2/s", "limit 3/s burst 2" },
		{ "limit 2/s", "limit 2/m" },
		{ "limit 2/s", "limit 2/s burst 3" },
		{ "limit 2/s", "limit 2/s per saddr" },
		{ "limit 2/s per saddr", "limit 2/s per saddr/24/128" },
		{ "limit 2/s per saddr", "limit 2/s per saddr/32/64" },
		{ "log", "log sample 1/2" },
		{ "mark 1", "mark 2" },
		{ "pass fragment", "pass not fragment" },
		{ "pass fragment", "pass established" },
		{ "pass expr \"tcp\"", "pass not expr \"tcp\"" },
		{ "pass expr \"tcp\"", "pass expr \"udp\"" },
		{ "pass interface { a, b }", "pass interface { a, c }" },
		{ "pass interface { a, b }", "pass interface a" },
		{ "pass smac 02:00:00:00:00:00/24", "pass smac 02:00:00:00:00:00/25" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct model m[2];

		for (int k = 0; k < 2; k++) {
			char text[200];

			snprintf(text, sizeof(text), "filter f { rule r %s; }", pairs[i][k]);
			m[k] = good_config(text);
		}
		if (model_equal(&m[0], &m[1]))
			fail_msg("\"%s\" is as \"%s\"", pairs[i][0], pairs[i][1]);
		model_free(&m[0]);
		model_free(&m[1]);
	}
}

static void an_expression_knows_where_it_stands(void **state)
{
	struct model m = good_config("filter f {\n  rule r drop tcp expr \"tcp[13] = 2\" }");
	const struct loc *at = &m.filters[0].rules[0].expr.loc;

	(void)state;
	assert_string_equal(at->file, "edge.conf");
	assert_int_equal(at->line, 2);
	assert_int_equal(at->column, 25);
	assert_int_equal(at->width, 11);
	model_free(&m);
}

static void a_limit_has_a_burst_of_a_second(void **state)
{
	struct model m = good_config("filter f { rule a limit 200/s; rule b limit 120/m\n"
				     "rule c limit 5/h; rule d limit 1000000000/s }");
	const struct rule *r = m.filters[0].rules;

	(void)state;
	assert_int_equal(r[0].limit.burst, 200);
	assert_int_equal(r[1].limit.burst, 2);
	assert_int_equal(r[2].limit.burst, 1);
	assert_int_equal(r[3].limit.burst, LIMIT_BURST_MAX);
	model_free(&m);
}

static void an_egress_filter_alone_needs_tc_alone(void **state)
{
	struct model m = good_config("filter f { }; interface a { filter f egress }\n"
				     "interface b { filter f; filter f egress }");

	(void)state;
	assert_int_equal(m.interfaces[0].xdp, XDP_MODE_NONE);
	assert_int_equal(m.interfaces[0].tc, TC_MODE_AUTO);
	assert_int_equal(m.interfaces[1].xdp, XDP_MODE_AUTO);
	assert_int_equal(m.interfaces[1].tc, TC_MODE_NONE);
	model_free(&m);
}

static void a_define_may_hold_defines_sets_and_ports(void **state)
{
	struct model m =
		good_config("define a = 10.0.0.0/8\n"
			    "define b = { $a, 192.168.0.0/16, @s }\n"
			    "define w = 7; define vip = 192.0.2.1; define ps = { 80, 443 }\n"
			    "set s { type prefix; elements $a }\n"
			    "filter f { rule r drop saddr { $b, 1.1.1.1 } }\n"
			    "service s { address $vip; port tcp $ps; forward l2\n"
			    "  backend b1 10.0.0.1 weight $w }\n");
	const struct match *saddr = &m.filters[0].rules[0].match[WEIR_FIELD_SADDR];

	(void)state;
	assert_int_equal(saddr->ranges_count, 3);
	assert_int_equal(saddr->sets_count, 1);
	assert_int_equal(m.services[0].ports_count, 2);
	assert_int_equal(m.services[0].backends[0].weight, 7);
	model_free(&m);
}

static void a_ranges_list_has_no_overlaps_after_normalising(void **state)
{
	range r[] = { { 0, 10, 0, 20 },
		      { 0, 5, 0, 9 },
		      { 0, 15, 0, 30 },
		      { 0, 32, 0, 40 },
		      { ~0ULL, ~0ULL, ~0ULL, ~0ULL },
		      { 0, 35, 0, 36 } };

	(void)state;
	assert_int_equal(ranges_normalise(r, COUNT(r)), 3);
	assert_int_equal(r[0].first_lo, 5);
	assert_int_equal(r[0].last_lo, 30);
	assert_int_equal(r[1].last_lo, 40);
	assert_int_equal(ranges_normalise(NULL, 0), 0);
}

static void every_ipv6_prefix_leaves_out_ipv4(void **state)
{
	(void)state;
	for (int length = 0; length <= 128; length++) {
		struct prefix p = { .length = (__u8)length };
		range out[2];
		size_t n = prefix_to_ranges(&p, out);

		assert_in_range(n, 1, 2);
		for (size_t i = 0; i < n; i++)
			assert_true(range_last(&out[i]) < V4_FIRST ||
				    range_first(&out[i]) > V4_LAST);
	}
}

/* The first warning of a configuration that is accepted. */
static void assert_warns(const char *text, const char *want)
{
	struct diags d = { 0 };
	struct model m = { 0 };

	assert_int_equal(parse_config(text, strlen(text), &d, &m), 0);
	if (strcmp(first_message(&d), want))
		fail_msg("%s\ngave   %s\nwanted %s", text, first_message(&d), want);
	diag_free(&d);
	model_free(&m);
}

static void what_is_hardly_meant_is_warned_of(void **state)
{
	static const char nd[] = "1:8: warning: filter f drops by default and passes no IPv6 "
				 "neighbour discovery, so "
				 "IPv6 will stop; add \"rule nd pass icmpv6 type 133-137\"";

	(void)state;
	assert_warns(example_config, "");
	assert_warns("interface eth0 { balance }",
		     "1:11: warning: interface eth0 balances, but there is no service; add one");
	assert_warns("interface eth0 { }", "1:11: warning: interface eth0 does nothing; add "
					   "\"filter NAME\", \"balance\" or \"measure\"");
	assert_warns("filter f { }", "1:8: warning: no interface uses filter f; write \"filter f\" "
				     "in an interface");
	assert_warns("service s { address 192.0.2.1; port tcp 80; forward l2; backend b 10.0.0.1 }",
		     "1:9: warning: no interface balances service s; write \"balance\" in one");
	assert_warns(
		"interface a { balance }; service s { address 192.0.2.1; port tcp 80; forward l2 }",
		"1:34: warning: service s has no backend, so its packets are dropped; add "
		"\"backend NAME ADDR\"");
	assert_warns("filter f { default drop; rule a pass tcp }; interface a { filter f }", nd);
	assert_warns(
		"filter f { default drop; rule a pass icmpv6 type 128 }; interface a { filter f }",
		nd);
	assert_warns("filter f { default drop; rule a pass icmpv6 type 133-137 }; "
		     "interface a { filter f }",
		     "");
	assert_warns("filter f { default drop; rule a pass icmpv6 }; interface a { filter f }", "");
	assert_warns(
		"filter f { default reject; rule a pass established }; interface a { filter f }",
		"1:8: warning: filter f rejects by default and passes no IPv6 neighbour discovery, "
		"so IPv6 will stop; add \"rule nd pass icmpv6 type 133-137\"");
	assert_warns("filter f { default drop; rule a pass ethertype { ip6, arp } }; interface a { "
		     "filter f egress }",
		     "");
	assert_warns("filter f { rule a drop icmpv6 saddr 10.0.0.0/8 }; interface a { filter f }",
		     "1:31: warning: rule a will hardly match; icmpv6 is IPv6 and saddr IPv4 only");
	assert_warns("filter f { rule a drop icmp daddr 2001:db8::/32 }; interface a { filter f }",
		     "1:29: warning: rule a will hardly match; icmp is IPv4 and daddr IPv6 only");
	assert_warns(
		"filter f { rule a drop icmp daddr != 2001:db8::/32 }; interface a { filter f }",
		"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_prints_in_canonical_form),
		cmocka_unit_test(line_ends_of_windows_and_a_missing_last_one_are_fine),
		cmocka_unit_test(rules_print_in_canonical_form),
		cmocka_unit_test(what_is_printed_parses_to_an_equal_model),
		cmocka_unit_test(a_model_differs_from_one_with_another_word),
		cmocka_unit_test(a_rule_differs_from_one_with_another_value),
		cmocka_unit_test(an_expression_knows_where_it_stands),
		cmocka_unit_test(a_limit_has_a_burst_of_a_second),
		cmocka_unit_test(an_egress_filter_alone_needs_tc_alone),
		cmocka_unit_test(a_define_may_hold_defines_sets_and_ports),
		cmocka_unit_test(a_ranges_list_has_no_overlaps_after_normalising),
		cmocka_unit_test(every_ipv6_prefix_leaves_out_ipv4),
		cmocka_unit_test(what_is_hardly_meant_is_warned_of),
	};

	return WEIR_RUN(tests);
}
