#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Backends with a DNS name: a name server in the edge's namespace, which has a
# resolv.conf of its own, as ip-netns(8) has it.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly RESOLVER=10.53.0.53

# build_network: the edge, and on one cable everything that is a backend.
build_network() {
	ns_add edge b1
	veth edge wan b1 eth0
	address edge wan 10.0.1.1/24 2001:db8:7:1::1/64
	address b1 eth0 10.0.1.11/24 2001:db8:7:1::11/64
	address edge lo "$RESOLVER/32"
	routing_on edge
	mkdir -p "/etc/netns/$NS_PREFIX-edge"
	echo "nameserver $RESOLVER" >"/etc/netns/$NS_PREFIX-edge/resolv.conf"
	echo "hosts: files dns" >"/etc/netns/$NS_PREFIX-edge/nsswitch.conf"
	: >"$TMP/names"
	start_ready edge "$TMP/names.log" ready \
		python3 "$ROOT/tests/tools/name_server.py" "$RESOLVER" "$TMP/names"
}

# name NAME ADDRESS...: what the server says of it from now on.
name() {
	sed -i "/^$1 /d" "$TMP/names"
	echo "$*" >>"$TMP/names"
}

# config FORWARD BACKEND...
config() {
	local forward=$1
	shift
	{
		echo 'interface wan { xdp auto; balance }'
		echo 'service web {'
		echo '    address 192.0.2.10'
		echo '    port tcp 80'
		echo "    forward $forward"
		printf '    backend %s\n' "$@"
		echo '}'
	} >"$TMP/edge.conf"
}

# refused STATUS: apply fails and says why in $said.
refused() {
	local status=0
	said=$(weir edge apply "$TMP/edge.conf" 2>&1) || status=$?
	assert_eq "$1" "$status" "exit status of apply: $said"
}

test_a_name_is_resolved_by_the_namespaces_own_resolver() {
	build_network
	name b1.example.net 10.0.1.11
	config ipip 'b1 b1.example.net weight 5' 'b2 10.0.1.12'
	said=$(weir edge apply "$TMP/edge.conf" 2>&1)
	assert_contains "$said" "1 host name: asked $RESOLVER, of /etc/netns/$NS_PREFIX-edge/resolv.conf"
	assert_contains "$said" "Applied: 2 added, 0 changed, 0 removed."
	assert_contains "$(weir edge show config)" "    backend b1 b1.example.net weight 5"
	assert_contains "$(weir edge show service)" "b1 b1.example.net (10.0.1.11) weight 5"
	assert_contains "$(ns_ip edge neigh show proto 87)" "10.0.1.11"
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>/dev/null)" "Plan: nothing to change."
}

test_a_changed_address_is_planned_and_a_stored_one_needs_no_resolver() {
	build_network
	name b1.example.net 10.0.1.11
	config ipip 'b1 b1.example.net' 'b2 10.0.1.12'
	weir edge apply "$TMP/edge.conf"
	name b1.example.net 10.0.1.13
	said=$(weir edge plan "$TMP/edge.conf" 2>/dev/null)
	assert_contains "$said" \
		"~ service web   backend b1 b1.example.net 10.0.1.11 -> 10.0.1.13   (50.0 % of ring slots move)"
	weir edge apply "$TMP/edge.conf"
	assert_contains "$(weir edge show service)" "b1 b1.example.net (10.0.1.13)"
	name b1.example.net silent
	weir edge rollback 1
	assert_contains "$(weir edge show service)" "b1 b1.example.net (10.0.1.11)"
	weir edge detach wan
	weir edge attach wan
}

test_of_several_addresses_the_lowest_of_the_wanted_family_is_taken() {
	build_network
	name many.example.net 10.0.1.14 2001:db8:7:1::11 10.0.1.12 10.0.1.13
	config ipip 'b1 many.example.net'
	said=$(weir edge apply "$TMP/edge.conf" 2>&1)
	assert_contains "$said" "edge.conf:6:13: warning: backend b1: many.example.net has 3 addresses of IPv4; the lowest, 10.0.1.12, is taken"
	assert_contains "$(weir edge show service)" "b1 many.example.net (10.0.1.12)"
	sed -i 's/192.0.2.10/2001:db8:ff::10/' "$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
	assert_contains "$(weir edge show service)" "b1 many.example.net (2001:db8:7:1::11)"
}

test_a_name_in_hosts_needs_no_server() {
	build_network
	echo "10.0.1.15 b5.example.net" >"/etc/netns/$NS_PREFIX-edge/hosts"
	config ipip 'b5 b5.example.net'
	weir edge apply "$TMP/edge.conf"
	assert_contains "$(weir edge show service)" "b5 b5.example.net (10.0.1.15)"
}

test_a_name_that_does_not_resolve_is_refused_with_its_place() {
	build_network
	config ipip 'b1 10.0.1.11' 'b2 missing.example.net drain'
	refused 2
	assert_contains "$said" "edge.conf:7:13: backend b2: missing.example.net is not known; correct the name, or write the address"
	assert_contains "$said" "    backend b2 missing.example.net drain"
	assert_contains "$said" "hint: the resolver is $RESOLVER, of /etc/netns/$NS_PREFIX-edge/resolv.conf"
	assert_fails 3 weir edge show config 2>/dev/null
	name loop.example.net 127.0.0.1
	config ipip 'b1 loop.example.net'
	refused 2
	assert_contains "$said" "loop.example.net has a loopback address alone, which no packet reaches"
}

test_what_a_name_resolves_to_is_checked_as_an_address_is() {
	build_network
	name vip.example.net 192.0.2.10
	config ipip 'b1 vip.example.net'
	refused 2
	assert_contains "$said" "edge.conf:6:13: backend b1 has the address 192.0.2.10 of service web on line 2, so its packets would come back"
	name twin.example.net 10.0.1.11
	config ipip 'b1 10.0.1.11' 'b2 twin.example.net'
	refused 2
	assert_contains "$said" "edge.conf:7:13: backend b2 has the address"
	name six.example.net 2001:db8:7:1::11
	config nat 'b1 six.example.net'
	refused 2
	assert_contains "$said" "edge.conf:6:13: backend b1: six.example.net has no IPv4 address"
}

test_a_resolver_that_is_silent_is_waited_for_ten_seconds() {
	local start=$SECONDS
	build_network
	echo "options timeout:30 attempts:5" >>"/etc/netns/$NS_PREFIX-edge/resolv.conf"
	name b1.example.net 10.0.1.11
	name b2.example.net silent
	config ipip 'b1 b1.example.net' 'b2 b2.example.net'
	start=$SECONDS
	refused 2
	# And not the 30 that its file asks for.
	assert_between 9 25 $((SECONDS - start)) "seconds"
	assert_contains "$said" "edge.conf:7:13: backend b2: b2.example.net has no answer within 10 s; try again, or write the address"
	[[ $said != *"backend b1:"* ]] || fail "b1 was refused, too: $said"
}

test_without_the_right_to_its_files_no_other_resolver_is_asked() {
	local status=0
	build_network
	name b1.example.net 10.0.1.11
	config ipip 'b1 b1.example.net'
	said=$(ns_exec edge setpriv --bounding-set=-sys_admin "$WEIR" plan "$TMP/edge.conf" 2>&1) || status=$?
	assert_eq 4 "$status" "exit status of plan: $said"
	assert_contains "$said" "cannot use this namespace's files in /etc/netns"
}

run_tests
