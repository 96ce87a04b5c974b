/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters with their counters, once or again and again.
 */
#ifndef WEIR_FILTER_SHOW_H
#define WEIR_FILTER_SHOW_H

#include "filter_counters.h"

/* One reading; rates are shown where @before was taken, or @with_rates. */
struct filter_view {
	const struct applied *applied;
	const char *only; /* a filter's name; NULL: all */
	struct snapshot now, before;
	bool with_rates;
};

void filters_print(const struct filter_view *v, FILE *out);

/* An array of filters; the caller's. */
json_t *filters_json(const struct filter_view *v);

/* Show @name, or all, every c->watch_s seconds. Returns an exit code. */
int watch_filter(struct command *c, const char *name);

/* Fails where there is no filter @name in force; NULL is always there. */
int filter_need(const struct applied *a, const char *name, struct failure *why);

#endif
