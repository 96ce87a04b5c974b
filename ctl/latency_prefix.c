// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency --prefix: round trips to clients by their network.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "latency_commands.h"
#include "own.h"

static int check(struct command *c, const struct applied *a)
{
	if (!latency_is_timed(a, c, NULL))
		return -1;
	if (a->model.latency.v4_bits)
		return 0;
	return fail(&c->why, EXIT_PRECONDITION,
		    "nothing is measured by prefix; write \"latency { prefix 24 48 }\", with the "
		    "lengths of IPv4 and IPv6 that you want, and apply");
}

struct names {
	char (*list)[PREFIX_TEXT_BYTES]; /* owned */
	size_t count;
};

static void add_name(void *arg, const struct latency_row *r)
{
	struct names *n = arg;
	char(*grown)[PREFIX_TEXT_BYTES] = reallocarray(n->list, n->count + 1, sizeof(*grown));

	if (!grown)
		return;
	n->list = grown;
	snprintf(n->list[n->count++], PREFIX_TEXT_BYTES, "%s", r->name);
}

static int not_found(struct command *c, const struct applied *a, const char *wanted)
{
	struct names n = {};
	const char **names, *near;

	latency_prefixes_each(a, NULL, add_name, &n);
	names = calloc(n.count + 1, sizeof(*names));
	for (size_t i = 0; names && i < n.count; i++)
		names[i] = n.list[i];
	near = names ? diag_suggest(wanted, names) : NULL;
	fail(&c->why, EXIT_NOT_FOUND,
	     "no client of \"%s\" was timed, by prefixes of /%u and /%u; %s%s%s", wanted,
	     a->model.latency.v4_bits, a->model.latency.v6_bits,
	     near ? "did you mean \"" : "\"weir latency --prefix\" lists them", near ? near : "",
	     near ? "\"?" : "");
	free(names);
	free(n.list);
	return -1;
}

/* That of @wanted with its bars, or a line for each. Returns how many, or -1 with c->why. */
static int show(struct command *c, const struct applied *a, const char *wanted,
		struct latency_shown *shown)
{
	char buf[PREFIX_TEXT_BYTES];
	const char *only = wanted ? latency_prefix_name(&a->model, wanted, buf) : NULL;
	int count = 0;

	if (!wanted && !c->json)
		latency_table_head(&shown->table, "Round trips by client");
	if (!wanted || only)
		count = latency_prefixes_each(
			a, only, wanted ? latency_show_whole : latency_show_row, shown);
	if (count < 0)
		return fail_errno(&c->why, count, "cannot read the prefixes");
	return wanted && !count ? not_found(c, a, wanted) : count;
}

int latency_by_prefix(struct command *c, const struct applied *a)
{
	const char *wanted = c->args_count ? c->args[0] : NULL;
	struct latency_shown shown;
	int count;

	if (check(c, a))
		return command_failed(c);
	shown = latency_shown_for(c, a);
	count = show(c, a, wanted, &shown);
	if (count < 0) {
		json_decref(shown.list);
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:o}", "latency", shown.list));
	if (!count)
		puts("no samples yet");
	return EXIT_DONE;
}
