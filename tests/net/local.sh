#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forward local with real connections: client -- edge (weir) -- b1, b2, containers
# behind veths of the edge. They see the client's address. Offloads are as they come.
set -euo pipefail

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/net/lib_balance.sh
. "$(dirname "$0")/lib_balance.sh"

build_containers() {
	ns_add client edge b1 b2
	veth client eth0 edge wan
	client_addresses
	routing_on edge
	container 1
	container 2
}

# container N: bN, 172.31.N.2 and 2001:db8:31:N::2, behind vN.
container() {
	local n=$1
	veth edge "v$n" "b$n" eth0
	address edge "v$n" "172.31.$n.1/24" "2001:db8:31:$n::1/64"
	address "b$n" eth0 "172.31.$n.2/24" "2001:db8:31:$n::2/64"
	ns_ip "b$n" route add default via "172.31.$n.1"
	ns_ip "b$n" route add default via "2001:db8:31:$n::1"
	http_server "b$n" "b$n" 8080 "172.31.$n.2" "2001:db8:31:$n::2"
	whoami "b$n" 8081 "172.31.$n.2" "2001:db8:31:$n::2"
}

# whoami NAME PORT ADDRESS...: tells TCP and UDP clients their address as it sees it.
whoami() {
	cat >"$TMP/whoami.py" <<-'END'
		import select, socket, sys
		tcp, udp = [], []
		for address in sys.argv[2:]:
		    family = socket.AF_INET6 if ":" in address else socket.AF_INET
		    for kind, socks in (socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp):
		        s = socket.socket(family, kind)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind((address, int(sys.argv[1])))
		        socks.append(s)
		for s in tcp:
		    s.listen(64)
		print("ready", flush=True)
		while True:
		    for s in select.select(tcp + udp, [], [])[0]:
		        if s in tcp:
		            c, peer = s.accept()
		            c.send(peer[0].encode())
		            c.close()
		        else:
		            data, peer = s.recvfrom(65536)
		            s.sendto(peer[0].encode() + b" " + data, peer)
	END
	start_ready "$1" "$TMP/whoami-$1.log" ready python3 "$TMP/whoami.py" "${@:2}"
}

# local_services [XDP]: the edge's, wan in this mode.
local_services() {
	{
		echo "interface wan { xdp ${1:-auto}; balance }"
		echo 'interface v1 { return }'
		echo 'interface v2 { return }'
		one_service web4 "$VIP4" 80 8080 172.31.1.2 172.31.2.2
		one_service web6 "$VIP6" 80 8080 '[2001:db8:31:1::2]' '[2001:db8:31:2::2]'
		one_service who4 "$VIP4" 81 8081 172.31.1.2 172.31.2.2
		one_service who6 "$VIP6" 81 8081 '[2001:db8:31:1::2]' '[2001:db8:31:2::2]'
		one_service dns4 "$VIP4" 53 8053 172.31.1.2 172.31.2.2
		one_service dns6 "$VIP6" 53 8053 '[2001:db8:31:1::2]' '[2001:db8:31:2::2]'
		echo "service self { address $VIP4; port tcp 82; forward local; backend b1 172.31.1.2:8080 }"
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
}

# one_service NAME VIP PORT BACKEND-PORT BACKEND BACKEND
one_service() {
	echo "service $1 { address $2; port tcp $3, udp $3; forward local"
	echo "    backend b1 $5:$4"
	echo "    backend b2 $6:$4 }"
}

# seen_as ADDRESS: what a container takes the client for, over TCP and UDP.
seen_as() {
	ns_exec client python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.create_connection((sys.argv[1], 81), timeout=2)
print(s.recv(100).decode())
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 81))
s.send(b"x")
print(s.recv(100).decode())' "$1" | tr '\n' ' '
}

assert_all_works() {
	local url
	ask_both 30
	assert_eq "198.51.100.2 198.51.100.2 x " "$(seen_as "$VIP4")" "the client over IPv4"
	assert_eq "2001:db8:1::2 2001:db8:1::2 x " "$(seen_as "$VIP6")" "the client over IPv6"
	for url in "http://$VIP4/bytes/5000000" "http://[$VIP6]/bytes/5000000"; do
		ns_exec client curl -sS --noproxy '*' --max-time 20 -o "$TMP/bytes" "$url"
		assert_eq 5000000 "$(stat -c %s "$TMP/bytes")" "bytes of $url"
	done
}

test_the_stack_brings_packets_to_containers_that_see_the_client() {
	local said
	build_containers
	said=$(local_services 2>&1)
	assert_contains "$said" "the stack brings packets to backend b1"
	assert_all_works
	assert_between 50 10000 "$(reason lb-local)" "packets left to the stack"
	assert_between 50 10000 "$(($(reason_on v1 lb-nat-return) + $(reason_on v2 lb-nat-return)))" \
		"packets brought back"
}

# XDP programs in the containers: the edge's then sends to them itself.
containers_take_from_XDP() {
	local n
	for n in 1 2; do
		weir "b$n" apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
		wait_for 5 ns_exec edge ping -c 1 -W 1 "172.31.$n.2"
		wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:31:$n::2"
	done
}

test_XDP_brings_packets_to_containers_that_take_them() {
	build_containers
	containers_take_from_XDP
	local_services
	assert_all_works
	assert_eq 0 "$(reason lb-local)" "packets left to the stack"
	assert_between 50 10000 "$(reason lb-forward)" "packets that XDP sent"
}

# Datagrams in three fragments each, there and back: by the stack, then by XDP.
test_fragments_of_questions_and_answers_come_through() {
	local n
	build_containers
	for n in 1 2; do
		udp_server "b$n" 8053 "172.31.$n.2" "2001:db8:31:$n::2"
	done
	local_services
	ask_udp_both 40 4000
	assert_eq 240 "$(reason lb-local)" "fragments left to the stack"
	assert_eq 240 "$(($(reason_on v1 lb-nat-return) + $(reason_on v2 lb-nat-return)))" \
		"fragments brought back"
	containers_take_from_XDP
	local_services
	ask_udp_both 40 4000
	assert_eq 240 "$(reason lb-forward)" "fragments that XDP sent"
	assert_eq 480 "$(($(reason_on v1 lb-nat-return) + $(reason_on v2 lb-nat-return)))" \
		"fragments brought back in all"
}

# The stack asks for the address, and no client hears of an MTU.
test_a_container_that_is_no_longer_known_is_asked_for() {
	build_containers
	local_services >/dev/null 2>&1
	capture client eth0 "$TMP/errors.pcap" 'icmp[0] == 3'
	for n in 1 2; do
		ns_ip edge neigh del "172.31.$n.2" dev "v$n" || true
		ns_ip edge neigh del "2001:db8:31:$n::2" dev "v$n" || true
	done
	ask_both 20
	assert_eq 0 "$(reason lb-too-big-told)" "clients that were told an MTU"
	assert_eq "" "$(tcpdump -nr "$TMP/errors.pcap" 2>/dev/null)" "errors to the client"
}

test_generic_mode_works() {
	build_containers
	local_services generic
	assert_all_works
}

test_a_VIP_may_be_an_address_of_the_host() {
	build_containers
	address edge lo "$VIP4/32" "$VIP6/128"
	local_services
	assert_all_works
}

test_containers_are_reached_directly_too() {
	build_containers
	local_services
	assert_eq b1 "$(http_get edge "http://172.31.1.2:8080/")" "who answers the host"
	assert_eq b2 "$(http_get client "http://172.31.2.2:8080/")" "who answers the client"
	assert_eq b2 "$(http_get client "http://[2001:db8:31:2::2]:8080/")" "the same over IPv6"
	http_server client client 8000 198.51.100.2
	assert_eq client "$(http_get b1 "http://198.51.100.2:8000/")" "who answers a container"
	ns_exec b1 ping -q -c 1 -W 1 198.51.100.2 >/dev/null || fail "a container cannot ping"
}

test_a_closed_port_is_told_to_the_client() {
	build_containers
	local_services
	# Nobody listens on UDP 8080 in the containers.
	assert_eq "111 111" "$(refusals 80)" "what the client is told"
}

test_a_container_is_a_client_of_the_VIP_itself() {
	build_containers
	ns_exec b1 ethtool -K eth0 gro on
	local_services
	sed -i 's/interface v1 .*/interface v1 { xdp auto; balance; return }/' "$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
	assert_eq b1 "$(http_get b1 "http://$VIP4:82/")" "who answers"
	ask_both_from b1 30
}

test_a_device_without_return_is_named() {
	local said
	build_containers
	local_services
	sed -i '/interface v2/d' "$TMP/edge.conf"
	said=$(weir edge apply "$TMP/edge.conf" 2>&1)
	assert_contains "$said" 'write "interface v2 { return }"'
}

test_answers_that_only_the_stack_can_bring_back_are_explained() {
	local said
	build_containers
	local_services >/dev/null 2>&1
	http_get client "http://$VIP4/" >/dev/null
	said=$(weir edge doctor v1 || true)
	! grep lb-nat-stack <<<"$said" || fail "TC did not bring answers back itself: $said"
	ns_ip edge route add blackhole 198.51.100.2/32
	http_get client "http://$VIP4/" >/dev/null 2>&1 || true
	said=$(weir edge doctor || true)
	assert_contains "$said" "answers of backends went through the stack, as lb-nat-stack"
	assert_contains "$said" "To their client there was no route"
	assert_contains "$said" "try: ip route get CLIENT"
}

run_tests "$@"
