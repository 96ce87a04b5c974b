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

test_an_unknown_interface_is_not_found() {
	build_network
	assert_contains "$(assert_fails 3 weir edge doctor wam 2>&1)" "no interface block"
}

run_tests "$@"
