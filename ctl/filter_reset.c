// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reset filter: counters of rules to zero.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "filter_show.h"
#include "own.h"
#include "stored.h"

int applied_open_to_reset(struct applied *a, struct command *c)
{
	struct applied there = APPLIED_NONE;
	int error = state_open(&there.state, c->instance, &c->why);

	applied_close(&there);
	if (error || state_open_to_write(&a->state, c->instance, &c->why))
		return -1;
	return stored_model(a->state.image, &a->model, &c->why);
}

/* Returns how many counters were reset. The default has the name "default". */
static int reset(struct filter_walk *w, const struct counters *counters, const char *rule)
{
	int count = 0;

	for (size_t i = 0; i <= w->filter->rules_count; i++) {
		bool is_default = i == w->filter->rules_count;
		const char *name = is_default ? "default" : w->filter->rules[i].name;

		/* A rule may be called "default", too; then it is meant, and is the first. */
		if (rule && (strcmp(rule, name) != 0 || (is_default && count)))
			continue;
		rule_counter_reset(counters, w->counted[i].id);
		count++;
	}
	return count;
}

static int refuse_rule(const struct filter *f, const char *rule, struct failure *why)
{
	OWN_FREE const char **names = calloc(f->rules_count + 2, sizeof(*names));
	const char *near;

	for (size_t i = 0; names && i < f->rules_count; i++)
		names[i] = f->rules[i].name;
	if (names)
		names[f->rules_count] = "default";
	near = names ? diag_suggest(rule, names) : NULL;
	return fail(why, EXIT_NOT_FOUND, "filter \"%s\" has no rule \"%s\"; %s%s%s", f->name, rule,
		    near ? "did you mean \"" : "\"weir show filter\" lists them", near ? near : "",
		    near ? "\"?" : "");
}

static int reset_all(struct command *c, const struct applied *a, const char *name, const char *rule)
{
	OWN(counters_close) struct counters counters = {};
	struct filter_walk walk = FILTER_WALK(a, name);
	int error = counters_open(&counters, a->state.maps.fd[WEIR_MAP_RULES]), total = 0;

	if (error)
		return fail_errno(&c->why, error, "cannot read the counters");
	while (filter_next(&walk)) {
		int count = reset(&walk, &counters, rule);

		if (rule && !count)
			return refuse_rule(walk.filter, rule, &c->why);
		total += count;
	}
	return total;
}

int cmd_reset(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	const char *name = c->args_count > 1 ? c->args[1] : NULL;
	int total;

	if (strcmp(c->args[0], "filter") != 0) {
		fail(&c->why, EXIT_USAGE, "there is no \"reset %s\"; it resets filter", c->args[0]);
		return command_failed(c);
	}
	if (applied_open_to_reset(&a, c) || filter_need(&a, name, &c->why))
		return command_failed(c);
	total = reset_all(c, &a, name, c->args_count > 2 ? c->args[2] : NULL);
	if (total < 0)
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:i}", "reset", total));
	printf("%d counter%s set to zero.\n", total, total == 1 ? "" : "s");
	return EXIT_DONE;
}
