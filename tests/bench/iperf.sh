#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What "measure rtt" takes of the throughput of TCP over a veth pair: iperf3 with
# and without it, in turn, in both orders. Prints each pair and the median of
# their ratios, for each way to attach; exit 1 when one is below 0.95.
#
#     make bench-iperf        PAIRS=8 SECONDS_EACH=1
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

readonly PAIRS=${PAIRS:-8} SECONDS_EACH=${SECONDS_EACH:-1}

# throughput CONFIG: bits received per second; "" is without weir.
throughput() {
	if [ -n "$1" ]; then
		weir near apply - <<<"interface eth0 { $1 }" >/dev/null
	elif [ -e "/sys/fs/bpf/weir/$NS_PREFIX-near" ]; then
		weir near detach --all >/dev/null
	fi
	ns_exec near iperf3 -c 10.0.0.2 -t "$SECONDS_EACH" -J |
		python3 -c 'import json, sys; print(round(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"]))'
}

# pairs WITHOUT WITH: a line for each, of both throughputs.
pairs() {
	local without with i
	for ((i = 0; i < PAIRS; i++)); do
		if ((i % 2)); then
			without=$(throughput "$1")
			with=$(throughput "$2")
		else
			with=$(throughput "$2")
			without=$(throughput "$1")
		fi
		echo "$without $with"
	done
}

# report NAME: of pairs on stdin. Fails below 0.95.
report() {
	python3 -c '
import statistics, sys
pairs = [tuple(map(int, line.split())) for line in sys.stdin]
for without, with_measure in pairs:
    print(f"{without / 1e9:8.2f} {with_measure / 1e9:8.2f} Gbit/s  {with_measure / without:.3f}")
median = statistics.median(b / a for a, b in pairs)
print(f"{sys.argv[1]}: {median:.3f} of the throughput without, median of {len(pairs)} pairs")
sys.exit(median < 0.95)' "$1"
}

build_pair() {
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	start_ready far "$TMP/iperf3.log" "listening" iperf3 -s --forceflush
}

test_tc_that_measures_beside_no_weir() {
	build_pair
	pairs "" "tc; measure rtt" | report "tc; measure rtt" || fail "below 0.95"
}

test_native_XDP_that_measures_beside_native_XDP() {
	build_pair
	pairs "xdp native" "xdp native; measure rtt" | report "xdp native; measure rtt" || fail "below 0.95"
}

command -v iperf3 >/dev/null || { echo "iperf3 is not installed; run scripts/setup test" >&2 && exit 77; }
run_tests "$@"
