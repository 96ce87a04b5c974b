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

# ask COUNT URL: new connections; who answered how many goes to $b1, $b2 and $none.
ask() {
	cat >"$TMP/ask.py" <<-'END'
		import collections, sys, urllib.request
		count = collections.Counter()
		opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
		for _ in range(int(sys.argv[1])):
		    try:
		        count[opener.open(sys.argv[2], timeout=2).read().decode().strip()] += 1
		    except OSError:
		        count["none"] += 1
		    if count["none"] > 3:
		        break
		print(count["b1"], count["b2"], count["none"])
	END
	read -r b1 b2 none < <(ns_exec client python3 "$TMP/ask.py" "$@")
	echo "$2: b1 $b1, b2 $b2, none $none"
}

# ask_both COUNT: over IPv4 and IPv6; every connection is answered, by both backends.
ask_both() {
	local url
	for url in "http://$VIP4/" "http://[$VIP6]/"; do
		ask "$1" "$url"
		assert_eq 0 "$none" "connections to $url without an answer"
		assert_between 1 "$1" "$b1" "answers of b1"
		assert_between 1 "$1" "$b2" "answers of b2"
	done
}

# reason NAME: packets that met this fate on the edge.
reason() {
	weir edge -j show interface wan |
		python3 -c 'import json, sys
print(json.load(sys.stdin)["interfaces"][0]["reasons"][sys.argv[1]]["packets"])' "$1"
}

# backend_packets NAME
backend_packets() {
	weir edge -j show service | python3 -c '
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
