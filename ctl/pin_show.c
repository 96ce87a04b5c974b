// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show flow: pins. A pin holds a keyed hash of its service and its flow, and no
 * address: what can be said is where the flow goes and how long ago it was seen.
 * Beside them lie notes of what is no flow: fragments, and sources with a cookie.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow_show.h"
#include "note.h"
#include "own.h"
#include "pin.h"

/* Sets that are read at once: 1 MiB. */
#define SETS_AT_ONCE 16384

static const char *const state_names[] = {
#define X(sym, name) [WEIR_PIN_##sym] = name,
	WEIR_PIN_STATES(X)
#undef X
};

/* A note is of no service: it is shown where none is asked for, and no backend. */
static void show_note(struct flow_view *v, const struct seen_pin *p)
{
	const struct flow_filter *f = v->filter;
	const char *state = state_names[p->state];
	char tag[17];

	if (f->group || f->backend || (f->state && strcmp(f->state, state) != 0))
		return;
	v->shown++;
	snprintf(tag, sizeof(tag), "%016llx", p->tag);
	if (v->notes)
		json_array_append_new(v->notes, json_pack("{s:s,s:i,s:i,s:s}", "state", state,
							  "seen_s", (int)p->age_s, "expires_s",
							  (int)p->left_s, "hash", tag));
	else
		printf("note %s  %s, seen %u s ago, %u s left\n", tag,
		       p->state == WEIR_PIN_FRAGMENT ? "fragments of a packet" : "verified source",
		       p->age_s, p->left_s);
}

static void show_pin(struct flow_view *v, const struct seen_pin *p)
{
	const char *state = state_names[p->state];
	const struct flow_backend *b = flow_backend_wanted(v, p->backend, state);
	char tag[17];

	if (!b)
		return;
	v->shown++;
	if (!v->pins_shown++ && !v->list)
		note("a pin holds a keyed hash of its flow, no client and no slot; \"weir "
		     "explain\" "
		     "finds the pin of a flow");
	snprintf(tag, sizeof(tag), "%016llx", p->tag);
	if (v->list)
		json_array_append_new(v->list, json_pack("{s:s,s:s,s:s,s:i,s:i,s:s}", "group",
							 b->group, "backend", b->name, "state",
							 state, "seen_s", (int)p->age_s,
							 "expires_s", (int)p->left_s, "hash", tag));
	else
		printf("pin %s  %s %s  %s, seen %u s ago, %u s left\n", tag, b->group, b->name,
		       state, p->age_s, p->left_s);
}

int pin_show_flows(struct flow_view *v, struct failure *why)
{
	const struct state *s = &v->applied->state;
	OWN_FREE struct weir_pin_set *sets = malloc(SETS_AT_ONCE * sizeof(*sets));
	OWN_FREE __u32 *keys = malloc(SETS_AT_ONCE * sizeof(*keys));
	__u32 batch = 0, count = 0;
	struct timespec now;

	if (!sets || !keys)
		return fail_errno(why, ENOMEM, "cannot list pins");
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	for (__u32 done = 0; done < s->capacity.pin_sets; done += count) {
		count = SETS_AT_ONCE;
		if (bpf_map_lookup_batch(s->maps.fd[WEIR_MAP_PINS], done ? &batch : NULL, &batch,
					 keys, sets, &count, NULL) &&
		    errno != ENOENT)
			return fail_errno(why, errno, "cannot read the pins");
		if (!count)
			break;
		for (__u32 i = 0; i < count * WEIR_PIN_WAYS; i++) {
			struct seen_pin pin;

			if (!pin_decode(&sets[i / WEIR_PIN_WAYS].way[i % WEIR_PIN_WAYS],
					(__u32)now.tv_sec, &pin))
				continue;
			if (pin_is_note(&pin))
				show_note(v, &pin);
			else
				show_pin(v, &pin);
		}
	}
	return 0;
}
