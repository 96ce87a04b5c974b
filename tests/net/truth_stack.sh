#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packets wait in the receiver's stack, behind their device and before their
# socket, for a time that is known: netfilter holds them for a process, or their
# socket is locked. They are as long in "stack" as they were held, and those that
# are slow are blamed on it.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3
readonly WORK='interface eth0 { xdp auto; measure path sample 1/1 }'

build_pair() {
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	weir far apply - <<<"$WORK"
}

# queue_packets PROTO: what comes to far's port 81 waits for a process, where there is one. Older
# kernels have no such expression of nftables, or have nothing else.
queue_packets() {
	ns_exec far nft -f - 2>"$TMP/nft.log" <<-END && return
		table ip held {
			chain input {
				type filter hook input priority 0
				$1 dport 81 queue num 0 bypass
			}
		}
	END
	ns_exec far iptables -A INPUT -p "$1" --dport 81 -j NFQUEUE --queue-num 0 --queue-bypass 2>>"$TMP/nft.log" ||
		skip "netfilter has no queue: $(tail -n 1 "$TMP/nft.log")"
}

# hold HOW PROTO TIMES US: sets $least and $most, medians in ns.
hold() {
	local medians
	medians=$(ns_exec near "$ROOT/build/tests/tools/hold" "$1" "$2" "$NS_PREFIX-far" 10.0.0.2 81 "$3" "$4")
	read -r least most <<<"$medians"
}

# is_in_stack: far's packets waited there as long as they were held, by their median.
is_in_stack() {
	local p50
	p50=$(weir far -j latency path | python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin)["path"] if r["stage"] == "stack" and r["to"] == "eth0"]
print(*[r["p50_ns"] for r in rows])')
	echo "held for $least to $most ns, p50 is $p50"
	# A bucket is 1/64 off at most, and a tick is 256 ns.
	assert_between $((least * 63 / 64 - 256)) $((most * 65 / 64 + 256)) "$p50" "median in ns"
}

# hold_each HOW PROTO: for 0.2, 1 and 20 ms.
hold_each() {
	local us
	for us in 200 1000 20000; do
		weir far latency reset >/dev/null
		hold "$1" "$2" 50 "$us"
		is_in_stack
	done
}

test_segments_that_netfilter_holds() {
	build_pair
	queue_packets tcp
	hold_each queue tcp
}

test_datagrams_that_netfilter_holds() {
	build_pair
	queue_packets udp
	hold_each queue udp
}

test_segments_whose_socket_is_locked() {
	build_pair
	hold_each lock tcp
}

# is_blamed HOW PROTO
is_blamed() {
	watch_slow far 100 --port 81
	hold "$1" "$2" 5 150000
	told 5 5 stage=stack saddr=10.0.0.1 proto="$2" delay=150
}

test_what_netfilter_holds_is_blamed_on_the_stack() {
	build_pair
	queue_packets tcp
	queue_packets udp
	is_blamed queue tcp
	is_blamed queue udp
}

test_what_a_locked_socket_holds_is_blamed_on_the_stack() {
	build_pair
	is_blamed lock tcp
}

run_tests "$@"
