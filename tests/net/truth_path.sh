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

# chosen_by LEAST MOST KEY=VALUE... -- OPTION...: of packets that wait in near's qdisc, pass the
# wire and are read by far's process, these are told with OPTION.
chosen_by() {
	local wanted=()
	while [ "$1" != -- ]; do
		wanted+=("$1")
		shift
	done
	shift
	watch_slow near "$OVER_MS" "$@"
	flows near 10.0.0.2 flows 4 ask 1000
	told "${wanted[@]}"
}

test_what_waited_early_is_chosen_by_who_reads_it_and_by_all_that_it_passes() {
	local pid
	build_line 0 0
	pid=${flows_pids[10.0.0.2]}
	ns_exec near tc qdisc add dev eth0 root tbf rate 80kbit burst 1600 limit 60000
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	chosen_by 2 40 stage=qdisc from=eth0 "pid=$pid" process=flows -- --pid "$pid"
	chosen_by 2 40 stage=qdisc from=eth0 -- --interface "eth0@$NS_PREFIX-near"
	chosen_by 2 40 stage=qdisc from=eth0 -- --interface "eth1@$NS_PREFIX-wire"
	chosen_by 2 40 stage=qdisc from=eth0 -- --interface "eth0@$NS_PREFIX-far"
	chosen_by 2 40 stage=qdisc from=eth0 -- --in "$NS_PREFIX-far"
	chosen_by 0 0 -- --pid "$$"
	chosen_by 0 0 -- --interface lo
}

test_what_the_wire_holds_is_chosen_by_who_reads_it_and_by_all_that_it_passes() {
	local pid
	build_line "$SLOW_US" 0
	pid=${flows_pids[10.0.0.2]}
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	chosen_by 4 12 stage=forward "pid=$pid" process=flows -- --pid "$pid"
	chosen_by 4 40 stage=forward -- --interface "eth0@$NS_PREFIX-near"
	chosen_by 4 40 stage=forward -- --in "$NS_PREFIX-far"
	chosen_by 0 0 -- --interface lo
}

# queue_and_reader SECONDS: two packets at once, of which the second waits a tenth of a second in
# near's qdisc; then far's process lets them lie for so long.
queue_and_reader() {
	build_line 0 0
	ns_exec near tc qdisc add dev eth0 root tbf rate 80kbit burst 1600 limit 60000
	start_ready far "$TMP/reader.log" ready python3 -uc '
import socket, sys, time
s = socket.create_server(("10.0.0.2", 81))
print("ready")
c, _ = s.accept()
while True:
    time.sleep(float(sys.argv[1]))
    if not c.recv(65536): break
    c.sendall(b"x")' "$1"
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	watch_slow near 40 --port 81
	ns_exec near python3 -c '
import socket
c = socket.create_connection(("10.0.0.2", 81))
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
c.sendall(b"?" * 1200)
c.sendall(b"!" * 800)
c.recv(1)
c.settimeout(0.5)
try: c.recv(1)
except TimeoutError: pass'
	wait_for 20 all_is_said near
	wait_for 20 all_is_said far
	kill -INT "$watcher"
	wait "$watcher"
	cat "$TMP/slow"
}

test_a_packet_that_waits_in_two_stages_has_one_line() {
	queue_and_reader 0.25
	python3 - "$TMP/slow" "$started" <<-'END' || fail "lines"
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		packets = [(l["sport"], l["seq"]) for l in lines if l["saddr"] == "10.0.0.1" and "psh" in l["flags"]]
		assert len(packets) == len(set(packets)), "told twice"
		both = [l for l in lines if l["delays_ns"].get("qdisc", 0) > 40e6 and l["delays_ns"].get("app", 0) > 40e6]
		assert both, "none waited in both"
		for line in both:
		    assert line["pid"] == int(sys.argv[2]) and line["process"] == "python3", line
		    assert line["delay_ns"] == max(line["delays_ns"].values()), line
		    assert line["total_ns"] > line["delays_ns"]["qdisc"] + line["delays_ns"]["app"], line
		    assert not line["again"], line
	END
}

# Told as far as it came a second after it was seen last, and again when it is read.
test_a_packet_that_nobody_reads_is_told_as_far_as_it_came() {
	queue_and_reader 2.5
	python3 - "$TMP/slow" <<-'END' || fail "lines"
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		first = [l for l in lines if l["stage"] == "qdisc" and "psh" in l["flags"] and "pid" not in l]
		assert first and not any(l["again"] for l in first), lines
		for line in first:
		    later = [l for l in lines if l["seq"] == line["seq"] and l["sport"] == line["sport"] and l["again"]]
		    assert len(later) == 1 and later[0]["stage"] == "app" and "pid" in later[0], (line, later)
		    assert later[0]["delays_ns"]["qdisc"] == line["delays_ns"]["qdisc"]
	END
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

# Nobody answers who has far's address, until near is told.
test_the_sender_that_waits_for_a_MAC_address() {
	local asked
	build_line 0 0
	ns_sysctl far net.ipv4.conf.all.arp_ignore=8
	measure_path near
	ns_ip near neighbour del 10.0.0.2 dev eth0
	flows near 10.0.0.2 &
	asked=$!
	wait_for 5 near_looks_for_it
	sleep 0.15
	ns_ip near neighbour replace 10.0.0.2 dev eth0 lladdr "$(mac far eth0)"
	wait "$asked"
	told 1 1 stage=send saddr=10.0.0.1 from=eth0 to=eth0 "delay=$OVER_MS"
}

near_looks_for_it() {
	ns_ip near neighbour show 10.0.0.2 | grep -q INCOMPLETE
}

# near's end of the veth takes packets in a thread, whose CPU another process has, five times.
test_the_CPU_that_a_veth_waits_for() {
	local status=0 thread starve=$ROOT/tests/tools/starve.py
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	know_each_other near 10.0.0.1 2001:db8::1 far 10.0.0.2 2001:db8::2
	start_ready far "$TMP/starve.log" ready "$starve" serve 10.0.0.2 81 1
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	pgrep napi/ | sort >"$TMP/threads" || true
	ip netns exec "$NS_PREFIX-near" bash -c 'echo 1 >/sys/class/net/eth0/threaded' ||
		skip "no threads of NAPI"
	thread=$(pgrep napi/eth0 | sort | comm -13 "$TMP/threads" - | head -n 1)
	taskset -pc 0 "$thread"
	watch_slow near "$OVER_MS" --port 81
	ns_exec near "$starve" ask 10.0.0.2 81 5 400 "$thread" || status=$?
	[ "$status" != 77 ] || skip "no process may keep a CPU"
	assert_eq 0 "$status" "exit status of who asks"
	told 5 15 stage=hop saddr=10.0.0.2 "from=eth0@$NS_PREFIX-far" to=eth0 "delay=$OVER_MS"
}

# near's end of the veth may keep what GRO could make longer for so long behind XDP: of a whole
# segment, which asks for no haste, it hopes for a next one.
test_the_device_that_waits_for_more() {
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	ns_exec far ethtool -K eth0 tso off gso off
	ns_exec near ethtool -K eth0 gro on
	start_ready far "$TMP/sender.log" ready python3 -uc '
import socket, time
s = socket.create_server(("10.0.0.2", 81))
print("ready")
c, _ = s.accept()
size = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
for _ in range(5):
    c.recv(1)
    c.send(b"x" * size, socket.MSG_MORE)
c.recv(1)'
	weir near apply - <<<"interface eth0 { xdp native; measure path sample 1/1 }"
	ip netns exec "$NS_PREFIX-near" bash -c "echo ${SLOW_US}000 >/sys/class/net/eth0/gro_flush_timeout"
	watch_slow near "$OVER_MS" --port 81
	ns_exec near python3 -c '
import socket
c = socket.create_connection(("10.0.0.2", 81))
for _ in range(5):
    c.sendall(b"?")
    c.recv(65536)'
	told 5 5 stage=driver saddr=10.0.0.2 from=eth0 to=eth0 "delay=$OVER_MS"
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
