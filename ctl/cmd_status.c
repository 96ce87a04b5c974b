// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * status, show interface and version: where weir stands, how, and what became
 * of the packets that it saw.
 */
#include <bpf/libbpf.h>
#include <netlink/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "command.h"
#include "confirm.h"
#include "counters.h"
#include "expr.h"
#include "image.h"
#include "note.h"
#include "own.h"
#include "stack_show.h"
#include "plan_print.h"
#include "reason.h"

struct device_view {
	__u32 slot;
	__u32 ifindex;
	__u32 stages;
	char name[IFNAMSIZ];
	const struct interface *config; /* NULL when the device was renamed out of it */
	const struct attachments *attached;
	int counters;
};

static void print_reasons(const struct device_view *d)
{
	char packets[16], bytes[16];

	for (__u32 r = 0; r < WEIR_R_COUNT; r++) {
		struct weir_counter n = counter_read(d->counters, d->slot * WEIR_R_COUNT + r);

		if (n.packets)
			printf("%10s %10s  %-15s %s\n",
			       count_text(n.packets, packets, sizeof(packets)),
			       count_text(n.bytes, bytes, sizeof(bytes)), reasons[r].name,
			       reasons[r].text);
	}
}

static void print_device(const struct device_view *d)
{
	printf("interface %s", d->name);
	for (int h = 0; h < HOOK_COUNT; h++) {
		const struct attachment *a = attachment_find(d->attached, d->ifindex, h);

		if (a)
			printf("  %s%s %s (%u instructions)", h == HOOK_XDP ? "" : "tc ",
			       hook_names[h], way_names[a->way], program_instructions(a->program));
	}
	if (d->config)
		interface_work(d->config, d->stages, "  ", stdout);
	putchar('\n');
	print_reasons(d);
}

/* A null in JSON where there is none. */
static const char *filter_name(const char *name)
{
	return *name ? name : NULL;
}

static json_t *device_json(const struct device_view *d)
{
	json_t *counters = json_object(), *hooks = json_object();

	for (int h = 0; h < HOOK_COUNT; h++) {
		const struct attachment *a = attachment_find(d->attached, d->ifindex, h);

		if (a)
			json_object_set_new(
				hooks, hook_names[h],
				json_pack("{s:s,s:I}", "mode", way_names[a->way], "instructions",
					  (json_int_t)program_instructions(a->program)));
	}
	for (__u32 r = 0; r < WEIR_R_COUNT; r++) {
		struct weir_counter n = counter_read(d->counters, d->slot * WEIR_R_COUNT + r);

		json_object_set_new(counters, reasons[r].name,
				    json_pack("{s:I,s:I}", "packets", (json_int_t)n.packets,
					      "bytes", (json_int_t)n.bytes));
	}
	return json_pack("{s:s,s:I,s:o,s:o,s:s?,s:s?,s:o}", "name", d->name, "ifindex",
			 (json_int_t)d->ifindex, "hooks", hooks, "stages", stages_json(d->stages),
			 "filter", filter_name(d->config ? d->config->filter : ""), "filter_egress",
			 filter_name(d->config ? d->config->filter_egress : ""), "reasons",
			 counters);
}

/* Calls for each device of the image, text or JSON into @list. Returns how many. */
static size_t each_device(const struct applied *a, const struct attachments *attached,
			  const char *only, json_t *list)
{
	const struct weir_image *image = a->state.image;
	const struct weir_device *rows = IMAGE_AT(image, image->devices_offset, struct weir_device);
	size_t shown = 0;

	for (__u32 slot = 0; slot < image->devices_count; slot++) {
		struct device_view d = { .slot = slot,
					 .ifindex = rows[slot].ifindex,
					 .stages = rows[slot].stages,
					 .attached = attached,
					 .counters = a->state.maps.fd[WEIR_MAP_REASONS] };

		if (!d.ifindex)
			continue;
		if (!if_indextoname(d.ifindex, d.name))
			snprintf(d.name, sizeof(d.name), "gone-%u", d.ifindex);
		if (only && strcmp(only, d.name) != 0)
			continue;
		d.config = interface_for(&a->model, d.name);
		shown++;
		if (list)
			json_array_append_new(list, device_json(&d));
		else
			print_device(&d);
	}
	return shown;
}

int show_interface(struct command *c, const struct applied *a, const char *name)
{
	OWN(attachments_close) struct attachments attached = {};
	json_t *list = c->json ? json_array() : NULL;
	size_t shown;

	if (attachments_read(&a->state, &attached, &c->why))
		return command_failed(c);
	shown = each_device(a, &attached, name, list);
	if (name && !shown) {
		json_decref(list);
		fail(&c->why, EXIT_NOT_FOUND, "weir does not stand on an interface \"%s\"", name);
		return command_failed(c);
	}
	if (list)
		return json_print(json_pack("{s:o}", "interfaces", list));
	if (!shown)
		printf("No interface is attached.\n");
	return EXIT_DONE;
}

static void print_header(const struct command *c, const struct applied *a)
{
	const struct weir_image *image = a->state.image;
	time_t when = image->applied_s;
	struct tm local;
	char text[64] = "?";

	if (localtime_r(&when, &local))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	printf("instance %s  generation %llu, applied %s\n", c->instance, image->generation, text);
	printf("pins %s\n", a->state.path);
	printf("filters %zu  rules %zu  services %zu  backends %zu  image %u of %u KiB\n",
	       a->model.filters_count, model_rules_count(&a->model) - a->model.filters_count,
	       a->model.services_count, model_backends_count(&a->model),
	       (image->bytes + 1023) / 1024, a->state.capacity.image_bytes / 1024);
}

static void print_unconfirmed(const struct unconfirmed *waiting)
{
	printf("unconfirmed: %s, rolls back in %u s; \"weir confirm\" keeps it\n", waiting->file,
	       waiting->left_s);
}

/* A null where nothing waits. */
static json_t *unconfirmed_json(int waits, const struct unconfirmed *waiting)
{
	if (waits <= 0)
		return json_null();
	return json_pack("{s:s,s:I}", "file", waiting->file, "rolls_back_in_s",
			 (json_int_t)waiting->left_s);
}

int cmd_status(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	OWN(attachments_close) struct attachments attached = {};
	json_t *list = c->json ? json_array() : NULL, *stack;
	struct unconfirmed waiting;
	int waits;

	if (applied_open(&a, c) || attachments_read(&a.state, &attached, &c->why)) {
		json_decref(list);
		return command_failed(c);
	}
	waits = unconfirmed_read(c->instance, &waiting, &c->why);
	if (waits < 0)
		note("%s", c->why.message);
	failure_free(&c->why);
	if (!list)
		print_header(c, &a);
	if (!list && waits > 0)
		print_unconfirmed(&waiting);
	if (!each_device(&a, &attached, NULL, list) && !list)
		printf("No interface is attached.\n");
	if (!list && stack_print(&a, stack_wanted(&a.model), stdout, &c->why))
		return command_failed(c);
	if (!list)
		return EXIT_DONE;
	stack = stack_json(&a, stack_wanted(&a.model), &c->why);
	if (!stack) {
		json_decref(list);
		return command_failed(c);
	}
	return json_print(json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:o,s:o}", "instance", c->instance,
				    "unconfirmed", unconfirmed_json(waits, &waiting), "generation",
				    (json_int_t)a.state.image->generation, "applied_s",
				    (json_int_t)a.state.image->applied_s, "image_bytes",
				    (json_int_t)a.state.image->bytes, "image_capacity_bytes",
				    (json_int_t)a.state.capacity.image_bytes, "interfaces", list,
				    "stack", stack));
}

int cmd_version(struct command *c)
{
	struct utsname kernel = {};

	uname(&kernel);
	if (c->json)
		return json_print(json_pack("{s:s,s:i,s:s,s:s,s:s,s:s}", "weir", WEIR_VERSION,
					    "abi", WEIR_ABI, "libbpf", libbpf_version_string() + 1,
					    "libnl", LIBNL_VERSION, "libpcap",
					    expr_library_version(), "kernel", kernel.release));
	printf("weir %s (ABI %d), libbpf %s, libnl %s, libpcap %s, Linux %s\n", WEIR_VERSION,
	       WEIR_ABI, libbpf_version_string() + 1, LIBNL_VERSION, expr_library_version(),
	       kernel.release);
	return EXIT_DONE;
}
