// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting a configuration in force so that it is undone unless confirmed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confirm.h"
#include "duration.h"
#include "own.h"
#include "session.h"
#include "stored.h"

/* What waits is its author's to keep or to take back, and nobody's to build on. */
static int refuse_unconfirmed(struct command *c)
{
	struct unconfirmed waiting;
	int waits = unconfirmed_read(c->instance, &waiting, &c->why);

	if (waits <= 0)
		return waits;
	return fail(
		&c->why, EXIT_CONFLICT,
		"%s waits for its confirmation, for %u s yet; \"weir confirm\" keeps it, \"weir "
		"rollback\" takes it back, and --confirm with this command replaces it",
		waiting.file, waiting.left_s);
}

static void let_go(void *session)
{
	session_close(session);
}

/*
 * The former text as its author wrote it, and the sets in force beside it: the
 * change may take their memory away.
 */
static int start(struct session *s, struct command *c, unsigned int seconds, const char *file)
{
	OWN(former_sets_free) struct former_sets sets = {};
	struct former former = { .instance = c->instance, .sets = &sets, .file = file };
	OWN_FREE char *made = NULL, *text = NULL;
	const char *stored;

	if (s->state.image) {
		stored = stored_text(&s->plan.old, &made, &former.size);
		text = stored ? malloc(former.size + 1) : NULL;
		if (!text)
			return fail_errno(&c->why, ENOMEM, "cannot apply");
		memcpy(text, stored, former.size);
		if (former_sets_read(&s->plan.old, &s->state, &sets, &c->why))
			return -1;
	}
	former.text = text;
	return watcher_start(&former, seconds, let_go, s, &c->why);
}

/*
 * There is a watcher from before the change on, for this process may not
 * outlive it. What one waits with already, the last configuration that was
 * confirmed, stays what comes back.
 */
static int carry_out_guarded(struct session *s, struct command *c, unsigned int seconds,
			     const struct origin *origin)
{
	struct unconfirmed waiting;
	struct failure ignored = {};
	int waits = unconfirmed_read(c->instance, &waiting, &c->why);

	if (waits < 0)
		return -1;
	if (waits ? watcher_extend(c->instance, watcher_deadline(seconds), origin->file, &c->why)
		  : start(s, c, seconds, origin->file))
		return -1;
	if (!session_carry_out(s, origin, &c->why))
		return watcher_extend(c->instance, watcher_deadline(seconds), origin->file,
				      &c->why);
	if (waits)
		watcher_extend(c->instance, waiting.until_ms, waiting.file, &ignored);
	else
		watcher_confirm(c->instance, &ignored);
	failure_free(&ignored);
	return -1;
}

int put_in_force(struct session *s, struct command *c, const char *file)
{
	const struct origin origin = { .file = file };
	unsigned int seconds;

	if (!c->confirm)
		return refuse_unconfirmed(c) ? -1 : session_carry_out(s, &origin, &c->why);
	if (duration_parse(c->confirm, &seconds, &c->why))
		return -1;
	return carry_out_guarded(s, c, seconds, &origin);
}
