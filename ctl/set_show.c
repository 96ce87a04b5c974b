// SPDX-License-Identifier: GPL-2.0-or-later
/* show set: all of them, one with its elements, or whether an element is in. */
#include "set_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "own.h"
#include "parser_value.h"
#include "print.h"
#include "ranges.h"
#include "set.h"
#include "set_arena.h"
#include "set_change.h"
#include "set_text.h"

const struct set *set_of_model(const struct model *m, const char *name, struct failure *why)
{
	const struct set *set = model_set(m, name);
	OWN_FREE const char **names = NULL;
	const char *near = NULL;

	if (set)
		return set;
	names = calloc(m->sets_count + 1, sizeof(*names));
	for (size_t i = 0; names && i < m->sets_count; i++)
		names[i] = m->sets[i].name;
	if (names)
		near = diag_suggest(name, names);
	fail(why, EXIT_NOT_FOUND, "there is no set \"%s\"; %s%s%s", name,
	     near ? "did you mean \"" : "\"weir show set\" lists them", near ? near : "",
	     near ? "\"?" : "");
	return NULL;
}

/* What a set holds now, read so that no writer is in the way. */
struct view {
	struct weir_set *set; /* NULL: ports, which lie in the image */
	struct set_elements elements;
	size_t expired;
};

static void close_view(struct view *v)
{
	free(v->set);
	set_elements_free(&v->elements);
}

static int open_view(struct view *v, const struct arena *a, const struct set *set,
		     struct failure *why)
{
	struct set_change change = {};
	__u32 slot = arena_find(a, set->name);
	int error = 0;

	if (set->type == SET_PORT)
		return 0;
	v->set = slot == SET_NO_SLOT ? NULL : arena_snapshot(a, slot, &error);
	if (v->set)
		error = set_read(v->set, &v->elements);
	if (error || !v->set)
		return fail(why, EXIT_REFUSED, "set %s cannot be read; try again", set->name);
	set_expire(&v->elements, &change);
	v->expired = change.expired;
	return 0;
}

static size_t count_expiring(const struct view *v)
{
	size_t count = 0;

	for (size_t i = 0; i < v->elements.count; i++)
		count += v->elements.list[i].expires != 0;
	return count;
}

static json_t *row_json(const struct set *set, const struct view *v)
{
	json_t *row = json_pack(
		"{s:s,s:s,s:I,s:I,s:I}", "name", set->name, "type", print_set_type[set->type],
		"count", (json_int_t)(v->set ? v->elements.count : set->elements_count), "expiring",
		(json_int_t)count_expiring(v), "bytes", (json_int_t)(v->set ? v->set->bytes : 0));

	if (row && set->file)
		json_object_set_new(row, "file", json_string(set->file));
	return row;
}

static void print_row(const struct set *set, const struct view *v)
{
	char memory[32];

	count_text(v->set ? v->set->bytes : 0, memory, sizeof(memory));
	printf("%-24s %-12s %9zu %9zu %8sB  %s\n", set->name, print_set_type[set->type],
	       v->set ? v->elements.count : set->elements_count, count_expiring(v), memory,
	       set->file ? set->file : "");
}

static int list_sets(struct command *c, const struct applied *a, const struct arena *arena)
{
	json_t *list = json_array();

	if (!c->json)
		printf("%-24s %-12s %9s %9s %9s  %s\n", "set", "type", "elements", "expiring",
		       "memory", "file");
	for (size_t i = 0; i < a->model.sets_count; i++) {
		OWN(close_view) struct view v = {};

		if (open_view(&v, arena, &a->model.sets[i], &c->why)) {
			json_decref(list);
			return command_failed(c);
		}
		if (c->json)
			json_array_append_new(list, row_json(&a->model.sets[i], &v));
		else
			print_row(&a->model.sets[i], &v);
	}
	if (c->json)
		return json_print(json_pack("{s:o,s:I,s:I}", "sets", list, "bytes_used",
					    (json_int_t)arena_used(arena), "bytes",
					    (json_int_t)arena->bytes));
	json_decref(list);
	printf("Memory: %zu KiB of %zu KiB.\n", (arena_used(arena) + 1023) / 1024,
	       arena->bytes / 1024);
	return EXIT_DONE;
}

static json_t *element_json(enum set_type type, const struct set_element *e, __u32 now)
{
	char text[SET_TEXT_BYTES];
	json_t *o = json_pack("{s:s,s:b}", "element", set_element_text(type, e, text), "live",
			      e->is_live);

	if (e->expires)
		json_object_set_new(o, "expires_s",
				    json_integer(set_seconds_left(e->expires, now)));
	if (e->comment)
		json_object_set_new(o, "comment", json_string(e->comment));
	return o;
}

/* As a line of a set's file, so that what is shown can be loaded. */
static void print_element(enum set_type type, const struct set_element *e, __u32 now)
{
	char text[SET_TEXT_BYTES];

	fputs(set_element_text(type, e, text), stdout);
	if (e->expires)
		printf(" timeout %s", set_timeout_text(set_seconds_left(e->expires, now), text));
	if (e->comment)
		printf(" comment \"%s\"", e->comment);
	putchar('\n');
}

static void print_word_of_set(void *arg, const char *word)
{
	if (arg)
		json_array_append_new(arg, json_pack("{s:s}", "element", word));
	else
		puts(word);
}

static int show_elements(struct command *c, const struct set *set, const struct view *v)
{
	json_t *list = c->json ? json_array() : NULL, *row;
	__u32 now = set_ticks_now();

	for (size_t i = 0; i < v->elements.count; i++) {
		if (list)
			json_array_append_new(list,
					      element_json(set->type, &v->elements.list[i], now));
		else
			print_element(set->type, &v->elements.list[i], now);
	}
	if (set->type == SET_PORT)
		value_text(VALUE_PORT, set->elements, set->elements_count, print_word_of_set, list);
	if (!list)
		return EXIT_DONE;
	row = row_json(set, v);
	if (row)
		json_object_set_new(row, "elements", list);
	return json_print(row);
}

static void keep_word(void *arg, const char *word)
{
	snprintf(arg, SET_TEXT_BYTES, "%s", word);
}

static int find_port(struct command *c, const struct set *set, const char *word)
{
	struct problem why = {};
	unsigned int port;
	char text[SET_TEXT_BYTES];
	const range *by = set->elements, *end = by + set->elements_count;

	if (!value_number(word, "port", 0, 65535, &port, &why)) {
		fail(&c->why, EXIT_USAGE, "%s", why.message);
		return command_failed(c);
	}
	while (by < end && (range_first(by) > port || range_last(by) < port))
		by++;
	if (by == end) {
		fail(&c->why, EXIT_NOT_FOUND, "%s is not in set %s", word, set->name);
		return command_failed(c);
	}
	value_text(VALUE_PORT, by, 1, keep_word, text);
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:{s:s}}", "set", set->name, "wanted", word,
					    "by", "element", text));
	printf("%s is in set %s, by %s\n", word, set->name, text);
	return EXIT_DONE;
}

static int find_element(struct command *c, const struct set *set, const struct view *v,
			const char *word)
{
	OWN(set_elements_free) struct set_elements wanted = {};
	const struct set_element *by = NULL;
	struct problem why = {};
	char text[SET_TEXT_BYTES];

	if (set_element_parse(set->type, word, &wanted, &why)) {
		fail(&c->why, EXIT_USAGE, "%s", why.message);
		return command_failed(c);
	}
	if (wanted.count != 1) {
		fail(&c->why, EXIT_USAGE, "%s is more than one element; ask for one", word);
		return command_failed(c);
	}
	by = set_covering(set->type, &v->elements, &wanted.list[0]);
	if (!by) {
		fail(&c->why, EXIT_NOT_FOUND, "%s is not in set %s", word, set->name);
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:o}", "set", set->name, "wanted", word, "by",
					    element_json(set->type, by, set_ticks_now())));
	printf("%s is in set %s, by %s\n", word, set->name, set_element_text(set->type, by, text));
	return EXIT_DONE;
}

int show_set(struct command *c, const struct applied *a, const char *name)
{
	OWN(arena_close) struct arena arena = {};
	OWN(close_view) struct view v = {};
	const struct set *set;

	if (arena_open_to_read(&arena, &a->state.maps, &a->state.capacity, &c->why))
		return command_failed(c);
	if (!name)
		return list_sets(c, a, &arena);
	set = set_of_model(&a->model, name, &c->why);
	if (!set || open_view(&v, &arena, set, &c->why))
		return command_failed(c);
	if (c->args_count <= 2)
		return show_elements(c, set, &v);
	return set->type == SET_PORT ? find_port(c, set, c->args[2])
				     : find_element(c, set, &v, c->args[2]);
}
