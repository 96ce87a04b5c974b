#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Services with every setting on their way through apply, show and plan.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# build_network: an edge with clients, servers and a container.
build_network() {
	ns_add edge client
	veth edge wan client eth0
	veth edge veth0 client eth1
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	address edge veth0 172.18.0.1/24
	routing_on edge
}

# canonical TRACK WEIGHT: as it is shown.
canonical() {
	cat <<-END
		interface wan {
		    xdp auto
		    balance
		}

		interface veth0 {
		    tc auto
		    return
		}

		set partners {
		    type prefix
		    elements { 10.0.0.0/8, 2001:db8:5::/48 }
		}

		pool web-servers {
		    backend b1 198.51.100.11 weight $2 quic-id 1
		    backend b2 2001:db8:1::12 weight 0 quic-id 2
		    backend b3 198.51.100.13 weight 10 quic-id 3 drain
		}

		service web {
		    address 192.0.2.10, 2001:db8:ff::10, 203.0.113.0/28
		    port tcp 80, udp 443, tcp 8000-8999
		    forward gue checksum
		    source 198.51.100.1, 2001:db8:1::1
		    hash source/24/64
		    track $1
		    udp quic
		    settle 5m
		    mss auto
		    allow { 198.51.100.0/24, @partners }
		    limit 10000/s burst 20000
		    limit 20/s per saddr/32/64
		    syncookie above 1000/s
		    empty reject
		    backends web-servers
		}

		service shop {
		    address 192.0.2.20
		    port tcp 443
		    forward nat
		    source 198.51.100.1
		    mss 1400
		    syncookie always
		    backend a1 198.51.100.21:8443 weight 5
		}

		service dns {
		    address 192.0.2.30
		    port udp any
		    forward local
		    udp track 30s
		    backend d1 172.18.0.11:5353 weight 1
		}
	END
}

# apply FILE: without a word that is not expected of services.
apply() {
	said=$(weir edge apply "$1" 2>&1) || fail "$said"
	[[ $said != *warning* ]] || fail "$said"
}

test_every_setting_is_applied_and_shown_as_it_was_written() {
	build_network
	canonical all 10 >"$TMP/edge.conf"
	apply "$TMP/edge.conf"
	assert_eq "$(cat "$TMP/edge.conf")" "$(weir edge show config)" "configuration in force"
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>/dev/null)" "Plan: nothing to change."
	weir edge -j show config >"$TMP/edge.json"
	assert_contains "$(weir edge plan "$TMP/edge.json" 2>/dev/null)" "Plan: nothing to change."
	weir edge detach --all >/dev/null
	apply "$TMP/edge.json"
	assert_eq "$(cat "$TMP/edge.conf")" "$(weir edge show config)" "configuration of JSON"
}

test_a_change_of_a_setting_is_planned_in_a_line_and_rolled_back() {
	build_network
	canonical all 10 >"$TMP/edge.conf"
	apply "$TMP/edge.conf"
	canonical none 5 | sed 's/empty reject/empty drop/; s/above 1000/above 500/; /settle/d; /limit/d; s/udp quic/udp ring/; /quic-id/s/ quic-id .//' \
		>"$TMP/other.conf"
	said=$(weir edge plan "$TMP/other.conf" 2>/dev/null)
	assert_contains "$said" "~ service web   track all -> none"
	assert_contains "$said" "~ service web   udp quic -> ring"
	assert_contains "$said" "~ service web   settle 5m -> 1h"
	assert_contains "$said" "~ service web   empty reject -> drop"
	assert_contains "$said" "~ service web   syncookie above 1000/s -> above 500/s"
	assert_contains "$said" "~ pool web-servers   backend b1 weight 10 -> 5, quic-id 1 -> none"
	apply "$TMP/other.conf"
	weir edge rollback >/dev/null
	assert_eq "$(cat "$TMP/edge.conf")" "$(weir edge show config)" "configuration of before"
}

test_a_broken_service_changes_nothing_that_is_in_force() {
	build_network
	canonical all 10 >"$TMP/edge.conf"
	apply "$TMP/edge.conf"
	sed 's/172.18.0.11/192.0.2.30/' "$TMP/edge.conf" >"$TMP/broken.conf"
	assert_fails 2 weir edge apply "$TMP/broken.conf"
	assert_eq "$(cat "$TMP/edge.conf")" "$(weir edge show config)" "configuration in force"
}

# Each service answers with its own name, through l2.
test_the_narrower_of_two_services_gets_its_ports() {
	local name
	ns_add client edge b1 b2
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24
	address edge wan 198.51.100.1/24
	ns_ip client route add default via 198.51.100.1
	routing_on edge
	for name in b1 b2; do
		veth edge "$name" "$name" eth0
		address edge "$name" "10.0.${name#b}.1/24"
		address "$name" eth0 "10.0.${name#b}.11/24"
		address "$name" lo 192.0.2.10/32 192.0.2.17/32
		ns_ip "$name" route add default via "10.0.${name#b}.1"
		ns_exec "$name" ethtool -K eth0 gro on
		http_server "$name" "$name" 8000 192.0.2.10 192.0.2.17
		http_server "$name" "$name" 8005 192.0.2.10 192.0.2.17
		wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.${name#b}.11"
	done
	weir edge apply - 2>/dev/null <<-END
		interface wan { xdp auto; balance }
		service wide { address 192.0.2.0/27; port tcp any; forward l2; backend b1 10.0.1.11 }
		service some { address 192.0.2.0/27; port tcp 8000-8004; forward l2; backend b2 10.0.2.11 }
		service one { address 192.0.2.17; port tcp 8005; forward l2; backend b2 10.0.2.11 }
	END
	wait_for 5 http_get client http://192.0.2.10:8000/
	assert_eq b2 "$(http_get client http://192.0.2.10:8000/)" "in the range"
	assert_eq b1 "$(http_get client http://192.0.2.10:8005/)" "beside the range"
	assert_eq b2 "$(http_get client http://192.0.2.17:8005/)" "of the longer prefix"
	assert_eq b2 "$(http_get client http://192.0.2.17:8000/)" "in the range, where the longer prefix has no port"
}

run_tests
