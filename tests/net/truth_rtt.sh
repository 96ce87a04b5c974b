#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round-trip times are those that a capture of the same packets shows: at least
# 99 % of the samples, and p50 within 2 % or 50 us.
#
# Flows with and without timestamps share a test where that saves time; with
# WEIR_TRUTH=all the longer ones have a run of each, and more of everything.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3

# over_a_line MICROSECONDS01 MICROSECONDS10 [FLOWS-OPTION VALUE]...: what near sees of
# flows to far.
over_a_line() {
	local there=$1 back=$2
	shift 2
	build_line "$there" "$back"
	truth_begin near eth0 'xdp native'
	flows near 10.0.0.2 "$@"
	truth_end near eth0 10.0.0.2
	truth_holds eth0 tcp+ack handshake
}

# through_the_middle FLOWS-OPTION...: what mid sees on the side of near.
through_the_middle() {
	truth_begin mid eth0 'xdp native'
	flows near 10.0.1.2 "$@"
	truth_end mid eth0 10.0.0.1
	truth_holds eth0 tcp+ack handshake
}

# again_without_timestamps FUNCTION...: the same once more.
again_without_timestamps() {
	"$@"
	weir mid detach --all >/dev/null
	echo "without timestamps:"
	without_timestamps near far
	"$@"
}

# only_in_full WHAT
only_in_full() {
	[ "${WEIR_TRUTH:-}" = all ] || skip "$1: with WEIR_TRUTH=all"
}

# --- delays

test_a_delay_of_200_us() {
	over_a_line 80 120 flows 10 rounds 60 pause 200
}

test_a_delay_of_1_ms() {
	over_a_line 300 700 flows 10 rounds 40 pause 300
}

test_a_delay_of_20_ms() {
	over_a_line 15000 5000 flows 20 rounds 20
}

test_a_second_with_a_thousand_segments_on_their_way() {
	build_line 502500 502500
	roomy_windows near far
	truth_begin near eth0 'xdp native'
	flows_both near 10.0.0.2 ask 30008 chunk 20 pause 1000
	truth_end near eth0 10.0.0.2
	truth_holds eth0 tcp+ack
}

# --- a box in the middle, with another delay on either side

test_both_sides_of_the_middle_and_every_kind() {
	build_middle 4000 6000 300 700
	name_server far 10.0.1.2
	start_ready far "$TMP/spin.log" ready "$ROOT/tests/tools/spin.py" serve 10.0.1.2
	truth_begin mid eth0 'xdp native'
	ns_exec near ping -q -i 0.01 -c 100 10.0.1.2 >/dev/null
	ns_exec near ping -q -i 0.01 -c 100 2001:db8:1::2 >/dev/null
	flows near 10.0.1.2 flows 10 rounds 20
	flows near 2001:db8:1::2 flows 10 rounds 20
	ns_exec near "$ROOT/tests/tools/dns_client.py" 10.0.1.2 a.example 100 3
	ns_exec near "$ROOT/tests/tools/spin.py" ask 10.0.1.2 spin 4 500 2
	truth_end mid eth0 10.0.0.1
	# Each flow has to show that its spin bit is one.
	truth_holds eth0 tcp+ack handshake icmp dns quic:16
}

test_the_middle_without_timestamps() {
	build_middle 4000 6000 300 700
	without_timestamps near
	through_the_middle flows 20 rounds 20
}

test_generic_XDP_and_tc_see_the_same() {
	local work
	build_middle 4000 6000 300 700
	for work in 'xdp generic' tc; do
		truth_begin mid eth0 "$work"
		flows near 10.0.1.2 flows 10 rounds 20
		truth_end mid eth0 10.0.0.1
		truth_holds eth0 tcp+ack handshake
		weir mid detach --all >/dev/null
	done
}

test_jitter() {
	build_middle 3000 5000 500 500 jitter 4000
	again_without_timestamps through_the_middle flows 20 rounds 20
}

test_one_percent_is_lost() {
	build_middle 3000 5000 500 500 loss 1
	one_by_one near mid far
	again_without_timestamps through_the_middle flows 50 rounds 4 answer 30000
}

test_five_percent_are_lost() {
	build_middle 3000 5000 500 500 loss 5
	one_by_one near mid far
	through_the_middle flows 100 answer 20000
}

test_five_percent_are_lost_without_timestamps() {
	build_middle 3000 5000 500 500 loss 5
	one_by_one near mid far
	without_timestamps near
	through_the_middle flows 100 answer 20000
}

# So many that a percent of them is seen.
many_lost() {
	only_in_full "60 s"
	build_middle 3000 5000 500 500 loss "$1"
	one_by_one near mid far
	again_without_timestamps through_the_middle flows 300 rounds 4 answer 30000
}

test_one_percent_of_many_is_lost() {
	many_lost 1
}

test_five_percent_of_many_are_lost() {
	many_lost 5
}

test_five_percent_are_overtaken() {
	build_middle 3000 5000 500 500 reorder 5 late 2000
	one_by_one near mid far
	again_without_timestamps through_the_middle flows 50 rounds 30 answer 30000
}

# --- how many, how much, how little

test_one_flow() {
	over_a_line 3000 2000 rounds 120
}

test_a_hundred_and_a_thousand_flows() {
	build_middle 3000 5000 500 500
	through_the_middle flows 100 rounds 5
	weir mid detach --all >/dev/null
	without_timestamps near far
	through_the_middle flows 1000 rounds 2
}

test_ten_thousand_flows() {
	build_middle 3000 5000 500 500
	through_the_middle flows 10000
}

test_ten_thousand_flows_without_timestamps() {
	only_in_full "10 s"
	build_middle 3000 5000 500 500
	without_timestamps near
	through_the_middle flows 10000 rounds 3
}

test_a_download_and_an_upload() {
	build_middle 3000 5000 500 500
	again_without_timestamps bulk
}

bulk() {
	truth_begin mid eth0 'xdp native'
	flows near 10.0.1.2 answer 8000000
	flows near 10.0.1.2 ask 8000000
	truth_end mid eth0 10.0.0.1
	truth_holds eth0 tcp+ack
}

test_keep_alives_of_idle_flows_are_no_samples() {
	build_middle 3000 5000 500 500
	truth_begin mid eth0 'xdp native'
	flows_both near 10.0.1.2 flows 40 rounds 2 hold 2
	truth_end mid eth0 10.0.0.1
	truth_holds eth0 tcp+ack handshake
}

test_ports_used_again_at_once_are_other_flows() {
	build_middle 3000 5000 500 500
	again_without_timestamps same_ports
}

same_ports() {
	truth_begin mid eth0 'xdp native'
	for _ in 1 2 3; do
		flows near 10.0.1.2 flows 30 rounds 3 port 20000 abort 1
	done
	truth_end mid eth0 10.0.0.1
	truth_holds eth0 tcp+ack handshake
}

# --- ends of QUIC that do not spin

test_spin_bits_that_are_random_or_fixed_are_no_samples() {
	build_middle 3000 5000 500 500
	start_ready far "$TMP/spin.log" ready "$ROOT/tests/tools/spin.py" serve 10.0.1.2
	weir mid apply - <<<'interface eth0 { xdp native; measure }'
	ns_exec near "$ROOT/tests/tools/spin.py" ask 10.0.1.2 fixed 10 100 2
	assert_eq 0 "$(samples_of quic)" "samples of fixed spin bits"
	# Of about 5,000 edges.
	ns_exec near "$ROOT/tests/tools/spin.py" ask 10.0.1.2 random 10 500 2
	assert_between 0 50 "$(samples_of quic)" "samples of random spin bits"
}

run_tests "$@"
