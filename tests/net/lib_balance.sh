# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests of the balancer; beside lib.sh. Senders have the offloads of Linux's
# default: checksums and segments are left to devices.
#
#     client eth0 -- wan edge (weir) b1 -- eth0 b1, and b2 likewise
#
#     build_network ipip
#     service ipip "b1 10.0.1.11" "b2 2001:db8:7:2::12"
#     ask_both 30

readonly VIP4=192.0.2.10 VIP6=2001:db8:ff::10

# build_network FORWARD [MTU]: everything but the edge's weir. MTU is that of the
# way to the backends; without it, it has room for a tunnel's headers.
build_network() {
	ns_add client edge b1 b2
	veth client eth0 edge wan
	client_addresses
	# What XDP answers must be taken there: errors, of packets that are too big.
	ns_exec client ethtool -K eth0 gro on
	routing_on edge
	ns_sysctl edge net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	backend 1 "$1" "${2:-1600}"
	backend 2 "$1" "${2:-1600}"
}

client_addresses() {
	address client eth0 198.51.100.2/24 2001:db8:1::2/64
	address edge wan 198.51.100.1/24 2001:db8:1::1/64
	ns_ip client route add default via 198.51.100.1
	ns_ip client route add default via 2001:db8:1::1
}

# backend N FORWARD MTU: bN, 10.0.N.1N and 2001:db8:7:N::1N, with the VIPs on lo.
backend() {
	local n=$1
	veth edge "b$n" "b$n" eth0 "$3"
	address edge "b$n" "10.0.$n.1/24" "2001:db8:7:$n::1/64"
	address "b$n" eth0 "10.0.$n.1$n/24" "2001:db8:7:$n::1$n/64"
	address "b$n" lo "$VIP4/32" "$VIP6/128"
	ns_ip "b$n" route add default via "10.0.$n.1"
	ns_ip "b$n" route add default via "2001:db8:7:$n::1"
	# XDP on the edge redirects into this veth; its other end must be ready for that.
	ns_exec "b$n" ethtool -K eth0 gro on
	http_server "b$n" "b$n" 80 "$VIP4" "$VIP6"
	[ "$2" = l2 ] || weir "b$n" apply - <<<'interface eth0 { xdp auto; decap }' >/dev/null
	wait_for 5 ns_exec edge ping -c 1 -W 1 "10.0.$n.1$n"
	wait_for 5 ns_exec edge ping -c 1 -W 1 "2001:db8:7:$n::1$n"
}

# service FORWARD BACKEND...: applied on the edge. FORWARD may have more
# statements of the service behind it.
service() {
	local forward=$1
	shift
	{
		echo "interface wan { xdp ${XDP:-auto}; balance }"
		echo 'service web {'
		echo "    address $VIP4, $VIP6"
		echo '    port tcp 80, udp 53'
		echo "    forward $forward"
		printf '    backend %s\n' "$@"
		echo '}'
	} >"$TMP/edge.conf"
	weir edge apply "$TMP/edge.conf"
}

# ask COUNT URL: new connections of the client; who answered how many goes to $b1, $b2 and $none.
ask() {
	ask_from client "$@"
}

# ask_from NAME COUNT URL: the same of another one.
ask_from() {
	cat >"$TMP/ask.py" <<-'END'
		import socket, sys
		host = sys.argv[2].removeprefix("http://").removesuffix("/").strip("[]")
		family = socket.AF_INET6 if ":" in host else socket.AF_INET
		request = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
		def ask():
		    with socket.socket(family) as s:
		        s.settimeout(2)
		        s.connect((host, 80))
		        s.sendall(request)
		        head, _, body = b"".join(iter(lambda: s.recv(65536), b"")).partition(b"\r\n\r\n")
		        return body.decode().strip() if b" 200 " in head else "none"
		count = {"b1": 0, "b2": 0, "none": 0}
		for _ in range(int(sys.argv[1])):
		    try:
		        name = ask()
		    except OSError:
		        name = "none"
		    count[name] = count.get(name, 0) + 1
		    if count["none"] > 3:
		        break
		print(count["b1"], count["b2"], count["none"])
	END
	read -r b1 b2 none < <(ns_exec "$1" python3 -IS "$TMP/ask.py" "$2" "$3")
	echo "$1 $3: b1 $b1, b2 $b2, none $none"
}

# ask_both COUNT: over IPv4 and IPv6; every connection is answered, by both backends.
ask_both() {
	ask_both_from client "$1"
}

# ask_both_from NAME COUNT
ask_both_from() {
	local url
	for url in "http://$VIP4/" "http://[$VIP6]/"; do
		ask_from "$1" "$2" "$url"
		assert_answered_by_both "$2" "$url"
	done
}

# assert_answered_by_both COUNT WHAT: what ask or ask_udp counted.
assert_answered_by_both() {
	assert_eq 0 "$none" "$2: asked without an answer"
	assert_between 1 "$(($1 - 1))" "$b1" "$2: answers of b1"
	assert_eq "$1" "$((b1 + b2))" "$2: answers of both"
}

# udp_server NAME PORT ADDRESS...: answers datagrams with NAME, and what they have behind three bytes.
udp_server() {
	cat >"$TMP/udp.py" <<-'END'
		import select, socket, sys
		socks = []
		for address in sys.argv[3:]:
		    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind((address, int(sys.argv[2])))
		    socks.append(s)
		print("ready", flush=True)
		while True:
		    for s in select.select(socks, [], [])[0]:
		        data, peer = s.recvfrom(65536)
		        s.sendto(sys.argv[1].encode() + data[3:], peer)
	END
	start_ready "$1" "$TMP/udp-$1.log" ready python3 -IS "$TMP/udp.py" "$@"
}

# ask_udp COUNT ADDRESS BYTES: port 53, from as many ports, so many bytes there and back.
ask_udp() {
	cat >"$TMP/ask_udp.py" <<-'END'
		import socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
		count = {"b1": 0, "b2": 0, "none": 0, "wrong": 0}
		for _ in range(int(sys.argv[1])):
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.settimeout(2)
		    s.connect((sys.argv[2], 53))
		    s.send(b"who" + b"x" * int(sys.argv[3]))
		    try:
		        answer = s.recv(65536).decode()
		        count[answer[:2] if answer[2:] == "x" * int(sys.argv[3]) else "wrong"] += 1
		    except OSError:
		        count["none"] += 1
		print(count["b1"], count["b2"], count["none"] + count["wrong"])
	END
	read -r b1 b2 none < <(ns_exec client python3 -IS "$TMP/ask_udp.py" "$@")
	echo "udp $2, $3 bytes: b1 $b1, b2 $b2, none $none"
}

# ask_udp_both COUNT BYTES: over IPv4 and IPv6; every datagram comes back, from both backends.
ask_udp_both() {
	local address
	for address in "$VIP4" "$VIP6"; do
		ask_udp "$1" "$address" "$2"
		assert_answered_by_both "$1" "udp $address, $2 bytes"
	done
}

# refusals PORT: what the client is told that sends a datagram to that port of the VIPs: errno.
refusals() {
	ns_exec client python3 -IS -c '
import socket, sys
for address in sys.argv[2:]:
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((address, int(sys.argv[1])))
    s.send(b"x")
    try:
        s.recv(10)
    except OSError as e:
        print(e.errno)' "$1" "$VIP4" "$VIP6" | xargs
}

# reason NAME: packets that met this fate on the edge's wan.
reason() {
	reason_on wan "$1"
}

# reason_on IF NAME
reason_on() {
	weir edge -j show interface "$1" |
		python3 -IS -c 'import json, sys
print(json.load(sys.stdin)["interfaces"][0]["reasons"][sys.argv[1]]["packets"])' "$2"
}

# backend_packets NAME
backend_packets() {
	weir edge -j show service | python3 -IS -c '
import json, sys
print(*[b["packets"] for s in json.load(sys.stdin)["services"] for b in s["backends"]
        if b["name"] == sys.argv[1]])' "$1"
}

# upload COUNT URL BYTES: sends so many bytes to the service; they arrive as they are.
upload() {
	local count=$1 url=$2 sum answer
	head -c "$3" /dev/urandom >"$TMP/upload"
	sum=$(sha256sum <"$TMP/upload")
	while ((count-- > 0)); do
		answer=$(ns_exec client curl -sS -g --noproxy '*' --max-time 20 -H Expect: \
			--data-binary "@$TMP/upload" "$url") || fail "no upload to $url"
		assert_eq "${sum%% *}" "${answer##* }" "the sum of what arrived at $url"
	done
}

# checksum_errors NAME: packets whose checksum its host found wrong.
checksum_errors() {
	ns_exec "$1" nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors Icmp6InCsumErrors \
		IcmpInCsumErrors | awk '!/#/ { sum += $2 } END { print sum }'
}
