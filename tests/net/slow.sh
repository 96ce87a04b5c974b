#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Known delays, as the commands on latency tell them: over time, by client, by
# stage, and packet by packet.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_latency.sh
. "$(dirname "$0")/lib_latency.sh"

readonly TRIES=3
readonly DELAY_US=20000

# build_pair MEASURE [DELAY]: near -- far, with DELAY_US there and back together.
build_pair() {
	build_measured "measure $1" 'latency { prefix 24 48 }' ${2:+$((DELAY_US / 2))}
}

# watch ARGUMENT...: monitor slow in the background, to $TMP/slow and $TMP/talk.
watch() {
	: >"$TMP/talk"
	nsenter --net="/run/netns/$NS_PREFIX-near" "$WEIR" -i "$NS_PREFIX-near" monitor slow "$@" \
		</dev/null >"$TMP/slow" 2>"$TMP/talk" &
	started=$!
	processes+=("$started")
	wait_for 5 grep -q watching "$TMP/talk"
}

# unwatch: end it; it must exit with 0.
unwatch() {
	kill -INT "$started"
	wait "$started" || fail "the monitor ended with $?: $(cat "$TMP/talk")"
}

lines_are() {
	[ "$(wc -l <"$TMP/slow")" -ge "$1" ]
}

test_a_delay_shows_over_time_by_client_and_in_pictures() {
	local out
	build_pair rtt delay
	get 10
	out=$(weir near latency --since 5m)
	assert_between 1 1 "$(grep -cE '^eth0  wire +since .* (1[7-9]|2[0-9])\.[0-9] ms' <<<"$out")" \
		"lines of $DELAY_US us in: $out"
	assert_contains "$out" "before            0  none"
	out=$(weir near latency --prefix)
	assert_contains "$out" "10.0.0.0/24"
	out=$(weir near latency heatmap)
	assert_contains "$out" "eth0 wire: round-trip times"
	assert_eq 1 "$(grep -cE '^  20 ms .*[.:+*#%@=-]' <<<"$out")" "marks at the delay in: $out"
	weir near -j latency heatmap eth0 | python3 -c '
import json, sys
maps = json.load(sys.stdin)["heatmaps"]
assert [m["direction"] for m in maps] == ["wire", "host"], maps
for m in maps:
    assert all(len(c) == len(m["floor_ns"]) - 1 for c in m["columns"])
assert sum(map(sum, maps[0]["columns"])) >= 10, "few samples"
assert maps[0]["column_s"] == 15'
	weir near latency heatmap -o "$TMP/picture.svg"
	weir near latency heatmap eth0 --since 10m --output "$TMP/picture.png"
	python3 - "$TMP/picture.svg" <<-'END' || fail "the SVG"
		import socket, sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
		assert texts[0] == socket.gethostname() + ", eth0 wire: round-trip times", texts
		assert "p99" in texts and any(t.endswith("ms") for t in texts), texts
	END
	python3 - "$TMP/picture.png" <<-'END' || fail "the PNG"
		import struct, sys
		head = open(sys.argv[1], "rb").read(24)
		assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:]) == (2000, 1120), head
	END
}

test_slow_packets_are_told_and_fast_ones_are_not() {
	local wire="$NS_PREFIX-wire"
	build_pair 'rtt, path sample 1/1' delay
	watch --over 5ms
	get 3
	wait_for 5 lines_are 6
	unwatch
	assert_contains "$(cat "$TMP/slow")" "ms  eth0@$wire -> eth1@$wire  cpu "
	assert_contains "$(cat "$TMP/slow")" "  tcp 10.0.0.1:"
	assert_contains "$(cat "$TMP/slow")" " > 10.0.0.2:80 syn seq "
	assert_contains "$(tail -n 1 "$TMP/talk")" "0 suppressed above the rate, 0 lost"
	watch --over 200ms
	get 3
	unwatch
	assert_eq "" "$(cat "$TMP/slow")" "packets slower than 200 ms"
}

test_filters_leave_others_out() {
	build_pair 'rtt, path sample 1/1' delay
	watch --over 5ms --host 10.0.0.3
	get 3
	unwatch
	assert_eq "" "$(cat "$TMP/slow")" "packets of another host"
	watch --over 5ms --host 10.0.0.2 --port 80
	get 3
	wait_for 5 lines_are 6
	unwatch
}

test_an_apply_that_measures_nothing_is_told_once_and_waited_through() {
	build_pair 'rtt, path sample 1/1' delay
	watch --over 5ms
	weir near apply - <<<'interface eth0 { tc }'
	wait_for 5 grep -q "measures nothing; waiting" "$TMP/talk"
	weir near apply - <<<'interface eth0 { xdp auto; measure path sample 1/1 }'
	wait_for 5 grep -q "something is measured again" "$TMP/talk"
	assert_eq 1 "$(grep -c "measures nothing" "$TMP/talk")" "times it was said"
	get 3
	wait_for 5 lines_are 6
	unwatch
}

test_JSON_has_an_object_for_each_slow_packet() {
	build_pair 'rtt, path sample 1/1' delay
	watch -j --over 5ms -c 4
	get 5
	wait_for 5 lines_are 4
	wait "$started" || fail "the monitor ended with $?: $(cat "$TMP/talk")"
	python3 - "$TMP/slow" <<-'END' || fail "$(cat "$TMP/slow")"
		import json, sys
		events = [json.loads(line) for line in open(sys.argv[1])]
		assert len(events) == 4, events
		for e in events:
		    assert max(e["delay_ns"], e["total_ns"]) > 5e6, e
		    assert {"10.0.0.1", "10.0.0.2"} == {e["saddr"], e["daddr"]}, e
		    assert e["proto"] == "tcp" and e["flags"] and "seq" in e and e["time"].endswith("Z"), e
	END
}

# slow_reader [PORT [SECONDS]]: a program that lets what was sent to it lie for 60 ms before it reads.
slow_reader() {
	start_ready far "$TMP/reader-${1:-8080}.log" ready python3 -uc '
import socket, sys, time
s = socket.create_server(("10.0.0.2", int(sys.argv[1])))
print("ready")
while True:
    c, _ = s.accept()
    while True:
        time.sleep(float(sys.argv[2]))
        if not c.recv(65536): break
        c.sendall(b"x")' "${1:-8080}" "${2:-0.06}"
}

# ask TIMES [PORT]: of the slow reader, one byte after the other.
ask() {
	ns_exec near python3 -c '
import socket, sys
c = socket.create_connection(("10.0.0.2", int(sys.argv[2])))
for _ in range(int(sys.argv[1])):
    c.sendall(b"?")
    c.recv(1)' "$1" "${2:-8080}"
}

# told_with OPTION...: $told packets to the two readers are told to a monitor with these options.
told_with() {
	local other
	watch --over 150ms "$@"
	ask 2 &
	other=$!
	ask 2 8081
	wait "$other"
	unwatch
	told=$(wc -l <"$TMP/slow")
}

# Of a question that comes when its reader has just begun to sleep.
test_processes_interfaces_and_namespaces_can_be_chosen() {
	local pid told
	build_pair 'path sample 1/1'
	slow_reader 8080 0.25
	pid=$started
	slow_reader 8081 0.25
	told_with --pid "$pid"
	assert_between 1 3 "$told" "packets that $pid reads, in: $(<"$TMP/slow")"
	assert_eq "$told" "$(grep -c " app .*  python3\\[$pid\\]  tcp .*:8080 " "$TMP/slow")" "of them right"
	told_with --port 8081
	assert_between 1 3 "$told" "packets to the other, in: $(<"$TMP/slow")"
	told_with --in "$NS_PREFIX-far"
	assert_between 2 6 "$told" "packets that wait in far, in: $(<"$TMP/slow")"
	told_with --in "$NS_PREFIX-near"
	assert_between 2 6 "$told" "packets that pass near, in: $(<"$TMP/slow")"
	ns_add aside
	told_with --in "$NS_PREFIX-aside"
	assert_eq "" "$(<"$TMP/slow")" "packets that pass another namespace"
	told_with --interface "eth0@$NS_PREFIX-far"
	assert_between 2 6 "$told" "packets that wait behind far's eth0, in: $(<"$TMP/slow")"
	told_with --interface lo
	assert_eq "" "$(<"$TMP/slow")" "packets of lo"
}

# headers_are_captured < lines: each has the sequence number, ACK and window of a packet that came.
headers_are_captured() {
	tcpdump -nnS -r "$TMP/far.pcap" 2>/dev/null |
		sed -n 's/.* seq \([0-9]*\):[0-9]*, ack \([0-9]*\), win \([0-9]*\),.*/seq \1 ack \2 win \3 /p' |
		sort -u >"$TMP/headers"
	assert_eq "" "$(grep -vFf "$TMP/headers" || true)" "lines with another header than $(<"$TMP/headers")"
}

test_the_program_is_blamed_for_what_it_does_not_read() {
	local out
	build_pair 'rtt, path sample 1/1'
	slow_reader
	capture far eth0 "$TMP/far.pcap" tcp dst port 8080
	watch --over 40ms
	ask 10
	wait_for 5 lines_are 5
	unwatch
	out=$(grep -E '^[0-9: .-]+ app ' "$TMP/slow")
	headers_are_captured <<<"$out"
	assert_contains "$out" "eth0@$NS_PREFIX-far"
	assert_contains "$out" "python3["
	assert_contains "$out" ":8080 psh,ack"
	out=$(weir near latency)
	assert_eq 1 "$(grep -cE '^program .*  <- most$' <<<"$out")" "blame of the program in: $out"
	out=$(weir near latency path)
	assert_eq 1 "$(grep -cE "^app +eth0@$NS_PREFIX-far +[0-9]+ .* (4|5|6)[0-9]\.[0-9] ms" <<<"$out")" \
		"lines of the reader in: $out"
	assert_contains "$(weir near latency path eth0)" "eth0 -> eth0@$NS_PREFIX-far"
	weir near -j latency path | python3 -c '
import json, sys
rows = json.load(sys.stdin)["path"]
assert {"hop", "stack", "app"} <= {r["stage"] for r in rows}, rows
for r in rows:
    assert sum(b["count"] for b in r["buckets"]) == r["count"] > 0'
}

# with_hook_missing TRACEPOINT: its link is taken away, as a kernel without it would have none.
with_hook_missing() {
	find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name "stack-$1" -delete
}

test_hooks_are_named_and_missing_ones_are_told() {
	local out
	build_pair 'rtt, path sample 1/1'
	assert_contains "$(weir near latency path)" "hooks  BTF tracepoints net_dev_queue, "
	assert_contains "$(weir near status)" "hooks  BTF tracepoints net_dev_queue, "
	assert_contains "$(weir near doctor)" "all of its hooks in the stack stand"
	with_hook_missing weir_xmit
	out=$(weir near latency path)
	assert_contains "$out" "not seen  qdisc, hop: no net_dev_start_xmit: "
	out=$(weir near doctor)
	assert_contains "$out" "warn  measure path  qdisc, hop cannot be seen: no hook at net_dev_start_xmit"
	weir near -j latency path | python3 -c '
import json, sys
stack = json.load(sys.stdin)["stack"]
assert [m["hook"] for m in stack["missing"]] == ["net_dev_start_xmit"], stack
assert {"hook": "net_dev_queue", "provider": "BTF tracepoints"} in stack["hooks"], stack'
}

test_what_the_kernel_drops_is_told_with_its_reason() {
	local out
	build_pair 'rtt, loss'
	ns_exec near curl -s --max-time 1 http://10.0.0.2:81/ && fail "nobody listens there"
	ns_exec near bash -c 'echo >/dev/udp/10.0.0.2/9' || true
	out=$(weir near show drops)
	assert_contains "$out" "no-socket"
	assert_contains "$out" "reset-received"
	assert_contains "$out" "connect-failed"
	assert_contains "$out" "curl["
	weir near -j show drops | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert any(r.get("reason") == "no-socket" and r["packets"] >= 1 for r in d["drops"]), d
assert any(p["process"] == "curl" and p["connects_failed"] == 1 for p in d["processes"]), d'
}

run_tests
