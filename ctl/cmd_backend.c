// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend: change one backend of the applied configuration, live. What follows
 * is an apply like any other: flows stay, the history has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "balance_show.h"
#include "command.h"
#include "heap.h"
#include "own.h"
#include "session.h"
#include "stored.h"

#define USAGE "usage: weir backend set SERVICE BACKEND weight N | drain|undrain SERVICE BACKEND"

/* What is asked for; -1: as it is. */
struct change {
	long weight;
	int drain;
};

/* Of the backends that @name means, the one called @backend. */
static struct backend *find_backend(struct model *m, const char *name, const char *backend,
				    struct failure *why)
{
	struct backend_group group;
	OWN_FREE const char **names = NULL;
	const char *near = NULL;
	struct backend *list;

	if (balance_group(m, name, &group, why))
		return NULL;
	list = group.backends;
	names = calloc(group.backends_count + 1, sizeof(*names));
	for (size_t i = 0; i < group.backends_count; i++) {
		if (!strcmp(list[i].name, backend))
			return &list[i];
		if (names)
			names[i] = list[i].name;
	}
	if (names)
		near = diag_suggest(backend, names);
	fail(why, EXIT_NOT_FOUND, "%s %s has no backend \"%s\"; %s%s%s",
	     group.is_pool ? "pool" : "service", group.name, backend,
	     near ? "did you mean \"" : "\"weir show backend\" lists them", near ? near : "",
	     near ? "\"?" : "");
	return NULL;
}

static int read_weight(struct command *c, struct change *change)
{
	const char *text = c->args[4];
	char *end;

	change->weight = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || change->weight > WEIGHT_MAX)
		return fail(&c->why, EXIT_USAGE,
			    "\"weight %s\": write a number from 0 to %d; 0 gives it no new flow",
			    text, WEIGHT_MAX);
	return 0;
}

static int read_change(struct command *c, struct change *change)
{
	static const char *const verbs[] = { "set", "drain", "undrain", NULL };
	const char *verb = c->args[0], *near;

	*change = (struct change){ .weight = -1, .drain = -1 };
	if (!strcmp(verb, "set") && c->args_count == 5 && !strcmp(c->args[3], "weight"))
		return read_weight(c, change);
	if (c->args_count == 3 && (!strcmp(verb, "drain") || !strcmp(verb, "undrain"))) {
		change->drain = !strcmp(verb, "drain");
		return 0;
	}
	near = diag_suggest(verb, verbs);
	if (near && strcmp(near, verb) != 0)
		return fail(&c->why, EXIT_USAGE, "\"%s\": did you mean \"backend %s\"?", verb,
			    near);
	return fail(&c->why, EXIT_USAGE, USAGE);
}

static void make_change(struct backend *b, const struct change *change)
{
	if (change->weight >= 0)
		b->weight = change->weight;
	if (change->drain >= 0)
		b->drain = change->drain;
}

/* The user's own text does not say this any more. */
static void drop_source(struct model *m)
{
	free(m->source);
	m->source = NULL;
	m->source_bytes = 0;
}

static int plan_change(struct session *s, struct command *c, const struct change *change)
{
	/* Interfaces and routes that came or went meanwhile are left to apply. */
	const struct plan_scope scope = { .keeps_routes = true };
	OWN(ahead_close) struct ahead *ahead = NULL;
	struct backend *backend;
	int error;

	heap_prepare();
	ahead = ahead_begin(c->instance);
	if (session_open(s, c->instance, &c->why))
		return -1;
	if (!s->state.image) {
		session_drop_if_empty(s);
		return fail(
			&c->why, EXIT_NOT_FOUND,
			"nothing is applied in this network namespace; \"weir apply FILE\" does "
			"it");
	}
	if (stored_model(s->state.image, &s->model, &c->why))
		return -1;
	backend = find_backend(&s->model, c->args[1], c->args[2], &c->why);
	if (!backend)
		return -1;
	make_change(backend, change);
	drop_source(&s->model);
	s->state.ahead = ahead;
	error = plan_make(&s->plan, &s->state, &s->host, &s->model, &scope, &c->why);
	s->state.ahead = NULL;
	return error;
}

static int report(const struct session *s, const struct command *c)
{
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:b,s:s}", "service", c->args[1], "backend",
					    c->args[2], "changed", s->plan.diff.changed != 0,
					    "difference",
					    s->plan.diff_text ? s->plan.diff_text : ""));
	if (!s->plan.diff.changed)
		printf("Nothing to change.\n");
	else
		fputs(s->plan.diff_text, stdout);
	if (c->confirm)
		printf("Unconfirmed: the former configuration comes back in %s; \"weir confirm\" "
		       "keeps this one.\n",
		       c->confirm);
	return EXIT_DONE;
}

int cmd_backend(struct command *c)
{
	OWN(session_close) struct session s = SESSION_NONE;
	struct change change;
	char words[2 * NAME_BYTES + 64];

	if (read_change(c, &change) || plan_change(&s, c, &change))
		return command_failed(c);
	snprintf(words, sizeof(words), "backend %s %s %s%s%s", c->args[0], c->args[1], c->args[2],
		 change.weight >= 0 ? " weight " : "", change.weight >= 0 ? c->args[4] : "");
	if (put_in_force(&s, c, words))
		return command_failed(c);
	return report(&s, c);
}
