// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_print.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lifeline.h"
#include "memory.h"
#include "note.h"
#include "own.h"
#include "print.h"

static const struct {
	const char *name;
	const char *text;
} steps[] = {
#define X(sym, name, text) [STEP_##sym] = { name, text },
	STEPS(X)
#undef X
};

static void print_stack(__u32 groups, const char *what, FILE *out)
{
	if (groups & 1U << WEIR_STAGE_PATH)
		fprintf(out, "  the stack: the programs of \"measure path\" %s\n", what);
	if (groups & 1U << WEIR_STAGE_LOSS)
		fprintf(out, "  the stack: the programs of \"measure loss\" %s\n", what);
}

static void print_programs(const struct plan *p, FILE *out)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *d = &p->devices[i];

		for (int h = 0; h < HOOK_COUNT; h++) {
			if (d->hook[h].step != STEP_KEEP)
				fprintf(out, "  %s: the %s program %s\n", d->link.name,
					hook_names[h], steps[d->hook[h].step].text);
		}
	}
	for (size_t i = 0; i < p->leaving_count; i++) {
		const struct attachment *a = &p->leaving[i];
		char ifname[IFNAMSIZ];

		if (a->ifindex && if_indextoname(a->ifindex, ifname))
			fprintf(out, "  %s: the %s program %s\n", ifname, hook_names[a->hook],
				steps[STEP_DETACH].text);
		else
			fprintf(out, "  %s: is unpinned; its device is gone\n", a->pin);
	}
	print_stack(p->stack_loads, "are attached", out);
	print_stack(p->stack_leaves, "are detached", out);
}

void plan_print(const struct plan *p, FILE *out)
{
	unsigned int loads = plan_loads(p);

	if (plan_is_empty(p)) {
		fputs("Plan: nothing to change.\n", out);
		return;
	}
	fputs(p->diff_text, out);
	print_programs(p, out);
	fprintf(out, "Plan: %u to add, %u to change, %u to remove. ", p->diff.added,
		p->diff.changed, p->diff.removed);
	if (loads)
		fprintf(out, "%u program%s loaded.\n", loads, loads == 1 ? " is" : "s are");
	else
		fputs("No program is reloaded.\n", out);
	memory_print(&p->capacity, p->image_bytes, out);
	memory_print_sockets(p->image->path_stages, out);
}

void plan_warn(const struct plan *p, const char *remedy)
{
	char peer[INET6_ADDRSTRLEN], by[2 * NAME_BYTES + 64];
	struct cut cut;

	if (plan_cuts(p, &cut) == CUT_NOTHING)
		return;
	addr_text(cut.line.peer, peer, sizeof(peer));
	if (cut.service)
		snprintf(by, sizeof(by), "service %s, which has the address and the port of it,",
			 cut.service->name);
	else if (cut.rule)
		snprintf(by, sizeof(by), "rule %s of filter %s, line %u,", cut.rule->name,
			 cut.filter->name, cut.rule->loc.line);
	else
		snprintf(by, sizeof(by), "the default of filter %s", cut.filter->name);
	if (cut.kind == CUT_SESSION)
		note("WARNING: on %s, %s cuts %s SSH session from %s port %u%s; %s", cut.ifname, by,
		     cut.is_guess ? "the" : "your own", peer, cut.line.peer_port,
		     cut.is_guess ? ", which may be your own" : "", remedy);
	else
		note("WARNING: on %s, %s lets no new SSH session from %s in, once %s has ended; %s",
		     cut.ifname, by, peer, cut.is_guess ? "the one of now" : "yours", remedy);
}

/* A null where it is left alone. */
static json_t *cut_json(const struct plan *p)
{
	char peer[INET6_ADDRSTRLEN];
	struct cut cut;

	if (plan_cuts(p, &cut) == CUT_NOTHING)
		return json_null();
	return json_pack("{s:s,s:s,s:s?,s:s?,s:s?}", "cuts",
			 cut.kind == CUT_SESSION ? "session" : "new sessions", "from",
			 addr_text(cut.line.peer, peer, sizeof(peer)), "filter",
			 cut.service ? NULL : cut.filter->name, "rule",
			 cut.rule ? cut.rule->name : NULL, "service",
			 cut.service ? cut.service->name : NULL);
}

static json_t *counts_json(const struct plan *p)
{
	return json_pack("{s:I,s:I,s:I}", "added", (json_int_t)p->diff.added, "changed",
			 (json_int_t)p->diff.changed, "removed", (json_int_t)p->diff.removed);
}

/* One string per line of the difference. */
static json_t *lines_json(const char *text)
{
	json_t *lines = json_array();

	while (text && *text) {
		size_t length = strcspn(text, "\n");

		json_array_append_new(lines, json_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return lines;
}

static json_t *program_json(const char *ifname, enum hook hook, enum step step)
{
	return json_pack("{s:s,s:s,s:s}", "interface", ifname, "hook", hook_names[hook], "step",
			 steps[step].name);
}

static json_t *programs_json(const struct plan *p)
{
	json_t *programs = json_array();
	char ifname[IFNAMSIZ];

	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *d = &p->devices[i];

		for (int h = 0; h < HOOK_COUNT; h++) {
			if (d->hook[h].step != STEP_KEEP)
				json_array_append_new(
					programs, program_json(d->link.name, h, d->hook[h].step));
		}
	}
	for (size_t i = 0; i < p->leaving_count; i++) {
		const struct attachment *a = &p->leaving[i];

		if (a->ifindex && if_indextoname(a->ifindex, ifname))
			json_array_append_new(programs, program_json(ifname, a->hook, STEP_DETACH));
	}
	return programs;
}

json_t *plan_json(const struct plan *p)
{
	return json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "empty", plan_is_empty(p), "ssh",
			 cut_json(p), "counts", counts_json(p), "changes", lines_json(p->diff_text),
			 "programs", programs_json(p), "memory_bytes", memory_json(&p->capacity),
			 "socket_bytes", memory_sockets_json(p->image->path_stages), "image_bytes",
			 (json_int_t)p->image_bytes, "image_capacity_bytes",
			 (json_int_t)p->capacity.image_bytes);
}

static const struct {
	enum weir_stage stage;
	const char *name;
} stages[] = {
#define X(sym, member, keyword) { WEIR_STAGE_##sym, keyword },
	WEIR_STAGES(X)
#undef X
};

/* The bits that "measure" is made of; the first of them stands for all. */
#define MEASURE_STAGES (1U << WEIR_STAGE_MEASURE | 1U << WEIR_STAGE_PATH | 1U << WEIR_STAGE_LOSS)

static void print_measured(const struct interface *i, FILE *out)
{
	char text[MEASURE_TEXT_BYTES];

	fputs("measure", out);
	if (i->measure != 1U << MEASURE_RTT)
		fprintf(out, " %s", measure_text(i, text));
}

void interface_work(const struct interface *i, __u32 has, const char *before, FILE *out)
{
	const char *comma = before;
	__u32 measured = has & MEASURE_STAGES;

	has &= ~(measured & (measured - 1));
	for (size_t n = 0; n < sizeof(stages) / sizeof(*stages); n++) {
		if (!(has & 1U << stages[n].stage))
			continue;
		fputs(comma, out);
		comma = ", ";
		if (stages[n].stage == WEIR_STAGE_FILTER)
			fprintf(out, "filter %s", i->filter);
		else if (stages[n].stage == WEIR_STAGE_EGRESS)
			fprintf(out, "filter %s egress", i->filter_egress);
		else if (1U << stages[n].stage & MEASURE_STAGES)
			print_measured(i, out);
		else
			fputs(stages[n].name, out);
	}
}

json_t *stages_json(__u32 has)
{
	json_t *list = json_array();

	for (size_t n = 0; n < sizeof(stages) / sizeof(*stages); n++) {
		if (has & 1U << stages[n].stage)
			json_array_append_new(list, json_string(stages[n].name));
	}
	return list;
}

static void print_device(const struct plan_device *d, const struct attachments *now, FILE *out)
{
	const char *comma = "";

	fprintf(out, "%s: ", d->link.name);
	for (int h = 0; h < HOOK_COUNT; h++) {
		const struct attachment *a = attachment_find(now, d->link.ifindex, h);

		if (!a)
			continue;
		fprintf(out, "%s%s%s %s", comma, h == HOOK_XDP ? "" : "tc ", hook_names[h],
			way_names[a->way]);
		comma = ", ";
		if (a->way == WAY_GENERIC && d->config->xdp == XDP_MODE_AUTO)
			fputs(" (slower than native, which was refused)", out);
	}
	interface_work(d->config, d->stages, *comma ? "; " : "", out);
	fputc('\n', out);
}

void attached_print(const struct plan *p, const struct attachments *now, FILE *out)
{
	for (size_t i = 0; i < p->devices_count; i++)
		print_device(&p->devices[i], now, out);
}

json_t *applied_json(const struct plan *p, const struct attachments *now, const char *confirm)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < p->devices_count; i++) {
		const struct plan_device *d = &p->devices[i];
		json_t *entry = json_pack("{s:s,s:o}", "name", d->link.name, "stages",
					  stages_json(d->stages));

		for (int h = 0; h < HOOK_COUNT; h++) {
			const struct attachment *a = attachment_find(now, d->link.ifindex, h);

			if (a)
				json_object_set_new(entry, hook_names[h],
						    json_string(way_names[a->way]));
		}
		json_array_append_new(interfaces, entry);
	}
	return json_pack("{s:b,s:o,s:o,s:s?}", "changed", !plan_is_empty(p), "counts",
			 counts_json(p), "interfaces", interfaces, "unconfirmed", confirm);
}
