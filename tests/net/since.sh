#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two moments compared: what is in which, how long they are, and what cannot be.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_latency.sh
. "$(dirname "$0")/lib_latency.sh"

# put AGO MICROSECONDS COUNT: samples of eth0's wire, AGO columns of 15 s before now.
put() {
	"$ROOT/tests/tools/heat_put.py" \
		"$(find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name weir_heat)" 0 0 "$@"
}

# build_silent WORK [MORE-CONFIG]: near alone; nothing passes its eth0.
build_silent() {
	ns_add near
	ns_ip near link add eth0 type veth peer name eth1
	ns_ip near link set eth0 up
	weir near apply - <<<"interface eth0 { $1 }; ${2:-}"
}

# moment TIME FIELD OPTION...: of eth0's wire.
moment() {
	local time=$1 field=$2
	shift 2
	weir near -j latency "$@" | python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin)["latency"]
        if (r["direction"], r["time"]) == ("wire", sys.argv[1])]
print(rows[0][sys.argv[2]] if rows else "none")' "$time" "$field"
}

# All stay where they are when the clock goes one column on in between.
test_samples_are_of_the_moment_in_which_they_came() {
	local out p50
	build_silent 'tc; measure'
	put 1 10000 7
	put 3 40000 5
	put 7 80000 3
	assert_eq 7 "$(moment since count --since 30s)" "samples of the last half minute"
	assert_eq 5 "$(moment before count --since 30s)" "samples of the half minute before"
	p50=$(moment before p50_ns --since 30s)
	assert_between $((40000000 * 7 / 8)) $((40000000 * 9 / 8)) "$p50" "median of before, in ns"
	p50=$(moment since p50_ns --since 30s)
	assert_between $((10000000 * 7 / 8)) $((10000000 * 9 / 8)) "$p50" "median of since, in ns"
	assert_eq 15 "$(moment since count --since 3m)" "samples of the last three minutes"
	assert_eq 0 "$(moment before count --since 3m)" "samples of those before"
	out=$(weir near latency --since 30s eth0)
	assert_eq 1 "$(grep -cE '^eth0  wire +since +7  ' <<<"$out")" "lines of since in: $out"
	assert_eq 1 "$(grep -cE '^eth0  wire +before +5  ' <<<"$out")" "lines of before in: $out"
	assert_eq 1 "$(grep -cE '^eth0  host +before +0  none$' <<<"$out")" "idle lines in: $out"
	assert_contains "$out" '"before" the 30s before that'
}

# need_uptime MINUTES: heat maps begin with the clock.
need_uptime() {
	local up
	read -r up _ </proc/uptime
	[ "${up%.*}" -ge $(($1 * 60)) ] || skip "this machine is not up for $1 minutes"
}

test_moments_are_as_long_as_they_are_said_to_be() {
	local seconds
	need_uptime 66
	build_silent 'tc; measure'
	seconds=$(moment since seconds --since 15s)
	assert_between 15 29 "$seconds" "seconds of since"
	assert_eq 15 "$(moment before seconds --since 15s)" "seconds of before"
	seconds=$(moment since seconds --since 40m)
	assert_between 2400 2414 "$seconds" "seconds of since"
	seconds=$(moment before seconds --since 40m)
	assert_between $((3840 - 2400 - 30)) $((3840 - 2400)) "$seconds" "seconds of before"
	assert_contains "$(weir near latency --since 40m)" '"before" only the 23m '
	assert_eq none "$(moment before seconds --since 64m)" "what there is before all"
	assert_contains "$(weir near latency --since 64m)" "write 32m or less to compare"
}

# refuses CODE TEXT ARGUMENT...: weir exits with CODE, says TEXT, and prints nothing else.
refuses() {
	local code=$1 text=$2 out
	shift 2
	out=$(assert_fails "$code" weir near "$@" 2>&1)
	assert_contains "$out" "$text"
}

test_what_cannot_be_compared_is_refused_with_what_can() {
	build_silent 'tc; measure' 'service web { address 192.0.2.1; port tcp 80; forward l2
		backend b1 10.0.0.2 }'
	refuses 2 'columns of 15 seconds; write 15s or more' latency --since 10s
	refuses 2 'write 64m or less' latency --since 65m
	refuses 2 'weir top latency web -w 60' latency --since 5m web
	refuses 2 'heat maps are kept of interfaces' latency heatmap b1
	refuses 2 'heat maps are kept of interfaces' latency --since 5m --prefix
	refuses 2 'weir top path -w 60' latency path --since 5m
	refuses 3 'did you mean "eth0"?' latency --since 5m eth9
	refuses 2 'usage: weir latency --since TIME [INTERFACE]' latency --since 5m eth0 eth0
}

run_tests "$@"
