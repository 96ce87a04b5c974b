// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * latency path: the stages of this host's own path.
 */
#include "latency_commands.h"
#include "own.h"
#include "path_show.h"
#include "stack_show.h"

static int path_as_json(struct command *c, const struct applied *a, const struct path_rows *rows,
			const char *only)
{
	json_t *hooks = stack_json(a, 1U << WEIR_STAGE_PATH, &c->why);

	if (!hooks)
		return command_failed(c);
	return json_print(json_pack("{s:o,s:o,s:o}", "path", path_json(rows, only), "counters",
				    path_missing_json(a), "stack", hooks));
}

int latency_path(struct command *c, const struct applied *a)
{
	OWN(path_free) struct path_rows rows = {};
	const char *only = c->args_count > 1 ? c->args[1] : NULL;

	if (!path_is_measured(&a->model, &c->why) || path_read(a, &rows, &c->why) ||
	    (only && !path_knows(&rows, only, &c->why)))
		return command_failed(c);
	if (c->json)
		return path_as_json(c, a, &rows, only);
	if (stack_print(a, 1U << WEIR_STAGE_PATH, stdout, &c->why))
		return command_failed(c);
	if (!path_print(&rows, only, stdout))
		printf("no samples yet%s%s\n", only ? " of " : "", only ? only : "");
	path_print_missing(a, stdout);
	return EXIT_DONE;
}
