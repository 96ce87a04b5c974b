// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "balance_show.h"
#include "diag.h"
#include "own.h"

/* Services first: who has a pool of the same name means what packets come to. */
static bool find_group(const struct model *m, const char *name, struct backend_group *out)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		if (strcmp(s->name, name) != 0)
			continue;
		*out = model_group(m, service_group(m, i));
		return true;
	}
	for (size_t i = 0; i < m->pools_count; i++) {
		if (strcmp(m->pools[i].name, name) != 0)
			continue;
		*out = model_group(m, i);
		return true;
	}
	return false;
}

int balance_group(const struct model *m, const char *name, struct backend_group *out,
		  struct failure *why)
{
	size_t groups = model_groups_count(m);
	OWN_FREE const char **names = NULL;
	const char *near = NULL;

	if (find_group(m, name, out))
		return 0;
	names = calloc(groups + 1, sizeof(*names));
	for (size_t i = 0; names && i < groups; i++)
		names[i] = model_group(m, i).name;
	if (names)
		near = diag_suggest(name, names);
	return fail(why, EXIT_NOT_FOUND, "there is no service and no pool \"%s\"; %s%s%s", name,
		    near ? "did you mean \"" : "\"weir show service\" lists services",
		    near ? near : "", near ? "\"?" : "");
}
