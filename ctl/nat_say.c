// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of the host keeps answers of translated flows from coming back.
 */
#include <net/if.h>
#include <string.h>

#include "nat.h"
#include "note.h"
#include "plan.h"

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
	size_t group = s->pool[0] ? s->pool_index : p->model->pools_count + index;

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
		if (s->forward == WEIR_FORWARD_LOCAL && routes[b].route.is_deaf)
			note("service %s: the other end of %s runs no XDP program, so the stack "
			     "brings packets to %s, which is slower",
			     s->name, ifname, backends[b].name);
	}
}

void nat_say(const struct plan *p)
{
	for (size_t i = 0; i < p->model->services_count; i++) {
		const struct service *s = &p->model->services[i];

		if (s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL)
			say_service(p, s);
	}
}
