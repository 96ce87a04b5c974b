// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of the host keeps answers of translated flows from coming back.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "nat.h"
#include "note.h"
#include "own.h"
#include "plan.h"
#include "ranges.h"

static const struct plan_device *device_of(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].link.ifindex == ifindex)
			return &p->devices[i];
	}
	return NULL;
}

static bool takes_answers(const struct plan_device *d, enum weir_forward forward)
{
	if (!d)
		return false;
	return forward == WEIR_FORWARD_LOCAL ? d->config->takes_returns : d->config->balance;
}

static const struct plan_route *routes_of(const struct plan *p, const struct service *s)
{
	const struct plan_route *route = p->routes;
	size_t index = (size_t)(s - p->model->services);
	size_t group = service_group(p->model, index);

	for (size_t g = 0; g < group; g++)
		route += model_group(p->model, g).backends_count;
	return route;
}

/* Whether an earlier backend of the service leaves by the same device. */
static bool is_said(const struct plan_route *routes, size_t b)
{
	for (size_t i = 0; i < b; i++) {
		if (routes[i].route.ifindex == routes[b].route.ifindex)
			return true;
	}
	return false;
}

/* Whether a local service before this one, or a backend before this one, is there. */
static bool is_said_of(const struct plan *p, const struct service *s, size_t b)
{
	__u32 ifindex = routes_of(p, s)[b].route.ifindex;

	for (const struct service *other = p->model->services; other < s; other++) {
		const struct plan_route *routes = routes_of(p, other);
		size_t count;

		service_backends(p->model, other, &count);
		for (size_t i = 0; other->forward == WEIR_FORWARD_LOCAL && i < count; i++) {
			if (routes[i].route.ifindex == ifindex)
				return true;
		}
	}
	return is_said(routes_of(p, s), b);
}

bool nat_leaves_to_stack(const struct plan *p, __u32 ifindex)
{
	for (size_t n = 0; n < p->model->services_count; n++) {
		const struct service *s = &p->model->services[n];
		const struct plan_route *routes = routes_of(p, s);
		size_t count;

		service_backends(p->model, s, &count);
		for (size_t i = 0; s->forward == WEIR_FORWARD_LOCAL && i < count; i++) {
			if (routes[i].route.ifindex == ifindex && routes[i].route.is_deaf)
				return true;
		}
	}
	return false;
}

static void say_answers(const struct service *s, const char *backend, const char *ifname)
{
	if (s->forward == WEIR_FORWARD_LOCAL)
		note("service %s: backend %s answers by %s, which does not take answers back; "
		     "write \"interface %s { return }\"",
		     s->name, backend, ifname, ifname);
	else
		note("service %s: backend %s answers by %s, which does not balance; its answers "
		     "reach no client; write \"interface %s { xdp auto; balance }\"",
		     s->name, backend, ifname, ifname);
}

static void say_service(const struct plan *p, const struct service *s)
{
	const struct plan_route *routes = routes_of(p, s);
	const struct backend *backends;
	char ifname[IFNAMSIZ];
	size_t count;

	backends = service_backends(p->model, s, &count);
	for (size_t b = 0; b < count; b++) {
		__u32 ifindex = routes[b].route.ifindex;

		if (routes[b].error || is_said(routes, b) || !if_indextoname(ifindex, ifname))
			continue;
		if (!takes_answers(device_of(p, ifindex), s->forward))
			say_answers(s, backends[b].name, ifname);
		if (s->forward == WEIR_FORWARD_LOCAL && routes[b].route.is_deaf &&
		    !is_said_of(p, s, b))
			note("%s: the other end of this veth runs no XDP program, so the stack "
			     "brings packets to backend %s, which is slower; and that gets none "
			     "of its own unless the other end has GRO on: ethtool -K PEER gro on",
			     ifname, backends[b].name);
	}
}

/* Answers come to a source by ARP where it is on the network of a backend. */
static void say_sources(const struct service *s, const range *locals, size_t count)
{
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->sources_count; i++) {
		u128 source = addr_number(s->sources[i]);
		size_t l = 0;

		while (l < count &&
		       (source < range_first(&locals[l]) || source > range_last(&locals[l])))
			l++;
		if (l == count)
			note("service %s: no interface of this host has the source %s: answers "
			     "reach it from backends alone that have a route to it by this host",
			     s->name, addr_text(s->sources[i], addr, sizeof(addr)));
	}
}

void nat_say(const struct plan *p)
{
	OWN(failure_free) struct failure ignored = {};
	OWN_FREE range *locals = NULL;
	size_t count = 0;
	bool knows = !host_locals(p->host, &locals, &count, &ignored);

	for (size_t i = 0; i < p->model->services_count; i++) {
		const struct service *s = &p->model->services[i];

		if (s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL)
			say_service(p, s);
		if (s->forward == WEIR_FORWARD_NAT && knows)
			say_sources(s, locals, count);
	}
}
