// SPDX-License-Identifier: GPL-2.0-or-later
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "diag.h"
#include "history.h"
#include "image.h"
#include "neighbours.h"
#include "note.h"
#include "own.h"
#include "stack.h"
#include "stored.h"

int session_open(struct session *s, const char *instance, struct failure *why)
{
	s->instance = instance;
	if (state_open_to_write(&s->state, instance, why))
		return -1;
	return host_open(&s->host, why);
}

int session_open_to_detach(struct session *s, const char *instance, struct failure *why)
{
	s->instance = instance;
	if (state_open_to_remove(&s->state, instance, why))
		return -1;
	return host_open(&s->host, why);
}

void session_close(struct session *s)
{
	plan_close(&s->plan);
	model_free(&s->model);
	host_close(&s->host);
	state_close(&s->state);
}

int session_read_stored(struct session *s, const char *name, const char *text, size_t size,
			struct failure *why)
{
	struct diags diags = {};
	int error = model_parse(name, text, size, MODEL_FILES_STORED, &diags, &s->model);

	if (!error)
		stored_keep(&s->model, text, size);
	if (error)
		fail(why, EXIT_CONFLICT,
		     "%s: cannot be read: line %u: %s; it may be another version's", name,
		     diags.count ? diags.list[0].loc.line : 0,
		     diags.count ? diags.list[0].message : strerror(-error));
	diag_free(&diags);
	return error ? -1 : 0;
}

void session_drop_if_empty(struct session *s)
{
	struct failure ignored = {};

	if (!s->state.number && s->state.lock >= 0 && !s->plan.attached.count)
		state_remove(&s->state, &ignored);
	failure_free(&ignored);
}

static void describe(const struct set *set, const struct plan_set *planned, struct history_set *out)
{
	out->type = set->type;
	out->elements = set->is_elsewhere || set->has_configured ? NULL : &set->entries;
	memcpy(out->name, set->name, sizeof(out->name));
	memcpy(out->digest, planned->configured, sizeof(out->digest));
}

static void note_in_history(const struct session *s, const struct origin *origin)
{
	const struct weir_image *image = s->plan.image;
	const struct model *m = &s->model;
	OWN_FREE struct history_set *sets = calloc(m->sets_count + 1, sizeof(*sets));
	struct history_entry entry = {
		.generation = image->generation,
		.applied_s = image->applied_s,
		.file = (char *)origin->file,
		.who = (char *)origin->who,
		.changes = s->plan.diff,
		.sets = sets,
	};
	struct failure later = {};

	for (size_t i = 0; sets && i < m->sets_count; i++) {
		if (m->sets[i].file && m->sets[i].type != SET_PORT)
			describe(&m->sets[i], &s->plan.sets[i], &sets[entry.sets_count++]);
	}
	if (history_add(s->instance, &entry, IMAGE_AT(image, image->config_offset, char),
			image->config_bytes, &later))
		note("in force, but not in the history: %s", later.message);
	failure_free(&later);
}

int session_carry_out(struct session *s, const struct origin *origin, struct failure *why)
{
	/* MAC addresses get lost with the carrier: to apply again brings them back. */
	if (plan_is_empty(&s->plan)) {
		neighbours_keep(&s->plan);
	} else if (plan_carry_out(&s->plan, &s->state, why)) {
		session_drop_if_empty(s);
		return -1;
	}
	note_in_history(s, origin);
	return 0;
}

int session_detach_all(struct session *s, struct failure *why)
{
	struct attachments *a = &s->plan.attached;

	if (attachments_read(&s->state, a, why))
		return -1;
	if (!s->state.image && !s->state.is_foreign && !a->count) {
		session_drop_if_empty(s);
		return fail(why, EXIT_NOT_FOUND, "nothing is applied in this network namespace");
	}
	for (size_t i = 0; i < a->count; i++) {
		if (attach_remove(&s->state, &a->list[i], why))
			return -1;
	}
	if (stack_remove(&s->state, ~0U, why))
		return -1;
	neighbours_release_all(&s->host, s->state.image);
	return state_remove(&s->state, why);
}

int session_restore(const char *instance, const char *text, size_t size,
		    const struct former_sets *sets, const struct origin *origin,
		    struct failure *why)
{
	OWN(session_close) struct session s = SESSION_NONE;
	/* What is gone meanwhile must not keep the rest as it is. */
	const struct plan_scope scope = { .is_all = true };

	if (session_open(&s, instance, why))
		return -1;
	if (!text)
		return session_detach_all(&s, why);
	if (session_read_stored(&s, origin->file, text, size, why))
		return -1;
	if (former_sets_fill(sets, &s.model))
		return fail_errno(why, ENOMEM, "cannot roll back");
	if (plan_make(&s.plan, &s.state, &s.host, &s.model, &scope, why)) {
		session_drop_if_empty(&s);
		return -1;
	}
	return session_carry_out(&s, origin, why);
}
