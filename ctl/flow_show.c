// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balance_show.h"
#include "image.h"
#include "own.h"
#include "parser_value.h"
#include "weir/nat.h"

#define USAGE "usage: weir show flow [NAME] [backend NAME] [client ADDRESS] [state STATE] [nat|pin]"

static void own_view(struct flow_view *v)
{
	free(v->backends);
	json_decref(v->list);
	json_decref(v->notes);
}

static int name_backends(struct flow_view *v)
{
	const struct model *m = &v->applied->model;
	const struct weir_image *image = v->applied->state.image;
	const struct weir_backend *row =
		IMAGE_AT(image, image->backends_offset, struct weir_backend);

	v->backends_count = image->backend_by_id_count;
	v->backends = calloc(v->backends_count + 1, sizeof(*v->backends));
	if (!v->backends)
		return -ENOMEM;
	for (size_t g = 0; g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);

		for (size_t b = 0; b < group.backends_count; b++, row++)
			v->backends[row->id] = (struct flow_backend){
				.group = group.name,
				.name = group.backends[b].name,
				.addr = row->addr,
				.port = ntohs(row->port),
			};
	}
	return 0;
}

const struct flow_backend *flow_backend_wanted(const struct flow_view *v, __u32 id,
					       const char *state)
{
	const struct flow_filter *f = v->filter;
	const struct flow_backend *b = id < v->backends_count ? &v->backends[id] : NULL;

	if (!b || !b->group || (f->group && strcmp(f->group, b->group) != 0) ||
	    (f->backend && strcmp(f->backend, b->name) != 0) ||
	    (f->state && strcmp(f->state, state) != 0))
		return NULL;
	return b;
}

/* States of flows and of pins: the lists overlap. */
static int read_state(const char *word, struct flow_filter *f, struct failure *why)
{
	static const char *const names[] = {
#define X(sym, name, ...) name,
		WEIR_NAT_STATES(X) WEIR_PIN_STATES(X)
#undef X
			NULL
	};
	const char *near = diag_suggest(word, names);

	for (size_t i = 0; names[i]; i++) {
		if (!strcmp(names[i], word)) {
			f->state = names[i];
			return 0;
		}
	}
	return fail(why, EXIT_USAGE, "\"%s\" is no state of a flow; %s%s%s", word,
		    near ? "did you mean \"" : "states are opening, established, closing, open",
		    near ? near : "", near ? "\"?" : "");
}

static int read_client(const char *word, struct flow_filter *f, struct failure *why)
{
	struct problem problem = {};

	if (!value_prefix(word, &f->client, &problem))
		return fail(why, EXIT_USAGE, "client %s: %s", word, problem.message);
	f->has_client = true;
	return 0;
}

/* A service with a pool has its flows under the pool's name. */
static int read_group(const struct model *m, const char *word, struct flow_filter *f,
		      struct failure *why)
{
	struct backend_group group;

	if (balance_group(m, word, &group, why))
		return -1;
	f->group = group.name;
	return 0;
}

static int read_filter(const struct command *c, const struct model *m, struct flow_filter *f,
		       struct failure *why)
{
	for (int i = 1; i < c->args_count; i++) {
		const char *word = c->args[i],
			   *next = i + 1 < c->args_count ? c->args[i + 1] : NULL;
		int error = 0;

		if (!strcmp(word, "nat"))
			f->no_pins = true;
		else if (!strcmp(word, "pin"))
			f->no_nat = true;
		else if (next && !strcmp(word, "backend"))
			f->backend = c->args[++i];
		else if (next && !strcmp(word, "client"))
			error = read_client(c->args[++i], f, why);
		else if (next && !strcmp(word, "state"))
			error = read_state(c->args[++i], f, why);
		else if (i == 1)
			error = read_group(m, word, f, why);
		else
			error = fail(why, EXIT_USAGE, USAGE);
		if (error)
			return -1;
	}
	if (f->no_pins && f->no_nat)
		return fail(why, EXIT_USAGE,
			    "a flow is \"nat\" or a \"pin\"; leave both out for all");
	return 0;
}

/* Pins know no client: with one asked for, none is shown. */
static bool wants_pins(const struct flow_filter *f)
{
	return !f->no_pins && !f->has_client;
}

int show_flow(struct command *c, const struct applied *a, const char *name)
{
	struct flow_filter filter = {};
	OWN(own_view)
	struct flow_view v = { .applied = a, .filter = &filter };
	json_t *flows = NULL;

	(void)name;
	if (read_filter(c, &a->model, &filter, &c->why))
		return command_failed(c);
	if (name_backends(&v)) {
		fail_errno(&c->why, ENOMEM, "cannot list flows");
		return command_failed(c);
	}
	v.list = c->json ? json_array() : NULL;
	if (!filter.no_nat && nat_show_flows(&v, &c->why))
		return command_failed(c);
	flows = v.list;
	v.list = c->json ? json_array() : NULL;
	v.notes = c->json ? json_array() : NULL;
	if (wants_pins(&filter) && pin_show_flows(&v, &c->why)) {
		json_decref(flows);
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:o,s:o,s:o}", "flows", flows, "pins",
					    TAKE_PTR(v.list), "notes", TAKE_PTR(v.notes)));
	if (!v.shown)
		printf("No such flow is translated or pinned%s.\n",
		       filter.has_client && !filter.no_pins
			       ? "; pins are not looked at, they hold no "
				 "client"
			       : "");
	return EXIT_DONE;
}
