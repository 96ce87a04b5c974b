/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of this network namespace: links, addresses, routes
 * and neighbours. By rtnetlink, through libnl.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "model.h"

struct nl_sock;

struct host {
	struct nl_sock *socket;
};

struct host_link {
	__u32 ifindex;
	char name[IFNAMSIZ];
	bool is_ethernet;
	bool is_loopback; /* its frames have Ethernet headers, too */
	bool is_veth;
	char kind[16]; /* "vlan", "bridge" ...; "" for what a driver made */
	__u32 lower; /* of a VLAN device: what sends its frames */
	__u32 master; /* the bond or bridge that it is a port of; 0: none */
	__be16 vlan_proto;
	__u16 vid;
};

/* How a packet to somewhere leaves. Addresses in network order, v4-mapped. */
struct host_route {
	__u32 ifindex;
	__u8 next_hop[16]; /* the destination itself where it is on the link */
	__u8 source[16];
	bool is_deaf; /* the device is a veth whose other end runs no XDP program; see below */
};

/* Marks the neighbour entries that weir keeps, in their protocol field. */
#define HOST_NEIGHBOUR_PROTOCOL 87

int host_open(struct host *h, struct failure *why);
void host_close(struct host *h);

/* All links, to be freed by the caller, in the order of their ifindex. */
int host_links(struct host *h, struct host_link **links, size_t *count, struct failure *why);

/* All addresses of the namespace, canonical ranges, to be freed by the caller. */
int host_locals(struct host *h, range **locals, size_t *count, struct failure *why);

/*
 * Returns 0 or -errno, with @route untouched: among them -ENETUNREACH, -EHOSTUNREACH, and
 * -EADDRINUSE of an address that is this host's own.
 */
int host_route(const __u8 addr[16], struct host_route *route);

struct host_ask {
	const __u8 *addr; /* 16 bytes, borrowed */
	struct host_route *route; /* where the answer goes; untouched with an error */
	int error; /* what host_route() returns */
	bool has_gateway; /* next_hop is not the destination itself */
	bool is_redirected; /* by ICMP */
};

/*
 * The same of many at once, each with an answer of its own. In the network
 * namespace of the thread that calls.
 */
void host_routes(struct host_ask *asks, size_t count);

/*
 * Have the kernel keep the neighbour's MAC address known: XDP cannot ask for
 * it. Returns 0 or -errno. Linux 5.16, NTF_EXT_MANAGED.
 */
int host_neighbour_keep(struct host *h, __u32 ifindex, const __u8 addr[16]);

/* Let go of an entry that weir kept. Returns 0 or -errno. */
int host_neighbour_release(struct host *h, __u32 ifindex, const __u8 addr[16]);

struct host_neighbour {
	__u32 ifindex;
	__u8 addr[16];
	bool is_ours; /* marked with HOST_NEIGHBOUR_PROTOCOL */
	bool is_fixed; /* set by hand for good; not to be touched */
	bool is_known; /* its MAC address is */
	__u8 mac[6]; /* zeroes where it is not, or is of another size */
};

/* By ifindex and address. */
struct host_neighbours {
	struct host_neighbour *list;
	size_t count;
};

/* All entries. Returns 0, or -errno with none. Free them in either case. */
int host_neighbours(struct host *h, struct host_neighbours *out);
void host_neighbours_free(struct host_neighbours *n);

/* The entry of a neighbour, or NULL. */
const struct host_neighbour *host_neighbour_find(const struct host_neighbours *n, __u32 ifindex,
						 const __u8 addr[16]);

/* Whether its MAC address is known. */
bool host_neighbour_is_known(const struct host_neighbours *n, __u32 ifindex, const __u8 addr[16]);

/*
 * Whether @ifindex is a veth whose peer runs no XDP program. What XDP sends out
 * of it then arrives only if the peer has GRO on, which cannot be seen from
 * here; without either it is lost, and nobody counts it.
 */
bool host_peer_lacks_xdp(struct host *h, __u32 ifindex);

/* 4 or 16 bytes in network order to v4-mapped; false, untouched, for other families. */
bool addr_from_binary(const void *binary, int family, __u8 addr[16]);

/* Whether packets that come in at @ifname are forwarded, for each family. */
bool host_forwards_v4(const char *ifname);
bool host_forwards_v6(const char *ifname);

#endif
