#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round trips above a threshold are told, each one once, and no other: as many as
# a capture of the same packets has.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3
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
	headers_are_captured
}

# Each line has the numbers and the window of a packet that came.
headers_are_captured() {
	python3 -B "$ROOT/tests/tools/slow_headers.py" "$TMP/truth.pcap" <"$TMP/slow" ||
		fail "no such packets"
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

# stop_the_wire SECONDS: what passes waits so long more.
stop_the_wire() {
	kill -STOP "${wire_pid:?}"
	sleep "$1"
	kill -CONT "$wire_pid"
}

# Questions go on, one every 5 ms, while the wire stands still twice.
test_so_many_times_the_p99_is_slow_and_less_is_not() {
	build_line 10000 10000
	weir near apply - <<<'interface eth0 { xdp native; measure }'
	flows near 10.0.0.2 flows 20 rounds 10
	watch_slow_by_p99 5
	flows near 10.0.0.2 flows 5 rounds 10
	# Of fifty and more: a busy machine may stand still for once.
	assert_between 0 10 "$(wc -l <"$TMP/slow")" "slow packets before"
	flows near 10.0.0.2 flows 5 rounds 30 pause 5000 &
	local asking=$!
	sleep 0.1
	stop_the_wire 0.6
	wait "$asking"
	# Five times 20 ms at least.
	told 5 100 stage=rtt delay=100
}

# What is slow does not raise what is slow: the wire is ten times as long for hundreds of round trips.
test_an_incident_is_told_until_its_end() {
	local told=0 before round
	build_line 5000 5000
	weir near apply - <<<'interface eth0 { xdp native; measure rtt, path }'
	flows near 10.0.0.2 flows 20 rounds 20
	kill "${wire_pid:?}"
	wait "$wire_pid" || true
	watch_slow_by_p99 x3
	grep -qE "^weir: rtt over [2-9][0-9]\.[0-9] ms" "$TMP/slow.err" || fail "no threshold in: $(<"$TMP/slow.err")"
	grep -qx "weir: not watched until 100 packets were measured: send, .*" "$TMP/slow.err" ||
		fail "nothing of what is not watched in: $(<"$TMP/slow.err")"
	wire wire eth0 eth1 50000 50000
	for round in 1 2 3 4; do
		before=$told
		flows near 10.0.0.2 flows 20 rounds 3
		wait_for 5 more_is_told_than "$((before + 50))"
		told=$(wc -l <"$TMP/slow")
		echo "round $round: $told told"
	done
	told 240 2000 stage=rtt delay=90
}

more_is_told_than() {
	[ "$(wc -l <"$TMP/slow")" -gt "$1" ]
}

# Two connections, one after the other, with the same ends: the second may have to send its
# SYN again, where what broke the first one was lost.
test_a_connection_is_not_blamed_for_what_one_before_sent_again() {
	local before
	build_line 15000 15000 loss 20
	one_by_one near far
	weir near apply - <<<'interface eth0 { xdp native; measure path sample 1/1, loss }'
	watch_slow near 10 --host 10.0.0.1 --port 80
	flows near 10.0.0.2 flows 2 rounds 3 ask 30000 port 20000 abort 1
	kill "${wire_pid:?}"
	wait "$wire_pid" || true
	kill -INT "$watcher"
	wait "$watcher"
	grep -q '"saddr":"10.0.0.1".*"retransmits":[1-9]' "$TMP/slow" ||
		fail "no line after a retransmit in: $(<"$TMP/slow")"
	wire wire eth0 eth1 15000 15000
	# What aborted it may have been lost; far's process has its connections still.
	kill "${flows_pids[10.0.0.2]}"
	wait_for 5 nobody_is_connected far
	flows_server far 10.0.0.2
	watch_slow near 10 --host 10.0.0.1 --port 80
	before=$(resent near)
	flows near 10.0.0.2 flows 2 rounds 2 port 20000
	told 8 1000 stage=forward
	python3 - "$TMP/slow" "$before" "$(resent near)" <<-'END' || fail "retransmits"
		import json, sys
		most = {}
		for line in map(json.loads, open(sys.argv[1])):
		    most[line["sport"]] = max(most.get(line["sport"], 0), line["retransmits"])
		before, after = map(int, sys.argv[2:])
		print(f"{most} of {after - before}, after {before}")
		assert before >= 5 and sum(most.values()) <= after - before < before
	END
}

nobody_is_connected() {
	[ -z "$(ns_exec "$1" ss -tanH '! state listening')" ]
}

# What has no hundred samples has no p99.
test_without_samples_nothing_is_slow_by_p99() {
	build_line 10000 10000
	weir near apply - <<<'interface eth0 { xdp native; measure }'
	watch_slow_by_p99 1
	flows near 10.0.0.2 flows 3 rounds 3
	told 0 0
}

# A connection is told by both of its ends and the protocol.
test_one_connection_is_chosen_among_many() {
	build_line 30000 30000
	weir near apply - <<<'interface eth0 { xdp native; measure }'
	watch_slow near "$OVER_MS" --host 10.0.0.1 --host 10.0.0.2 --port 80 --port 20003 --proto tcp
	flows near 10.0.0.2 flows 8 rounds 4 port 20000
	ns_exec near ping -q -c 2 -i 0.01 10.0.0.2 >/dev/null
	told 4 20 stage=rtt 'sport=80|20003' 'dport=80|20003' proto=tcp
	watch_slow near "$OVER_MS" --proto icmp
	flows near 10.0.0.2 flows 2 rounds 2
	ns_exec near ping -q -c 3 -i 0.01 10.0.0.2 >/dev/null
	told 3 3 stage=rtt proto=icmp
}

# Lines of a connection that sent again say so, without "measure loss": as many at most as
# both kernels count.
test_a_slow_round_trip_tells_the_retransmits_of_its_connection() {
	build_line 5000 5000 loss 5
	one_by_one near far
	truth_begin near eth0 'xdp native'
	watch_slow near 9
	flows near 10.0.0.2 flows 16 ask 30000 answer 30000
	truth_end near eth0 10.0.0.2
	told 30 100000 stage=rtt
	headers_are_captured
	python3 - "$TMP/slow" "$(resent near)" "$(resent far)" <<-'END' || fail "retransmits"
		import json, sys
		most, whole, after = {}, 0, 0
		for line in map(json.loads, open(sys.argv[1])):
		    flow = frozenset(((line["saddr"], line["sport"]), (line["daddr"], line["dport"])))
		    assert line["retransmits"] >= most.get(flow, 0), line
		    most[flow] = line["retransmits"]
		    whole += line["retransmits"] == 0
		    after += line["retransmits"] > 0
		counted = sum(map(int, sys.argv[2:]))
		print(f"{after} after retransmits, {whole} without; {sum(most.values())} of {counted}")
		assert after >= 5 and whole >= 5 and 5 <= sum(most.values()) <= counted
	END
}

# resent NAME: segments that its TCP sent again.
resent() {
	ns_exec "$1" nstat -asz TcpRetransSegs | awk '/TcpRetransSegs/ { print $2 }'
}

# Every round trip is slow: more than a CPU may tell. None is missing from the sum.
test_what_is_suppressed_is_counted() {
	local told suppressed lost samples
	build_line 0 0
	weir near apply - <<<'interface eth0 { xdp native; measure }'
	watch_for near --over 256ns
	flows near 10.0.0.2 flows 40 rounds 150
	wait_for 20 all_is_said near
	wait_for 5 grep -q "more suppressed: over 1000 in a second on a CPU" "$TMP/slow.err"
	kill -INT "$watcher"
	wait "$watcher"
	read -r told suppressed lost < <(sed -n \
		's/^weir: \([0-9]*\) slow packets; \([0-9]*\) suppressed .*, \([0-9]*\) lost .*/\1 \2 \3/p' \
		"$TMP/slow.err")
	samples=$(weir near -j latency | python3 "$ROOT/tests/tools/lost.py" latency count interface=eth0)
	echo "$samples samples: $told told, $suppressed suppressed, $lost lost"
	assert_eq "$told" "$(wc -l <"$TMP/slow")" "lines"
	[ "$suppressed" -gt 0 ] || fail "nothing was suppressed"
	assert_between $((samples * 99 / 100)) "$samples" $((told + suppressed + lost)) "in all"
}

run_tests "$@"
