// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a configuration may not say, and the words that it is refused with.
 */
#include <errno.h>
#include <string.h>

#include "config_text.h"

static const struct refusal broken_values[] = {
	{ "filter f { rule r pass saddr 10.0.0.1/8 }",
	  "1:30: 10.0.0.1/8 has host bits set; write 10.0.0.0/8 or 10.0.0.1/32" },
	{ "filter f { rule r pass saddr 10.0.0.0/33 }",
	  "1:30: \"10.0.0.0/33\" has no valid prefix length; IPv4 has 0 to 32" },
	{ "filter f { rule r pass saddr 2001:db8::/129 }",
	  "1:30: \"2001:db8::/129\" has no valid prefix length; IPv6 has 0 to 128" },
	{ "filter f { rule r pass saddr 10.0.0.0/8x }",
	  "1:30: \"10.0.0.0/8x\" has no valid prefix length; IPv4 has 0 to 32" },
	{ "filter f { rule r pass saddr 2001:db8::1/32 }",
	  "1:30: 2001:db8::1/32 has host bits set; write 2001:db8::/32 or 2001:db8::1/128" },
	{ "filter f { rule r pass saddr ::ffff:10.0.0.1 }",
	  "1:30: ::ffff:10.0.0.1 is IPv4 written as IPv6; write 10.0.0.1" },
	{ "filter f { rule r pass saddr 10.0.0.9-10.0.0.1 }",
	  "1:30: range 10.0.0.9-10.0.0.1 is upside down; write 10.0.0.1-10.0.0.9" },
	{ "filter f { rule r pass saddr 2001:db8::/32-2001:db8::1 }",
	  "1:30: \"2001:db8::/32-2001:db8::1\" has a prefix in a range; write the range's two "
	  "addresses, or the prefix alone" },
	{ "filter f { rule r pass saddr 10.0.0.1-::1 }",
	  "1:30: range 10.0.0.1-::1 mixes IPv4 and IPv6; write two ranges" },
	{ "filter f { rule r pass saddr www.example.org }",
	  "1:30: \"www.example.org\" is not an address | names are not looked up; write the "
	  "address" },
	{ "filter f { rule r pass saddr fe80::1%eth0 }",
	  "1:30: \"fe80::1%eth0\" is not an address | leave out the interface behind the %" },
	{ "filter f { rule r pass saddr 10.0.0 }", "1:30: \"10.0.0\" is not an address" },
	{ "filter f { rule r pass tcp dport 80x }",
	  "1:34: \"80x\" is no port; write a number from 0 to 65535" },
	{ "filter f { rule r pass tcp dport 99999 }",
	  "1:34: port 99999 is out of range; it goes from 0 to 65535" },
	{ "filter f { rule r pass tcp dport 30-20 }",
	  "1:34: range 30-20 is upside down; write 20-30" },
	{ "filter f { rule r pass tcp dport 20-x }",
	  "1:34: \"20-x\" is not a range of ports; write FIRST-LAST, two numbers" },
	{ "filter f { rule r pass tcp dport https }",
	  "1:34: \"https\" is no port; write a number from 0 to 65535 | https is port 443" },
	{ "filter f { rule r pass tcp dport -1 }",
	  "1:34: \"-1\" is no port; write a number from 0 to 65535" },
	{ "filter f { rule r pass proto 256 }",
	  "1:30: protocol 256 is out of range; it goes from 0 to 255" },
	{ "filter f { rule r pass proto tpc }",
	  "1:30: \"tpc\" is no known protocol; write its name or a number from 0 to 255 | "
	  "did you mean \"tcp\"?" },
	{ "filter f { rule r pass icmp type echo-requst }",
	  "1:34: \"echo-requst\" is no known ICMP type; write its name or a number from 0 "
	  "to 255 | did you mean \"echo-request\"?" },
	{ "filter f { rule r pass icmp type packet-too-big }",
	  "1:34: \"packet-too-big\" is no known ICMP type; write its name or a number from "
	  "0 to 255" },
	{ "filter f { rule r pass proto { icmp, icmpv6 } type echo-reply }",
	  "1:52: \"echo-reply\" is no ICMP type; write a number from 0 to 255 | type names "
	  "differ between icmp and icmpv6; name one of them in the rule" },
	{ "filter f { rule r pass flags sin }",
	  "1:30: \"sin\" is not a TCP flag; flags are fin, syn, rst, psh, ack, urg, ece, "
	  "cwr, none | did you mean \"fin\"?" },
	{ "filter f { rule r pass flags syn/ack }",
	  "1:30: \"syn/ack\" can never match; the mask behind the / leaves out a flag that "
	  "must be set" },
	{ "filter f { rule r pass flags syn/none }",
	  "1:30: a mask of no flags matches everything; name the flags to look at" },
	{ "filter f { rule r pass saddr { } }", "1:24: the list of saddr is empty; name a value" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip; backend b 10.0.0.1 "
	  "weight 257 }",
	  "1:85: weight 257 is out of range; it goes from 0 to 256" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip; backend b 10.0.0.1 "
	  "weight ten }",
	  "1:85: \"ten\" is no weight; write a number from 0 to 256" },
	{ "service s { address 192.0.2.1; port tcp 0; forward ipip }",
	  "1:41: port 0 is out of range; it goes from 1 to 65535" },
	{ "service s { address 192.0.2.1/24; port tcp 80; forward ipip }",
	  "1:21: 192.0.2.1/24 has host bits set; write 192.0.2.0/24 or 192.0.2.1/32" },
	{ "define p = 80\nfilter f { rule r pass saddr $p }",
	  "2:30: \"80\" is not an address | $p is defined on line 1" },
};

static void broken_values_are_refused_with_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_values); i++)
		assert_refused(&broken_values[i]);
}

static const struct refusal broken_statements[] = {
	{ "fliter f { }", "1:1: unknown statement \"fliter\"; statements are define, interface, "
			  "set, filter, pool, service, latency | did you mean \"filter\"?" },
	{ "filter f { ruel r pass }", "1:12: unknown statement \"ruel\" in filter; its statements "
				      "are default, rule | did you mean \"rule\"?" },
	{ "filter f { xdp auto }", "1:12: unknown statement \"xdp\" in filter; its statements are "
				   "default, rule | \"xdp\" belongs inside interface NAME { }" },
	{ "filter f { rule r pass tcp tcp }",
	  "1:28: rule r has a protocol twice; put the values into one list, { a, b }" },
	{ "filter f { rule r pass saddr 10.0.0.1 saddr 10.0.0.2 }",
	  "1:39: rule r has saddr twice; put the values into one list, { a, b }" },
	{ "filter f { rule r pass drop }",
	  "1:24: a rule has one action; \"drop\" is a second one" },
	{ "filter f { rule pass tcp dport 22 }",
	  "1:17: the rule has no name; write rule NAME pass ..." },
	{ "filter f { rule r jump }", "1:19: unknown action \"jump\"; actions are pass, drop, "
				      "count, reject, limit, log, mark" },
	{ "filter f { rule r pass dprt 22 }",
	  "1:24: unknown match \"dprt\" | did you mean \"dport\"?" },
	{ "filter f { rule r pass zebra }", "1:24: unknown match \"zebra\"; matches are saddr, "
					    "daddr, proto, sport, dport, type, code, "
					    "length, ttl, dscp, ethertype, smac, dmac, vlan, "
					    "interface, fragment, established, flags, "
					    "expr, not, tcp, udp, icmp, icmpv6" },
	{ "filter f { rule r pass dport 1, 2 }",
	  "1:31: a list of values stands in braces; write { a, b }" },
	{ "filter f { rule r pass dport = 1 }",
	  "1:30: a match has no \"=\"; write the value right behind the field" },
	{ "filter f { rule r pass dport ! 1 }", "1:30: stray \"!\"; negation is written \"!=\"" },
	{ "filter f { rule r pass dport { 1, { 2 } } }",
	  "1:35: lists do not nest; leave out the \"{\"" },
	{ "filter f { rule r pass dport { 1 2 } }", "1:34: expected \",\" or \"}\" before \"2\"" },
	{ "filter f { rule r pass dport { 1\n rule s pass }",
	  "1:30: the list is not closed; add a \"}\"" },
	{ "filter f { rule r pass type 8 }",
	  "1:24: \"type\" needs icmp or icmpv6 in rule r; write it before \"type\" | types of icmp "
	  "and icmpv6 have different numbers" },
	{ "filter f { rule r pass udp flags syn }",
	  "1:28: rule r looks at TCP flags but not only at tcp; write \"tcp\"" },
	{ "filter f { rule r pass icmp dport 22 }",
	  "1:29: rule r can never match; its protocol has no ports" },
	{ "filter f { rule r pass saddr 10.0.0.0/8 daddr 2001:db8::/32 }",
	  "1:41: rule r can never match; saddr is IPv4 only and daddr IPv6 only" },
	{ "filter f { rule r pass; rule r drop }",
	  "1:30: rule r is already on line 1; rename or delete one" },
	{ "filter f { default pass; default drop }",
	  "1:26: \"default\" is already on line 1; keep one" },
	{ "filter f { default count }",
	  "1:20: unknown default \"count\"; defaults are pass, drop, reject" },
	{ "filter f { }\nfilter f { }",
	  "2:8: filter f is already on line 1; rename or delete one" },
	{ "filter 9f { }", "1:8: \"9f\" is not a filter name; a letter or \"_\" comes first, then "
			   "letters, digits, \"_\", \"-\", \".\"" },
	{ "filter f {", "1:10: the block of f is not closed; add a \"}\"" },
	{ "filter f { rule r pass\nset s { type port; elements 1 }",
	  "1:10: the block of f is not closed; add a \"}\"" },
	{ "filter f\n{ }", "2:1: the \"{\" must stand on the same line as f" },
	{ "}", "1:1: this \"}\" closes nothing; delete it" },
	{ "interface eth0 { xdp natve }", "1:22: unknown xdp mode \"natve\"; modes are auto, "
					  "native, generic | did you mean \"native\"?" },
	{ "interface eth0 { xdp auto share }",
	  "1:27: \"share\" is not in this version; modes are auto, native, generic" },
	{ "interface eth0 { xdp auto extra }",
	  "1:27: expected the end of the statement before \"extra\"" },
	{ "interface eth0 { tc; balance }",
	  "1:11: interface eth0 has tc alone, but balance needs xdp; add \"xdp\"" },
	{ "interface eth0 { filter edeg }\nfilter edge { }",
	  "1:25: filter edeg is not defined; add \"filter edeg { ... }\" | did you mean "
	  "\"edge\"?" },
	{ "interface eth0 { measure }\ninterface eth0 { measure }",
	  "2:11: interface eth0 is already on line 1; rename or delete one" },
	{ "interface averyverylongname { measure }",
	  "1:11: \"averyverylongname\" has over 15 bytes; interface names are shorter" },
	{ "interface a/b { measure }", "1:11: \"a/b\" has a character that no interface name has" },
	{ "interface \"eth 0\" { measure }",
	  "1:11: \"eth 0\" has a character that no interface name has" },
	{ "interface eth0 { measure; measure }",
	  "1:27: \"measure\" is already on line 1; keep one" },
	{ "set s { elements 1 }", "1:5: set s has no type before its elements; write \"type "
				  "prefix\" first, or address, address+port, interface or port" },
	{ "set s { type port }",
	  "1:5: set s has nothing in it; write \"elements { ... }\" or \"file PATH\"" },
	{ "set s { type ports; elements 1 }",
	  "1:14: unknown set type \"ports\"; types are prefix, port, address, address+port, "
	  "interface | did you mean \"port\"?" },
	{ "set s { type port; elements { 1, @t } }",
	  "1:34: a set cannot hold another one; put its elements here" },
	{ "set s { type port; elements 1; file \"x\" }",
	  "1:5: set s has both a file and elements; keep one" },
	{ "set s { type port; file \"/nonexistent/x\" }",
	  "1:5: set s: cannot read /nonexistent/x: there is no such file; create it or correct the "
	  "name" },
	{ "set s { type port; file \"/tmp\" }",
	  "1:5: set s: cannot read /tmp: it is not a regular file; name one" },
	{ "set s { type port; file \"x }", "1:25: the string is not closed; add a \"" },
	{ "set p { type port; elements 1 }\nfilter f { rule r pass saddr @p }",
	  "2:30: @p is a set of type port; a set of type prefix, address or address+port is wanted "
	  "here" },
	{ "set ports { type port; elements 1 }\nfilter f { rule r pass dport @port }",
	  "2:30: @port is not defined; add \"set port { ... }\" | did you mean \"@ports\"?" },
	{ "filter f { rule r pass proto @p }",
	  "1:30: proto takes no set; write its values in { }" },
	{ "define office = 10.0.0.0/8\nfilter f { rule r pass saddr $ofice }",
	  "2:30: $ofice is not defined; add \"define ofice = ...\" above | did you mean "
	  "\"$office\"?" },
	{ "filter f { rule r pass saddr $x }",
	  "1:30: $x is not defined; add \"define x = ...\" above" },
	{ "define a = 1\ndefine a = 2", "2:8: define a is already on line 1; rename one" },
	{ "define a 1", "1:10: expected \"=\" before \"1\"" },
	{ "define a = { }", "1:8: define a holds nothing; name a value" },
	{ "service s { port tcp 80; forward ipip }",
	  "1:9: service s has no address; add \"address ADDR\"" },
	{ "service s { address 192.0.2.1; forward ipip }",
	  "1:9: service s has no port; add \"port tcp NUMBER\"" },
	{ "service s { address 192.0.2.1; port tcp 80 }",
	  "1:9: service s does not say how to forward; add \"forward ipip\", or gue, l2, nat "
	  "or local" },
	{ "service s { address 192.0.2.1; port tcp 80; forward geu }",
	  "1:53: unknown way to forward \"geu\"; ways to forward are l2, ipip, gue, nat, local | "
	  "did "
	  "you mean \"gue\"?" },
	{ "service s { address 192.0.2.1; port 80; forward ipip }",
	  "1:37: port 80 has no protocol; write \"tcp 80\" or \"udp 80\"" },
	{ "service s { address 192.0.2.1; port sctp 80; forward ipip }",
	  "1:37: \"sctp\" is not in this version; protocols are tcp, udp, any" },
	{ "service s { address 192.0.2.1; port tcp 80, tcp 80; forward ipip }",
	  "1:49: service s has port tcp 80 twice; delete one" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip }\nservice t { address "
	  "192.0.2.1; port udp 80, tcp 80; forward l2 }",
	  "2:49: service t has 192.0.2.1 tcp 80, which service s on line 1 has already; change "
	  "one" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip; backend b 10.0.0.1; backend b "
	  "10.0.0.2 }",
	  "1:87: backend b is already on line 1; rename or delete one" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip; backend b 10.0.0.1; backend c "
	  "10.0.0.1 }",
	  "1:87: backend c has the address 10.0.0.1 of backend b; delete one or raise the other's "
	  "weight" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip; backend b 10.0.0.1 wieght 3 }",
	  "1:78: unknown property of a backend \"wieght\"; properties are weight, drain, "
	  "quic-id | did you mean \"weight\"?" },
	{ "service s { check http \"/\" every 2s; address 192.0.2.1; port tcp 80; forward ipip }",
	  "1:13: \"check\" is not in this version; its statements are address, port, forward, "
	  "source, hash, track, udp, settle, mss, allow, limit, syncookie, empty, backend, "
	  "backends" },
	{ "agent { metrics [::1]:9477 }",
	  "1:1: \"agent\" is not in this version; statements are "
	  "define, interface, set, filter, pool, service, latency" },
};

static void broken_statements_are_refused_with_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_statements); i++)
		assert_refused(&broken_statements[i]);
}

static void every_broken_statement_is_told_once_and_in_order(void **state)
{
	static const char text[] = "interface eth0 { xdp natve; filter edge }\n"
				   "filter edge {\n"
				   "    rule a jump\n"
				   "    rule b pass saddr { 10.0.0.1/8, 10.0.0.2/8\n"
				   "    rule c pass tcp dport 22\n"
				   "    rule d pass tcp dport 80x saddr y\n"
				   "}\n"
				   "set bogons { type prefix; elements { a,\nb,\nc } }\n"
				   "service { address 192.0.2.1\n"
				   "}\n"
				   "interface eth1 { filter edgy }\n"
				   "interface eth2 { filter edge; bogus }\n";
	static const unsigned int lines[] = { 1, 3, 4, 6, 8, 11, 14 };
	struct diags d = { 0 };
	struct model m;

	(void)state;
	assert_int_equal(parse_config(text, strlen(text), &d, &m), -EINVAL);
	/* edgy may be what the service without a name was: not missed */
	assert_int_equal(d.errors, COUNT(lines));
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_int_equal(d.list[i].loc.line, lines[i]);
	diag_free(&d);
}

static void the_limits_of_the_image_are_kept(void **state)
{
	static const struct {
		const char *head, *each, *tail, *message;
		unsigned int most;
	} cases[] = {
		{ "filter f {\n", "rule r%u pass\n", "}\n",
		  "1:8: over 131072 rules, defaults included, in all; delete some", 131071 },
		{ "", "interface e%u { measure }\n", "",
		  "1025:11: over 1024 interfaces in all; delete some", 1024 },
		{ "interface a { balance }\nservice s { address 192.0.2.1; port tcp 80; forward "
		  "l2\n",
		  "backend b%1$u 2001:db8::%1$x drain\n", "}\n",
		  "2:9: service s has 32768 backends; the limit is 32767, delete or split some",
		  32767 },
		{ "interface a { balance }\nservice s { address 192.0.2.1; port tcp 80; forward "
		  "l2\n",
		  "backend b%1$u 2001:db8::%1$x\n", "}\n",
		  "2:9: service s has 4097 backends that are not drained; the limit is 4096, drain "
		  "or split some",
		  4096 },
		{ "interface a { balance }\npool p { backend b 2001:db8:f::1 }\n",
		  "service s%1$u { address 2001:db8::%1$x; port tcp 80; forward l2; backends p }\n",
		  "", "32771:9: over 32768 services in all; delete some", 32768 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned int over = 0; over < 2; over++) {
			struct diags d = { 0 };
			struct model m = { 0 };
			char *text;
			size_t size;
			FILE *out = open_memstream(&text, &size);

			fputs(cases[i].head, out);
			for (unsigned int k = 1; k <= cases[i].most + over; k++)
				fprintf(out, cases[i].each, k);
			fputs(cases[i].tail, out);
			fclose(out);
			assert_int_equal(parse_config(text, size, &d, &m), over ? -EINVAL : 0);
			if (over)
				assert_string_equal(first_message(&d), cases[i].message);
			free(text);
			diag_free(&d);
			model_free(&m);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_values_are_refused_with_a_remedy),
		cmocka_unit_test(broken_statements_are_refused_with_a_remedy),
		cmocka_unit_test(every_broken_statement_is_told_once_and_in_order),
		cmocka_unit_test(the_limits_of_the_image_are_kept),
	};

	return WEIR_RUN(tests);
}
