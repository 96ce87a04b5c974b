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
#include "own.h"
#include "plan_print.h"
#include "session.h"

/* The stored text in force; NULL and 0 where nothing is. */
static const char *text_in_force(const struct weir_image *image, size_t *size)
{
	*size = image ? image->config_bytes : 0;
	return image ? IMAGE_AT(image, image->config_offset, char) : NULL;
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
	unsigned int newest;
	const char *text;
	json_t *list;
	size_t size;

	if (open_to_read(&s, &h, c))
		return command_failed(c);
	text = text_in_force(s.image, &size);
	newest = history_newest(&h, text, size);
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

/* The text of what was in force @number configurations ago. */
static int former_text(struct command *c, const struct weir_image *image, unsigned int number,
		       char **text, size_t *size)
{
	OWN(history_close) struct history h = {};
	const struct history_entry *e;
	size_t now_size;
	const char *now = text_in_force(image, &now_size);

	if (history_open(&h, c->instance, &c->why))
		return -1;
	e = history_find(&h, number, now, now_size);
	if (!e)
		return fail(&c->why, EXIT_NOT_FOUND,
			    "the history has no number %u here; \"weir history\" lists what it has",
			    number);
	return history_text(&h, e, text, size, &c->why);
}

int show_former(struct command *c, const struct applied *a, const char *number)
{
	OWN(session_close) struct session s = SESSION_NONE;
	OWN_FREE char *text = NULL;
	unsigned int n;
	size_t size;

	if (parse_number(number, &n, &c->why) || former_text(c, a->state.image, n, &text, &size) ||
	    session_read_stored(&s, "(history)", text, size, &c->why))
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
	OWN_FREE char *text = NULL;
	size_t size;

	if (session_open(s, c->instance, &c->why) ||
	    former_text(c, s->state.image, number, &text, &size) ||
	    session_read_stored(s, name, text, size, &c->why))
		return -1;
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
