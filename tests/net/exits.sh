#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ways to backends that XDP cannot simply send out of: VLAN devices, bridges.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

# need_kind KIND OPTION...: skip where the kernel has no such devices.
need_kind() {
	ns_add kinds
	veth kinds below kinds beside
	ns_ip kinds link add link below name probe type "$@" 2>/dev/null ||
		ns_ip kinds link add name probe type "$@" 2>/dev/null ||
		skip "this kernel has no $1 devices"
}

# client_and_edge: without a backend.
client_and_edge() {
	ns_add client edge b1
	veth client eth0 edge wan
	client_addresses
	ns_exec client ethtool -K eth0 gro on
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	veth edge trunk b1 eth0 1600
	ns_exec b1 ethtool -K eth0 gro on
}

test_backends_in_a_VLAN_are_reached() {
	local n
	need_kind vlan id 100
	client_and_edge
	for n in edge:trunk b1:eth0; do
		ns_ip "${n%:*}" link add link "${n#*:}" name tagged type vlan id 100
		ns_ip "${n%:*}" link set tagged up
	done
	ns_sysctl edge net.ipv4.conf.tagged.rp_filter=0
	address edge tagged 10.0.1.1/24 2001:db8:7:1::1/64
	address b1 tagged 10.0.1.11/24 2001:db8:7:1::11/64
	address b1 lo "$VIP4/32" "$VIP6/128"
	ns_ip b1 route add default via 10.0.1.1
	ns_ip b1 route add default via 2001:db8:7:1::1
	http_server b1 b1 80 "$VIP4" "$VIP6"
	service l2 "b1 10.0.1.11"
	ask 20 "http://$VIP4/"
	assert_eq "20 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	ask 20 "http://[$VIP6]/"
	assert_eq "20 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	upload 2 "http://$VIP4/" 1000000
}

# Clients in a VLAN: the VLAN device balances, in generic mode, checksums unfinished.
test_a_VLAN_device_balances_in_generic_mode() {
	local n
	need_kind vlan id 100
	client_and_edge
	for n in client:eth0 edge:wan; do
		ns_ip "${n%:*}" address flush dev "${n#*:}"
		ns_ip "${n%:*}" link add link "${n#*:}" name tagged type vlan id 200
		ns_ip "${n%:*}" link set tagged up
	done
	ns_sysctl edge net.ipv4.conf.tagged.rp_filter=0
	address client tagged 198.51.100.2/24
	address edge tagged 198.51.100.1/24
	ns_ip client route add default via 198.51.100.1
	address edge trunk 10.0.1.1/24
	address b1 eth0 10.0.1.11/24
	address b1 lo "$VIP4/32"
	ns_ip b1 route add default via 10.0.1.1
	http_server b1 b1 80 "$VIP4"
	cat <<-END >"$TMP/edge.conf"
		interface tagged { xdp auto; balance }
		service web { address $VIP4; port tcp 80; forward l2; mss 1000; backend b1 10.0.1.11 }
	END
	weir edge apply "$TMP/edge.conf"
	ask 20 "http://$VIP4/"
	assert_eq "20 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	ns_exec client ethtool -K tagged tso off >/dev/null
	upload 2 "http://$VIP4/" 1000000
	assert_eq 0 "$(checksum_errors b1)" "wrong checksums"
}

test_a_bridge_on_the_way_is_named() {
	need_kind bridge
	client_and_edge
	ns_ip edge link add name br0 type bridge
	ns_ip edge link set trunk master br0
	ns_ip edge link set br0 up
	address edge br0 10.0.1.1/24
	address b1 eth0 10.0.1.11/24
	service l2 "b1 10.0.1.11" >"$TMP/said" 2>&1
	assert_contains "$(cat "$TMP/said")" "br0: a way to backends leaves by this device"
	assert_contains "$(cat "$TMP/said")" "cannot send out of a bridge"
	XDP=generic service l2 "b1 10.0.1.11" >"$TMP/said" 2>&1
	[[ $(cat "$TMP/said") != *"br0: a way"* ]] || fail "generic mode is told what native cannot"
}

run_tests "$@"
