// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency: where the time goes, by interface, service, backend and prefix, by
 * stage of this host's own path, over time; and all of it set to zero.
 */
#include <stdio.h>
#include <string.h>

#include "latency.h"
#include "latency_commands.h"
#include "losses.h"
#include "one_way.h"
#include "own.h"
#include "path_show.h"
#include "stack_show.h"

struct shown {
	json_t *list; /* NULL: text */
	struct latency_table table;
	const char *last; /* what the line above was of */
};

static void show_row(void *arg, const struct latency_row *r)
{
	struct shown *s = arg;
	char name[2 * NAME_BYTES + 4];

	if (s->list) {
		json_array_append_new(s->list, latency_json(r));
		return;
	}
	if (r->of == LATENCY_BACKEND)
		snprintf(name, sizeof(name), "  %s", r->part);
	else
		snprintf(name, sizeof(name), "%s%s%s", r->name, *r->part ? "  " : "", r->part);
	latency_table_row(&s->table, name, r->kind, &r->hist);
}

static void show_whole(void *arg, const struct latency_row *r)
{
	struct shown *s = arg;

	if (s->list)
		json_array_append_new(s->list, latency_json(r));
	else
		latency_print_whole(r, stdout);
}

/* As wide as the longest name; the figures stand behind it. */
static int name_width(const struct applied *a)
{
	int width = (int)strlen("Round trips by client");
	struct measured m = {};

	for (; measured_next(a, &m); m.slot++) {
		int length = (int)(strlen(m.name) + 2 + strlen(direction_names[WEIR_DIR_WIRE]));

		width = length > width ? length : width;
	}
	for (size_t g = 0; g < model_groups_count(&a->model); g++) {
		const struct backend_group group = model_group(&a->model, g);

		for (size_t b = 0; b < group.backends_count; b++) {
			int length = (int)strlen(group.backends[b].name) + 2;

			width = length > width ? length : width;
		}
	}
	return width;
}

bool latency_is_measured(const struct applied *a, struct command *c)
{
	for (size_t i = 0; i < a->model.interfaces_count; i++) {
		if (a->model.interfaces[i].measure)
			return true;
	}
	fail(&c->why, EXIT_PRECONDITION,
	     "nothing is measured; write \"measure\" in an interface block and apply");
	return false;
}

static struct shown prepare(struct command *c, const struct applied *a)
{
	return (struct shown){
		.list = c->json ? json_array() : NULL,
		.table = { .out = stdout,
			   .name_width = c->json ? 0 : name_width(a),
			   .utf8 = heat_style_for(stdout) == HEAT_COLOUR },
	};
}

static void add_rtt(void *arg, const struct latency_row *r)
{
	if (latency_is_of_the_network(r))
		hist_add(arg, &r->hist);
}

/* The first lines: the network, the NIC, the veth, the stack or the program. */
static int show_blame(struct command *c, const struct applied *a, json_t **json)
{
	OWN(path_free) struct path_rows rows = {};
	struct latency_wanted all = {};
	struct blame blame[BLAMES];
	struct hist rtt = {};

	if (path_read(a, &rows, &c->why))
		return -1;
	latency_interfaces(a, &all, add_rtt, &rtt);
	blame_make(&rows, &rtt, blame);
	if (c->json)
		*json = blame_json(blame);
	else if (path_is_wanted(&a->model) && blame_most(blame) >= 0) {
		blame_print(blame, stdout);
		putchar('\n');
	}
	return 0;
}

static int read_losses(struct command *c, const struct applied *a, const char *only,
		       struct losses *out)
{
	int error = losses_read(a, only, out);

	return error ? fail_errno(&c->why, error, "cannot read what was lost") : 0;
}

/* Interfaces that see one direction alone: of @only, or of all. */
static void print_one_way(const struct applied *a, const char *only)
{
	struct measured m = {};
	char text[160];

	for (; measured_next(a, &m); m.slot++) {
		const struct one_way w = one_way_find(&a->state, m.slot);

		if (w.what && (!only || !strcmp(only, m.name)))
			printf("  %s: %s; %s\n", m.name, one_way_text(&w, text, sizeof(text)),
			       one_way_remedy);
	}
}

static json_t *one_way_json(const struct applied *a, const char *only)
{
	json_t *list = json_array();
	struct measured m = {};

	for (; measured_next(a, &m); m.slot++) {
		const struct one_way w = one_way_find(&a->state, m.slot);

		if (w.what && (!only || !strcmp(only, m.name)))
			json_array_append_new(
				list,
				json_pack("{s:s,s:s,s:I,s:I}", "interface", m.name, "what",
					  w.what == ONE_WAY_FLOWS ? "flows" : "handshakes",
					  "one_way", (json_int_t)w.count, "of", (json_int_t)w.of));
	}
	return list;
}

static void print_losses(const struct applied *a, const char *only, const struct losses *l)
{
	putchar('\n');
	losses_print(l, stdout);
	putchar('\n');
	losses_print_untimed(l, stdout);
	print_one_way(a, only);
}

static int show_all(struct command *c, const struct applied *a)
{
	struct latency_wanted wanted = { .kind = c->latency.kind };
	OWN(losses_free) struct losses losses = {};
	struct shown shown;
	json_t *where = NULL;

	if (read_losses(c, a, NULL, &losses) || show_blame(c, a, &where))
		return command_failed(c);
	shown = prepare(c, a);
	if (!c->json)
		latency_table_head(&shown.table, "Round trips");
	latency_interfaces(a, &wanted, show_row, &shown);
	latency_services(a, &wanted, show_row, &shown);
	if (c->json)
		return json_print(json_pack("{s:o,s:o,s:o,s:o}", "where", where, "latency",
					    shown.list, "losses", losses_json(&losses), "one_way",
					    one_way_json(a, NULL)));
	print_losses(a, NULL, &losses);
	return EXIT_DONE;
}

int latency_not_found(struct command *c, const struct applied *a, const char *name)
{
	const char *names[64] = {}, *near;
	size_t count = 0;

	for (size_t g = 0; g < model_groups_count(&a->model) && count < 60; g++)
		names[count++] = model_group(&a->model, g).name;
	near = diag_suggest(name, names);
	return fail(
		&c->why, EXIT_NOT_FOUND,
		"no measured interface, no service, no pool and no backend is called \"%s\"%s%s%s",
		name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int show_named(struct command *c, const struct applied *a, const char *name)
{
	struct latency_wanted wanted = { .only = name, .kind = c->latency.kind };
	OWN(losses_free) struct losses losses = {};
	struct shown shown = prepare(c, a);
	size_t interfaces = latency_interfaces(a, &wanted, show_whole, &shown);
	size_t others = latency_services(a, &wanted, show_whole, &shown);

	if ((!interfaces && !others && latency_not_found(c, a, name)) ||
	    read_losses(c, a, name, &losses)) {
		json_decref(shown.list);
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:o,s:o,s:o}", "latency", shown.list, "losses",
					    losses_json(&losses), "one_way",
					    one_way_json(a, name)));
	if (interfaces)
		print_losses(a, name, &losses);
	return EXIT_DONE;
}

static int show_prefixes(struct command *c, const struct applied *a)
{
	struct shown shown;
	int count;

	if (!a->model.latency.v4_bits) {
		fail(&c->why, EXIT_PRECONDITION,
		     "nothing is measured by prefix; write \"latency { prefix 24 48 }\", with the "
		     "lengths of IPv4 and IPv6 that you want, and apply");
		return command_failed(c);
	}
	shown = prepare(c, a);
	if (!c->json)
		latency_table_head(&shown.table, "Round trips by client");
	count = latency_prefixes_each(a, show_row, &shown);
	if (count < 0) {
		json_decref(shown.list);
		fail_errno(&c->why, count, "cannot read the prefixes");
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:o}", "latency", shown.list));
	if (!count)
		puts("no samples yet");
	return EXIT_DONE;
}

static int run_path(struct command *c, const struct applied *a)
{
	OWN(path_free) struct path_rows rows = {};
	const char *only = c->args_count > 1 ? c->args[1] : NULL;

	if (!path_is_measured(&a->model, &c->why) || path_read(a, &rows, &c->why))
		return command_failed(c);
	if (c->json) {
		json_t *hooks = stack_json(a, 1U << WEIR_STAGE_PATH, &c->why);

		if (!hooks)
			return command_failed(c);
		return json_print(json_pack("{s:o,s:o,s:o}", "path", path_json(&rows, only),
					    "counters", path_missing_json(a), "stack", hooks));
	}
	if (stack_print(a, 1U << WEIR_STAGE_PATH, stdout, &c->why))
		return command_failed(c);
	if (!path_print(&rows, only, stdout))
		printf("no samples yet%s%s\n", only ? " of " : "", only ? only : "");
	path_print_missing(a, stdout);
	return EXIT_DONE;
}

static int refuse(struct command *c, const char *words)
{
	fail(&c->why, EXIT_USAGE, "usage: weir latency %s", words);
	return command_failed(c);
}

static int check_options(struct command *c, const char *what)
{
	const struct latency_options *o = &c->latency;
	bool is_heat = !strcmp(what, "heatmap"),
	     is_table = !is_heat && strcmp(what, "path") != 0 && strcmp(what, "reset") != 0;

	if (o->output && !is_heat)
		return fail(&c->why, EXIT_USAGE,
			    "--output goes with \"weir latency heatmap\" only");
	if (o->since && !is_heat && !is_table)
		return fail(&c->why, EXIT_USAGE, "--since goes with latency and heatmap only");
	if ((o->kind || o->prefix) && !is_table)
		return fail(&c->why, EXIT_USAGE,
			    "--kind and --prefix do not go with \"latency %s\"", what);
	if (o->kind && (o->since || o->prefix))
		return fail(
			&c->why, EXIT_USAGE,
			"--kind goes with neither --since nor --prefix, which have all kinds of "
			"round trips together");
	if (o->kind && !latency_is_kind(o->kind, &c->why))
		return -1;
	return 0;
}

int cmd_latency(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	const char *what = c->args_count ? c->args[0] : "";
	bool takes_name = !strcmp(what, "path") || !strcmp(what, "heatmap");

	if (check_options(c, what))
		return command_failed(c);
	if (c->args_count > 1 && !takes_name)
		return refuse(c, !strcmp(what, "reset") ? "reset" : "[INTERFACE|SERVICE|BACKEND]");
	if (!strcmp(what, "reset"))
		return latency_reset(c);
	if (applied_open(&a, c) || !latency_is_measured(&a, c))
		return command_failed(c);
	if (!strcmp(what, "path"))
		return run_path(c, &a);
	if (!strcmp(what, "heatmap"))
		return latency_heatmap(c, &a);
	if (c->latency.since)
		return latency_since(c, &a);
	if (c->latency.prefix)
		return show_prefixes(c, &a);
	return c->args_count ? show_named(c, &a, what) : show_all(c, &a);
}
