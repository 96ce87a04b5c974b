// SPDX-License-Identifier: GPL-2.0-or-later
#include "exits.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"

static const struct host_link *link_of(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->links_count; i++) {
		if (p->links[i].ifindex == ifindex)
			return &p->links[i];
	}
	return NULL;
}

static bool is_vlan(const struct host_link *link)
{
	return !strcmp(link->kind, "vlan");
}

bool exits_is_bond(const struct host_link *link)
{
	return !strcmp(link->kind, "bond");
}

/* What sends its frames is in this namespace, and is no VLAN device itself. */
static bool stands_for_another(const struct plan *p, const struct host_link *link)
{
	const struct host_link *lower = is_vlan(link) ? link_of(p, link->lower) : NULL;

	return lower && !is_vlan(lower);
}

bool exits_have_vlans(const struct plan *p)
{
	for (size_t i = 0; i < p->links_count; i++) {
		if (stands_for_another(p, &p->links[i]))
			return true;
	}
	return false;
}

/* A veth, or a bond with one among its ports. */
static bool has_veth(const struct plan *p, const struct host_link *link)
{
	if (!exits_is_bond(link))
		return link->is_veth;
	for (size_t i = 0; i < p->links_count; i++) {
		if (p->links[i].master == link->ifindex && p->links[i].is_veth)
			return true;
	}
	return false;
}

bool exits_is_veth(const struct plan *p, const struct host_link *link)
{
	const struct host_link *lower = is_vlan(link) ? link_of(p, link->lower) : NULL;

	return has_veth(p, link) || (lower && has_veth(p, lower));
}

struct weir_vlan *exits_vlans(const struct plan *p, size_t *count)
{
	struct weir_vlan *vlans = calloc(p->links_count + 1, sizeof(*vlans));
	size_t n = 0;

	for (size_t i = 0; vlans && i < p->links_count; i++) {
		const struct host_link *link = &p->links[i];

		if (stands_for_another(p, link))
			vlans[n++] = (struct weir_vlan){ .ifindex = link->ifindex,
							 .lower = link->lower,
							 .proto = link->vlan_proto,
							 .tci = htons(link->vid) };
	}
	*count = n;
	return vlans;
}

/*
 * Kinds of devices that take frames from XDP: those of drivers, which have no
 * kind, and few others.
 */
static bool takes_frames(const struct plan *p, const struct host_link *link)
{
	static const char *const kinds[] = { "", "veth", "tun", "bond" };
	const struct host_link *sends = is_vlan(link) ? link_of(p, link->lower) : link;

	for (size_t i = 0; sends && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(sends->kind, kinds[i]))
			return true;
	}
	return false;
}

static bool balances_natively(const struct plan *p)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].config->balance &&
		    !(p->devices[i].hook[HOOK_XDP].config.flags & WEIR_PROGRAM_GENERIC))
			return true;
	}
	return false;
}

void exits_say_deaf(const struct plan *p)
{
	size_t routes = balances_natively(p) ? model_backends_count(p->model) : 0;

	for (size_t i = 0; i < routes; i++) {
		__u32 ifindex = p->routes[i].route.ifindex;
		const struct host_link *link;
		size_t before = 0;

		while (before < i && p->routes[before].route.ifindex != ifindex)
			before++;
		link = before < i ? NULL : link_of(p, ifindex);
		if (p->routes[i].error || !link || takes_frames(p, link))
			continue;
		note("%s: a way to backends leaves by this device, and native XDP cannot send out "
		     "of a %s%s: what is for them is lost. Write \"xdp generic\" for the "
		     "interfaces that balance, or route past it",
		     link->name, link->kind, is_vlan(link) ? " in a VLAN" : "");
	}
}
