/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command holds that changes what is in force: the state with its lock,
 * the host, a configuration and the plan that leads to it.
 */
#ifndef WEIR_SESSION_H
#define WEIR_SESSION_H

#include "failure.h"
#include "host.h"
#include "model.h"
#include "former_sets.h"
#include "plan.h"
#include "state.h"

struct session {
	const char *instance;
	struct state state;
	struct host host;
	struct model model;
	struct plan plan;
};

#define SESSION_NONE                \
	{                           \
		.state = STATE_NONE \
	}

/* Where a configuration came from, for the history. */
struct origin {
	const char *file; /* a path, or words: "rollback 1" */
	const char *who; /* NULL: the user that runs this process */
};

/* Lock the instance. To be closed also when it fails. */
int session_open(struct session *s, const char *instance, struct failure *why);

/* Like it, but also where another version of weir stands: for session_detach_all() alone. */
int session_open_to_detach(struct session *s, const char *instance, struct failure *why);
void session_close(struct session *s);

/* Parse stored text into the session's model; @name is for messages. */
int session_read_stored(struct session *s, const char *name, const char *text, size_t size,
			struct failure *why);

/*
 * Carry out the session's plan and note it in the history, which is talked
 * about and fails nothing where it cannot be written.
 */
int session_carry_out(struct session *s, const struct origin *origin, struct failure *why);

/* Fails with EXIT_NOT_FOUND where there is nothing to leave. */
int session_detach_all(struct session *s, struct failure *why);

/* An instance with nothing in it leaves no folder behind; one that cannot be read is left alone. */
void session_drop_if_empty(struct session *s);

/*
 * Open, plan and carry out in one go: put the configuration @text in force
 * again, with the elements that @sets has for it, or detach everything where it
 * is NULL. Interfaces that are gone meanwhile are passed over.
 */
int session_restore(const char *instance, const char *text, size_t size,
		    const struct former_sets *sets, const struct origin *origin,
		    struct failure *why);

#endif
