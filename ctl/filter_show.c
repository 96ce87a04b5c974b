// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show filter: the rules and how often each matched.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "counters.h"
#include "image.h"
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

static void print_line(const struct weir_counter *n, const char *what, const char *name,
		       const char *text)
{
	char packets[16], bytes[16];

	printf("%10s %10s  %s%s%s%s\n", count_text(n->packets, packets, sizeof(packets)),
	       count_text(n->bytes, bytes, sizeof(bytes)), what, name, *name ? "  " : " ", text);
}

static json_t *counted_json(const struct weir_counter *n, const char *name, const char *text)
{
	json_t *entry = json_pack("{s:I,s:I,s:s}", "packets", (json_int_t)n->packets, "bytes",
				  (json_int_t)n->bytes, "text", text);

	if (*name)
		json_object_set_new(entry, "name", json_string(name));
	return entry;
}

/* @counted are the filter's compiled rules, in its order, the default last. */
static void print_filter(const struct filter *f, const struct weir_rule *counted, int map,
			 const char *before)
{
	printf("%sfilter %s\n%10s %10s  RULE\n", before, f->name, "PACKETS", "BYTES");
	for (size_t i = 0; i <= f->rules_count; i++) {
		struct weir_counter n = counter_read(map, counted[i].id);
		OWN_FREE char *text = i < f->rules_count ? rule_text(&f->rules[i]) : NULL;

		if (i < f->rules_count)
			print_line(&n, "rule ", f->rules[i].name, text ? text : "?");
		else
			print_line(&n, "default", "", print_action[f->default_action]);
	}
}

static json_t *filter_json(const struct filter *f, const struct weir_rule *counted, int map)
{
	struct weir_counter last = counter_read(map, counted[f->rules_count].id);
	json_t *rules = json_array();

	for (size_t i = 0; i < f->rules_count; i++) {
		struct weir_counter n = counter_read(map, counted[i].id);
		OWN_FREE char *text = rule_text(&f->rules[i]);

		json_array_append_new(rules, counted_json(&n, f->rules[i].name, text ? text : "?"));
	}
	return json_pack("{s:s,s:o,s:o}", "name", f->name, "rules", rules, "default",
			 counted_json(&last, "", print_action[f->default_action]));
}

int show_filter(struct command *c, const struct applied *a, const char *name)
{
	const struct weir_image *image = a->state.image;
	const struct weir_rule *counted = IMAGE_AT(image, image->rules_offset, struct weir_rule);
	int map = a->state.maps.fd[WEIR_MAP_RULES];
	json_t *list = json_array();
	bool found = !name, is_first = true;

	for (size_t i = 0; i < a->model.filters_count; i++) {
		const struct filter *f = &a->model.filters[i];

		if (!name || !strcmp(name, f->name)) {
			found = true;
			if (c->json)
				json_array_append_new(list, filter_json(f, counted, map));
			else
				print_filter(f, counted, map, is_first ? "" : "\n");
			is_first = false;
		}
		counted += f->rules_count + 1;
	}
	if (c->json && found)
		return json_print(json_pack("{s:o}", "filters", list));
	json_decref(list);
	if (!found)
		fail(&c->why, EXIT_NOT_FOUND, "there is no filter \"%s\" in force", name);
	else if (is_first)
		printf("No filter is in force.\n");
	return found ? EXIT_DONE : command_failed(c);
}
