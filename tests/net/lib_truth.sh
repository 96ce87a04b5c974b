# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests that hold weir's round-trip times against a capture of the same
# packets. Sourced after lib.sh:
#
#     build_line 5000 5000 loss 1
#     truth_begin near eth0 'xdp native'
#     flows near 10.0.0.2 flows 10 rounds 20
#     truth_end near eth0 10.0.0.2
#     truth_holds tcp+ack handshake

# build_line MICROSECONDS01 MICROSECONDS10 [OPTION VALUE]...: near -- wire -- far.
build_line() {
	ns_add near wire far
	veth near eth0 wire eth0
	veth wire eth1 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	wire wire eth0 eth1 "$@"
	# shellcheck disable=SC2034
	wire_pid=${started:?}
	know_each_other near 10.0.0.1 2001:db8::1 far 10.0.0.2 2001:db8::2
	flows_server far 10.0.0.2 2001:db8::2
}

# build_middle US01 US10 US01 US10 [OPTION VALUE]...: near -- w1 -- mid -- w2 -- far.
# The first two are those of w1, options hold for both; mid routes.
build_middle() {
	local near_mid=$1 mid_near=$2 mid_far=$3 far_mid=$4
	shift 4
	ns_add near w1 mid w2 far
	veth near eth0 w1 eth0
	veth w1 eth1 mid eth0
	veth mid eth1 w2 eth0
	veth w2 eth1 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address mid eth0 10.0.0.2/24 2001:db8::2/64
	address mid eth1 10.0.1.1/24 2001:db8:1::1/64
	address far eth0 10.0.1.2/24 2001:db8:1::2/64
	routing_on mid
	wire w1 eth0 eth1 "$near_mid" "$mid_near" "$@"
	wire w2 eth0 eth1 "$mid_far" "$far_mid" "$@"
	know_each_other near 10.0.0.1 2001:db8::1 mid 10.0.0.2 2001:db8::2
	know_each_other mid 10.0.1.1 2001:db8:1::1 far 10.0.1.2 2001:db8:1::2 eth1
	ns_ip near route add default via 10.0.0.2
	ns_ip near route add default via 2001:db8::2
	ns_ip far route add default via 10.0.1.1
	ns_ip far route add default via 2001:db8:1::1
	flows_server far 10.0.1.2 2001:db8:1::2
}

# know_each_other A V4 V6 B V4 V6 [A's IF]: neighbours for ever, so that a wire
# which loses frames never has to ask for one.
know_each_other() {
	local address
	for address in "$5" "$6"; do
		ns_ip "$1" neighbour replace "$address" dev "${7:-eth0}" lladdr "$(mac "$4" eth0)"
	done
	for address in "$2" "$3"; do
		ns_ip "$4" neighbour replace "$address" dev eth0 lladdr "$(mac "$1" "${7:-eth0}")"
	done
}

# --- traffic

# flows_server NAME ADDRESS...: its process for each ADDRESS is in ${flows_pids[ADDRESS]}.
declare -A flows_pids=()
flows_server() {
	local name=$1 address
	shift
	for address in "$@"; do
		start_ready "$name" "$TMP/flows-$name-$address.log" ready \
			"$ROOT/build/tests/tools/flows" serve "$address" 80
		# shellcheck disable=SC2034
		flows_pids[$address]=${started:?}
	done
}

# flows NAME ADDRESS [OPTION VALUE]...: as "flows ask", from NAME.
flows() {
	local name=$1 address=$2
	shift 2
	ns_exec "$name" "$ROOT/build/tests/tools/flows" ask "$address" 80 "$@"
}

# flows_both NAME ADDRESS [OPTION VALUE]...: with timestamps and without, at the same time.
flows_both() {
	local name=$1 address=$2 log=$TMP/flows-timed.log timed
	shift 2
	start "$name" "$log" "$ROOT/build/tests/tools/flows" ask "$address" 80 "$@"
	timed=${started:?}
	wait_for 10 grep -q open "$log"
	without_timestamps "$name"
	flows "$name" "$address" "$@"
	wait "$timed" || fail "flows with timestamps: $(<"$log")"
}

# without_timestamps NAME...: TCP of these namespaces has to do without them.
without_timestamps() {
	local name
	for name in "$@"; do
		ns_sysctl "$name" net.ipv4.tcp_timestamps=0
	done
}

# one_by_one NAME...: segments leave as the wire would carry them, so that it loses one at a time.
one_by_one() {
	local name
	for name in "$@"; do
		ns_exec "$name" ethtool -K eth0 tso off gso off gro off
	done
}

# roomy_windows NAME...: as much on its way as is written.
roomy_windows() {
	local name
	for name in "$@"; do
		ns_ip "$name" route change 10.0.0.0/24 dev eth0 initcwnd 3000 initrwnd 1000
	done
}

# name_server NAME ADDRESS: it knows a.example.
name_server() {
	echo "a.example 192.0.2.1" >"$TMP/names"
	start_ready "$1" "$TMP/name_server.log" ready \
		python3 "$ROOT/tests/tools/name_server.py" "$2" "$TMP/names"
}

# --- truth

# truth_begin NAME IF WORK [FILTER]: weir measures there, and tcpdump listens.
truth_begin() {
	weir "$1" apply - <<<"interface $2 { $3; measure }"
	start_ready "$1" "$TMP/tcpdump.log" "listening on" tcpdump -i "$2" -nn -U --immediate-mode \
		-B 65536 -s 192 --time-stamp-precision=nano -Z root -w "$TMP/truth.pcap" "${4:-ip or ip6}"
	tcpdump_pid=${started:?}
}

# truth_end NAME IF ADDRESS [SENDER [MAC]]: when nobody has more to say, and what SENDER
# (NAME) sends to ADDRESS then has been captured. What comes from MAC (SENDER's) leaves by IF.
truth_end() {
	local name sender=${4:-$1} interface=$2
	[ "$sender" = "$1" ] || interface=eth0
	for name in "${namespaces[@]:?}"; do
		wait_for 20 all_is_said "$name"
	done
	mark_end "$sender" "$3" "$TMP/truth.pcap"
	weir "$1" -j latency >"$TMP/weir.json"
	kill -INT "$tcpdump_pid"
	wait "$tcpdump_pid"
	grep -qx "0 packets dropped by kernel" "$TMP/tcpdump.log" || fail "tcpdump: $(tail -n 1 "$TMP/tcpdump.log")"
	python3 -B "$ROOT/tests/tools/rtt_oracle.py" "$TMP/truth.pcap" \
		"${5:-$(mac "$sender" "$interface")}" >"$TMP/oracle.json"
}

# mark_end NAME ADDRESS FILE: until what NAME sends to ADDRESS now, and so all before, is in FILE.
mark_end() {
	local size
	size=$(stat -c %s "$3")
	ns_exec "$1" bash -c "echo weir-truth-end >/dev/udp/$2/9"
	wait_for 10 end_is_captured "$3" "$size"
}

# end_is_captured FILE BYTES: of which so many were there before the end was sent.
end_is_captured() {
	tail -c "+$(($2 + 1))" "$1" | grep -q weir-truth-end
}

# truth_holds IF [KIND]...: as tests/tools/truth.py judges.
truth_holds() {
	python3 -B "$ROOT/tests/tools/truth.py" "$TMP/oracle.json" "$TMP/weir.json" "$@" ||
		fail "what weir measured is not what was captured"
}

# samples_of KIND: how many mid has on eth0, in both directions.
samples_of() {
	weir mid -j latency | python3 -c '
import json, sys
print(sum(r["count"] for r in json.load(sys.stdin)["latency"] if r.get("kind") == sys.argv[1]))' "$1"
}

# --- slow packets

# watch_slow NAME MS [OPTION...]: a process that is told what NAME measures above MS.
watch_slow() {
	local name=$1 over=$2
	shift 2
	watch_for "$name" --over "${over}ms" "$@"
}

# watch_slow_by_p99 TIMES: a process that is told what near measures above so many times its p99.
watch_slow_by_p99() {
	watch_for near --over-p99 "$1"
}

# watch_for NAME OPTION...
watch_for() {
	local name=$1
	shift
	: >"$TMP/slow.err"
	"$WEIR" -n "$NS_PREFIX-$name" -i "$NS_PREFIX-$name" -j monitor slow "$@" \
		</dev/null >"$TMP/slow" 2>"$TMP/slow.err" &
	watcher=$!
	processes+=("$!")
	wait_for 10 grep -q watching "$TMP/slow.err"
}

# told LEAST MOST [KEY=VALUE]...: what it was told until now, as tests/tools/blame.py.
told() {
	wait_for 20 all_is_said near
	wait_for 20 all_is_said far
	kill -INT "$watcher"
	wait "$watcher"
	cat "$TMP/slow.err"
	python3 "$ROOT/tests/tools/blame.py" "$@" <"$TMP/slow" ||
		fail "told are other packets, or other places"
}
