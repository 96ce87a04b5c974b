// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services that nobody serves, and the ways to backends.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "doctor_internal.h"
#include "own.h"
#include "plan.h"
#include "weir/pmtu.h"

int doctor_ask_routes(struct checkup *c)
{
	size_t backends = model_backends_count(c->model), count = 0;

	c->asks = calloc(backends + 1, sizeof(*c->asks));
	c->routes = calloc(backends + 1, sizeof(*c->routes));
	if (!c->asks || !c->routes)
		return -1;
	for (size_t g = 0; g < model_groups_count(c->model); g++) {
		const struct backend_group group = model_group(c->model, g);

		for (size_t b = 0; b < group.backends_count; b++, count++)
			c->asks[count] = (struct host_ask){ .addr = group.backends[b].addr,
							    .route = &c->routes[count] };
	}
	host_routes(c->asks, count);
	return 0;
}

/* Whether packets go there by a tunnel, and may be as large as they like. */
static bool needs_path_mtu(const struct model *m, size_t group)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		if (service_group(m, i) == group &&
		    (s->forward == WEIR_FORWARD_IPIP || s->forward == WEIR_FORWARD_GUE) &&
		    s->mss_mode != MSS_FIXED)
			return true;
	}
	return false;
}

static bool hears(const struct checkup *c, const char *ifname)
{
	const struct interface *config = interface_for(c->model, ifname);

	return config && config->balance;
}

/* What a router said that fits the path, or 0. */
static __u32 heard_mtu(const struct checkup *c, const struct backend *backend)
{
	__u64 half[2], tag;
	struct weir_pmtu slot;
	struct timespec now;
	__u32 index;

	memcpy(half, backend->addr, sizeof(half));
	tag = weir_pmtu_tag(half[0], half[1]);
	index = tag & (WEIR_PMTU_SLOTS - 1);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (bpf_map_lookup_elem(c->state->maps.fd[WEIR_MAP_PMTU], &index, &slot) ||
	    slot.tag != tag || slot.until_s <= now.tv_sec)
		return 0;
	return slot.mtu;
}

/* A backend that answers, @by as its way in words. */
static void examine_path(struct checkup *c, size_t number, const struct backend *backend,
			 const struct host_ask *asked, const char *by)
{
	const struct backend_group group = model_group(c->model, number);
	const char *kind = group.is_pool ? "pool" : "service";
	bool has_mtu = asked->has_gateway && needs_path_mtu(c->model, number);
	char ifname[IFNAMSIZ] = "?";
	__u32 mtu = has_mtu ? heard_mtu(c, backend) : 0;

	if_indextoname(asked->route->ifindex, ifname);
	if (has_mtu && !hears(c, ifname)) {
		doctor_find(c, FINDING_WARN, "%s %s %s", kind, group.name, backend->name);
		doctor_say(c,
			   "%s; behind that router the way may be narrower, which ICMP then says "
			   "to %s, where nothing balances: it is not heard, and what is too big "
			   "is lost",
			   by, ifname);
		doctor_cure(c,
			    "write \"interface %s { xdp auto; balance }\", or set \"mss\" to what "
			    "fits, or ip route change ... mtu lock N",
			    ifname);
		return;
	}
	doctor_find(c, FINDING_OK, "%s %s %s", kind, group.name, backend->name);
	if (mtu)
		doctor_say(c, "%s; a router said that %u bytes fit", by, mtu);
	else
		doctor_say(c, "%s", by);
}

/* Whether the service says itself from which address of this family it sends. */
static bool has_source(const struct service *s, bool v4)
{
	for (size_t i = 0; i < s->sources_count; i++) {
		if (addr_is_v4(s->sources[i]) == v4)
			return true;
	}
	return false;
}

/* Whether what goes to a backend of the group has the source that its route gives. */
static bool wants_source(const struct model *m, size_t group, bool v4)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];
		if (service_group(m, i) == group && s->forward != WEIR_FORWARD_L2 &&
		    s->forward != WEIR_FORWARD_LOCAL && !has_source(s, v4))
			return true;
	}
	return false;
}

/* Of a backend that has a route: whether it was applied without one. @number: of the backend. */
static bool lacks_source(const struct checkup *c, size_t group, size_t number, bool v4)
{
	static const __u8 none[16];
	const struct weir_image *image = c->state->image;
	const struct weir_backend *rows =
		IMAGE_AT(image, image->backends_offset, struct weir_backend);

	return number < image->backends_count && !memcmp(rows[number].source, none, 16) &&
	       wants_source(c->model, group, v4);
}

static void find_no_source(struct checkup *c, const struct backend_group *group,
			   const struct backend *backend)
{
	char addr[INET6_ADDRSTRLEN];

	doctor_find(c, FINDING_FAIL, "%s %s %s", group->is_pool ? "pool" : "service", group->name,
		    backend->name);
	doctor_say(
		c,
		"%s: it had no route when the file was applied, and so there is no address to send "
		"from; what it would get is dropped as lb-no-route",
		addr_text(backend->addr, addr, sizeof(addr)));
	doctor_cure(c, "weir apply FILE, again");
}

static void examine_backend(struct checkup *c, const struct host_neighbours *n, size_t number,
			    const struct backend *backend, const struct host_ask *asked)
{
	const struct backend_group group = model_group(c->model, number);
	const char *kind = group.is_pool ? "pool" : "service";
	char addr[INET6_ADDRSTRLEN], hop[INET6_ADDRSTRLEN], ifname[IFNAMSIZ] = "?";
	char by[2 * INET6_ADDRSTRLEN + IFNAMSIZ + 16];

	addr_text(backend->addr, addr, sizeof(addr));
	if (asked->error) {
		doctor_find(c, FINDING_FAIL, "%s %s %s", kind, group.name, backend->name);
		doctor_say(c, "%s: %s; what it would get is dropped as lb-no-route", addr,
			   asked->error == -EADDRINUSE ? "the address is this host's own"
						       : strerror(-asked->error));
		doctor_cure(c, "ip route get %s", addr);
		return;
	}
	if_indextoname(asked->route->ifindex, ifname);
	addr_text(asked->route->next_hop, hop, sizeof(hop));
	if (!host_neighbour_is_known(n, asked->route->ifindex, asked->route->next_hop)) {
		doctor_find(c, FINDING_FAIL, "%s %s %s", kind, group.name, backend->name);
		doctor_say(
			c,
			"%s: its next hop %s on %s does not answer; what it would get is dropped "
			"as lb-no-neighbour",
			addr, hop, ifname);
		doctor_cure(c, "ip neighbour show %s dev %s", hop, ifname);
		return;
	}
	snprintf(by, sizeof(by), "%s by %s over %s", addr, hop, ifname);
	examine_path(c, number, backend, asked, by);
}

static bool gets_flows(const struct backend *backends, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (backends[i].weight && !backends[i].drain)
			return true;
	}
	return false;
}

/* A service without a backend for new flows. */
static void examine_share(struct checkup *c, const struct service *service)
{
	bool rejects = service->empty == WEIR_EMPTY_REJECT;
	size_t count;
	const struct backend *backends = service_backends(c->model, service, &count);

	if (gets_flows(backends, count))
		return;
	doctor_find(c, FINDING_FAIL, "service %s", service->name);
	doctor_say(c, "%s; new flows are %s",
		   !count ? "it has no backend"
			  : "no backend gets new flows: all are drained or have weight 0",
		   rejects ? "rejected as lb-reject" : "dropped as lb-no-backend");
	if (count)
		doctor_cure(c, "weir backend %s %s %s%s", backends[0].drain ? "undrain" : "set",
			    service->name, backends[0].name, backends[0].drain ? "" : " weight 1");
}

void doctor_examine_services(struct checkup *c)
{
	OWN(host_neighbours_free) struct host_neighbours n = {};
	const struct host_ask *next = c->asks;

	host_neighbours(c->host, &n);
	for (size_t i = 0; i < c->model->services_count; i++)
		examine_share(c, &c->model->services[i]);
	for (size_t g = 0; g < model_groups_count(c->model); g++) {
		const struct backend_group group = model_group(c->model, g);

		for (size_t b = 0; b < group.backends_count; b++, next++) {
			const struct backend *backend = &group.backends[b];

			if (!next->error &&
			    lacks_source(c, g, next - c->asks, addr_is_v4(backend->addr)))
				find_no_source(c, &group, backend);
			else
				examine_backend(c, &n, g, backend, next);
		}
	}
}
