#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands on latency: what they show, what they refuse, what they leave alone.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_latency.sh
. "$(dirname "$0")/lib_latency.sh"

# Intervals of less than a second are asked for.
readonly TRIES=3

# count WORD...: samples of the histograms that have all of the words.
count() {
	weir near -j latency | python3 -c '
import json, sys
wanted = set(sys.argv[1:])
print(sum(h["count"] for h in json.load(sys.stdin)["latency"]
          if wanted <= {v for v in h.values() if isinstance(v, str)}))' "$@"
}

# refuses CODE TEXT ARGUMENT...: weir exits with CODE, says TEXT, and prints nothing else.
refuses() {
	local code=$1 text=$2 out
	shift 2
	out=$(assert_fails "$code" weir near "$@" 2>&1)
	assert_contains "$out" "$text"
}

test_the_first_screen_has_a_line_for_each_direction() {
	local out
	build_measured measure
	get 10
	out=$(weir near latency)
	assert_contains "$out" "Round trips"
	assert_eq 1 "$(grep -cE '^eth0  wire +handshake +[0-9]+ +[0-9.]+ [num]?s .* [.1-8]{13}$' <<<"$out")" \
		"lines of the wire in: $out"
	assert_eq 1 "$(grep -c '^eth0  host  *handshake ' <<<"$out")" "lines of the host in: $out"
	assert_contains "$out" "Lost and refused"
	assert_contains "$out" "Flows timed, and what was not"
	# Nothing but round trips is measured: nothing is said of stages.
	[[ $out != *"nothing seen"* ]] || fail "$out"
}

test_kinds_can_be_chosen_and_are_suggested() {
	local out
	build_measured measure
	get 3
	out=$(weir near latency --kind icmp)
	assert_contains "$out" "no samples yet"
	[[ $out != *tcp* ]] || fail "$out"
	refuses 2 'did you mean "tcp"?' latency --kind tpc
	refuses 2 'kinds are rtt, response, tcp, ack' latency --kind speed
	refuses 2 '--kind goes with neither' latency --kind tcp --since 5m
	refuses 2 '--kind, --since, --prefix and --output go with latency only' status --kind tcp
	refuses 2 'usage: weir latency [INTERFACE|SERVICE|BACKEND]' latency eth0 eth0
	refuses 3 'is called "eth7"' latency eth7
}

test_services_are_the_sum_of_their_backends() {
	build_measured measure 'service web { address 192.0.2.1; port tcp 80; forward l2
		backend b1 10.0.0.2; backend b2 10.0.0.3 }'
	weir near -j latency >"$TMP/out"
	python3 - "$TMP/out" <<-'END' || fail "$(cat "$TMP/out")"
		import json, sys
		rows = [r for r in json.load(open(sys.argv[1]))["latency"] if r.get("service") == "web"]
		total = [r for r in rows if "backend" not in r and r["kind"] == "rtt"]
		each = [r for r in rows if "backend" in r and r["kind"] == "rtt"]
		assert len(total) == 1 and [r["backend"] for r in each] == ["b1", "b2"], rows
		assert total[0]["count"] == sum(r["count"] for r in each), rows
	END
	assert_contains "$(weir near latency web)" "service web  b2  rtt"
	assert_contains "$(weir near latency b1)" "service web  b1  rtt"
}

# build_two_ways: near asks far by eth0, and far answers by eth1. An HTTP server is at 10.0.0.2.
build_two_ways() {
	local name
	ns_add near far
	for name in near far; do
		ns_sysctl "$name" net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
	veth near eth0 far eth0
	veth near eth1 far eth1
	address near eth0 10.0.0.1/24
	address near eth1 10.0.1.1/24
	address far eth0 10.0.0.2/24
	address far eth1 10.0.1.2/24
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.1.2
	ns_ip far route add 10.0.0.1/32 via 10.0.1.1 dev eth1 src 10.0.0.2
	http_server far far 80 10.0.0.2
}

# Each interface has its own flows: the other one beside it does not make them whole.
test_flows_of_which_one_direction_passes_are_told() {
	local out
	build_two_ways
	weir near apply - <<<'interface eth* { tc; measure }'
	get 6
	out=$(weir near latency)
	assert_contains "$out" "  eth0: 6 of 6 handshakes passed in one direction alone"
	assert_contains "$out" "  eth1: none of 6 flows could be timed"
	assert_contains "$out" "measure an interface that both directions pass"
	out=$(weir near latency eth0)
	assert_contains "$out" "  eth0: 6 of 6 handshakes"
	[[ $out != *"eth1: "* ]] || fail "$out"
	assert_contains "$(weir near doctor)" "warn  eth0  6 of 6 handshakes passed in one direction"
	weir near -j latency >"$TMP/out"
	python3 - "$TMP/out" <<-'END' || fail "$(cat "$TMP/out")"
		import json, sys
		found = json.load(open(sys.argv[1]))["one_way"]
		assert found == [{"interface": "eth0", "what": "handshakes", "one_way": 6, "of": 6},
		                 {"interface": "eth1", "what": "flows", "one_way": 6, "of": 6}], found
	END
}

test_flows_whose_directions_both_pass_are_not_told_as_one_way() {
	local out
	build_measured measure
	get 6
	out=$(weir near latency)
	[[ $out != *"one direction"* ]] || fail "$out"
	assert_contains "$(weir near doctor)" "ok    eth0"
	weir near -j latency | python3 -c 'import json, sys; assert json.load(sys.stdin)["one_way"] == []'
}

test_reset_sets_all_to_zero_and_goes_on() {
	build_measured measure
	get 5
	assert_between 5 1000 "$(count eth0 wire)" "samples before"
	assert_eq "All that was measured is set to zero." "$(weir near latency reset)" "what reset says"
	assert_eq 0 "$(count eth0)" "samples after"
	get 5
	assert_between 5 1000 "$(count eth0 wire)" "samples of now"
	assert_contains "$(weir near -j latency reset)" '"reset": true'
}

test_what_is_not_measured_is_a_missing_precondition() {
	build_measured measure
	refuses 5 'write "measure rtt, path"' latency path
	refuses 5 'write "measure rtt, loss"' show drops
	refuses 5 'write "latency { prefix 24 48 }"' latency --prefix
	weir near apply - <<<'interface eth0 { xdp auto; filter f }; filter f { default pass }'
	refuses 5 'write "measure" in an interface block' latency
	refuses 5 'write "measure rtt, path"' monitor slow --over 5ms
}

test_losses_alone_leave_round_trips_unmeasured_and_say_so() {
	build_measured 'measure loss'
	get 2
	refuses 5 'add one to an interface block and apply; what is lost is in "weir show drops"' latency
	refuses 5 'eth0 has no "measure rtt"; add it to its interface block and apply' latency eth0
	refuses 5 'eth0 has no "measure rtt"' latency heatmap eth0
	refuses 5 'eth0 has no "measure rtt"' latency --since 5m eth0
	refuses 5 'eth0 has no "measure rtt"' top latency eth0
	refuses 5 'no interface has "measure rtt"; add it to an interface block' latency heatmap
	refuses 5 'no interface has "measure rtt"; add it to an interface block' latency --since 5m
	refuses 5 'no interface has "measure rtt"; add it to an interface block' latency --prefix
	refuses 5 'no interface has "measure rtt" or "measure path"' top
}

test_a_path_alone_has_no_empty_tables_of_round_trips() {
	local out
	build_measured 'measure path sample 1/1'
	get 5
	out=$(weir near latency)
	assert_eq 1 "$(grep -c '^network .*: not measured, add "measure rtt"$' <<<"$out")" "lines in: $out"
	assert_contains "$out" 'Round trips: no interface has "measure rtt"; add it to an interface block'
	[[ $out != *"Lost and refused"* && $out != *"Flows timed"* ]] || fail "$out"
	out=$(weir near top -w 0.2 -c 1)
	assert_contains "$out" 'Round trips: no interface has "measure rtt"'
	weir near -j latency | python3 -c '
import json, sys
where = json.load(sys.stdin)["where"]
assert [w["where"] for w in where if not w["measured"]] == ["network"], where'
	refuses 5 'eth0 has no "measure rtt"' latency eth0
}

test_names_that_are_near_are_suggested_of_interfaces_and_backends_too() {
	build_measured measure 'service web { address 192.0.2.1; port tcp 80; forward l2
		backend bravo 10.0.0.2 }'
	refuses 3 'did you mean "eth0"?' latency eth7
	refuses 3 'did you mean "bravo"?' latency brava
	refuses 3 'did you mean "web"?' top latency wep
}

test_a_path_is_of_interfaces_that_there_are() {
	local out
	build_measured 'measure path sample 1/1'
	get 5
	refuses 3 'no interface "nosuch"; "weir latency path" shows' latency path nosuch
	refuses 3 'did you mean "eth0"?' latency path eth9
	refuses 3 'no interface "nosuch"' top path nosuch -w 0.2 -c 1
	refuses 3 "no interface \"eth0@nowhere-at-all\"" latency path eth0@nowhere-at-all
	assert_contains "$(weir near latency path lo)" "no samples yet of lo"
	out=$(weir near latency path "eth0@$NS_PREFIX-far")
	[ "$(grep -cE "^(hop|stack|app|send|qdisc) .*eth0@$NS_PREFIX-far .*s  [.1-8]{13}$" <<<"$out")" -ge 3 ] ||
		fail "lines with their distribution in: $out"
}

test_clients_are_told_by_prefix_all_or_one() {
	local out
	build_measured measure 'latency { prefix 24 48 }'
	get 5
	assert_contains "$(weir near latency --prefix)" "10.0.0.0/24 "
	out=$(weir near latency --prefix 10.0.0.77)
	assert_contains "$out" "prefix 10.0.0.0/24  rtt"
	assert_contains "$out" "|###"
	assert_eq "$out" "$(weir near latency --prefix 10.0.0.0/24)" "the same by its name"
	weir near -j latency --prefix 10.0.0.0/24 | python3 -c '
import json, sys
rows = json.load(sys.stdin)["latency"]
assert [r["prefix"] for r in rows] == ["10.0.0.0/24"] and rows[0]["count"] >= 5, rows'
	refuses 3 'no client of "nosuch" was timed, by prefixes of /24 and /48; "weir' latency --prefix nosuch
	refuses 3 'no client of "10.9.0.1"' latency --prefix 10.9.0.1
	refuses 3 'did you mean "10.0.0.0/24"?' latency --prefix 10.0.0.0/16
	refuses 2 'usage: weir latency --prefix [PREFIX]' latency --prefix 10.0.0.0/24 10.0.0.0/24
}

# ask_on CPU PORT TIMES: from near, so many connections, each with five questions and answers.
ask_on() {
	ns_exec near taskset -c "$1" python3 -c '
import socket, sys
for _ in range(int(sys.argv[2])):
    with socket.create_connection(("10.0.0.2", int(sys.argv[1]))) as s:
        for _ in range(5):
            s.sendall(b"?")
            s.recv(1)' "$2" "$3"
}

# answer_on CPU PORT: at far.
answer_on() {
	start_ready far "$TMP/answer-$2.log" ready taskset -c "$1" python3 -uc '
import socket, sys
listener = socket.create_server(("10.0.0.2", int(sys.argv[1])))
print("ready")
while True:
    s, _ = listener.accept()
    while s.recv(1):
        s.sendall(b"!")
    s.close()' "$2"
}

# All clients are of one prefix, and all packets of the same few pairs: CPUs meet in them.
test_cpus_that_count_together_count_exactly() {
	local cpus=() asking=() cpu
	read -ra cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2])')
	[ "${#cpus[@]}" -eq 2 ] || skip "one CPU cannot meet another one"
	build_measured 'measure rtt, path sample 1/1' 'latency { prefix 24 48 }'
	for cpu in "${cpus[@]}"; do
		answer_on "$cpu" $((9000 + cpu))
	done
	for cpu in "${cpus[@]}"; do
		ask_on "$cpu" $((9000 + cpu)) 400 &
		asking+=($!)
	done
	for cpu in "${asking[@]}"; do
		wait "$cpu"
	done
	wait_for 20 all_is_said near
	weir near -j latency >"$TMP/all"
	weir near -j latency --prefix >"$TMP/prefixes"
	weir near -j latency path >"$TMP/path"
	python3 - "$TMP/all" "$TMP/prefixes" "$TMP/path" <<-'END' || fail "the figures above"
		import json, sys
		everything, prefixes, path = (json.load(open(name)) for name in sys.argv[1:])
		wire = sum(h["count"] for h in everything["latency"]
		           if h.get("direction") == "wire" and h.get("kind") not in ("dns", "response"))
		clients = sum(h["count"] for h in prefixes["latency"])
		stages, matched = sum(h["count"] for h in path["path"]), path["counters"]["matched"]
		print(f"wire {wire}, by prefix {clients}; stages {stages}, matched {matched}")
		assert wire >= 800 and clients == wire
		# A hook that another one interrupts may miss its own count of stages, but no sample.
		assert stages >= 10000 and 0 <= stages - matched <= stages // 1000
		for h in prefixes["latency"] + path["path"]:
		    assert sum(b["count"] for b in h["buckets"]) == h["count"], h
	END
}

test_a_picture_is_refused_before_a_file_is_touched() {
	build_measured measure
	echo precious >"$TMP/kept.png"
	refuses 2 'FILE.svg or FILE.png' latency heatmap -o "$TMP/kept.jpg"
	refuses 2 'the heat map goes back 64 minutes' latency heatmap --since 2h -o "$TMP/kept.png"
	refuses 3 'no measured interface is called "eth1"; did you mean "eth0"?' latency heatmap eth1 -o "$TMP/kept.png"
	refuses 2 '--output goes with' latency -o "$TMP/kept.png"
	weir near latency reset >/dev/null
	refuses 5 'nothing to draw' latency heatmap -o "$TMP/kept.png"
	assert_eq precious "$(cat "$TMP/kept.png")" "the file"
	assert_eq "" "$(find "$TMP" -name 'kept.png.*' -o -name kept.jpg)" "files beside it"
}

test_slow_is_asked_for_rightly_or_not_at_all() {
	build_measured measure
	refuses 2 'slower than what?' monitor slow
	refuses 2 'slower than what?' monitor slow --over 5ms --over-p99 3
	refuses 2 '--over takes a time' monitor slow --over 5
	refuses 2 '--port takes a number' monitor slow --over 5ms --port http
	refuses 2 'a packet has two ends' monitor slow --over 5ms --port 1 --port 2 --port 3
	refuses 3 'no interface "eth9"' monitor slow --over 5ms --interface eth9
	refuses 3 'no network namespace "blue"' monitor slow --over 5ms --in blue
	refuses 2 'go with "monitor slow" only' monitor log --over 5ms
	refuses 2 'it is "monitor log" or "monitor slow"' monitor fast
}

# watch ARGUMENT...: monitor slow in the background, to $TMP/slow and $TMP/talk.
watch() {
	nsenter --net="/run/netns/$NS_PREFIX-near" "$WEIR" -i "$NS_PREFIX-near" "$@" \
		</dev/null >"$TMP/slow" 2>"$TMP/talk" &
	started=$!
	processes+=("$started")
}

is_asked() {
	bpftool -j map dump pinned "$(find "/sys/fs/bpf/weir/$NS_PREFIX-near" -name weir_slow_ask)" |
		python3 -c '
import json, sys
value = json.load(sys.stdin)[0]["value"]
sys.exit(not any(int(b, 16) for b in value[:8]))'
}

is_not_asked() {
	! is_asked
}

test_one_monitor_watches_and_stops_asking_when_it_ends() {
	build_measured measure
	watch monitor slow --over 5ms
	wait_for 5 is_asked
	refuses 6 'end that one first' monitor slow --over 5ms
	is_asked || fail "the second one took what the first had asked"
	kill -INT "$started"
	wait "$started" || fail "the monitor ended with $?: $(cat "$TMP/talk")"
	is_not_asked || fail "it is still asked for"
	assert_contains "$(cat "$TMP/talk")" "only round trips are watched"
	assert_contains "$(cat "$TMP/talk")" "0 suppressed above the rate"
}

test_memory_follows_the_sizes_that_are_written() {
	local small large
	build_measured measure
	memory() {
		weir near -j plan - | python3 -c 'import json, sys; print(json.load(sys.stdin)["memory_bytes"]["timing"])'
	}
	small=$(memory <<<'interface eth0 { measure }; latency { flows 1024 }')
	large=$(memory <<<'interface eth0 { measure }; latency { flows 1048576 }')
	assert_between $((1048576 * 128)) $((1048576 * 512)) $((large - small)) "bytes of a million flows"
	assert_between 1000000 100000000 "$(($(memory <<<'interface eth0 { measure }
		latency { flows 1024; prefix 24 48 }') - small))" "bytes of 1024 prefixes"
}

# value_bytes MAP: of the one that hooks of the stack keep with sockets.
value_bytes() {
	bpftool -j map show | python3 -c '
import json, sys
print(max(m["bytes_value"] for m in json.load(sys.stdin) if m.get("name") == sys.argv[1]))' "$1"
}

test_what_is_kept_with_sockets_is_part_of_the_plan() {
	local all='interface eth0 { xdp auto; measure path, loss }' out path loss value
	build_measured measure
	out=$(weir near plan - <<<"$all")
	assert_contains "$out" "And with sockets of the host, in all namespaces, while they are open: "
	assert_contains "$out" "2.2 KiB for each that a packet of the sample comes to, 0.3 KiB for each of TCP"
	read -r path loss < <(weir near -j plan - <<<"$all" | python3 -c '
import json, sys
n = json.load(sys.stdin)["socket_bytes"]
print(n["path"], n["loss"])')
	weir near apply - <<<"$all"
	value=$(value_bytes weir_sockets)
	assert_between "$value" $((2 * value)) "$path" "bytes of a socket with a path"
	value=$(value_bytes weir_owners)
	assert_between "$value" $((20 * value)) "$loss" "bytes of a socket's owner"
	out=$(weir near plan - <<<'interface eth0 { xdp auto; measure }')
	[[ $out != *"with sockets"* ]] || fail "$out"
}

# top_lines NOUN: what "top" says on the standard output of a process, $started, to $TMP/top;
# from when it has read for the first time.
top_lines() {
	start near "$TMP/top" "$WEIR" -i "$NS_PREFIX-near" -j top "$1" -w 0.3
	wait_for 10 grep -q seconds "$TMP/top"
}

# top_ends: after one more interval.
top_ends() {
	wait_for 10 lines_are "$(($(wc -l <"$TMP/top") + 2))"
	kill -INT "$started"
	wait "$started" || fail "top ended with $?"
}

lines_are() {
	[ "$(wc -l <"$TMP/top")" -ge "$1" ]
}

# top_sum LIST FIELD KEY=VALUE...: over all intervals, as tests/tools/lost.py.
top_sum() {
	while read -r line; do
		python3 "$ROOT/tests/tools/lost.py" "$@" <<<"$line"
	done <"$TMP/top" | awk '{ sum += $1 } END { print sum }'
}

test_top_has_what_came_since_the_last_time() {
	build_measured 'measure rtt, path sample 1/1, loss'
	get 7
	top_lines latency
	get 10
	top_ends
	assert_eq 10 "$(top_sum latency count interface=eth0 direction=wire kind=handshake)" "handshakes"
	assert_eq 10 "$(top_sum losses handshakes-done sender=host)" "handshakes done"
	top_lines path
	get 10
	top_ends
	assert_between 20 1000 "$(top_sum path count stage=app)" "packets that were read"
	assert_contains "$(weir near top path -w 0.2 -c 1)" "Path, last "
	top_lines drops
	for _ in 1 2 3; do
		ns_exec near curl -s --max-time 1 http://10.0.0.2:81/ && fail "nobody listens there"
	done
	top_ends
	assert_eq 3 "$(top_sum drops packets kind=connect-failed interface=eth0)" "handshakes that failed"
	assert_eq 3 "$(top_sum processes connects_failed process=curl)" "of curl"
}

test_top_has_what_backends_get() {
	local text
	build_measured measure
	routing_on near
	weir near apply - <<-END
		interface eth0 { xdp auto; balance }
		service web { address 192.0.2.1; port udp 80; forward l2; backend b1 10.0.0.2 }
	END
	ns_ip far route add 192.0.2.1/32 via 10.0.0.1
	datagrams 5
	top_lines service
	datagrams 20
	top_ends
	assert_eq 20 "$(top_sum backends packets service=web backend=b1)" "packets"
	text=$(weir near top service web -w 0.2 -c 1)
	assert_contains "$text" "Services, last "
	assert_contains "$text" "  b1"
	refuses 3 'no service "wep"' top service wep
}

# datagrams TIMES: to the service; they come back to whom they came from.
datagrams() {
	ns_exec far python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    s.sendto(b"?", ("192.0.2.1", 80))' "$1"
}

test_top_says_what_is_idle_and_refuses_what_is_not() {
	local out
	build_measured measure
	get 3
	out=$(weir near top -w 0.2 -c 2)
	assert_eq 2 "$(grep -cE '^Round trips, last [0-9.]+ s ' <<<"$out")" "intervals in: $out"
	assert_eq 2 "$(grep -cE '^eth0  wire +handshake +0  none$' <<<"$out")" "idle rows in: $out"
	[[ $out != *$'\033'* ]] || fail "escapes that belong to a terminal: $out"
	assert_contains "$(weir near top latency eth0 -w 0.2 -c 1)" "eth0  wire"
	refuses 2 'did you mean "latency"?' top latenc
	refuses 2 'usage: weir top drops' top drops eth0
	refuses 2 '--kind, --since, --prefix' top latency --kind tcp
	refuses 3 'is called "eth7"' top latency eth7
	refuses 3 'no filter "edge"' top filter edge
	refuses 5 'no interface has its path measured' top path
	refuses 5 'no interface has its losses measured' top drops
	weir near apply - <<<'interface eth0 { filter f }; filter f { default pass }'
	refuses 5 'nothing is measured' top
}

run_tests
