// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stages of the path, and what is lost, of the last interval.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drops_show.h"
#include "own.h"
#include "path_show.h"
#include "top.h"
#include "watch.h"

struct top_path {
	struct command *c;
	const char *only;
	struct top_span span;
	struct path_rows all;
	struct path_rows fresh; /* its places are those of all */
};

static int read_path(void *arg, const struct applied *a, bool is_other, struct failure *why)
{
	struct top_path *t = arg;
	OWN(path_free) struct path_rows now = {};
	struct path_rows fresh;

	if (is_other && !path_is_measured(&a->model, why))
		return -1;
	if (path_read(a, &now, why) || (is_other && t->only && !path_knows(&now, t->only, why)))
		return -1;
	if (path_since(&now, &t->all, &fresh))
		return fail_errno(why, ENOMEM, "cannot compare the histograms of the path");
	top_read(&t->span);
	free(t->fresh.list);
	path_free(&t->all);
	t->fresh = fresh;
	t->all = now;
	now = (struct path_rows){};
	return 0;
}

static void print_path(void *arg, FILE *out)
{
	struct top_path *t = arg;
	char span[40];

	fprintf(out, "Path, %s\n", top_span_text(&t->span, span, sizeof(span)));
	if (!path_print(&t->fresh, t->only, out))
		fputs("no packets\n", out);
}

static json_t *make_path_json(void *arg)
{
	struct top_path *t = arg;

	return json_pack("{s:o}", "path", path_json(&t->fresh, t->only));
}

int top_path(struct command *c, const char *name)
{
	struct top_path t = { .c = c, .only = name };
	const struct watched what = { read_path, print_path, make_path_json, "name an interface",
				      &t };
	int code = watch_run(c, &what);

	free(t.fresh.list);
	path_free(&t.all);
	return code;
}

struct top_drops {
	struct top_span span;
	struct drops before, fresh;
	struct losses losses_before, losses;
};

static int read_losses(struct top_drops *t, const struct applied *a)
{
	OWN(losses_free) struct losses now = {}, before = t->losses_before;

	t->losses_before = (struct losses){};
	if (losses_read(a, NULL, &now) || losses_copy(&now, &t->losses_before))
		return -ENOMEM;
	losses_since(&now, &before);
	losses_free(&t->losses);
	t->losses = now;
	now = (struct losses){};
	return 0;
}

/* The kernel's names of reasons are read once. */
static int read_drops(void *arg, const struct applied *a, bool is_other, struct failure *why)
{
	struct top_drops *t = arg;
	OWN(drops_free) struct drops now = {}, before = t->before;

	t->before = (struct drops){};
	if ((is_other && !drops_are_measured(a, why)) || drops_read(a, &now, why))
		return -1;
	if (drops_copy(&now, &t->before) || read_losses(t, a))
		return fail_errno(why, ENOMEM, "cannot read what was lost");
	if (t->fresh.reasons.names)
		now.reasons = t->fresh.reasons;
	else
		drop_reasons_read(&now.reasons);
	t->fresh.reasons = (struct drop_reasons){};
	drops_since(&now, &before);
	drops_set_apart(&now);
	top_read(&t->span);
	drops_free(&t->fresh);
	t->fresh = now;
	now = (struct drops){};
	return 0;
}

static void print_drops(void *arg, FILE *out)
{
	struct top_drops *t = arg;
	char span[40];

	fprintf(out, "Losses, %s\n", top_span_text(&t->span, span, sizeof(span)));
	drops_and_losses_print(&t->fresh, &t->losses, out);
}

static json_t *make_drops_json(void *arg)
{
	struct top_drops *t = arg;

	return drops_and_losses_json(&t->fresh, &t->losses);
}

int top_drops(struct command *c, const char *name)
{
	struct top_drops t = {};
	const struct watched what = { read_drops, print_drops, make_drops_json,
				      "or see \"weir show drops\"", &t };
	int code;

	if (name) {
		fail(&c->why, EXIT_USAGE, "usage: weir top drops [-w SECONDS] [-c COUNT]");
		return command_failed(c);
	}
	code = watch_run(c, &what);
	drops_free(&t.before);
	drops_free(&t.fresh);
	losses_free(&t.losses_before);
	losses_free(&t.losses);
	return code;
}
