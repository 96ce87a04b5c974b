// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_devices.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "image.h"
#include "interface_name.h"
#include "note.h"
#include "own.h"
#include "plan_exprs.h"

const struct interface *interface_for(const struct model *m, const char *ifname)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (!strcmp(m->interfaces[i].pattern, ifname))
			return &m->interfaces[i];
	}
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (interface_name_is_pattern(m->interfaces[i].pattern) &&
		    !fnmatch(m->interfaces[i].pattern, ifname, 0))
			return &m->interfaces[i];
	}
	return NULL;
}

static int missing(const struct interface *wanted, const struct host_link *links, size_t count,
		   struct failure *why)
{
	OWN_FREE const char **names = calloc(count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; names && i < count; i++)
		names[i] = links[i].name;
	near = names ? diag_suggest(wanted->pattern, names) : NULL;
	return fail(why, EXIT_NOT_FOUND,
		    "%s:%u:%u: there is no interface \"%s\" in this network namespace; %s%s%s",
		    wanted->loc.file, wanted->loc.line, wanted->loc.column, wanted->pattern,
		    near ? "did you mean \"" : "\"ip link\" shows what there is", near ? near : "",
		    near ? "\"?" : "");
}

static int check_names(const struct model *m, const struct host_link *links, size_t count,
		       struct failure *why)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		const struct interface *wanted = &m->interfaces[i];
		size_t n = 0;

		while (n < count && strcmp(links[n].name, wanted->pattern) != 0)
			n++;
		if (interface_name_is_pattern(wanted->pattern))
			continue;
		if (n == count)
			return missing(wanted, links, count, why);
		if (!links[n].is_ethernet && !links[n].is_loopback)
			return fail(why, EXIT_PRECONDITION,
				    "%s:%u:%u: %s is not an Ethernet device, and weir parses "
				    "Ethernet frames only",
				    wanted->loc.file, wanted->loc.line, wanted->loc.column,
				    wanted->pattern);
	}
	return 0;
}

/* A pattern does not mean loopback, without which a host hardly works: it wants its name. */
static bool may_have(const struct host_link *link, const struct interface *config)
{
	return link->is_ethernet ||
	       (link->is_loopback && !interface_name_is_pattern(config->pattern));
}

/* The slot that the image in force gives a device, or -1. */
static int old_slot(const struct weir_image *image, __u32 ifindex)
{
	const struct weir_device *table =
		image ? IMAGE_AT(image, image->devices_offset, struct weir_device) : NULL;

	for (__u32 slot = 0; image && slot < image->devices_count; slot++) {
		if (table[slot].ifindex == ifindex)
			return slot;
	}
	return -1;
}

/* A slot that neither generation uses: the old one's row must stay as it is until the swap. */
static __u32 free_slot(const struct plan *p, const struct state *s)
{
	const struct weir_image *image = s->image;
	__u32 slot = 0;

	for (;; slot++) {
		size_t i = 0;

		if (image && slot < image->devices_count &&
		    IMAGE_AT(image, image->devices_offset, struct weir_device)[slot].ifindex)
			continue;
		while (i < p->devices_count && p->devices[i].slot != slot)
			i++;
		if (i == p->devices_count)
			return slot;
	}
}

static void add_device(struct plan *p, const struct state *s, const struct host_link *link,
		       const struct interface *config)
{
	int slot = old_slot(s->image, link->ifindex);
	struct plan_device *device = &p->devices[p->devices_count];

	*device = (struct plan_device){
		.link = *link,
		.config = config,
		.slot = slot >= 0 ? (__u32)slot : free_slot(p, s),
		.is_new = slot < 0,
		.stages = interface_stages(config, p->model, &p->needs),
	};
	p->devices_count++;
}

static bool is_attached(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->attached.count; i++) {
		if (p->attached.list[i].ifindex == ifindex)
			return true;
	}
	return false;
}

static bool is_in_scope(const struct plan *p, const struct plan_scope *scope,
			const struct host_link *link)
{
	if (!scope || scope->is_all)
		return true;
	if (scope->without && !strcmp(scope->without, link->name))
		return false;
	return is_attached(p, link->ifindex) || (scope->with && !strcmp(scope->with, link->name));
}

int find_devices(struct plan *p, const struct state *s, const struct plan_scope *scope,
		 struct failure *why)
{
	struct host_link *links;
	size_t count;

	if (host_links(p->host, &p->links, &p->links_count, why))
		return -1;
	links = p->links;
	count = p->links_count;
	if (!scope && check_names(p->model, links, count, why))
		return -1;
	p->devices = calloc(count + 1, sizeof(*p->devices));
	if (!p->devices)
		return fail_errno(why, ENOMEM, "cannot plan");
	for (size_t i = 0; i < count; i++) {
		const struct interface *config = interface_for(p->model, links[i].name);

		if (config && may_have(&links[i], config) && is_in_scope(p, scope, &links[i]))
			add_device(p, s, &links[i], config);
	}
	return 0;
}

/*
 * With XDP there is no work at tc ingress, but for the mark that XDP cannot set
 * itself, and for what containers answer.
 */
static bool wants(const struct plan_device *d, enum hook hook)
{
	const struct interface *i = d->config;

	switch (hook) {
	case HOOK_XDP:
		return i->xdp != XDP_MODE_NONE;
	case HOOK_INGRESS:
		if (i->takes_returns)
			return true;
		return i->xdp == XDP_MODE_NONE ? i->filter[0] || i->measure
					       : !!(d->stages & 1 << WEIR_STAGE_MARK);
	default:
		return d->stages &
		       (1 << WEIR_STAGE_MEASURE | 1 << WEIR_STAGE_EGRESS | 1 << WEIR_STAGE_TRACK);
	}
}

/* Whether the way that a program is attached is the one that is asked for. */
static bool way_is_wanted(const struct interface *i, const struct attachment *a)
{
	if (a->hook == HOOK_XDP)
		return i->xdp == XDP_MODE_AUTO ||
		       (i->xdp == XDP_MODE_GENERIC) == (a->way == WAY_GENERIC);
	return i->tc == TC_MODE_AUTO || i->tc == TC_MODE_NONE ||
	       (i->tc == TC_MODE_CLSACT) == (a->way == WAY_CLSACT);
}

static enum step step_for(const struct plan *p, const struct state *s,
			  const struct plan_device *device, const struct plan_hook *hook)
{
	const struct attachment *a = hook->attached;

	if (!a)
		return STEP_ATTACH;
	if (!way_is_wanted(device->config, a))
		return STEP_REPLACE;
	if (p->rebuilds || a->image_map_id != s->image_map_id ||
	    memcmp(&a->config, &hook->config, sizeof(a->config)) != 0)
		return STEP_UPDATE;
	return STEP_KEEP;
}

static bool is_kept(const struct plan *p, const struct attachment *a)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].hook[a->hook].attached == a)
			return true;
	}
	return false;
}

/* A fallback to generic XDP that is not known yet, attaching finds; see apply.c. */
static __u32 flags_for(const struct plan *p, const struct plan_device *d,
		       const struct attachment *xdp)
{
	enum xdp_mode mode = d->config->xdp;
	__u32 flags = exits_is_veth(p, &d->link) ? WEIR_PROGRAM_VETH : 0;

	if (d->config->balance && exits_have_vlans(p))
		flags |= WEIR_PROGRAM_VLANS;
	if (d->config->balance && exits_is_bond(&d->link))
		flags |= WEIR_PROGRAM_BOND;
	if (mode == XDP_MODE_GENERIC || (mode == XDP_MODE_AUTO && xdp && xdp->way == WAY_GENERIC))
		flags |= WEIR_PROGRAM_GENERIC;
	return flags;
}

static int choose_step(struct plan *p, const struct state *s, struct plan_device *device,
		       enum hook h, struct failure *why)
{
	struct plan_hook *hook = &device->hook[h];
	const __u32 after_xdp = 1U << WEIR_STAGE_MARK | 1U << WEIR_STAGE_RETURN;
	struct program_code code = {
		.stages = h == HOOK_INGRESS && device->config->xdp != XDP_MODE_NONE
				  ? device->stages & after_xdp
				  : device->stages,
		.services = p->needs.services,
		.prefix_v4 = p->model->latency.v4_bits,
		.prefix_v6 = p->model->latency.v6_bits,
	};
	OWN(expr_set_free) struct expr_set exprs = {};

	hook->step = STEP_KEEP;
	if (!wants(device, h))
		return 0;
	hook->attached = attachment_find(&p->attached, device->link.ifindex, h);
	code.flags = flags_for(p, device, hook->attached);
	hook->config = program_config(h, device->slot, &code, &p->capacity);
	if (plan_exprs(p, device, h, &exprs, why) || plan_exprs_hash(&exprs, h, &hook->config, why))
		return -1;
	hook->step = step_for(p, s, device, hook);
	return 0;
}

int choose_steps(struct plan *p, const struct state *s, struct failure *why)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		for (int h = 0; h < HOOK_COUNT; h++) {
			if (choose_step(p, s, &p->devices[i], h, why))
				return -1;
		}
	}
	p->leaving = calloc(p->attached.count + 1, sizeof(*p->leaving));
	if (!p->leaving)
		return fail_errno(why, ENOMEM, "cannot plan");
	for (size_t i = 0; i < p->attached.count; i++) {
		if (!is_kept(p, &p->attached.list[i]))
			p->leaving[p->leaving_count++] = p->attached.list[i];
	}
	return 0;
}

/* The FIB lookup of the balancer follows the kernel's own rule: no forwarding, no route. */
static int check_forwarding(const struct plan *p, const struct plan_device *device,
			    struct failure *why)
{
	bool forwards[2] = { host_forwards_v6(device->link.name),
			     host_forwards_v4(device->link.name) };

	for (size_t g = 0; g < model_groups_count(p->model); g++) {
		const struct backend_group group = model_group(p->model, g);

		for (size_t b = 0; b < group.backends_count; b++) {
			bool v4 = addr_is_v4(group.backends[b].addr);

			if (forwards[v4])
				continue;
			return fail(why, EXIT_PRECONDITION,
				    "%s: forwarding is off, so the kernel gives the balancer no "
				    "route to backend %s; turn it on: sysctl -w "
				    "net/%s/conf/%s/forwarding=1",
				    device->link.name, group.backends[b].name, v4 ? "ipv4" : "ipv6",
				    device->link.name);
		}
	}
	return 0;
}

/* The kernel has a program on a bond or on its ports, and takes none beside it. */
static int check_bond(const struct plan *p, const struct plan_device *port, struct failure *why)
{
	const struct interface *config = port->config;

	if (config->xdp == XDP_MODE_NONE || !port->link.master)
		return 0;
	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *bond = &p->devices[i];

		if (bond->link.ifindex != port->link.master || !exits_is_bond(&bond->link) ||
		    bond->config->xdp == XDP_MODE_NONE)
			continue;
		return fail(why, EXIT_PRECONDITION,
			    "%s:%u:%u: %s is a port of the bond %s, which has \"xdp\" as well, and "
			    "the kernel takes one of them alone; name the bond only: its program "
			    "sees what comes in at every port",
			    config->loc.file, config->loc.line, config->loc.column, port->link.name,
			    bond->link.name);
	}
	return 0;
}

int check_host(const struct plan *p, const struct state *s, struct failure *why)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *device = &p->devices[i];

		if (check_bond(p, device, why))
			return -1;
		for (int h = 0; h < HOOK_COUNT; h++) {
			if (device->hook[h].step == STEP_ATTACH &&
			    attach_check_foreign(s, device->link.ifindex, device->link.name, h,
						 why))
				return -1;
		}
		if (device->config->balance && check_forwarding(p, device, why))
			return -1;
	}
	return 0;
}
