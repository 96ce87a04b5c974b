#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forward nat with real connections: client -- edge (weir) -- b1, b2. Backends
# know neither the VIP nor a way to the client. Offloads are as they come.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly VIP4=192.0.2.10 VIP6=2001:db8:ff::10

build_network() {
	ns_add client edge b1 b2
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24 2001:db8:1::2/64
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	ns_ip client route add default via 198.51.100.1
	ns_ip client route add default via 2001:db8:1::1
	# XDP on the edge redirects into these veths; their other ends must be ready for that.
	ns_exec client ethtool -K eth0 gro on
	routing_on edge
	backend 1
	backend 2
}

# backend N: bN, 10.0.N.1N and 2001:db8:7:N::1N, with no route but to its link.
backend() {
	local n=$1
	veth edge "b$n" "b$n" eth0
	address edge "b$n" "10.0.$n.1/24" "2001:db8:7:$n::1/64"
	address "b$n" eth0 "10.0.$n.1$n/24" "2001:db8:7:$n::1$n/64"
	ns_exec "b$n" ethtool -K eth0 gro on
	http_server "b$n" "b$n" 8080 "10.0.$n.1$n" "2001:db8:7:$n::1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:7:$n::1$n"
}

# service EXTRA...: lines of the service, its backends among them.
service() {
	{
		echo 'interface wan { xdp auto; balance }'
		echo 'interface b1 { xdp auto; balance }'
		echo 'interface b2 { xdp auto; balance }'
		echo 'service web4 {'
		echo "    address $VIP4"
		echo '    port tcp 80, udp 53'
		echo '    forward nat'
		printf '    %s\n' "$@"
		echo '    backend b1 10.0.1.11:8080'
		echo '    backend b2 10.0.2.12:8080'
		echo '}'
		echo 'service web6 {'
		echo "    address $VIP6"
		echo '    port tcp 80, udp 53'
		echo '    forward nat'
		printf '    %s\n' "$@"
		echo '    backend b1 [2001:db8:7:1::11]:8080'
		echo '    backend b2 [2001:db8:7:2::12]:8080'
		echo '}'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
}

# ask NAME COUNT URL: new connections of NAME; who answered how many goes to $b1, $b2 and $none.
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
	read -r b1 b2 none < <(ns_exec "$1" python3 "$TMP/ask.py" "$2" "$3")
	echo "$1 $3: b1 $b1, b2 $b2, none $none"
}

# ask_both NAME COUNT: over IPv4 and IPv6; every connection is answered, by both backends.
ask_both() {
	local url
	for url in "http://$VIP4/" "http://[$VIP6]/"; do
		ask "$1" "$2" "$url"
		assert_eq 0 "$none" "connections to $url without an answer"
		assert_between 1 "$2" "$b1" "answers of b1"
		assert_between 1 "$2" "$b2" "answers of b2"
	done
}

# reason IF NAME: packets that met this fate on the edge's interface.
reason() {
	weir edge -j show interface "$1" |
		python3 -c 'import json, sys
print(json.load(sys.stdin)["interfaces"][0]["reasons"][sys.argv[1]]["packets"])' "$2"
}

# shellcheck disable=SC2119
test_connections_reach_backends_that_know_neither_VIP_nor_client() {
	build_network
	service
	ask_both client 30
	assert_between 100 2000 "$(reason wan lb-forward)" "packets forwarded"
	assert_between 100 2000 "$(($(reason b1 lb-nat-return) + $(reason b2 lb-nat-return)))" \
		"packets brought back"
	assert_eq 0 "$(reason wan lb-nat-full)" "flows without a place"
}

run_tests "$@"
