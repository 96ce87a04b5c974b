#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What rules do besides pass and drop, with real sockets, at every hook.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The peer is 10.0.0.1 and .3, 2001:db8::1; the host, which filters, 10.0.0.2 and 2001:db8::2.
build_host() {
	ns_add peer host
	veth peer eth0 host eth0
	address peer eth0 10.0.0.1/24 10.0.0.3/24 2001:db8::1/64
	address host eth0 10.0.0.2/24 2001:db8::2/64
	# What veth's driver sends back by itself only arrives where XDP runs, too.
	printf 'interface eth0 { xdp native; filter all }\nfilter all { default pass }\n' >"$TMP/peer.conf"
	weir peer apply "$TMP/peer.conf"
	write_tools
	wait_for 5 ns_exec peer ping -q -c 1 -W 1 10.0.0.2
	wait_for 5 ns_exec peer ping -q -c 1 -W 1 2001:db8::2
}

# echo.py PORT...: TCP and UDP of both families. talk.py: see becomes. stream.py: see stream.
write_tools() {
	cat >"$TMP/echo.py" <<-'END'
		import select, socket, sys
		poll, kept = select.poll(), {}
		def keep(s):
		    kept[s.fileno()] = s
		    poll.register(s, select.POLLIN)
		for port in map(int, sys.argv[1:]):
		    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		        s = socket.socket(socket.AF_INET6, kind)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind(("::", port))
		        if kind == socket.SOCK_STREAM:
		            s.listen(64)
		        keep(s)
		print("ready", flush=True)
		while True:
		    for fd, _ in poll.poll():
		        s = kept[fd]
		        try:
		            if s.type == socket.SOCK_DGRAM:
		                s.sendto(*s.recvfrom(2048))
		            elif s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
		                keep(s.accept()[0])
		            else:
		                data = s.recv(2048)
		                if data:
		                    s.sendall(data)
		                else:
		                    raise OSError
		        except OSError:
		            if s.type == socket.SOCK_STREAM:
		                poll.unregister(fd)
		                kept.pop(fd).close()
	END
	# A SYN is sent again after 1 s: what takes shorter was told at once. Of COUNT answers
	# LEAST are waited for.
	cat >"$TMP/talk.py" <<-'END'
		import errno, socket, sys
		proto, target, source = sys.argv[1], sys.argv[2], sys.argv[4]
		port, count, least = int(sys.argv[3]), int(sys.argv[5]), int(sys.argv[6])
		kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
		s = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, kind)
		answers = 0
		# IP_RECVERR, IPV6_RECVERR: else a datagram's sender is told of little.
		if proto == "udp-all":
		    s.setsockopt(*((41, 25) if ":" in target else (0, 11)), 1)
		try:
		    if source != "-":
		        s.bind((source, 0))
		    s.settimeout(0.9)
		    s.connect((target, port))
		    for _ in range(count):
		        s.send(b"x")
		    while answers < count:
		        s.settimeout(10 if answers < least else 0.9)
		        answers += len(s.recv(2048))
		    end = "answer"
		except TimeoutError:
		    end = "silence"
		except OSError as e:
		    end = errno.errorcode.get(e.errno, "?")
		print(answers if count > 1 else end)
	END
	cat >"$TMP/stream.py" <<-'END'
		import socket, sys, time
		s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
		while True:
		    s.sendall(b"x")
		    if s.recv(1) != b"x":
		        sys.exit("closed")
		    print("echo", flush=True)
		    time.sleep(0.02)
	END
}

# echoes NAME PORT...
echoes() {
	local name=$1
	shift
	start_ready "$name" "$TMP/echo-$name.log" ready python3 "$TMP/echo.py" "$@"
}

# becomes WANTED NAME PROTOCOL ADDRESS PORT [SOURCE]: answer, silence, or an errno's name.
becomes() {
	local got=silence tries
	# What is told at once is told at one of five times, however busy the machine is.
	for ((tries = 0; tries < 5; tries++)); do
		got=$(ns_exec "$2" python3 "$TMP/talk.py" "$3" "$4" "$5" "${6:--}" 1 0)
		[[ $got == silence && $1 != silence ]] || break
	done
	assert_eq "$1" "$got" "what becomes of $3 from $2 to $4 port $5"
}

# all_silent NAME PORT ADDRESS...: TCP and UDP to each of them, at the same time.
all_silent() {
	local name=$1 port=$2 address proto asked=() one
	shift 2
	for address in "$@"; do
		for proto in tcp udp; do
			becomes silence "$name" "$proto" "$address" "$port" &
			asked+=("$!")
		done
	done
	for one in "${asked[@]}"; do
		wait "$one" || fail "an answer, see above"
	done
}

# answers SOURCE COUNT LEAST: how many of so many datagrams to the host's port 5000 were answered.
answers() {
	ns_exec peer python3 "$TMP/talk.py" udp 10.0.0.2 5000 "$1" "$2" "$3"
}

# conf WORK DEFAULT RULE...: $TMP/host.conf, with a filter of what comes in.
conf() {
	local work=$1 default=$2
	shift 2
	{
		echo "interface eth0 { $work; filter edge }"
		echo 'set bad { type address; elements { 10.9.9.9 } }'
		echo 'filter edge {'
		printf '    %s\n' "default $default" 'rule nd pass icmpv6 type 133-137' "$@"
		echo '}'
	} >"$TMP/host.conf"
}

apply() {
	weir host apply "$TMP/host.conf"
}

# stream LOG: TCP from the host to the peer, for as long as every byte comes back.
stream() {
	start_ready host "$1" echo python3 "$TMP/stream.py" 10.0.0.1 5000
}

has_more_lines() {
	[ "$(wc -l <"$1")" -gt "$2" ]
}

# goes_on LOG
goes_on() {
	local lines
	lines=$(wc -l <"$1")
	wait_for 5 has_more_lines "$1" "$lines"
	! grep -v echo "$1" || fail "the stream broke"
}

# --- established

keeps_its_own() {
	local address
	build_host
	echoes peer 5000
	echoes host 6000
	conf "$1" drop 'rule own pass established'
	apply
	for address in 10.0.0.1 2001:db8::1; do
		becomes answer host tcp "$address" 5000
		becomes answer host udp "$address" 5000
		ns_exec host ping -q -c 1 -W 2 "$address" >/dev/null || fail "no answer to a ping"
		# The first is a RST, the second an ICMP error that quotes a packet of this host.
		becomes ECONNREFUSED host tcp "$address" 5999
		becomes ECONNREFUSED host udp "$address" 5999
	done
	all_silent peer 6000 10.0.0.2 2001:db8::2
	for address in 10.0.0.2 2001:db8::2; do
		! ns_exec peer ping -q -c 1 -W 0.5 "$address" >/dev/null || fail "a ping was answered"
	done
}

test_a_host_that_drops_by_default_keeps_its_own_connections_with_native_XDP() {
	keeps_its_own 'xdp native'
}

test_a_host_that_drops_by_default_keeps_its_own_connections_with_generic_XDP() {
	keeps_its_own 'xdp generic'
}

test_a_host_that_drops_by_default_keeps_its_own_connections_with_tc() {
	keeps_its_own 'tc auto'
}

test_path_errors_reach_the_socket() {
	build_host
	routing_on peer
	ns_ip host route add 192.0.2.0/24 via 10.0.0.1
	ns_ip host route add 2001:db8:9::/64 via 2001:db8::1
	conf 'xdp native' drop 'rule own pass established'
	apply
	becomes ENETUNREACH host udp-all 192.0.2.9 5000
	becomes ENETUNREACH host udp-all 2001:db8:9::9 5000
}

test_a_datagram_in_answer_opens_nothing() {
	build_host
	echoes host 6000
	conf 'xdp native' drop 'rule own pass established' 'rule known pass udp dport 6000 length < 40'
	apply
	becomes answer peer udp 10.0.0.2 6000
	assert_eq 0 "$(ns_exec peer python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.connect(("10.0.0.2", 6000))
s.send(b"x")
s.recv(9)
s.settimeout(0.5)
s.send(b"x" * 100)
try:
    print(len(s.recv(200)))
except TimeoutError:
    print(0)')" "a datagram of the same flow, which no rule passes, was answered by bytes"
}

test_growing_maps_keep_established_connections() {
	local many
	build_host
	echoes peer 5000
	conf 'xdp native' drop 'rule own pass established'
	apply
	stream "$TMP/stream.log"
	mapfile -t many < <(for i in {2000..5000}; do echo "rule n$i drop tcp sport 2 dport $i"; done)
	conf 'xdp native' drop "${many[@]}" 'rule own pass established'
	assert_contains "$(weir host plan "$TMP/host.conf")" "is replaced in place"
	apply
	goes_on "$TMP/stream.log"
	becomes answer host udp 10.0.0.1 5000
}

test_connections_older_than_the_filter_are_found() {
	build_host
	echoes peer 5000
	stream "$TMP/stream.log"
	conf 'xdp native' drop 'rule own pass established'
	apply
	goes_on "$TMP/stream.log"
}

# --- reject

rejects() {
	local address
	build_host
	echoes host 81 82 5000 5001
	conf "$1" pass 'rule tcp reject tcp dport 81' 'rule udp reject udp dport 5001' \
		'rule ping reject icmp type echo-request'
	apply
	for address in 10.0.0.2 2001:db8::2; do
		becomes ECONNREFUSED peer tcp "$address" 81
		becomes ECONNREFUSED peer udp "$address" 5001
		becomes answer peer tcp "$address" 82
		becomes answer peer udp "$address" 5000
	done
	assert_contains "$(ns_exec peer ping -c 1 -W 5 10.0.0.2)" "Destination Port Unreachable"
	assert_contains "$(weir host show interface eth0)" filter-reject
}

test_what_is_rejected_is_told_so_with_native_XDP() {
	rejects 'xdp native'
}

test_what_is_rejected_is_told_so_with_generic_XDP() {
	rejects 'xdp generic'
}

test_what_is_rejected_is_told_so_with_tc() {
	rejects 'tc auto'
}

test_what_is_rejected_is_told_so_with_clsact() {
	rejects 'tc clsact'
}

test_a_default_of_reject_is_told_too() {
	build_host
	echoes host 81 82
	conf 'xdp auto' reject 'rule open pass tcp dport 82'
	apply
	becomes answer peer tcp 10.0.0.2 82
	becomes ECONNREFUSED peer tcp 10.0.0.2 81
	becomes ECONNREFUSED peer udp 2001:db8::2 81
	weir host test --expect reject tcp from 10.0.0.1:5 to 10.0.0.2:81
}

# --- what leaves

# leaves WORK: a filter of what leaves and none of what comes in.
leaves() {
	local address
	build_host
	echoes peer 80 81 82 5000 5001
	cat >"$TMP/host.conf" <<-END
		interface eth0 { $1; filter out egress }
		filter out {
		    default pass
		    rule tcp reject tcp dport 81
		    rule udp reject udp dport 5001
		    rule quiet drop dport 82
		}
	END
	apply
	for address in 10.0.0.1 2001:db8::1; do
		becomes answer host tcp "$address" 80
		becomes answer host udp "$address" 5000
		becomes ECONNREFUSED host tcp "$address" 81
		becomes ECONNREFUSED host udp "$address" 5001
	done
	all_silent host 82 10.0.0.1 2001:db8::1
	weir host test --egress --expect reject --rule tcp tcp from 10.0.0.2:5 to 10.0.0.1:81
	weir host test --egress --expect drop --rule quiet tcp from 10.0.0.2:5 to 10.0.0.1:82
	weir host test --egress --expect pass --rule default tcp from 10.0.0.2:5 to 10.0.0.1:80
	"$WEIR" test --config "$TMP/host.conf" --egress --expect reject tcp from 10.0.0.2:5 to 10.0.0.1:81
}

test_what_leaves_is_filtered_with_tcx() {
	leaves 'tc auto'
}

test_what_leaves_is_filtered_with_clsact() {
	leaves 'tc clsact'
}

test_what_leaves_is_filtered_beside_XDP() {
	leaves 'xdp native'
}

# --- limit, sets, mark

limits() {
	build_host
	echoes host 5000
	conf "$1" pass 'rule all limit 1/m burst 10 udp dport 5000'
	apply
	assert_between 10 11 "$(answers 10.0.0.1 30 10)" "datagrams within the burst"
	assert_eq 0 "$(answers 10.0.0.3 20 0)" "datagrams of another source, the burst is over"
	conf "$1" pass 'rule each limit 1/m burst 10 per saddr udp dport 5000'
	apply
	assert_between 10 11 "$(answers 10.0.0.1 30 10)" "datagrams of one source"
	assert_between 10 11 "$(answers 10.0.0.3 30 10)" "datagrams of another source"
	assert_contains "$(weir host show interface eth0)" filter-limit
}

test_a_limit_lets_its_rate_through_with_XDP() {
	limits 'xdp native'
}

test_a_limit_lets_its_rate_through_with_tc() {
	limits 'tc auto'
}

test_a_set_changed_live_takes_effect_at_once() {
	build_host
	echoes host 5000
	conf 'xdp native' pass 'rule bad reject saddr @bad'
	apply
	becomes answer peer udp 10.0.0.2 5000 10.0.0.3
	weir host set add bad 10.0.0.3
	becomes ECONNREFUSED peer udp 10.0.0.2 5000 10.0.0.3
	becomes answer peer udp 10.0.0.2 5000 10.0.0.1
	weir host set del bad 10.0.0.3
	becomes answer peer udp 10.0.0.2 5000 10.0.0.3
}

# What the socket sees of skb->mark: SO_RCVMARK of Linux 5.19.
marks() {
	build_host
	cat >"$TMP/mark.py" <<-'END'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		try:
		    s.setsockopt(socket.SOL_SOCKET, 75, 1)
		except OSError:
		    print("ready without")
		    raise SystemExit
		s.bind(("10.0.0.2", 5000))
		print("ready", flush=True)
		_, about, _, peer = s.recvmsg(2048, 64)
		marks = [struct.unpack("I", data)[0] for _, kind, data in about if kind == socket.SO_MARK]
		s.sendto(b"x", peer)
		print("mark", *marks, flush=True)
	END
	conf "$1" pass 'rule m mark 0x12345678 udp dport 5000'
	apply
	start_ready host "$TMP/mark.log" ready python3 "$TMP/mark.py"
	! grep -q without "$TMP/mark.log" || skip "this kernel has no SO_RCVMARK"
	becomes answer peer udp 10.0.0.2 5000
	wait_for 5 grep -q "^mark 305419896$" "$TMP/mark.log"
}

test_a_mark_is_on_the_packet_with_native_XDP() {
	marks 'xdp native'
}

test_a_mark_is_on_the_packet_with_generic_XDP() {
	marks 'xdp generic'
}

test_a_mark_is_on_the_packet_with_tc() {
	marks 'tc auto'
}

run_tests "$@"
