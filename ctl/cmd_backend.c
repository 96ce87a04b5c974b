// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend: change one backend of the applied configuration, live. What follows
 * is an apply like any other: flows stay, the history has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balance_show.h"
#include "balance_slots.h"
#include "command.h"
#include "edit_backend.h"
#include "heap.h"
#include "note.h"
#include "own.h"
#include "session.h"
#include "stored.h"

#define USAGE "usage: weir backend set SERVICE BACKEND weight N | drain|undrain SERVICE BACKEND"

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

static int read_weight(struct command *c, struct backend_change *change)
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

static int read_change(struct command *c, struct backend_change *change)
{
	static const char *const verbs[] = { "set", "drain", "undrain", NULL };
	const char *verb = c->args[0], *near;

	*change = (struct backend_change){ .weight = -1, .drain = -1 };
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

static void make_change(struct backend *b, const struct backend_change *change)
{
	if (change->weight >= 0)
		b->weight = change->weight;
	if (change->drain >= 0)
		b->drain = change->drain;
}

/*
 * What is in force, beside the model that changes: the same but for the
 * backends of one group, of which it has its own.
 */
struct former_model {
	struct model model; /* borrows the rest */
	struct pool *pools;
	struct service *services;
	struct backend *backends;
	char *source;
};

static void own_former(struct former_model *f)
{
	free(f->pools);
	free(f->services);
	free(f->backends);
	free(f->source);
}

static void *copy_list(const void *list, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);

	return copy && count ? memcpy(copy, list, count * size) : copy;
}

/* Sets of files have their elements elsewhere; such a model is read again. */
static bool can_share(const struct model *m)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		if (m->sets[i].file)
			return false;
	}
	return true;
}

/* Before @m changes. Returns 0 or -ENOMEM. */
static int remember(const struct model *m, const struct backend_group *group,
		    struct former_model *out)
{
	out->model = *m;
	out->pools = copy_list(m->pools, m->pools_count, sizeof(*m->pools));
	out->services = copy_list(m->services, m->services_count, sizeof(*m->services));
	out->backends = copy_list(group->backends, group->backends_count, sizeof(*group->backends));
	if (!out->pools || !out->services || !out->backends)
		return -ENOMEM;
	for (size_t i = 0; i < m->pools_count; i++) {
		if (m->pools[i].backends == group->backends)
			out->pools[i].backends = out->backends;
	}
	for (size_t i = 0; i < m->services_count; i++) {
		if (m->services[i].backends == group->backends)
			out->services[i].backends = out->backends;
	}
	out->model.pools = out->pools;
	out->model.services = out->services;
	return 0;
}

/* Where the text has no such place, as when JSON was applied, all of it is printed. */
static void edit_source(struct model *m, const struct backend *b,
			const struct backend_change *change, struct former_model *former)
{
	char *edited = NULL;
	size_t size = 0;

	if (m->source &&
	    edit_backend(m->source, m->source_bytes, b, change, &edited, &size) == -ENOENT)
		note("the applied text is written anew, without comments: backend %s was not found "
		     "where it stood",
		     b->name);
	former->source = m->source;
	m->source = edited;
	m->source_bytes = size;
}

/* What the parser asks of a configuration, of the one group that changes. */
static int check_live(const struct backend_group *g, struct failure *why)
{
	const char *kind = g->is_pool ? "pool" : "service";
	size_t live = 0;

	for (size_t i = 0; i < g->backends_count; i++)
		live += slots_weight(&g->backends[i]) != 0;
	if (live > WEIR_MAX_RING_BACKENDS)
		return fail(why, EXIT_USAGE,
			    "%s %s would have %zu backends that are not drained; the limit is %d, "
			    "drain another first",
			    kind, g->name, live, WEIR_MAX_RING_BACKENDS);
	if (!live)
		note("all backends of %s %s are drained or have weight 0 now, so new flows get "
		     "none; give one a weight, or undrain it",
		     kind, g->name);
	return 0;
}

static int plan_with(struct session *s, struct command *c, const struct backend_change *change,
		     struct former_model *former)
{
	/* Interfaces and routes that came or went meanwhile are left to apply. */
	struct plan_scope scope = { .keeps_routes = true };
	struct backend_group group;
	struct backend *backend = find_backend(&s->model, c->args[1], c->args[2], &c->why);

	if (!backend || balance_group(&s->model, c->args[1], &group, &c->why))
		return -1;
	if (can_share(&s->model)) {
		if (remember(&s->model, &group, former))
			return fail_errno(&c->why, ENOMEM, "cannot plan");
		scope.old = &former->model;
	}
	edit_source(&s->model, backend, change, former);
	make_change(backend, change);
	if (check_live(&group, &c->why))
		return -1;
	return plan_make(&s->plan, &s->state, &s->host, &s->model, &scope, &c->why);
}

static int plan_change(struct session *s, struct command *c, const struct backend_change *change,
		       struct former_model *former)
{
	heap_prepare();
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
	return plan_with(s, c, change, former);
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
	OWN(own_former) struct former_model former = {};
	OWN(session_close) struct session s = SESSION_NONE;
	struct backend_change change;
	char words[2 * NAME_BYTES + 64];

	if (read_change(c, &change) || plan_change(&s, c, &change, &former))
		return command_failed(c);
	snprintf(words, sizeof(words), "backend %s %s %s%s%s", c->args[0], c->args[1], c->args[2],
		 change.weight >= 0 ? " weight " : "", change.weight >= 0 ? c->args[4] : "");
	if (put_in_force(&s, c, words))
		return command_failed(c);
	return report(&s, c);
}
