// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show filter: the rules, how often each matched, and when last.
 */
#include "filter_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "print.h"

/* "pass tcp dport 22"; freed by the caller. */
static char *rule_text(const struct rule *rule)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_rule(rule, out);
	fclose(out);
	return text;
}

static void print_heading(const struct filter_view *v, const char *name, FILE *out)
{
	fprintf(out, "filter %s\n%10s %10s", name, "PACKETS", "BYTES");
	if (v->with_rates)
		fprintf(out, " %9s %9s", "PACKETS/S", "BITS/S");
	fprintf(out, " %10s  RULE\n", "LAST");
}

static void print_counts(const struct filter_view *v, const struct rule_row *row, FILE *out)
{
	char packets[16], bytes[16], ago[32];

	fprintf(out, "%10s %10s", count_text(row->sum.packets, packets, sizeof(packets)),
		count_text(row->sum.bytes, bytes, sizeof(bytes)));
	if (v->with_rates && row->has_rates)
		fprintf(out, " %9s %9s", rate_text(row->packets_s, packets, sizeof(packets)),
			rate_text(row->bits_s, bytes, sizeof(bytes)));
	else if (v->with_rates)
		fprintf(out, " %9s %9s", "-", "-");
	fprintf(out, " %10s  ", ago_text(row->ago_s, ago, sizeof(ago)));
}

static void print_filter(const struct filter_view *v, const struct filter_walk *w, FILE *out)
{
	const struct filter *f = w->filter;

	print_heading(v, f->name, out);
	for (size_t i = 0; i <= f->rules_count; i++) {
		struct rule_row row = rule_row(&v->now, &v->before, w->counted[i].id);

		print_counts(v, &row, out);
		if (i < f->rules_count) {
			fprintf(out, "rule %s  ", f->rules[i].name);
			print_rule(&f->rules[i], out);
			fputc('\n', out);
		} else {
			fprintf(out, "default %s\n", print_action[f->default_action]);
		}
	}
}

void filters_print(const struct filter_view *v, FILE *out)
{
	struct filter_walk walk = FILTER_WALK(v->applied, v->only);
	bool is_first = true;

	while (filter_next(&walk)) {
		fputs(is_first ? "" : "\n", out);
		print_filter(v, &walk, out);
		is_first = false;
	}
	if (is_first)
		fputs("No filter is in force.\n", out);
}

/* JSON has no use for ten digits of a rate. */
static json_t *rate_json(const struct rule_row *row, double rate)
{
	return row->has_rates ? json_real((double)(__u64)(rate * 10 + 0.5) / 10) : json_null();
}

static json_t *row_json(const struct filter_view *v, __u32 id, const char *name, const char *text)
{
	struct rule_row row = rule_row(&v->now, &v->before, id);
	char when[40];
	json_t *entry = json_pack(
		"{s:I,s:I,s:o,s:s}", "packets", (json_int_t)row.sum.packets, "bytes",
		(json_int_t)row.sum.bytes, "last_hit",
		row.ago_s < 0 ? json_null() : json_string(time_text(row.ago_s, when, sizeof(when))),
		"text", text);

	if (v->with_rates) {
		json_object_set_new(entry, "packets_per_s", rate_json(&row, row.packets_s));
		json_object_set_new(entry, "bits_per_s", rate_json(&row, row.bits_s));
	}
	if (*name)
		json_object_set_new(entry, "name", json_string(name));
	return entry;
}

static json_t *filter_json(const struct filter_view *v, const struct filter_walk *w)
{
	const struct filter *f = w->filter;
	json_t *rules = json_array();

	for (size_t i = 0; i < f->rules_count; i++) {
		OWN_FREE char *text = rule_text(&f->rules[i]);

		json_array_append_new(
			rules, row_json(v, w->counted[i].id, f->rules[i].name, text ? text : "?"));
	}
	return json_pack(
		"{s:s,s:o,s:o}", "name", f->name, "rules", rules, "default",
		row_json(v, w->counted[f->rules_count].id, "", print_action[f->default_action]));
}

json_t *filters_json(const struct filter_view *v)
{
	struct filter_walk walk = FILTER_WALK(v->applied, v->only);
	json_t *list = json_array();

	while (filter_next(&walk))
		json_array_append_new(list, filter_json(v, &walk));
	return list;
}

int filter_need(const struct applied *a, const char *name, struct failure *why)
{
	struct filter_walk walk = FILTER_WALK(a, name);
	OWN_FREE const char **names = NULL;
	const char *near;

	if (!name || filter_next(&walk))
		return 0;
	names = calloc(a->model.filters_count + 1, sizeof(*names));
	for (size_t i = 0; names && i < a->model.filters_count; i++)
		names[i] = a->model.filters[i].name;
	near = names ? diag_suggest(name, names) : NULL;
	return fail(why, EXIT_NOT_FOUND, "there is no filter \"%s\" in force; %s%s%s", name,
		    near ? "did you mean \"" : "\"weir show filter\" lists them", near ? near : "",
		    near ? "\"?" : "");
}

int show_filter(struct command *c, const struct applied *a, const char *name)
{
	struct filter_view v = { .applied = a, .only = name };
	int error;

	if (filter_need(a, name, &c->why))
		return command_failed(c);
	if (c->watch_s > 0)
		return watch_filter(c, name);
	error = snapshot_take(a, name, &v.now);
	if (error) {
		fail_errno(&c->why, error, "cannot read the counters");
		return command_failed(c);
	}
	if (c->json)
		error = json_print(json_pack("{s:o}", "filters", filters_json(&v)));
	else
		filters_print(&v, stdout);
	snapshot_free(&v.now);
	return error;
}
