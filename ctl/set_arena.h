/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map weir_sets: what lies where, and putting sets there.
 */
#ifndef WEIR_SET_ARENA_H
#define WEIR_SET_ARENA_H

#include "failure.h"
#include "state.h"
#include "weir/set.h"

#define SET_NO_SLOT (~0U)

/* A view of the map. */
struct arena {
	char *mapped; /* NULL: none */
	size_t bytes; /* without WEIR_SETS_PAD */
	bool writable;
};

int arena_open(struct arena *a, const struct maps *m, const struct capacity *c,
	       struct failure *why);
int arena_open_to_read(struct arena *a, const struct maps *m, const struct capacity *c,
		       struct failure *why);
void arena_close(struct arena *a);

/* Memory in use, the directory included. */
size_t arena_used(const struct arena *a);

/* The set in a slot; NULL: the slot is free, or what lies there is none. */
const struct weir_set *arena_set(const struct arena *a, __u32 slot);

/* The slot of a set, or SET_NO_SLOT. */
__u32 arena_find(const struct arena *a, const char *name);
__u32 arena_free_slot(const struct arena *a);

/*
 * Copy @set where nothing lies and put it in @slot: packets see the old one or
 * the new one. What the old one used is free at once for the writer's eyes, so
 * a grace period has to pass before another put: arena_wait().
 *
 * Returns 0, or -ENOSPC with nothing changed.
 */
int arena_put(struct arena *a, __u32 slot, const struct weir_set *set);

/* The same without a set: only a place in the directory. */
int arena_reserve(struct arena *a, __u32 slot, __u32 bytes);

void arena_take_out(struct arena *a, __u32 slot);

/* Copy all sets, slots the same, into another arena, which is empty. Returns 0 or -ENOSPC. */
int arena_copy(const struct arena *from, struct arena *to);

/* Returns when no packet sees what was in force before the call. */
int arena_wait(const struct maps *m, struct failure *why);

/*
 * A copy of the set in @slot that no writer can change under the reader, to be
 * freed by the caller; NULL with @error 0 where there is none.
 */
struct weir_set *arena_snapshot(const struct arena *a, __u32 slot, int *error);

#endif
