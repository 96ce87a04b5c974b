#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# History, rollback, and changes that come back unless they are confirmed.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# Time enough to look at what is in force meanwhile, even for a busy machine.
SOON=3s
[ -z "${WEIR_IN_VM:-}" ] || SOON=10s
readonly SOON

build_edge() {
	ns_add edge far
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24
	address far eth0 10.0.0.2/24
}

# conf NAME RULE...: $TMP/NAME.conf
conf() {
	local name=$1
	shift
	{
		echo 'interface eth0 { xdp auto; filter edge }'
		echo 'filter edge {'
		printf '    %s\n' 'default pass' "$@"
		echo '}'
	} >"$TMP/$name.conf"
}

three_applied() {
	local name
	build_edge
	conf one 'rule a drop tcp dport 1'
	conf two 'rule a drop tcp dport 2'
	conf three 'rule a drop tcp dport 3'
	for name in one two three; do
		weir edge apply "$TMP/$name.conf"
	done
}

in_force() {
	weir edge show config | grep -o 'dport [0-9]*'
}

# history_files: what was applied, newest first.
history_files() {
	weir edge -j history | python3 -c '
import json, sys
print(*[e["file"].split("/")[-1] for e in json.load(sys.stdin)["history"]])'
}

folder() {
	echo "/var/lib/weir/$NS_PREFIX-edge/netns-$NS_PREFIX-edge"
}

# refused STATUS COMMAND...: what it said is in $said.
refused() {
	said=$(assert_fails "$@" 2>&1 >/dev/null) || fail "$said"
}

test_every_apply_is_in_the_history_and_one_that_changes_nothing_is_not() {
	three_applied
	weir edge apply "$TMP/three.conf"
	weir edge history
	assert_eq "three.conf two.conf one.conf" "$(history_files)" "history"
	assert_eq "700 root" "$(stat -c '%a %U' "$(folder)")" "the folder's mode and owner"
	assert_eq "600 root" "$(stat -c '%a %U' "$(folder)/0000000001.conf")" "a file's"
	# What lies there is a configuration like any other.
	weir edge check "$(folder)/0000000001.conf"
}

test_rollback_puts_the_former_back_and_once_more_the_later() {
	three_applied
	assert_contains "$(weir edge rollback)" "dport 3 -> "
	assert_eq "dport 2" "$(in_force)" "after a rollback"
	weir edge rollback
	assert_eq "dport 3" "$(in_force)" "after another"
	assert_contains "$(weir edge show config 4)" "dport 1"
	weir edge rollback 4
	assert_eq "dport 1" "$(in_force)" "after a rollback by 4"
	refused 3 weir edge rollback 9
	refused 2 weir edge rollback first
	assert_eq "dport 1" "$(in_force)" "after refused ones"
}

test_after_everything_was_detached_the_former_is_the_last_one() {
	three_applied
	weir edge detach --all
	refused 3 weir edge rollback 0
	weir edge rollback
	assert_eq "dport 3" "$(in_force)" "in force"
	assert_eq 3 "$(history_files | wc -w)" "entries; what was there is there once"
}

test_the_history_keeps_fifty() {
	local i
	build_edge
	for i in $(seq 55); do
		conf one "rule a drop tcp dport $i"
		weir edge apply "$TMP/one.conf"
	done >/dev/null
	assert_eq 50 "$(history_files | wc -w)" "entries"
	[ ! -e "$(folder)/0000000005.conf" ] || fail "the fifth is still there"
	[ -e "$(folder)/0000000006.conf" ] || fail "the sixth is gone"
}

test_a_history_that_cannot_be_written_is_said_and_stops_nothing() {
	local said
	build_edge
	conf one 'rule a drop tcp dport 1'
	mkdir -p /var/lib/weir
	touch "/var/lib/weir/$NS_PREFIX-edge"
	said=$(weir edge apply "$TMP/one.conf" 2>&1)
	assert_contains "$said" "in force, but not in the history: /var/lib/weir/$NS_PREFIX-edge"
	assert_eq "dport 1" "$(in_force)" "in force"
	rm "/var/lib/weir/$NS_PREFIX-edge"
	mkdir -m 777 "/var/lib/weir/$NS_PREFIX-edge"
	said=$(weir edge apply "$TMP/one.conf" 2>&1)
	assert_contains "$said" "only uid 0 can write to"
}

# --- confirm

unconfirmed() {
	weir edge -j status | python3 -c '
import json, sys
print("yes" if json.load(sys.stdin)["unconfirmed"] else "no")'
}

nothing_waits() {
	assert_eq no "$(unconfirmed)" "unconfirmed"
}

nothing_in_force() {
	assert_fails 3 weir edge status
}

test_what_is_not_confirmed_goes_back_to_the_former() {
	three_applied
	assert_contains "$(weir edge apply --confirm "$SOON" "$TMP/one.conf")" "Unconfirmed"
	assert_eq "dport 1" "$(in_force)" "at first"
	assert_contains "$(weir edge status)" "one.conf, rolls back in "
	wait_for 10 is_in_force "dport 3"
	wait_for 5 nothing_waits
	refused 3 weir edge confirm
	wait_for 5 history_has "rollback: was not confirmed in time"
}

# What came in at the interface that is gone needs no filter any more; the rest does.
test_what_is_not_confirmed_goes_back_where_an_interface_is_gone() {
	build_edge
	veth edge eth1 far eth1
	conf both 'rule a drop tcp dport 7'
	echo 'interface eth1 { xdp auto; filter edge }' >>"$TMP/both.conf"
	conf one 'rule a drop tcp dport 1'
	weir edge apply "$TMP/both.conf"
	weir edge apply --confirm "$SOON" "$TMP/one.conf"
	ip -n "$NS_PREFIX-edge" link del eth1
	wait_for 10 is_in_force "dport 7"
	wait_for 5 nothing_waits
	assert_contains "$(weir edge show config)" "interface eth1"
}

history_has() {
	assert_contains "$(history_files)" "$1"
}

is_in_force() {
	[ "$(in_force)" = "$1" ]
}

watcher() {
	compgen -G "/run/weir/$NS_PREFIX-edge.ns-*" >/dev/null
}

# The listening socket, and one that is connected to it.
has_asked() {
	[ "$(ns_exec edge grep -c "/run/weir/$NS_PREFIX-edge.ns-" /proc/self/net/unix)" -ge 2 ]
}

test_who_waits_for_an_answer_of_a_watcher_that_ends_is_told_that_nothing_waits() {
	local watcher asks status=0
	three_applied
	weir edge apply --confirm 60s "$TMP/one.conf"
	# Processes that end meanwhile are no trouble.
	watcher=$({ grep -lx weir-confirm /proc/[0-9]*/comm || true; } 2>/dev/null | cut -d/ -f3 |
		while read -r pid; do
			! grep -qz "$NS_PREFIX-edge" "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"
		done)
	kill -STOP "$watcher"
	start edge "$TMP/confirm.log" "$WEIR" -i "$NS_PREFIX-edge" confirm
	asks=$started
	wait_for 10 has_asked
	kill -KILL "$watcher"
	wait "$asks" || status=$?
	cat "$TMP/confirm.log"
	assert_eq 3 "$status" "status of a confirmation that nobody waits for"
}

test_a_change_that_takes_longer_than_it_gives_still_comes_back() {
	local apply
	build_edge
	{
		echo 'interface eth0 { xdp auto; filter edge }'
		echo 'filter edge {'
		awk 'BEGIN { for (i = 0; i < 60000; i++)
			printf "rule r%d drop udp saddr 172.16.%d.%d dport %d\n", i, i / 256 % 256, i % 256, i + 1 }'
		echo '}'
	} >"$TMP/many.conf"
	start edge "$TMP/apply.log" "$WEIR" -i "$NS_PREFIX-edge" apply --confirm 1s "$TMP/many.conf"
	apply=$started
	wait_for 30 watcher
	kill -STOP "$apply"
	# The second it gives, and a try of the rollback for the lock.
	sleep 4
	kill -CONT "$apply"
	wait "$apply" || fail "$(cat "$TMP/apply.log")"
	assert_contains "$(cat "$TMP/apply.log")" "Unconfirmed"
	wait_for 20 nothing_in_force
}

test_what_is_not_confirmed_where_nothing_was_is_detached() {
	build_edge
	conf one 'rule a drop tcp dport 1'
	weir edge apply --confirm "$SOON" "$TMP/one.conf"
	assert_eq "dport 1" "$(in_force)" "at first"
	wait_for 10 nothing_in_force
	[ ! -e "/sys/fs/bpf/weir/$NS_PREFIX-edge" ] || fail "something is left"
}

test_what_is_confirmed_stays() {
	three_applied
	weir edge apply --confirm "$SOON" "$TMP/one.conf"
	assert_contains "$(weir edge confirm)" "Confirmed: $TMP/one.conf"
	assert_eq no "$(unconfirmed)" "unconfirmed"
	[ ! -S "$(echo /run/weir/"$NS_PREFIX-edge".*)" ] || fail "the watcher's socket is left"
	sleep "$((${SOON%s} + 1))"
	assert_eq "dport 1" "$(in_force)" "after its time"
}

test_an_unconfirmed_change_is_not_built_upon() {
	three_applied
	weir edge apply --confirm 60s "$TMP/one.conf"
	refused 6 weir edge apply "$TMP/two.conf"
	assert_contains "$said" "waits for its confirmation"
	refused 6 weir edge rollback 1
	assert_eq "dport 1" "$(in_force)" "in force"
	# Without a number, it takes back what waits.
	weir edge rollback
	assert_eq "dport 3" "$(in_force)" "after the rollback"
	weir edge apply "$TMP/two.conf"
}

test_another_unconfirmed_change_leaves_what_comes_back() {
	three_applied
	weir edge apply --confirm 60s "$TMP/one.conf"
	weir edge apply --confirm "$SOON" "$TMP/two.conf"
	assert_eq "dport 2" "$(in_force)" "at first"
	wait_for 10 is_in_force "dport 3"
}

test_an_apply_that_fails_leaves_no_watcher() {
	three_applied
	sed 's/eth0/eth9/' "$TMP/one.conf" >"$TMP/bad.conf"
	refused 3 weir edge apply --confirm 60s "$TMP/bad.conf"
	assert_eq no "$(unconfirmed)" "unconfirmed"
	refused 2 weir edge apply --confirm 60 "$TMP/one.conf"
	assert_contains "$said" "write 60s, 5m or 1h"
	refused 2 weir edge apply --confirm 0s "$TMP/one.conf"
	refused 2 weir edge apply --confirm 25h "$TMP/one.conf"
}

test_detaching_everything_ends_the_wait() {
	three_applied
	weir edge apply --confirm 1s "$TMP/one.conf"
	weir edge detach --all
	sleep 1.5
	nothing_in_force
}

# set_conf bad|"": a configuration with a set from a file, or without.
set_conf() {
	{
		echo 'interface eth0 { xdp auto; filter edge }'
		[ -z "$1" ] || echo "set bad { type prefix; file \"$TMP/bad.txt\" }"
		echo 'filter edge {'
		echo '    default pass'
		[ -z "$1" ] || echo '    rule bad drop saddr @bad'
		echo '}'
	} >"$TMP/set.conf"
}

in_set() {
	weir edge show set bad | grep -q "$1"
}

test_a_set_comes_back_with_the_elements_that_it_had() {
	build_edge
	echo 192.0.2.0/24 >"$TMP/bad.txt"
	set_conf bad
	weir edge apply "$TMP/set.conf"
	echo 198.51.100.0/24 >"$TMP/bad.txt"
	weir edge apply --confirm 60s "$TMP/set.conf"
	in_set 198.51.100.0/24
	weir edge rollback
	in_set 192.0.2.0/24
	assert_fails 1 in_set 198.51.100.0/24
	# The set itself was gone.
	set_conf ""
	weir edge apply --confirm 60s "$TMP/set.conf"
	weir edge rollback
	in_set 192.0.2.0/24
}

# apply_set ELEMENT...: the same configuration, with so many lines in the set's file.
apply_set() {
	printf '%s\n' "$@" >"$TMP/bad.txt"
	set_conf bad
	weir edge apply "$TMP/set.conf"
}

# elements: of the set, as one line.
elements() {
	weir edge -j show set bad | python3 -c '
import json, sys
print(*[e["element"] for e in json.load(sys.stdin)["elements"]])'
}

sets_kept() {
	find "$(folder)" -name 'set-*' | wc -l
}

test_rollback_brings_back_the_elements_of_then() {
	build_edge
	apply_set '192.0.2.0/24 timeout 1d comment "of then"'
	apply_set 198.51.100.0/24 203.0.113.0/24
	rm "$TMP/bad.txt"
	assert_eq "set.conf set.conf" "$(history_files)" "a file that changed is another configuration"
	assert_contains "$(weir edge rollback)" "+1 -2 elements (1 now)"
	assert_eq 192.0.2.0/24 "$(elements)" "after a rollback"
	assert_contains "$(weir edge show set bad)" "of then"
	# A day, less the time since.
	weir edge show set bad | grep -Eq 'timeout (1d|23h5[0-9]m([0-9]+s)?)' ||
		fail "the time that is left: $(weir edge show set bad)"
	weir edge rollback
	assert_eq "198.51.100.0/24 203.0.113.0/24" "$(elements)" "after another"
	# Where the set is gone, and where all is.
	set_conf ""
	weir edge apply "$TMP/set.conf"
	weir edge rollback
	assert_eq "198.51.100.0/24 203.0.113.0/24" "$(elements)" "a set that was gone"
	weir edge detach --all
	weir edge rollback 4
	assert_eq 192.0.2.0/24 "$(elements)" "after all was detached"
	assert_eq 2 "$(sets_kept)" "contents of the set, each kept once"
}

test_rollback_keeps_what_was_added_live() {
	build_edge
	apply_set 192.0.2.0/24
	apply_set 198.51.100.0/24
	weir edge set add bad 203.0.113.5
	weir edge rollback
	assert_eq "192.0.2.0/24 203.0.113.5" "$(elements)" "elements"
}

has_elements() {
	[ "$(elements)" = "$1" ]
}

test_what_was_not_confirmed_leaves_sets_and_comments_as_they_were() {
	local show
	build_edge
	printf '%s\n' '192.0.2.0/24 timeout 1d comment "of then"' 198.51.100.0/24 >"$TMP/bad.txt"
	set_conf bad
	sed -i '1i # Ask Ann first.' "$TMP/set.conf"
	weir edge apply "$TMP/set.conf" >/dev/null
	weir edge set add bad 203.0.113.5 timeout 1h comment "live" >/dev/null
	# One that has no such set, and one that has other elements in it.
	cp "$TMP/set.conf" "$TMP/kept.conf"
	cp "$TMP/bad.txt" "$TMP/kept.txt"
	set_conf ""
	weir edge apply --confirm 1s "$TMP/set.conf" >/dev/null
	wait_for 10 has_elements "192.0.2.0/24 198.51.100.0/24 203.0.113.5"
	wait_for 10 nothing_waits
	cp "$TMP/kept.conf" "$TMP/set.conf"
	echo 10.0.0.0/8 >"$TMP/bad.txt"
	weir edge apply --confirm 1s "$TMP/set.conf" >/dev/null
	wait_for 10 has_elements "192.0.2.0/24 198.51.100.0/24 203.0.113.5"
	wait_for 10 nothing_waits
	show=$(weir edge show set bad)
	assert_contains "$show" "of then"
	assert_contains "$show" "live"
	assert_eq 2 "$(grep -c 'timeout' <<<"$show")" "elements with a timeout"
	sed 1d "$(find "$(folder)" -name '*.conf' | sort | tail -n 1)" | diff "$TMP/kept.conf" - || fail "another text"
	cp "$TMP/kept.txt" "$TMP/bad.txt"
	assert_contains "$(weir edge apply "$TMP/set.conf")" "Nothing to change."
	assert_eq "192.0.2.0/24 198.51.100.0/24 203.0.113.5" "$(elements)" "elements at the end"
}

test_contents_of_sets_go_with_the_history() {
	local i
	build_edge
	for i in $(seq 52); do
		apply_set "192.0.2.$i" 203.0.113.0/24
	done >/dev/null
	assert_eq 50 "$(sets_kept)" "contents that are kept"
	weir edge rollback 49 >/dev/null
	assert_eq "192.0.2.3 203.0.113.0/24" "$(elements)" "the oldest"
}

test_a_rollback_without_the_elements_of_then_changes_nothing_or_says_so() {
	build_edge
	apply_set 192.0.2.0/24
	apply_set 198.51.100.0/24
	for file in "$(folder)"/set-*; do
		echo 10.0.0.0/8 >>"$file"
	done
	refused 6 weir edge rollback
	assert_contains "$said" "does not have its elements any more; apply"
	assert_eq 198.51.100.0/24 "$(elements)" "after a refused rollback"
	# As earlier versions wrote entries.
	rm "$(folder)"/set-*
	sed -i '1s/,"sets":{[^}]*}//' "$(folder)"/*.conf
	said=$(weir edge rollback 1 2>&1)
	assert_contains "$said" "set bad: the history has no elements of it; it keeps what it holds now"
	assert_eq 198.51.100.0/24 "$(elements)" "what it kept"
}

# In a session and a terminal of its own, which is then hung up. Its leader stays
# until then: where the leader ends, what the terminal has not delivered may be lost.
test_the_terminal_may_go_away() {
	three_applied
	python3 - "$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" apply --confirm "$SOON" \
		"$TMP/one.conf" <<-'END'
		import os, pty, signal, subprocess, sys
		leader, terminal = pty.fork()
		if not leader:
		    print("it ended with", subprocess.call(sys.argv[1:]), flush=True)
		    while True:
		        signal.pause()
		said = b""
		while b"it ended with" not in said:
		    said += os.read(terminal, 4096)
		os.close(terminal)
		os.waitpid(leader, 0)
		assert b"Unconfirmed" in said, said
	END
	assert_eq "dport 1" "$(in_force)" "at first"
	wait_for 10 is_in_force "dport 3"
}

test_an_apply_that_is_killed_is_taken_back_all_the_same() {
	local killed=("$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" apply --confirm "$SOON"
		"$TMP/one.conf") swap
	command -v strace >/dev/null || skip "no strace"
	three_applied
	strace -qq -o "$TMP/trace" "${killed[@]}"
	weir edge rollback
	# Killed right after the swap of the image.
	swap=$(grep -n '^bpf(BPF_MAP_UPDATE_ELEM' "$TMP/trace" | tail -n 1 | cut -d: -f1)
	(strace -qq -o /dev/null -e inject=all:signal=KILL:when=$((swap + 1)) "${killed[@]}" || true) \
		>/dev/null 2>&1
	assert_eq "dport 1" "$(in_force)" "after the kill"
	wait_for 10 is_in_force "dport 3"
}

run_tests "$@"
