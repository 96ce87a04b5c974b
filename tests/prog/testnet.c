// SPDX-License-Identifier: GPL-2.0-or-later
#include "testnet.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const __u8 testnet_in_11[6] = { 2, 1, 0, 0, 0, 0x11 };
const __u8 testnet_in_12[6] = { 2, 1, 0, 0, 0, 0x12 };
const __u8 testnet_out_11[6] = { 2, 2, 0, 0, 0, 0x11 };
const __u8 testnet_out_12[6] = { 2, 2, 0, 0, 0, 0x12 };

static const char script[] = "set -e\n"
			     "for n in 1 2; do\n"
			     "  d=in0; [ $n = 1 ] || d=out0\n"
			     "  ip link add $d type veth peer name peer$n\n"
			     "  ip addr add 10.$n.0.1/24 dev $d\n"
			     "  ip addr add 2001:db8:$n::1/64 dev $d nodad\n"
			     "  ip link set peer$n up\n"
			     "  ip link set $d up\n"
			     "  for h in 11 12; do\n"
			     "    mac=02:0$n:00:00:00:$h\n"
			     "    ip neigh add 10.$n.0.$h lladdr $mac dev $d\n"
			     "    ip neigh add 2001:db8:$n::$h lladdr $mac dev $d\n"
			     "  done\n"
			     "done\n"
			     "ip route add 10.9.0.0/16 via 10.2.0.12\n"
			     "ip route add 2001:db8:9::/48 via 2001:db8:2::12\n"
			     "echo 1 >/proc/sys/net/ipv4/ip_forward\n"
			     "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n";

static int read_mac(const char *ifname, __u8 mac[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	struct ifreq request = {};

	strncpy(request.ifr_name, ifname, sizeof(request.ifr_name) - 1);
	error = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &request);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	if (fd >= 0)
		close(fd);
	return error;
}

const char *testnet_start(struct testnet *t)
{
	if (unshare(CLONE_NEWNET))
		return "a network namespace is not permitted";
	if (system(script))
		return "ip(8) could not make veth devices, addresses and neighbours";
	t->in = if_nametoindex("in0");
	t->out = if_nametoindex("out0");
	if (!t->in || !t->out || read_mac("in0", t->in_mac) || read_mac("out0", t->out_mac))
		return "the devices just made are not there";
	return NULL;
}
