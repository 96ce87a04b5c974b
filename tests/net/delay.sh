#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/tools/delay: other tests measure weir against it.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly TRIES=3

# build_wire US01 US10 [OPTION VALUE]...
build_wire() {
	ns_add near wire far
	veth near eth0 wire eth0
	veth wire eth1 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	wire wire eth0 eth1 "$@"
	wire_pid=$started
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	wait_for 5 ns_exec near ping -c 1 -W 1 2001:db8::2
}

# smallest_rtt_us ADDRESS
smallest_rtt_us() {
	ns_exec near ping -q -c 20 -i 0.02 "$1" | sed -n 's/^rtt min.*= \([0-9]*\)\.\([0-9]*\)\/.*/\1\2/p'
}

test_a_frame_is_held_for_its_delay_both_ways() {
	local address rtt_us
	build_wire 5000 5000
	for address in 10.0.0.2 2001:db8::2; do
		rtt_us=$(smallest_rtt_us "$address")
		echo "$address: $rtt_us us"
		assert_between 10000 12000 "$rtt_us" "round trip over 2 x 5000 us"
	done
}

test_frames_larger_than_the_mtu_pass_with_offloads_on() {
	build_wire 5000 5000
	http_server far here 80 10.0.0.2
	assert_eq 5000000 "$(http_get near http://10.0.0.2/bytes/5000000 | wc -c)" "bytes received"
}

# one_way FROM TO ADDRESS COUNT PAUSE_US: sets $received, $late, $p1, $p50 and $p99 (us).
one_way() {
	local log=$TMP/one_way-$1-$2.log
	start_ready "$2" "$log" ready "$ROOT/tests/tools/one_way.py" receive "$3" 7
	ns_exec "$1" "$ROOT/tests/tools/one_way.py" send "$3" 7 "$4" "$5"
	wait_for 5 grep -q received "$log"
	read -r _ received _ late _ p1 _ p50 _ p99 < <(grep received "$log")
	echo "$1 to $2: $received of $4, $late late, $p1 to $p99 us, half of them in $p50 us"
}

# counted DIRECTION NAME: what the wire says that it did, at its end.
counted() {
	sed -n "s/^$1: .*$2 \\([0-9]*\\).*/\\1/p" "$TMP/delay-wire.log"
}

end_wire() {
	kill "$wire_pid"
	wait "$wire_pid"
}

# A busy machine adds to every delay and takes from none: so no test here says
# how late a frame may be at most.

test_each_direction_has_a_delay_of_its_own() {
	local there
	build_wire 2000 40000
	one_way near far 10.0.0.2 100 1000
	there=$p50
	assert_between 2000 39999 "$there" "from near to far, in us"
	one_way far near 10.0.0.1 100 1000
	assert_between 40000 1000000 "$p50" "from far to near, in us"
	assert_eq "100 0" "$received $late" "received and late"
}

test_jitter_adds_up_to_its_value_and_lets_nothing_overtake() {
	build_wire 2000 2000 jitter 4000 seed 7
	one_way near far 10.0.0.2 300 3000
	assert_between 2000 "$p50" "$p1" "the shortest, in us"
	assert_between 3200 "$p99" "$p50" "half, in us"
	assert_between 5500 1000000 "$p99" "the longest, in us"
	assert_eq "300 0" "$received $late" "received and late"
}

test_what_is_lost_and_what_is_late_are_the_stated_shares() {
	build_wire 1000 1000 loss 5 reorder 10 late 3000
	one_way near far 10.0.0.2 1000 500
	end_wire
	# Six standard deviations of 1,000 throws.
	assert_between 910 990 "$received" "received"
	assert_between 45 155 "$late" "overtaken"
	assert_between $((1000 - received)) 100 "$(counted eth0 lost)" "lost, as the wire says"
	assert_between "$late" 200 "$(counted eth0 late)" "held, as the wire says"
}

run_tests "$@"
