#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir backend: one backend changes while connections are open.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

# backend_of EXPRESSION BACKEND [NAME]: of what show backend says of it in each
# service; EXPRESSION is Python, of b.
backend_of() {
	weir edge -j show backend "${@:3}" | python3 -c 'import json, sys
print(*[eval(sys.argv[1]) for s in json.load(sys.stdin)["services"] for b in s["backends"]
        if b["name"] == sys.argv[2]])' "$1" "$2"
}

# pins ARGUMENT...: how many "show flow" lists.
pins() {
	weir edge -j show flow "$@" | python3 -c 'import json, sys
print(len(json.load(sys.stdin)["pins"]))'
}

# Not while one comes or goes.
sums_of_pins_agree() {
	assert_eq "$(pins web)" $(($(pins web backend b2) + $(pins web backend b1))) "pins of both"
}

# Half of the slots moved to b2, and so 40 new connections: those have pins.
check_pins() {
	local of_b2
	of_b2=$(pins web backend b2)
	assert_between 5 40 "$of_b2" "pins to b2"
	assert_eq "$of_b2" "$(weir edge show flow pin backend b2 2>/dev/null | grep -c '^pin [0-9a-f]\{16\}  web b2  ')" \
		"lines of pins"
	wait_for 5 sums_of_pins_agree
	# Flows go from one state to another meanwhile.
	assert_between $((of_b2 - 2)) $((of_b2 + 2)) \
		$(($(pins backend b2 state closing) + $(pins backend b2 state open) + $(pins backend b2 state opening))) \
		"pins in any state"
	assert_eq 0 "$(pins nat)" "pins of translated flows"
	assert_contains "$(weir edge show flow client 10.9.0.0/16)" "pins are not looked at"
	assert_fails 3 weir edge show flow nobody 2>/dev/null
	assert_fails 2 weir edge show flow web state closed 2>/dev/null
	assert_fails 2 weir edge show flow client 10.0.0.1/8 2>/dev/null
	assert_fails 2 weir edge show flow web more 2>/dev/null
	assert_fails 2 weir edge show flow nat pin 2>/dev/null
}

test_a_drained_backend_keeps_its_connections_and_gets_no_others() {
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 10.0.2.12 drain" >/dev/null
	download client "http://$VIP4/bytes/20000000"
	weir edge backend undrain web b2 | grep -q 'backend b2 drain on -> off   (50.0 % of ring' ||
		fail "undrain did not say what moves"
	weir edge backend drain web b1
	assert_eq drain "$(backend_of 'b["state"]' b1)" "state of b1"
	assert_eq 0.0 "$(backend_of 'b["ring_percent"]' b1)" "share of b1"
	assert_eq True "$(backend_of 'b["settling_percent"] > 99' b1)" "flows that settle"
	ask 40 "http://$VIP4/"
	assert_eq "0 40 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	check_pins
	downloaded 20000000
}

test_a_weight_divides_new_connections_and_is_in_the_history() {
	build_network l2
	service l2 "b1 10.0.1.11 weight 10" "b2 10.0.2.12 weight 10" >/dev/null
	weir edge backend set web b2 weight 30 >"$TMP/out"
	assert_contains "$(cat "$TMP/out")" "~ service web   backend b2 weight 10 -> 30"
	ask 200 "http://$VIP4/"
	assert_eq 0 "$none" "connections without an answer"
	# 150 wanted; five standard deviations are 31.
	assert_between 119 181 "$b2" "answers of b2"
	assert_contains "$(weir edge history)" "backend set web b2 weight 30"
	assert_contains "$(weir edge show config)" "backend b2 10.0.2.12 weight 30"
	weir edge rollback >/dev/null
	assert_contains "$(weir edge show config)" "backend b2 10.0.2.12 weight 10"
	assert_eq "Nothing to change." "$(weir edge backend set web b2 weight 10)" "the same again"
}

# What backs an edge that sends nothing: a link, and neighbours that are known.
quiet_edge() {
	ns_add edge
	ip -n "$NS_PREFIX-edge" link add wan type veth peer name wan1
	ns_ip edge link set wan up
	address edge wan 10.0.1.1/24
	routing_on edge
	ns_ip edge neigh add 10.0.1.11 lladdr 02:00:00:00:00:11 dev wan nud permanent
	ns_ip edge neigh add 10.0.1.12 lladdr 02:00:00:00:00:12 dev wan nud permanent
}

test_what_no_ring_can_carry_is_refused_and_an_empty_one_is_said() {
	local said
	quiet_edge
	ns_ip edge route add 10.9.0.0/16 via 10.0.1.11
	{
		echo 'interface wan { balance }'
		echo 'service one { address 192.0.2.1; port tcp 80; forward l2; backend last 10.0.1.12 drain'
		seq 4096 | awk '{ printf "backend b%d 10.9.%d.%d\n", $1, $1 / 256, $1 % 256 }'
		echo '}'
		echo 'service two { address 192.0.2.2; port tcp 80; forward l2; backend b1 10.0.1.12 }'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf" >/dev/null 2>&1
	said=$(assert_fails 2 weir edge backend undrain one last 2>&1)
	assert_contains "$said" "service one would have 4097 backends that are not drained; the limit is 4096, drain another first"
	assert_contains "$(weir edge show config)" "backend last 10.0.1.12 weight 1 drain"
	weir edge backend drain one b7 >/dev/null 2>&1
	assert_contains "$(weir edge backend undrain one last 2>&1)" "backend last drain on -> off"
	said=$(weir edge backend drain two b1 2>&1)
	assert_contains "$said" "all backends of service two are drained or have weight 0 now, so new flows get none; give one a weight"
	said=$(weir edge backend set two b1 weight 0 2>&1)
	assert_contains "$said" "all backends of service two are drained"
}

test_a_change_keeps_comments_and_defines() {
	quiet_edge
	cat >"$TMP/edge.conf" <<-'END'
		# Ask Ann before you change this.
		define heavy = 30
		interface wan { balance }
		service one {
		    address 192.0.2.1; port tcp 80; forward l2
		    backend b1 10.0.1.11 weight $heavy   # the big one
		    backend b2 10.0.1.12                 # drain it on Mondays
		}
	END
	weir edge apply "$TMP/edge.conf" >/dev/null
	weir edge backend set one b1 weight 7 >/dev/null
	weir edge backend drain one b2 >/dev/null
	sed -e 's/weight [$]heavy/weight 7/' -e 's/10.0.1.12 /10.0.1.12 drain /' "$TMP/edge.conf" >"$TMP/want"
	sed '1d' "/var/lib/weir/$NS_PREFIX-edge"/*/0000000003.conf | diff "$TMP/want" - ||
		fail "the history has another text"
	weir edge backend undrain one b2 >/dev/null
	weir edge rollback 3 >/dev/null
	assert_eq "Nothing to change." "$(weir edge apply "$TMP/edge.conf" | tail -n 1)" "the file again"
}

test_a_backend_of_a_pool_changes_in_all_its_services() {
	quiet_edge
	weir edge apply - <<-END >/dev/null
		interface wan { balance }
		pool both { backend b1 10.0.1.11; backend b2 10.0.1.12 }
		service one { address 192.0.2.1; port tcp 80; forward l2; backends both }
		service two { address 192.0.2.2; port tcp 80; forward l2; backends both }
	END
	weir edge backend drain one b2 >/dev/null
	assert_eq "drain drain" "$(backend_of 'b["state"]' b2 both)" "state of b2 in both"
	weir edge backend undrain both b2 >/dev/null
	assert_eq "up up" "$(backend_of 'b["state"]' b2)" "state of b2 in both"
}

test_what_cannot_be_done_is_said_and_changes_nothing() {
	local before
	build_network l2
	service l2 "b1 10.0.1.11" "b2 10.0.2.12" >/dev/null
	before=$(weir edge show config)
	assert_fails 3 weir edge backend drain wed b1 2>"$TMP/error"
	assert_contains "$(cat "$TMP/error")" 'no service and no pool "wed"; did you mean "web"?'
	assert_fails 3 weir edge backend drain web b3 2>"$TMP/error"
	assert_contains "$(cat "$TMP/error")" 'service web has no backend "b3"; "weir show backend" lists them'
	assert_fails 2 weir edge backend set web b1 weight 257
	assert_fails 2 weir edge backend set web b1 weight -1
	assert_fails 2 weir edge backend set web b1 weigth 5
	assert_fails 2 weir edge backend drian web b1 2>"$TMP/error"
	assert_contains "$(cat "$TMP/error")" 'did you mean "backend drain"?'
	assert_eq "$before" "$(weir edge show config)" "configuration"
}

run_tests "$@"
