// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

static void own_cache(struct nl_cache **cache)
{
	if (*cache)
		nl_cache_free(*cache);
}

int host_open(struct host *h, struct failure *why)
{
	int error;

	h->socket = nl_socket_alloc();
	if (!h->socket)
		return fail_errno(why, ENOMEM, "cannot open a netlink socket");
	error = nl_connect(h->socket, NETLINK_ROUTE);
	if (error)
		return fail(why, EXIT_REFUSED, "cannot open a netlink socket: %s",
			    nl_geterror(error));
	return 0;
}

void host_close(struct host *h)
{
	if (h->socket)
		nl_socket_free(h->socket);
	h->socket = NULL;
}

bool addr_from_binary(const void *binary, int family, __u8 addr[16])
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET) {
		memcpy(addr, mapped, sizeof(mapped));
		memcpy(addr + sizeof(mapped), binary, 4);
		return true;
	}
	if (family == AF_INET6)
		memcpy(addr, binary, 16);
	return family == AF_INET6;
}

static int by_ifindex(const void *a, const void *b)
{
	const struct host_link *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static void read_kind(struct rtnl_link *from, struct host_link *to)
{
	const char *kind = rtnl_link_get_type(from);

	snprintf(to->kind, sizeof(to->kind), "%s", kind ? kind : "");
	to->is_veth = !strcmp(to->kind, "veth");
	to->master = rtnl_link_get_master(from);
	if (strcmp(to->kind, "vlan") != 0)
		return;
	to->lower = rtnl_link_get_link(from);
	to->vid = rtnl_link_vlan_get_id(from);
	to->vlan_proto = rtnl_link_vlan_get_protocol(from);
}

int host_links(struct host *h, struct host_link **links, size_t *count, struct failure *why)
{
	OWN(own_cache) struct nl_cache *cache = NULL;
	OWN_FREE struct host_link *list = NULL;
	struct nl_object *object;
	size_t n = 0;
	int error = rtnl_link_alloc_cache(h->socket, AF_UNSPEC, &cache);

	if (error)
		return fail(why, EXIT_REFUSED, "cannot list the interfaces: %s",
			    nl_geterror(error));
	list = calloc(nl_cache_nitems(cache) + 1, sizeof(*list));
	if (!list)
		return fail_errno(why, ENOMEM, "cannot list the interfaces");
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct rtnl_link *link = (struct rtnl_link *)object;

		list[n].ifindex = rtnl_link_get_ifindex(link);
		snprintf(list[n].name, sizeof(list[n].name), "%s", rtnl_link_get_name(link));
		list[n].is_ethernet = rtnl_link_get_arptype(link) == ARPHRD_ETHER;
		list[n].is_loopback = rtnl_link_get_arptype(link) == ARPHRD_LOOPBACK;
		read_kind(link, &list[n]);
		n++;
	}
	qsort(list, n, sizeof(*list), by_ifindex);
	*links = TAKE_PTR(list);
	*count = n;
	return 0;
}

int host_locals(struct host *h, range **locals, size_t *count, struct failure *why)
{
	OWN(own_cache) struct nl_cache *cache = NULL;
	OWN_FREE range *list = NULL;
	struct nl_object *object;
	size_t n = 0;
	int error = rtnl_addr_alloc_cache(h->socket, &cache);

	if (error)
		return fail(why, EXIT_REFUSED, "cannot list the addresses: %s", nl_geterror(error));
	list = calloc(nl_cache_nitems(cache) + 1, sizeof(*list));
	if (!list)
		return fail_errno(why, ENOMEM, "cannot list the addresses");
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct nl_addr *addr = rtnl_addr_get_local((struct rtnl_addr *)object);
		struct prefix host = { .length = 128 };

		if (addr && addr_from_binary(nl_addr_get_binary_addr(addr),
					     nl_addr_get_family(addr), host.addr))
			n += prefix_to_ranges(&host, &list[n]);
	}
	*count = ranges_normalise(list, n);
	*locals = TAKE_PTR(list);
	return 0;
}

static bool sysctl_is_on(const char *family, const char *ifname)
{
	char path[PATH_MAX];
	OWN_FILE FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding", family, ifname);
	f = fopen(path, "re");
	return f && fgetc(f) == '1';
}

bool host_forwards_v4(const char *ifname)
{
	return sysctl_is_on("ipv4", ifname);
}

bool host_forwards_v6(const char *ifname)
{
	return sysctl_is_on("ipv6", ifname);
}
