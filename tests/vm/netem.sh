#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round-trip times against delays, losses and reordering that the kernel makes:
# Linux 6.1 has netem and no tcx, so this is the clsact path as well; with
# WEIR_NETEM_KERNEL another one. Outside it starts the machine. It is emulated, and
# between weir and tcpdump may lie a millisecond: p50 may be off by 12 % or 1 ms, where
# net/truth_rtt wants 2 % or 50 us. The number of samples is held as strictly.
#
# Takes 160 s.
set -euo pipefail

cd "$(dirname "$0")/../.."
if [ -z "${WEIR_IN_VM:-}" ]; then
	exec scripts/vm run -k "${WEIR_NETEM_KERNEL:-6.1}" -t $((${WEIR_TEST_LIMIT_S:-600} - 20)) -- \
		env WEIR_TRUTH_P50_US=1000 WEIR_TRUTH_P50_PERCENT=12 \
		"WEIR_TEST_FILTER=${WEIR_TEST_FILTER:-*}" "$0"
fi
# shellcheck source=tests/net/lib.sh
. tests/net/lib.sh
# shellcheck source=tests/net/lib_truth.sh
. tests/net/lib_truth.sh

readonly TRIES=3

# near -- hop -- far: near measures, hop routes and delays. What near itself delayed
# would lie between weir, which is before the queueing discipline, and tcpdump.
build_link() {
	need_netem
	ns_add near hop far
	veth near eth0 hop eth0
	veth hop eth1 far eth0
	address near eth0 10.0.0.1/24
	address hop eth0 10.0.0.2/24
	address hop eth1 10.0.1.1/24
	address far eth0 10.0.1.2/24
	routing_on hop
	ns_ip near route add default via 10.0.0.2
	ns_ip far route add default via 10.0.1.1
	one_by_one near hop far
	wait_for 10 ns_exec near ping -c 1 -W 1 10.0.1.2
	flows_server far 10.0.1.2
}

# netem IF ARGUMENT...: what leaves hop there; eth1 is towards far.
netem() {
	local interface=$1
	shift
	ns_exec hop tc qdisc replace dev "$interface" root netem limit 10000 "$@"
}

# holds FLOWS-OPTION...: weir has what a capture has. Sets $p50_us, of TCP to the wire and back.
holds() {
	truth_begin near eth0 'xdp auto'
	flows near 10.0.1.2 "$@"
	truth_end near eth0 10.0.0.2
	truth_holds eth0 tcp+ack handshake
	p50_us=$(python3 -B tests/tools/median.py eth0 wire tcp <"$TMP/weir.json")
	weir near detach --all >/dev/null
}

# over NETEM_THERE NETEM_BACK FLOWS-OPTION...
over() {
	local there=$1 back=$2
	shift 2
	build_link
	# Words, not one.
	# shellcheck disable=SC2086
	netem eth1 $there
	# shellcheck disable=SC2086
	netem eth0 $back
	holds "$@"
}

test_a_netem_delay_of_10_ms_is_measured() {
	local base_us
	build_link
	holds flows 5 rounds 20
	base_us=$p50_us
	netem eth0 delay 10ms
	holds flows 5 rounds 20
	echo "base $base_us us, with netem $p50_us us"
	# A bucket is 1/64 off at most. What the emulated machine adds has no bound but that
	# of the capture, which holds() knows.
	assert_between $((10000 * 63 / 64)) 1000000 "$p50_us" "median in us"
}

test_a_second_is_measured() {
	over 'delay 502500us' 'delay 502500us' flows 50 rounds 2
	assert_between $((1005000 * 63 / 64)) 10000000 "$p50_us" "median in us"
}

test_what_is_lost_is_no_sample_with_1_percent() {
	over 'delay 4ms loss 1%' 'delay 6ms loss 1%' flows 20 rounds 3 answer 30000
}

test_what_is_lost_is_no_sample_with_5_percent() {
	over 'delay 4ms loss 5%' 'delay 6ms loss 5%' flows 20 rounds 3 answer 20000
}

test_what_is_reordered_by_jitter_is_measured() {
	over 'delay 4ms 2ms' 'delay 6ms 3ms' flows 20 rounds 3 answer 30000
}

test_what_overtakes_the_delay_is_measured() {
	over 'delay 4ms reorder 25% 50%' 'delay 6ms reorder 25% 50%' flows 20 rounds 3 answer 30000
}

# One queueing discipline of three holds what passes for 300 ms; more than 200 are slow,
# on a machine that is emulated.
blamed_on() {
	local interface=$1 saddr=$2
	build_link
	netem "$interface" delay 300ms
	weir near apply - <<<'interface eth0 { xdp auto; measure path sample 1/1 }'
	weir far apply - <<<'interface eth0 { xdp auto; measure path sample 1/1 }'
	watch_slow "$3" 200 --port 80
	flows near 10.0.1.2 flows 3 rounds 2
	told 10 40 stage=qdisc "saddr=$saddr" "from=$interface@$NS_PREFIX-hop" delay=290
}

test_what_waits_there_is_blamed_on_that_queue() {
	blamed_on eth1 10.0.0.1 near
}

test_what_waits_on_its_way_back_is_blamed_on_that_queue() {
	blamed_on eth0 10.0.1.2 far
}

test_nothing_is_blamed_without_delay() {
	build_link
	weir near apply - <<<'interface eth0 { xdp auto; measure path sample 1/1 }'
	watch_slow near 200 --port 80
	flows near 10.0.1.2 flows 3 rounds 10
	told 0 0
}

run_tests "$@"
