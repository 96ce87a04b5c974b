// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rule by rule: what it becomes, or why it is left out.
 */
#include "import_text.h"

/* A rule alone in a chain of the input hook that drops by default, its lines and its notes. */
static const struct {
	const char *rule, *becomes;
} cases[] = {
	{ "tcp flags syn drop", "drop tcp flags syn\n" },
	{ "tcp flags & (fin | syn) == fin | syn drop", "drop tcp flags fin,syn\n" },
	{ "tcp flags syn / syn,ack drop", "drop tcp flags syn/syn,ack\n" },
	{ "tcp flags != syn / fin,syn,rst,ack drop", "drop tcp flags != syn/fin,syn,rst,ack\n" },
	{ "tcp flags { syn, syn | ack } accept",
	  "pass tcp flags syn/fin,syn,rst,psh,urg,ece,cwr\n" },
	{ "tcp flags == syn accept", "pass tcp flags syn/fin,syn,rst,psh,ack,urg,ece,cwr\n" },
	{ "ip saddr 10.1.2.3/8 accept", "pass saddr 10.0.0.0/8\n" },
	{ "ip saddr 10.0.0.1-10.0.0.5 accept", "pass saddr 10.0.0.1-10.0.0.5\n" },
	{ "ip saddr != 10.0.0.0/8 drop", "drop saddr != 10.0.0.0/8 ethertype ip\n" },
	{ "ip6 saddr ::/0 accept", "pass saddr ::/0\n" },
	{ "ip protocol udp accept", "pass udp ethertype ip\n" },
	{ "ip ttl < 5 drop", "drop ttl < 5 ethertype ip\n" },
	{ "ip6 hoplimit >= 64 accept", "pass ttl > 63 ethertype ip6\n" },
	{ "ip dscp { cs1, af11 } accept", "pass dscp { cs1, af11 } ethertype ip\n" },
	{ "meta length > 1500 drop", "drop length > 1500\n" },
	{ "icmpv6 type 135-136 accept", "pass icmpv6 type 135-136\n" },
	{ "icmp type destination-unreachable icmp code frag-needed accept",
	  "pass icmp type unreachable code 4\n" },
	{ "ether saddr 02:00:00:00:00:01 accept",
	  "pass ethertype { ip, ip6 } smac 02:00:00:00:00:01\n" },
	{ "vlan id 5 accept", "pass ethertype { ip, ip6 } vlan 5\n" },
	{ "ip frag-off & 0x3fff != 0 drop", "drop ethertype ip fragment\n" },
	{ "exthdr frag exists drop", "drop ethertype ip6 fragment\n" },
	{ "ip frag-off & 0x1fff != 0 drop",
	  "4: weir's fragment is any fragment, the first included: \"ip frag-off & 0x3fff != 0\"; "
	  "what it dropped goes on to the rules behind it\n" },
	{ "ct state established,related accept", "pass established\n" },
	{ "ct state established accept", "pass established\n4: weir's established includes ICMP "
					 "errors about the connection, which are related here\n" },
	{ "ct state related accept",
	  "4: weir counts related packets among the established ones and cannot name them alone; "
	  "what it accepted goes on to the rules behind it\n" },
	{ "ct state new accept",
	  "pass not established\n4: weir's \"not established\" holds for "
	  "every packet of what others open, and for invalid ones, not for a connection's first "
	  "alone\n" },
	{ "ct state invalid drop", "4: weir does not tell invalid or untracked packets from other "
				   "new ones; what it dropped goes on to the rules behind it\n" },
	{ "ct state != { established, related } drop",
	  "drop not established\n4: weir's \"not established\" holds for "
	  "every packet of what others open, and for invalid ones, not for a connection's first "
	  "alone\n" },
	{ "ct mark 5 accept",
	  "4: weir has no match for ct mark; what it accepted goes on to the rules behind it\n" },
	{ "limit rate over 5/second burst 9 packets drop", "limit 5/s burst 9\n" },
	{ "limit rate over 5/second reject", "limit 5/s burst 5\n4: weir's limit drops what is "
					     "above the rate, it does not reject it\n" },
	{ "limit rate over 5/second accept",
	  "4: weir's limit drops what is above its rate, it can do nothing else with it; what it "
	  "accepted goes on to the rules behind it\n" },
	{ "limit rate 5/second accept", "limit 5/s burst 5\npass\n" },
	{ "limit rate 5/second drop",
	  "4: weir's limit drops what is above its rate; it cannot choose what is within it; what "
	  "it dropped goes on to the rules behind it\n" },
	{ "limit rate over 10 kbytes/second drop",
	  "4: weir's limit counts packets, not bytes; what it dropped goes on to the rules behind "
	  "it\n" },
	{ "limit rate over 48/day drop", "limit 2/h burst 5\n" },
	{ "limit rate over 5/day drop",
	  "4: weir counts a rate in packets a second, minute or hour, from 1 to 1000000000; what "
	  "it dropped goes on to the rules behind it\n" },
	{ "limit rate over 5/second tcp dport 22 drop",
	  "4: weir counts only packets that all conditions hold for, and one stands behind the "
	  "limit here; what it dropped goes on to the rules behind it\n" },
	{ "meter m { ip6 saddr and ffff:ffff:ffff:: limit rate over 9/minute } drop",
	  "limit 9/m burst 5 per saddr/32/48 ethertype ip6\n" },
	{ "meter m { ip saddr . tcp dport limit rate over 9/minute } drop",
	  "4: weir limits per rule or per source address; what it dropped goes on to the rules "
	  "behind it\n" },
	{ "counter", "count\n" },
	{ "counter name \"foo\" accept",
	  "pass\n4: weir has a counter for each rule, and none with a name\n" },
	{ "log prefix \"bad: \" drop",
	  "log\ndrop\n4: weir's log names the rule; it has no prefix\n" },
	{ "meta mark set 0x7 accept", "mark 0x7\npass\n" },
	{ "meta mark 0x7 accept",
	  "4: weir has no match for meta mark; what it accepted goes on to the rules behind it\n" },
	{ "meta priority set 1:2 accept", "pass\n4: weir sets the mark and nothing else\n" },
	{ "reject", "reject\n" },
	{ "reject with tcp reset", "reject tcp\n" },
	{ "reject with icmpx type admin-prohibited",
	  "reject\n4: weir rejects TCP with a reset and the rest as port unreachable, not with "
	  "admin-prohibited\n" },
	{ "iifname \"eth0\" accept", "pass interface eth0\n" },
	{ "iifname != { \"lo\", \"eth*\" } drop", "drop interface != { lo, eth* }\n" },
	{ "oifname \"eth0\" accept",
	  "4: weir judges a packet where it comes in, before it is known where it will leave; what "
	  "it accepted goes on to the rules behind it\n" },
	{ "ip saddr @nosuch drop",
	  "4: there is no set nosuch; what it dropped goes on to the rules behind it\n" },
	{ "fib saddr . iif oif missing drop",
	  "4: weir has no match for fib saddr; what it dropped goes on to the rules behind it\n" },
	{ "@th,0,16 22 drop",
	  "4: weir has no match for @th; what it dropped goes on to the rules behind it\n" },
	{ "tcp dport 22 tcp dport 23 drop", "4: its conditions on dport hold for no packet; what "
					    "it dropped goes on to the rules behind it\n" },
	{ "ip saddr 10.0.0.1 ip6 daddr ::1 drop",
	  "4: its conditions on ethertype hold for no packet; what it dropped goes on to the rules "
	  "behind it\n" },
	{ "ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.2 . 23 } accept",
	  "pass tcp saddr 10.0.0.1 dport 22\npass tcp saddr 10.0.0.2 dport 23\n" },
	{ "ip saddr . tcp dport != { 10.0.0.1 . 22 } accept",
	  "4: weir cannot negate pairs that it has no set for; what it accepted goes on to the "
	  "rules behind it\n" },
	{ "tcp dport vmap { 22 : accept, 23 : drop, 24-30 : jump nowhere }",
	  "pass tcp dport 22\ndrop tcp dport 23\n4: there is no chain nowhere to jump to; the "
	  "chain is not entered from here\n" },
	{ "queue num 1", "4: weir has no counterpart of queue\n" },
	{ "dnat to 10.0.0.1", "4: weir has no counterpart of dnat\n" },
	{ "notrack", "4: weir does not use conntrack\n" },
	{ "jump nowhere",
	  "4: there is no chain nowhere to jump to; the chain is not entered from here\n" },
	{ "tcp dport $nope accept",
	  "4: there is no define nope; what it accepted goes on to the rules behind it\n" },
	{ "icmp code 3 drop", "4: weir compares an ICMP code where it compares the type, too; what "
			      "it dropped goes on to the rules behind it\n" },
	{ "icmp type 3 icmp code 3 drop", "drop icmp type unreachable code 3\n" },
	{ "meta l4proto esp th dport 53 drop", "4: weir knows no ports of its protocol; what it "
					       "dropped goes on to the rules behind it\n" },
	{ "meta protocol arp drop", "4: its conditions hold for no packet; what it dropped goes on "
				    "to the rules behind it\n" },
	{ "meta nfproto != { ipv4, ipv6 } tcp dport 22 drop",
	  "4: its conditions hold for no packet; what it dropped goes on to the rules behind "
	  "it\n" },
	{ "meta nfproto ipv4 ip6 saddr ::1 accept",
	  "4: its conditions on ethertype hold for no packet; what it accepted goes on to the "
	  "rules behind it\n" },
	{ "arp operation request accept", "4: weir has no match for arp operation; what it "
					  "accepted goes on to the rules behind it\n" },
	{ "meta pkttype broadcast drop", "4: weir has no match for meta pkttype; what it dropped "
					 "goes on to the rules behind it\n" },
	{ "udp length 8 drop",
	  "4: weir has no match for udp length; what it dropped goes on to the rules behind it\n" },
	{ "tcp option maxseg size 1-536 drop",
	  "4: weir has no match for tcp option; what it dropped goes on to the rules behind it\n" },
};

static void each_rule_of_nft_is_translated_whole_or_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		char *rules;

		snprintf(text, sizeof(text),
			 "table inet t {\nchain i {\ntype filter hook input priority 0; policy "
			 "drop;\n"
			 "%s"
			 "\n}\n}\n",
			 cases[i].rule);
		rules = rules_of(IMPORT_NFT, text);
		assert_string_equal(rules, cases[i].becomes);
		free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_of_nft_is_translated_whole_or_left_out),
	};

	return WEIR_RUN(tests);
}
