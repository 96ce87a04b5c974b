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

void latency_show_row(void *arg, const struct latency_row *r)
{
	struct latency_shown *s = arg;
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

void latency_show_whole(void *arg, const struct latency_row *r)
{
	struct latency_shown *s = arg;

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

struct latency_shown latency_shown_for(struct command *c, const struct applied *a)
{
	return (struct latency_shown){
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
	size_t timed;

	if (path_read(a, &rows, &c->why))
		return -1;
	timed = latency_interfaces(a, &all, add_rtt, &rtt);
	blame_make(&rows, timed ? &rtt : NULL, blame);
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

/* Below what is measured: no interface has a round trip. */
static int say_untimed(struct command *c, const struct applied *a)
{
	if (latency_is_timed(a, c, NULL))
		puts("Round trips: no interface that has \"measure rtt\" is attached; \"weir "
		     "doctor\" says why.");
	else
		printf("Round trips: %s\n", c->why.message);
	failure_free(&c->why);
	return EXIT_DONE;
}

static int show_all(struct command *c, const struct applied *a)
{
	struct latency_wanted wanted = { .kind = c->latency.kind };
	OWN(losses_free) struct losses losses = {};
	struct latency_shown shown;
	json_t *where = NULL;

	if (!latency_is_measured(a, c) || read_losses(c, a, NULL, &losses) ||
	    show_blame(c, a, &where))
		return command_failed(c);
	if (!c->json && !losses.count)
		return say_untimed(c, a);
	shown = latency_shown_for(c, a);
	if (!c->json)
		latency_table_head(&shown.table, "Round trips");
	latency_interfaces(a, &wanted, latency_show_row, &shown);
	if (losses.count)
		latency_services(a, &wanted, latency_show_row, &shown);
	if (c->json)
		return json_print(json_pack("{s:o,s:o,s:o,s:o}", "where", where, "latency",
					    shown.list, "losses", losses_json(&losses), "one_way",
					    one_way_json(a, NULL)));
	print_losses(a, NULL, &losses);
	return EXIT_DONE;
}

static int show_named(struct command *c, const struct applied *a, const char *name)
{
	struct latency_wanted wanted = { .only = name, .kind = c->latency.kind };
	OWN(losses_free) struct losses losses = {};
	struct latency_shown shown;
	size_t interfaces, others;

	if (!latency_is_timed(a, c, name))
		return command_failed(c);
	shown = latency_shown_for(c, a);
	interfaces = latency_interfaces(a, &wanted, latency_show_whole, &shown);
	others = latency_services(a, &wanted, latency_show_whole, &shown);
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

/* What goes with the words and options that are there. */
static int refuse(struct command *c, const char *what)
{
	const char *words = !strcmp(what, "reset") ? "reset"
			    : c->latency.since	   ? "--since TIME [INTERFACE]"
			    : c->latency.prefix	   ? "--prefix [PREFIX]"
						   : "[INTERFACE|SERVICE|BACKEND]";

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
		return fail(
			&c->why, EXIT_USAGE,
			"--since goes with latency and heatmap only; \"weir top path -w 60\" shows "
			"stages of each minute");
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
		return refuse(c, what);
	if (!strcmp(what, "reset"))
		return latency_reset(c);
	if (applied_open(&a, c))
		return command_failed(c);
	if (!strcmp(what, "path"))
		return latency_path(c, &a);
	if (!strcmp(what, "heatmap"))
		return latency_heatmap(c, &a);
	if (c->latency.since)
		return latency_since(c, &a);
	if (c->latency.prefix)
		return latency_by_prefix(c, &a);
	return c->args_count ? show_named(c, &a, what) : show_all(c, &a);
}
