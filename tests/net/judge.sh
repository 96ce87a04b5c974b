#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir test, and the warning of a plan that cuts its author's own session.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

build_edge() {
	ns_add edge far
	veth edge eth0 far eth0
	address edge eth0 10.0.0.1/24 2001:db8::1/64
	address far eth0 10.0.0.2/24 2001:db8::2/64
}

# conf WORK DEFAULT RULE...: $TMP/edge.conf
conf() {
	local work=$1 default=$2
	shift 2
	{
		echo "interface eth0 { $work; filter edge }"
		echo 'filter edge {'
		printf '    %s\n' "default $default" "$@"
		echo '}'
	} >"$TMP/edge.conf"
}

readonly RULES=('rule seen count tcp flags syn/syn,ack'
	'rule bogons drop saddr { 198.51.100.0/24, 2001:db8:bad::/48 }'
	'rule ssh pass tcp dport 22' 'rule ping pass icmp type echo-request')

# refused STATUS COMMAND...: what it said is in $said.
refused() {
	said=$(assert_fails "$@" 2>&1 >/dev/null) || fail "$said"
}

# Packets that the rules counted; the default also counts what hosts say by themselves.
counters() {
	weir edge -j show filter | python3 -c '
import json, sys
print(*[(r["name"], r["packets"]) for f in json.load(sys.stdin)["filters"] for r in f["rules"]])'
}

# --- weir test

names_the_rule_that_decides() {
	local before
	build_edge
	conf "$1" drop "${RULES[@]}"
	weir edge apply "$TMP/edge.conf"
	before=$(counters)
	assert_eq "drop  filter-drop  rule bogons  (filter edge)
  passed by rule seen (count)" \
		"$(weir edge test tcp from 198.51.100.7:4444 to 10.0.0.1:22 syn)" "a bogon"
	assert_eq "pass  filter-pass  rule ssh  (filter edge)" \
		"$(weir edge test --dev eth0 tcp from 10.0.0.2:4444 to 10.0.0.1:22 ack)" "ssh"
	assert_eq "drop  filter-default  default  (filter edge)" \
		"$(weir edge test --dev eth0 udp from 10.0.0.2:53 to 10.0.0.1:53)" "udp"
	assert_eq "drop  filter-default  default  (filter edge)
  but for dport, rule ssh (pass)" \
		"$(weir edge test --dev eth0 tcp from 10.0.0.2:53 to 10.0.0.1:23 ack)" "near ssh"
	assert_contains "$(weir edge test tcp from '[2001:db8:bad::7]:1' to '[2001:db8::1]:22')" \
		"rule bogons"
	assert_contains "$(weir edge test icmp from 10.0.0.2 to 10.0.0.1)" "rule ping"
	# What was in force did not notice.
	assert_eq "$before" "$(counters)" "counters"
}

test_a_packet_in_words_names_the_rule_that_decides_with_XDP() {
	names_the_rule_that_decides 'xdp auto'
}

test_a_packet_in_words_names_the_rule_that_decides_with_tc() {
	names_the_rule_that_decides 'tc auto'
}

test_what_is_expected_decides_the_exit_status() {
	local ssh=(tcp from 10.0.0.2:4444 to 10.0.0.1:22)
	build_edge
	conf 'xdp auto' drop "${RULES[@]}"
	weir edge apply "$TMP/edge.conf"
	weir edge test --expect pass "${ssh[@]}"
	weir edge test --expect pass --rule ssh "${ssh[@]}"
	weir edge test --rule default udp from 10.0.0.2:1 to 10.0.0.1:1
	assert_fails 1 weir edge test --expect drop "${ssh[@]}"
	assert_fails 1 weir edge test --expect pass --rule ping "${ssh[@]}"
	refused 2 weir edge test --expect maybe "${ssh[@]}"
	refused 3 weir edge test --dev eth9 "${ssh[@]}"
	refused 2 weir edge test --dev eth0
	refused 2 weir edge test --dev eth0 --hex "0g"
}

test_a_configuration_that_is_not_in_force_can_be_tested() {
	ns_add edge
	conf 'xdp auto' drop "${RULES[@]}"
	# Not even the interface is there.
	assert_contains "$(weir edge test --config "$TMP/edge.conf" \
		tcp from 10.0.0.2:4444 to 10.0.0.1:22)" "rule ssh"
	refused 3 weir edge status
	refused 3 weir edge test tcp from 10.0.0.2:4444 to 10.0.0.1:22
}

test_a_configuration_that_is_not_in_force_is_tested_with_its_sets() {
	cat >"$TMP/sets.conf" <<-END
		set bad { type prefix; file "$TMP/bad.txt" }
		set here { type interface; elements { eth0 } }
		interface eth0 { xdp auto; filter edge }
		interface eth1 { tc auto; filter edge }
		filter edge {
		    default pass
		    rule bad drop saddr @bad interface @here
		    rule ssh drop expr "tcp port 22"
		}
	END
	echo 2001:db8:bad::/48 >"$TMP/bad.txt"
	local from_bad=(udp from '[2001:db8:bad::1]:1' to '[2001:db8::1]:2')
	"$WEIR" test --config "$TMP/sets.conf" --dev eth0 --rule bad "${from_bad[@]}"
	"$WEIR" test --config "$TMP/sets.conf" --dev eth1 --rule default "${from_bad[@]}"
	"$WEIR" test --config "$TMP/sets.conf" --dev eth1 --rule ssh tcp from 192.0.2.1:1 to 192.0.2.2:22
}

# capture_file FILE: three packets, as pcap, or as pcapng after a name with "ng".
capture_file() {
	python3 - "$1" <<-'END'
		import socket, struct, sys
		def ipv4(src, dst, proto, payload):
		    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0,
		                       socket.inet_aton(src), socket.inet_aton(dst)) + payload
		def ipv6(src, dst, proto, payload):
		    return struct.pack("!IHBB", 0x60000000, len(payload), proto, 64) + \
		        socket.inet_pton(socket.AF_INET6, src) + \
		        socket.inet_pton(socket.AF_INET6, dst) + payload
		macs = bytes(12)
		tcp = struct.pack("!HHIIBBHHH", 5000, 22, 0, 0, 0x50, 2, 8192, 0, 0)
		udp = struct.pack("!HHHH", 5000, 53, 8, 0)
		icmp = bytes([8, 0, 0, 0, 0, 0, 0, 0])
		frames = [
		    macs + b"\x08\x00" + ipv4("10.0.0.2", "10.0.0.1", 6, tcp),
		    macs + b"\x86\xdd" + ipv6("2001:db8:bad::1", "2001:db8::1", 17, udp),
		    macs + b"\x81\x00\x00\x07\x08\x00" + ipv4("198.51.100.1", "10.0.0.1", 1, icmp)]
		def block(kind, body):
		    body += bytes(-len(body) % 4)
		    return struct.pack("<II", kind, len(body) + 12) + body + \
		        struct.pack("<I", len(body) + 12)
		with open(sys.argv[1], "wb") as out:
		    if "ng" in sys.argv[1].split("/")[-1]:
		        out.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
		        out.write(block(1, struct.pack("<HHI", 1, 0, 65535)))
		        for f in frames:
		            out.write(block(6, struct.pack("<IIIII", 0, 0, 0, len(f), len(f)) + f))
		    else:
		        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
		        for f in frames:
		            out.write(struct.pack("<IIII", 0, 0, len(f), len(f)) + f)
	END
}

test_without_libpcap_captures_and_expressions_say_so_and_all_else_works() {
	build_edge
	conf 'xdp auto' drop "${RULES[@]}"
	capture_file "$TMP/three.pcap"
	mkdir "$TMP/broken"
	# The loader takes the first of the name that it finds, and there is nothing in it.
	: >"$TMP/broken/$(grep -aom 1 'libpcap\.so\.[0-9.]*' "$WEIR" | sed -n 1p)"
	export LD_LIBRARY_PATH=$TMP/broken
	refused 5 "$WEIR" test --config "$TMP/edge.conf" "$TMP/three.pcap"
	assert_contains "$said" "three.pcap: captures need libpcap: $TMP/broken/libpcap"
	weir edge apply "$TMP/edge.conf"
	conf 'xdp auto' drop 'rule ssh pass expr "tcp port 22"'
	refused 2 weir edge apply "$TMP/edge.conf"
	assert_contains "$said" "expressions need libpcap: $TMP/broken/libpcap"
	assert_contains "$("$WEIR" version)" "libpcap missing"
}

test_every_packet_of_a_capture_is_a_line() {
	local file
	conf 'xdp auto' drop "${RULES[@]}"
	for file in "$TMP/three.pcap" "$TMP/three.pcapng"; do
		capture_file "$file"
		assert_eq "     1  pass  filter-pass  rule ssh  (filter edge)
     2  drop  filter-drop  rule bogons  (filter edge)
     3  drop  filter-drop  rule bogons  (filter edge)
3 packets: 1 pass, 2 drop, 0 reject, 0 forward" \
			"$("$WEIR" test --config "$TMP/edge.conf" "$file")" "what it said of $file"
	done
	refused 1 "$WEIR" test --config "$TMP/edge.conf" --expect drop "$TMP/three.pcap"
	assert_contains "$said" "1 of 3 packets were not as expected"
	head -c 30 "$TMP/three.pcap" >"$TMP/cut.pcap"
	refused 1 "$WEIR" test --config "$TMP/edge.conf" "$TMP/cut.pcap"
	refused 3 "$WEIR" test --config "$TMP/edge.conf" "$TMP/none.pcap"
}

# packets_file FILE CAPTURED:SENT...: UDP packets, of which the file has the first bytes.
packets_file() {
	python3 - "$@" <<-'END'
		import socket, struct, sys
		with open(sys.argv[1], "wb") as out:
		    out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
		    for word in sys.argv[2:]:
		        captured, sent = map(int, word.split(":"))
		        frame = bytes(12) + b"\x08\x00" + struct.pack(
		            "!BBHHHBBH4s4s", 0x45, 0, max(min(sent - 14, 65535), 0), 1, 0, 64, 17, 0,
		            socket.inet_aton("10.0.0.2"), socket.inet_aton("10.0.0.1"))
		        frame += struct.pack("!HHHH", 5000, 53, max(min(sent - 34, 65535), 0), 0)
		        frame += bytes(max(sent - len(frame), 0))
		        out.write(struct.pack("<IIII", 0, 0, captured, sent) + frame[:captured])
	END
}

test_a_packet_that_is_cut_in_the_capture_says_so_and_proves_nothing() {
	conf 'xdp auto' drop 'rule dns pass udp dport 53'
	packets_file "$TMP/cut.pcap" 100:100 60:1000
	assert_eq "     1  pass  filter-pass  rule dns  (filter edge)" \
		"$("$WEIR" test --config "$TMP/edge.conf" "$TMP/cut.pcap" | head -1)" "the whole one"
	assert_contains "$("$WEIR" test --config "$TMP/edge.conf" "$TMP/cut.pcap")" \
		"cut in the capture, 60 of 1000 bytes"
	said=$("$WEIR" test --config "$TMP/edge.conf" --rule dns --expect pass "$TMP/cut.pcap" 2>&1) &&
		fail "a packet that is cut was as expected"
	assert_contains "$said" "NOT JUDGED"
	assert_contains "$said" "1 of 2 packets were not as expected"
	assert_eq "False True" "$("$WEIR" -j test --config "$TMP/edge.conf" "$TMP/cut.pcap" |
		python3 -c 'import json, sys; print(*[p["cut"] for p in json.load(sys.stdin)["packets"]])')" "cut"
}

test_a_frame_that_the_kernel_does_not_run_is_a_line_of_its_own() {
	conf 'tc auto' drop 'rule dns pass udp dport 53'
	packets_file "$TMP/long.pcap" 100:100 65000:65000 9000:9000 10:10 100:100
	said=$("$WEIR" test --config "$TMP/edge.conf" "$TMP/long.pcap")
	assert_contains "$said" "     5  pass  filter-pass  rule dns"
	assert_contains "$said" "     4  -  too short"
	assert_contains "$said" "     2  -  too long"
	assert_contains "$said" "5 packets:"
}

test_a_packet_without_its_ends_is_no_file() {
	conf 'xdp auto' drop 'rule dns pass udp dport 53'
	refused 2 "$WEIR" test --config "$TMP/edge.conf" tcp
	assert_contains "$said" "its addresses are missing"
}

test_a_file_of_cases_says_what_is_expected_of_each_packet() {
	conf 'xdp auto' drop "${RULES[@]}"
	cat >"$TMP/edge.test" <<-'END'
		pass rule ssh      tcp from 203.0.113.7:4444 to 192.0.2.1:22  # from afar
		drop rule default  tcp from 203.0.113.7:4444 to 192.0.2.1:23

		drop               udp from [2001:db8:bad::1]:53 to [2001:db8::1]:1024
	END
	assert_eq "     1  pass  filter-pass  rule ssh  (filter edge)
     2  drop  filter-default  default  (filter edge)
     4  drop  filter-drop  rule bogons  (filter edge)
3 packets: 1 pass, 2 drop, 0 reject, 0 forward" \
		"$("$WEIR" test --config "$TMP/edge.conf" --cases "$TMP/edge.test")" "the result"
	assert_eq "1 2 4" "$("$WEIR" -j test --config "$TMP/edge.conf" --cases "$TMP/edge.test" |
		python3 -c 'import json, sys; print(*[p["number"] for p in json.load(sys.stdin)["packets"]])')" \
		"numbers in JSON"
	sed -i 's/rule default/rule ping/' "$TMP/edge.test"
	refused 1 "$WEIR" test --config "$TMP/edge.conf" --cases "$TMP/edge.test"
	assert_contains "$said" "1 of 3 packets were not as expected"
	echo 'pass tcp form 10.0.0.1' >>"$TMP/edge.test"
	refused 2 "$WEIR" test --config "$TMP/edge.conf" --cases "$TMP/edge.test"
	assert_contains "$said" 'edge.test:5: a packet has no "form"; did you mean "from"?'
}

# Nothing of what the language can say is refused by the kernel.
test_packets_of_many_kinds_run() {
	local words
	build_edge
	conf 'xdp auto' pass 'rule any count'
	weir edge apply "$TMP/edge.conf"
	while IFS= read -r words; do
		# shellcheck disable=SC2086
		weir edge test $words --expect pass >/dev/null
	done <<-'END'
		tcp from 10.0.0.2:4444 to 10.0.0.1:22 syn,ack ttl 3 dscp ef length 1500
		udp from [2001:db8::2]:53 to [2001:db8::1]:53 vlan 12 length 100
		icmpv6 from 2001:db8::2 to 2001:db8::1 type echo-reply code 0
		udp from 10.0.0.2 to 10.0.0.1 fragment later
		udp from 2001:db8::2 to [2001:db8::1]:5 fragment first
		proto 47 from 10.0.0.2 to 10.0.0.1
		tcp from 10.0.0.2 to 10.0.0.1:1 none smac 02:00:00:00:00:07
	END
}

# --- the session that weir is run from

# session NAME: a connection from far to edge's port 22; $SSH_CONNECTION as sshd would set it.
session() {
	start_ready edge "$TMP/listen.log" ready python3 -u -c '
import socket
s = socket.create_server(("10.0.0.1", 22))
print("ready")
c, peer = s.accept()
print("peer", peer[1])
c.recv(1)'
	start far "$TMP/connect.log" python3 -c '
import socket
socket.create_connection(("10.0.0.1", 22)).recv(1)'
	(wait_for 5 grep -q peer "$TMP/listen.log")
	export SSH_CONNECTION
	SSH_CONNECTION="10.0.0.2 $(sed -n 's/^peer //p' "$TMP/listen.log") 10.0.0.1 22"
}

test_a_plan_that_cuts_the_session_is_warned_of() {
	build_edge
	session
	conf 'xdp auto' drop 'rule web pass tcp dport 80'
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" \
		"the default of filter edge cuts your own SSH session from 10.0.0.2"
	conf 'xdp auto' pass 'rule log drop tcp dport 22-25'
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" "rule log of filter edge, line 4, cuts"
	assert_contains "$(weir edge apply "$TMP/edge.conf" 2>&1)" "use --confirm 60s"
}

test_a_plan_that_rejects_or_cuts_the_answers_is_warned_of() {
	build_edge
	session
	conf 'xdp auto' reject 'rule web pass tcp dport 80'
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" \
		"the default of filter edge cuts your own SSH session from 10.0.0.2"
	cat >"$TMP/out.conf" <<-'END'
		interface eth0 { filter out egress }
		filter out { default pass; rule ssh drop tcp sport 22 daddr 10.0.0.2 }
	END
	assert_contains "$(weir edge plan "$TMP/out.conf" 2>&1)" "rule ssh of filter out, line 2, cuts"
	sed -i 's/sport 22/sport 23/' "$TMP/out.conf"
	[[ $(weir edge plan "$TMP/out.conf" 2>&1) != *WARNING* ]] || fail "warned"
}

test_a_service_that_takes_the_sessions_packets_is_warned_of() {
	local ports
	build_edge
	routing_on edge
	session
	for ports in 'tcp any' any 'tcp 20-30'; do
		echo "interface eth0 { xdp auto; balance }
			service web { address 10.0.0.1; port $ports; forward ipip; backend b 10.0.0.9 }" \
			>"$TMP/edge.conf"
		assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" \
			"service web, which has the address and the port of it, cuts your own SSH session"
		assert_contains "$(weir edge -j plan "$TMP/edge.conf" 2>/dev/null)" '"service": "web"'
	done
	sed -i 's/port tcp [^;]*/port tcp 80, udp 22/' "$TMP/edge.conf"
	[[ $(weir edge plan "$TMP/edge.conf" 2>&1) != *WARNING* ]] || fail "warned"
}

test_a_plan_that_lets_the_session_live_but_none_come_back_is_warned_of() {
	build_edge
	session
	conf 'xdp auto' drop 'rule old pass tcp dport 22 flags != syn/syn,ack'
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" \
		"the default of filter edge lets no new SSH session from 10.0.0.2 in"
	assert_contains "$(weir edge -j plan "$TMP/edge.conf" 2>/dev/null)" '"cuts": "new sessions"'
}

test_a_plan_that_lets_the_session_pass_is_not_warned_of() {
	local rule
	build_edge
	session
	for rule in 'tcp dport 22' 'saddr 10.0.0.2' 'tcp length < 9000' 'interface eth*'; do
		conf 'xdp auto' drop "rule ssh pass $rule"
		[[ $(weir edge plan "$TMP/edge.conf" 2>&1) != *WARNING* ]] || fail "warned: $rule"
	done
	# A session of another namespace, or one that is over, and nobody else at its port.
	conf 'xdp auto' drop 'rule web pass tcp dport 80'
	SSH_CONNECTION="10.0.0.9 1 10.0.0.1 2222"
	[[ $(weir edge plan "$TMP/edge.conf" 2>&1) != *WARNING* ]] || fail "warned of an old session"
}

# As in a terminal multiplexer, after the connection broke and its user came back.
test_a_session_whose_variable_is_old_is_looked_for_at_its_port() {
	local port
	build_edge
	session
	port=$(cut -d' ' -f2 <<<"$SSH_CONNECTION")
	SSH_CONNECTION="10.0.0.9 1 10.0.0.1 22"
	conf 'xdp auto' drop 'rule web pass tcp dport 80'
	assert_contains "$(weir edge plan "$TMP/edge.conf" 2>&1)" \
		"cuts the SSH session from 10.0.0.2 port $port, which may be your own"
	conf 'xdp auto' drop 'rule ssh pass tcp dport 22'
	[[ $(weir edge plan "$TMP/edge.conf" 2>&1) != *WARNING* ]] || fail "warned of what passes"
}

test_the_session_is_found_where_sudo_has_taken_the_variable_away() {
	build_edge
	session
	conf 'xdp auto' drop 'rule web pass tcp dport 80'
	# The shell has it, weir has not.
	assert_contains "$(bash -c 'env -u SSH_CONNECTION "$@" 2>&1; :' sh "$WEIR" \
		-n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" plan "$TMP/edge.conf")" "WARNING"
}

# A process that is called sshd and holds the connection, and no variable at all.
test_the_session_is_found_by_the_socket_of_an_sshd_above() {
	build_edge
	conf 'xdp auto' drop 'rule web pass tcp dport 80'
	start_ready edge "$TMP/sshd.log" ready python3 -u -c '
import ctypes, socket, subprocess, sys
ctypes.CDLL(None).prctl(15, b"sshd", 0, 0, 0)
s = socket.create_server(("10.0.0.1", 22))
print("ready")
c, peer = s.accept()
said = subprocess.run(sys.argv[1:], capture_output=True, text=True, env={"PATH": "/usr/bin"})
print(said.stderr)
print("port", peer[1], "over")' "$WEIR" -n "$NS_PREFIX-edge" -i "$NS_PREFIX-edge" \
		plan "$TMP/edge.conf"
	start far "$TMP/connect.log" python3 -c '
import socket
socket.create_connection(("10.0.0.1", 22)).recv(1)'
	(wait_for 10 grep -q over "$TMP/sshd.log")
	assert_contains "$(cat "$TMP/sshd.log")" \
		"cuts your own SSH session from 10.0.0.2 port $(sed -n 's/^port \(.*\) over/\1/p' "$TMP/sshd.log")"
}

run_tests "$@"
