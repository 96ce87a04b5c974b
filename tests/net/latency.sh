#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round-trip times against a delay that is known: near -- wire -- far.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly TRIES=3
readonly DELAY_US=10000

# build_link MICROSECONDS: from near to far and back, half of it each way.
build_link() {
	local interface
	ns_add near far
	if [ "$1" = 0 ]; then
		veth near eth0 far eth0
	elif veth near eth0 far eth0 &&
		ns_exec far tc qdisc add dev eth0 root netem delay "$1us" 2>/dev/null; then
		echo "netem"
	else
		ns_ip near link del eth0
		ns_add wire
		veth near eth0 wire eth0
		veth wire eth1 far eth0
		delay_wire wire eth0 eth1 $(($1 / 2))
	fi
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	wait_for 5 ns_exec near ping -c 1 -W 1 10.0.0.2
	wait_for 5 ns_exec near ping -c 1 -W 1 2001:db8::2
	http_server far far 80 10.0.0.2 2001:db8::2
	http_server near near 80 10.0.0.1
}

# measure NAME WORK: weir on eth0 of NAME.
measure() {
	weir "$1" apply - <<<"interface eth0 { $2; measure }"
}

# get FROM URL TIMES
get() {
	local i
	for ((i = 0; i < $3; i++)); do
		http_get "$1" "$2" >/dev/null
	done
}

# p50 NAME WORD...: median in microseconds.
p50() {
	local name=$1
	shift
	weir "$name" -j latency | python3 "$ROOT/tests/tools/median.py" "$@"
}

# samples NAME WORD: how many there are of a direction or a backend.
samples() {
	weir "$1" -j latency | python3 -c '
import json, sys
print(sum(h["count"] for h in json.load(sys.stdin)["latency"] if sys.argv[1] in h.values()))' "$2"
}

# base_us WORK: the same over a link without delay.
base_us() {
	(
		namespaces=() processes=()
		NS_PREFIX=$NS_PREFIX-base
		trap clean_base EXIT
		build_link 0 >&2
		measure near "$1" >&2
		get near http://10.0.0.2/ 15
		p50 near eth0 wire handshake
	)
}

# clean_up, but for the test's own folder.
clean_base() {
	local TMP=
	clean_up >&2
}

# sees_the_delay WORK: what lies beyond the wire is DELAY_US away, what is on the host is not.
sees_the_delay() {
	local base wire
	base=$(base_us "$1")
	build_link "$DELAY_US"
	measure near "$1"
	get near http://10.0.0.2/ 10
	get near 'http://[2001:db8::2]/' 10
	wire=$(p50 near eth0 wire handshake)
	echo "$1: base $base us, wire $wire us, host $(p50 near eth0 host handshake) us"
	assert_between 0 5000 "$base" "median without delay, in us"
	# The base varies by more than the delay does; a bucket is 1/32 off at most.
	assert_between $((DELAY_US * 31 / 32)) $((base + DELAY_US + 5000)) "$wire" "median, in us"
	assert_between 0 5000 "$(p50 near eth0 host handshake)" "median of the host's own half, in us"
	assert_between 20 1000 "$(samples near wire)" "samples"
}

test_a_delay_on_the_wire_is_measured_with_native_XDP() {
	sees_the_delay 'xdp native'
}

test_a_delay_on_the_wire_is_measured_with_generic_XDP() {
	sees_the_delay 'xdp generic'
}

test_a_delay_on_the_wire_is_measured_with_tc_alone() {
	sees_the_delay tc
}

test_the_side_that_is_asked_measures_too() {
	local wire
	build_link "$DELAY_US"
	measure near 'xdp auto'
	get far http://10.0.0.1/ 15
	wire=$(p50 near eth0 wire handshake)
	echo "wire $wire us"
	assert_between $((DELAY_US * 31 / 32)) $((DELAY_US + 5000)) "$wire" "median, in us"
	assert_between 5 1000 "$(samples near host)" "samples of the host's half"
}

test_json_buckets_sum_to_the_count() {
	build_link 0
	measure near 'xdp auto'
	get near http://10.0.0.2/bytes/100000 10
	weir near -j latency >"$TMP/latency.json"
	python3 - "$TMP/latency.json" <<-'END' || fail "the histograms above"
		import json, sys
		rows = json.load(open(sys.argv[1]))["latency"]
		assert {r["direction"] for r in rows} >= {"wire", "host"}, rows
		for r in rows:
		    buckets = r["buckets"]
		    print(r["direction"], r["count"], len(buckets), "buckets")
		    assert sum(b["count"] for b in buckets) == r["count"] > 0, r
		    assert r["min_ns"] <= r["p50_ns"] <= r["p90_ns"] <= r["p99_ns"] <= r["max_ns"], r
		    assert r["count"] * r["min_ns"] <= r["sum_ns"] <= r["count"] * r["max_ns"], r
		    for b, after in zip(buckets, buckets[1:]):
		        assert b["from_ns"] < b["below_ns"] <= after["from_ns"], r
	END
}

test_every_connection_is_a_handshake_done() {
	local out
	build_link 0
	measure near 'xdp auto'
	get near http://10.0.0.2/ 7
	out=$(weir near latency)
	assert_contains "$out" "eth0  host  handshakes-begun 7  handshakes-done 7"
	assert_eq "" "$(grep handshakes-failed <<<"$out" || true)" "lines of failed handshakes"
}

test_text_names_the_interface_and_both_directions() {
	local out
	build_link 0
	measure near 'xdp auto'
	get near http://10.0.0.2/ 3
	out=$(weir near latency eth0)
	assert_contains "$out" "interface eth0  wire"
	assert_contains "$out" "interface eth0  host"
	assert_contains "$out" "  count "
	assert_fails 3 weir near latency eth7
}

test_nothing_measured_is_a_missing_precondition() {
	build_link 0
	weir near apply - <<<'interface eth0 { xdp auto; filter f }; filter f { default pass }'
	assert_fails 5 weir near latency
	weir near detach --all
	assert_fails 3 weir near latency
}

# near is the client, wan-side; the edge balances to b1 next door and b2, DELAY_US away.
test_backends_tell_slow_from_fast() {
	local n fast slow
	ns_add client edge b1 b2 wire
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24
	address edge wan 198.51.100.1/24
	ns_ip client route add default via 198.51.100.1
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	veth edge b1 b1 eth0
	veth edge b2 wire eth0
	veth wire eth1 b2 eth0
	ns_exec wire ethtool -K eth0 gro on
	ns_exec b1 ethtool -K eth0 gro on
	delay_wire wire eth0 eth1 $((DELAY_US / 2))
	for n in 1 2; do
		address edge "b$n" "10.0.$n.1/24"
		address "b$n" eth0 "10.0.$n.2/24"
		address "b$n" lo 192.0.2.10/32
		ns_ip "b$n" route add default via "10.0.$n.1"
		http_server "b$n" "b$n" 80 192.0.2.10
		wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.2"
	done
	weir edge apply - <<-END
		interface wan { xdp auto; balance; measure }
		service web {
			address 192.0.2.10; port tcp 80; forward l2
			backend b1 10.0.1.2; backend b2 10.0.2.2
		}
	END
	get client http://192.0.2.10/ 40
	fast=$(p50 edge web b1 rtt)
	slow=$(p50 edge web b2 rtt)
	echo "b1 $fast us ($(samples edge b1)), b2 $slow us ($(samples edge b2))"
	assert_between 0 5000 "$fast" "median of b1, in us"
	assert_between $((DELAY_US * 31 / 32)) $((DELAY_US + 5000)) "$slow" "median of b2, in us"
}

run_tests "$@"
