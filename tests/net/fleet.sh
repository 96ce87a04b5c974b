#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many connections at once, of a real client to real servers (h2load, nghttpd),
# while the backends change: client -- edge (weir) -- b1 ... b5.
#
# Alone on the machine: it is kept busy.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly VIP4=192.0.2.10 VIP6=2001:db8:ff::10 BACKENDS=5
# So many of each connection, one a second; a test that takes longer says so.
REQUESTS=12

build_network() {
	local n
	ns_add client edge
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24 2001:db8:1::2/64
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	ns_ip client route add default via 198.51.100.1
	ns_ip client route add default via 2001:db8:1::1
	ns_sysctl client net.ipv4.ip_local_port_range="1024 65535"
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	mkdir "$TMP/www"
	echo hello >"$TMP/www/hello"
	for ((n = 1; n <= BACKENDS; n++)); do
		backend "$n"
	done
}

# backend N: bN at 10.0.N.1N with the VIPs on lo, and a server; its pid is in ${server[N]}.
declare -a server
backend() {
	local n=$1
	ns_add "b$n"
	veth edge "b$n" "b$n" eth0
	address edge "b$n" "10.0.$n.1/24" "2001:db8:7:$n::1/64"
	address "b$n" eth0 "10.0.$n.1$n/24" "2001:db8:7:$n::1$n/64"
	address "b$n" lo "$VIP4/32" "$VIP6/128"
	ns_ip "b$n" route add default via "10.0.$n.1"
	ns_ip "b$n" route add default via "2001:db8:7:$n::1"
	# XDP on the edge redirects into this veth; its other end must be ready for that.
	ns_exec "b$n" ethtool -K eth0 gro on
	# Every connection of a backend may begin at once.
	ns_sysctl "b$n" net.core.somaxconn=32768 net.ipv4.tcp_max_syn_backlog=32768
	wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:7:$n::1$n"
	serve "$n"
}

# serve N: the server of bN.
serve() {
	(
		ulimit -n "$(ulimit -Hn)"
		exec nsenter --net="/run/netns/$NS_PREFIX-b$1" \
			nghttpd --no-tls -d "$TMP/www" -n 1 80
	) </dev/null >"$TMP/server-$1.log" 2>&1 &
	server[$1]=$!
	processes+=("$!")
	wait_for 5 listens "b$1"
}

listens() {
	[ -n "$(ns_exec "$1" ss -Htln 'sport = :80')" ]
}

# service BACKEND...: applied on the edge, each "N [PROPERTY...]".
service() {
	local one
	{
		echo 'interface wan { xdp auto; balance }'
		echo "service web { address $VIP4, $VIP6; port tcp 80; forward l2"
		for one in "$@"; do
			echo "backend b${one%% *} 10.0.${one%% *}.1${one/ / }"
		done
		echo '}'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf" >"$TMP/apply.log"
}

# load CONNECTIONS URL: each asks once a second; the pid is in $load.
load() {
	(
		ulimit -n "$(ulimit -Hn)"
		exec nsenter --net="/run/netns/$NS_PREFIX-client" \
			h2load -c "$1" -n $(($1 * REQUESTS)) --rps 1 "$2"
	) </dev/null >"$TMP/load.log" 2>&1 &
	load=$!
	load_began=$SECONDS
	processes+=("$load")
}

# connections NAME: established ones of the service.
connections() {
	ns_exec "$1" ss -Htn state established "( sport = :80 or dport = :80 )" | wc -l
}

connections_are() {
	assert_eq "$1" "$(connections client)" "connections left"
}

has_connections() {
	[ "$(connections "$1")" -ge "$2" ]
}

# requests WORD: how many of the load's requests were succeeded, failed, errored ...
requests() {
	sed -n "s/^requests: .* \([0-9]*\) $1.*/\1/p" "$TMP/load.log"
}

# kill_server N BACKEND...: of the connections, $held in all, those of bN break at once, $broken of
# them, and no other. The service goes on without it.
kill_server() {
	local n=$1
	shift
	broken=$(connections "b$n")
	assert_between $((held / 6)) $((held / 2)) "$broken" "connections of b$n"
	kill -KILL "${server[n]}"
	service "$@"
	held=$((held - broken))
	wait_for 10 connections_are "$held"
	echo "$broken connections broke with their server"
}

# No connection but those has broken: none has asked for the last time yet, so all are there.
assert_all_held() {
	[ $((SECONDS - load_began)) -lt $((REQUESTS - 1)) ] || fail "the load ends before the test does"
	connections_are "$held"
}

# assert_load COUNT: each that is left got all of its answers; only those of a server that was killed did not.
assert_load() {
	local lost
	wait "$load" || fail "h2load: $(tail -n 3 "$TMP/load.log")"
	cat "$TMP/load.log"
	lost=$(requests failed)
	assert_eq $(($1 * REQUESTS)) "$(($(requests succeeded) + lost))" "requests, answered or not"
	# Each of them lost one at least, and all of its requests at most.
	assert_between "$broken" "$((broken * REQUESTS))" "$lost" "requests that failed"
	assert_eq "$lost" "$(requests errored)" "requests that ended with their connection"
}

# change_everything URL: what an operator may do. New connections go by it, the old ones stay.
change_everything() {
	local before
	service "1" "2" "3" "5"
	sleep_until_asked
	service "1 weight 3" "2" "3" "5"
	sleep_until_asked
	kill_server 5 "1 weight 3" "2" "3"
	service "1 weight 3" "2 drain" "3" "4"
	sleep_until_asked
	service "1" "2 weight 5" "3" "4"
	sleep_until_asked
	connections_are "$held"
	# The one that was killed is back; one that no connection is left on goes, and comes back.
	serve 5
	service "1" "2" "3" "4" "5"
	sleep_until_asked
	assert_eq 0 "$(connections b3)" "connections of the load on what came later"
	service "1" "2" "4" "5"
	sleep_until_asked
	before=$(opened b3)
	service "1" "2" "3 drain" "4"
	ns_exec client h2load -c 400 -n 400 "$1" >"$TMP/new.log" || fail "$(tail -n 3 "$TMP/new.log")"
	grep -q "400 succeeded" "$TMP/new.log" || fail "$(grep requests: "$TMP/new.log")"
	assert_eq "$before" "$(opened b3)" "connections that the drained backend took"
	# A third of them: 133, and seven standard deviations of 9.4 to either side.
	assert_between 67 199 "$(opened b4)" "new connections of the backend that came"
}

# opened NAME: connections that it ever took.
opened() {
	ns_exec "$1" nstat -asz TcpPassiveOpens | awk '/TcpPassiveOpens/ { print $2 }'
}

# Every connection asks once a second: after two all have met the new ring.
sleep_until_asked() {
	sleep 2
}

# keep_through_changes COUNT URL
keep_through_changes() {
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $(($1 + 100)) ] ||
		skip "a process may open only $(ulimit -Hn) files here"
	REQUESTS=30
	build_network
	service "1" "2" "5"
	load "$1" "$2"
	wait_for 20 has_connections client "$1"
	held=$1
	change_everything "$2"
	assert_all_held
	assert_load "$1"
}

# Sources of a flood that nobody has: what is sent to them goes nowhere.
flood() {
	ns_ip client route add blackhole 198.18.0.0/15
	start client "$TMP/flood.log" "$ROOT/build/tests/tools/flood" eth0 "$(mac edge wan)" \
		"$VIP4" 80 "$1" "$2"
}

# keep_through_a_flood FLAGS: of 1,000 connections none is lost, nor while slots move.
keep_through_a_flood() {
	build_network
	service "1" "2"
	load 1000 "http://$VIP4/hello"
	wait_for 20 has_connections client 1000
	flood "$1" 8
	sleep_until_asked
	service "1" "2" "3"
	sleep_until_asked
	service "1" "2 drain" "3"
	wait "$load" || fail "h2load: $(tail -n 3 "$TMP/load.log")"
	wait "$started"
	echo "$(cat "$TMP/flood.log") packets of a flood"
	assert_between 100000 1000000000 "$(cat "$TMP/flood.log")" "packets of the flood"
	assert_eq $((1000 * REQUESTS)) "$(requests succeeded)" "requests answered"
}

test_1000_connections_outlive_a_flood_of_SYNs() {
	keep_through_a_flood 2
}

test_1000_connections_outlive_a_flood_of_ACKs() {
	keep_through_a_flood 16
}

test_only_the_connections_of_a_killed_backend_break() {
	build_network
	service "1" "2" "3"
	load 3000 "http://$VIP4/hello"
	wait_for 20 has_connections client 3000
	held=3000
	kill_server 3 "1" "2"
	sleep $((load_began + REQUESTS - 3 - SECONDS))
	assert_all_held
	assert_load 3000
}

test_10000_connections_outlive_every_change_but_those_of_a_killed_server() {
	keep_through_changes 10000 "http://$VIP4/hello"
}

run_tests "$@"
