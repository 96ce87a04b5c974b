// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of conditions drawn at random, as nft and iptables-save write them. Each
 * becomes a rule that weir takes, or is left out and named.
 */
#include "import_text.h"
#include "random.h"

#define RULE_SETS 2000
#define CONDITIONS 4

#define ANY(list) list[random_below(COUNT(list))]

static const char *const nft_conditions[] = {
	"ip saddr 192.0.2.0/24",
	"ip saddr != 192.0.2.1-192.0.2.9",
	"ip saddr @v4",
	"ip saddr != @v4",
	"ip daddr { 192.0.2.1, 198.51.100.0/24 }",
	"ip daddr != { 0.0.0.0/1 }",
	"ip6 saddr 2001:db8::/32",
	"ip6 saddr != ::1",
	"ip6 saddr @v6",
	"ip6 saddr != @v6",
	"ip6 daddr 2000::/3",
	"ip protocol ddp",
	"ip protocol != { tcp, udp, sctp, dccp, udplite }",
	"ip protocol icmp",
	"ip6 nexthdr icmpv6",
	"meta l4proto 1-58",
	"meta l4proto != { tcp, udp }",
	"meta l4proto { icmp, icmpv6 }",
	"meta l4proto tcp",
	"meta l4proto esp",
	"tcp sport 1024-65535",
	"tcp dport { 22, 80, 443 }",
	"tcp dport != @ports",
	"tcp dport @ports",
	"udp dport 53",
	"udp dport != 53",
	"th dport 53",
	"th sport != @ports",
	"tcp flags syn",
	"tcp flags & (fin | syn | rst | ack) == syn",
	"tcp flags != 0x0",
	"tcp flags { syn, fin | ack, rst }",
	"icmp type echo-request",
	"icmp type != { echo-reply, 9-14 }",
	"icmp code 3",
	"icmp code != 1-4",
	"icmpv6 type nd-neighbor-solicit",
	"icmpv6 code { 1, 2 }",
	"meta length > 100",
	"ip length 20-60",
	"ip ttl 1-5",
	"ip6 hoplimit != 255",
	"ip dscp cs1",
	"ip6 dscp != { cs1, ef }",
	"meta nfproto ipv4",
	"meta nfproto ipv6",
	"meta nfproto != ipv4",
	"meta protocol arp",
	"ether type arp",
	"ether type ip6",
	"ether type != { ip, ip6 }",
	"meta protocol vlan",
	"ether saddr 02:00:00:00:00:01",
	"ether daddr != 02:00:00:00:00:02",
	"vlan id 5",
	"vlan id != 1-9",
	"iifname \"eth*\"",
	"iifname != \"eth0\"",
	"iifname @names",
	"iifname { \"eth1\", \"e:h*\", \"a/b\" }",
	"iifname \"..\"",
	"oifname { \"eth0\", \"eth1\" }",
	"ct state established,related",
	"ct state new",
	"ip saddr . tcp dport @pairs",
	"ip saddr . tcp sport @pairs",
	"ip daddr . tcp dport @pairs",
	"ip daddr . udp dport != @pairs",
	"ip daddr . th dport @pairs",
	"ip daddr . th dport != @pairs",
	"ip6 saddr . th sport @pairs6",
	"ip6 saddr . th sport != @pairs6",
	"ip saddr . tcp dport { 192.0.2.1 . 80, 192.0.2.2 . 81-83 }",
	"ip protocol . th dport { ddp . 80, tcp . 81 }",
	"meta l4proto . th dport { icmp . 80, esp . 81 }",
	"fib saddr type local",
};

static const char nft_sets[] =
	"set v4 { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.1 } }\n"
	"set v6 { type ipv6_addr; elements = { 2001:db8::1 } }\n"
	"set ports { type inet_service; flags interval; elements = { 22, 80-90 } }\n"
	"set names { type ifname; elements = { \"eth0\", \"eth1\", \"wl*\" } }\n"
	"set pairs { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 80 } }\n"
	"set pairs6 { type ipv6_addr . inet_service; elements = { 2001:db8::1 . 80 } }\n";

static const char *const nft_statements[] = {
	"limit rate 5/second burst 7 packets",
	"limit rate over 10/minute",
	"log prefix \"x\"",
	"meta mark set 0x7",
	"counter packets 1 bytes 2",
};

static const char *const verdicts[] = { "accept", "drop", "reject", "return" };
static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

static const char *const iptables_conditions[] = {
	"-s 192.0.2.0/24",
	"! -s 192.0.2.1/32",
	"-d 198.51.100.0/25",
	"! -d 0.0.0.0/1",
	"-i eth+",
	"! -i eth0",
	"-i e:h+",
	"! -i .",
	"-o eth1",
	"-p tcp",
	"-p udp",
	"! -p tcp",
	"-p ddp",
	"-p icmp",
	"-p esp",
	"! -p esp",
	"-m tcp --dport 1:80",
	"-m tcp ! --sport 1024:",
	"-m multiport --dports 22,80:90",
	"-m multiport ! --sports 1,2",
	"-m tcp --tcp-flags SYN,ACK SYN",
	"-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN",
	"--syn",
	"-m icmp --icmp-type 3/4",
	"-m icmp ! --icmp-type 8",
	"-m icmp --icmp-type any",
	"-m set --match-set nets src",
	"-m set ! --match-set nets dst",
	"-m set --match-set ends src,src",
	"-m set --match-set ends dst,dst",
	"-m set ! --match-set ends src,src",
	"-m set ! --match-set ends dst,dst",
	"-m set --match-set both src,dst",
	"-m conntrack --ctstate RELATED,ESTABLISHED",
	"-m conntrack ! --ctstate NEW",
	"-m ttl --ttl-gt 7",
	"-m ttl --ttl-lt 3",
	"-m length --length 40:60",
	"-m length ! --length 100",
	"-m dscp --dscp 0x08",
	"-m mac ! --mac-source 02:00:00:00:00:01",
	"-m iprange --src-range 192.0.2.1-192.0.2.7",
	"-m iprange ! --dst-range 192.0.2.1-192.0.2.7",
	"-m limit --limit 5/min",
	"-m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip --hashlimit-name h",
	"-f",
	"! -f",
};

static const char *const targets[] = {
	"ACCEPT",
	"DROP",
	"REJECT --reject-with tcp-reset",
	"RETURN",
	"LOG --log-prefix \"y \"",
	"MARK --set-mark 3",
};

static char text[16384];

static void put(const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(text + used, sizeof(text) - used, format, args), 0,
			sizeof(text) - used - 1);
	va_end(args);
}

/* Every rule that is not in the configuration is told of, when @all are to be accounted for. */
static void translate(enum import_format format, bool all)
{
	struct import_result r;
	struct failure why = {};

	if (import_translate(format, "rules", text, strlen(text), &r, &why))
		fail_msg("%s\nrefused: %s", text, why.message);
	if (all && !r.notes_count && !strstr(r.config, "    rule r"))
		fail_msg("%s\nneither translated nor told of:\n%s", text, r.config);
	import_free(&r);
	failure_free(&why);
}

static void put_nft_rule(const char *target)
{
	for (__u32 i = random_below(CONDITIONS + 1); i > 0; i--)
		put("%s ", ANY(nft_conditions));
	if (!random_below(4))
		put("%s ", ANY(nft_statements));
	put("%s comment \"r\"\n", target ? target : ANY(verdicts));
}

static void begin_nft(void)
{
	static const char *const families[] = { "inet", "ip", "ip6", "netdev" };
	const char *family = ANY(families);
	bool netdev = !strcmp(family, "netdev");

	text[0] = 0;
	put("table %s t {\n%s", family, nft_sets);
	for (int i = 0; i < 2; i++) {
		put("chain c%d {\n", i);
		for (__u32 k = random_below(3); k > 0; k--)
			put_nft_rule(!i && !random_below(3) ? "jump c1" : NULL);
		put("}\n");
	}
	put("chain b { type filter hook %s %spriority 0; policy %s;\n",
	    netdev ? "ingress" : ANY(hooks), netdev ? "device eth0 " : "",
	    random_below(2) ? "drop" : "accept");
}

static void rules_of_nft_come_over_or_are_named(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < RULE_SETS; i++) {
		begin_nft();
		put_nft_rule(random_below(2) ? "drop" : "reject");
		put("}\n}\n");
		translate(IMPORT_NFT, true);
	}
}

static void chains_of_nft_become_a_filter(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < RULE_SETS; i++) {
		begin_nft();
		for (__u32 k = random_below(4) + 1; k > 0; k--)
			put_nft_rule(random_below(2)	? "jump c0"
				     : !random_below(4) ? "goto c0"
							: NULL);
		put("}\n}\n");
		translate(IMPORT_NFT, false);
	}
}

static void put_iptables_rule(const char *chain, const char *target)
{
	put("-A %s ", chain);
	for (__u32 i = random_below(CONDITIONS + 1); i > 0; i--)
		put("%s ", ANY(iptables_conditions));
	put("-m comment --comment r -j %s\n", target);
}

static void begin_iptables(void)
{
	text[0] = 0;
	put("# Generated by iptables-save\n*filter\n:INPUT %s [0:0]\n:FORWARD ACCEPT [0:0]\n"
	    ":OUTPUT ACCEPT [0:0]\n:c - [0:0]\n:d - [0:0]\n",
	    random_below(2) ? "DROP" : "ACCEPT");
}

static void rules_of_iptables_come_over_or_are_named(void **state)
{
	static const char *const chains[] = { "INPUT", "FORWARD", "OUTPUT" };

	(void)state;
	random_start();
	for (int i = 0; i < RULE_SETS; i++) {
		begin_iptables();
		put_iptables_rule(ANY(chains), random_below(2) ? "DROP" : "LOG");
		put("COMMIT\n");
		translate(IMPORT_IPTABLES, true);
	}
}

static void chains_of_iptables_become_a_filter(void **state)
{
	(void)state;
	random_start();
	for (int i = 0; i < RULE_SETS; i++) {
		begin_iptables();
		for (__u32 k = random_below(3); k > 0; k--)
			put_iptables_rule("d", ANY(targets));
		for (__u32 k = random_below(3); k > 0; k--)
			put_iptables_rule("c", random_below(3) ? ANY(targets) : "d");
		for (__u32 k = random_below(4) + 1; k > 0; k--)
			put_iptables_rule("INPUT", random_below(2)    ? "c"
						   : !random_below(4) ? "d"
								      : ANY(targets));
		put("COMMIT\n");
		translate(IMPORT_IPTABLES, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_nft_come_over_or_are_named),
		cmocka_unit_test(chains_of_nft_become_a_filter),
		cmocka_unit_test(rules_of_iptables_come_over_or_are_named),
		cmocka_unit_test(chains_of_iptables_become_a_filter),
	};

	return WEIR_RUN(tests);
}
