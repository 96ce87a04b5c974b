#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# monitor log: packets of rules that log, as they come, over reloads.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

build_pair() {
	ns_add edge far
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
	# Neighbours are asked for before there is a filter.
	ns_exec far ping -q -c 1 -W 2 10.0.0.1 >/dev/null
	ns_exec far ping -q -c 1 -W 2 2001:db8::1 >/dev/null
}

# conf NAME LINE...: a configuration of one filter, in $TMP/NAME.conf.
conf() {
	local name=$1
	shift
	{
		echo "interface eth0 { ${MODE:-xdp auto}; filter edge }"
		echo 'filter edge {'
		printf '    %s\n' "$@"
		echo '}'
	} >"$TMP/$name.conf"
}

# monitor ARGUMENT...: weir monitor log in the background, to $TMP/log and $TMP/talk.
monitor() {
	nsenter --net="/run/netns/$NS_PREFIX-edge" "$WEIR" -i "$NS_PREFIX-edge" "$@" monitor log \
		</dev/null >"$TMP/log" 2>"$TMP/talk" &
	started=$!
	processes+=("$started")
}

# lines COUNT: wait until so many have come.
lines() {
	wait_for 10 lines_are "$1"
}

lines_are() {
	[ "$(wc -l <"$TMP/log")" -ge "$1" ]
}

has_ended() {
	! kill -0 "$started"
}

# ended: wait until the monitor ends by itself; it must exit with 0.
ended() {
	wait_for 10 has_ended
	wait "$started" || fail "the monitor ended with $?: $(cat "$TMP/talk")"
}

# finish SIGNAL: end the monitor; it must exit with 0.
finish() {
	kill "-$1" "$started"
	wait "$started" || fail "the monitor ended with $?: $(cat "$TMP/talk")"
}

# ping_from_far COUNT
ping_from_far() {
	ns_exec far ping -q -c "$1" -i 0.01 -W 2 "${2:-10.0.0.1}" >/dev/null
}

test_packets_of_a_rule_that_logs_are_printed() {
	local pattern
	build_pair
	conf log 'rule pings log icmp type echo-request' 'rule six log icmpv6 type echo-request' \
		'rule none log udp dport 9'
	weir edge apply "$TMP/log.conf"
	monitor
	ping_from_far 2
	ping_from_far 1 2001:db8::1
	lines 3
	finish INT
	pattern='^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{6} eth0 xdp  filter edge rule pings  filter-pass  '
	pattern+='icmp from 10\.0\.0\.2 to 10\.0\.0\.1 type echo-request code 0 length 84 ttl 64$'
	assert_eq 2 "$(grep -cE "$pattern" "$TMP/log")" "lines of pings in: $(cat "$TMP/log")"
	assert_contains "$(cat "$TMP/log")" "rule six "
	assert_contains "$(cat "$TMP/log")" \
		"icmpv6 from 2001:db8::2 to 2001:db8::1 type echo-request code 0 length 104 ttl 64"
	assert_eq "weir: 3 events; 0 suppressed above the log's rate, 0 lost because the log was full" \
		"$(cat "$TMP/talk")" "the last line"
}

test_what_is_printed_is_what_weir_test_takes() {
	local words
	build_pair
	conf log 'rule new log tcp dport 4001 flags syn/syn,ack'
	weir edge apply "$TMP/log.conf"
	monitor -c 1
	ns_exec far timeout 2 bash -c 'exec 3<>/dev/tcp/10.0.0.1/4001' 2>/dev/null || true
	ended
	words=$(sed 's/.*  tcp /tcp /' "$TMP/log")
	assert_contains "$words" "to 10.0.0.1:4001 syn"
	# shellcheck disable=SC2086
	assert_contains "$(weir edge test $words)" "passed by rule new (log)"
}

test_what_became_of_the_packet_is_told() {
	build_pair
	conf log 'rule seen log udp dport 9' 'rule not drop udp dport 9' 'rule pings log icmp'
	sed -i 's/filter edge }/filter edge; filter out egress }/' "$TMP/log.conf"
	echo 'filter out { rule quiet log icmp type echo-reply; default drop }' >>"$TMP/log.conf"
	weir edge apply "$TMP/log.conf"
	monitor -c 3
	ns_exec far bash -c 'echo >/dev/udp/10.0.0.1/9'
	ns_exec far ping -q -c 1 -W 0.2 10.0.0.1 >/dev/null && fail "a ping was answered"
	ended
	assert_contains "$(cat "$TMP/log")" "xdp  filter edge rule seen  filter-drop  udp "
	assert_contains "$(cat "$TMP/log")" "xdp  filter edge rule pings  filter-pass  icmp "
	assert_contains "$(cat "$TMP/log")" "tc egress  filter out rule quiet  filter-default  icmp "
}

test_JSON_has_a_line_for_each_event() {
	build_pair
	conf log 'rule pings log icmp'
	weir edge apply "$TMP/log.conf"
	monitor -j -c 3
	ping_from_far 3
	ended
	python3 - "$TMP/log" <<'EOF' || fail "$(cat "$TMP/log")"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 3
for e in lines:
    assert (e["interface"], e["place"], e["direction"]) == ("eth0", "xdp", "in")
    assert (e["filter"], e["rule"], e["reason"]) == ("edge", "pings", "filter-pass")
    p = e["packet"]
    assert (p["saddr"], p["daddr"], p["proto"]) == ("10.0.0.2", "10.0.0.1", "icmp")
    assert (p["type"], p["code"], p["length"], p["bytes"]) == (8, 0, 84, 98)
EOF
}

# tells RULE: of a ping that was just sent. What others applied is noticed a little later, and
# until then the rule has no name.
tells() {
	ping_from_far 1
	sleep 0.1
	tail -n 1 "$TMP/log" | grep -F " rule $1 "
}

test_it_goes_on_over_reloads_and_new_maps() {
	local i
	build_pair
	conf one 'rule before log icmp'
	conf two 'rule none count udp' 'rule after log icmp'
	{
		# So many rules that the tables have to grow.
		echo 'interface eth0 { filter edge }'
		echo 'filter edge {'
		for ((i = 1; i < 6000; i++)); do echo "rule r$i drop udp dport $i"; done
		echo 'rule grown log icmp'
		echo '}'
	} >"$TMP/many.conf"
	conf silent 'rule quiet count icmp'
	weir edge apply "$TMP/one.conf"
	monitor
	ping_from_far 1
	lines 1
	weir edge apply "$TMP/two.conf"
	wait_for 10 tells after
	weir edge apply "$TMP/many.conf"
	wait_for 10 tells grown
	weir edge apply "$TMP/silent.conf"
	wait_for 5 grep -q "no rule of the configuration in force logs any more" "$TMP/talk"
	weir edge apply "$TMP/one.conf"
	wait_for 10 tells before
	finish TERM
	assert_eq "before after grown before" "$(sed 's/.* rule \([a-z?]*\) .*/\1/' "$TMP/log" |
		grep -vxF '?' | uniq | xargs)" "rules"
	assert_contains "$(cat "$TMP/talk")" "$(wc -l <"$TMP/log") events; 0 suppressed"
}

test_what_is_not_printed_is_counted() {
	local events suppressed lost
	build_pair
	conf log 'rule all log udp dport 9' 'rule last count udp dport 10'
	weir edge apply "$TMP/log.conf"
	monitor
	ping_from_far 1
	ns_exec far python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.2", 4444))
for _ in range(20000):
    s.sendto(b"x", ("10.0.0.1", 9))
s.sendto(b"x", ("10.0.0.1", 10))'
	wait_for 5 eval 'weir edge show filter | grep -q "^ *1 .* rule last"'
	finish INT
	read -r events suppressed lost < <(tr -cd '0-9 \n' <"$TMP/talk")
	assert_eq "$(wc -l <"$TMP/log")" "$events" "events"
	assert_eq 20000 "$((events + suppressed + lost))" "events in all"
	# A CPU logs 1000 in 1.07 s, and this takes no ten of those.
	assert_between 5000 19000 "$suppressed" "suppressed"
}

test_at_tc_the_place_is_told() {
	build_pair
	MODE='tc auto' conf log 'rule pings log icmp'
	weir edge apply "$TMP/log.conf"
	monitor -c 1
	ping_from_far 1
	ended
	assert_contains "$(cat "$TMP/log")" " eth0 tc ingress  filter edge rule pings  filter-pass  icmp "
}

test_it_says_why_there_is_nothing_to_print() {
	local said
	build_pair
	assert_fails 3 weir edge monitor log 2>/dev/null
	conf silent 'rule quiet count icmp'
	weir edge apply "$TMP/silent.conf"
	said=$(weir edge monitor log 2>&1) && fail "exit status 0"
	assert_contains "$said" "no rule of the configuration in force logs; add one"
	assert_fails 5 weir edge monitor log 2>/dev/null
	assert_fails 2 weir edge monitor pcap 2>/dev/null
	assert_fails 2 weir edge monitor 2>/dev/null
}

test_a_log_has_one_reader_and_ends_with_weir() {
	build_pair
	conf log 'rule pings log icmp'
	weir edge apply "$TMP/log.conf"
	monitor
	ping_from_far 1
	lines 1
	assert_fails 6 weir edge monitor log 2>/dev/null
	weir edge detach --all
	wait_for 10 has_ended
	wait "$started" && fail "exit status 0"
	assert_contains "$(cat "$TMP/talk")" "1 event; 0 suppressed"
	assert_contains "$(cat "$TMP/talk")" "nothing is applied"
}

run_tests "$@"
