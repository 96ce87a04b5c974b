// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Round trips of the last interval: histograms only grow, so that what one has
 * more than at the last reading is what came since.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "latency_commands.h"
#include "losses.h"
#include "own.h"
#include "path_show.h"
#include "top.h"
#include "watch.h"

/* There may be a million backends; those without a sample have no row. */
#define ROWS_MOST 2000

struct row {
	struct latency_row is; /* all there is; its names are those below */
	char name[NAME_BYTES], part[NAME_BYTES];
	struct hist fresh; /* what came since the last reading */
};

struct rows {
	struct row *list; /* owned */
	size_t count, left_out;
};

struct top {
	struct command *c;
	const char *only;
	struct top_span span;
	bool with_path, is_timed;
	struct rows now, before;
	struct losses losses, losses_all; /* fresh; as they were read */
	struct path_rows path;
	struct blame blame[BLAMES];
	bool utf8;
	int error;
};

static void rows_free(struct rows *r)
{
	free(r->list);
	*r = (struct rows){};
}

static bool is_same(const struct row *r, const struct latency_row *other)
{
	return r->is.of == other->of && !strcmp(r->name, other->name) &&
	       !strcmp(r->part, other->part) && !strcmp(r->is.kind, other->kind);
}

/* Rows keep their order, so that the one that is looked for is seldom far from @at. */
static const struct hist *find_before(const struct rows *before, size_t at,
				      const struct latency_row *r)
{
	static const struct hist none;

	for (size_t i = 0; i < before->count; i++) {
		const struct row *row = &before->list[(at + i) % before->count];

		if (is_same(row, r))
			return &row->is.hist;
	}
	return &none;
}

static void add_row(void *arg, const struct latency_row *r)
{
	struct top *t = arg;
	struct rows *now = &t->now;
	struct row *grown, *row;

	if (!r->hist.count || t->error)
		return;
	if (now->count == ROWS_MOST) {
		now->left_out++;
		return;
	}
	if (!(now->count & (now->count - 1))) {
		grown = reallocarray(now->list, now->count ? 2 * now->count : 1, sizeof(*grown));
		if (!grown) {
			t->error = -ENOMEM;
			return;
		}
		now->list = grown;
	}
	row = &now->list[now->count];
	row->is = *r;
	snprintf(row->name, sizeof(row->name), "%s", r->name);
	snprintf(row->part, sizeof(row->part), "%s", r->part);
	row->is.name = row->is.part = NULL; /* the list may move */
	hist_since(&r->hist, find_before(&t->before, now->count, r), &row->fresh);
	now->count++;
}

static struct latency_row fresh_row(const struct row *r)
{
	struct latency_row fresh = r->is;

	fresh.name = r->name;
	fresh.part = r->part;
	fresh.hist = r->fresh;
	return fresh;
}

static int find_blame(struct top *t, const struct applied *a, struct failure *why)
{
	OWN(path_free) struct path_rows now = {};
	struct path_rows fresh = {};
	struct hist rtt = {};

	if (path_read(a, &now, why))
		return -1;
	if (path_since(&now, &t->path, &fresh))
		return fail_errno(why, ENOMEM, "cannot compare the histograms of the path");
	for (size_t i = 0; i < t->now.count; i++) {
		const struct latency_row row = fresh_row(&t->now.list[i]);

		if (row.of == LATENCY_INTERFACE && latency_is_of_the_network(&row))
			hist_add(&rtt, &row.hist);
	}
	blame_make(&fresh, t->is_timed ? &rtt : NULL, t->blame);
	free(fresh.list);
	path_free(&t->path);
	t->path = now;
	now = (struct path_rows){};
	return 0;
}

static int read_losses(struct top *t, const struct applied *a, struct failure *why)
{
	OWN(losses_free) struct losses now = {}, before = t->losses_all;

	t->losses_all = (struct losses){};
	if (losses_read(a, t->only, &now) || losses_copy(&now, &t->losses_all))
		return fail_errno(why, ENOMEM, "cannot read what was lost");
	losses_since(&now, &before);
	losses_free(&t->losses);
	t->losses = now;
	now = (struct losses){};
	return 0;
}

static int read_rows(void *arg, const struct applied *a, bool is_other, struct failure *why)
{
	struct top *t = arg;
	const struct latency_wanted wanted = { .only = t->only };
	size_t found;

	if (is_other &&
	    !(t->only ? latency_is_timed(a, t->c, t->only) : latency_is_measured(a, t->c)))
		return -1;
	top_read(&t->span);
	rows_free(&t->before);
	t->before = t->now;
	t->now = (struct rows){};
	found = latency_interfaces(a, &wanted, add_row, t);
	t->is_timed = found || t->only;
	found += latency_services(a, &wanted, add_row, t);
	if (t->error)
		return fail_errno(why, t->error, "cannot keep the round trips");
	if (!found && t->only)
		return latency_not_found(t->c, a, t->only);
	t->with_path = !t->only && path_is_wanted(&a->model);
	if (t->with_path && find_blame(t, a, why))
		return -1;
	return read_losses(t, a, why);
}

static void row_name(const struct row *r, char name[2 * NAME_BYTES + 4])
{
	if (r->is.of == LATENCY_BACKEND)
		snprintf(name, 2 * NAME_BYTES + 4, "  %s", r->part);
	else
		snprintf(name, 2 * NAME_BYTES + 4, "%s%s%s", r->name, *r->part ? "  " : "",
			 r->part);
}

static void print_rows(const struct top *t, const char *span, FILE *out)
{
	struct latency_table table = { .out = out, .utf8 = t->utf8, .none = "none" };
	char name[2 * NAME_BYTES + 4], title[64];

	snprintf(title, sizeof(title), "Round trips, %s", span);
	table.name_width = (int)strlen(title);
	for (size_t i = 0; i < t->now.count; i++) {
		row_name(&t->now.list[i], name);
		if ((int)strlen(name) > table.name_width)
			table.name_width = (int)strlen(name);
	}
	latency_table_head(&table, title);
	for (size_t i = 0; i < t->now.count; i++) {
		const struct row *r = &t->now.list[i];

		row_name(r, name);
		latency_table_row(&table, name, r->is.kind, &r->fresh);
	}
	if (!t->now.count)
		fputs("no samples yet\n", out);
	if (t->now.left_out)
		fprintf(out, "and %zu more; name a service or an interface\n", t->now.left_out);
}

static void print_top(void *arg, FILE *out)
{
	struct top *t = arg;
	char span[40];

	top_span_text(&t->span, span, sizeof(span));
	if (t->with_path && blame_most(t->blame) >= 0) {
		blame_print(t->blame, out);
		fputc('\n', out);
	}
	if (t->is_timed)
		print_rows(t, span, out);
	else
		fputs("Round trips: no interface has \"measure rtt\"; add it to an interface block "
		      "and apply\n",
		      out);
	if (!t->losses.count)
		return;
	fputc('\n', out);
	losses_print(&t->losses, out);
}

static json_t *top_json(void *arg)
{
	struct top *t = arg;
	json_t *list = json_array();
	json_t *o = json_pack("{s:o,s:o}", "latency", list, "losses", losses_json(&t->losses));

	for (size_t i = 0; i < t->now.count; i++) {
		const struct latency_row fresh = fresh_row(&t->now.list[i]);

		json_array_append_new(list, latency_json(&fresh));
	}
	if (t->with_path)
		json_object_set_new(o, "where", blame_json(t->blame));
	return o;
}

int top_latency(struct command *c, const char *name)
{
	struct top t = { .c = c, .only = name, .utf8 = heat_style_for(stdout) == HEAT_COLOUR };
	const struct watched what = { read_rows, print_top, top_json,
				      "name an interface or a service", &t };
	int code = watch_run(c, &what);

	rows_free(&t.now);
	rows_free(&t.before);
	losses_free(&t.losses);
	losses_free(&t.losses_all);
	path_free(&t.path);
	return code;
}
