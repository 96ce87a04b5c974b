#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/tools/delay: other tests measure weir against it.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

build_wire() {
	ns_add near wire far
	veth near eth0 wire eth0
	veth wire eth1 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	delay_wire wire eth0 eth1 5000
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	wait_for 5 ns_exec near ping -c 1 -W 1 2001:db8::2
}

# smallest_rtt_us ADDRESS
smallest_rtt_us() {
	ns_exec near ping -q -c 20 -i 0.02 "$1" | sed -n 's/^rtt min.*= \([0-9]*\)\.\([0-9]*\)\/.*/\1\2/p'
}

test_a_frame_is_held_for_its_delay_both_ways() {
	local address rtt_us
	build_wire
	for address in 10.0.0.2 2001:db8::2; do
		rtt_us=$(smallest_rtt_us "$address")
		echo "$address: $rtt_us us"
		assert_between 10000 12000 "$rtt_us" "round trip over 2 x 5000 us"
	done
}

test_frames_larger_than_the_mtu_pass_with_offloads_on() {
	build_wire
	http_server far here 80 10.0.0.2
	assert_eq 5000000 "$(http_get near http://10.0.0.2/bytes/5000000 | wc -c)" "bytes received"
}

run_tests "$@"
