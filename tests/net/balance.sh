#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real connections through a VIP: client -- edge (weir) -- b1, b2.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly VIP4=192.0.2.10 VIP6=2001:db8:ff::10

# build_network FORWARD: everything but the edge's weir.
build_network() {
	ns_add client edge b1 b2
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24 2001:db8:1::2/64
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	ns_ip client route add default via 198.51.100.1
	ns_ip client route add default via 2001:db8:1::1
	offload_off client eth0
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	backend 1 "$1"
	backend 2 "$1"
}

# backend N FORWARD: bN, 10.0.N.1N and 2001:db8:7:N::1N, with the VIPs on lo.
backend() {
	local n=$1
	veth edge "b$n" "b$n" eth0 1600
	address edge "b$n" "10.0.$n.1/24" "2001:db8:7:$n::1/64"
	address "b$n" eth0 "10.0.$n.1$n/24" "2001:db8:7:$n::1$n/64"
	address "b$n" lo "$VIP4/32" "$VIP6/128"
	ns_ip "b$n" route add default via "10.0.$n.1"
	ns_ip "b$n" route add default via "2001:db8:7:$n::1"
	# XDP on the edge redirects into this veth; its other end must be ready for that.
	ns_exec "b$n" ethtool -K eth0 gro on
	http_server "b$n" "b$n" 80 "$VIP4" "$VIP6"
	[ "$2" = l2 ] || weir "b$n" apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
	wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:7:$n::1$n"
}

# service FORWARD BACKEND...: applied on the edge.
service() {
	local forward=$1
	shift
	{
		echo 'interface wan { xdp auto; balance }'
		echo 'service web {'
		echo "    address $VIP4, $VIP6"
		echo '    port tcp 80, udp 53'
		echo "    forward $forward"
		printf '    backend %s\n' "$@"
		echo '}'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
}

# ask COUNT URL: new connections; who answered how many goes to $b1, $b2 and $none.
ask() {
	cat >"$TMP/ask.py" <<-'END'
		import collections, sys, urllib.request
		count = collections.Counter()
		opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
		for _ in range(int(sys.argv[1])):
		    try:
		        count[opener.open(sys.argv[2], timeout=2).read().decode().strip()] += 1
		    except OSError:
		        count["none"] += 1
		    if count["none"] > 3:
		        break
		print(count["b1"], count["b2"], count["none"])
	END
	read -r b1 b2 none < <(ns_exec client python3 "$TMP/ask.py" "$@")
	echo "$2: b1 $b1, b2 $b2, none $none"
}

# ask_both COUNT: over IPv4 and IPv6; every connection is answered, by both backends.
ask_both() {
	local url
	for url in "http://$VIP4/" "http://[$VIP6]/"; do
		ask "$1" "$url"
		assert_eq 0 "$none" "connections to $url without an answer"
		assert_between 1 "$1" "$b1" "answers of b1"
		assert_between 1 "$1" "$b2" "answers of b2"
	done
}

# reason NAME: packets that met this fate on the edge.
reason() {
	weir edge -j show interface wan |
		python3 -c 'import json, sys
print(json.load(sys.stdin)["interfaces"][0]["reasons"][sys.argv[1]]["packets"])' "$1"
}

# backend_packets NAME
backend_packets() {
	weir edge -j show service | python3 -c '
import json, sys
print(*[b["packets"] for s in json.load(sys.stdin)["services"] for b in s["backends"]
        if b["name"] == sys.argv[1]])' "$1"
}

test_ipip_reaches_backends_of_both_families_from_both() {
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_both 30
	service ipip "b1 2001:db8:7:1::11" "b2 10.0.2.12"
	ask_both 30
	assert_eq 0 "$(reason lb-no-neighbour)" "packets without a neighbour"
	assert_eq "$(reason lb-forward)" "$(($(backend_packets b1) + $(backend_packets b2)))" \
		"packets of the backends and forwarded"
	# Enough for each connection: SYN, ACK, request, FIN.
	assert_between $((120 * 4)) $((120 * 20)) "$(reason lb-forward)" "packets forwarded"
}

test_l2_reaches_backends_of_both_families_from_both() {
	build_network l2
	service l2 "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_both 30
	service l2 "b1 2001:db8:7:1::11" "b2 10.0.2.12"
	ask_both 30
}

test_weights_divide_the_connections() {
	build_network l2
	service l2 "b1 10.0.1.11 weight 10" "b2 10.0.2.12 weight 30"
	ask 400 "http://$VIP4/"
	assert_eq 0 "$none" "connections without an answer"
	# 300 wanted; five standard deviations of a coin are 43.
	assert_between 250 350 "$b2" "answers of b2"
}

test_a_drained_and_a_removed_backend_get_no_new_connection() {
	local before
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 10.0.2.12"
	ask_both 30
	service ipip "b1 10.0.1.11" "b2 10.0.2.12 drain"
	before=$(backend_packets b2)
	ask 40 "http://$VIP4/"
	assert_eq "40 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	assert_eq "$before" "$(backend_packets b2)" "packets of the drained backend"
	service ipip "b2 10.0.2.12"
	ask 40 "http://$VIP4/"
	assert_eq "0 40 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
}

test_a_change_breaks_no_connection_that_stays_where_it_is() {
	local get
	build_network ipip
	service ipip "b1 10.0.1.11"
	ns_exec client curl -sS --noproxy '*' --limit-rate 20M --max-time 20 -o "$TMP/bytes" \
		"http://$VIP4/bytes/20000000" &
	get=$!
	processes+=("$get")
	wait_for 5 test -s "$TMP/bytes"
	service ipip "b1 10.0.1.11 weight 7"
	kill -0 "$get" || fail "the download ended before the change"
	wait "$get" || fail "the download broke"
	assert_eq 20000000 "$(stat -c %s "$TMP/bytes")" "bytes"
}

test_without_a_backend_packets_are_dropped_and_counted() {
	build_network l2
	service l2 "b1 10.0.1.11 drain" "b2 10.0.2.12 drain"
	assert_eq 0 "$(reason lb-no-backend)" "packets before"
	assert_fails 28 ns_exec client curl -sS --noproxy '*' --max-time 0.5 "http://$VIP4/"
	assert_between 1 10 "$(reason lb-no-backend)" "packets counted"
	assert_eq 0 "$(reason lb-forward)" "packets forwarded"
}

test_other_ports_of_the_VIP_are_the_hosts() {
	build_network l2
	address edge lo "$VIP4/32" "$VIP6/128"
	# The backends' answers come back from an address that is the edge's own, too.
	ns_sysctl edge net.ipv4.conf.b1.accept_local=1 net.ipv4.conf.b2.accept_local=1
	http_server edge edge 81 "$VIP4" "$VIP6"
	service l2 "b1 10.0.1.11" "b2 10.0.2.12"
	assert_eq edge "$(http_get client "http://$VIP4:81/")" "who answered port 81"
	assert_eq edge "$(http_get client "http://[$VIP6]:81/")" "who answered port 81 over IPv6"
	ns_exec client ping -q -c 1 -W 2 "$VIP4" >/dev/null || fail "the host answers no ping"
	ask_both 30
}

test_forwarding_that_is_off_is_named() {
	local said
	build_network l2
	ns_sysctl edge net.ipv4.ip_forward=0
	said=$(assert_fails 5 service l2 "b1 10.0.1.11" 2>&1) || fail "$said"
	assert_contains "$said" "wan: forwarding is off"
	assert_contains "$said" "sysctl -w net/ipv4/conf/wan/forwarding=1"
	ns_sysctl edge net.ipv4.conf.wan.forwarding=1 net.ipv6.conf.wan.forwarding=0
	said=$(assert_fails 5 service l2 "b1 2001:db8:7:1::11" 2>&1) || fail "$said"
	assert_contains "$said" "sysctl -w net/ipv6/conf/wan/forwarding=1"
	service l2 "b1 10.0.1.11"
}

# udp_server NAME: answers datagrams to the VIPs' port 53 with NAME.
udp_server() {
	cat >"$TMP/udp.py" <<-'END'
		import select, socket, sys
		socks = []
		for address in sys.argv[2:]:
		    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind((address, 53))
		    socks.append(s)
		print("ready", flush=True)
		while True:
		    for s in select.select(socks, [], [])[0]:
		        s.sendto(sys.argv[1].encode(), s.recvfrom(2048)[1])
	END
	start_ready "$1" "$TMP/udp-$1.log" ready python3 "$TMP/udp.py" "$1" "$VIP4" "$VIP6"
}

# ask_udp COUNT ADDRESS: from as many ports.
ask_udp() {
	cat >"$TMP/ask_udp.py" <<-'END'
		import collections, socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		count = collections.Counter()
		for _ in range(int(sys.argv[1])):
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.settimeout(2)
		    s.connect((sys.argv[2], 53))
		    s.send(b"who")
		    try:
		        count[s.recv(2048).decode()] += 1
		    except OSError:
		        count["none"] += 1
		print(count["b1"], count["b2"], count["none"])
	END
	read -r b1 b2 none < <(ns_exec client python3 "$TMP/ask_udp.py" "$@")
	echo "udp $2: b1 $b1, b2 $b2, none $none"
}

test_a_UDP_service_is_balanced() {
	local address
	build_network ipip
	udp_server b1
	udp_server b2
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	for address in "$VIP4" "$VIP6"; do
		ask_udp 40 "$address"
		assert_eq 0 "$none" "datagrams without an answer"
		assert_between 1 39 "$b1" "answers of b1"
		assert_between 1 39 "$b2" "answers of b2"
	done
	assert_eq 80 "$(reason lb-forward)" "datagrams forwarded"
}

run_tests "$@"
