// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rule sets as hosts have them, and the configurations that they become.
 */
#include "import_text.h"

static const char workstation[] =
	"#!/usr/sbin/nft -f\n"
	"flush ruleset\n"
	"\n"
	"table inet filter {\n"
	"\tchain input {\n"
	"\t\ttype filter hook input priority filter; policy drop;\n"
	"\n"
	"\t\tct state vmap { established : accept, related : accept, invalid : drop }\n"
	"\t\tiifname \"lo\" accept\n"
	"\t\tip protocol icmp limit rate 10/second accept\n"
	"\t\tmeta l4proto ipv6-icmp accept\n"
	"\t\tudp dport { 5353, 1900 } ip daddr 224.0.0.0/4 accept comment \"mDNS and SSDP\"\n"
	"\t\tudp sport 67 udp dport 68 accept\n"
	"\t\ttcp dport ssh ip saddr 192.168.0.0/16 accept\n"
	"\t\tlog prefix \"denied: \" limit rate 3/minute\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority filter; policy drop;\n"
	"\t}\n"
	"\tchain output {\n"
	"\t\ttype filter hook output priority filter; policy accept;\n"
	"\t}\n"
	"}\n";

static const char workstation_config[] = NO_INTERFACE COMES_IN
	"    default drop\n"
	"    rule input-1 pass established\n"
	"    rule input-2 pass interface lo\n"
	"    rule input-3-limit limit 10/s burst 5 icmp\n"
	"    rule input-3 pass icmp\n"
	"    rule input-4 pass icmpv6\n"
	"    rule mDNS-and-SSDP pass udp daddr 224.0.0.0/4 dport { 1900, 5353 }\n"
	"    rule input-6 pass udp sport 67 dport 68\n"
	"    rule input-7 pass tcp saddr 192.168.0.0/16 dport 22\n"
	"    rule denied log\n"
	"}\n"
	"\n"
	"# What was forwarded. weir judges packets where they come in or leave; no interface uses "
	"this\n"
	"# filter yet.\n"
	"filter forward {\n"
	"    default drop\n"
	"}\n";

static void a_workstation_keeps_its_answers_and_drops_the_rest(void **state)
{
	(void)state;
	assert_translates(IMPORT_NFT, workstation, workstation_config,
			  "8 left out, 15 changed, 15 changed");
}

static const char router[] =
	"define wan = \"ppp0\"\n"
	"define lan_nets = { 10.1.0.0/16, fd00:1::/64 }\n"
	"define admin = { 10.1.9.1, 10.1.9.2 }\n"
	"\n"
	"table inet fw {\n"
	"\tset blocked4 {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { 192.0.2.0/24, 198.51.100.7-198.51.100.9 }\n"
	"\t}\n"
	"\tset ports {\n"
	"\t\ttype inet_service\n"
	"\t\telements = { 80, 443, 8000 }\n"
	"\t}\n"
	"\tchain from_wan {\n"
	"\t\tip saddr @blocked4 drop\n"
	"\t\ttcp flags & (fin | syn | rst | ack) != syn ct state new counter drop\n"
	"\t\ttcp dport @ports accept\n"
	"\t\tudp dport 51820 accept comment \"wireguard\"\n"
	"\t\ticmp type echo-request limit rate 5/second burst 10 packets accept\n"
	"\t\ticmp type echo-request drop\n"
	"\t\ticmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept\n"
	"\t}\n"
	"\tchain from_lan {\n"
	"\t\tip saddr $admin tcp dport 22 accept\n"
	"\t\tudp dport { 53, 67, 123 } accept\n"
	"\t\ttcp dport 22 limit rate over 6/minute burst 3 packets drop\n"
	"\t\tip saddr 10.1.66.0/24 return\n"
	"\t\ttcp dport { 53, 3128 } accept\n"
	"\t}\n"
	"\tchain input {\n"
	"\t\ttype filter hook input priority 0; policy drop;\n"
	"\t\tct state established,related accept\n"
	"\t\tiif lo accept\n"
	"\t\tiifname $wan jump from_wan\n"
	"\t\tiifname { \"lan0\", \"lan1\" } goto from_lan\n"
	"\t\treject with icmpx type admin-prohibited\n"
	"\t}\n"
	"\tchain output {\n"
	"\t\ttype filter hook output priority 0; policy accept;\n"
	"\t\toifname $wan ip daddr 10.0.0.0/8 drop\n"
	"\t}\n"
	"}\n"
	"table ip nat {\n"
	"\tchain post {\n"
	"\t\ttype nat hook postrouting priority srcnat;\n"
	"\t\toifname \"ppp0\" masquerade\n"
	"\t}\n"
	"}\n";

static const char router_config[] =
	"# The interfaces that the rules name; those that they are for may be others.\n"
	"interface ppp0 {\n"
	"    xdp auto\n"
	"    filter input\n"
	"    filter output egress\n"
	"}\n"
	"\n"
	"interface lan0 {\n"
	"    xdp auto\n"
	"    filter input\n"
	"    filter output egress\n"
	"}\n"
	"\n"
	"interface lan1 {\n"
	"    xdp auto\n"
	"    filter input\n"
	"    filter output egress\n"
	"}\n"
	"\n"
	"set blocked4 {\n"
	"    type prefix\n"
	"    elements { 192.0.2.0/24, 198.51.100.7-198.51.100.9 }\n"
	"}\n"
	"\n"
	"set ports {\n"
	"    type port\n"
	"    elements { 80, 443, 8000 }\n"
	"}\n"
	"\n" COMES_IN "    default drop\n"
	"    rule input-1 pass established\n"
	"    rule input-2 pass interface lo\n"
	"    rule from_wan-1 drop saddr @blocked4 interface ppp0\n"
	"    rule from_wan-3 pass tcp dport @ports interface ppp0\n"
	"    rule wireguard pass udp dport 51820 interface ppp0\n"
	"    rule from_wan-5-limit limit 5/s burst 10 icmp type echo-request interface ppp0\n"
	"    rule from_wan-5 pass icmp type echo-request interface ppp0\n"
	"    rule from_wan-6 drop icmp type echo-request interface ppp0\n"
	"    rule from_wan-7 pass icmpv6 type 134-136 interface ppp0\n"
	"    rule from_lan-1 pass tcp saddr 10.1.9.1-10.1.9.2 dport 22 interface { lan0, lan1 }\n"
	"    rule from_lan-2 pass udp dport { 53, 67, 123 } interface { lan0, lan1 }\n"
	"    rule from_lan-3 limit 6/m burst 3 tcp dport 22 interface { lan0, lan1 }\n"
	"    rule from_lan-4 drop saddr 10.1.66.0/24 interface { lan0, lan1 }\n"
	"    rule from_lan-5 pass tcp dport { 53, 3128 } interface { lan0, lan1 }\n"
	"    rule input-4 drop interface { lan0, lan1 }\n"
	"    rule input-5 reject\n"
	"}\n" LEAVES "    default pass\n"
	"    rule output-1 drop daddr 10.0.0.0/8 interface ppp0\n"
	"}\n";

static void a_router_s_chains_become_flat(void **state)
{
	(void)state;
	assert_translates(IMPORT_NFT, router, router_config,
			  "17 left out, 37 changed, 46 left out");
}

static const char f2b[] =
	"table inet f2b-table {\n"
	"\tset addr-set-sshd {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { 203.0.113.5, 203.0.113.77 }\n"
	"\t}\n"
	"\tchain f2b-chain {\n"
	"\t\ttype filter hook input priority filter - 1; policy accept;\n"
	"\t\ttcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable\n"
	"\t}\n"
	"}\n"
	"table ip filter {\n"
	"\tchain INPUT {\n"
	"\t\ttype filter hook input priority filter; policy drop;\n"
	"\t\tct state related,established counter packets 10 bytes 840 accept\n"
	"\t\ttcp dport 22 counter accept\n"
	"\t}\n"
	"}\n"
	"table ip6 filter {\n"
	"\tchain INPUT {\n"
	"\t\ttype filter hook input priority filter; policy accept;\n"
	"\t\ttcp dport 25 drop\n"
	"\t}\n"
	"}\n";

static const char f2b_config[] =
	NO_INTERFACE "set addr-set-sshd {\n"
		     "    type prefix\n"
		     "    elements { 203.0.113.5, 203.0.113.77 }\n"
		     "}\n"
		     "\n" COMES_IN "    default pass\n"
		     "    rule f2b-chain-1 reject tcp saddr @addr-set-sshd dport 22\n"
		     "    rule INPUT-1 pass ethertype ip established\n"
		     "    rule INPUT-2 pass tcp dport 22 ethertype ip\n"
		     "    rule INPUT-1.2 drop tcp dport 25 ethertype ip6\n"
		     "    rule INPUT-policy drop ethertype ip\n"
		     "}\n";

static void chains_of_three_tables_become_one_filter(void **state)
{
	(void)state;
	assert_translates(IMPORT_NFT, f2b, f2b_config, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_workstation_keeps_its_answers_and_drops_the_rest),
		cmocka_unit_test(a_router_s_chains_become_flat),
		cmocka_unit_test(chains_of_three_tables_become_one_filter),
	};

	return WEIR_RUN(tests);
}
