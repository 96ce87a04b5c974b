// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show, and what the commands that read have in common.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "image.h"
#include "note.h"
#include "own.h"
#include "stored.h"

int applied_open(struct applied *a, struct command *c)
{
	if (state_open(&a->state, c->instance, &c->why))
		return -1;
	return stored_model(a->state.image, &a->model, &c->why);
}

void applied_close(struct applied *a)
{
	model_free(&a->model);
	state_close(&a->state);
}

int command_failed(const struct command *c)
{
	return c->why.code ? c->why.code : EXIT_REFUSED;
}

/* jansson makes no text of a name that is not UTF-8. */
int json_print(json_t *data)
{
	if (!data) {
		note("cannot be said in JSON; a name may not be UTF-8");
		return EXIT_REFUSED;
	}
	json_dumpf(data, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(data);
	return EXIT_DONE;
}

const char *count_text(unsigned long long n, char *buf, size_t size)
{
	static const char units[] = " kMGTPE";
	double scaled = n;
	unsigned int unit = 0;

	for (; scaled >= 9999.5; scaled /= 1000)
		unit++;
	if (unit)
		snprintf(buf, size, "%.*f%c", scaled < 99.95 ? 1 : 0, scaled, units[unit]);
	else
		snprintf(buf, size, "%llu", n);
	return buf;
}

static int show_config(struct command *c, const struct applied *a, const char *name)
{
	if (name)
		return show_former(c, a, name);
	if (c->json)
		model_print_json(&a->model, stdout);
	else
		model_print(&a->model, MODEL_PRINT_USER, stdout);
	return EXIT_DONE;
}

static const struct noun {
	const char *name;
	int (*show)(struct command *c, const struct applied *a, const char *name);
} nouns[] = {
	{ "config", show_config },   { "filter", show_filter }, { "service", show_service },
	{ "backend", show_backend }, { "set", show_set },	{ "interface", show_interface },
	{ "flow", show_flow },	     { "drops", show_drops },
};

#define NOUNS (sizeof(nouns) / sizeof(*nouns))

static const struct noun *find_noun(const char *name, struct failure *why)
{
	const char *names[NOUNS + 1] = {};
	const char *near;

	for (size_t i = 0; i < NOUNS; i++) {
		if (!strcmp(nouns[i].name, name))
			return &nouns[i];
		names[i] = nouns[i].name;
	}
	near = diag_suggest(name, names);
	fail(why, EXIT_USAGE, "there is no \"show %s\"; %s%s%s", name,
	     near ? "did you mean \""
		  : "it shows config, filter, service, backend, set, interface, flow and drops",
	     near ? near : "", near ? "\"?" : "");
	return NULL;
}

/* The noun is one of them. */
static int most_arguments(const struct noun *noun)
{
	if (noun->show == show_flow)
		return 9;
	return noun->show == show_set ? 3 : 2;
}

int cmd_show(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	const struct noun *noun = find_noun(c->args_count ? c->args[0] : "config", &c->why);

	if (noun && c->args_count > most_arguments(noun))
		fail(&c->why, EXIT_USAGE, "usage: weir show %s [NAME]", noun->name);
	if (!noun || c->why.message || applied_open(&a, c))
		return command_failed(c);
	return noun->show(c, &a, c->args_count > 1 ? c->args[1] : NULL);
}
