#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Round-trip times wherever packets pass: over loopback, with VLAN tags, out of
# the balancer's own tunnels, as super-packets, over ports that are used again,
# with acknowledgements that are held back; as a capture of the same packets has
# them. And response times in-band, where only the client is seen.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"
# shellcheck source=tests/net/lib_truth.sh
. "$(dirname "$0")/lib_truth.sh"

readonly TRIES=3

# p50 NAME WORD...: median in microseconds.
p50() {
	local name=$1
	shift
	weir "$name" -j latency | python3 "$ROOT/tests/tools/median.py" "$@"
}

# Each packet leaves lo and comes in again: both ends are seen, each from both sides.
test_both_ends_of_loopback_are_timed_from_both_sides() {
	ns_add near
	flows_server near 127.0.0.1 ::1
	truth_begin near lo tc
	flows near 127.0.0.1 flows 10 rounds 20
	flows near ::1 flows 10 rounds 20
	truth_end near lo 127.0.0.1 near 00:00:00:00:00:00
	python3 - "$TMP/oracle.json" <<-'END'
		import json, sys
		truth = json.load(open(sys.argv[1]))
		# No MAC address tells the sides apart: the oracle has each of them on one.
		other = {"wire": "host", "host": "wire"}
		truth["samples"] += [{**s, "direction": other[s["direction"]]} for s in truth["samples"]]
		json.dump(truth, open(sys.argv[1], "w"))
	END
	truth_holds lo tcp+ack handshake
}

# Both ends of the cable in the middle are processes; what passes there has a tag.
test_frames_with_a_VLAN_tag_are_timed() {
	local work
	ns_add near w1 w2 far
	veth near eth0 w1 eth0
	veth w1 eth1 w2 eth0
	veth w2 eth1 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	wire w1 eth0 eth1 500 500 tag01 7
	wire w2 eth0 eth1 3000 2000 tag10 7
	know_each_other near 10.0.0.1 2001:db8::1 far 10.0.0.2 2001:db8::2
	flows_server far 10.0.0.2 2001:db8::2
	for work in 'xdp native' tc; do
		truth_begin w1 eth1 "$work" "vlan 7"
		flows near 10.0.0.2 flows 10 rounds 10
		flows near 2001:db8::2 flows 10 rounds 10
		ns_exec near ping -q -i 0.01 -c 60 10.0.0.2 >/dev/null
		truth_end w1 eth1 10.0.0.2 near
		truth_holds eth1 tcp+ack icmp
		assert_between 60 10000 "$(python3 -c '
import json, sys
print(sum(s["count"] for s in json.load(open(sys.argv[1]))["samples"]))' "$TMP/oracle.json")" \
			"samples with a tag"
		weir w1 detach --all >/dev/null
	done
}

# XDP takes the header off, so that tcpdump sees what was in it.
test_what_comes_out_of_the_balancers_tunnel_is_timed() {
	build_network ipip
	service ipip "b1 10.0.1.11" >/dev/null
	truth_begin b1 eth0 'xdp native; decap'
	ask 60 "http://$VIP4/"
	ask 60 "http://[$VIP6]/"
	truth_end b1 eth0 10.0.1.1
	assert_between 240 100000 "$(weir b1 -j show interface eth0 | python3 -c '
import json, sys
print(json.load(sys.stdin)["interfaces"][0]["reasons"]["decap"]["packets"])')" "headers taken off"
	truth_holds eth0 tcp+ack handshake
}

# Its segments are cut where native XDP is, so this is tc.
test_super_packets_are_timed() {
	build_middle 3000 5000 500 500
	bulk
	weir mid detach --all >/dev/null
	without_timestamps near far
	bulk
}

bulk() {
	truth_begin mid eth0 tc
	flows near 10.0.1.2 answer 8000000
	flows near 10.0.1.2 ask 8000000
	truth_end mid eth0 10.0.0.1
	assert_between 100 100000 "$(tcpdump -nr "$TMP/truth.pcap" greater 3000 2>/dev/null | wc -l)" \
		"super-packets"
	truth_holds eth0 tcp+ack
}

# waiting_are N: connections that far remembers after their end.
waiting_are() {
	assert_eq "$1" "$(ns_exec far ss -Htn state time-wait | wc -l)" "connections in TIME_WAIT"
}

# Its server closes first, and the client comes again from the same port at once.
test_ports_in_TIME_WAIT_are_other_flows() {
	local timestamps
	build_line 1000 1000
	start_ready far "$TMP/reuse.log" ready "$ROOT/tests/tools/reuse.py" serve 10.0.0.2 81
	for timestamps in 1 0; do
		ns_sysctl near net.ipv4.tcp_timestamps="$timestamps"
		truth_begin near eth0 'xdp native'
		for _ in 1 2 3; do
			ns_exec near "$ROOT/tests/tools/reuse.py" ask 10.0.0.2 81 20000 40
			wait_for 5 waiting_are 40
		done
		truth_end near eth0 10.0.0.2
		truth_holds eth0 tcp+ack handshake
		weir near detach --all >/dev/null
	done
}

test_what_the_receiver_holds_back_is_told_from_the_network() {
	local network held
	build_line 5000 5000
	start_ready far "$TMP/late_ack.log" ready "$ROOT/tests/tools/late_ack.py" serve 10.0.0.2 81
	truth_begin near eth0 'xdp native'
	ns_exec near "$ROOT/tests/tools/late_ack.py" ask 10.0.0.2 81 10 8
	truth_end near eth0 10.0.0.2
	truth_holds eth0 tcp ack handshake
	network=$(p50 near eth0 wire tcp)
	held=$(p50 near eth0 wire ack)
	echo "the network $network us, with the receiver's delay $held us"
	assert_between 48000 400000 "$held" "with the receiver's delay, in us"
	assert_between 9700 $((held - 10000)) "$network" "of the network, in us"
}

# client -- edge -- b1, and b2 behind a wire; both answer the client directly.
build_direct_return() {
	local n
	ns_add client edge b1 b2 wire
	veth client eth0 edge wan
	address client eth0 198.51.100.2/24
	address edge wan 198.51.100.1/24
	ns_ip client route add "$VIP4" via 198.51.100.1
	routing_on edge
	veth edge b1 b1 eth0
	veth edge b2 wire eth0
	veth wire eth1 b2 eth0
	ns_exec b1 ethtool -K eth0 gro on
	ns_exec wire ethtool -K eth0 gro on
	wire wire eth0 eth1 "$1" 0
	for n in 1 2; do
		veth "b$n" back client "back$n"
		address edge "b$n" "10.0.$n.1/24"
		address "b$n" eth0 "10.0.$n.2/24"
		address "b$n" back "10.1.$n.2/24"
		address "b$n" lo "$VIP4/32"
		address client "back$n" "10.1.$n.1/24"
		ns_ip "b$n" route add 198.51.100.0/24 via "10.1.$n.1"
		http_server "b$n" "b$n" 80 "$VIP4"
		wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.2"
	done
	# Neither end sees the other where its own packets leave.
	ns_sysctl client net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.back1.rp_filter=0 \
		net.ipv4.conf.back2.rp_filter=0
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wan.rp_filter=0
	for n in b1 b2; do
		ns_sysctl "$n" net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	done
}

# counts KIND: samples of b1 and of b2.
counts() {
	weir edge -j latency web --kind "$1" | python3 -c '
import json, sys
rows = {r.get("backend"): r["count"] for r in json.load(sys.stdin)["latency"]}
print(rows["b1"], rows["b2"])'
}

test_response_times_by_backend_where_only_the_client_is_seen() {
	local fast slow of_b1 of_b2
	build_direct_return 50000
	weir edge apply - <<-END
		interface wan { xdp auto; balance; measure }
		service web {
			address $VIP4; port tcp 80; forward l2
			backend b1 10.0.1.2; backend b2 10.0.2.2
		}
	END
	ask 40 "http://$VIP4/"
	assert_eq 0 "$none" "connections without an answer"
	# Each has its last bytes, or its FIN, acknowledged at the latest.
	read -r of_b1 of_b2 < <(counts response)
	echo "b1 answered $b1 times, $of_b1 samples; b2 $b2 times, $of_b2"
	assert_eq "$b1 $b2" "$of_b1 $of_b2" "samples of b1 and b2"
	assert_eq "0 0" "$(counts rtt)" "round trips: no answer was seen"
	fast=$(p50 edge web b1 response)
	slow=$(p50 edge web b2 response)
	echo "b1 $fast us, b2 $slow us"
	assert_between 0 25000 "$fast" "median of b1, in us"
	assert_between $((50000 * 31 / 32)) 100000 "$slow" "median of b2, in us"
}

# Room for 1,024 flows, twice that to be sure, and 6,000 at a time.
test_flows_that_give_way_are_counted_and_told() {
	local out
	build_line 0 0
	weir near apply - <<<'interface eth0 { xdp native; measure }; latency { flows 1024 }'
	flows near 10.0.0.2 flows 6000
	out=$(weir near latency)
	tail -n 4 <<<"$out"
	assert_contains "$out" 'gave way; write "latency { flows 2048 }" or more'
	assert_between 1000 1000000 "$(weir near -j latency |
		python3 "$ROOT/tests/tools/lost.py" losses flows-evicted)" "flows evicted"
	weir near apply - <<<'interface eth0 { xdp native; measure }; latency { flows 65536 }'
	weir near latency reset
	flows near 10.0.0.2 flows 6000
	# Where five of them fall into one of 32,768 places for four.
	assert_between 0 100 "$(weir near -j latency |
		python3 "$ROOT/tests/tools/lost.py" losses flows-evicted)" "flows evicted with more room"
}

run_tests "$@"
