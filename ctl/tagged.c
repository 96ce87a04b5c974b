// SPDX-License-Identifier: GPL-2.0-or-later
#include "tagged.h"

#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "plan.h"

/* Addresses whose routes are asked for; who has more has the same network for most. */
#define ADDRESSES_MOST 256

static bool balances(const struct model *m, const struct host_link *link)
{
	const struct interface *config = interface_for(m, link->name);

	return config && config->balance;
}

static const struct host_link *below(const struct host_link *vlan, const struct host_link *links,
				     size_t count)
{
	for (size_t i = 0; !strcmp(vlan->kind, "vlan") && i < count; i++) {
		if (links[i].ifindex == vlan->lower)
			return &links[i];
	}
	return NULL;
}

/* The first service one of whose addresses is reached by the device, if there is one. */
static bool find_service(const struct host_ask *asks, const struct service *const *services,
			 size_t count, struct tagged *t)
{
	for (size_t i = 0; i < count; i++) {
		if (asks[i].error || asks[i].route->ifindex != t->vlan->ifindex)
			continue;
		t->service = services[i];
		memcpy(t->vip, asks[i].addr, sizeof(t->vip));
		return true;
	}
	return false;
}

/* Where the routes to services' addresses lead is where their clients are. */
static size_t ask_vips(const struct model *m, struct host_ask *asks, struct host_route *routes,
		       const struct service **services)
{
	size_t n = 0;

	for (size_t s = 0; s < m->services_count; s++) {
		for (size_t a = 0; a < m->services[s].addrs_count && n < ADDRESSES_MOST; a++, n++) {
			asks[n] = (struct host_ask){ .addr = m->services[s].addrs[a].addr,
						     .route = &routes[n] };
			services[n] = &m->services[s];
		}
	}
	host_routes(asks, n);
	return n;
}

struct tagged *tagged_find(const struct model *m, const struct host_link *links, size_t links_count,
			   size_t *count)
{
	OWN_FREE struct tagged *found = calloc(links_count + 1, sizeof(*found));
	const struct service *services[ADDRESSES_MOST];
	struct host_route routes[ADDRESSES_MOST];
	struct host_ask asks[ADDRESSES_MOST];
	size_t n = 0, asked = 0;

	*count = 0;
	for (size_t i = 0; found && i < links_count; i++) {
		const struct host_link *lower = below(&links[i], links, links_count);

		if (!lower || !balances(m, lower) || balances(m, &links[i]))
			continue;
		if (!asked)
			asked = ask_vips(m, asks, routes, services);
		found[n] = (struct tagged){ .vlan = &links[i], .below = lower };
		n += find_service(asks, services, asked, &found[n]);
	}
	*count = n;
	return n ? TAKE_PTR(found) : NULL;
}
