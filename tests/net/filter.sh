#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One table of packets and fates, with real sockets, at every hook that filters.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The client is 10.0.0.1 and .3, 2001:db8::1 and ::3; the host 10.0.0.2 and 2001:db8::2.
build_host() {
	ns_add client host
	veth client eth0 host eth0
	address client eth0 10.0.0.1/24 10.0.0.3/24 2001:db8::1/64 2001:db8::3/64
	address host eth0 10.0.0.2/24 2001:db8::2/64
}

# answerer PORT...: TCP and UDP, IPv4 and IPv6, in one process: accepts, and echoes datagrams.
answerer() {
	cat >"$TMP/answerer.py" <<-'END'
		import select, socket, sys
		poll = select.poll()
		kept = {}
		for port in map(int, sys.argv[1:]):
		    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		        s = socket.socket(socket.AF_INET6, kind)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind(("::", port))
		        if kind == socket.SOCK_STREAM:
		            s.listen(64)
		        kept[s.fileno()] = s
		        poll.register(s, select.POLLIN)
		print("ready", flush=True)
		while True:
		    for fd, _ in poll.poll():
		        s = kept[fd]
		        if s.type == socket.SOCK_STREAM:
		            s.accept()[0].close()
		        else:
		            s.sendto(*s.recvfrom(2048))
	END
	start_ready host "$TMP/answerer.log" ready python3 "$TMP/answerer.py" "$@"
}

# The wanted fates, one to a line: FATE PROTOCOL SOURCE DESTINATION PORT. All are
# tried at once, so that drops cost one time-out.
fates() {
	cat >"$TMP/fates.py" <<-'END'
		import select, socket, sys, time
		wanted = [line.split() for line in sys.stdin if line.split()]
		tries = []
		for fate, proto, source, target, port in wanted:
		    family = socket.AF_INET6 if ":" in target else socket.AF_INET
		    s = socket.socket(family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
		    s.setblocking(False)
		    sport = 0
		    if "/" in source:
		        source, sport = source.split("/")
		    s.bind((source, int(sport)))
		    s.connect_ex((target, int(port)))
		    if proto == "udp":
		        s.send(b"x")
		    tries.append(s)
		start, passed = time.monotonic(), set()
		due = {n for n, w in enumerate(wanted) if w[0] == "pass"}
		# What is to be dropped has long enough to pass; what is to pass has more.
		while time.monotonic() < start + (0.4 if due <= passed else 20):
		    for n, s in enumerate(tries):
		        poll = select.poll()
		        poll.register(s, select.POLLIN if s.type == socket.SOCK_DGRAM else select.POLLOUT)
		        if any(not e & (select.POLLERR | select.POLLHUP) for _, e in poll.poll(0)):
		            passed.add(n)
		    time.sleep(0.01)
		wrong = [" ".join(w) for n, w in enumerate(wanted) if (w[0] == "pass") != (n in passed)]
		for line in wrong:
		    print("not so:", line)
		sys.exit(bool(wrong))
	END
	ns_exec client python3 "$TMP/fates.py" || fail "fates above"
}

# apply_rules WORK DEFAULT RULE...
apply_rules() {
	local work=$1 default=$2
	shift 2
	{
		printf '192.0.2.0/24\n10.0.0.3\n2001:db8::3\n' >"$TMP/bad.txt"
		echo "set bad { type prefix; file \"$TMP/bad.txt\" }"
		echo "interface eth0 { $work; filter edge }"
		echo 'filter edge {'
		printf '    %s\n' "default $default" "$@"
		echo '}'
	} >"$TMP/filter.conf"
	weir host apply "$TMP/filter.conf"
}

# rule_packets RULE: how many it matched.
rule_packets() {
	weir host -j show filter | python3 -c '
import json, sys
print(*[r["packets"] for f in json.load(sys.stdin)["filters"] for r in f["rules"]
        if r["name"] == sys.argv[1]])' "$1"
}

# Within so much, where nothing drops the ping; a busy machine has to be asked again.
can_ping() {
	ns_exec client ping -q -c 1 -W 0.4 -I "$1" "$2" >/dev/null
}

# filters_with WORK: the table.
filters_with() {
	build_host
	answerer 80 81 5000 5005 5010 6000
	# Neighbours are known before a rule drops anything.
	wait_for 5 can_ping 10.0.0.1 10.0.0.2
	wait_for 5 can_ping 10.0.0.3 10.0.0.2
	wait_for 5 can_ping 2001:db8::1 2001:db8::2
	wait_for 5 can_ping 2001:db8::3 2001:db8::2

	echo "default pass, with drops"
	apply_rules "$1" pass 'rule exempt pass saddr 10.0.0.3 tcp dport 80' \
		'rule bad drop saddr @bad' \
		'rule range drop udp dport 5000-5009' \
		'rule port drop tcp dport { 81, 5000 }' \
		'rule source drop udp sport 123' \
		'rule six drop daddr 2001:db8::/64 tcp dport 6000'
	fates <<-END
		pass tcp 10.0.0.1 10.0.0.2 80
		pass tcp 10.0.0.3 10.0.0.2 80
		drop tcp 10.0.0.3 10.0.0.2 6000
		drop udp 10.0.0.3 10.0.0.2 6000
		pass tcp 2001:db8::1 2001:db8::2 80
		drop tcp 2001:db8::3 2001:db8::2 80
		drop tcp 10.0.0.1 10.0.0.2 81
		drop tcp 2001:db8::1 2001:db8::2 81
		drop tcp 10.0.0.1 10.0.0.2 5000
		pass tcp 10.0.0.1 10.0.0.2 5005
		drop udp 10.0.0.1 10.0.0.2 5000
		drop udp 2001:db8::1 2001:db8::2 5005
		pass udp 10.0.0.1 10.0.0.2 5010
		pass udp 10.0.0.1 10.0.0.2 80
		drop udp 10.0.0.1/123 10.0.0.2 80
		pass tcp 10.0.0.1 10.0.0.2 6000
		drop tcp 2001:db8::1 2001:db8::2 6000
	END
	wait_for 5 can_ping 10.0.0.1 10.0.0.2
	wait_for 5 can_ping 2001:db8::1 2001:db8::2
	! can_ping 10.0.0.3 10.0.0.2 || fail "ping from an address of the set"
	assert_between 1 100 "$(rule_packets bad)" "packets from the set"
	assert_between 2 100 "$(rule_packets range)" "packets to the range"

	echo "default drop, with passes"
	apply_rules "$1" drop 'rule web pass tcp dport 80' 'rule dns pass udp dport 5000 saddr 10.0.0.1' \
		'rule ping pass icmp type 8' 'rule ndp pass icmpv6 type { 135, 136 }' 'rule six pass tcp dport 81 saddr 2001:db8::1'
	fates <<-END
		pass tcp 10.0.0.1 10.0.0.2 80
		pass tcp 10.0.0.3 10.0.0.2 80
		pass tcp 2001:db8::1 2001:db8::2 80
		drop tcp 10.0.0.1 10.0.0.2 81
		pass tcp 2001:db8::1 2001:db8::2 81
		pass udp 10.0.0.1 10.0.0.2 5000
		drop udp 10.0.0.3 10.0.0.2 5000
		drop udp 2001:db8::1 2001:db8::2 5000
	END
	wait_for 5 can_ping 10.0.0.1 10.0.0.2 # type 8
	! can_ping 2001:db8::1 2001:db8::2 || fail "a ping over IPv6 that nothing passes"

	echo "flags and ICMP types"
	apply_rules "$1" pass 'rule syn drop tcp dport 81 flags syn/syn,ack' \
		'rule ack drop tcp dport 80 flags rst/rst' \
		'rule echo drop icmp type 8' 'rule echo6 drop icmpv6 type 128'
	fates <<-END
		drop tcp 10.0.0.1 10.0.0.2 81
		pass tcp 10.0.0.1 10.0.0.2 80
		drop tcp 2001:db8::1 2001:db8::2 81
		pass tcp 2001:db8::1 2001:db8::2 80
		pass udp 10.0.0.1 10.0.0.2 81
	END
	! can_ping 10.0.0.1 10.0.0.2 || fail "an echo request passed"
	! can_ping 2001:db8::1 2001:db8::2 || fail "an echo request passed over IPv6"
	assert_between 2 20 "$(rule_packets syn)" "SYNs to port 81"
}

test_the_table_holds_with_native_XDP() {
	filters_with 'xdp native'
}

test_the_table_holds_with_generic_XDP() {
	filters_with 'xdp generic'
}

test_the_table_holds_with_tc() {
	filters_with tc
}

run_tests "$@"
