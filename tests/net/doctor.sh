#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is broken on purpose is found, and named with what helps.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

build_network() {
	ns_add client edge b1
	veth client eth0 edge wan
	veth edge b1 b1 eth0
	address edge wan 198.51.100.1/24
	address edge b1 10.0.1.1/24
	address client eth0 198.51.100.2/24
	address b1 eth0 10.0.1.11/24
	routing_on edge
	weir edge apply - <<-'END' >/dev/null 2>&1
		interface wan { xdp auto; balance }
		service web {
		    address 192.0.2.10
		    port tcp 80
		    forward l2
		    backend b1 10.0.1.11
		}
	END
}

# says TEXT...: doctor fails, and every TEXT is in its words.
says() {
	local said text
	said=$(assert_fails 1 weir edge doctor)
	for text in "$@"; do
		assert_contains "$said" "$text"
	done
}

test_what_is_in_order_is_said_too() {
	local said
	build_network
	said=$(weir edge doctor) || fail "$said"
	assert_contains "$said" "ok    wan             its programs stand, and lose nothing"
	assert_contains "$said" "ok    service web b1  10.0.1.11 by 10.0.1.11 over b1"
	assert_contains "$said" "0 failed, 0 to be looked at, 2 in order"
}

test_a_backend_that_does_not_answer_is_named() {
	build_network
	ns_ip edge neighbour del 10.0.1.11 dev b1
	ns_ip b1 link set eth0 down
	says "fail  service web b1" "its next hop 10.0.1.11 on b1 does not answer" \
		"try: ip neighbour show 10.0.1.11 dev b1"
}

test_backends_of_a_pool_are_looked_at_too() {
	build_network
	weir edge apply - <<-'END' >/dev/null 2>&1
		interface wan { xdp auto; balance }
		pool shared { backend b1 10.0.1.11; backend b2 203.0.113.1 }
		service web { address 192.0.2.10; port tcp 80; forward l2; backends shared }
	END
	says "ok    pool shared b1" "fail  pool shared b2" "try: ip route get 203.0.113.1"
}

test_a_backend_without_a_route_is_named() {
	build_network
	ns_ip edge address del 10.0.1.1/24 dev b1
	says "fail  service web b1" "lb-no-route" "try: ip route get 10.0.1.11"
}

test_forwarding_that_was_turned_off_is_named() {
	build_network
	ns_sysctl edge net.ipv4.conf.wan.forwarding=0
	says "fail  wan " "forwarding of IPv4 is off" "sysctl -w net/ipv4/conf/wan/forwarding=1"
}

test_an_interface_that_went_is_named() {
	build_network
	ns_ip edge link del wan
	says "fail  wan " "there is no such interface"
}

test_what_was_lost_is_counted() {
	local said
	build_network
	ns_ip edge neighbour del 10.0.1.11 dev b1
	ns_ip b1 link set eth0 down
	ns_ip client route add 192.0.2.10 via 198.51.100.1
	ns_exec client curl -sS --noproxy '*' --max-time 0.3 http://192.0.2.10/ 2>/dev/null || true
	said=$(assert_fails 1 weir edge -j doctor)
	python3 -c '
import json, sys
found = [f for f in json.load(sys.stdin)["findings"] if f["state"] == "warn"]
assert found and "lb-no-neighbour" in found[0]["text"] and found[0]["remedy"], found' <<<"$said"
}

# web BACKENDS [MORE]: the service with other backends, and more statements.
web() {
	weir edge apply - 2>"$TMP/said" >/dev/null <<-END
		interface wan { xdp auto; balance }
		service web { address 192.0.2.10; port tcp 80; forward l2; ${2:-track moved}; $1 }
	END
}

test_a_service_without_a_backend_for_new_flows_is_named() {
	build_network
	web "backend b1 10.0.1.11 drain; backend b2 10.0.1.12 weight 0"
	says "fail  service web " "all are drained or have weight 0; new flows are dropped as lb-no-backend" \
		"try: weir backend undrain web b1"
	web "backend b1 10.0.1.11 weight 0" "empty reject"
	says "rejected as lb-reject" "try: weir backend set web b1 weight 1"
	weir edge backend set web b1 weight 1 >/dev/null 2>&1
	weir edge doctor || fail "there is a backend again"
}

# knock: a SYN to the service that nobody answers.
knock() {
	ns_exec client curl -sS --noproxy '*' --max-time 0.3 http://192.0.2.10/ 2>/dev/null || true
}

test_what_was_rejected_is_named_and_when() {
	local said
	build_network
	ns_ip client route add 192.0.2.10 via 198.51.100.1
	ns_exec client ethtool -K eth0 gro on
	web "backend b1 10.0.1.11 drain" "empty reject"
	knock
	said=$(assert_fails 1 weir edge doctor)
	assert_contains "$said" "1 packets were rejected as lb-reject, none of them in the last second"
}

test_what_is_lost_now_is_told_from_what_was_lost() {
	local said
	build_network
	ns_ip client route add 192.0.2.10 via 198.51.100.1
	ns_ip edge neighbour del 10.0.1.11 dev b1
	ns_ip b1 link set eth0 down
	knock
	said=$(assert_fails 1 weir edge doctor)
	assert_contains "$said" "as lb-no-neighbour, none of them in the last second"
	start_sending
	said=$(assert_fails 1 weir edge doctor)
	[[ $said =~ as\ lb-no-neighbour,\ [1-9][0-9]*\ of\ them\ in\ the\ last\ second ]] ||
		fail "$said"
}

# start_sending: SYNs to the service, all the time.
start_sending() {
	cat >"$TMP/send.py" <<-'END'
		import socket, time
		print("ready", flush=True)
		while True:
		    s = socket.socket()
		    s.setblocking(False)
		    s.connect_ex(("192.0.2.10", 80))
		    time.sleep(0.05)
		    s.close()
	END
	start_ready client "$TMP/send.log" ready python3 "$TMP/send.py"
}

test_a_lost_route_is_named_by_its_backend() {
	build_network
	ns_ip client route add 192.0.2.10 via 198.51.100.1
	web "backend b1 10.0.1.11 weight 0; backend b2 203.0.113.1"
	knock
	says "packets were dropped as lb-no-route" "try: ip route get 203.0.113.1"
}

test_an_address_of_this_host_is_named_as_one() {
	build_network
	for addr in 10.0.1.1 127.0.0.1; do
		web "backend b1 $addr"
		assert_contains "$(cat "$TMP/said")" "the address of backend b1 is this host's own"
		says "fail  service web b1  $addr: the address is this host's own"
	done
}

# The way leads by a router, from which nothing of a path's MTU is heard without "balance".
test_a_path_whose_MTU_nobody_hears_of_is_named() {
	local said
	build_network
	ns_ip edge route add 10.7.0.0/24 via 10.0.1.11
	weir edge apply - >/dev/null 2>&1 <<-'END'
		interface wan { xdp auto; balance }
		service web { address 192.0.2.10; port tcp 80; forward ipip; backend b1 10.7.0.11 }
	END
	said=$(weir edge doctor) || fail "$said"
	assert_contains "$said" "warn  service web b1  10.7.0.11 by 10.0.1.11 over b1; behind that router"
	assert_contains "$said" 'try: write "interface b1 { xdp auto; balance }", or set "mss"'
	weir edge apply - >/dev/null 2>&1 <<-'END'
		interface wan { xdp auto; balance }
		service web { address 192.0.2.10; port tcp 80; forward ipip; mss 1300; backend b1 10.7.0.11 }
	END
	assert_contains "$(weir edge doctor)" "ok    service web b1  10.7.0.11 by 10.0.1.11 over b1"
}

test_an_unknown_interface_is_not_found() {
	build_network
	assert_contains "$(assert_fails 3 weir edge doctor wam 2>&1)" "no interface block"
}

run_tests "$@"
