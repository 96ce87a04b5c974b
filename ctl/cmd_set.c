// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * set: change a set of the applied configuration, live.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply.h"
#include "command.h"
#include "own.h"
#include "read_file.h"
#include "set.h"
#include "set_arena.h"
#include "set_change.h"
#include "set_show.h"
#include "set_text.h"
#include "stored.h"

struct job {
	struct command *c;
	struct state state;
	struct model model;
	struct arena arena;
	const struct set *set; /* of the model */
	__u32 slot;
	struct set_elements elements;
	struct set_change change;
};

static void close_job(struct job *j)
{
	set_elements_free(&j->elements);
	arena_close(&j->arena);
	model_free(&j->model);
	state_close(&j->state);
}

static int find_set(struct job *j, const char *name)
{
	struct failure *why = &j->c->why;

	j->set = set_of_model(&j->model, name, why);
	if (!j->set)
		return -1;
	if (j->set->type == SET_PORT)
		return fail(why, EXIT_USAGE,
			    "set %s has ports, which apply alone changes; edit its definition",
			    name);
	j->slot = arena_find(&j->arena, name);
	if (j->slot == SET_NO_SLOT || !arena_set(&j->arena, j->slot))
		return fail(why, EXIT_CONFLICT,
			    "set %s has no memory; apply the configuration again", name);
	return 0;
}

static int open_job(struct job *j, const char *name)
{
	struct command *c = j->c;

	if (state_open_to_write(&j->state, c->instance, &c->why))
		return -1;
	if (!j->state.image) {
		struct failure ignored = {};

		if (!j->state.number)
			state_remove(&j->state, &ignored);
		failure_free(&ignored);
		return fail(
			&c->why, EXIT_NOT_FOUND,
			"nothing is applied in this network namespace; \"weir apply FILE\" does "
			"it");
	}
	if (stored_model(j->state.image, &j->model, &c->why) ||
	    arena_open(&j->arena, &j->state.maps, &j->state.capacity, &c->why) || find_set(j, name))
		return -1;
	if (set_read(arena_set(&j->arena, j->slot), &j->elements))
		return fail(&c->why, EXIT_REFUSED, "set %s cannot be read", name);
	set_expire(&j->elements, &j->change);
	return 0;
}

/* In other memory, which is larger: all programs move there. */
static int grow(struct job *j, const struct weir_set *set)
{
	const struct plan_scope scope = { .set = set };
	struct failure *why = &j->c->why;
	OWN(plan_close) struct plan plan = {};
	OWN(host_close) struct host host = {};

	if (host_open(&host, why) || plan_make(&plan, &j->state, &host, &j->model, &scope, why))
		return -1;
	return plan_carry_out(&plan, &j->state, why);
}

static struct set_device *devices_in_force(const struct weir_image *image, size_t *count)
{
	const struct weir_device *row =
		(const struct weir_device *)((const char *)image + image->devices_offset);
	struct set_device *devices = calloc(image->devices_count + 1, sizeof(*devices));

	*count = 0;
	for (__u32 i = 0; devices && i < image->devices_count; i++) {
		devices[*count].slot = i;
		if (row[i].ifindex && if_indextoname(row[i].ifindex, devices[*count].name))
			++*count;
	}
	return devices;
}

static int put(struct job *j)
{
	const struct weir_set *old = arena_set(&j->arena, j->slot);
	OWN_FREE struct set_device *devices = NULL;
	OWN_FREE struct weir_set *set = NULL;
	struct failure *why = &j->c->why;
	struct set_spec spec = { .name = j->set->name,
				 .type = j->set->type,
				 .elements = &j->elements,
				 .timeout_s = j->set->timeout_s };
	int error;

	devices = devices_in_force(j->state.image, &spec.devices_count);
	spec.devices = devices;
	memcpy(spec.configured, old->configured, sizeof(spec.configured));
	error = devices ? set_build(&spec, &set) : -ENOMEM;
	if (error == -E2BIG || j->elements.count > WEIR_MAX_SET_ELEMENTS)
		return fail(why, EXIT_USAGE,
			    "set %s would have %zu elements; the limit is %u; nothing was changed",
			    j->set->name, j->elements.count, WEIR_MAX_SET_ELEMENTS);
	if (error)
		return fail_errno(why, error, "set %s cannot be built", j->set->name);
	if (arena_put(&j->arena, j->slot, set))
		return grow(j, set);
	return arena_wait(&j->state.maps, why);
}

static int report(const struct job *j)
{
	const struct set_change *change = &j->change;
	const char *comma = "";

	if (j->c->json)
		return json_print(json_pack("{s:s,s:I,s:I,s:I,s:I}", "set", j->set->name, "added",
					    (json_int_t)change->added, "present",
					    (json_int_t)change->present, "removed",
					    (json_int_t)change->removed, "elements",
					    (json_int_t)j->elements.count));
	printf("set %s: ", j->set->name);
	if (change->added) {
		printf("%zu added", change->added);
		comma = ", ";
	}
	if (change->removed) {
		printf("%s%zu removed", comma, change->removed);
		comma = ", ";
	}
	if (change->present)
		printf("%s%zu there already", comma, change->present);
	else if (!*comma)
		printf("nothing to change");
	printf("; %zu element%s now\n", j->elements.count, j->elements.count == 1 ? "" : "s");
	return EXIT_DONE;
}

/* "timeout 1h" and "comment TEXT", in any order; returns how many words are elements. */
static int take_options(struct job *j, char **words, int count, __u32 *timeout_s,
			const char **comment)
{
	struct problem why;

	for (; count > 2; count -= 2) {
		const char *name = words[count - 2], *value = words[count - 1];

		if (!strcmp(name, "timeout")) {
			if (!set_timeout_parse(value, timeout_s, &why))
				return fail(&j->c->why, EXIT_USAGE, "%s", why.message);
		} else if (!strcmp(name, "comment")) {
			if (!set_comment_check(value, &why))
				return fail(&j->c->why, EXIT_USAGE, "%s", why.message);
			*comment = value;
		} else {
			break;
		}
	}
	return count;
}

/* Words that take another one behind them, which is not there. */
static int check_last(struct job *j, const char *word)
{
	if (j->set->type == SET_INTERFACE)
		return 0;
	if (!strcmp(word, "timeout"))
		return fail(&j->c->why, EXIT_USAGE, "timeout takes a time, as in \"timeout 1h\"");
	if (!strcmp(word, "comment"))
		return fail(&j->c->why, EXIT_USAGE,
			    "comment takes a text, as in comment \"who and why\"");
	return 0;
}

static int parse_words(struct job *j, char **words, int count, struct set_elements *out)
{
	for (int i = 0; i < count; i++) {
		struct problem why = {};
		int error = set_element_parse(j->set->type, words[i], out, &why);

		if (error == -EINVAL)
			return fail(&j->c->why, EXIT_USAGE, "%s%s%s", why.message,
				    why.hint[0] ? "; " : "", why.hint);
		if (error)
			return fail_errno(&j->c->why, error, "set %s", j->set->name);
	}
	set_elements_normalise(out);
	return 0;
}

/* Elements of the command begin their time. */
static int begin(struct set_elements *s, __u32 timeout_s, const char *comment)
{
	for (size_t i = 0; i < s->count; i++) {
		struct set_element *e = &s->list[i];
		__u32 seconds = e->timeout_s ? e->timeout_s : timeout_s;

		e->is_live = true;
		e->timeout_s = 0;
		if (seconds)
			e->expires = set_ticks_in(seconds);
		if (comment && !e->comment && !(e->comment = strdup(comment)))
			return -ENOMEM;
	}
	return 0;
}

static int add(struct job *j, char **words, int count)
{
	OWN(set_elements_free) struct set_elements more = {};
	__u32 timeout_s = 0;
	const char *comment = NULL;

	count = take_options(j, words, count, &timeout_s, &comment);
	if (count < 0 || check_last(j, words[count - 1]) || parse_words(j, words, count, &more))
		return -1;
	/* The set's own is for new ones, and no reason to begin the time of another again. */
	if (begin(&more, timeout_s, comment))
		return fail_errno(&j->c->why, ENOMEM, "set %s", j->set->name);
	for (size_t i = 0; i < more.count && !timeout_s && j->set->timeout_s; i++) {
		if (!set_elements_find(&j->elements, &more.list[i]))
			more.list[i].expires = set_ticks_in(j->set->timeout_s);
	}
	if (set_add(&j->elements, &more, &j->change))
		return fail_errno(&j->c->why, ENOMEM, "set %s", j->set->name);
	return 0;
}

static int del(struct job *j, char **words, int count)
{
	OWN(set_elements_free) struct set_elements these = {};

	if (parse_words(j, words, count, &these))
		return -1;
	return set_remove(j->set->type, j->set->name, &j->elements, &these, &j->change, &j->c->why);
}

static int flush(struct job *j, char **words, int count)
{
	(void)words;
	(void)count;
	j->change.removed = j->elements.count;
	set_elements_free(&j->elements);
	return 0;
}

static int load(struct job *j, char **words, int count)
{
	OWN(set_elements_free) struct set_elements fresh = {};
	OWN_FREE char *text = NULL;
	struct progress bar;
	size_t size;
	int error;

	(void)count;
	if (file_read(words[0], &text, &size, &j->c->why))
		return -1;
	progress_start(&bar, words[0], j->c->json);
	error = set_file_parse(words[0], text, size, j->set->type, &j->c->diags, &fresh,
			       progress_show, &bar);
	progress_end(&bar);
	if (error == -EINVAL) {
		j->c->why.code = EXIT_USAGE;
		return -1;
	}
	if (!error)
		error = begin(&fresh, j->set->timeout_s, NULL);
	if (error)
		return fail_errno(&j->c->why, error, "%s", words[0]);
	set_elements_normalise(&fresh);
	j->change.removed = j->elements.count;
	j->change.added = fresh.count;
	set_elements_free(&j->elements);
	j->elements = fresh;
	fresh = (struct set_elements){};
	return 0;
}

static const struct {
	const char *name;
	int fewest, most; /* words behind the set's name; -1: any number */
	int (*run)(struct job *j, char **words, int count);
	const char *usage;
} verbs[] = {
	{ "add", 1, -1, add, "NAME ELEMENT... [timeout 1h] [comment TEXT]" },
	{ "del", 1, -1, del, "NAME ELEMENT..." },
	{ "load", 1, 1, load, "NAME FILE" },
	{ "flush", 0, 0, flush, "NAME" },
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static int find_verb(struct command *c)
{
	const char *names[VERBS + 1] = {};
	int words = c->args_count - 2;

	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(verbs[i].name, c->args[0]) != 0)
			continue;
		if (words < verbs[i].fewest || (verbs[i].most >= 0 && words > verbs[i].most))
			return fail(&c->why, EXIT_USAGE, "usage: weir set %s %s", verbs[i].name,
				    verbs[i].usage);
		return (int)i;
	}
	return fail(&c->why, EXIT_USAGE, "there is no \"set %s\"; %s%s%s", c->args[0],
		    diag_suggest(c->args[0], names) ? "did you mean \""
						    : "it has add, del, load and flush",
		    diag_suggest(c->args[0], names) ? diag_suggest(c->args[0], names) : "",
		    diag_suggest(c->args[0], names) ? "\"?" : "");
}

int cmd_set(struct command *c)
{
	OWN(close_job) struct job j = { .c = c, .state = STATE_NONE };
	int verb = find_verb(c);

	if (verb < 0 || open_job(&j, c->args[1]) ||
	    verbs[verb].run(&j, c->args + 2, c->args_count - 2) || put(&j))
		return command_failed(c);
	return report(&j);
}
