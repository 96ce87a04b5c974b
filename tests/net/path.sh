#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where packets wait: every stage of each kind of packet, and delays that are known.
#
# Alone on the machine: times are measured.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

readonly TRIES=3
readonly ECHO=$ROOT/tests/tools/echo.py

# cookie NAME: the number of a namespace.
cookie() {
	ns_exec "$1" python3 -c '
import socket
print(int.from_bytes(socket.socket().getsockopt(socket.SOL_SOCKET, 71, 8), "little"))'
}

# place NAME IF: as tests/tools/path.py wants it.
place() {
	echo "$(ns_exec "$1" cat "/sys/class/net/$2/ifindex" 2>/dev/null ||
		ns_ip "$1" -o link show dev "$2" | cut -d: -f1)@$(cookie "$1")"
}

# rows NAME: what weir in that namespace has recorded by now.
rows() {
	"$ROOT/tests/tools/path.py" "/sys/fs/bpf/weir/$NS_PREFIX-$1/ns-$(cookie "$1")" | tee "$TMP/rows-$1"
}

# of_rows NAME STAGE FROM TO FIELD: of what rows said last: count, p50_us or max_us; 0 where
# there is no such row.
of_rows() {
	[ -e "$TMP/rows-$1" ] || rows "$1" >&2
	awk -v row="$2 $3 $4" -v field="$5" '
		$1 " " $2 " " $3 == row { for (i = 4; i < NF; i++) if ($i == field) value = $(i + 1) }
		END { print value + 0 }' "$TMP/rows-$1"
}

# build_pair: near and far, next door to each other, an echo server in far.
build_pair() {
	ns_add near far
	veth near eth0 far eth0
	address near eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	near=$(ns_ip near -o link show dev eth0 | cut -d: -f1)@$(cookie near)
	far=$(ns_ip far -o link show dev eth0 | cut -d: -f1)@$(cookie far)
	start_ready far "$TMP/echo.log" ready "$ECHO" serve 10.0.0.2 7
	echo_pid=$(cut -d" " -f2 "$TMP/echo.log")
}

# ask KIND TIMES
ask() {
	ns_exec near "$ECHO" ask 10.0.0.2 7 "$1" "$2"
}

# assert_stage NAME LOW HIGH STAGE FROM TO: so many were counted.
assert_stage() {
	assert_between "$2" "$3" "$(of_rows "$1" "$4" "$5" "$6" count)" "$4 from $5 to $6"
}

# assert_both_ways NAME TIMES: each stage has so many, there and back.
assert_both_ways() {
	local place
	assert_stage "$1" "$2" "$(($2 * 3))" hop "$near" "$far"
	assert_stage "$1" "$2" "$(($2 * 3))" hop "$far" "$near"
	for place in "$near" "$far"; do
		assert_stage "$1" "$2" "$(($2 * 3))" qdisc "$place" "$place"
		# Data that comes while the handshake is not over does not pass the hook.
		assert_stage "$1" "$(($2 - 2))" "$(($2 * 3))" app "$place" "$place"
	done
}

measure() {
	weir "$1" apply - <<<"interface eth0 { $2; measure path sample 1/1 }"
}

test_tcp_shows_every_stage_both_ways() {
	build_pair
	measure far 'xdp native'
	ask tcp 200
	rows far
	assert_both_ways far 200
	assert_stage far 200 600 send "$near" "$near"
	assert_stage far 200 600 send "$far" "$far"
	assert_stage far 200 600 stack "$near" "$near"
	assert_stage far 200 600 stack "$far" "$far"
	assert_stage far 200 600 driver "$far" "$far"
	assert_eq 0 "$(of_rows far driver "$near" "$near" count)" "no XDP there"
}

test_udp_shows_every_stage_both_ways() {
	build_pair
	measure far 'xdp native'
	ask udp 200
	rows far
	assert_both_ways far 200
	assert_stage far 200 600 stack "$near" "$near"
	assert_stage far 200 600 stack "$far" "$far"
}

# by_providers LIST: far is measured by hooks of these providers; skip where one is refused.
by_providers() {
	local name
	WEIR_HOOKS=$1 measure far 'xdp native' 2>"$TMP/notes" || skip "this kernel: $(<"$TMP/notes")"
	for name in "${@:2}"; do
		[[ $(weir far status) == *"hooks  $name "* ]] ||
			skip "this kernel has no $name: $(<"$TMP/notes")"
	done
	weir far status
}

test_UDP_comes_to_its_socket_by_fentry_too() {
	build_pair
	by_providers btf,fentry fentry
	ask udp 100
	assert_both_ways far 100
	assert_stage far 100 300 stack "$far" "$far"
}

test_UDP_comes_to_its_socket_by_kprobes_too() {
	build_pair
	by_providers btf,kprobe kprobes
	ask udp 100
	rows far
	assert_stage far 100 300 hop "$near" "$far"
	assert_stage far 100 300 stack "$near" "$near"
	assert_stage far 100 300 stack "$far" "$far"
}

test_raw_tracepoints_see_the_devices_too() {
	build_pair
	by_providers raw 'raw tracepoints'
	assert_contains "$(weir far status)" "not seen  app of TCP: no tcp_rcv_space_adjust: "
	ask udp 100
	ask tcp 100
	rows far
	assert_stage far 200 800 hop "$near" "$far"
	assert_stage far 200 800 hop "$far" "$near"
	assert_stage far 200 800 qdisc "$near" "$near"
	assert_stage far 200 800 driver "$far" "$far"
	assert_stage far 100 800 stack "$far" "$far"
	assert_stage far 100 400 send "$near" "$near"
}

test_ping_shows_the_hop_and_the_process() {
	build_pair
	measure far tc
	ns_exec near ping -q -c 50 -i 0.01 10.0.0.2
	rows far
	assert_stage far 50 60 hop "$near" "$far"
	assert_stage far 50 60 hop "$far" "$near"
	assert_stage far 50 60 app "$near" "$near"
}

test_generic_xdp_and_tc_show_the_same_but_the_driver() {
	local work
	build_pair
	for work in 'xdp generic' tc; do
		measure far "$work"
		ask tcp 100
		rows far
		assert_both_ways far 100
		weir far detach --all
	done
}

test_a_sample_is_the_same_at_every_hook() {
	build_pair
	weir far apply - <<<'interface eth0 { xdp native; measure path sample 1/8 }'
	ask tcp 4000
	wait_for 5 all_is_said near
	wait_for 5 all_is_said far
	rows far
	local hop app
	hop=$(of_rows far hop "$near" "$far" count)
	app=$(of_rows far app "$far" "$far" count)
	# 500 are expected; six standard deviations are 125.
	assert_between 375 1500 "$hop" "packets of the sample"
	assert_between 375 625 "$app" "of them with data"
	assert_stage far "$hop" "$hop" qdisc "$near" "$near"
	assert_stage far "$hop" "$hop" driver "$far" "$far"
}

# is_asked tcp|udp: something waits for the reader.
is_asked() {
	ns_exec far ss -Hna "--$1" 'sport = :7' | awk '$2 > 0 { found = 1 } END { exit !found }'
}

test_a_reader_that_is_stopped_is_the_applications_delay() {
	local kind
	build_pair
	measure far 'xdp native'
	for kind in tcp udp; do
		ask "$kind" 10
		kill -STOP "$echo_pid"
		ask "$kind" 10 &
		wait_for 10 is_asked "$kind"
		# So long it does not read.
		sleep 0.5
		kill -CONT "$echo_pid"
		wait "$!"
		rows far
		assert_between 300000 3000000 "$(of_rows far app "$far" "$far" max_us)" "app, $kind"
		assert_between 0 100000 "$(of_rows far stack "$far" "$far" max_us)" "stack, $kind"
		assert_between 0 100000 "$(of_rows far hop "$near" "$far" max_us)" "hop, $kind"
		weir far detach --all
		measure far 'xdp native'
	done
}

# near -- wire -- far; what goes to far is held for 20 ms, what comes back is not.
test_a_slow_forwarder_is_blamed_in_the_direction_it_is_slow_in() {
	local in out
	ns_add near wire far
	veth near eth0 wire eth0
	veth wire eth1 far eth0
	address near eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	start_ready far "$TMP/echo.log" ready "$ECHO" serve 10.0.0.2 7
	wire wire eth0 eth1 20000 0
	in=$(ns_ip wire -o link show dev eth0 | cut -d: -f1)@$(cookie wire)
	out=$(ns_ip wire -o link show dev eth1 | cut -d: -f1)@$(cookie wire)
	weir wire apply - <<<'interface eth* { tc; measure path sample 1/1 }'
	ask tcp 30
	ask udp 30
	rows wire
	assert_between 60 200 "$(of_rows wire forward "$in" "$out" count)" "forwarded"
	assert_between 19000 40000 "$(of_rows wire forward "$in" "$out" p50_us)" "to far"
	assert_between 0 10000 "$(of_rows wire forward "$out" "$in" p50_us)" "to near"
	assert_between 0 10000 "$(of_rows wire qdisc "$out" "$out" p50_us)" "its queue"
}

test_a_delay_of_netem_is_the_queues_in_its_direction() {
	build_pair
	need_netem
	ns_exec near tc qdisc add dev eth0 root netem delay 20ms
	measure far 'xdp native'
	ask tcp 20
	ask udp 20
	rows far
	assert_between 40 200 "$(of_rows far qdisc "$near" "$near" count)" "queued"
	assert_between 19000 60000 "$(of_rows far qdisc "$near" "$near" p50_us)" "queue of near"
	assert_between 0 15000 "$(of_rows far qdisc "$far" "$far" p50_us)" "queue of far"
	assert_between 0 15000 "$(of_rows far hop "$near" "$far" p50_us)" "hop to far"
	assert_between 0 15000 "$(of_rows far hop "$far" "$near" p50_us)" "hop to near"
}

# links FOLDER: ids of those at net_dev_start_xmit whose program writes to its maps, pinned or not.
links() {
	local map
	map=$(compgen -G "$1/maps-*/weir_path_hists" | sort -V | tail -n 1)
	bpftool -j map show pinned "$map" >"$TMP/map"
	bpftool -j prog show >"$TMP/programs"
	bpftool -j link show | python3 -c '
import json, sys
map_id, programs = json.load(open(sys.argv[1]))["id"], json.load(open(sys.argv[2]))
ours = {p["id"] for p in programs if map_id in p.get("map_ids", [])}
print(*[l["id"] for l in json.load(sys.stdin)
        if l.get("tp_name") == "net_dev_start_xmit" and l["prog_id"] in ours])' "$TMP/map" "$TMP/programs"
}

test_off_attaches_nothing_and_on_again_attaches_once() {
	local folder link
	build_pair
	folder=/sys/fs/bpf/weir/$NS_PREFIX-far/ns-$(cookie far)
	weir far apply - <<<'interface eth0 { xdp native; measure rtt }'
	assert_eq 0 "$(find "$folder" -name 'stack-*' | wc -l)" "hooks without measure path"
	assert_eq "" "$(links "$folder")" "links without measure path"
	measure far 'xdp native'
	link=$(links "$folder")
	assert_eq 1 "$(wc -w <<<"$link")" "links of the kind with measure path"
	assert_contains "$(weir far plan - <<<"interface eth0 { xdp native; measure path sample 1/1 }")" \
		"nothing to change"
	weir far apply - <<<'interface eth0 { xdp native; measure rtt }'
	assert_eq 0 "$(find "$folder" -name 'stack-*' | wc -l)" "hooks after it"
	wait_for 5 is_gone "$link"
}

# is_gone LINK
is_gone() {
	! bpftool link show id "$1" >/dev/null 2>&1
}

test_a_hook_that_was_lost_is_put_back_by_apply() {
	local folder
	build_pair
	measure far 'xdp native'
	folder=/sys/fs/bpf/weir/$NS_PREFIX-far/ns-$(cookie far)
	rm "$folder/stack-weir_xmit"
	assert_contains "$(weir far plan - <<<"interface eth0 { xdp native; measure path sample 1/1 }")" \
		'the programs of "measure path" are attached'
	measure far 'xdp native'
	ask tcp 50
	rows far
	assert_both_ways far 50
}

run_tests "$@"
