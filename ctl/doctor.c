// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "image.h"
#include "interface_name.h"
#include "one_way.h"
#include "own.h"
#include "plan.h"
#include "reason.h"
#include "stack_provider.h"
#include "stack_show.h"
#include "tagged.h"

static char *print_text(struct checkup *c, const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) >= 0)
		return text;
	c->is_out_of_memory = true;
	return NULL;
}

/* One more finding; what it says follows with say() and cure(). */
__attribute__((format(printf, 3, 4))) static void find(struct checkup *c, enum finding_kind kind,
						       const char *subject, ...)
{
	struct finding *grown = realloc(c->findings, (c->count + 1) * sizeof(*grown));
	va_list args;

	if (!grown) {
		c->is_out_of_memory = true;
		return;
	}
	c->findings = grown;
	va_start(args, subject);
	grown[c->count++] = (struct finding){ kind, print_text(c, subject, args), NULL, NULL };
	va_end(args);
}

/* What the last finding is. */
__attribute__((format(printf, 2, 3))) static void say(struct checkup *c, const char *format, ...)
{
	va_list args;

	if (c->is_out_of_memory)
		return;
	va_start(args, format);
	c->findings[c->count - 1].text = print_text(c, format, args);
	va_end(args);
}

/* What helps against it. */
__attribute__((format(printf, 2, 3))) static void cure(struct checkup *c, const char *format, ...)
{
	va_list args;

	if (c->is_out_of_memory)
		return;
	va_start(args, format);
	c->findings[c->count - 1].remedy = print_text(c, format, args);
	va_end(args);
}

void doctor_free(struct checkup *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->findings[i].subject);
		free(c->findings[i].text);
		free(c->findings[i].remedy);
	}
	free(c->findings);
}

/* A hook that the configuration wants and where nothing stands, or not as well as it might. */
static void examine_hook(struct checkup *c, const struct host_link *link,
			 const struct interface *config, enum hook hook)
{
	const struct attachment *a = attachment_find(c->attached, link->ifindex, hook);

	if (hook == HOOK_XDP && config->xdp != XDP_MODE_NONE && !a) {
		find(c, FINDING_FAIL, "%s", link->name);
		say(c, "no XDP program of weir stands on it");
		cure(c, "weir attach %s", link->name);
	} else if (hook == HOOK_XDP && a && a->way == WAY_GENERIC &&
		   config->xdp != XDP_MODE_GENERIC) {
		find(c, FINDING_WARN, "%s", link->name);
		say(c,
		    "XDP is generic: the driver cannot do it natively, so every packet takes "
		    "the way through a socket buffer first%s",
		    strcmp(link->kind, "bond") != 0
			    ? ""
			    : "; a bond can in modes balance-rr, active-backup, balance-xor and "
			      "802.3ad, if the drivers of all its ports can");
	} else if (a && !a->image_map_id) {
		find(c, FINDING_FAIL, "%s", link->name);
		say(c, "the %s program that weir attached is not in place any more",
		    hook_names[hook]);
		cure(c, "weir attach %s", link->name);
	}
}

static bool has_family(const struct model *m, bool v4)
{
	for (size_t g = 0; g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);

		for (size_t b = 0; b < group.backends_count; b++) {
			if (addr_is_v4(group.backends[b].addr) == v4)
				return true;
		}
	}
	return false;
}

/* The FIB lookup of the balancer follows the kernel's own rule: no forwarding, no route. */
static void examine_forwarding(struct checkup *c, const struct host_link *link)
{
	for (int v4 = 0; v4 <= 1; v4++) {
		if (!has_family(c->model, v4) ||
		    (v4 ? host_forwards_v4(link->name) : host_forwards_v6(link->name)))
			continue;
		find(c, FINDING_FAIL, "%s", link->name);
		say(c, "forwarding of IPv%d is off, so the balancer gets no route", v4 ? 4 : 6);
		cure(c, "sysctl -w net/ipv%d/conf/%s/forwarding=1", v4 ? 4 : 6, link->name);
	}
}

/* Fates that no configuration wants; what there is of them points at the cause. */
static const struct {
	enum weir_reason reason;
	const char *remedy;
} bad_fates[] = {
	{ WEIR_R_LB_NO_ROUTE, "ip route get BACKEND" },
	{ WEIR_R_LB_NO_NEIGHBOUR, "ip neighbour show" },
	{ WEIR_R_LB_TOO_BIG,
	  "raise the MTU of the way to the backends by the tunnel's header, or set \"mss\"" },
	{ WEIR_R_LB_NO_BACKEND, "weir show service" },
	{ WEIR_R_LB_NAT_FULL, "weir show flow" },
	{ WEIR_R_LB_ERROR, NULL },
	{ WEIR_R_DECAP_ERROR, NULL },
	{ WEIR_R_DECAP_ECN, "a router on the way marks packets that do not ask for it" },
};

/* What works, and does not take the way that it might. */
static void examine_detours(struct checkup *c, const char *ifname, __u32 slot)
{
	struct weir_counter n = counter_read(c->state->maps.fd[WEIR_MAP_REASONS],
					     slot * WEIR_R_COUNT + WEIR_R_LB_NAT_STACK);

	if (!n.packets)
		return;
	find(c, FINDING_WARN, "%s", ifname);
	say(c,
	    "%llu answers of backends went through the stack, as %s: they were translated back, "
	    "and arrive, but XDP or TC could not send them on. To their client there was no route "
	    "or no known next hop, forwarding is off, or the packet's checksum was still to be "
	    "completed; a filter of the host sees them",
	    (unsigned long long)n.packets, reasons[WEIR_R_LB_NAT_STACK].name);
	cure(c, "ip route get CLIENT; ip neighbour show");
}

static void examine_counters(struct checkup *c, const char *ifname, __u32 slot)
{
	for (size_t i = 0; i < sizeof(bad_fates) / sizeof(*bad_fates); i++) {
		struct weir_counter n = counter_read(c->state->maps.fd[WEIR_MAP_REASONS],
						     slot * WEIR_R_COUNT + bad_fates[i].reason);

		if (!n.packets)
			continue;
		find(c, FINDING_WARN, "%s", ifname);
		say(c, "%llu packets were dropped as %s", (unsigned long long)n.packets,
		    reasons[bad_fates[i].reason].name);
		if (bad_fates[i].remedy)
			cure(c, "%s", bad_fates[i].remedy);
	}
}

/* Round trips that are to be measured, and cannot be here. */
static void examine_one_way(struct checkup *c, const char *ifname, __u32 slot)
{
	const struct one_way w = one_way_find(c->state, slot);
	char text[160];

	if (!w.what)
		return;
	find(c, FINDING_WARN, "%s", ifname);
	say(c, "%s", one_way_text(&w, text, sizeof(text)));
	cure(c, "%s", one_way_remedy);
}

static void examine_link(struct checkup *c, const struct host_link *link)
{
	const struct weir_image *image = c->state->image;
	const struct weir_device *rows = IMAGE_AT(image, image->devices_offset, struct weir_device);
	const struct interface *config = interface_for(c->model, link->name);
	size_t before = c->count;

	if (!config || (c->only && strcmp(c->only, link->name) != 0))
		return;
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		examine_hook(c, link, config, hook);
	if (config->balance)
		examine_forwarding(c, link);
	for (__u32 slot = 0; slot < image->devices_count; slot++) {
		if (rows[slot].ifindex != link->ifindex)
			continue;
		examine_counters(c, link->name, slot);
		examine_detours(c, link->name, slot);
		if (rows[slot].stages & 1U << WEIR_STAGE_MEASURE)
			examine_one_way(c, link->name, slot);
	}
	if (c->count == before) {
		find(c, FINDING_OK, "%s", link->name);
		say(c, "its programs stand, and lose nothing");
	}
}

/* Interfaces that are named and are not here. */
static void examine_missing(struct checkup *c, const struct host_link *links, size_t count)
{
	for (size_t i = 0; i < c->model->interfaces_count; i++) {
		const char *name = c->model->interfaces[i].pattern;
		size_t l = 0;

		if (interface_name_is_pattern(name) || (c->only && strcmp(c->only, name) != 0))
			continue;
		while (l < count && strcmp(links[l].name, name) != 0)
			l++;
		if (l < count)
			continue;
		find(c, FINDING_FAIL, "%s", name);
		say(c, "the configuration names it, and there is no such interface");
		cure(c, "ip link show");
	}
}

/* Packets with a tag, of which nothing else says that they are not balanced. */
static void examine_tagged(struct checkup *c, const struct host_link *links, size_t links_count)
{
	size_t count;
	OWN_FREE struct tagged *tagged = tagged_find(c->model, links, links_count, &count);
	char vip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		if (c->only && strcmp(c->only, tagged[i].below->name) != 0)
			continue;
		find(c, FINDING_WARN, "%s", tagged[i].below->name);
		say(c,
		    "packets that come in with the tag of %s are left to the host, and the route "
		    "to "
		    "%s of service %s leads there: its clients are not balanced",
		    tagged[i].vlan->name, addr_text(tagged[i].vip, vip, sizeof(vip)),
		    tagged[i].service->name);
		cure(c, "write \"interface %s { xdp generic; balance }\"", tagged[i].vlan->name);
	}
}

static void examine_backend(struct checkup *c, const struct host_neighbours *n,
			    const struct backend_group *group, const struct backend *backend,
			    const struct host_ask *asked)
{
	const char *kind = group->is_pool ? "pool" : "service";
	char addr[INET6_ADDRSTRLEN], hop[INET6_ADDRSTRLEN], ifname[IFNAMSIZ] = "?";

	addr_text(backend->addr, addr, sizeof(addr));
	if (asked->error) {
		find(c, FINDING_FAIL, "%s %s %s", kind, group->name, backend->name);
		say(c, "%s: %s; what it would get is dropped as lb-no-route", addr,
		    strerror(-asked->error));
		cure(c, "ip route get %s", addr);
		return;
	}
	if_indextoname(asked->route->ifindex, ifname);
	addr_text(asked->route->next_hop, hop, sizeof(hop));
	if (!host_neighbour_is_known(n, asked->route->ifindex, asked->route->next_hop)) {
		find(c, FINDING_FAIL, "%s %s %s", kind, group->name, backend->name);
		say(c,
		    "%s: its next hop %s on %s does not answer; what it would get is dropped "
		    "as lb-no-neighbour",
		    addr, hop, ifname);
		cure(c, "ip neighbour show %s dev %s", hop, ifname);
		return;
	}
	find(c, FINDING_OK, "%s %s %s", kind, group->name, backend->name);
	say(c, "%s by %s over %s", addr, hop, ifname);
}

/* The kernel's answers for all backends, in their order. */
static void ask_routes(const struct model *m, struct host_ask *asks, struct host_route *routes)
{
	size_t count = 0;

	for (size_t g = 0; g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);

		for (size_t b = 0; b < group.backends_count; b++, count++)
			asks[count] = (struct host_ask){ .addr = group.backends[b].addr,
							 .route = &routes[count] };
	}
	host_routes(asks, count);
}

static void examine_services(struct checkup *c)
{
	size_t backends = model_backends_count(c->model);
	OWN_FREE struct host_ask *asks = calloc(backends + 1, sizeof(*asks));
	OWN_FREE struct host_route *routes = calloc(backends + 1, sizeof(*routes));
	const struct host_ask *next = asks;
	OWN(host_neighbours_free) struct host_neighbours n = {};

	if (c->only)
		return;
	if (!asks || !routes) {
		c->is_out_of_memory = true;
		return;
	}
	ask_routes(c->model, asks, routes);
	host_neighbours(c->host, &n);
	for (size_t g = 0; g < model_groups_count(c->model); g++) {
		const struct backend_group group = model_group(c->model, g);

		for (size_t b = 0; b < group.backends_count; b++)
			examine_backend(c, &n, &group, &group.backends[b], next++);
	}
}

/* What is to be measured in the stack by @group, and is not. */
static int examine_hooks(struct checkup *c, __u32 group, const char *name, struct failure *why)
{
	struct stack_gap gaps[STACK_HOOK_COUNT];
	int count = stack_gaps(c->state, group, gaps, why);
	OWN_FREE char *others = count == 0 ? stack_substitutes(c->state, group, why) : NULL;

	if (count < 0 || (!count && !others))
		return -1;
	for (int i = 0; i < count; i++) {
		find(c, FINDING_WARN, "measure %s", name);
		say(c, "%s cannot be seen: no hook at %s: %s", stack_hooks[gaps[i].hook].without,
		    stack_hooks[gaps[i].hook].tracepoint, gaps[i].reason);
		if (!provider_reason(gaps[i].hook))
			cure(c, "weir apply FILE, again; --verbose shows what the kernel says");
	}
	if (count)
		return 0;
	find(c, FINDING_OK, "measure %s", name);
	say(c, "all of its hooks in the stack stand%s%s",
	    *others ? ", in place of a tracepoint " : "", others);
	return 0;
}

static int examine_stack(struct checkup *c, struct failure *why)
{
	__u32 wanted = c->only ? 0 : stack_wanted(c->model);

	if (wanted & 1U << WEIR_STAGE_PATH && examine_hooks(c, 1U << WEIR_STAGE_PATH, "path", why))
		return -1;
	if (wanted & 1U << WEIR_STAGE_LOSS && examine_hooks(c, 1U << WEIR_STAGE_LOSS, "loss", why))
		return -1;
	return 0;
}

int doctor_examine(struct checkup *c, struct failure *why)
{
	OWN_FREE struct host_link *links = NULL;
	size_t count = 0;

	if (host_links(c->host, &links, &count, why))
		return -1;
	examine_missing(c, links, count);
	for (size_t i = 0; i < count; i++)
		examine_link(c, &links[i]);
	examine_tagged(c, links, count);
	if (examine_stack(c, why))
		return -1;
	examine_services(c);
	return c->is_out_of_memory ? fail_errno(why, ENOMEM, "cannot look") : 0;
}
