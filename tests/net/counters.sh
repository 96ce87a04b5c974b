#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counters of rules: what they say, what they outlive, and what sets them to zero.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# Nothing but what a test sends passes: there is no IPv6, and nobody asks for a neighbour.
build_pair() {
	ns_add edge far
	ns_sysctl edge net.ipv6.conf.default.disable_ipv6=1
	ns_sysctl far net.ipv6.conf.default.disable_ipv6=1
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
	ns_ip edge neighbour add 10.0.0.2 dev eth0 lladdr "$(mac far eth0)"
	ns_ip far neighbour add 10.0.0.1 dev eth0 lladdr "$(mac edge eth0)"
}

# conf NAME LINE...: a configuration of one filter, in $TMP/NAME.conf.
conf() {
	local name=$1
	shift
	{
		echo 'interface eth0 { xdp auto; filter edge }'
		echo 'filter edge {'
		printf '    %s\n' "$@"
		echo '}'
	} >"$TMP/$name.conf"
}

# ping_edge COUNT
ping_edge() {
	pings far 10.0.0.1 "$1"
}

# of_rule RULE EXPRESSION: a Python expression over "r", the JSON of a rule of the first filter.
of_rule() {
	weir edge -j show filter | python3 -c '
import json, sys
for f in json.load(sys.stdin)["filters"][:1]:
    for r in f["rules"] + [dict(f["default"], name="default")]:
        if r["name"] == sys.argv[1]:
            print(eval(sys.argv[2]))' "$1" "$2"
}

# assert_counts RULE PACKETS: bytes are those of so many pings.
assert_counts() {
	assert_eq "$2 $(($2 * 98))" "$(of_rule "$1" 'str(r["packets"]) + " " + str(r["bytes"])')" \
		"packets and bytes of $1"
}

# last_hit RULE: when it matched last, in whole seconds of the clock.
last_hit() {
	of_rule "$1" 'int(__import__("datetime").datetime.fromisoformat(
		r["last_hit"].replace("Z", "+00:00")).timestamp())'
}

# Less than a second ago, if the machine has time to look within it.
has_matched_now() {
	ping_edge 1
	weir edge show filter | grep 'rule pings' | grep -q " now "
}

test_a_rule_says_when_it_matched_last() {
	local began ended
	build_pair
	conf one 'rule pings count icmp' 'rule nothing drop tcp dport 4001'
	weir edge apply "$TMP/one.conf"
	began=$EPOCHSECONDS
	ping_edge 3
	ended=$EPOCHSECONDS
	assert_between "$((began - 1))" "$ended" "$(last_hit pings)" "time of the last ping"
	assert_eq None "$(of_rule nothing 'r["last_hit"]')" "last hit of a rule without one"
	assert_contains "$(weir edge show filter)" "PACKETS      BYTES       LAST  RULE"
	wait_for 20 has_matched_now
	ended=$EPOCHSECONDS
	assert_contains "$(weir edge show filter | grep 'rule nothing')" " never "
	sleep 2.1
	assert_between "$((began - 1))" "$ended" "$(last_hit pings)" "time of the last ping"
	assert_contains "$(weir edge show filter | grep 'rule pings')" " s ago "
}

test_counters_stay_with_rules_that_move_and_go_with_those_that_are_renamed() {
	local hit
	build_pair
	conf one 'rule a count icmp type 8' 'rule b count icmp' 'rule c count saddr 10.0.0.2 icmp' \
		'rule old count icmp'
	conf two 'rule new count icmp' 'rule c count saddr 10.0.0.2 icmp' 'rule front count udp' \
		'rule b count icmp' 'rule a count icmp type 8'
	weir edge apply "$TMP/one.conf"
	ping_edge 10
	hit=$(last_hit a)
	weir edge apply "$TMP/two.conf"
	for rule in a b c; do
		assert_counts "$rule" 10
	done
	assert_counts default 10
	assert_counts new 0
	assert_counts front 0
	assert_between "$((hit - 1))" "$((hit + 1))" "$(last_hit a)" "last hit, kept"
	assert_eq None "$(of_rule new 'r["last_hit"]')" "last hit of a new rule"
	ping_edge 5
	for rule in a b c; do
		assert_counts "$rule" 15
	done
	assert_counts default 15
	assert_counts new 5
}

test_counters_stay_when_a_rule_says_something_else_under_its_name() {
	build_pair
	conf one 'rule a count icmp'
	conf two 'rule a count udp'
	weir edge apply "$TMP/one.conf"
	ping_edge 4
	weir edge apply "$TMP/two.conf"
	ping_edge 4
	assert_counts a 4
}

test_counters_stay_when_the_maps_grow() {
	local hit
	build_pair
	conf one 'rule a count icmp' 'rule b count icmp'
	# More than the map of counters begins with.
	awk 'BEGIN { print "interface eth0 { xdp auto; filter edge }\nfilter edge {"
		print "rule b count icmp"
		for (i = 0; i < 1500; i++) printf "rule r%d drop udp dport %d\n", i, i + 1
		print "rule a count icmp\n}" }' >"$TMP/many.conf"
	weir edge apply "$TMP/one.conf"
	ping_edge 7
	hit=$(last_hit a)
	weir edge apply "$TMP/many.conf"
	assert_counts a 7
	assert_counts b 7
	assert_counts r700 0
	assert_between "$((hit - 1))" "$((hit + 1))" "$(last_hit a)" "last hit, kept"
	weir edge apply "$TMP/one.conf"
	ping_edge 1
	assert_counts a 8
}

test_reset_sets_one_rule_a_filter_or_all_to_zero() {
	build_pair
	conf one 'rule a count icmp' 'rule b count icmp'
	echo 'filter other { rule a count icmp }' >>"$TMP/one.conf"
	weir edge apply "$TMP/one.conf"
	ping_edge 5
	assert_contains "$(weir edge reset filter edge a)" "1 counter set to zero."
	assert_counts a 0
	assert_eq None "$(of_rule a 'r["last_hit"]')" "last hit after a reset"
	assert_counts b 5
	assert_contains "$(weir edge reset filter edge default)" "1 counter set"
	assert_counts default 0
	assert_counts b 5
	assert_eq '{"reset":3}' "$(weir edge -j reset filter edge | tr -d ' \n')" "JSON"
	assert_counts b 0
	assert_contains "$(weir edge reset filter)" "5 counters set"
	ping_edge 2
	assert_counts b 2
}

test_reset_refuses_what_is_not_there() {
	build_pair
	assert_fails 3 weir edge reset filter
	[ ! -e "/sys/fs/bpf/weir/$NS_PREFIX-edge" ] || fail "reset left a folder"
	conf one 'rule alpha count icmp'
	weir edge apply "$TMP/one.conf"
	assert_fails 3 weir edge reset filter edgy 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" 'did you mean "edge"?'
	assert_fails 3 weir edge show filter edgy 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" 'did you mean "edge"?'
	assert_fails 3 weir edge reset filter edge alhpa 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" 'did you mean "alpha"?'
	assert_fails 2 weir edge reset service
	assert_fails 2 weir edge reset
}

# Not one of those that came before is back: a rule has at most what was sent since.
test_a_reset_under_load_stays_reset() {
	local sent packets times
	build_pair
	conf one 'rule a count icmp'
	weir edge apply "$TMP/one.conf"
	ns_exec far ping -q -f -c 20000 10.0.0.1 >/dev/null
	start far "$TMP/flood.log" ping -q -f -w 3 10.0.0.1
	for ((times = 0; times < 5 || $(is_running "$started"); times++)); do
		sent=$(of_kernel far Icmp OutEchos)
		weir edge reset filter edge a >/dev/null
		packets=$(of_rule a 'r["packets"]')
		sent=$(($(of_kernel far Icmp OutEchos) - sent))
		assert_between 0 "$sent" "$packets" "packets after reset $times"
	done
	echo "$times times"
	wait "$started" || true
}

# As a number, for arithmetic.
is_running() {
	kill -0 "$1" 2>/dev/null && echo 1 || echo 0
}

test_watch_prints_rates_interval_by_interval() {
	build_pair
	conf one 'rule pings count icmp type 8' 'rule nothing drop tcp dport 4001'
	weir edge apply "$TMP/one.conf"
	ping_edge 1
	start far "$TMP/ping.log" ping -q -i 0.01 10.0.0.1
	weir edge show filter edge -w 0.5 -c 3 >"$TMP/blocks"
	assert_eq 3 "$(grep -c '^filter edge$' "$TMP/blocks")" "blocks"
	assert_eq 3 "$(grep -c 'PACKETS/S    BITS/S       LAST  RULE' "$TMP/blocks")" "headings"
	# A terminal's escapes belong to a terminal.
	! grep -q $'\033' "$TMP/blocks" || fail "escapes in a file"
	# 100 where ping has the time to send them; the next test holds them against the counters.
	while read -r _ _ rate _ last _; do
		assert_between 1 110 "${rate%.*}" "packets a second"
		assert_eq now "$last" "last hit"
	done < <(grep 'rule pings' "$TMP/blocks")
	assert_eq 3 "$(grep -c '^ *0 *0 *0 *0 *never  rule nothing' "$TMP/blocks")" "idle rule"
	kill "$started"
}

# has_rule_after NAME COUNT: so many lines have a rule, of JSON without blanks.
has_rule_after() {
	[ "$(tr -d ' ' <"$TMP/lines" | grep -c "\"name\":\"$1\"")" -ge "$2" ]
}

test_watch_prints_JSON_lines_and_goes_on_over_a_reload() {
	local watcher began
	build_pair
	conf one 'rule pings count icmp type 8'
	conf two 'rule first drop udp' 'rule pings count icmp type 8'
	weir edge apply "$TMP/one.conf"
	ping_edge 1
	start far "$TMP/ping.log" ping -q -i 0.01 10.0.0.1
	began=${EPOCHREALTIME/./}
	start edge "$TMP/lines" "$WEIR" -i "$NS_PREFIX-edge" -j show filter -w 0.4
	watcher=$started
	wait_for 5 has_rule_after pings 2
	weir edge apply "$TMP/two.conf"
	wait_for 5 has_rule_after first 3
	kill "$watcher"
	wait "$watcher"
	python3 - "$TMP/lines" "$((${EPOCHREALTIME/./} - began))" <<-'END'
		import json, sys
		lines = [json.loads(l) for l in open(sys.argv[1])]
		rules = [{r["name"]: r for r in l["filters"][0]["rules"]} for l in lines]
		assert "first" not in rules[0] and "first" in rules[-1]
		# The interval of the reload is of two generations.
		assert [r["pings"]["packets_per_s"] for r in rules].count(None) == 1, rules
		packets = [r["pings"]["packets"] for r in rules]
		assert packets == sorted(packets) and packets[0] > 0, packets
		assert all(l["seconds"] > 0.39 for l in lines if l["seconds"]), lines
		assert sum(l["seconds"] or 0 for l in lines) * 1e6 < int(sys.argv[2]), lines
		for n in range(1, len(lines)):
		    rate = rules[n]["pings"]["packets_per_s"]
		    if rate is not None:
		        want = (packets[n] - packets[n - 1]) / lines[n]["seconds"]
		        assert abs(rate - want) < 0.01 * want + 0.1, (rate, want)
		assert max(r["pings"]["packets_per_s"] or 0 for r in rules) > 0, rules
	END
}

test_watch_ends_with_0_when_interrupted_and_with_3_when_all_is_detached() {
	local status=0
	build_pair
	conf one 'rule a count icmp'
	weir edge apply "$TMP/one.conf"
	start edge "$TMP/blocks" "$WEIR" -i "$NS_PREFIX-edge" show filter -w 0.1
	wait_for 5 grep -q RULE "$TMP/blocks"
	kill "$started"
	wait "$started" || status=$?
	assert_eq 0 "$status" "exit status after a signal"
	start edge "$TMP/second" "$WEIR" -i "$NS_PREFIX-edge" show filter -w 0.1
	wait_for 5 grep -q RULE "$TMP/second"
	weir edge detach --all
	status=0
	wait "$started" || status=$?
	assert_eq 3 "$status" "exit status after detach"
}

test_watch_stays_in_place_on_a_terminal_and_within_it() {
	build_pair
	awk 'BEGIN { print "interface eth0 { xdp auto; filter edge }\nfilter edge {"
		for (i = 0; i < 40; i++) printf "rule r%d drop udp dport %d\n", i, i + 1
		print "}" }' >"$TMP/forty.conf"
	weir edge apply "$TMP/forty.conf"
	python3 - "$WEIR" "$NS_PREFIX-edge" <<-'END'
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if not pid:
		    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", 20, 80, 0, 0))
		    os.execv(sys.argv[1], [sys.argv[1], "-n", sys.argv[2], "-i", sys.argv[2],
		                           "show", "filter", "-w", "0.2", "-c", "2"])
		seen = b""
		try:
		    while part := os.read(fd, 65536):
		        seen += part
		except OSError:
		    pass
		assert os.waitpid(pid, 0)[1] == 0
		blocks = seen.split(b"\033[H")[2:]
		assert len(blocks) == 3, seen
		assert all(b.count(b"\n") == 19 for b in blocks), blocks
		assert all(b"... 25 more lines" in b for b in blocks), blocks
		assert seen.endswith(b"\033[?7h"), seen[-20:]
	END
}

test_watch_refuses_intervals_that_are_none() {
	build_pair
	conf one 'rule a count icmp'
	weir edge apply "$TMP/one.conf"
	for wrong in 0 -1 x 1x nan inf 100000; do
		assert_fails 2 weir edge show filter -w "$wrong"
	done
	for wrong in 0 -1 x 1.5; do
		assert_fails 2 weir edge show filter -w 1 -c "$wrong"
	done
	assert_fails 2 weir edge show filter -c 1
	assert_fails 2 weir edge show config -w 1
	assert_fails 2 weir edge status -w 1
	assert_fails 3 weir edge show filter edgy -w 1
}

run_tests "$@"
