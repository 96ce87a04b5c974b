#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens around weir must not break it for good, nor be broken by it.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly HOP="10.0.7.11"

# edge: wan to a client, lan to a backend. balance.conf sends to the backend, without
# pins: neighbours are the same then, and an older verifier is done in a quarter of the time.
build_pair() {
	ns_add client edge backend
	veth client eth0 edge wan
	veth backend eth0 edge lan
	address client eth0 198.51.100.2/24
	address edge wan 198.51.100.1/24
	address edge lan 10.0.7.1/24
	address backend eth0 "$HOP/24"
	ns_exec backend ethtool -K eth0 gro on
	routing_on edge
	cat >"$TMP/balance.conf" <<-END
		interface wan { xdp auto; balance }
		service web {
		    address 192.0.2.10
		    port tcp 80
		    forward ipip
		    track none
		    backend b1 $HOP
		}
	END
}

# The entry that the kernel is told to keep.
is_kept() {
	ns_ip edge neigh show proto 87 | grep -q "^$HOP .* lladdr "
}

test_a_neighbour_that_is_lost_with_the_carrier_comes_back_by_apply() {
	build_pair
	weir edge apply "$TMP/balance.conf"
	is_kept || fail "the neighbour is not kept"
	ns_ip backend link set eth0 down
	ns_ip backend link set eth0 up
	wait_for 5 ns_exec edge ping -c 1 -W 1 "$HOP"
	ns_ip edge neigh flush all
	assert_contains "$(weir edge apply "$TMP/balance.conf")" "Nothing to change."
	is_kept || fail "apply did not bring the neighbour back"
}

test_another_instance_leaves_our_neighbours_alone() {
	build_pair
	weir edge apply "$TMP/balance.conf"
	echo 'interface lan { tc; measure }' >"$TMP/measure.conf"
	"$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-other" apply "$TMP/measure.conf"
	is_kept || fail "the other instance's apply took the neighbour"
	"$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-other" detach --all
	is_kept || fail "the other instance's detach took the neighbour"
	weir edge detach --all
	! is_kept || fail "our own detach left the neighbour"
}

test_an_apply_that_fails_keeps_no_neighbour() {
	build_pair
	ns_ip edge link add ifb9 type ifb 2>/dev/null || skip "no ifb"
	echo 'interface ifb9 { xdp native }' >>"$TMP/balance.conf"
	! weir edge apply "$TMP/balance.conf" 2>"$TMP/said" || fail "applied: $(cat "$TMP/said")"
	assert_contains "$(cat "$TMP/said")" "xdp generic"
	[ -z "$(ns_ip edge neigh show proto 87)" ] || fail "a neighbour is kept"
}

test_a_new_address_of_the_host_is_noticed() {
	build_pair
	echo 'interface eth0 { xdp auto; decap }' >"$TMP/decap.conf"
	weir backend apply "$TMP/decap.conf"
	assert_contains "$(weir backend apply "$TMP/decap.conf")" "Nothing to change."
	address backend lo 192.0.2.10/32
	assert_contains "$(weir backend plan "$TMP/decap.conf")" "~ host"
	weir backend apply "$TMP/decap.conf"
	assert_contains "$(weir backend apply "$TMP/decap.conf")" "Nothing to change."
}

test_a_device_that_moved_away_is_not_taken_for_one_that_is_here() {
	build_pair
	echo 'interface wan { xdp auto }' >"$TMP/wan.conf"
	weir edge apply "$TMP/wan.conf"
	ip -n "$NS_PREFIX-edge" link set wan netns "$NS_PREFIX-backend"
	# One with the number that the other had.
	veth client eth9 edge tmp
	local index=2
	while ns_ip edge -o link show | grep -q "^$index:"; do index=$((index + 1)); done
	ns_ip edge link del tmp
	ip -n "$NS_PREFIX-edge" link add wan index "$index" type veth peer name peer
	ns_ip edge link set wan up
	ns_ip edge link set peer up
	weir edge apply "$TMP/wan.conf"
	ns_ip edge link show wan | grep -q 'prog/xdp' || fail "no program on the new device"
}

test_in_a_private_mount_namespace_apply_says_that_nothing_would_last() {
	build_pair
	echo 'interface wan { xdp auto }' >"$TMP/wan.conf"
	local status=0
	ip netns exec "$NS_PREFIX-edge" "$WEIR" -i "$NS_PREFIX-edge" apply "$TMP/wan.conf" \
		2>"$TMP/said" || status=$?
	assert_eq 5 "$status" "exit status"
	assert_contains "$(cat "$TMP/said")" "weir -n NETNS"
}

test_a_detach_that_is_killed_can_be_finished() {
	command -v strace >/dev/null || skip "no strace"
	build_pair
	local n points="1 3 5 7 9"
	# A virtual machine has time for few.
	[ -z "${WEIR_IN_VM:-}" ] || points="1 5 9"
	for n in $points; do
		weir edge apply "$TMP/balance.conf" >/dev/null
		(strace -qq -o /dev/null -e inject=unlink:signal=KILL:when="$n" \
			"$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" detach --all || true) \
			>/dev/null 2>&1
		weir edge apply "$TMP/balance.conf" >/dev/null || fail "apply after a kill at unlink $n"
		weir edge detach --all >/dev/null || fail "detach after a kill at unlink $n"
		[ ! -e "/sys/fs/bpf/weir/$NS_PREFIX-edge" ] || fail "left after a kill at unlink $n"
	done
}

test_a_full_disk_is_no_success() {
	local status=0
	"$WEIR" version >/dev/full 2>"$TMP/said" || status=$?
	assert_eq 1 "$status" "exit status"
	assert_contains "$(cat "$TMP/said")" "cannot write"
}

# older_version MAPS: as if the image that is pinned there were another version's.
older_version() {
	python3 - "$1/weir_image" "$("$WEIR" -j version)" <<-'END'
		import ctypes, json, mmap, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def bpf(command, attributes):
		    room = ctypes.create_string_buffer(attributes, 128)
		    fd = libc.syscall(321, command, room, 128)
		    assert fd >= 0, os.strerror(ctypes.get_errno())
		    return fd
		GET, LOOK_UP, BY_ID = 7, 1, 14
		path = ctypes.create_string_buffer(sys.argv[1].encode())
		abi = json.loads(sys.argv[2])["abi"]
		key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(4)
		outer = bpf(GET, struct.pack("Q", ctypes.addressof(path)))
		bpf(LOOK_UP, struct.pack("I4xQQ", outer, ctypes.addressof(key), ctypes.addressof(value)))
		with mmap.mmap(bpf(BY_ID, value.raw), mmap.PAGESIZE) as image:
		    # The first generation, when it was built, and the ABI.
		    at = next(i for i in range(0, mmap.PAGESIZE, 8)
		              if struct.unpack_from("Q8xI", image, i) == (1, abi))
		    struct.pack_into("I", image, at + 16, abi - 1)
	END
}

test_another_version_is_refused_and_can_be_taken_away() {
	local folder command said
	build_pair
	weir edge apply "$TMP/balance.conf"
	folder=$(echo /sys/fs/bpf/weir/"$NS_PREFIX-edge"/ns-*)
	older_version "$folder/maps-1"
	# It has a map that this version does not know, and lacks one.
	mv "$folder/maps-1/weir_pmtu" "$folder/maps-1/weir_older"
	for command in status "show filter" "apply $TMP/balance.conf" "detach wan"; do
		# shellcheck disable=SC2086
		said=$(assert_fails 6 weir edge $command 2>&1)
		assert_contains "$said" "another version of weir (ABI "
	done
	weir edge detach --all
	[ ! -e "$folder" ] || fail "$(ls -R "$folder")"
	weir edge apply "$TMP/balance.conf"
}

run_tests "$@"
