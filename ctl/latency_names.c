// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is measured and what it is called; and what is said to who asks for
 * something else.
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "latency_commands.h"
#include "own.h"

/* Enough to suggest one of; there may be a million backends. */
#define NAMES_MOST 4096

static bool is_asked_for(const struct applied *a, unsigned int measures)
{
	for (size_t i = 0; i < a->model.interfaces_count; i++) {
		if (a->model.interfaces[i].measure & measures)
			return true;
	}
	return false;
}

bool latency_is_measured(const struct applied *a, struct command *c)
{
	if (is_asked_for(a, 1U << MEASURE_RTT | 1U << MEASURE_PATH))
		return true;
	if (is_asked_for(a, ~0U))
		fail(&c->why, EXIT_PRECONDITION,
		     "no interface has \"measure rtt\" or \"measure path\"; add one to an "
		     "interface block and apply; what is lost is in \"weir show drops\"");
	else
		fail(&c->why, EXIT_PRECONDITION,
		     "nothing is measured; write \"measure\" in an interface block and apply");
	return false;
}

/* An interface of the configuration that is not timed: says so. Returns whether it is one. */
static bool is_untimed(const struct applied *a, struct command *c, const char *name)
{
	const struct interface *config = interface_for(&a->model, name);
	bool is_here = if_nametoindex(name);

	if (!config || (!is_here && strcmp(config->pattern, name) != 0))
		return false;
	if (!(config->measure & 1U << MEASURE_RTT))
		fail(&c->why, EXIT_PRECONDITION,
		     "%s has no \"measure rtt\"; add it to its interface block and apply", name);
	else if (is_here)
		fail(&c->why, EXIT_PRECONDITION, "%s is not measured yet: \"weir attach %s\"", name,
		     name);
	else
		fail(&c->why, EXIT_NOT_FOUND, "there is no interface %s now", name);
	return true;
}

bool latency_is_timed(const struct applied *a, struct command *c, const char *name)
{
	if (is_asked_for(a, 1U << MEASURE_RTT))
		return true;
	if (!name || !is_untimed(a, c, name))
		fail(&c->why, EXIT_PRECONDITION,
		     "no interface has \"measure rtt\"; add it to an interface block and apply");
	return false;
}

struct names {
	const char **list; /* NULL-terminated; NULL: no memory, and no suggestion */
	size_t count;
	char interface[64][IFNAMSIZ];
};

static void add_name(struct names *n, const char *name)
{
	if (n->list && n->count < NAMES_MOST)
		n->list[n->count++] = name;
}

static void add_interfaces(struct names *n, const struct applied *a)
{
	struct measured m = {};

	for (size_t i = 0; i < 64 && measured_next(a, &m); m.slot++, i++) {
		memcpy(n->interface[i], m.name, IFNAMSIZ);
		add_name(n, n->interface[i]);
	}
}

static void add_groups(struct names *n, const struct applied *a)
{
	for (size_t g = 0; g < model_groups_count(&a->model); g++)
		add_name(n, model_group(&a->model, g).name);
	for (size_t g = 0; g < model_groups_count(&a->model); g++) {
		const struct backend_group group = model_group(&a->model, g);

		for (size_t b = 0; b < group.backends_count && n->count < NAMES_MOST; b++)
			add_name(n, group.backends[b].name);
	}
}

static int not_found(struct command *c, const struct names *n, const char *what, const char *name)
{
	const char *near = n->list ? diag_suggest(name, n->list) : NULL;

	return fail(&c->why, EXIT_NOT_FOUND, "%s is called \"%s\"%s%s%s", what, name,
		    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int latency_not_found(struct command *c, const struct applied *a, const char *name)
{
	OWN_FREE const char **list = calloc(NAMES_MOST + 1, sizeof(*list));
	struct names names = { .list = list };

	if (is_untimed(a, c, name))
		return -1;
	add_interfaces(&names, a);
	add_groups(&names, a);
	return not_found(c, &names, "no measured interface, no service, no pool and no backend",
			 name);
}

static bool is_group_or_backend(const struct applied *a, const char *name)
{
	for (size_t g = 0; g < model_groups_count(&a->model); g++) {
		const struct backend_group group = model_group(&a->model, g);

		if (!strcmp(group.name, name))
			return true;
		for (size_t b = 0; b < group.backends_count; b++) {
			if (!strcmp(group.backends[b].name, name))
				return true;
		}
	}
	return false;
}

int latency_no_interface(struct command *c, const struct applied *a, const char *name)
{
	OWN_FREE const char **list = calloc(NAMES_MOST + 1, sizeof(*list));
	struct names names = { .list = list };

	if (is_untimed(a, c, name))
		return -1;
	if (is_group_or_backend(a, name))
		return fail(&c->why, EXIT_USAGE,
			    "heat maps are kept of interfaces, not of services and backends; "
			    "\"weir top latency %s -w 60\" shows each minute what came in then",
			    name);
	add_interfaces(&names, a);
	return not_found(c, &names, "no measured interface", name);
}
