#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is lost, where and whose it was: as many as the kernel itself counts.
#
# Alone on the machine: what is late is sent again.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3

# build_pair: near and far, next door to each other; weir in near counts losses.
build_pair() {
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	weir near apply - <<<'interface eth0 { xdp auto; measure loss }'
}

# lost NAME WORD...: as tests/tools/lost.py, of what weir has in NAME.
lost() {
	local name=$1
	shift
	weir "$name" -j show drops | python3 "$ROOT/tests/tools/lost.py" "$@"
}

# datagrams PORT TIMES
datagrams() {
	ns_exec near python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2])):
    s.sendto(b"x" * 1000, ("10.0.0.2", int(sys.argv[1])))' "$@"
}

test_drops_have_their_reason_namespace_and_interface() {
	build_pair
	datagrams 9 25
	assert_eq 25 "$(of_kernel far Udp NoPorts)" "of the kernel's own count"
	assert_eq 25 "$(lost near drops packets reason=no-socket "interface=eth0@$NS_PREFIX-far" \
		"netns=$NS_PREFIX-far")" "for want of a socket, in far"
	assert_contains "$(weir near show drops)" "no-socket "
	weir far apply - <<<'interface eth0 { xdp auto; measure loss }'
	datagrams 9 10
	assert_eq 10 "$(lost far drops packets reason=no-socket interface=eth0)" "as far itself has it"
	assert_eq 35 "$(lost near drops packets reason=no-socket)" "as near has it"
}

test_what_a_socket_has_no_room_for_has_another_reason() {
	build_pair
	start_ready far "$TMP/full.log" ready python3 -uc '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind(("10.0.0.2", 9))
print("ready")
time.sleep(60)'
	datagrams 9 100
	local full
	full=$(of_kernel far Udp RcvbufErrors)
	assert_between 50 100 "$full" "datagrams without room"
	assert_eq "$full" "$(lost near drops packets reason=socket-rcvbuff \
		"interface=eth0@$NS_PREFIX-far")" "dropped for that"
	assert_eq 0 "$(lost near drops packets reason=no-socket)" "there is a socket"
}

test_nothing_is_lost_where_all_goes_well() {
	build_pair
	http_server far far 80 10.0.0.2
	assert_eq far "$(http_get near http://10.0.0.2/)" "answer"
	assert_eq 0 "$(lost near drops rows kind=retransmit)" "retransmits"
	assert_eq 0 "$(lost near drops rows kind=reset-sent)" "resets sent"
	assert_eq 0 "$(lost near drops rows kind=reset-received)" "resets received"
	assert_eq 0 "$(lost near drops rows kind=connect-failed)" "handshakes"
	# The FINs that lay there.
	assert_eq 0 "$(lost near drops rows reason=queue-purge)" "sockets that were closed"
	assert_eq 0 "$(lost near processes rows)" "processes that lost something"
	assert_eq 0 "$(lost near retransmits rows)" "flows that lost something"
}

# missed PROGRAM: how often the kernel did not run it, because it interrupted itself.
missed() {
	bpftool -j prog show | python3 -c '
import json, sys
print(sum(p.get("recursion_misses", 0) for p in json.load(sys.stdin) if p.get("name") == sys.argv[1]))' "$1"
}

# What is on the wire is lost; each end's retransmits are those of the kernel.
test_retransmits_are_those_of_the_flows_and_processes() {
	local sent least
	build_line 2000 2000 loss 5
	one_by_one near far
	weir near apply - <<<'interface eth0 { xdp auto; measure loss }'
	flows near 10.0.0.2 flows 8 rounds 4 ask 20000
	wait_for 20 all_is_said near
	sent=$(of_kernel near Tcp RetransSegs)
	least=$((sent - $(missed weir_resend)))
	echo "$sent retransmits, $least of which were seen"
	[ "$least" -ge 5 ] || fail "too few to tell"
	assert_between "$least" "$sent" "$(lost near drops packets kind=retransmit interface=eth0)" "by device"
	assert_between "$least" "$sent" "$(lost near retransmits retransmits to=10.0.0.2:80 process=flows)" "by flow"
	assert_between 2 8 "$(lost near retransmits rows)" "flows"
	assert_between "$least" "$sent" "$(lost near processes retransmits process=flows)" "by process"
	assert_eq 1 "$(lost near processes rows)" "processes"
	weir near show drops | tee "$TMP/drops"
	assert_contains "$(<"$TMP/drops")" " > 10.0.0.2:80 "
	assert_contains "$(<"$TMP/drops")" "flows["
	weir near latency reset
	assert_eq 0 "$(lost near drops rows kind=retransmit)" "by device after a reset"
	assert_eq 0 "$(lost near retransmits rows)" "flows after a reset"
	assert_eq 0 "$(lost near processes rows)" "processes after a reset"
}

# refused TIMES: connections to a port where nobody listens.
refused() {
	ns_exec near python3 -c '
import socket, sys
for _ in range(int(sys.argv[1])):
    try:
        socket.create_connection(("10.0.0.2", 81))
        sys.exit("somebody listens")
    except ConnectionRefusedError:
        pass' "$1"
}

test_refused_connections_are_resets_and_failed_handshakes() {
	build_pair
	refused 7
	assert_eq 7 "$(of_kernel near Tcp AttemptFails)" "of the kernel's own count"
	assert_eq 7 "$(lost near drops packets kind=connect-failed interface=eth0)" "handshakes"
	assert_eq 7 "$(lost near drops packets kind=reset-received interface=eth0)" "resets here"
	assert_eq 7 "$(lost near processes connects_failed process=python3)" "of the process"
	assert_eq 7 "$(lost near processes resets_received process=python3)" "to the process"
}

test_who_has_no_socket_for_a_connection_sends_resets() {
	build_pair
	refused 7
	assert_eq 7 "$(of_kernel far Tcp OutRsts)" "of the kernel's own count"
	assert_eq 7 "$(lost near drops packets kind=reset-sent "interface=eth0@$NS_PREFIX-far")" \
		"resets of far"
}

test_broken_connections_are_resets_of_both_processes() {
	build_pair
	flows_server far 10.0.0.2
	weir far apply - <<<'interface eth0 { xdp auto; measure loss }'
	flows near 10.0.0.2 flows 6 rounds 2 abort 1
	assert_eq 6 "$(of_kernel near Tcp OutRsts)" "of the kernel's own count"
	assert_eq 6 "$(lost near drops packets kind=reset-sent interface=eth0)" "by device"
	assert_eq 6 "$(lost near processes resets_sent process=flows)" "by who broke them"
	assert_eq 6 "$(lost far drops packets kind=reset-received interface=eth0)" "by far's device"
	assert_eq 6 "$(lost far processes resets_received "pid=${flows_pids[10.0.0.2]}")" \
		"by whose they were"
	assert_eq 0 "$(lost near drops rows kind=connect-failed)" "handshakes"
}

test_a_handshake_without_an_answer_fails_after_its_retransmits() {
	build_pair
	ns_ip near neighbour replace 10.0.0.9 dev eth0 lladdr 02:00:00:00:00:09
	ns_sysctl near net.ipv4.tcp_syn_retries=1
	ns_exec near python3 -c '
import socket, sys
try:
    socket.create_connection(("10.0.0.9", 80))
    sys.exit("somebody answers")
except TimeoutError:
    pass'
	local sent
	sent=$(of_kernel near Tcp RetransSegs)
	assert_between 1 10 "$sent" "SYNs sent again"
	assert_eq "$sent" "$(lost near retransmits retransmits to=10.0.0.9:80 process=python3)" "by flow"
	assert_eq 1 "$(lost near drops packets kind=connect-failed interface=eth0)" "handshakes"
	assert_eq 1 "$(lost near processes connects_failed process=python3)" "by process"
}

# A segment that comes while one before it is missing waits until that was sent again.
test_a_slow_packet_tells_the_retransmits_of_its_flow() {
	build_line 10000 10000 loss 5
	one_by_one near far
	weir wire apply - <<<'interface eth* { tc; measure path sample 1/1, loss }'
	"$WEIR" -n "$NS_PREFIX-wire" -i "$NS_PREFIX-wire" monitor slow --over 5ms --port 80 \
		</dev/null >"$TMP/slow" 2>"$TMP/talk" &
	local watcher=$!
	processes+=("$watcher")
	wait_for 5 grep -q watching "$TMP/talk"
	flows near 10.0.0.2 flows 8 rounds 3 ask 20000 answer 20000
	wait_for 20 all_is_said near
	kill -INT "$watcher"
	wait "$watcher" || fail "the monitor ended with $?: $(<"$TMP/talk")"
	weir wire -j show drops >"$TMP/drops.json"
	python3 - "$TMP/slow" "$TMP/drops.json" <<-'END' || fail "$(tail -n 3 "$TMP/slow")"
		import json, re, sys
		lost = json.load(open(sys.argv[2]))
		flows = {(r["from"], r["to"]): r["retransmits"] for r in lost["retransmits"]}
		most = {str(r["pid"]): r["retransmits"] for r in lost["processes"]}
		after = whole = of_process = 0
		for line in open(sys.argv[1]):
		    flow = re.search(r" tcp (\S+) > (\S+) ", line).groups()
		    m = re.search(r"  after (\d+) retransmits?(?:, (\d+) of the process)?$", line)
		    if not m:
		        whole += 1
		        continue
		    after += 1
		    assert 1 <= int(m[1]) <= flows[flow], (line, flows)
		    if m[2]:
		        of_process += 1
		        pid = re.search(r"  \S+\[(\d+)\]", line)[1]
		        assert 1 <= int(m[2]) <= most[pid], (line, most)
		print(f"{after} after retransmits, {of_process} with those of the process, {whole} without")
		assert after >= 5 and of_process >= 1 and whole >= 5
	END
}

# The kernel drops them as those of other hosts, whose they are.
test_frames_for_other_hosts_are_no_losses() {
	build_pair
	ns_exec near python3 -c '
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
frame = bytes.fromhex("020000000099" "020000000098" "0800") + ip + struct.pack("!HHHH", 9, 9, 8, 0)
for _ in range(9):
    s.send(frame)'
	datagrams 9 4
	weir near show drops | tee "$TMP/drops"
	assert_eq 0 "$(lost near drops rows reason=otherhost)" "rows of other hosts"
	assert_contains "$(<"$TMP/drops")" "no loss: 9 packets for other hosts"
	assert_eq 4 "$(lost near drops packets reason=no-socket)" "that were lost"
}

# pinned MAP: where it is pinned.
pinned() {
	find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name "$1"
}

# put_counters DROPS RETRANSMITS PROCESSES: each CPU has counted so much that found no place.
put_counters() {
	python3 - "$(pinned weir_path_cpu)" "$ROOT/include/weir/path.h" "$@" <<-'END'
		import re, struct, subprocess, sys
		path, header, *counts = sys.argv[1:]
		names = re.findall(r"X\((\w+), \"", open(header).read().split("define WEIR_PATH_COUNTERS")[1])
		value = dict(zip(("drops_full", "retransmits_evicted", "processes_evicted"), map(int, counts)))
		words = [value.get(name, 0) for name in names] + [0] * 8
		data = struct.pack(f"={len(words)}Q", *words)
		subprocess.run(["bpftool", "map", "update", "pinned", path, "key", "0", "0", "0", "0",
		                "value", "hex", *(f"{b:02x}" for b in data)], check=True)
	END
}

test_what_found_no_place_in_the_tables_is_told_with_what_helps() {
	local out cpus
	build_pair
	[[ $(weir near show drops) != *"the table has"* ]] || fail "all had its place"
	put_counters 2 3 5
	cpus=$(weir near -j show drops | python3 -c '
import json, sys
n = json.load(sys.stdin)["not_kept"]
cpus = n["drops_full"] // 2
assert cpus and n == {"drops_full": 2 * cpus, "retransmits_evicted": 3 * cpus, "processes_evicted": 5 * cpus}, n
print(cpus)')
	out=$(weir near show drops)
	assert_contains "$out" "$((2 * cpus)) packets are in no row above: the table has 2048 rows"
	assert_contains "$out" "$((3 * cpus)) flows that sent again gave way to later ones: the table has 2048"
	assert_contains "$out" "$((5 * cpus)) processes gave way to others: the table has 1024"
	assert_contains "$out" '"weir latency reset" empties the tables'
	[[ $(weir near top drops -w 0.2 -c 1) != *"the table has"* ]] || fail "nothing came in between"
	weir near latency reset
	[[ $(weir near show drops) != *"the table has"* ]] || fail "it was set to zero"
}

# A namespace that is gone has but its number.
test_a_namespace_without_a_name_is_told_once() {
	build_pair
	python3 - "$(pinned weir_drops)" <<-'END'
		import struct, subprocess, sys
		key = struct.pack("=QIIII", 1 << 40, 0, 3, 0, 0)
		value = struct.pack("=QQ", 1, 1)
		subprocess.run(["bpftool", "map", "update", "pinned", sys.argv[1],
		                "key", "hex", *(f"{b:02x}" for b in key),
		                "value", "hex", *(f"{b:02x}" for b in value)], check=True)
	END
	assert_eq 1 "$(weir near show drops | grep -cE " netns-$((1 << 40)) ")" "rows"
	[[ $(weir near show drops) != *"netns netns"* ]] || fail "twice"
}

# measure WHAT: instead of losses alone.
measure() {
	weir near apply - <<<"interface eth0 { xdp auto; measure $1 }"
}

test_what_needs_round_trips_is_said() {
	build_pair
	assert_contains "$(weir near show drops)" 'are counted with "measure rtt, loss"'
	measure 'rtt, loss'
	assert_contains "$(weir near show drops)" "eth0  wire  nothing"
}

test_a_receiver_that_becomes_full_is_a_zero_window() {
	local pid asking full
	build_pair
	measure 'rtt, loss'
	flows_server far 10.0.0.2
	pid=${flows_pids[10.0.0.2]}
	kill -STOP "$pid"
	flows near 10.0.0.2 flows 3 ask 8000000 &
	asking=$!
	wait_for 10 full_are 3
	kill -CONT "$pid"
	wait "$asking"
	full=$(ns_exec far nstat -asz TcpExtTCPToZeroWindowAdv | awk '/ToZero/ { print $2 }')
	echo "$full times full"
	assert_eq "$full" "$(lost near losses zero-windows interface=eth0 sender=wire)" "zero windows"
	assert_eq 0 "$(lost near losses zero-windows sender=host)" "of this host"
}

# full_are LEAST: so often was far full.
full_are() {
	[ "$(lost near losses zero-windows sender=wire)" -ge "$1" ]
}

test_duplicate_acknowledgements_are_those_of_a_capture() {
	local duplicates
	build_line 2000 2000 loss 5
	one_by_one near far
	truth_begin near eth0 'xdp native'
	flows near 10.0.0.2 flows 8 ask 60000
	truth_end near eth0 10.0.0.2
	duplicates=$("$ROOT/tests/tools/dup_acks.py" "$TMP/truth.pcap" 10.0.0.2)
	[ "$duplicates" -ge 10 ] || fail "too few to tell: $duplicates"
	assert_eq "$duplicates" "$(weir near -j latency |
		python3 "$ROOT/tests/tools/lost.py" losses duplicate-acks sender=wire)" "duplicates"
}

test_handshakes_are_counted_as_they_end() {
	build_pair
	measure 'rtt, loss'
	flows_server far 10.0.0.2
	refused 5
	flows near 10.0.0.2 flows 3
	assert_eq 8 "$(lost near losses handshakes-begun sender=host)" "begun"
	assert_eq 3 "$(lost near losses handshakes-done sender=host)" "done"
	assert_eq 5 "$(lost near losses handshakes-failed sender=host)" "failed"
	assert_eq 5 "$(lost near losses resets sender=wire)" "resets of far"
}

run_tests "$@"
