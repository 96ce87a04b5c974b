// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show filter --watch: the counters every few seconds, with what came between.
 */
#include "filter_show.h"
#include "watch.h"

/* Rates are between readings of one generation: in another an id may be another rule's. */
static int read_counters(void *arg, const struct applied *a, bool is_other, struct failure *why)
{
	struct filter_view *v = arg;
	int error;

	v->applied = a;
	snapshot_free(&v->before);
	if (is_other)
		snapshot_free(&v->now);
	if (is_other && filter_need(a, v->only, why))
		return -1;
	v->before = v->now;
	v->now = (struct snapshot){};
	error = snapshot_take(a, v->only, &v->now);
	return error ? fail_errno(why, error, "cannot read the counters") : 0;
}

static void print_filters(void *arg, FILE *out)
{
	filters_print(arg, out);
}

static json_t *make_json(void *arg)
{
	return json_pack("{s:o}", "filters", filters_json(arg));
}

int watch_filter(struct command *c, const char *name)
{
	struct filter_view v = { .only = name, .with_rates = true };
	const struct watched what = { read_counters, print_filters, make_json, "name a filter",
				      &v };
	int code = watch_run(c, &what);

	snapshot_free(&v.before);
	snapshot_free(&v.now);
	return code;
}
