#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forward nat with real connections: client -- edge (weir) -- b1, b2. Backends
# know neither the VIP nor a way to the client. Offloads are as they come.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

build_backends() {
	ns_add client edge b1 b2
	veth client eth0 edge wan
	client_addresses
	# XDP on the edge sends back into this veth; its other end must be ready for that.
	weir client apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
	routing_on edge
	nat_backend 1
	nat_backend 2
}

# nat_backend N: bN, 10.0.N.1N and 2001:db8:7:N::1N, with no route but to its link.
nat_backend() {
	local n=$1
	veth edge "b$n" "b$n" eth0
	address edge "b$n" "10.0.$n.1/24" "2001:db8:7:$n::1/64"
	address "b$n" eth0 "10.0.$n.1$n/24" "2001:db8:7:$n::1$n/64"
	# And redirects into these.
	ns_exec "b$n" ethtool -K eth0 gro on
	http_server "b$n" "b$n" 8080 "10.0.$n.1$n" "2001:db8:7:$n::1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:7:$n::1$n"
}

# nat_services [LINE4 [LINE6]]: one more line for each of the services.
nat_services() {
	set -- "${1:-}" "${2:-}"
	{
		echo 'interface wan { xdp auto; balance }'
		echo 'interface b1 { xdp auto; balance }'
		echo 'interface b2 { xdp auto; balance }'
		echo 'service web4 {'
		echo "    address $VIP4"
		echo '    port tcp 80, udp 53'
		echo '    forward nat'
		printf '    %s\n' "$1"
		echo '    backend b1 10.0.1.11:8080'
		echo '    backend b2 10.0.2.12:8080'
		echo '}'
		echo 'service web6 {'
		echo "    address $VIP6"
		echo '    port tcp 80, udp 53'
		echo '    forward nat'
		printf '    %s\n' "${2:-$1}"
		echo '    backend b1 [2001:db8:7:1::11]:8080'
		echo '    backend b2 [2001:db8:7:2::12]:8080'
		echo '}'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
}

test_connections_reach_backends_that_know_neither_VIP_nor_client() {
	build_backends
	nat_services
	ask_both 30
	assert_between 100 2000 "$(reason lb-forward)" "packets forwarded"
	assert_between 100 2000 "$(($(reason_on b1 lb-nat-return) + $(reason_on b2 lb-nat-return)))" \
		"packets brought back"
	assert_eq 0 "$(reason lb-nat-full)" "flows without a place"
}

udp_servers() {
	udp_server b1 8080 10.0.1.11 2001:db8:7:1::11
	udp_server b2 8080 10.0.2.12 2001:db8:7:2::12
}

test_datagrams_are_translated() {
	build_backends
	udp_servers
	nat_services
	ask_udp_both 40 100
}

# In three fragments each, there and back.
test_fragments_are_translated() {
	build_backends
	udp_servers
	nat_services
	ask_udp_both 40 4000
}

test_much_data_comes_through_whole() {
	local url
	build_backends
	nat_services
	for url in "http://$VIP4/bytes/20000000" "http://[$VIP6]/bytes/20000000"; do
		ns_exec client curl -sS --noproxy '*' --max-time 20 -o "$TMP/bytes" "$url"
		assert_eq 20000000 "$(stat -c %s "$TMP/bytes")" "bytes of $url"
	done
}

test_a_backend_is_a_client_of_the_VIP_itself() {
	build_backends
	ns_ip b1 route add default via 10.0.1.1
	ns_ip b1 route add default via 2001:db8:7:1::1
	nat_services
	ask_both_from b1 30
}

test_the_hosts_own_connections_from_a_source_keep_working() {
	build_backends
	nat_services
	http_server client client 8081 198.51.100.2 2001:db8:1::2
	assert_eq b1 "$(http_get edge "http://10.0.1.11:8080/")" "who answers the edge"
	assert_eq b2 "$(http_get edge "http://[2001:db8:7:2::12]:8080/")" "who answers over IPv6"
	assert_eq client "$(http_get edge "http://198.51.100.2:8081/")" "who answers on the wan"
	ns_exec edge ping -q -c 2 -i 0.2 -W 1 10.0.1.11 >/dev/null || fail "no ping to a backend"
	ns_exec b1 ping -q -c 2 -i 0.2 -W 1 10.0.1.1 >/dev/null || fail "the edge answers no ping"
	ask_both 30
}

test_sources_are_those_that_the_service_names() {
	build_backends
	address edge lo 10.99.0.1/32 10.99.0.2/32 2001:db8:99::1/128
	for n in 1 2; do
		ns_ip "b$n" route add 10.99.0.0/24 via "10.0.$n.1"
		ns_ip "b$n" route add 2001:db8:99::/64 via "2001:db8:7:$n::1"
	done
	nat_services 'source 10.99.0.1, 10.99.0.2' 'source 2001:db8:99::1'
	capture b1 eth0 "$TMP/b1.pcap" "tcp port 8080"
	ask_both 30
	wait_for 5 test -s "$TMP/b1.pcap"
	tcpdump -nn -r "$TMP/b1.pcap" "dst port 8080" 2>/dev/null |
		awk '{ print $3 }' | sed 's/\.[0-9]*$//' | sort -u >"$TMP/sources"
	! grep -vE '^(10\.99\.0\.[12]|2001:db8:99::1)$' "$TMP/sources" || fail "$(cat "$TMP/sources")"
}

test_a_source_that_no_interface_has_is_named() {
	build_backends
	address edge lo 10.99.0.1/32
	nat_services 'source 10.99.0.1, 10.99.0.2' 'source 2001:db8:99::1' 2>"$TMP/said"
	assert_eq "10.99.0.2 2001:db8:99::1" \
		"$(sed -n 's/.*no interface of this host has the source \([^ ]*\): .*/\1/p' "$TMP/said" | xargs)" \
		"sources that are said to be nowhere"
	nat_services 2>"$TMP/said"
	! grep "has the source" "$TMP/said" || fail "the route's source is this host's"
}

test_a_closed_port_is_told_to_the_client() {
	build_backends
	nat_services
	# Nobody listens on UDP 8080 at the backends.
	assert_eq "111 111" "$(refusals 53)" "what the client is told"
}

test_a_traceroute_sees_the_edge_and_then_the_VIP() {
	build_backends
	nat_services
	cat >"$TMP/trace.py" <<-'END'
		import socket, struct, sys, time
		vip, proto6 = sys.argv[1], ":" in sys.argv[1]
		family = socket.AF_INET6 if proto6 else socket.AF_INET
		for ttl in 1, 2:
		    s = socket.socket(family, socket.SOCK_STREAM)
		    s.settimeout(2)
		    s.setsockopt(41 if proto6 else 0, 16 if proto6 else 2, ttl)
		    # IP_RECVERR, IPV6_RECVERR
		    s.setsockopt(41 if proto6 else 0, 25 if proto6 else 11, 1)
		    try:
		        s.connect((vip, 80))
		        print(ttl, "connected")
		    except OSError as e:
		        print(ttl, "unreachable" if e.errno == 113 else e)
		    s.close()
	END
	for address in "$VIP4" "$VIP6"; do
		assert_eq "1 unreachable 2 connected " \
			"$(ns_exec client python3 "$TMP/trace.py" "$address" | tr '\n' ' ')" \
			"hops to $address"
	done
	assert_between 2 20 "$(reason lb-ttl-told)" "packets whose TTL ended"
}

test_show_flow_tells_both_sides() {
	local flows
	build_backends
	nat_services
	ask_both 30
	flows=$(weir edge show flow web4)
	assert_contains "$flows" "tcp 198.51.100.2:"
	assert_contains "$flows" "> $VIP4:80"
	assert_contains "$flows" ":8080  web4 b"
	assert_contains "$flows" "closing"
	weir edge -j show flow | python3 -c '
import json, sys
flows = json.load(sys.stdin)["flows"]
assert len(flows) == 60, len(flows)
assert {f["group"] for f in flows} == {"web4", "web6"}
assert all(1024 <= f["source_port"] < 32768 for f in flows), flows'
	assert_eq 30 "$(weir edge show flow client 198.51.100.0/24 | wc -l)" "flows of the IPv4 client"
	assert_eq 30 "$(weir edge show flow web4 client 198.51.100.2 | wc -l)" "flows of a service and a client"
	assert_eq "No such flow is translated or pinned; pins are not looked at, they hold no client." \
		"$(weir edge show flow client 198.51.100.64/26)" "flows of nobody"
	assert_eq 60 "$(($(weir edge show flow nat backend b1 | grep -c ' b1  ') + \
		$(weir edge show flow nat backend b2 | grep -c ' b2  ')))" "flows of both backends"
	assert_fails 3 weir edge show flow nobody
}

test_flows_outlive_a_change() {
	local get
	build_backends
	nat_services
	ns_exec client curl -sS --noproxy '*' --limit-rate 2M --max-time 40 -o "$TMP/bytes" \
		"http://$VIP4/bytes/20000000" &
	get=$!
	processes+=("$get")
	wait_for 5 test -s "$TMP/bytes"
	nat_services 'settle 10m'
	sed -e 's/:8080$/:8080 drain/' "$TMP/edge.conf" >"$TMP/drained.conf"
	weir edge apply "$TMP/drained.conf"
	kill -0 "$get" || fail "the download ended before the change"
	wait "$get" || fail "the download broke"
	assert_eq 20000000 "$(stat -c %s "$TMP/bytes")" "bytes"
}

run_tests "$@"
