#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices that XDP cannot simply work on, or send out of: VLAN devices, bonds, bridges.
# Where the kernel at hand has none of them, tests/vm runs these.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

# Services without pins take an older verifier a quarter of the time, and leave by the
# same devices; with them those leave that go into a VLAN.

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

# vlan_service INTERFACES
vlan_service() {
	cat <<-END >"$TMP/edge.conf"
		$1
		service web { address $VIP4; port tcp 80; forward l2; mss 1000; track none; backend b1 10.0.1.11 }
	END
	weir edge apply "$TMP/edge.conf"
}

# Clients in a VLAN: the VLAN device balances, in generic mode, checksums unfinished. What
# is below it leaves tagged packets alone, and that is said.
test_a_VLAN_device_balances_in_generic_mode() {
	local n said
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
	ns_ip edge route add default via 198.51.100.2
	address edge trunk 10.0.1.1/24
	address b1 eth0 10.0.1.11/24
	address b1 lo "$VIP4/32"
	ns_ip b1 route add default via 10.0.1.1
	http_server b1 b1 80 "$VIP4"
	said=$(vlan_service 'interface wan { xdp native; balance }' 2>&1)
	assert_contains "$said" "service web: the route to $VIP4 leads to tagged"
	assert_contains "$said" 'write "interface tagged { xdp generic; balance }"'
	assert_contains "$(weir edge doctor || true)" "packets that come in with the tag of tagged are left"
	said=$(vlan_service 'interface wan { xdp native; balance }; interface tagged { xdp; balance }' 2>&1)
	[[ $said != *"the route to"* ]] || fail "a VLAN device that balances is said not to: $said"
	[[ $(weir edge doctor || true) != *"the tag of"* ]] || fail "doctor says so, too"
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
	service 'l2; track none' "b1 10.0.1.11" >"$TMP/said" 2>&1
	assert_contains "$(cat "$TMP/said")" "br0: a way to backends leaves by this device"
	assert_contains "$(cat "$TMP/said")" "cannot send out of a bridge"
	XDP=generic service 'l2; track none' "b1 10.0.1.11" >"$TMP/said" 2>&1
	[[ $(cat "$TMP/said") != *"br0: a way"* ]] || fail "generic mode is told what native cannot"
}

# bond NAME BOND MODE PORT...: of interfaces of that namespace.
bond() {
	local name=$1 bond=$2 mode=$3 port
	shift 3
	[ "$mode" != 802.3ad ] || mode='802.3ad lacp_rate fast'
	# Words, not one.
	# shellcheck disable=SC2086
	ns_ip "$name" link add name "$bond" type bond miimon 100 mode $mode
	for port in "$@"; do
		# The kernel takes ports that are down.
		ns_ip "$name" link set "$port" down
		ns_ip "$name" link set "$port" master "$bond"
		# XDP redirects into some of them.
		ns_exec "$name" ethtool -K "$port" gro on
	done
	# Which one is the active one of two ends that nobody told is up to chance.
	[ "$mode" != active-backup ] || ns_ip "$name" link set "$bond" type bond primary "$1"
	ns_ip "$name" link set "$bond" up
}

# bonds MODE: the client reaches the edge by a bond of two veths, and the edge b1.
bonds() {
	local n
	need_kind bond
	ns_add client edge b1
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	for n in 0 1; do
		veth client "c$n" edge "w$n"
		veth edge "t$n" b1 "e$n"
	done
	bond client eth0 "$1" c0 c1
	bond edge wan "$1" w0 w1
	bond edge trunk "$1" t0 t1
	bond b1 eth0 "$1" e0 e1
	client_addresses
	address edge trunk 10.0.1.1/24 2001:db8:7:1::1/64
	address b1 eth0 10.0.1.11/24 2001:db8:7:1::11/64
	address b1 lo "$VIP4/32" "$VIP6/128"
	ns_ip b1 route add default via 10.0.1.1
	ns_ip b1 route add default via 2001:db8:7:1::1
	http_server b1 b1 80 "$VIP4" "$VIP6"
	wait_for 20 ns_exec edge ping -c 1 -W 1 10.0.1.11
	wait_for 20 ns_exec client ping -c 1 -W 1 198.51.100.1
}

assert_b1_answers() {
	ask 10 "http://$VIP4/"
	assert_eq "10 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	ask 10 "http://[$VIP6]/"
	assert_eq "10 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody over IPv6"
}

# check_bonds MODE: in at one bond and out at another, natively; also when a port fails.
check_bonds() {
	bonds "$1"
	# What comes in by a port is routed as what comes in by the bond.
	ns_sysctl edge net.ipv4.conf.w0.forwarding=0 net.ipv4.conf.w1.forwarding=0
	XDP=native service 'l2; track none' "b1 10.0.1.11"
	assert_b1_answers
	upload 1 "http://$VIP4/" 1000000
	assert_between 50 10000 "$(reason lb-forward)" "packets forwarded"
	ns_ip client link set c0 down
	ns_ip edge link set t1 down
	wait_for 10 http_get client "http://$VIP4/"
	assert_b1_answers
}

test_a_bond_in_mode_active_backup_balances_natively() {
	check_bonds active-backup
}

test_a_bond_in_mode_balance_rr_balances_natively() {
	check_bonds balance-rr
}

test_a_bond_in_mode_balance_xor_balances_natively() {
	check_bonds balance-xor
}

test_a_bond_in_mode_802_3ad_balances_natively() {
	check_bonds 802.3ad
}

test_a_bond_without_native_XDP_says_why_and_balances_in_generic_mode() {
	local said
	bonds broadcast
	said=$(XDP=native assert_fails 5 service 'l2; track none' "b1 10.0.1.11" 2>&1) || fail "$said"
	assert_contains "$said" "wan: the driver refused native XDP: "
	assert_contains "$said" "; balance-rr, active-backup, balance-xor and 802.3ad have it"
	said=$(service 'l2; track none' "b1 10.0.1.11" 2>&1)
	assert_contains "$said" "wan: native XDP was refused: "
	assert_contains "$said" "; balance-rr, active-backup, balance-xor and 802.3ad have it"
	assert_contains "$said" "wan: xdp generic"
	ns_exec client ethtool -K eth0 tso off >/dev/null
	assert_b1_answers
	assert_contains "$(weir edge doctor wan || true)" "a bond can in modes balance-rr, active-backup"
}

# apply_below CONFIG: on the edge, by an instance of another name.
apply_below() {
	"$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge-below" apply - <<<"$1"
}

test_a_bond_and_its_port_are_not_taken_both() {
	local said
	need_kind bond
	ns_add edge
	veth edge w0 edge w1
	bond edge wan active-backup w0
	echo 'interface wan { xdp auto; measure }; interface w0 { xdp; measure }' >"$TMP/both.conf"
	said=$(assert_fails 5 weir edge apply "$TMP/both.conf" 2>&1) || fail "$said"
	assert_contains "$said" "both.conf:1:48: w0 is a port of the bond wan, which has \"xdp\" as well"
	assert_contains "$said" "name the bond only"
	# The one is refused while the other has a program, of whomever.
	weir edge apply - <<<'interface w0 { xdp native; measure }' >/dev/null
	said=$(assert_fails 5 weir edge apply - <<<'interface wan { xdp native; measure }' 2>&1) || fail "$said"
	assert_contains "$said" "wan: the driver refused native XDP: "
	assert_contains "$said" "one of the bond's ports has a program: take that off first"
	weir edge detach --all >/dev/null
	assert_contains "$(weir edge apply - <<<'interface wan { xdp native; measure }')" "wan: xdp native"
	said=$(assert_fails 1 apply_below 'interface w0 { xdp auto; measure }' 2>&1) || fail "$said"
	assert_contains "$said" "w0: the kernel refused the XDP program: "
	assert_contains "$said" "a bond, bridge or VLAN device above it has a program"
}

run_tests "$@"
