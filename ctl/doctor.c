// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "interface_name.h"
#include "one_way.h"
#include "own.h"
#include "plan.h"
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

void doctor_find(struct checkup *c, enum finding_kind kind, const char *subject, ...)
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

void doctor_say(struct checkup *c, const char *format, ...)
{
	va_list args;

	if (c->is_out_of_memory)
		return;
	va_start(args, format);
	c->findings[c->count - 1].text = print_text(c, format, args);
	va_end(args);
}

void doctor_cure(struct checkup *c, const char *format, ...)
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
	free(c->asks);
	free(c->routes);
	free(c->before);
}

/* A hook that the configuration wants and where nothing stands, or not as well as it might. */
static void examine_hook(struct checkup *c, const struct host_link *link,
			 const struct interface *config, enum hook hook)
{
	const struct attachment *a = attachment_find(c->attached, link->ifindex, hook);

	if (hook == HOOK_XDP && config->xdp != XDP_MODE_NONE && !a) {
		doctor_find(c, FINDING_FAIL, "%s", link->name);
		doctor_say(c, "no XDP program of weir stands on it");
		doctor_cure(c, "weir attach %s", link->name);
	} else if (hook == HOOK_XDP && a && a->way == WAY_GENERIC &&
		   config->xdp != XDP_MODE_GENERIC) {
		doctor_find(c, FINDING_WARN, "%s", link->name);
		doctor_say(
			c,
			"XDP is generic: the driver cannot do it natively, so every packet takes "
			"the way through a socket buffer first%s",
			strcmp(link->kind, "bond") != 0
				? ""
				: "; a bond can in modes balance-rr, active-backup, balance-xor "
				  "and 802.3ad, if the drivers of all its ports can");
	} else if (a && !a->image_map_id) {
		doctor_find(c, FINDING_FAIL, "%s", link->name);
		doctor_say(c, "the %s program that weir attached is not in place any more",
			   hook_names[hook]);
		doctor_cure(c, "weir attach %s", link->name);
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
		doctor_find(c, FINDING_FAIL, "%s", link->name);
		doctor_say(c, "forwarding of IPv%d is off, so the balancer gets no route",
			   v4 ? 4 : 6);
		doctor_cure(c, "sysctl -w net/ipv%d/conf/%s/forwarding=1", v4 ? 4 : 6, link->name);
	}
}

/* Round trips that are to be measured, and cannot be here. */
static void examine_one_way(struct checkup *c, const char *ifname, __u32 slot)
{
	const struct one_way w = one_way_find(c->state, slot);
	char text[160];

	if (!w.what)
		return;
	doctor_find(c, FINDING_WARN, "%s", ifname);
	doctor_say(c, "%s", one_way_text(&w, text, sizeof(text)));
	doctor_cure(c, "%s", one_way_remedy);
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
		doctor_examine_counters(c, link->name, slot);
		if (rows[slot].stages & 1U << WEIR_STAGE_MEASURE)
			examine_one_way(c, link->name, slot);
	}
	if (c->count == before) {
		doctor_find(c, FINDING_OK, "%s", link->name);
		doctor_say(c, "its programs stand, and lose nothing");
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
		doctor_find(c, FINDING_FAIL, "%s", name);
		doctor_say(c, "the configuration names it, and there is no such interface");
		doctor_cure(c, "ip link show");
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
		doctor_find(c, FINDING_WARN, "%s", tagged[i].below->name);
		doctor_say(c,
			   "packets that come in with the tag of %s are left to the host, and the "
			   "route to %s of service %s leads there: its clients are not balanced",
			   tagged[i].vlan->name, addr_text(tagged[i].vip, vip, sizeof(vip)),
			   tagged[i].service->name);
		doctor_cure(c, "write \"interface %s { xdp generic; balance }\"",
			    tagged[i].vlan->name);
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
		doctor_find(c, FINDING_WARN, "measure %s", name);
		doctor_say(c, "%s cannot be seen: no hook at %s: %s",
			   stack_hooks[gaps[i].hook].without, stack_hooks[gaps[i].hook].tracepoint,
			   gaps[i].reason);
		if (!provider_reason(gaps[i].hook))
			doctor_cure(c,
				    "weir apply FILE, again; --verbose shows what the kernel says");
	}
	if (count)
		return 0;
	doctor_find(c, FINDING_OK, "measure %s", name);
	doctor_say(c, "all of its hooks in the stack stand%s%s",
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
	if (doctor_ask_routes(c) || doctor_count(c))
		return fail_errno(why, ENOMEM, "cannot look");
	examine_missing(c, links, count);
	for (size_t i = 0; i < count; i++)
		examine_link(c, &links[i]);
	examine_tagged(c, links, count);
	if (examine_stack(c, why))
		return -1;
	if (!c->only)
		doctor_examine_services(c);
	return c->is_out_of_memory ? fail_errno(why, ENOMEM, "cannot look") : 0;
}
