// SPDX-License-Identifier: GPL-2.0-or-later
#include "neighbours.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exits.h"
#include "image.h"
#include "nat.h"
#include "note.h"
#include "own.h"

#define WAIT_MS 1000
#define POLL_MS 10
/* More than this many backends out of reach have one cause, and it has been said. */
#define SAY_MOST 5

struct neighbours {
	struct host_neighbour *list;
	size_t count;
};

static void own_neighbours(struct neighbours *n)
{
	free(n->list);
}

static int by_place(const void *a, const void *b)
{
	const struct host_neighbour *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

static void read_all(struct host *host, struct neighbours *n)
{
	free(n->list);
	*n = (struct neighbours){};
	if (host_neighbours(host, &n->list, &n->count))
		n->count = 0;
	if (n->count)
		qsort(n->list, n->count, sizeof(*n->list), by_place);
}

static const struct host_neighbour *find(const struct neighbours *n, const struct plan_route *r)
{
	struct host_neighbour key = { .ifindex = r->route.ifindex };

	memcpy(key.addr, r->route.next_hop, sizeof(key.addr));
	return n->count ? bsearch(&key, n->list, n->count, sizeof(key), by_place) : NULL;
}

static bool is_known(const struct neighbours *n, const struct plan_route *r)
{
	const struct host_neighbour *found = find(n, r);

	return r->error || (found && found->is_known);
}

static void keep(const struct plan *p, const struct neighbours *n, size_t routes)
{
	for (size_t i = 0; i < routes; i++) {
		const struct plan_route *r = &p->routes[i];
		const struct host_neighbour *found = find(n, r);
		int error;

		if (r->error || (found && (found->is_ours || found->is_fixed)))
			continue;
		error = host_neighbour_keep(p->host, r->route.ifindex, r->route.next_hop);
		if (error)
			note("cannot have the kernel keep a neighbour known: %s", strerror(-error));
	}
}

/* An entry that was weir's before has had its time; NULL without memory: all are waited for. */
static bool *note_former(const struct plan *p, const struct neighbours *n, size_t routes)
{
	bool *is_former = calloc(routes, sizeof(*is_former));

	for (size_t i = 0; is_former && i < routes; i++) {
		const struct host_neighbour *found = find(n, &p->routes[i]);

		is_former[i] = found && found->is_ours;
	}
	return is_former;
}

static void wait_until_known(const struct plan *p, const bool *is_former, struct neighbours *n,
			     size_t routes)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	size_t i = 0;

	for (int waited = 0; waited <= WAIT_MS; waited += POLL_MS) {
		read_all(p->host, n);
		while (i < routes && (is_known(n, &p->routes[i]) || (is_former && is_former[i])))
			i++;
		if (i == routes)
			return;
		nanosleep(&pause, NULL);
	}
}

static void say_one(const struct backend_group *group, const char *name, const struct plan_route *r)
{
	const char *kind = group->is_pool ? "pool" : "service";
	char hop[INET6_ADDRSTRLEN];

	if (r->error)
		note("%s %s: there is no route to backend %s; what it would get is dropped until "
		     "there is one and the file is applied again",
		     kind, group->name, name);
	else
		note("%s %s: %s, the next hop to backend %s, does not answer; what the backend "
		     "would get is dropped until it does",
		     kind, group->name, addr_text(r->route.next_hop, hop, sizeof(hop)), name);
}

static void say_unreachable(const struct plan *p, const struct neighbours *n)
{
	const struct plan_route *r = p->routes;
	size_t unreachable = 0;

	for (size_t g = 0; g < model_groups_count(p->model); g++) {
		const struct backend_group group = model_group(p->model, g);

		for (size_t b = 0; b < group.backends_count; b++, r++) {
			if (!r->error && is_known(n, r))
				continue;
			if (++unreachable <= SAY_MOST)
				say_one(&group, group.backends[b].name, r);
		}
	}
	if (unreachable > SAY_MOST)
		note("and %zu more backends", unreachable - SAY_MOST);
}

/* Once for each veth that packets to backends leave by. */
static void say_deaf_peers(const struct plan *p, size_t routes)
{
	char ifname[IFNAMSIZ];

	for (size_t i = 0; i < routes; i++) {
		__u32 ifindex = p->routes[i].route.ifindex;
		size_t before = 0;

		while (before < i && p->routes[before].route.ifindex != ifindex)
			before++;
		if (before < i || !ifindex || nat_leaves_to_stack(p, ifindex) ||
		    !host_peer_lacks_xdp(p->host, ifindex))
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

void neighbours_keep(const struct plan *p)
{
	OWN(own_neighbours) struct neighbours n = {};
	size_t routes = model_backends_count(p->model);
	OWN_FREE bool *is_former = NULL;

	say_deaf_senders(p);
	say_super_packets(p);
	if (!routes)
		return;
	read_all(p->host, &n);
	is_former = note_former(p, &n, routes);
	keep(p, &n, routes);
	wait_until_known(p, is_former, &n, routes);
	say_unreachable(p, &n);
	say_deaf_peers(p, routes);
	nat_say(p);
	exits_say_deaf(p);
}

static bool is_in_plan(const struct plan *p, __u32 ifindex, const __u8 addr[16])
{
	size_t routes = model_backends_count(p->model);

	for (size_t i = 0; i < routes; i++) {
		const struct plan_route *r = &p->routes[i];

		if (!r->error && r->route.ifindex == ifindex &&
		    !memcmp(r->route.next_hop, addr, 16))
			return true;
	}
	return false;
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
	OWN(own_neighbours) struct neighbours n = {};

	read_all(p->host, &n);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && is_in_image(old, have->ifindex, have->addr) &&
		    !is_in_plan(p, have->ifindex, have->addr))
			host_neighbour_release(p->host, have->ifindex, have->addr);
	}
}

void neighbours_undo(const struct plan *p, const struct weir_image *old)
{
	OWN(own_neighbours) struct neighbours n = {};

	if (!p->routes)
		return;
	read_all(p->host, &n);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && is_in_plan(p, have->ifindex, have->addr) &&
		    !is_in_image(old, have->ifindex, have->addr))
			host_neighbour_release(p->host, have->ifindex, have->addr);
	}
}

void neighbours_release_all(struct host *host, const struct weir_image *image)
{
	OWN(own_neighbours) struct neighbours n = {};

	read_all(host, &n);
	for (size_t i = 0; i < n.count; i++) {
		const struct host_neighbour *have = &n.list[i];

		if (have->is_ours && is_in_image(image, have->ifindex, have->addr))
			host_neighbour_release(host, have->ifindex, have->addr);
	}
}
