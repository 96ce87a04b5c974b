#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Applying: all or nothing, no packet lost, counters kept, killed at any point.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_kill.sh
. "$(dirname "$0")/lib_kill.sh"

build_pair() {
	ns_add edge far
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
}

# conf NAME WORK RULE...: $TMP/NAME.conf
conf() {
	local name=$1 work=$2
	shift 2
	{
		echo "interface eth0 { $work }"
		echo 'filter edge {'
		printf '    %s\n' 'default pass' "$@"
		echo '}'
	} >"$TMP/$name.conf"
}

# many_rules NAME COUNT: after three rules that count.
many_rules() {
	conf few 'xdp auto; filter edge' 'rule pings count icmp' 'rule a drop tcp dport 4001' \
		'rule b drop tcp dport 4002'
	{
		sed '$d' "$TMP/few.conf"
		awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++)
			printf "rule r%d drop udp saddr 172.16.%d.%d dport %d\n",
				i, int(i / 256) % 256, i % 256, i % 65000 + 1 }'
		echo '}'
	} >"$TMP/$1.conf"
}

# rule_packets RULE: how many it matched.
rule_packets() {
	weir edge -j show filter | python3 -c '
import json, sys
print(*[r["packets"] for f in json.load(sys.stdin)["filters"] for r in f["rules"]
        if r["name"] == sys.argv[1]])' "$1"
}

# ping_edge COUNT
ping_edge() {
	pings far 10.0.0.1 "$1"
}

# Pings, 2,000 a second, in batches.
start_flood() {
	answers_before=$(of_kernel far Icmp InEchoReps)
	# shellcheck disable=SC2016
	start far "$TMP/flood.log" bash -c '
		until [ -e "$1" ]; do
			ping -q -c 400 -i 0.0005 -W 2 10.0.0.1
		done; true' flood "$TMP/stop"
	flood=$started
	(wait_for 10 grep -q received "$TMP/flood.log")
}

# What the flood has said so far, to $sent.
count_flood() {
	sent=$(awk '/packets transmitted/ { sent += $1 } END { print sent + 0 }' "$TMP/flood.log")
}

# What became of the last ping of a batch, not even ping may wait for: the kernel knows.
count_lost() {
	lost=$((sent - $(of_kernel far Icmp InEchoReps) + answers_before))
	[ "$lost" = 0 ]
}

# Ends it; $sent and $lost are set.
stop_flood() {
	touch "$TMP/stop"
	wait "$flood" || true
	count_flood
	(wait_for 1 count_lost) 2>/dev/null || true
	count_lost || true
	echo "pings sent $sent, lost $lost"
}

# refused STATUS COMMAND...: what it said is in $said.
refused() {
	said=$(assert_fails "$@" 2>&1 >/dev/null) || fail "$said"
}

# --- an error changes nothing

test_a_broken_file_is_refused_with_its_place_and_changes_nothing() {
	local before
	build_pair
	conf good 'xdp auto; filter edge' 'rule pings count icmp' 'rule a drop tcp dport 4001'
	weir edge apply "$TMP/good.conf"
	ping_edge 10
	before=$(weir edge show config)
	conf bad 'xdp auto; filter edge' 'rule pings count icmp' 'rule a drop tcp dprt 4001'
	refused 2 weir edge apply "$TMP/bad.conf"
	assert_contains "$said" "$TMP/bad.conf:5:21: "
	assert_contains "$said" 'did you mean "dport"?'
	# The line, and a caret below the word.
	assert_contains "$said" "rule a drop tcp dprt 4001"$'\n'"                    ^~~~"
	assert_eq "$before" "$(weir edge show config)" "configuration"
	ping_edge 5
	assert_eq 15 "$(rule_packets pings)" "packets counted"
}

test_a_missing_interface_is_not_found_and_the_near_name_suggested() {
	local before
	build_pair
	conf good 'xdp auto; filter edge' 'rule pings count icmp'
	weir edge apply "$TMP/good.conf"
	before=$(weir edge show config)
	sed 's/eth0/eth1/' "$TMP/good.conf" >"$TMP/bad.conf"
	refused 3 weir edge apply "$TMP/bad.conf"
	assert_contains "$said" "bad.conf:1:11: there is no interface \"eth1\""
	assert_contains "$said" 'did you mean "eth0"?'
	assert_eq "$before" "$(weir edge show config)" "configuration"
}

# --- text in, text out

test_a_configuration_comes_from_standard_input() {
	build_pair
	conf good 'xdp auto; filter edge' 'rule a drop tcp dport 4001'
	weir edge apply - <"$TMP/good.conf"
	assert_contains "$(weir edge show config)" "rule a drop tcp dport 4001"
	refused 2 weir edge apply - <<<'interface eth0 { xdp sideways }'
	assert_contains "$said" "(standard input):1:22: "
}

test_what_is_shown_can_be_applied_and_changes_nothing() {
	build_pair
	routing_on edge
	conf good 'xdp auto; filter edge; balance; measure' \
		'rule a drop tcp dport { 4001, 5000-5010 } saddr { 10.9.0.0/16, 2001:db8::/32 }' \
		'rule b count tcp flags syn/syn,ack' 'rule c drop icmp type 13'
	cat >>"$TMP/good.conf" <<-END
		service web {
			address 192.0.2.10, 2001:db8:ff::10
			port tcp 80, udp 53
			forward ipip
			backend b1 10.0.0.2 weight 3
			backend b2 10.0.0.3 drain
		}
	END
	weir edge apply "$TMP/good.conf"
	weir edge show config >"$TMP/shown.conf"
	weir edge -j show config >"$TMP/shown.json"
	assert_contains "$(weir edge apply - <"$TMP/shown.conf")" "Nothing to change."
	assert_contains "$(weir edge -j apply - <"$TMP/shown.json" | tr -d ' ')" '"changed":false'
	assert_eq "$(cat "$TMP/shown.conf")" "$(weir edge show config)" "configuration"
}

test_plan_tells_by_its_exit_code_whether_something_waits() {
	local before
	build_pair
	conf one 'xdp auto; filter edge' 'rule a drop tcp dport 4001'
	conf two 'xdp auto; filter edge' 'rule a drop tcp dport 4002'
	assert_fails 10 weir edge plan --exit-code "$TMP/one.conf"
	refused 3 weir edge status
	weir edge apply "$TMP/one.conf"
	weir edge plan --exit-code "$TMP/one.conf"
	before=$(weir edge show config)
	assert_fails 10 weir edge plan --exit-code "$TMP/two.conf"
	weir edge plan "$TMP/two.conf"
	assert_eq "$before" "$(weir edge show config)" "configuration after plans"
}

# --- under traffic

test_counters_survive_a_rule_in_front() {
	build_pair
	conf one 'xdp auto; filter edge' 'rule pings count icmp' 'rule other count udp'
	conf two 'xdp auto; filter edge' 'rule first drop tcp dport 4001' 'rule pings count icmp'
	weir edge apply "$TMP/one.conf"
	ping_edge 20
	weir edge apply "$TMP/two.conf"
	assert_eq 20 "$(rule_packets pings)" "packets that the old rule counted"
	assert_eq 0 "$(rule_packets first)" "packets of the new rule"
	ping_edge 5
	assert_eq 25 "$(rule_packets pings)" "packets"
}

# changes_lose_nothing WORK: twenty changes of rules and two of programs, fewer on a slow machine;
# more where they are quicker than a thousand pings.
changes_lose_nothing() {
	local i end=$((SECONDS + 8))
	build_pair
	conf one "$1; filter edge" 'rule pings count icmp' 'rule a drop tcp dport 4001'
	conf two "$1; filter edge" 'rule b drop udp' 'rule pings count icmp'
	conf measured "$1; filter edge; measure" 'rule pings count icmp' 'rule a drop tcp dport 4001'
	# Measuring takes larger maps; from here on every change is made in place.
	weir edge apply "$TMP/measured.conf"
	weir edge apply "$TMP/one.conf"
	start_flood
	count_flood
	for ((i = 0; (i < 10 && SECONDS < end) || sent < 1000; i++)); do
		weir edge apply "$TMP/two.conf"
		weir edge apply "$TMP/one.conf"
		[ $((i % 5)) != 0 ] || weir edge apply "$TMP/measured.conf"
		count_flood
		kill -0 "$flood" || fail "the flood ended"
	done >/dev/null
	stop_flood
	echo "the rule counted $(rule_packets pings)"
	assert_between 1000 1000000 "$sent" "pings sent"
	assert_eq 0 "$lost" "pings lost"
	# Not one passed by the program.
	assert_eq "$((sent))" "$(rule_packets pings)" "pings that the rule counted"
}

test_changes_under_a_flood_of_pings_lose_none_with_XDP() {
	changes_lose_nothing 'xdp auto'
}

test_changes_under_a_flood_of_pings_lose_none_with_tc() {
	changes_lose_nothing 'tc auto'
}

test_changes_under_a_flood_of_pings_lose_none_with_clsact() {
	ns_add probe
	ns_exec probe tc qdisc add dev lo clsact 2>/dev/null || skip "this kernel has no clsact"
	changes_lose_nothing 'tc clsact'
}

test_growing_from_3_rules_to_3000_loses_nothing() {
	build_pair
	many_rules many 3000
	weir edge apply "$TMP/few.conf"
	start_flood
	weir edge apply "$TMP/many.conf"
	weir edge apply "$TMP/few.conf"
	stop_flood
	assert_eq 0 "$lost" "pings lost"
	# What the old program counts after its counters are copied is missing: milliseconds.
	assert_between $((sent * 8 / 10)) "$sent" "$(rule_packets pings)" "pings that the rule counted"
}

test_100000_rules_are_applied() {
	local start
	build_pair
	many_rules many 100000
	start=${EPOCHREALTIME/./}
	weir edge apply "$TMP/many.conf"
	echo "100,003 rules applied in $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	assert_contains "$(weir edge status)" 100003
	ping_edge 5
	assert_eq 5 "$(rule_packets pings)" "pings counted in front of them"
}

# --- killed

# survives_kills WORK-ONE WORK-TWO: applies of two over one, killed.
survives_kills() {
	local n times=0
	local killed=("$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" apply "$TMP/two.conf")
	command -v strace >/dev/null || skip "no strace"
	build_pair
	conf one "$1" 'rule a drop tcp dport 4001'
	conf two "$2" 'rule pings count icmp' 'rule b drop tcp dport 4002'
	weir edge apply "$TMP/one.conf" >/dev/null
	for n in $(points "${killed[@]}"); do
		weir edge detach --all >/dev/null || fail "detach after a kill"
		weir edge apply "$TMP/one.conf" >/dev/null || fail "apply after a kill"
		kill_at "$n" "${killed[@]}"
		ping_edge 1 || fail "no ping after a kill at call $n"
		weir edge apply "$TMP/two.conf" >/dev/null || fail "apply after a kill at call $n"
		weir edge plan --exit-code "$TMP/two.conf" >/dev/null || fail "unfinished, $n"
		assert_works "$n"
		times=$((times + 1))
	done
	echo "killed $times times, of $(wc -l <"$TMP/trace") system calls"
	assert_between 3 "$KILLS" "$times" "points to kill at"
	weir edge detach --all >/dev/null
	[ ! -e "/sys/fs/bpf/weir/$NS_PREFIX-edge" ] ||
		fail "left: $(find "/sys/fs/bpf/weir/$NS_PREFIX-edge")"
}

# The program in place is the one that counts.
assert_works() {
	local before
	before=$(rule_packets pings)
	ping_edge 1
	assert_eq $((before + 1)) "$(rule_packets pings)" "pings counted after a kill at call $1"
}

test_an_apply_of_rules_may_be_killed_anywhere() {
	survives_kills 'xdp auto; filter edge' 'xdp auto; filter edge'
}

test_an_apply_that_replaces_programs_may_be_killed_anywhere() {
	survives_kills 'tc auto; filter edge' 'tc auto; filter edge; measure'
}

test_an_apply_that_moves_from_tc_to_XDP_may_be_killed_anywhere() {
	survives_kills 'tc auto; filter edge; measure' 'xdp auto; filter edge'
}

test_an_apply_of_clsact_may_be_killed_anywhere() {
	ns_add probe
	ns_exec probe tc qdisc add dev lo clsact 2>/dev/null || skip "this kernel has no clsact"
	survives_kills 'tc clsact; filter edge' 'tc clsact; filter edge; measure'
}

run_tests "$@"
