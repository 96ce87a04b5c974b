#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sets that change live, and what apply makes of them.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

build_edge() {
	ns_add edge
	veth edge eth0 edge eth1
	printf '%s\n' '# bogons' 10.0.0.0/8 '2001:db8::/32 comment "documentation"' >"$TMP/bogons.txt"
	cat >"$TMP/weir.conf" <<-END
		interface eth0 { xdp auto; filter edge }
		set bogons { type prefix; file "$TMP/bogons.txt" }
		set hosts { type address; elements { 192.0.2.1 }; timeout 1h }
		set servers { type address+port; elements { 192.0.2.1:443 } }
		set lans { type interface; elements { eth0, eth7 } }
		filter edge { rule bogons drop saddr @bogons }
	END
	weir edge apply "$TMP/weir.conf" >"$TMP/log" 2>&1 || fail "$(cat "$TMP/log")"
}

elements() {
	weir edge show set "$1"
}

# assert_shows SET PATTERN: a line is all of that, but for a time that goes on.
assert_shows() {
	elements "$1" | grep -Ex "$2" >/dev/null || fail "no \"$2\" in: $(elements "$1")"
}

memory_kib() {
	weir edge -j show set | python3 -c 'import json, sys; print(json.load(sys.stdin)["bytes"] // 1024)'
}

test_elements_come_and_go_one_command_after_the_other() {
	build_edge
	assert_contains "$(weir edge set add bogons 198.51.100.0/24 203.0.113.7 comment 'by hand')" \
		"2 added; 4 elements now"
	assert_contains "$(weir edge set add bogons 203.0.113.7)" "1 there already; 4 elements now"
	assert_contains "$(elements bogons)" '203.0.113.7 comment "by hand"'
	assert_contains "$(weir edge show set bogons 10.1.2.3)" "by 10.0.0.0/8"
	assert_fails 2 weir edge set add bogons 192.0.2.1 timeout 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "timeout takes a time"
	assert_fails 2 weir edge set add bogons 192.0.2.1 comment 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "comment takes a text"
	assert_contains "$(weir edge set del bogons 203.0.113.7)" "1 removed; 3 elements now"
	assert_fails 3 weir edge show set bogons 203.0.113.7 2>"$TMP/log"
	assert_contains "$(weir edge set flush bogons)" "3 removed; 0 elements now"
	assert_eq "" "$(elements bogons)" "elements of an empty set"
}

test_every_type_of_set_takes_its_own_elements() {
	build_edge
	weir edge set add hosts 2001:db8::1 >"$TMP/log"
	assert_shows hosts '2001:db8::1 timeout (1h|59m[0-9]+s)'
	weir edge set add servers '[2001:db8::1]:443' >"$TMP/log"
	assert_contains "$(elements servers)" "[2001:db8::1]:443"
	weir edge set add lans eth9 >"$TMP/log"
	assert_eq "eth0 eth7 eth9" "$(elements lans | xargs)" "interfaces"
	assert_fails 2 weir edge set add hosts 192.0.2.0/24 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" 'give the set "type prefix"'
}

test_a_command_does_all_or_nothing() {
	build_edge
	elements bogons >"$TMP/before"
	assert_fails 3 weir edge set del bogons 10.0.0.0/8 10.1.0.0/16 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "it is in it by 10.0.0.0/8"
	assert_fails 2 weir edge set add bogons 192.0.2.1 10.0.0.1/8 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "write 10.0.0.0/8"
	printf '192.0.2.0/24\n192.0.2.1/24\n' >"$TMP/broken.txt"
	assert_fails 2 weir edge set load bogons "$TMP/broken.txt" 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "broken.txt:2:1: 192.0.2.1/24 has host bits set"
	assert_fails 3 weir edge set load bogons "$TMP/nothing.txt" 2>"$TMP/log"
	assert_fails 3 weir edge set add bogon 192.0.2.1 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" 'did you mean "bogons"?'
	elements bogons | cmp - "$TMP/before" || fail "the set changed"
}

untimed() {
	sed 's/timeout [^ ]*/timeout T/'
}

expired() {
	assert_fails 3 weir edge show set bogons 192.0.2.9
}

test_an_element_with_a_timeout_goes_by_itself() {
	build_edge
	weir edge set add bogons 192.0.2.9 timeout 4s >"$TMP/log"
	assert_shows bogons '192.0.2.9 timeout [1-4]s'
	wait_for 10 expired
	weir edge set add bogons 192.0.2.8 >"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "1 added; 3 elements now"
}

test_what_is_shown_can_be_loaded() {
	build_edge
	weir edge set add bogons 192.0.2.9 timeout 5d comment "a # b" >"$TMP/log"
	elements bogons >"$TMP/shown.txt"
	weir edge set load bogons "$TMP/shown.txt" >"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "3 added, 3 removed; 3 elements now"
	assert_shows bogons '192.0.2.9 timeout (5d|4d23h5[0-9]m([0-9]+s)?) comment "a # b"'
	diff <(elements bogons | untimed) <(untimed <"$TMP/shown.txt") || fail "not the same"
}

# The same definition leaves alone what was done live; another one keeps what was added live.
test_apply_keeps_what_was_added_live() {
	build_edge
	weir edge set add bogons 192.0.2.9 >"$TMP/log"
	weir edge set del bogons 10.0.0.0/8 >"$TMP/log"
	elements bogons >"$TMP/before"
	assert_contains "$(weir edge plan "$TMP/weir.conf")" "nothing to change"
	weir edge apply "$TMP/weir.conf" >"$TMP/log"
	elements bogons | cmp - "$TMP/before" || fail "apply changed a set whose file is the same"

	echo 172.16.0.0/12 >>"$TMP/bogons.txt"
	assert_contains "$(weir edge plan "$TMP/weir.conf")" "set bogons   +2 -0 elements (3 now)"
	weir edge apply "$TMP/weir.conf" >"$TMP/log"
	assert_eq "10.0.0.0/8 172.16.0.0/12 192.0.2.9 2001:db8::/32" \
		"$(elements bogons | sed 's/ .*//' | xargs)" "after the file changed"

	sed -i '/set bogons/d; s/saddr @bogons/saddr @hosts/' "$TMP/weir.conf"
	weir edge apply "$TMP/weir.conf" >"$TMP/log"
	assert_fails 3 weir edge show set bogons 2>"$TMP/log"
}

# More than the memory holds: all programs move to larger memory, and nothing is lost.
test_a_set_grows_past_its_memory() {
	build_edge
	assert_eq 64 "$(memory_kib)" "KiB at first"
	python3 -c '
for i in range(50000): print("%d.%d.%d.0/24" % (11 + i // 65536, i // 256 % 256, i % 256))
' >"$TMP/many.txt"
	weir edge set add hosts 192.0.2.77 >"$TMP/log"
	weir edge set load bogons "$TMP/many.txt" >"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "50000 elements now"
	assert_between 4096 16384 "$(memory_kib)" "KiB when grown"
	assert_contains "$(weir edge show set bogons 11.5.6.7)" "by 11.5.6.0/24"
	assert_contains "$(elements hosts)" "192.0.2.77"
	assert_contains "$(weir edge status)" "eth0  xdp"
	weir edge set load bogons "$TMP/many.txt" >"$TMP/log"
	assert_contains "$(weir edge plan "$TMP/weir.conf")" "nothing to change"
}

# meets RULE ADDRESS...: packets from there, through the program in force.
meets() {
	local rule=$1 address
	shift
	for address; do
		weir edge test --rule "$rule" --dev eth0 udp from "$address:1" to 192.0.2.1:2 >"$TMP/log" ||
			fail "$address: $(cat "$TMP/log")"
	done
}

passes_now() {
	(meets default "$1" 2>/dev/null)
}

# Most of it is in whole prefixes of 24 bits; around them are longer ones, and some that expire.
test_packets_meet_what_a_large_set_has_at_that_time() {
	build_edge
	python3 -c '
for i in range(0, 12000, 2): print("%d.%d.%d.0/24" % (11 + i // 65536, i // 256 % 256, i % 256))
print("11.20.31.64/26\n11.25.0.0/16 timeout 1h\n11.26.7.0/24 timeout 1h\n11.26.0.0/16")
' >"$TMP/many.txt"
	weir edge set load bogons "$TMP/many.txt" >"$TMP/log"
	meets bogons 11.5.6.255 11.20.31.64 11.25.7.7
	meets default 11.5.7.0 11.20.31.128
	weir edge set del bogons 11.5.6.0/24 11.26.0.0/16 11.20.31.64/26 >"$TMP/log"
	meets default 11.5.6.0 11.26.9.0 11.20.31.64
	meets bogons 11.26.7.255
	weir edge set add bogons 11.5.5.0/24 >"$TMP/log"
	weir edge set add bogons 12.0.0.0/12 timeout 2s >"$TMP/log"
	meets bogons 11.5.5.0
	wait_for 20 passes_now 12.15.255.255
	weir edge set flush bogons >"$TMP/log"
	meets default 11.26.7.9
}

test_ports_are_left_to_apply() {
	ns_add edge
	ns_ip edge link add eth0 type veth peer name eth1
	echo 'interface eth0 { xdp auto }
		set web { type port; elements { 80, 443 } }' >"$TMP/weir.conf"
	weir edge apply "$TMP/weir.conf" >"$TMP/log" 2>&1
	assert_eq "80 443" "$(elements web | xargs)" "ports"
	assert_fails 2 weir edge set add web 8080 2>"$TMP/log"
	assert_contains "$(cat "$TMP/log")" "apply alone changes"
	assert_eq "80 is in set web, by 80" "$(weir edge show set web 80)" "a port"
	assert_contains "$(weir edge -j show set web 443)" '"element": "443"'
	assert_fails 3 weir edge show set web 81 2>"$TMP/log"
	assert_fails 2 weir edge show set web 10.0.0.1 2>"$TMP/log"
}

run_tests "$@"
