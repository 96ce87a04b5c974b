#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real connections through a VIP: client -- edge (weir) -- b1, b2.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

test_ipip_reaches_backends_of_both_families_from_both() {
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_both 30
	service ipip "b1 2001:db8:7:1::11" "b2 10.0.2.12"
	ask_both 30
	assert_eq 0 "$(reason lb-no-neighbour)" "packets without a neighbour"
	wait_for 5 forwarded_are_those_of_backends
	# Enough for each connection: SYN, ACK, request, FIN.
	assert_between $((120 * 4)) $((120 * 20)) "$(reason lb-forward)" "packets forwarded"
}

# Not while connections are being closed.
forwarded_are_those_of_backends() {
	assert_eq "$(reason lb-forward)" "$(($(backend_packets b1) + $(backend_packets b2)))" \
		"packets of the backends and forwarded"
}

test_l2_reaches_backends_of_both_families_from_both() {
	build_network l2
	service l2 "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_both 30
	service l2 "b1 2001:db8:7:1::11" "b2 10.0.2.12"
	ask_both 30
}

test_weights_divide_the_connections() {
	build_network l2
	service l2 "b1 10.0.1.11 weight 10" "b2 10.0.2.12 weight 30"
	ask 400 "http://$VIP4/"
	assert_eq 0 "$none" "connections without an answer"
	# 300 wanted; five standard deviations of a coin are 43.
	assert_between 250 350 "$b2" "answers of b2"
}

test_a_drained_and_a_removed_backend_get_no_new_connection() {
	local before
	build_network ipip
	service ipip "b1 10.0.1.11" "b2 10.0.2.12"
	ask_both 30
	service ipip "b1 10.0.1.11" "b2 10.0.2.12 drain"
	wait_for 5 all_is_said client
	wait_for 5 all_is_said b2
	before=$(backend_packets b2)
	ask 40 "http://$VIP4/"
	assert_eq "40 0 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
	assert_eq "$before" "$(backend_packets b2)" "packets of the drained backend"
	service ipip "b2 10.0.2.12"
	ask 40 "http://$VIP4/"
	assert_eq "0 40 0" "$b1 $b2 $none" "answers of b1, b2, nobody"
}

test_a_change_breaks_no_connection_that_stays_where_it_is() {
	build_network ipip
	service ipip "b1 10.0.1.11"
	download client "http://$VIP4/bytes/20000000"
	service ipip "b1 10.0.1.11 weight 7"
	downloaded 20000000
}

test_without_a_backend_packets_are_dropped_and_counted() {
	build_network l2
	service l2 "b1 10.0.1.11 drain" "b2 10.0.2.12 drain"
	assert_eq 0 "$(reason lb-no-backend)" "packets before"
	assert_fails 28 ns_exec client curl -sS --noproxy '*' --max-time 0.5 "http://$VIP4/"
	assert_between 1 10 "$(reason lb-no-backend)" "packets counted"
	assert_eq 0 "$(reason lb-forward)" "packets forwarded"
}

test_other_ports_of_the_VIP_are_the_hosts() {
	build_network l2
	address edge lo "$VIP4/32" "$VIP6/128"
	# The backends' answers come back from an address that is the edge's own, too.
	ns_sysctl edge net.ipv4.conf.b1.accept_local=1 net.ipv4.conf.b2.accept_local=1
	http_server edge edge 81 "$VIP4" "$VIP6"
	service l2 "b1 10.0.1.11" "b2 10.0.2.12"
	assert_eq edge "$(http_get client "http://$VIP4:81/")" "who answered port 81"
	assert_eq edge "$(http_get client "http://[$VIP6]:81/")" "who answered port 81 over IPv6"
	ns_exec client ping -q -c 1 -W 2 "$VIP4" >/dev/null || fail "the host answers no ping"
	ask_both 30
}

test_forwarding_that_is_off_is_named() {
	local said
	build_network l2
	ns_sysctl edge net.ipv4.ip_forward=0
	said=$(assert_fails 5 service 'l2; track none' "b1 10.0.1.11" 2>&1) || fail "$said"
	assert_contains "$said" "wan: forwarding is off"
	assert_contains "$said" "sysctl -w net/ipv4/conf/wan/forwarding=1"
	ns_sysctl edge net.ipv4.conf.wan.forwarding=1 net.ipv6.conf.wan.forwarding=0
	said=$(assert_fails 5 service 'l2; track none' "b1 2001:db8:7:1::11" 2>&1) || fail "$said"
	assert_contains "$said" "sysctl -w net/ipv6/conf/wan/forwarding=1"
	service 'l2; track none' "b1 10.0.1.11"
}

# send_frame VLAN...: a SYN to the VIP with these tags, the outermost first, from the client.
send_frame() {
	ns_exec client python3 - "$(mac client eth0)" "$(mac edge wan)" 198.51.100.2 "$VIP4" "$@" <<-'END'
		import socket, struct, sys
		mac = lambda text: bytes.fromhex(text.replace(":", ""))
		def checksum(data):
		    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    total = (total & 0xffff) + (total >> 16)
		    return ~(total + (total >> 16)) & 0xffff
		ends = socket.inet_aton(sys.argv[3]) + socket.inet_aton(sys.argv[4])
		tcp = struct.pack("!HHIIBBHHH", 40000, 80, 1, 0, 5 << 4, 2, 65535, 0, 0)
		sum_ = checksum(ends + struct.pack("!HH", 6, len(tcp)) + tcp)
		tcp = tcp[:16] + struct.pack("!H", sum_) + tcp[18:]
		ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends
		ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
		tags = b"".join(struct.pack("!HH", 0x8100, int(vid)) for vid in sys.argv[5:])
		out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		out.bind(("eth0", 0))
		out.send(mac(sys.argv[2]) + mac(sys.argv[1]) + tags + b"\x08\x00" + ip + tcp)
	END
}

# Native XDP sees the tag in the frame. Such a packet is of another network.
test_tagged_frames_for_a_VIP_are_the_hosts_and_arrive_as_they_were() {
	local before
	build_network l2
	service 'l2; track none' "b1 10.0.1.11" >/dev/null
	assert_contains "$(weir edge show interface wan)" "xdp native"
	capture edge wan "$TMP/seen.pcap" tcp port 80 or vlan
	capture b1 eth0 "$TMP/b1.pcap" tcp port 80 or vlan
	before=$(reason lb-forward)
	send_frame 7
	send_frame 100 7
	wait_for 5 captured "$TMP/seen.pcap" 'vlan 7, .*198.51.100.2.40000 > 192.0.2.10.80'
	wait_for 5 captured "$TMP/seen.pcap" 'vlan 100, .*vlan 7, .*198.51.100.2.40000 > 192.0.2.10.80'
	assert_eq "$before" "$(reason lb-forward)" "tagged packets forwarded"
	send_frame
	wait_for 5 forwarded $((before + 1))
	wait_for 5 captured "$TMP/b1.pcap" '198.51.100.2.40000 > 192.0.2.10.80'
	! frames b1 | grep vlan || fail "a tagged frame at b1"
	assert_eq 1 "$(frames b1 | grep -c '40000 > .*Flags .S.')" "SYNs at b1"
	assert_eq 2 "$(frames seen | grep -c 'vlan 7')" "tagged frames that the host got"
}

forwarded() {
	[ "$(reason lb-forward)" -ge "$1" ]
}

# frames FILE: as tcpdump prints them.
frames() {
	tcpdump -e -nn -r "$TMP/$1.pcap" 2>/dev/null
}

captured() {
	tcpdump -e -nn -r "$1" 2>/dev/null | grep -q "$2"
}

test_services_of_a_pool_have_totals_of_their_own() {
	build_network l2
	weir edge apply - <<-END >/dev/null
		interface wan { xdp auto; balance }
		pool both { backend b1 10.0.1.11; backend b2 10.0.2.12 }
		service busy { address $VIP4; port tcp 80; forward l2; track none; backends both }
		service idle { address $VIP4; port tcp 81; forward l2; track none; backends both }
	END
	ask 20 "http://$VIP4/"
	wait_for 5 totals_agree
	assert_contains "$(weir edge show service idle)" "         0          0          of this service"
}

# Not while connections are being closed.
totals_agree() {
	weir edge -j show service | python3 -c '
import json, sys
busy, idle = json.load(sys.stdin)["services"]
assert busy["pool"] == idle["pool"] == "both"
assert idle["packets"] == idle["bytes"] == 0, idle
assert busy["packets"] == sum(b["packets"] for b in idle["backends"]) >= 100, busy
assert busy["bytes"] == sum(b["bytes"] for b in busy["backends"]), busy' || fail "totals"
}

test_a_UDP_service_is_balanced() {
	build_network ipip
	udp_server b1 53 "$VIP4" "$VIP6"
	udp_server b2 53 "$VIP4" "$VIP6"
	service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_udp_both 40 0
	assert_eq 80 "$(reason lb-forward)" "datagrams forwarded"
}

# Of three fragments each. Without pins of flows, there is still room for their notes.
test_fragments_of_a_datagram_reach_one_backend() {
	local n
	build_network ipip
	for n in 1 2; do
		# Not that of the link, which has room for tunnels: nobody cuts answers over IPv6.
		ns_ip "b$n" route change default via "2001:db8:7:$n::1" mtu 1500
	done
	udp_server b1 53 "$VIP4" "$VIP6"
	udp_server b2 53 "$VIP4" "$VIP6"
	service 'ipip; track none' "b1 10.0.1.11" "b2 2001:db8:7:2::12"
	ask_udp_both 40 4000
	assert_eq 240 "$(reason lb-forward)" "fragments forwarded"
	# For half a minute each.
	assert_between 40 80 "$(weir edge show flow state fragment | grep -c '^note [0-9a-f]\{16\}  fragments')" \
		"fragmented datagrams that are noted"
	weir edge -j show flow | python3 -c '
import json, sys
notes = json.load(sys.stdin)["notes"]
assert {n["state"] for n in notes} == {"fragment"} and len(notes) >= 40, notes
assert all(n["seen_s"] + n["expires_s"] == 30 for n in notes), notes' || fail "notes"
	assert_eq "No such flow is translated or pinned." "$(weir edge show flow web)" "flows of the service"
}

# What the host asks for from a VIP is answered in fragments, as DNS often is.
test_the_hosts_own_fragments_at_a_VIP_come_through() {
	build_network ipip
	address edge lo "$VIP4/32" "$VIP6/128"
	udp_server client 99 198.51.100.2 2001:db8:1::2
	service ipip "b1 10.0.1.11" "b2 10.0.2.12"
	ns_exec edge python3 - "$VIP4" 198.51.100.2 "$VIP6" 2001:db8:1::2 <<-'END' || fail "no answer"
		import socket, sys
		for own, other in (sys.argv[1:3], sys.argv[3:5]):
		    s = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM)
		    s.settimeout(2)
		    s.bind((own, 4000))
		    s.connect((other, 99))
		    s.send(b"who" + b"x" * 4000)
		    assert s.recv(65536) == b"client" + b"x" * 4000
	END
	assert_eq 4 "$(reason lb-fragment)" "later fragments that were left to the host"
}

test_a_backend_whose_route_comes_later_gets_nothing_from_nowhere() {
	local said
	build_network ipip
	ns_ip b1 address add 10.77.0.1/32 dev lo
	weir b1 apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
	capture b1 eth0 "$TMP/nowhere.pcap" 'ip proto 4 and src host 0.0.0.0'
	service 'ipip; track none' "b1 10.77.0.1" >/dev/null 2>&1
	ns_ip edge route add 10.77.0.1/32 via 10.0.1.11
	ask 2 "http://$VIP4/"
	assert_eq 2 "$none" "questions without an answer"
	assert_eq 0 "$(reason lb-forward)" "packets that were sent"
	assert_between 2 1000 "$(reason lb-no-route)" "packets that were dropped"
	said=$(weir edge doctor || true)
	assert_contains "$said" "10.77.0.1: it had no route when the file was applied"
	assert_contains "$said" "try: weir apply FILE, again"
	weir edge apply "$TMP/edge.conf"
	ask 2 "http://$VIP4/"
	assert_eq 2 "$b1" "answers after another apply"
	assert_eq "" "$(tcpdump -nr "$TMP/nowhere.pcap" 2>/dev/null)" "packets from nowhere"
}

run_tests "$@"
