#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# weir explain: what it says of a packet, against what becomes of real ones.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

readonly CLIENT4=198.51.100.2 CLIENT6=2001:db8:1::2

# fact NAME WORD...: what explain says behind NAME, of a packet in these words.
fact() {
	local name=$1
	shift
	weir edge explain "$@" >"$TMP/explained" || fail "explain $*"
	grep -q "^$name " "$TMP/explained" || fail "no $name of $*: $(cat "$TMP/explained")"
	sed -n "s/^$name  *//p" "$TMP/explained"
}

# member EXPRESSION WORD...: Python, of the JSON that explain says, which is e.
member() {
	local expression=$1
	shift
	weir edge -j explain "$@" |
		python3 -c 'import json, sys; e = json.load(sys.stdin); print(eval(sys.argv[1]))' \
			"$expression"
}

# refused STATUS WORD...: what explain said is in $said.
refused() {
	local status=$1
	shift
	said=$(assert_fails "$status" weir edge explain "$@" 2>&1 >/dev/null) || fail "$said"
}

# icmp_error PORT: the frame of a router's "fragmentation needed" about a packet
# that the VIP's port 80 sent to the client's PORT.
icmp_error() {
	python3 - "$1" "$VIP4" "$CLIENT4" <<-'END'
		import ipaddress, struct, sys
		port, vip, client = int(sys.argv[1]), *(ipaddress.ip_address(a).packed for a in sys.argv[2:])
		router = ipaddress.ip_address("198.51.100.9").packed
		def summed(b):
		    n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
		    n = (n & 0xffff) + (n >> 16)
		    return ~(n + (n >> 16)) & 0xffff
		def ip(proto, source, target, size):
		    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, 60, proto, 0, source, target)
		    return h[:10] + struct.pack("!H", summed(h)) + h[12:]
		quoted = ip(6, vip, client, 1400) + struct.pack("!HHI", 80, port, 1)
		icmp = struct.pack("!BBHHH", 3, 4, 0, 0, 1400) + quoted
		icmp = icmp[:2] + struct.pack("!H", summed(icmp)) + icmp[4:]
		frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip(1, router, vip, len(icmp)) + icmp
		print(frame.hex())
	END
}

# move: all slots from b1 to b2.
move() {
	service ipip "b1 10.0.1.11" "b2 10.0.2.12 drain" >/dev/null
	service ipip "b1 10.0.1.11 drain" "b2 10.0.2.12" >/dev/null
}

# agree FROM VIP: who is said to get a connection is who answers it.
agree() {
	local answer
	answer=$(ns_exec client curl -sS -g --noproxy '*' --max-time 3 --local-port "${1##*:}" \
		"http://$2/")
	echo "$answer" >>"$TMP/answers"
	assert_eq "$answer" "$(member 'e["backend"]["name"]' tcp "$1" "$2:80")" "who answers $1 at $2"
}

test_what_it_says_is_what_connections_meet() {
	local port
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12" >/dev/null
	for port in {5000..5007}; do
		agree "$CLIENT4:$port" "$VIP4"
	done
	for port in {6000..6007}; do
		agree "[$CLIENT6]:$port" "[$VIP6]"
	done
	assert_eq "b1 b2" "$(sort -u "$TMP/answers" | xargs)" "who answered at all"
}

test_each_fact_is_on_a_line_of_its_own() {
	build_network ipip
	service ipip "b1 10.0.1.11" >/dev/null
	weir edge explain tcp from "$CLIENT4:4444" to "$VIP4:80" | sed 's/slot  *[0-9]* /slot N /' >"$TMP/out"
	assert_eq "packet      tcp $CLIENT4:4444 > $VIP4:80
interface   wan, xdp
filter      none
service     web, tcp 80
slot N of 65537, of b1
backend     b1, 10.0.1.11
why         ring: what the ring says now
forward     ipip, leaves as ipip 10.0.1.1 > 10.0.1.11
next hop    10.0.1.11 at $(mac b1 eth0) by b1
verdict     forward, lb-forward: sent to a backend" "$(cat "$TMP/out")" "the explanation"
	assert_eq "$(weir edge explain tcp from "$CLIENT4:4444" to "$VIP4:80")" \
		"$(weir edge explain --dev wan tcp "$CLIENT4:4444" "$VIP4:80")" "the short form"
	assert_eq 0 "$(reason lb-forward)" "live packets forwarded by explaining"
	assert_eq "forward, lb-ttl-told: its TTL, or hop limit, ended here; its sender was told" \
		"$(fact verdict tcp "$CLIENT4:4444" "$VIP4:80" ttl 1)" "the verdict where its TTL ends"
	assert_eq ipip "$(fact forward tcp "$CLIENT4:4444" "$VIP4:80" ttl 1)" "what is not sent on"
	ns_ip b1 link set eth0 down
	ns_ip edge neigh flush dev b1
	ns_ip edge neigh del 10.0.1.11 dev b1 2>/dev/null || true
	assert_eq "10.0.1.11 at an unknown MAC address by b1" \
		"$(fact "next hop" tcp "$CLIENT4:4444" "$VIP4:80")" "next hop that does not answer"
	assert_contains "$(fact verdict tcp "$CLIENT4:4444" "$VIP4:80")" "drop, lb-no-neighbour: "
}

test_a_moved_slot_has_a_base_and_real_connections_have_pins() {
	local left now
	build_network ipip
	move
	assert_contains "$(fact slot tcp "$CLIENT4:4000" "$VIP4:80")" "of 65537, moved from b1 to b2"
	assert_contains "$(fact base tcp "$CLIENT4:4000" "$VIP4:80")" \
		"b1 for flows from before the move, until 20"
	assert_eq "ring b2" "$(member 'e["why"], e["backend"]["name"]' tcp "$CLIENT4:4000" "$VIP4:80" |
		tr -d "(),'")" "a new flow"
	# Which pinned nothing that is live: the flow is still taken for an old one.
	assert_eq "base b1" "$(member 'e["why"], e["backend"]["name"]' tcp "$CLIENT4:4000" "$VIP4:80" ack |
		tr -d "(),'")" "an old flow"
	left=$(member 'e["slot"]["base_left_s"]' tcp "$CLIENT4:4000" "$VIP4:80")
	assert_between 3500 3600 "$left" "seconds that base has left"
	now=$(date +%s)
	assert_between $((now + 3490)) $((now + 3605)) \
		"$(member 'e["slot"]["base_until_s"]' tcp "$CLIENT4:4000" "$VIP4:80")" "its end"
	assert_eq b2 "$(ns_exec client curl -sS --noproxy '*' --max-time 3 --local-port 4001 \
		"http://$VIP4/")" "who answers"
	assert_eq "pin b2" "$(member 'e["why"], e["backend"]["name"]' tcp "$CLIENT4:4001" "$VIP4:80" ack |
		tr -d "(),'")" "a flow that came since"
	assert_contains "$(fact base udp "$CLIENT4:4000" "$VIP4:53")" "over: flows of this protocol"
	assert_eq "ring b2" "$(member 'e["why"], e["backend"]["name"]' udp "$CLIENT4:4000" "$VIP4:53" |
		tr -d "(),'")" "a datagram"
	# Errors go where the flow goes.
	assert_eq "icmp b1" "$(member 'e["why"], e["backend"]["name"]' --hex "$(icmp_error 4000)" |
		tr -d "(),'")" "an error about an old flow"
	assert_eq "icmp b2" "$(member 'e["why"], e["backend"]["name"]' --hex "$(icmp_error 4001)" |
		tr -d "(),'")" "an error about one that is pinned"
	assert_eq "icmp: where the flow goes that the error quotes" \
		"$(fact why --hex "$(icmp_error 4000)")" "why"
}

test_what_is_no_services_is_said_in_a_line() {
	build_network l2
	service l2 "b1 10.0.1.11" >/dev/null
	assert_eq "none: 192.0.2.99 is no VIP" "$(fact service tcp "$CLIENT4:4000" 192.0.2.99:80)" \
		"another address"
	assert_eq "none: no service has tcp 81 at the VIP $VIP4; web there has tcp 80, udp 53" \
		"$(fact service tcp "$CLIENT4:4000" "$VIP4:81")" "another port"
	assert_eq "cut short, no Ethernet header" "$(fact packet --hex 00)" "a byte"
	assert_eq "none: no service has tcp 81 at the VIP $VIP6; web there has tcp 80, udp 53" \
		"$(fact service tcp "[$CLIENT6]:4000" "[$VIP6]:81")" "another port, IPv6"
	assert_eq "pass, pass: nothing decided; the packet was left alone" \
		"$(fact verdict tcp "$CLIENT4:4000" "$VIP4:81")" "the verdict"
	assert_eq "none: a ping of a VIP is answered in its place" \
		"$(fact service icmp from "$CLIENT4" to "$VIP4")" "a ping"
	assert_eq "none: tagged frames are left to the host" \
		"$(fact service tcp "$CLIENT4:4000" "$VIP4:80" vlan 7)" "a tagged frame"
	assert_contains "$(fact service tcp "$CLIENT4:4000" "$VIP4:80" fragment later)" \
		"none: a later fragment has no ports"
	assert_eq "l2, leaves as it came" "$(fact forward tcp "$CLIENT4:4000" "$VIP4:80")" "forward"
}

test_a_rule_that_drops_is_named_and_nothing_more_is_asked() {
	build_network l2
	weir edge apply - >/dev/null <<-END
		interface wan { filter edge; balance }
		filter edge { default pass; rule bad drop saddr 198.51.100.66; rule web pass tcp dport 80 }
		service web {
		    address $VIP4; port tcp 80, udp 53; forward l2
		    allow 198.51.100.0/24
		    backend b1 10.0.1.11 drain
		}
	END
	assert_eq "drop by rule bad (filter edge)" "$(fact filter tcp 198.51.100.66:4 "$VIP4:80")" "filter"
	assert_eq "not asked: the packet was dropped before" \
		"$(fact service tcp 198.51.100.66:4 "$VIP4:80")" "service"
	assert_eq "drop, filter-drop: a drop rule" "$(fact verdict tcp 198.51.100.66:4 "$VIP4:80")" verdict
	assert_eq "pass by rule web (filter edge)" "$(fact filter tcp "$CLIENT4:4" "$VIP4:80")" "filter"
	assert_eq "none is left" "$(fact backend tcp "$CLIENT4:4" "$VIP4:80")" "backend"
	assert_contains "$(fact verdict tcp "$CLIENT4:4" "$VIP4:80")" "drop, lb-no-backend: "
	assert_eq "pass by default (filter edge)" "$(fact filter udp "$CLIENT4:4" "$VIP4:53")" "filter"
	assert_contains "$(fact verdict --dev wan udp 203.0.113.1:4 "$VIP4:53")" "drop, lb-not-allowed: "
	assert_eq "web, udp 53" "$(fact service --dev wan udp 203.0.113.1:4 "$VIP4:53")" "service"
}

test_a_translated_flow_is_found() {
	build_network nat
	http_server b1 b1 8080 10.0.1.11
	weir edge apply - >/dev/null <<-END
		interface wan { balance }
		interface b1 { balance }
		service web { address $VIP4; port tcp 80; forward nat; backend b1 10.0.1.11:8080 }
	END
	assert_eq "ring" "$(member 'e["why"]' tcp "$CLIENT4:4000" "$VIP4:80")" "a new flow"
	assert_eq b1 "$(ns_exec client curl -sS --noproxy '*' --max-time 3 --local-port 4000 \
		"http://$VIP4/")" "who answers"
	assert_eq "nat: the flow is being translated already" \
		"$(fact why tcp "$CLIENT4:4000" "$VIP4:80" ack)" "why"
	[[ $(fact forward tcp "$CLIENT4:4000" "$VIP4:80" ack) =~ \
		^nat,\ leaves\ as\ tcp\ 10.0.1.1:[0-9]+\ \>\ 10.0.1.11:8080$ ]] || fail "$(cat "$TMP/explained")"
	assert_eq "b1, 10.0.1.11:8080" "$(fact backend tcp "$CLIENT4:4000" "$VIP4:80" ack)" "backend"
	assert_eq "ring" "$(member 'e["why"]' tcp "$CLIENT4:4002" "$VIP4:80")" "a new flow"
	! weir edge show flow | grep 4002 || fail "explaining opened a live flow"
}

test_the_interface_is_that_of_the_source() {
	build_network l2
	weir edge apply - >/dev/null <<-END
		interface wan { balance }
		interface b1 { xdp auto; balance }
		service web { address $VIP4; port tcp 80; forward l2; backend b2 10.0.2.12 }
	END
	assert_eq "wan, xdp" "$(fact interface tcp "$CLIENT4:4" "$VIP4:80")" "interface"
	assert_eq "b1, xdp" "$(fact interface tcp 10.0.1.11:4 "$VIP4:80")" "interface"
	assert_eq "wan, xdp" "$(fact interface --dev wan tcp 10.0.1.11:4 "$VIP4:80")" "interface"
	# Weir does not stand there; nothing leads there.
	refused 2 tcp 10.0.2.12:4 "$VIP4:80"
	assert_contains "$said" "say with --dev which interface the packet comes in at"
	refused 2 tcp 203.0.113.5:4 "$VIP4:80"
	refused 3 --dev wan7 tcp "$CLIENT4:4" "$VIP4:80"
	assert_contains "$said" "wan7: the configuration has no interface block for it"
	refused 2 tcp "$CLIENT4:4" "$VIP4:80" 10.0.0.1
	assert_contains "$said" '"10.0.0.1" is one address too many'
	refused 2
	assert_contains "$said" "say one packet in words"
	refused 2 --expect pass tcp "$CLIENT4:4" "$VIP4:80"
	assert_contains "$said" "go with test only"
	echo "interface none0 { balance }
service web { address $VIP4; port tcp 80; forward l2; backend b2 10.0.2.12 }" >"$TMP/planned.conf"
	assert_eq "none0, xdp" "$(fact interface --config "$TMP/planned.conf" tcp "$CLIENT4:4" "$VIP4:80")" \
		"interface of a configuration that is not in force"
	assert_eq "b2, 10.0.2.12" "$(fact backend --config "$TMP/planned.conf" tcp "$CLIENT4:4" "$VIP4:80")" \
		"its backend"
	echo "service mail { address $VIP4; port tcp 25; forward l2; backend b2 10.0.2.12 }" \
		>>"$TMP/planned.conf"
	assert_eq "none: no service has tcp 81 at the VIP $VIP4; web there has tcp 80; mail has tcp 25" \
		"$(fact service --config "$TMP/planned.conf" tcp "$CLIENT4:4" "$VIP4:81")" \
		"all that the VIP has"
}

test_JSON_has_what_the_text_says() {
	build_network ipip
	service ipip "b1 10.0.1.11" >/dev/null
	assert_eq "('wan', 'xdp', None, 'web', 80, 'ipip', 'b1', '10.0.1.11', 'ring')" \
		"$(member '(e["interface"], e["hook"], e["filter"], e["service"]["name"],
			e["service"]["port"], e["service"]["forward"], e["backend"]["name"],
			e["backend"]["address"], e["why"])' tcp "$CLIENT4:4" "$VIP4:80")" "members"
	assert_eq "('b1', False, True)" \
		"$(member '(e["slot"]["current"], e["slot"]["moved"],
			0 <= e["slot"]["number"] < 65537)' tcp "$CLIENT4:4" "$VIP4:80")" "the slot"
	assert_eq "('10.0.1.11', '$(mac b1 eth0)', 'b1')" \
		"$(member '(e["next_hop"]["address"], e["next_hop"]["mac"], e["next_hop"]["interface"])' \
			tcp "$CLIENT4:4" "$VIP4:80")" "the next hop"
	assert_eq "('forward', 'lb-forward', 'sent to a backend')" \
		"$(member '(e["verdict"], e["reason"], e["text"])' tcp "$CLIENT4:4" "$VIP4:80")" "the verdict"
	assert_eq "(None, None, None, None, None, 'pass')" \
		"$(member '(e["service"], e["slot"], e["backend"], e["why"], e["next_hop"], e["verdict"])' \
			tcp "$CLIENT4:4" "$VIP4:81")" "of no service"
}

run_tests "$@"
