// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * history, rollback and confirm: what was in force before, and its way back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "confirm.h"
#include "history.h"
#include "image.h"
#include "note.h"
#include "own.h"
#include "plan_print.h"
#include "session.h"

/* What is in force of @s; @sets is to be closed. */
static int read_now(const struct state *s, struct arena *sets, struct history_now *now,
		    struct failure *why)
{
	*now = (struct history_now){ .sets = sets };
	if (!s->image)
		return 0;
	now->text = IMAGE_AT(s->image, s->image->config_offset, char);
	now->size = s->image->config_bytes;
	return arena_open_to_read(sets, &s->maps, &s->capacity, why);
}

static json_t *entry_json(const struct history_entry *e, unsigned int number)
{
	return json_pack("{s:I,s:b,s:I,s:I,s:s,s:s,s:{s:I,s:I,s:I},s:I}", "number",
			 (json_int_t)number, "in_force", number == 0, "generation",
			 (json_int_t)e->generation, "applied_s", (json_int_t)e->applied_s, "file",
			 e->file, "who", e->who, "counts", "added", (json_int_t)e->changes.added,
			 "changed", (json_int_t)e->changes.changed, "removed",
			 (json_int_t)e->changes.removed, "bytes", (json_int_t)e->bytes);
}

static void print_entry(const struct history_entry *e, unsigned int number)
{
	time_t when = e->applied_s;
	char text[64] = "?", changes[64];
	struct tm local;

	if (localtime_r(&when, &local))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	snprintf(changes, sizeof(changes), "+%u ~%u -%u", e->changes.added, e->changes.changed,
		 e->changes.removed);
	printf("%3u  %-19s  %10llu  %-14s  %-10s  %s\n", number, text, e->generation, changes,
	       e->who, e->file);
}

static void print_history(const struct history *h, unsigned int newest, const struct state *s)
{
	if (!h->count) {
		printf("There is no history in %s.\n", h->path);
		return;
	}
	printf("%3s  %-19s  %10s  %-14s  %-10s  %s\n", "N", "WHEN", "GENERATION", "CHANGES", "WHO",
	       "FILE");
	if (newest && s->image)
		printf("  0  (what is in force is not in the history)\n");
	for (size_t i = 0; i < h->count; i++)
		print_entry(&h->list[i], newest + i);
}

/* Of an instance that may have nothing in force. */
static int open_to_read(struct state *s, struct history *h, struct command *c)
{
	if (state_open(s, c->instance, &c->why)) {
		if (c->why.code != EXIT_NOT_FOUND)
			return -1;
		failure_free(&c->why);
		c->why.code = EXIT_DONE;
	}
	return history_open(h, c->instance, &c->why);
}

int cmd_history(struct command *c)
{
	OWN(history_close) struct history h = {};
	OWN(state_close) struct state s = STATE_NONE;
	OWN(arena_close) struct arena sets = {};
	struct history_now now;
	unsigned int newest;
	json_t *list;

	if (open_to_read(&s, &h, c) || read_now(&s, &sets, &now, &c->why))
		return command_failed(c);
	newest = history_newest(&h, &now);
	if (!c->json) {
		print_history(&h, newest, &s);
		return EXIT_DONE;
	}
	list = json_array();
	for (size_t i = 0; i < h.count; i++)
		json_array_append_new(list, entry_json(&h.list[i], newest + i));
	return json_print(json_pack("{s:s,s:o}", "folder", h.path, "history", list));
}

static int parse_number(const char *text, unsigned int *number, struct failure *why)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || n > HISTORY_ENTRIES)
		return fail(why, EXIT_USAGE,
			    "\"%s\" is no number of the history; \"weir history\" lists them",
			    text);
	*number = n;
	return 0;
}

/*
 * Read what was in force @number configurations before @state into @s, with the
 * elements of its sets.
 */
static int read_former(struct session *s, struct command *c, const struct state *state,
		       const char *name, unsigned int number)
{
	OWN(history_close) struct history h = {};
	OWN(arena_close) struct arena sets = {};
	const struct history_entry *e;
	OWN_FREE char *text = NULL;
	struct history_now now;
	size_t size;

	if (history_open(&h, c->instance, &c->why) || read_now(state, &sets, &now, &c->why))
		return -1;
	e = history_find(&h, number, &now);
	if (!e)
		return fail(&c->why, EXIT_NOT_FOUND,
			    "the history has no number %u here; \"weir history\" lists what it has",
			    number);
	if (history_text(&h, e, &text, &size, &c->why) ||
	    session_read_stored(s, name, text, size, &c->why))
		return -1;
	return history_fill_sets(&h, e, &s->model, &c->why);
}

int show_former(struct command *c, const struct applied *a, const char *number)
{
	OWN(session_close) struct session s = SESSION_NONE;
	unsigned int n;

	if (parse_number(number, &n, &c->why) || read_former(&s, c, &a->state, "(history)", n))
		return command_failed(c);
	if (c->json)
		model_print_json(&s.model, stdout);
	else
		model_print(&s.model, MODEL_PRINT_USER, stdout);
	return EXIT_DONE;
}

static int roll_back_unconfirmed(struct command *c)
{
	if (watcher_roll_back(c->instance, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:b}", "taken_back", 1));
	printf("Taken back: what was in force before the unconfirmed change is so again.\n");
	return EXIT_DONE;
}

static int plan_rollback(struct session *s, struct command *c, const char *name,
			 unsigned int number)
{
	if (session_open(s, c->instance, &c->why) || read_former(s, c, &s->state, name, number))
		return -1;
	for (size_t i = 0; i < s->model.sets_count; i++) {
		if (s->model.sets[i].is_elsewhere)
			note("set %s: the history has no elements of it; it keeps what it holds "
			     "now",
			     s->model.sets[i].name);
	}
	return plan_make(&s->plan, &s->state, &s->host, &s->model, NULL, &c->why);
}

int cmd_rollback(struct command *c)
{
	OWN(session_close) struct session s = SESSION_NONE;
	struct unconfirmed waiting;
	unsigned int number = 1;
	char name[32];
	int waits;

	if (c->args_count && parse_number(c->args[0], &number, &c->why))
		return command_failed(c);
	waits = c->args_count || c->confirm ? 0 : unconfirmed_read(c->instance, &waiting, &c->why);
	if (waits)
		return waits < 0 ? command_failed(c) : roll_back_unconfirmed(c);
	snprintf(name, sizeof(name), "rollback %u", number);
	if (plan_rollback(&s, c, name, number)) {
		session_drop_if_empty(&s);
		return command_failed(c);
	}
	plan_warn(&s.plan, "use --confirm 60s, so that it comes back");
	if (!c->json)
		plan_print(&s.plan, stdout);
	if (put_in_force(&s, c, name)) {
		session_drop_if_empty(&s);
		return command_failed(c);
	}
	return apply_report(&s, c);
}

int cmd_confirm(struct command *c)
{
	struct unconfirmed waiting = {};
	int waits = unconfirmed_read(c->instance, &waiting, &c->why);

	if (waits < 0 || watcher_confirm(c->instance, &c->why))
		return command_failed(c);
	if (c->json)
		return json_print(json_pack("{s:s,s:I}", "confirmed", waiting.file, "left_s",
					    (json_int_t)waiting.left_s));
	printf("Confirmed: %s stays; %u s were left.\n", waiting.file, waiting.left_s);
	return EXIT_DONE;
}
