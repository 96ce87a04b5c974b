// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a rule may not say: values, actions and how matches are written.
 */
#include <errno.h>
#include <string.h>

#include "config_text.h"

static const struct refusal broken_values[] = {
	{ "filter f { rule r pass length > 65575 }",
	  "1:33: no length is over 65575; it goes from 0 to 65575" },
	{ "filter f { rule r pass length < 0 }",
	  "1:33: no length is below 0; it goes from 0 to 65575" },
	{ "filter f { rule r pass length 65576 }",
	  "1:31: length 65576 is out of range; it goes from 0 to 65575" },
	{ "filter f { rule r pass ttl 256 }",
	  "1:28: TTL 256 is out of range; it goes from 0 to 255" },
	{ "filter f { rule r pass ttl > x }",
	  "1:30: \"x\" is no TTL; write a number from 0 to 255" },
	{ "filter f { rule r pass dscp fe }",
	  "1:29: \"fe\" is no known DSCP; write its name or a number from 0 to 63" },
	{ "filter f { rule r pass dscp 64 }",
	  "1:29: DSCP 64 is out of range; it goes from 0 to 63" },
	{ "filter f { rule r pass vlan 4096 }",
	  "1:29: VLAN ID 4096 is out of range; it goes from 0 to 4095" },
	{ "filter f { rule r pass ethertype 0x10000 }",
	  "1:34: ethertype 0x10000 is out of range; it goes from 0 to 65535" },
	{ "filter f { rule r pass ethertype arpp }",
	  "1:34: \"arpp\" is no known ethertype; write its name or a number from 0 to 65535 | did "
	  "you mean \"arp\"?" },
	{ "filter f { rule r pass ethertype 0x0900-0x0800 }",
	  "1:34: range 0x0900-0x0800 is upside down; write 0x0800-0x0900" },
	{ "filter f { rule r pass smac 02:00:00:00:00 }",
	  "1:29: \"02:00:00:00:00\" is no MAC address; write one as 02:00:00:00:00:01, or a "
	  "vendor's as 02:00:00:00:00:00/24" },
	{ "filter f { rule r pass smac 02-00-00-00-00-01 }",
	  "1:29: \"02-00-00-00-00-01\" is no MAC address; write one as 02:00:00:00:00:01, or a "
	  "vendor's as 02:00:00:00:00:00/24 | write \":\" between the bytes" },
	{ "filter f { rule r pass dmac 02:00:00:00:00:01/24 }",
	  "1:29: 02:00:00:00:00:01/24 has bits set behind its length; write 02:00:00:00:00:00/24" },
	{ "filter f { rule r pass dmac 02:00:00:00:00:00/49 }",
	  "1:29: \"02:00:00:00:00:00/49\" has no valid prefix length; a MAC address has 0 to 48" },
	{ "filter f { rule r pass dmac 02:00:00:00:00:09-02:00:00:00:00:01 }",
	  "1:29: range 02:00:00:00:00:09-02:00:00:00:00:01 is upside down; write "
	  "02:00:00:00:00:01-02:00:00:00:00:09" },
	{ "filter f { rule r pass interface averyverylongname }",
	  "1:34: \"averyverylongname\" has over 15 bytes; interface names are shorter" },
	{ "filter f { rule r pass interface \"@x\" }",
	  "1:34: a name here cannot begin with \"@\"; use a pattern" },
	{ "filter f { rule r pass interface { } }",
	  "1:24: the list of interface is empty; name a value" },
	{ "filter f { rule r pass expr \"\" }",
	  "1:29: the expression is empty; write one, or delete expr" },
	{ "filter f { rule r limit 200 }",
	  "1:25: \"200\" is no rate; write packets per second, minute or hour, as in 200/s" },
	{ "filter f { rule r limit 200/d }",
	  "1:25: \"d\" is no unit of a rate; write 200/s, 200/m or 200/h" },
	{ "filter f { rule r limit 0/s }",
	  "1:25: rate 0/s is out of range; it goes from 1 to 1000000000" },
	{ "filter f { rule r limit 1000000001/s }",
	  "1:25: rate 1000000001/s is out of range; it goes from 1 to 1000000000" },
	{ "filter f { rule r limit 99999999999/s }",
	  "1:25: rate 99999999999/s is out of range; it goes from 1 to 1000000000" },
	{ "filter f { rule r limit -1/s }",
	  "1:25: \"-1/s\" is no rate; write packets per second, minute or hour, as in 200/s" },
	{ "filter f { rule r limit tcp dport 22 }",
	  "1:25: \"tcp\" is no rate; write packets per second, minute or hour, as in 200/s" },
	{ "filter f { rule r mark x }",
	  "1:24: \"x\" is no mark; write a number from 0 to 4294967295, decimal or as 0x1f" },
	{ "filter f { rule r mark 4294967296 }", "1:24: \"4294967296\" is no mark; write a number "
						 "from 0 to 4294967295, decimal or as 0x1f" },
	{ "filter f { rule r mark 0x }",
	  "1:24: \"0x\" is no mark; write a number from 0 to 4294967295, decimal or as 0x1f" },
	{ "filter f { rule r mark 7z }",
	  "1:24: \"7z\" is no mark; write a number from 0 to 4294967295, decimal or as 0x1f" },
	{ "filter f { rule r limit 2/s burst 0 }",
	  "1:35: burst 0 is out of range; it goes from 1 to 16777216" },
	{ "filter f { rule r limit 2/s burst 16777217 }",
	  "1:35: burst 16777217 is out of range; it goes from 1 to 16777216" },
	{ "filter f { rule r limit 2/s per daddr }",
	  "1:33: a limit is not kept per \"daddr\"; write \"per saddr\", or with the prefix "
	  "lengths of IPv4 and IPv6 \"per saddr/24/64\"" },
	{ "filter f { rule r limit 2/s per saddr/24 }",
	  "1:33: a limit is not kept per \"saddr/24\"; write \"per saddr\", or with the prefix "
	  "lengths of IPv4 and IPv6 \"per saddr/24/64\"" },
	{ "filter f { rule r limit 2/s per saddr/33/64 }",
	  "1:33: a limit is not kept per \"saddr/33/64\"; write \"per saddr\", or with the prefix "
	  "lengths of IPv4 and IPv6 \"per saddr/24/64\"" },
	{ "filter f { rule r log sample 5 }",
	  "1:30: \"5\" is no sample; write 1/N, as 1/100 for one packet in a hundred" },
	{ "filter f { rule r log sample 1/0 }",
	  "1:30: \"1/0\" is no sample; write 1/N, as 1/100 for one packet in a hundred" },
};

static void broken_values_are_refused_with_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_values); i++)
		assert_refused(&broken_values[i]);
}

static const struct refusal broken_rules[] = {
	{ "filter f { rule limit 200/s tcp }",
	  "1:17: the rule has no name; write rule NAME limit ..." },
	{ "filter f { rule mark 7 }", "1:17: the rule has no name; write rule NAME mark ..." },
	{ "filter f { rule log fragment }", "1:17: the rule has no name; write rule NAME log ..." },
	{ "filter f { rule r limit }", "1:25: expected a rate, as 200/s, before \"}\"" },
	{ "filter f { rule r mark }", "1:24: expected a mark before \"}\"" },
	{ "filter f { rule r limit 2/s burst 3 burst 4 }",
	  "1:37: rule r has burst twice; keep one" },
	{ "filter f { rule r limit 2/s tcp burst 3 }",
	  "1:33: \"burst\" stands right behind \"limit RATE/UNIT\"" },
	{ "filter f { rule r log tcp sample 1/2 }",
	  "1:27: \"sample\" stands right behind \"log\"" },
	{ "filter f { rule r pass length != > 5 }",
	  "1:34: a comparison is not negated; write the opposite one" },
	{ "filter f { rule r pass length > { 5, 6 } }", "1:33: expected a number before \"{\"" },
	{ "filter f { rule r pass saddr > 10.0.0.1 }",
	  "1:30: saddr takes no comparison; write its values in { }" },
	{ "filter f { rule r pass interface > 1 }",
	  "1:34: interface takes no comparison; write its values in { }" },
	{ "filter f { rule r pass icmp type > 1 }",
	  "1:34: type takes no comparison; write its values in { }" },
	{ "filter f { rule r pass fragment != 1 }",
	  "1:33: fragment takes no value; write \"fragment\" or \"not fragment\"" },
	{ "filter f { rule r pass fragment not fragment }",
	  "1:37: rule r has fragment twice; keep one" },
	{ "filter f { rule r pass not dport 22 }", "1:24: write \"dport != ...\"" },
	{ "filter f { rule r pass not tcp }", "1:24: write \"proto != tcp\"" },
	{ "filter f { rule r pass not }",
	  "1:28: expected fragment, established or expr before \"}\"" },
	{ "filter f { rule r pass not not fragment }",
	  "1:28: expected fragment, established or expr before \"not\"" },
	{ "filter f { rule r pass expr tcp }",
	  "1:29: an expression stands in quotes; write expr \"...\"" },
	{ "filter f { rule r pass expr != \"tcp\" }", "1:24: write not expr \"...\"" },
	{ "filter f { rule r pass expr \"tcp\" expr \"udp\" }",
	  "1:35: rule r has expr twice; join them with \"and\"" },
	{ "filter f { rule r pass expr \"tcp }", "1:29: the string is not closed; add a \"" },
	{ "filter f { rule r pass icmp code 1 }",
	  "1:29: \"code\" needs a type in rule r; a code's meaning depends on it" },
	{ "interface eth0 { filter a; filter b }\nfilter a { }; filter b { }",
	  "1:28: interface eth0 has \"filter NAME\" twice; keep one" },
	{ "interface eth0 { filter a egress; filter b egress }\nfilter a { }; filter b { }",
	  "1:35: interface eth0 has \"filter NAME egress\" twice; keep one" },
	{ "interface eth0 { filter a ingress }\nfilter a { }",
	  "1:27: expected \"egress\" or the end of the statement before \"ingress\"" },
	{ "filter f { rule r pass ethertype arp dport 22 }",
	  "1:24: rule r can never match; only packets of ethertype ip and ip6 have what \"dport\" "
	  "looks at" },
	{ "filter f { rule r pass ethertype != { ip, ip6 } flags syn }",
	  "1:24: rule r can never match; only packets of ethertype ip and ip6 have what \"flags\" "
	  "looks at" },
	{ "filter f { rule r pass ethertype arp established }",
	  "1:24: rule r can never match; only packets of ethertype ip and ip6 have what "
	  "\"established\" looks at" },
	{ "filter f { rule r pass ethertype ip6 saddr 10.0.0.0/8 }",
	  "1:38: rule r can never match; ethertype is IPv6 only and saddr IPv4 only" },
	{ "filter f { rule r pass ethertype != ip6 daddr 2001:db8::1 }",
	  "1:41: rule r can never match; ethertype is IPv4 only and daddr IPv6 only" },
	{ "set p { type port; elements 1 }\nfilter f { rule r pass interface @p }",
	  "2:34: @p is a set of type port; a set of type interface is wanted here" },
};

static void broken_rules_are_refused_with_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_rules); i++)
		assert_refused(&broken_rules[i]);
}

/* One value more than a match may have, or as many. */
static void the_limits_of_a_match_are_kept(void **state)
{
	static const struct {
		const char *head, *each, *tail, *message;
		unsigned int most;
	} cases[] = {
		{ "filter f { rule r pass interface {", "e%u,", "} }",
		  "over 1000 interfaces in one match; use patterns", 1000 },
		{ "filter f { rule r pass expr \"", "%1$.4u", "\" }",
		  "an expression has at most 4096 bytes; shorten it", 1024 },
		{ "set s1 { type port; elements 1 }\nfilter f { rule r pass dport {", "@s%u,",
		  "} }", "over 1000 sets in one match; join some", 1000 },
		{ "set s1 { type prefix; elements 10.0.0.0/8 }\nfilter f { rule r pass saddr {",
		  "@s%u,", "} }",
		  "over 230 sets of addresses and interfaces in rule r; join some, or write two "
		  "rules",
		  230 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct diags d = { 0 };
		struct model m = { 0 };
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		fputs(cases[i].head, out);
		for (unsigned int k = 1; k <= cases[i].most + 1; k++)
			fprintf(out, cases[i].each, k);
		fputs(cases[i].tail, out);
		fclose(out);
		assert_int_equal(parse_config(text, size, &d, &m), -EINVAL);
		assert_string_equal(d.list[d.count - 1].message, cases[i].message);
		free(text);
		diag_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_values_are_refused_with_a_remedy),
		cmocka_unit_test(the_limits_of_a_match_are_kept),
		cmocka_unit_test(broken_rules_are_refused_with_a_remedy),
	};

	return WEIR_RUN(tests);
}
