// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What services and pools may not say, and the words that they are refused with.
 */
#include <string.h>

#include "config_text.h"

#define IPIP "service s { address 192.0.2.1; port tcp 80; forward ipip; "
#define UDP "service s { address 192.0.2.1; port udp 53; forward ipip; "

static const struct refusal values[] = {
	{ "service s { address ::/0; port tcp 80; forward l2 }",
	  "1:21: ::/0 is every address; a service has prefixes from /1 on" },
	{ "service s { address 0.0.0.0/0; port tcp 80; forward l2 }",
	  "1:21: 0.0.0.0/0 is every address; a service has prefixes from /1 on" },
	{ "service s { address 192.0.2.1-192.0.2.9; port tcp 80; forward l2 }",
	  "1:21: \"192.0.2.1-192.0.2.9\" is a range; write its prefixes, as 192.0.2.0/28" },
	{ "service s { address 192.0.2.0/33; port tcp 80; forward l2 }",
	  "1:21: \"192.0.2.0/33\" has no valid prefix length; IPv4 has 0 to 32" },
	{ "service s { address @x; port tcp 80; forward l2 }",
	  "1:21: a set cannot stand here; write the address" },
	{ "service s { address www.example.net; port tcp 80; forward l2 }",
	  "1:21: \"www.example.net\" is not an address | names are not looked up; write the "
	  "address" },
	{ "service s { address 192.0.2.1; port tcp 9-1; forward l2 }",
	  "1:41: range 9-1 is upside down; write 1-9" },
	{ "service s { address 192.0.2.1; port tcp 0-9; forward l2 }",
	  "1:41: port 0 is out of range; it goes from 1 to 65535" },
	{ "service s { address 192.0.2.1; port tcp 80-70000; forward l2 }",
	  "1:41: port 70000 is out of range; it goes from 0 to 65535" },
	{ "service s { address 192.0.2.1; port tcp https; forward l2 }",
	  "1:41: \"https\" is no port; write a number from 1 to 65535" },
	{ "service s { address 192.0.2.1; port any 80; forward l2 }",
	  "1:41: \"port any\" is every protocol and port; write \"tcp 80\", or \"any\" alone" },
	{ "service s { address 192.0.2.1; port tpc 80; forward l2 }",
	  "1:37: unknown protocol of a service port \"tpc\"; protocols are tcp, udp, any | did you "
	  "mean \"tcp\"?" },
	{ "service s { address 192.0.2.1; port tcp 80; forward ipip checksum }",
	  "1:58: \"checksum\" is gue's; forward ipip has none to choose" },
	{ "service s { address 192.0.2.1; port tcp 80; forward gue cheksum }",
	  "1:57: expected \"checksum\" or the end of the statement before \"cheksum\"" },
	{ IPIP "source 10.0.0.0/8 }", "1:66: \"10.0.0.0/8\" is a prefix; write one address" },
	{ IPIP "hash src }", "1:64: \"src\" is nothing to hash; write tuple, source, or with the "
			     "prefix lengths of IPv4 and IPv6 source/24/64" },
	{ IPIP "hash source/33/64 }",
	  "1:64: \"source/33/64\" is nothing to hash; write tuple, source, or with the prefix "
	  "lengths of IPv4 and IPv6 source/24/64" },
	{ IPIP "hash source/24 }", "1:64: \"source/24\" is nothing to hash; write tuple, source, "
				   "or with the prefix lengths of IPv4 and IPv6 source/24/64" },
	{ IPIP "track some }",
	  "1:65: unknown way to track \"some\"; ways to track are none, moved, all" },
	{ IPIP "track mvoed }", "1:65: unknown way to track \"mvoed\"; ways to track are none, "
				"moved, all | did you mean \"moved\"?" },
	{ UDP "udp track }", "1:63: \"udp track\" needs the time after which an idle flow is "
			     "forgotten; write \"udp track 30s\"" },
	{ UDP "udp track 30 }",
	  "1:69: \"30\" is no idle time; write 30s, 10m or 1h30m, at most 18h12m15s" },
	{ UDP "udp track 20h }",
	  "1:69: \"20h\" is no idle time; write 30s, 10m or 1h30m, at most 18h12m15s" },
	{ UDP "udp ring 30s }", "1:68: only \"udp track\" has a time; leave it out" },
	{ UDP "udp quick }", "1:63: unknown way to balance UDP \"quick\"; ways are ring, track, "
			     "quic | did you mean \"quic\"?" },
	{ IPIP "settle 0s }",
	  "1:66: \"0s\" is no time to settle; write 30s, 10m or 1h30m, at most 30d" },
	{ IPIP "settle 31d }",
	  "1:66: \"31d\" is no time to settle; write 30s, 10m or 1h30m, at most 30d" },
	{ IPIP "mss 500 }", "1:63: MSS 500 is out of range; it goes from 536 to 65495" },
	{ IPIP "mss big }", "1:63: \"big\" is no MSS; write a number from 536 to 65495" },
	{ IPIP "allow { } }", "1:59: the list of allow is empty; name a source" },
	{ IPIP "allow 10.0.0.1/8 }",
	  "1:65: 10.0.0.1/8 has host bits set; write 10.0.0.0/8 or 10.0.0.1/32" },
	{ IPIP "allow @office }", "1:65: @office is not defined; add \"set office { ... }\"" },
	{ "set p { type port; elements 1 }\n" IPIP "allow @p }",
	  "2:65: @p is a set of type port; a set of type prefix or address is wanted here" },
	{ IPIP "limit 5 }",
	  "1:65: \"5\" is no rate; write packets per second, minute or hour, as in 200/s" },
	{ IPIP "limit 5/s; limit 6/s }",
	  "1:70: service s has a limit of all its connections twice; keep one" },
	{ IPIP "limit 5/s per saddr; limit 6/s per saddr/24/64 }",
	  "1:80: service s has a limit of each source twice; keep one" },
	{ IPIP "limit 5/s burst 6 burst 7 }", "1:77: service s has burst twice; keep one" },
	{ IPIP "limit 5/s per daddr }",
	  "1:73: a limit is not kept per \"daddr\"; write \"per saddr\", or with the prefix "
	  "lengths of IPv4 and IPv6 \"per saddr/24/64\"" },
	{ IPIP "syncookie }", "1:69: expected above or always before \"}\"" },
	{ IPIP "syncookie above }",
	  "1:69: \"syncookie above\" needs a rate; write \"syncookie above 1000/s\"" },
	{ IPIP "syncookie above 5/m }",
	  "1:75: SYNs are counted per second; write the rate as in 1000/s" },
	{ IPIP "syncookie above 5 }",
	  "1:75: \"5\" is no rate; write packets per second, minute or hour, as in 200/s" },
	{ IPIP "syncookie always 5/s }", "1:76: \"syncookie always\" has no rate; leave it out" },
	{ IPIP "syncookie never }",
	  "1:69: unknown time for SYN cookies \"never\"; times are above, always" },
	{ IPIP "empty refuse }", "1:65: unknown answer of a service without backends \"refuse\"; "
				 "answers are drop, reject" },
	{ IPIP "track all; track none }", "1:70: \"track\" is already on line 1; keep one" },
};

static const struct refusal backends[] = {
	{ IPIP "backend 10.0.0.1 }",
	  "1:67: a backend has a name before its address; write \"backend NAME 10.0.0.1\"" },
	{ IPIP "backend [2001:db8::1]:80 weight 3 }",
	  "1:67: a backend has a name before its address; write \"backend NAME "
	  "[2001:db8::1]:80\"" },
	{ IPIP "backend b 10.0.0.1 port 8080 }",
	  "1:78: the port of a backend stands behind its address; write 10.0.0.1:8080" },
	{ IPIP "backend b 2001:db8::1 port 8080 }",
	  "1:81: the port of a backend stands behind its address; write [2001:db8::1]:8080" },
	{ IPIP "backend b 10.0.0.1 wait 3 }",
	  "1:78: unknown property of a backend \"wait\"; properties are weight, drain, quic-id" },
	{ IPIP "backend b weight 3 }", "1:69: expected an address before \"weight\"" },
	{ IPIP "backend b 10.0.0.1x }",
	  "1:69: \"10.0.0.1x\" is neither an address nor the name of a host" },
	{ IPIP "backend b 10.0.0.1:0 }", "1:69: port 0 is out of range; it goes from 1 to 65535" },
	{ IPIP "backend b 10.0.0.1:99999 }",
	  "1:69: port 99999 is out of range; it goes from 1 to 65535" },
	{ IPIP "backend b 10.0.0.1:http }",
	  "1:69: \"http\" is no port; write a number from 1 to 65535" },
	{ IPIP "backend b [2001:db8::1] }", "1:69: \"[2001:db8::1]\" is no address and port; write "
					    "[2001:db8::1]:443, or the address without brackets" },
	{ IPIP "backend b [2001:db8::1:80 }",
	  "1:69: \"[2001:db8::1:80\" is no address and port; write [2001:db8::1]:443, or the "
	  "address without brackets" },
	{ IPIP "backend b [10.0.0.1]:80 }",
	  "1:69: brackets are for IPv6 alone; write 10.0.0.1:80" },
	{ IPIP "backend b -x.example.net }",
	  "1:69: \"-x.example.net\" is neither an address nor the name of a host" },
	{ IPIP "backend b a..example.net }",
	  "1:69: \"a..example.net\" is neither an address nor the name of a host" },
	{ IPIP "backend b 10.0.0.0/24 }", "1:69: \"10.0.0.0/24\" is a prefix; write one address" },
	{ IPIP "backend b @x }", "1:69: expected an address before \"@x\"" },
	{ IPIP "backend b 224.0.0.1 }", "1:67: backend b: 224.0.0.1 is no address of a machine" },
	{ IPIP "backend b 0.0.0.0 }", "1:67: backend b: 0.0.0.0 is no address of a machine" },
	{ IPIP "backend b ff02::1 }", "1:67: backend b: ff02::1 is no address of a machine" },
	{ IPIP "backend b :: }", "1:67: backend b: :: is no address of a machine" },
	{ IPIP "backend b 10.0.0.1 quic-id 65536 }",
	  "1:86: quic-id 65536 is out of range; it goes from 0 to 65535" },
	{ IPIP "backend b 10.0.0.1 quic-id }", "1:86: expected a server ID before \"}\"" },
	{ IPIP "backend b b.example.net resolved 10.0.0.1 }",
	  "1:92: a name is resolved when it is applied; leave out \"resolved\", or write the "
	  "address in place of the name" },
	{ IPIP "backend b 10.0.0.1 drain drain }", "1:84: backend b has drain twice; keep one" },
	{ IPIP "backends web }", "1:68: pool web is not defined; add \"pool web { ... }\"" },
	{ "pool web { backend b 10.0.0.1 }\n" IPIP "backends wbe }",
	  "2:68: pool wbe is not defined; add \"pool wbe { ... }\" | did you mean \"web\"?" },
	{ "pool web { backend b 10.0.0.1 }\n" IPIP "backends web; backends web }",
	  "2:73: \"backends\" is already on line 2; keep one" },
	{ "pool web { backend b 10.0.0.1 }\n" IPIP "backends web; backend c 10.0.0.2 }",
	  "2:81: service s has both \"backends web\" and a backend of its own; keep one" },
	{ "pool web { backend b 10.0.0.1; backend b 10.0.0.2 }",
	  "1:40: backend b is already on line 1; rename or delete one" },
	{ "pool web { backend b 10.0.0.1; backend c 10.0.0.1 }",
	  "1:40: backend c has the address 10.0.0.1 of backend b; delete one or raise the other's "
	  "weight" },
	{ "pool web { backend b 10.0.0.1 }\npool web { backend b 10.0.0.1 }",
	  "2:6: pool web is already on line 1; rename or delete one" },
	{ "pool web { address 10.0.0.1 }",
	  "1:12: unknown statement \"address\" in pool; its statements are backend | \"address\" "
	  "belongs inside service NAME { }" },
	{ "pool 9 { }", "1:6: \"9\" is not a pool name; a letter or \"_\" comes first, then "
			"letters, digits, \"_\", \"-\", \".\"" },
	{ "backend b 10.0.0.1",
	  "1:1: unknown statement \"backend\"; statements are define, interface, set, filter, "
	  "pool, service, latency | \"backend\" belongs inside service NAME { }" },
};

static const struct refusal together[] = {
	{ IPIP "backend b 10.0.0.1:8080 }",
	  "1:67: backend b has port 8080, and forward ipip of service s changes no port; leave the "
	  "port out, or write \"forward nat\" or \"forward local\"" },
	{ "pool p { backend b 10.0.0.1:8080 }\n" IPIP "backends p }",
	  "2:59: backend b of pool p has port 8080, and forward ipip of service s changes no port; "
	  "leave the port out, or write \"forward nat\" or \"forward local\"" },
	{ "service s { address 192.0.2.1; port tcp 80; forward nat; backend b 2001:db8::1 }",
	  "1:66: backend b is IPv6 and the addresses of service s IPv4; forward nat keeps the "
	  "family, ipip, gue and l2 need not" },
	{ "service s { address 2001:db8::1; port tcp 80; forward nat; backend b 10.0.0.1 }",
	  "1:68: backend b is IPv4 and the addresses of service s IPv6; forward nat keeps the "
	  "family, ipip, gue and l2 need not" },
	{ "pool p { backend b 10.0.0.1 }\n"
	  "service s { address 2001:db8::1; port tcp 80; forward local; backends p }",
	  "2:62: backend b of pool p is IPv4 and the addresses of service s IPv6; forward local "
	  "keeps the family, ipip, gue and l2 need not" },
	{ "service s { address 192.0.2.1, 2001:db8::1; port tcp 80; forward nat }",
	  "1:13: service s has addresses of IPv4 and IPv6, and forward nat keeps the family of a "
	  "packet; make a service of each" },
	{ "service s { address 192.0.2.1; port any; forward nat; backend b 10.0.0.1 }",
	  "1:37: \"port any\" is every protocol, and forward nat translates TCP and UDP; write "
	  "\"tcp "
	  "any, udp any\"" },
	{ IPIP "source 10.0.0.1; backend b 10.0.0.1 }",
	  "1:59: source 10.0.0.1 of service s is the address of backend b; write one of this "
	  "host" },
	{ IPIP "source 10.0.0.1, 10.0.0.2 }",
	  "1:59: source 10.0.0.2 of service s is its second one of IPv4; an outer header has one" },
	{ IPIP "source 2001:db8::1, 2001:db8::2 }", "1:59: source 2001:db8::2 of service s is its "
						    "second one of IPv6; an outer header has one" },
	{ IPIP "source 255.255.255.255 }",
	  "1:59: source 255.255.255.255 of service s is no address that packets come from" },
	{ "service s { address 192.0.2.1; port tcp 80; forward nat; source 10.0.0.1, 10.0.0.1 }",
	  "1:58: source 10.0.0.1 of service s is written twice; delete one" },
	{ "service s { address 192.0.2.1; port tcp 80; forward nat; source 2001:db8::1 }",
	  "1:58: source 2001:db8::1 of service s is IPv6, and its addresses are IPv4; delete it" },
	{ "service s { address 2001:db8::1; port tcp 80; forward nat; source 10.0.0.1 }",
	  "1:60: source 10.0.0.1 of service s is IPv4, and its addresses are IPv6; delete it" },
	{ "service s { address 192.0.2.1; port tcp 80; forward l2; source 10.0.0.1 }",
	  "1:57: forward l2 leaves the client's address; leave \"source\" out of service s" },
	{ "service s { address 192.0.2.1; port tcp 80; forward l2; mss auto }",
	  "1:57: \"mss auto\" is what fits through ipip or gue; forward l2 adds nothing, write a "
	  "number" },
	{ UDP "mss 1400 }",
	  "1:59: \"mss\" is for TCP, and service s has no port of it; leave it out" },
	{ UDP "track all }",
	  "1:59: \"track\" is for TCP, and service s has no port of it; leave it out" },
	{ UDP "syncookie always }",
	  "1:59: \"syncookie\" is for TCP, and service s has no port of it; leave it out" },
	{ UDP "settle 5m }",
	  "1:59: \"settle\" is how long flows stay where they were, and service s lets the ring "
	  "decide each time; leave it out, or write \"track moved\" or \"udp track 30s\"" },
	{ IPIP "track none; settle 5m }",
	  "1:71: \"settle\" is how long flows stay where they were, and service s lets the ring "
	  "decide each time; leave it out, or write \"track moved\" or \"udp track 30s\"" },
	{ "service s { address 192.0.2.1; port tcp 53, udp 53; forward nat; track all }",
	  "1:66: \"track\" says which connections are remembered, and forward nat remembers all of "
	  "them; leave it out of service s" },
	{ "service s { address 192.0.2.1; port udp 53; forward local; track none }",
	  "1:60: \"track\" says which connections are remembered, and forward local remembers all "
	  "of them; leave it out of service s" },
	{ "service s { address 192.0.2.1; port udp 53; forward nat; udp track 30s; settle 5m }",
	  "1:73: \"settle\" is how long forward nat remembers idle TCP, and service s has no port "
	  "of it; write \"udp track TIME\" for UDP" },
	{ UDP "limit 10/s }",
	  "1:59: \"limit\" counts new flows, and service s remembers none of UDP, so that it would "
	  "limit nothing; leave it out, or write \"udp track 30s\"" },
	{ UDP "udp ring; limit 10/s per saddr }",
	  "1:69: \"limit\" counts new flows, and service s remembers none of UDP, so that it would "
	  "limit nothing; leave it out, or write \"udp track 30s\"" },
	{ IPIP "udp track 30s }",
	  "1:59: \"udp\" is for UDP, and service s has no port of it; leave it out" },
	{ UDP "udp quic; backend b 10.0.0.1 quic-id 1; backend c 10.0.0.2 }",
	  "1:107: backend c has no quic-id, which \"udp quic\" of service s needs; write \"quic-id "
	  "N\", as its server puts it into connection IDs" },
	{ UDP "udp quic; backend b 10.0.0.1 quic-id 1; backend c 10.0.0.2 quic-id 1 }",
	  "1:107: backend c has the quic-id 1 of backend b; give each its own" },
	{ "pool p { backend b 10.0.0.1 quic-id 7; backend c 10.0.0.2 quic-id 7 }\n" UDP
	  "udp quic; backends p }",
	  "2:69: backend c of pool p has the quic-id 7 of backend b; give each its own" },
	{ IPIP "backend b 192.0.2.1 }",
	  "1:67: backend b has the address 192.0.2.1 of service s on line 1, so its packets would "
	  "come back; write the machine's own address" },
	{ "service s { address 192.0.2.0/24; port tcp 80; forward ipip; backend b 192.0.2.9 }",
	  "1:70: backend b has the address 192.0.2.9, which lies in 192.0.2.0/24 of service s on "
	  "line 1, so its packets would come back; write one outside" },
	{ "pool p { backend b 192.0.2.1 }\n" IPIP "backends p }",
	  "1:18: backend b has the address 192.0.2.1 of service s on line 2, so its packets would "
	  "come back; write the machine's own address" },
	{ "interface eth0 { tc; balance; return }",
	  "1:11: interface eth0 has tc alone, but balance needs xdp; add \"xdp\"" },
};

static const struct refusal ports[] = {
	{ "service s { address 192.0.2.1; port tcp 80-90, tcp 85; forward l2 }",
	  "1:52: service s has ports of tcp 85 in tcp 80-90, too; delete them here" },
	{ "service s { address 192.0.2.1; port tcp 80-90, tcp 85-95; forward l2 }",
	  "1:52: service s has ports of tcp 85-95 in tcp 80-90, too; delete them here" },
	{ "service s { address 192.0.2.1; port any, udp 53; forward l2 }",
	  "1:46: service s has ports of udp 53 in any, too; delete them here" },
	{ "service s { address 192.0.2.1; port any, any; forward l2 }",
	  "1:42: service s has port any twice; delete one" },
	{ "service s { address 192.0.2.1, 192.0.2.1; port tcp 80; forward l2 }",
	  "1:9: service s has address 192.0.2.1 twice; delete one" },
	{ "service s { address 192.0.2.1; port tcp 80-90; forward l2 }\n"
	  "service t { address 192.0.2.1; port tcp 85-95; forward l2 }",
	  "2:41: service t has 192.0.2.1 tcp 85-95, which overlaps tcp 80-90 of service s on line "
	  "1; take the common ports out of one" },
	{ "service s { address 192.0.2.0/24; port any; forward l2 }\n"
	  "service t { address 192.0.2.0/24; port any; forward l2 }",
	  "2:40: service t has 192.0.2.0/24 any, which service s on line 1 has already; change "
	  "one" },
	{ "service s { address 192.0.2.1; port tcp any; forward l2 }\n"
	  "service t { address 192.0.2.1; port tcp any; forward l2 }",
	  "2:41: service t has 192.0.2.1 tcp any, which service s on line 1 has already; change "
	  "one" },
	{ "service s { address 192.0.0.1, 10.0.0.0/8, 10.0.0.0/9, 10.0.0.0/10, 10.0.0.0/11, "
	  "10.0.0.0/12, 10.0.0.0/13, 10.0.0.0/14, 10.0.0.0/15; port any; forward l2 }",
	  "1:9: addresses of all services have over 8 prefix lengths of IPv4; divide some into "
	  "longer ones" },
};

static void assert_all_refused(const struct refusal *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(&list[i]);
}

static void broken_values_are_refused_with_a_remedy(void **state)
{
	(void)state;
	assert_all_refused(values, COUNT(values));
}

static void broken_backends_are_refused_with_a_remedy(void **state)
{
	(void)state;
	assert_all_refused(backends, COUNT(backends));
}

static void settings_that_do_not_go_together_are_refused(void **state)
{
	(void)state;
	assert_all_refused(together, COUNT(together));
}

static void services_that_want_the_same_packets_are_refused(void **state)
{
	(void)state;
	assert_all_refused(ports, COUNT(ports));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_values_are_refused_with_a_remedy),
		cmocka_unit_test(broken_backends_are_refused_with_a_remedy),
		cmocka_unit_test(settings_that_do_not_go_together_are_refused),
		cmocka_unit_test(services_that_want_the_same_packets_are_refused),
	};

	return WEIR_RUN(tests);
}
