// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rule by rule: what it becomes, or why it is left out.
 */
#include "import_text.h"

/* A rule alone in a chain of the input hook that drops by default, its lines and its notes. */
static const struct {
	const char *rule, *becomes;
} cases[] = {
	{ "-s 10.0.0.1/255.0.0.0 -j ACCEPT", "pass ethertype ip6\npass saddr 10.0.0.0/8\n" },
	{ "! -d 10.0.0.0/8 -j DROP", "pass ethertype ip6\ndrop daddr != 10.0.0.0/8\n" },
	{ "-p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT",
	  "pass ethertype ip6\npass udp sport 53 dport 1024-65535\n" },
	{ "-p tcp -m multiport ! --dports 22,80:90 -j DROP",
	  "pass ethertype ip6\ndrop tcp dport != { 22, 80-90 }\n" },
	{ "-p tcp -m multiport --ports 22 -j DROP",
	  "pass ethertype ip6\n3: weir has no match for either port; write two rules; what it "
	  "dropped goes on to the rules behind it\n" },
	{ "-p tcp --syn -j ACCEPT", "pass ethertype ip6\npass tcp flags syn/fin,syn,rst,ack\n" },
	{ "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j DROP",
	  "pass ethertype ip6\n3: weir's established is what this host opened, so that this would "
	  "drop the ACKs of every connection that others open to it; what it dropped goes on to "
	  "the "
	  "rules behind it\n" },
	{ "-p tcp -m tcp --tcp-flags ALL FIN,PSH,URG -j DROP",
	  "pass ethertype ip6\ndrop tcp flags fin,psh,urg/fin,syn,rst,psh,ack,urg\n" },
	{ "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT",
	  "pass ethertype ip6\npass icmp type unreachable code 4\n" },
	{ "-p icmp -m icmp --icmp-type any -j ACCEPT", "pass ethertype ip6\npass icmp\n" },
	{ "-i eth+ -j ACCEPT", "pass ethertype ip6\npass interface eth*\n" },
	{ "-o eth0 -j ACCEPT",
	  "pass ethertype ip6\n3: weir judges a packet where it comes in, before it is known where "
	  "it will leave; what it accepted goes on to the rules behind it\n" },
	{ "-f -j DROP", "pass ethertype ip6\n3: weir's fragment includes the first one, which -f "
			"does not; what it dropped goes on to the rules behind it\n" },
	{ "-m iprange --src-range 10.0.0.1-10.0.0.9 -j DROP",
	  "pass ethertype ip6\ndrop saddr 10.0.0.1-10.0.0.9\n" },
	{ "-m length --length 0:99 -j DROP", "pass ethertype ip6\ndrop length < 100\n" },
	{ "-m ttl --ttl-lt 5 -j DROP", "pass ethertype ip6\ndrop ttl < 5\n" },
	{ "-m dscp --dscp-class EF -j ACCEPT", "pass ethertype ip6\npass dscp ef\n" },
	{ "-m mac --mac-source 02:00:00:00:00:01 -j ACCEPT",
	  "pass ethertype ip6\npass ethertype ip smac 02:00:00:00:00:01\n" },
	{ "-m limit --limit 3/hour -j DROP",
	  "pass ethertype ip6\n3: weir's limit drops what is above its rate; it cannot choose what "
	  "is within it; what it dropped goes on to the rules behind it\n" },
	{ "-m limit --limit 3/min -j LOG", "pass ethertype ip6\nlog\n3: weir bounds the rate of "
					   "its log by itself; the limit is left out\n" },
	{ "-p tcp -m hashlimit --hashlimit-above 5/min --hashlimit-burst 7 --hashlimit-mode "
	  "srcip,dstport --hashlimit-name x -j DROP",
	  "pass ethertype ip6\n3: weir limits per rule or per source address, not srcip,dstport; "
	  "what it dropped goes on to the rules behind it\n" },
	{ "-p tcp -m hashlimit --hashlimit-above 5/min --hashlimit-burst 7 --hashlimit-mode srcip "
	  "--hashlimit-srcmask 24 --hashlimit-name x -j DROP",
	  "pass ethertype ip6\nlimit 5/m burst 7 per saddr/24/128 tcp\n" },
	{ "-m limit --limit 5/sec -m tcp -p tcp --dport 22 -j ACCEPT",
	  "pass ethertype ip6\n3: weir counts only packets that all conditions hold for, and one "
	  "stands behind the limit here; what it accepted goes on to the rules behind it\n" },
	{ "-m owner --uid-owner 0 -j ACCEPT",
	  "pass ethertype ip6\n3: --uid-owner has no meaning in weir; what it accepted goes on to "
	  "the rules behind it\n" },
	{ "-m recent --name x --update --seconds 60 -j DROP",
	  "pass ethertype ip6\n3: --name has no meaning in weir; what it dropped goes on to the "
	  "rules behind it\n" },
	{ "-m connlimit --connlimit-above 5 -j REJECT",
	  "pass ethertype ip6\n3: --connlimit-above has no meaning in weir; what it dropped goes "
	  "on to the rules behind it\n" },
	{ "-m conntrack --ctstate DNAT -j ACCEPT",
	  "pass ethertype ip6\n3: weir has no connection state DNAT; what it accepted goes on to "
	  "the rules behind it\n" },
	{ "-m addrtype --dst-type LOCAL -j ACCEPT",
	  "pass ethertype ip6\n3: weir does not know which addresses are LOCAL; what it accepted "
	  "goes on to the rules behind it\n" },
	{ "-j MARK --set-xmark 0x1/0xff",
	  "pass ethertype ip6\n3: weir sets all 32 bits of a mark or none\n" },
	{ "-p ddp -m set ! --match-set x dst,dst -j LOG",
	  "pass ethertype ip6\n3: weir knows no ports of its protocol\n3: no rule that was "
	  "translated uses "
	  "it\n" },
	{ "-p icmp -m set --match-set x src,src -j DROP",
	  "pass ethertype ip6\n3: weir knows no ports of its protocol; what it dropped goes on to "
	  "the rules "
	  "behind it\n3: no rule that was translated uses it\n" },
	{ "-p tcp -m set ! --match-set x src,src -j DROP",
	  "pass ethertype ip6\ndrop tcp saddr != @x\n3: the elements of ipset x are not in this "
	  "file; the set is empty\n" },
	{ "-m set ! --match-set x dst,dst -j DROP",
	  "pass ethertype ip6\ndrop daddr != @x\n3: the elements of ipset x are not in this file; "
	  "the set is empty\n3: weir's sets of addresses with ports, and \"!=\" to one, hold for "
	  "packets that have ports alone\n" },
	{ "-p esp -m multiport --dports 1,2 -j ACCEPT",
	  "pass ethertype ip6\n3: weir knows no ports of its protocol; what it accepted goes on to "
	  "the rules behind it\n" },
	{ "-j NFQUEUE --queue-num 1",
	  "pass ethertype ip6\n3: weir has no counterpart of NFQUEUE\n" },
	{ "-j nowhere", "pass ethertype ip6\n3: there is no chain nowhere to jump to; the chain is "
			"not entered from here\n" },
	{ "-p tcp", "pass ethertype ip6\ncount tcp\n" },
};

static void each_rule_of_iptables_is_translated_whole_or_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		char *rules;

		snprintf(text, sizeof(text),
			 "*filter\n:INPUT DROP [0:0]\n-A INPUT "
			 "%s"
			 "\nCOMMIT\n",
			 cases[i].rule);
		rules = rules_of(IMPORT_IPTABLES, text);
		assert_string_equal(rules, cases[i].becomes);
		free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_of_iptables_is_translated_whole_or_left_out),
	};

	return WEIR_RUN(tests);
}
