# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests that need interfaces. A script sources this file, defines functions
# test_a_sentence, and ends with: run_tests "$@"
#
# Each test runs in a subshell under set -eu with namespaces of its own; they,
# its processes and what weir attached are gone when it ends, however it ends.
# Names of namespaces are short here ("edge") and get a prefix of the process.
#
#     ns_add client edge
#     veth client eth0 edge eth0
#     address client eth0 192.0.2.1/24
#     weir edge apply "$TMP/edge.conf"
#     wait_for 5 ns_exec client ping -c 1 -W 1 192.0.2.2

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WEIR=${WEIR:-$ROOT/build/weir}
NS_PREFIX=${NS_PREFIX:-weirtest-$$}
TMP=
# A pipe that stays empty: reading it is a pause that starts no process.
exec {silence}<> <(:)
namespaces=()
processes=()

# --- namespaces and links

# ns_add NAME...: network namespaces with lo up.
ns_add() {
	local name
	for name in "$@"; do
		ip netns add "$NS_PREFIX-$name"
		namespaces+=("$name")
		ip -n "$NS_PREFIX-$name" link set lo up
		# Without duplicate address detection an address works at once.
		ns_sysctl "$name" net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.accept_ra=0
	done
}

# Not "ip netns exec": it would hide /sys/fs/bpf.
ns_exec() {
	local name=$1
	shift
	nsenter --net="/run/netns/$NS_PREFIX-$name" "$@"
}

# ns_ip NAME ARGUMENT...: ip(8) in a namespace.
ns_ip() {
	local name=$1
	shift
	ip -n "$NS_PREFIX-$name" "$@"
}

# ns_sysctl NAME KEY=VALUE...
ns_sysctl() {
	local name=$1
	shift
	ns_exec "$name" sysctl -qw "$@"
}

# veth A IFA B IFB [MTU]: a cable between two namespaces, both ends up.
veth() {
	local mtu=${5:-1500}
	ip link add "$2" netns "$NS_PREFIX-$1" mtu "$mtu" type veth \
		peer name "$4" netns "$NS_PREFIX-$3" mtu "$mtu"
	ns_ip "$1" link set "$2" up
	ns_ip "$3" link set "$4" up
	# Some time after the carrier: a host whose addresses change is another one to weir.
	wait_for 5 has_link_local "$1" "$2"
	wait_for 5 has_link_local "$3" "$4"
}

# has_link_local NAME IF: the address that IPv6 gives it, where there is IPv6.
has_link_local() {
	[ -n "$(ns_ip "$1" -6 -o address show dev "$2" scope link)" ] ||
		[ "$(ns_exec "$1" sysctl -n "net.ipv6.conf.$2.disable_ipv6")" = 1 ]
}

# address NAME IF ADDRESS/LENGTH...
address() {
	local name=$1 interface=$2 one
	shift 2
	for one in "$@"; do
		ns_ip "$name" address add "$one" dev "$interface"
	done
}

# mac NAME IF: its hardware address.
mac() {
	ns_ip "$1" -o link show dev "$2" | sed -n 's/.*link\/ether \([^ ]*\).*/\1/p'
}

routing_on() {
	ns_sysctl "$1" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# --- processes

# start NAME LOG COMMAND...: in a namespace, in the background. The pid is in $started.
start() {
	local name=$1 log=$2
	shift 2
	# Here already: who waits for a word must not find that of another one before it.
	: >"$log"
	nsenter --net="/run/netns/$NS_PREFIX-$name" "$@" </dev/null >"$log" 2>&1 &
	started=$!
	processes+=("$started")
}

# start_ready NAME LOG WORD COMMAND...: and wait until it prints WORD.
start_ready() {
	local name=$1 log=$2 word=$3
	shift 3
	# One before it may have left the word there.
	rm -f "$log"
	start "$name" "$log" "$@"
	(wait_for 10 has_word "$word" "$log") || fail "no \"$word\" from $*: $(tail -n 3 "$log")"
}

# has_word WORD FILE: asked for often, so it starts no process.
has_word() {
	local text
	read -rd '' text <"$2" || true
	[[ $text == *"$1"* ]]
}

# http_server NAME ANSWER PORT ADDRESS...: answers every GET with ANSWER.
http_server() {
	local name=$1 answer=$2
	shift 2
	start_ready "$name" "$TMP/http-$name-$answer.log" ready \
		python3 -IS "$ROOT/tests/tools/answer.py" "$answer" "$@"
}

# http_get NAME URL: the answer's body, or failure within 3 seconds.
http_get() {
	ns_exec "$1" curl -sS --noproxy '*' --max-time 3 "$2"
}

# download NAME URL: in the background, slowly, and no more than half of it before
# downloaded is called, however long that takes. It has begun when this returns.
download() {
	cat >"$TMP/download.py" <<-'END'
		import os, sys, time, urllib.request
		url, end = sys.argv[1:]
		opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
		answer, got = opener.open(url, timeout=60), 0
		while not os.path.exists(end):
		    # "length" is what is left.
		    if got < answer.length:
		        got += len(answer.read(65536))
		    if got == 65536:
		        print("begun", flush=True)
		    time.sleep(0.005)
		print("read", got + len(answer.read()), flush=True)
	END
	rm -f "$TMP/download-ends"
	start_ready "$1" "$TMP/download.log" begun python3 "$TMP/download.py" "$2" "$TMP/download-ends"
	download=$started
}

# downloaded BYTES: the rest of them comes, too.
downloaded() {
	kill -0 "$download" || fail "the download ended too early: $(tail -n 1 "$TMP/download.log")"
	touch "$TMP/download-ends"
	wait "$download" || fail "the download broke: $(tail -n 1 "$TMP/download.log")"
	assert_eq "read $1" "$(tail -n 1 "$TMP/download.log")" "bytes of the download"
}

# pings NAME ADDRESS COUNT [INTERVAL_S]: all are answered when it returns. For the
# answer to the last of several ping waits twice the longest round trip only.
pings() {
	[ "$3" -le 1 ] || ns_exec "$1" ping -q -c "$(($3 - 1))" -i "${4:-0.002}" -W 5 "$2" >/dev/null
	ns_exec "$1" ping -q -c 1 -W 5 "$2" >/dev/null
}

# all_is_said NAME: no TCP connection is open or being closed.
all_is_said() {
	[ -z "$(ns_exec "$1" ss -Htn exclude time-wait exclude listening)" ]
}

# of_kernel NAME PROTOCOL COUNTER: of that namespace, as "of_kernel near Tcp RetransSegs".
of_kernel() {
	# shellcheck disable=SC2016
	ns_exec "$1" awk -v "row=$2:" -v "name=$3" '
		$1 == row && !known { for (i = 2; i <= NF; i++) if ($i == name) known = i; next }
		$1 == row { print $known }' /proc/net/snmp
}

# capture NAME IF FILE [TCPDUMP-EXPRESSION...]: packets to FILE until the test ends.
capture() {
	local name=$1 interface=$2 file=$3
	shift 3
	start_ready "$name" "$file.log" "listening on" \
		tcpdump -i "$interface" -nn -U --immediate-mode -Z root -w "$file" "$@"
}

# delay_wire NAME IF0 IF1 MICROSECONDS: both ways, without netem.
delay_wire() {
	wire "$1" "$2" "$3" "$4" "$4"
}

# wire NAME IF0 IF1 MICROSECONDS01 MICROSECONDS10 [OPTION VALUE]...: as tests/tools/delay.
wire() {
	local name=$1
	shift
	start_ready "$name" "$TMP/delay-$name.log" ready \
		"$ROOT/build/tests/tools/delay" "$NS_PREFIX-$name" "$@"
}

# --- weir

# weir NAME ARGUMENT...: in a namespace, with an instance of its own.
weir() {
	local name=$1
	shift
	"$WEIR" -n "$NS_PREFIX-$name" -i "$NS_PREFIX-$name" "$@"
}

# --- assertions

# Ends the test, naming the line of the test script that was at fault.
fail() {
	local depth=0
	while [ "${BASH_SOURCE[depth]}" = "${BASH_SOURCE[0]}" ]; do
		depth=$((depth + 1))
	done
	echo "failed at ${BASH_SOURCE[depth]##*/}:${BASH_LINENO[depth - 1]}: $*" >&2
	exit 1
}

skip() {
	echo "$*" >"$TMP/skip"
	exit 77
}

# assert_eq WANTED GOT WHAT
assert_eq() {
	[ "$1" = "$2" ] || fail "$3: want \"$1\", got \"$2\""
}

# assert_contains TEXT PART
assert_contains() {
	[[ $1 == *"$2"* ]] || fail "no \"$2\" in: $1"
}

# assert_between LOW HIGH GOT WHAT: whole numbers.
assert_between() {
	{ [ "$3" -ge "$1" ] && [ "$3" -le "$2" ]; } || fail "$4: want $1 to $2, got $3"
}

# assert_fails STATUS COMMAND...: it must end with that exit status.
assert_fails() {
	local want=$1 status=0
	shift
	"$@" || status=$?
	assert_eq "$want" "$status" "exit status of $*"
}

# wait_for SECONDS COMMAND...: until it succeeds, four times as long where the
# machine has other work. COMMAND may be an assertion.
wait_for() {
	local end=$((SECONDS + 4 * $1 + 1)) seconds=$((4 * $1))
	shift
	until ("$@") >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "not within $seconds s: $*"
		pause
	done
}

# pause: 0.05 s.
pause() {
	read -rt 0.05 -u "$silence" || true
}

# need_netem: skip where the kernel cannot delay packets by itself.
need_netem() {
	ns_add probe
	ns_exec probe tc qdisc add dev lo root netem delay 1ms 2>/dev/null ||
		skip "this kernel has no netem"
}

# --- the runner

clean_up() {
	local name pid
	set +e
	trap - ERR
	# Who reads the output may be gone already.
	trap '' PIPE
	for pid in "${processes[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for name in "${namespaces[@]}"; do
		remove_namespace "$name"
	done
	# Histories, also of instances that a test named itself.
	rm -rf "/var/lib/weir/$NS_PREFIX-"*
	[ -z "$TMP" ] || rm -rf "$TMP"
}

# Detaching comes first: pins would keep programs and maps alive.
remove_namespace() {
	local instance=$NS_PREFIX-$1
	if [ -e "/sys/fs/bpf/weir/$instance" ]; then
		timeout 20 "$WEIR" -n "$instance" -i "$instance" detach --all >/dev/null ||
			echo "clean_up: $instance: weir detach --all failed; see /sys/fs/bpf/weir/$instance"
	fi
	ip netns del "$instance"
	# What a test laid over /etc there.
	rm -rf "/etc/netns/$instance"
}

run_one() {
	set -euE
	trap 'echo "failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
	namespaces=()
	processes=()
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/weirtest.XXXXXX")
	[ ! -e "$scratch/skip" ] || rm "$scratch/skip"
	trap 'exit 143' TERM INT
	trap 'status=$?; [ ! -e "$TMP/skip" ] || cp "$TMP/skip" "$scratch/skip"; clean_up; exit $status' EXIT
	"$1"
}

# report_test NUMBER NAME STATUS TRIES
report_test() {
	case $3 in
	0) echo "ok $1 - $2$([ "$4" = 1 ] || echo " # AGAIN at try $4")" ;;
	77) echo "ok $1 - $2 # SKIP $(cat "$scratch/skip" 2>/dev/null)" ;;
	*) echo "not ok $1 - $2" ;;
	esac
}

# run_tests: every function test_*, or those that the glob WEIR_TEST_FILTER matches.
# A file whose tests a hiccup of the machine can spoil, because they are about times,
# sets TRIES: what fails so often in a row, in new namespaces, has failed.
# WEIR_TEST_TRIES overrides it.
run_tests() {
	local name number=0 status failures=0 tries=${WEIR_TEST_TRIES:-${TRIES:-1}} try
	[ "$(id -u)" = 0 ] || { echo "needs root; run with sudo" && exit 77; }
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/weirtest.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 143' TERM INT
	for name in $(declare -F | sed -n 's/^declare -f test_//p'); do
		# shellcheck disable=SC2053
		[[ $name == ${WEIR_TEST_FILTER:-*} ]] || continue
		number=$((number + 1))
		for ((try = 1; try <= tries; try++)); do
			# Not in a condition: there set -e would be off.
			set +e
			(run_one "test_$name") 2>&1 | (trap '' TERM INT && exec sed -u 's/^/    /')
			status=${PIPESTATUS[0]}
			set -e
			case $status in 0 | 77) break ;; esac
		done
		report_test "$number" "$name" "$status" "$try"
		[ "$status" = 0 ] || [ "$status" = 77 ] || failures=1
	done
	echo "1..$number"
	exit $failures
}
