#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real clients of a service while senders that do not exist open connections:
# client -- edge (weir) -- b1.
#
# Alone on the machine: it is kept busy.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly VIP4=192.0.2.10 VIP6=2001:db8:ff::10

build_network() {
	ns_add client edge b1
	veth client eth0 edge wan
	veth edge b1 b1 eth0
	address client eth0 198.51.100.2/24 2001:db8:1::2/64
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	address edge b1 10.0.1.1/24 2001:db8:7:1::1/64
	address b1 eth0 10.0.1.11/24 2001:db8:7:1::11/64
	address b1 lo "$VIP4/32" "$VIP6/128"
	ns_ip client route add default via 198.51.100.1
	ns_ip client route add default via 2001:db8:1::1
	ns_ip client route add blackhole 198.18.0.0/15
	ns_ip b1 route add default via 10.0.1.1
	ns_ip b1 route add default via 2001:db8:7:1::1
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	# Without cookies of its own, and so with a backlog that a flood fills.
	ns_sysctl b1 net.ipv4.tcp_syncookies=0
	# XDP on the edge redirects into these veths; their other ends must be ready for that.
	ns_exec b1 ethtool -K eth0 gro on
	ns_exec client ethtool -K eth0 gro on
	mkdir "$TMP/www"
	echo hello >"$TMP/www/hello"
	start b1 "$TMP/server.log" nghttpd --no-tls -d "$TMP/www" -n 1 80
	wait_for 5 ns_exec edge ping -c 1 -W 1 10.0.1.11
	wait_for 5 ns_exec edge ping -c 1 -W 1 2001:db8:7:1::11
	wait_for 5 listens
	# SYNs of the flood that reach the backend.
	capture b1 eth0 "$TMP/b1.pcap" "src net 198.18.0.0/15"
}

listens() {
	[ -n "$(ns_exec b1 ss -Htln 'sport = :80')" ]
}

# service WORDS
service() {
	weir edge apply - >"$TMP/apply.log" 2>&1 <<-END || fail "$(cat "$TMP/apply.log")"
		interface wan { xdp auto; balance }
		service web {
			address $VIP4, $VIP6
			port tcp 80
			forward l2
			$1
			backend b1 10.0.1.11
		}
	END
}

# flood SECONDS: in the background.
flood() {
	start client "$TMP/flood.log" "$ROOT/build/tests/tools/flood" eth0 "$(mac edge wan)" \
		"$VIP4" 80 2 "$1"
	flood=$started
	wait_for 5 has_met lb-syncookie
}

# met REASON: packets that met it.
met() {
	weir edge show interface wan | awk -v reason="$1" '$3 == reason { print $1; n++ } END { if (!n) print 0 }'
}

has_met() {
	[ "$(met "$1")" != 0 ]
}

get() {
	ns_exec client curl -sS --http2-prior-knowledge --noproxy '*' --max-time 4 "$1" 2>>"$TMP/curl.log"
}

# connect URL: how often one has to try until it answers.
connect() {
	local tries
	for ((tries = 1; tries <= 5; tries++)); do
		if [ "$(get "$1" || true)" = hello ]; then
			echo "$tries"
			return
		fi
	done
	fail "no answer: $(tail -n 5 "$TMP/curl.log")"
}

# failures URL: how many of 20 connections get no answer.
failures() {
	local n count=0
	for ((n = 0; n < 20; n++)); do
		[ "$(get "$1" || true)" = hello ] || count=$((count + 1))
	done
	echo "$count"
}

# flood_at_backend: how many of its SYNs came there.
flood_at_backend() {
	tcpdump -nr "$TMP/b1.pcap" 2>/dev/null | wc -l
}

test_a_client_is_reset_once_and_goes_through() {
	build_network
	service "syncookie always"
	assert_eq 2 "$(connect "http://$VIP4/hello")" "tries by IPv4"
	assert_eq 2 "$(connect "http://[$VIP6]/hello")" "tries by IPv6"
	assert_eq 0 "$(failures "http://$VIP4/hello")" "failures by IPv4"
	assert_eq 0 "$(failures "http://[$VIP6]/hello")" "failures by IPv6"
	assert_eq 2 "$(met lb-syncookie)" "cookies sent"
	assert_eq 2 "$(met lb-syncookie-verified)" "cookies that came back"
	assert_eq 2 "$(weir edge show flow state verified | grep -c '^note .*verified source, seen')" \
		"sources that are shown as verified"
	# Which are no flows of a backend.
	assert_eq 0 "$(weir edge -j show backend | python3 -c '
import json, sys
print(sum(b["pins"] for s in json.load(sys.stdin)["services"] for b in s["backends"]))')" "pins"
}

test_a_flood_that_gets_cookies_only_keeps_nobody_out() {
	local sent
	build_network
	service "syncookie always"
	flood 6
	assert_eq 2 "$(connect "http://$VIP4/hello")" "tries"
	assert_eq 0 "$(failures "http://$VIP4/hello")" "failures"
	wait "$flood"
	sent=$(cat "$TMP/flood.log")
	echo "$sent SYNs of a flood, $(flood_at_backend) at the backend"
	assert_between 100000 1000000000 "$sent" "SYNs of the flood"
	assert_eq 0 "$(flood_at_backend)" "SYNs of the flood at the backend"
}

test_above_the_rate_the_backend_sees_only_the_rate() {
	local sent seen
	build_network
	service "syncookie above 100/s"
	assert_eq 1 "$(connect "http://$VIP4/hello")" "tries before the flood"
	assert_eq 0 "$(met lb-syncookie)" "cookies sent before the flood"
	flood 6
	# Until a connection is above the rate, none is reset.
	assert_between 0 1 "$(failures "http://$VIP4/hello")" "failures"
	wait "$flood"
	sent=$(cat "$TMP/flood.log")
	seen=$(flood_at_backend)
	echo "$sent SYNs of a flood, $seen at the backend"
	assert_between 100000 1000000000 "$sent" "SYNs of the flood"
	# 100 at once, and as many in each of 6 seconds and a little.
	assert_between 100 900 "$seen" "SYNs of the flood at the backend"
}

test_established_connections_outlive_a_flood() {
	local load
	build_network
	service "syncookie above 500/s"
	(exec nsenter --net="/run/netns/$NS_PREFIX-client" \
		h2load -c 200 -n 2000 --rps 1 "http://$VIP4/hello") </dev/null >"$TMP/load.log" 2>&1 &
	load=$!
	processes+=("$load")
	wait_for 10 has_connections 200
	flood 8
	wait "$load" || fail "h2load: $(tail -n 3 "$TMP/load.log")"
	grep -q " 2000 succeeded, 0 failed, 0 errored" "$TMP/load.log" ||
		fail "$(grep requests: "$TMP/load.log")"
	wait "$flood"
}

has_connections() {
	[ "$(ns_exec client ss -Htn state established "( dport = :80 )" | wc -l)" -ge "$1" ]
}

run_tests "$@"
