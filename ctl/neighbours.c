// SPDX-License-Identifier: GPL-2.0-or-later
#include "neighbours.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exits.h"
#include "image.h"
#include "nat.h"
#include "note.h"
#include "own.h"
#include "tagged.h"

#define WAIT_MS 1000
#define POLL_MS 10
/* More than this many backends out of reach have one cause, and it has been said. */
#define SAY_MOST 5

/* Where packets to backends go next: many backends may be behind one. */
struct hop {
	__u32 ifindex;
	__u8 addr[16];
	bool is_former; /* its entry was weir's before, and has had its time */
};

struct hops {
	struct hop *list; /* by ifindex and address */
	size_t count;
};

static void own_hops(struct hops *h)
{
	free(h->list);
}

static int by_hop(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

/* Each once. Without memory there are none, and nothing is kept. */
static void collect_hops(const struct plan *p, struct hops *out)
{
	size_t routes = model_backends_count(p->model), room = 0;
	struct hop *last = NULL;

	for (size_t i = 0; p->routes && i < routes; i++) {
		const struct host_route *r = &p->routes[i].route;

		if (p->routes[i].error ||
		    (last && last->ifindex == r->ifindex && !memcmp(last->addr, r->next_hop, 16)))
			continue;
		if (out->count == room) {
			struct hop *grown;

			room = room ? 2 * room : 64;
			grown = reallocarray(out->list, room, sizeof(*grown));
			if (!grown)
				break;
			out->list = grown;
		}
		last = &out->list[out->count++];
		*last = (struct hop){ .ifindex = r->ifindex };
		memcpy(last->addr, r->next_hop, sizeof(last->addr));
	}
	room = out->count;
	if (room)
		qsort(out->list, room, sizeof(*out->list), by_hop);
	out->count = 0;
	for (size_t i = 0; i < room; i++) {
		if (!out->count || by_hop(&out->list[out->count - 1], &out->list[i]) != 0)
			out->list[out->count++] = out->list[i];
	}
}

/* Without an answer there are none. */
static void read_all(struct host *host, struct host_neighbours *n)
{
	host_neighbours_free(n);
	host_neighbours(host, n);
}

static void keep(const struct plan *p, const struct host_neighbours *n, const struct hops *hops)
{
	for (size_t i = 0; i < hops->count; i++) {
		struct hop *hop = &hops->list[i];
		const struct host_neighbour *found =
			host_neighbour_find(n, hop->ifindex, hop->addr);
		int error;

		hop->is_former = found && found->is_ours;
		if (found && (found->is_ours || found->is_fixed))
			continue;
		error = host_neighbour_keep(p->host, hop->ifindex, hop->addr);
		if (error)
			note("cannot have the kernel keep a neighbour known: %s", strerror(-error));
	}
}

static bool has_come(const struct host_neighbours *n, const struct hop *hop)
{
	return hop->is_former || host_neighbour_is_known(n, hop->ifindex, hop->addr);
}

static void wait_until_known(const struct plan *p, const struct hops *hops,
			     struct host_neighbours *n)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	size_t i = 0;

	for (int waited = 0; waited <= WAIT_MS; waited += POLL_MS) {
		read_all(p->host, n);
		while (i < hops->count && has_come(n, &hops->list[i]))
			i++;
		if (i == hops->count)
			return;
		nanosleep(&pause, NULL);
	}
}

static void say_one(const struct backend_group *group, const char *name, const struct plan_route *r)
{
	const char *kind = group->is_pool ? "pool" : "service";
	char hop[INET6_ADDRSTRLEN];

	if (r->error == -EADDRINUSE)
		note("%s %s: the address of backend %s is this host's own, where no packet is sent "
		     "to; what it would get is dropped; write that of another host, or with "
		     "\"forward local\" that of a container",
		     kind, group->name, name);
	else if (r->error)
		note("%s %s: there is no route to backend %s; what it would get is dropped until "
		     "there is one and the file is applied again",
		     kind, group->name, name);
	else
		note("%s %s: %s, the next hop to backend %s, does not answer; what the backend "
		     "would get is dropped until it does",
		     kind, group->name, addr_text(r->route.next_hop, hop, sizeof(hop)), name);
}

static void say_unreachable(const struct plan *p, const struct host_neighbours *n)
{
	const struct plan_route *r = p->routes;
	size_t unreachable = 0;

	for (size_t g = 0; g < model_groups_count(p->model); g++) {
		const struct backend_group group = model_group(p->model, g);

		for (size_t b = 0; b < group.backends_count; b++, r++) {
			if (!r->error &&
			    host_neighbour_is_known(n, r->route.ifindex, r->route.next_hop))
				continue;
			if (++unreachable <= SAY_MOST)
				say_one(&group, group.backends[b].name, r);
		}
	}
	if (unreachable > SAY_MOST)
		note("and %zu more backends", unreachable - SAY_MOST);
}

/* Once for each veth that packets to backends leave by. */
static void say_deaf_peers(const struct plan *p, const struct hops *hops)
{
	char ifname[IFNAMSIZ];

	for (size_t i = 0; i < hops->count; i++) {
		__u32 ifindex = hops->list[i].ifindex;

		if ((i && hops->list[i - 1].ifindex == ifindex) ||
		    nat_leaves_to_stack(p, ifindex) || !host_peer_lacks_xdp(p->host, ifindex))
			continue;
		note("%s: the peer of this veth runs no XDP program, so what is sent to backends "
		     "there arrives only if it has GRO on: ethtool -K PEER gro on",
		     if_indextoname(ifindex, ifname) ? ifname : "?");
	}
}

/*
 * The driver sends answers back, to what is rejected or too big for a backend;
 * generic XDP and TC send them as others do.
 */
static void say_deaf_senders(const struct plan *p)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *d = &p->devices[i];
		bool rejects = needs_named(&p->needs, p->model, d->config->filter) & NEED_REJECT;

		if (d->config->xdp == XDP_MODE_NONE || d->config->xdp == XDP_MODE_GENERIC ||
		    (!rejects && !d->config->balance) ||
		    !host_peer_lacks_xdp(p->host, d->link.ifindex))
			continue;
		note("%s: the peer of this veth runs no XDP program, so %s reach it only if it "
		     "has GRO on: ethtool -K PEER gro on",
		     d->link.name,
		     rejects ? "answers to what is rejected"
			     : "ICMP errors about packets that are too big");
	}
}

void neighbours_say_super_packets(const struct plan_device *d)
{
	if (!d->config->balance || !d->link.is_veth)
		return;
	note("%s: generic XDP gets super-packets of this veth's peer, which are larger than the "
	     "way to any backend takes; switch them off there: ethtool -K PEER tso off "
	     "tx-udp-segmentation off, or have native XDP",
	     d->link.name);
}

static void say_super_packets(const struct plan *p)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].hook[HOOK_XDP].config.flags & WEIR_PROGRAM_GENERIC)
			neighbours_say_super_packets(&p->devices[i]);
	}
}

static void say_tagged(const struct plan *p)
{
	size_t count;
	OWN_FREE struct tagged *tagged = tagged_find(p->model, p->links, p->links_count, &count);
	char vip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++)
		note("service %s: the route to %s leads to %s, and what clients send from there "
		     "has "
		     "its tag on %s, which leaves it to the host; write \"interface %s { xdp "
		     "generic; "
		     "balance }\"",
		     tagged[i].service->name, addr_text(tagged[i].vip, vip, sizeof(vip)),
		     tagged[i].vlan->name, tagged[i].below->name, tagged[i].vlan->name);
}

void neighbours_keep(const struct plan *p)
{
	OWN(host_neighbours_free) struct host_neighbours n = {};
	OWN(own_hops) struct hops hops = {};

	say_deaf_senders(p);
	say_super_packets(p);
	if (!model_backends_count(p->model))
		return;
	collect_hops(p, &hops);
	read_all(p->host, &n);
	keep(p, &n, &hops);
	wait_until_known(p, &hops, &n);
	say_unreachable(p, &n);
	say_deaf_peers(p, &hops);
	nat_say(p);
	exits_say_deaf(p);
	say_tagged(p);
}

static bool is_in_plan(const struct hops *hops, const struct host_neighbour *have)
{
	struct hop key = { .ifindex = have->ifindex };

	memcpy(key.addr, have->addr, sizeof(key.addr));
	return hops->count && bsearch(&key, hops->list, hops->count, sizeof(key), by_hop);
}

static bool is_in_image(const struct weir_image *image, __u32 ifindex, const __u8 addr[16])
{
	const struct weir_backend *b =
		image ? IMAGE_AT(image, image->backends_offset, struct weir_backend) : NULL;

	for (__u32 i = 0; image && i < image->backends_count; i++) {
		if (b[i].hop_ifindex == ifindex && !memcmp(b[i].hop, addr, 16))
			return true;
	}
	return false;
}

void neighbours_release(const struct plan *p, const struct weir_image *old)
{
	OWN(host_neighbours_free) struct host_neighbours n = {};
	OWN(own_hops) struct hops hops = {};

	read_all(p->host, &n);
	collect_hops(p, &hops);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && !is_in_plan(&hops, have) &&
		    is_in_image(old, have->ifindex, have->addr))
			host_neighbour_release(p->host, have->ifindex, have->addr);
	}
}

void neighbours_undo(const struct plan *p, const struct weir_image *old)
{
	OWN(host_neighbours_free) struct host_neighbours n = {};
	OWN(own_hops) struct hops hops = {};

	if (!p->routes)
		return;
	read_all(p->host, &n);
	collect_hops(p, &hops);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && is_in_plan(&hops, have) &&
		    !is_in_image(old, have->ifindex, have->addr))
			host_neighbour_release(p->host, have->ifindex, have->addr);
	}
}

void neighbours_release_all(struct host *host, const struct weir_image *image)
{
	OWN(host_neighbours_free) struct host_neighbours n = {};

	read_all(host, &n);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && is_in_image(image, have->ifindex, have->addr))
			host_neighbour_release(host, have->ifindex, have->addr);
	}
}
