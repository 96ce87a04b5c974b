#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every way to forward, with the offloads that senders have by default: what
# arrives is what was sent, and path MTU discovery works through tunnels.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

readonly BYTES=3000000

# check_forward FORWARD: both families to backends of both families, both ways round.
check_forward() {
	local url
	build_network "${1%% *}"
	for n in 1 2; do
		service "$1" "b1 ${B1[n]}" "b2 ${B2[n]}"
		ask_both 30
		for url in "http://$VIP4/" "http://[$VIP6]/"; do
			upload 4 "$url" "$BYTES"
		done
	done
	for n in b1 b2; do
		assert_eq 0 "$(checksum_errors "$n")" "wrong checksums at $n"
	done
	assert_eq 0 "$(reason lb-too-big)" "packets that were too big"
	# Five uploads of four and thirty small answers; TSO is off where XDP is native.
	assert_between $((16 * BYTES / 1500)) 1000000 "$(reason lb-forward)" "packets forwarded"
}

B1=(- 10.0.1.11 2001:db8:7:1::11)
B2=(- 2001:db8:7:2::12 10.0.2.12)

test_ipip_carries_what_senders_leave_unfinished() {
	check_forward ipip
}

test_gue_carries_what_senders_leave_unfinished() {
	check_forward gue
}

test_gue_with_checksums_carries_what_senders_leave_unfinished() {
	check_forward "gue checksum"
}

test_l2_carries_what_senders_leave_unfinished() {
	check_forward l2
}

# check_pmtu FORWARD OVERHEAD: the way to the backends is as narrow as the client's.
check_pmtu() {
	build_network "${1%% *}" 1500
	service "$1" "b1 10.0.1.11" "b2 10.0.2.12"
	upload 2 "http://$VIP4/" "$BYTES"
	upload 2 "http://[$VIP6]/" "$BYTES"
	assert_contains "$(ns_ip client route get "$VIP4")" "mtu $((1500 - $2))"
	assert_contains "$(ns_ip client route get "$VIP6")" "mtu $((1500 - $2))"
	assert_between 2 200 "$(reason lb-too-big-told)" "packets that were too big"
	assert_eq 0 "$(reason lb-too-big)" "packets whose sender was not told"
	assert_eq 0 "$(checksum_errors client)" "wrong checksums of ICMP errors"
}

test_path_MTU_discovery_works_through_ipip() {
	check_pmtu ipip 20
}

test_path_MTU_discovery_works_through_gue() {
	check_pmtu gue 32
}

# narrow_behind: a router leads to the backend, over a link that is narrower than the one to the router.
narrow_behind() {
	local name
	ns_add client edge router b1
	veth client eth0 edge wan
	client_addresses
	ns_exec client ethtool -K eth0 gro on
	routing_on edge
	routing_on router
	veth edge mid router near 1700
	veth router far b1 eth0 1500
	ns_exec router ethtool -K near gro on
	ns_exec b1 ethtool -K eth0 gro on
	address edge mid 10.0.5.1/24 2001:db8:5::1/64
	address router near 10.0.5.2/24 2001:db8:5::2/64
	address router far 10.0.1.1/24 2001:db8:7:1::1/64
	address b1 eth0 10.0.1.11/24 2001:db8:7:1::11/64
	address b1 lo "$VIP4/32" "$VIP6/128"
	ns_ip edge route add 10.0.1.0/24 via 10.0.5.2
	ns_ip edge route add 2001:db8:7:1::/64 via 2001:db8:5::2
	ns_ip router route add default via 10.0.5.1
	ns_ip router route add default via 2001:db8:5::1
	ns_ip b1 route add default via 10.0.1.1
	ns_ip b1 route add default via 2001:db8:7:1::1
	for name in edge router b1; do
		ns_sysctl "$name" net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
	http_server b1 b1 80 "$VIP4" "$VIP6"
	weir b1 apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
	wait_for 5 ns_exec edge ping -c 1 -W 1 10.0.1.11
	wait_for 5 ns_exec edge ping -c 1 -W 1 2001:db8:7:1::11
}

# check_router FORWARD BACKEND OVERHEAD: what the router says is heard where it comes in.
check_router() {
	weir edge apply - <<-END >/dev/null 2>&1
		interface wan { xdp auto; balance }
		interface mid { xdp auto; balance }
		service web { address $VIP4, $VIP6; port tcp 80; forward $1; backend b1 $2 }
	END
	ns_ip client route flush cache
	ns_ip client -6 route flush cache
	upload 2 "http://$VIP4/" "$BYTES"
	upload 2 "http://[$VIP6]/" "$BYTES"
	assert_contains "$(ns_ip client route get "$VIP4")" "mtu $((1500 - $3))"
	assert_contains "$(ns_ip client route get "$VIP6")" "mtu $((1500 - $3))"
	assert_eq 0 "$(reason lb-too-big)" "packets whose sender was not told"
	assert_contains "$(weir edge doctor)" "over mid; a router said that 1500 bytes fit"
}

test_what_a_router_says_of_the_path_of_ipip_is_heard() {
	narrow_behind
	check_router ipip 10.0.1.11 20
	check_router ipip 2001:db8:7:1::11 40
}

test_what_a_router_says_of_the_path_of_gue_is_heard() {
	narrow_behind
	check_router gue 10.0.1.11 32
	check_router gue 2001:db8:7:1::11 52
}

# offered: the MSS of SYNs that were captured at b1.
offered() {
	tcpdump -nn -r "$TMP/syn.pcap" 2>/dev/null |
		awk 'match($0, /mss [0-9]+/) { print substr($0, RSTART + 4, RLENGTH - 4) }' | sort -u
}

# check_mss WORDS WANTED: the backend gets SYNs with the MSS out of the tunnel.
check_mss() {
	build_network ipip
	capture b1 eth0 "$TMP/syn.pcap" "tcp[13] == 2"
	service "$1" "b1 10.0.1.11"
	ask 3 "http://$VIP4/"
	assert_eq "3 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	wait_for 5 test -s "$TMP/syn.pcap"
	assert_eq "$2" "$(offered)" "MSS of SYNs"
	upload 1 "http://$VIP4/" "$BYTES"
	assert_eq 0 "$(checksum_errors b1)" "wrong checksums"
}

test_the_MSS_of_SYNs_is_lowered_to_a_number() {
	check_mss "ipip; mss 1000" 1000
}

test_the_MSS_of_SYNs_is_lowered_to_what_the_way_takes() {
	# 1600 of the way, 20 of the tunnel, 40 of IP and TCP: more than the client offers.
	check_mss "ipip; mss auto" 1460
	ns_ip edge link set b1 mtu 1400
	wait_for 5 sent_mss 1340
}

sent_mss() {
	ask 1 "http://$VIP4/" >/dev/null
	[[ $(offered) == *"$1"* ]]
}

# The backend takes no header off here: what decap removes, tcpdump does not see.
test_the_outer_source_is_what_the_service_says() {
	build_network l2
	capture b1 eth0 "$TMP/outer.pcap" "ip proto 4"
	service "ipip; source 172.31.0.9" "b1 10.0.1.11"
	assert_fails 28 ns_exec client curl -sS --noproxy '*' --max-time 0.5 "http://$VIP4/"
	assert_eq 172.31.0.9 "$(tcpdump -nn -r "$TMP/outer.pcap" 2>/dev/null |
		awk '{ print $3 }' | sort -u)" "outer sources"
}

# check_generic: what the kernel is still to complete, it completes after generic XDP.
check_generic() {
	local n
	ask_both 20
	ns_exec client ethtool -K eth0 tso off >/dev/null
	upload 2 "http://$VIP4/" "$BYTES"
	upload 2 "http://[$VIP6]/" "$BYTES"
	for n in b1 b2; do
		assert_eq 0 "$(checksum_errors "$n")" "wrong checksums at $n"
	done
}

test_generic_mode_leaves_checksums_to_the_kernel() {
	build_network ipip
	XDP=generic service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12" >"$TMP/said" 2>&1
	assert_contains "$(cat "$TMP/said")" "ethtool -K PEER tso off"
	check_generic
	XDP=generic service "gue checksum; mss 1000" "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	check_generic
}

# A veth takes native XDP only with as many queues as its peer sends by.
test_a_fallback_to_generic_mode_leaves_checksums_to_the_kernel() {
	build_network ipip
	ns_ip client link del eth0
	ip link add eth0 netns "$NS_PREFIX-client" numtxqueues 4 numrxqueues 4 type veth \
		peer name wan netns "$NS_PREFIX-edge" numtxqueues 1 numrxqueues 1
	ns_ip client link set eth0 up
	ns_ip edge link set wan up
	client_addresses
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12" >"$TMP/said" 2>&1
	assert_contains "$(cat "$TMP/said")" "native XDP was refused"
	assert_contains "$(cat "$TMP/said")" "ethtool -K PEER tso off"
	check_generic
	service ipip "b1 10.0.1.11 weight 2" "b2 2001:db8:7:2::12" >/dev/null 2>&1
	check_generic
}

run_tests "$@"
