#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packets wait at one place, which is known: every one that is slow is blamed on
# it, and on nothing else. 150 ms are slow and 100 are not: a busy machine has its
# own hiccups.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3
readonly SLOW_US=150000 OVER_MS=100

# measure_path NAME [MORE-CONFIG]: and watch. What NAME sends is followed wherever it goes.
measure_path() {
	weir "$1" apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }; ${2:-}"
	watch_slow "$1" "$OVER_MS" --port 80
}

# count_packets: all of TCP that pass near's eth0, until counted.
count_packets() {
	capture near eth0 "$TMP/count.pcap" tcp or udp dst port 9
}

# packets_from ADDRESS: how many were captured.
packets_from() {
	mark_end near 10.0.0.2 "$TMP/count.pcap"
	tcpdump -nr "$TMP/count.pcap" tcp and src host "$1" 2>/dev/null | wc -l
}

# slow_wire THERE_US BACK_US NAME ADDRESS IF0 IF1: what NAME, at ADDRESS, sends waits in
# the process that is the wire, between two devices of another namespace.
slow_wire() {
	local sent
	build_line "$1" "$2"
	measure_path "$3"
	count_packets
	flows near 10.0.0.2 flows 5 rounds 3
	wait_for 20 all_is_said near
	wait_for 20 all_is_said far
	sent=$(packets_from "$4")
	told "$sent" "$sent" stage=forward "saddr=$4" "from=$5@$NS_PREFIX-wire" "to=$6@$NS_PREFIX-wire" \
		"delay=$((SLOW_US / 1000 - 1))"
}

test_the_wire_there() {
	slow_wire "$SLOW_US" 0 near 10.0.0.1 eth0 eth1
}

test_the_wire_back() {
	slow_wire 0 "$SLOW_US" far 10.0.0.2 eth1 eth0
}

test_no_place_without_delay() {
	build_line 0 0
	measure_path near
	flows near 10.0.0.2 flows 10 rounds 50
	told 0 0
}

# A bucket that lets one of four questions pass at once, and then one every 107 ms.
test_the_queueing_discipline() {
	build_line 0 0
	ns_exec near tc qdisc add dev eth0 root tbf rate 80kbit burst 1600 limit 60000
	measure_path near
	flows near 10.0.0.2 flows 4 ask 1000
	# Behind three questions may wait what acknowledges answers, questions asked again and
	# FINs; what waited less is slow with all that came after it.
	told 3 40 stage=qdisc saddr=10.0.0.1 from=eth0 delay=10
}

# Its process is stopped while it is asked, five times.
test_the_process_that_reads() {
	local pid asked i
	build_line 0 0
	pid=${flows_pids[10.0.0.2]}
	measure_path near
	for ((i = 0; i < 5; i++)); do
		kill -STOP "$pid"
		flows near 10.0.0.2 &
		asked=$!
		# That long it does not read.
		sleep 0.15
		kill -CONT "$pid"
		wait "$asked"
	done
	told 5 5 stage=app saddr=10.0.0.1 "pid=$pid" process=flows "delay=$OVER_MS"
}

# Who reads sleeps until he is asked, and then another process has his CPU, five times.
test_the_CPU_that_the_reader_waits_for() {
	local status=0 starve=$ROOT/tests/tools/starve.py
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	build_line 0 0
	start_ready far "$TMP/starve.log" ready "$starve" serve 10.0.0.2 81
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	watch_slow near "$OVER_MS" --port 81
	ns_exec near "$starve" ask 10.0.0.2 81 5 400 "${started:?}" || status=$?
	[ "$status" != 77 ] || skip "no process may keep a CPU"
	assert_eq 0 "$status" "exit status of who asks"
	told 5 5 stage=wake saddr=10.0.0.1 "pid=$started" process=python3 "delay=$OVER_MS"
	woken_is "$started" python3
}

# woken_is PID PROCESS: whom the packets told of woke. Where more than 10 us passed
# between the socket and the waking, as on a busy machine, a packet names nobody.
woken_is() {
	python3 -c '
import json, sys
named = [e for e in map(json.loads, sys.stdin) if e.get("woken_pid")]
print(len(named), "name who was woken")
assert named and all([str(e["woken_pid"]), e["woken_process"]] == sys.argv[1:] for e in named), named' \
		"$@" <"$TMP/slow"
}

# The wire's own process stands between two devices that are measured.
test_a_process_that_forwards() {
	local sent
	build_line "$SLOW_US" 0
	measure_path wire 'interface eth1 { xdp native; measure path sample 1/1 }'
	count_packets
	flows near 10.0.0.2 flows 5 rounds 3
	wait_for 20 all_is_said near
	wait_for 20 all_is_said far
	sent=$(packets_from 10.0.0.1)
	told "$sent" "$sent" stage=forward saddr=10.0.0.1 from=eth0 to=eth1 "delay=$((SLOW_US / 1000 - 1))"
}

run_tests "$@"
