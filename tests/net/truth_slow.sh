#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round trips above a threshold are told, each one once, and no other: as many as
# a capture of the same packets has.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly OVER_MS=40

# slow_samples: how many a capture has that took so long, and those of them that are doubtful.
slow_samples() {
	python3 -B "$ROOT/tests/tools/rtt_oracle.py" "$TMP/truth.pcap" "$(mac near eth0)" --samples |
		awk -v over="${OVER_MS}000000" '$3 > over { n[$1 ~ /[?]$/]++ } END { print n[0] + 0, n[1] + 0 }'
}

# told_are_those LEAST FLOWS-OPTION...: of which at least LEAST must be slow.
told_are_those() {
	local least=$1 sure doubtful
	shift
	truth_begin near eth0 'xdp native'
	watch_slow near "$OVER_MS"
	flows near 10.0.0.2 "$@"
	truth_end near eth0 10.0.0.2
	read -r sure doubtful < <(slow_samples)
	echo "captured: $sure slow round trips, $doubtful doubtful ones"
	[ "$sure" -ge "$least" ] || fail "too few are slow to tell"
	# A threshold is in ticks of 256 ns, and stamps are some us apart: one in a hundred may differ.
	told $((sure * 99 / 100)) $(((sure + doubtful) * 101 / 100)) stage=rtt "delay=$OVER_MS"
}

test_every_slow_round_trip_is_told_and_no_other() {
	build_line 2000 2000 reorder 20 late 60000
	told_are_those 10 flows 10 rounds 10
}

test_without_timestamps_too() {
	build_line 2000 2000 reorder 20 late 60000
	without_timestamps near
	told_are_those 10 flows 10 rounds 10
}

test_nothing_is_told_without_delay() {
	build_line 1000 1000
	told_are_those 0 flows 20 rounds 20
}

test_a_filter_leaves_the_others_out() {
	build_line 30000 30000
	weir near apply - <<<'interface eth0 { xdp native; measure }'
	watch_slow near "$OVER_MS" --host 2001:db8::2
	flows near 10.0.0.2 flows 3 rounds 3
	flows near 2001:db8::2 flows 3 rounds 3
	told 9 30 stage=rtt 'saddr=2001:db8::2|2001:db8::1'
}

run_tests "$@"
