// SPDX-License-Identifier: GPL-2.0-or-later
#include "former_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "set.h"
#include "set_arena.h"

void former_sets_free(struct former_sets *f)
{
	for (size_t i = 0; i < f->count; i++)
		set_elements_free(&f->list[i].elements);
	free(f->list);
	*f = (struct former_sets){};
}

static int read_one(const struct arena *a, const struct set *set, struct former_sets *out)
{
	__u32 slot = arena_find(a, set->name);
	const struct weir_set *from = slot == SET_NO_SLOT ? NULL : arena_set(a, slot);
	struct former_set *to = &out->list[out->count];
	int error;

	if (!from || from->type != (__u32)set->type)
		return 0;
	error = set_read(from, &to->elements);
	if (error)
		return error;
	out->count++;
	to->type = set->type;
	memcpy(to->name, set->name, sizeof(to->name));
	memcpy(to->configured, from->configured, sizeof(to->configured));
	return 0;
}

int former_sets_read(const struct model *m, const struct state *s, struct former_sets *out,
		     struct failure *why)
{
	OWN(arena_close) struct arena arena = {};
	OWN(former_sets_free)
	struct former_sets read = { .list = calloc(m->sets_count + 1, sizeof(*read.list)) };
	int error = read.list ? 0 : -ENOMEM;

	*out = (struct former_sets){};
	if (!error && s->image && arena_open_to_read(&arena, &s->maps, &s->capacity, why))
		return -1;
	for (size_t i = 0; i < m->sets_count && !error && arena.mapped; i++) {
		if (m->sets[i].file && m->sets[i].type != SET_PORT)
			error = read_one(&arena, &m->sets[i], &read);
	}
	if (error)
		return fail_errno(why, error, "cannot remember the sets in force");
	*out = read;
	read = (struct former_sets){};
	return 0;
}

static const struct former_set *find(const struct former_sets *f, const struct set *set)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->list[i].type == set->type && !strcmp(f->list[i].name, set->name))
			return &f->list[i];
	}
	return NULL;
}

/* What expired meanwhile stays away. */
static int copy_elements(const struct set_elements *from, struct set_elements *to)
{
	__u32 now = set_ticks_now();
	int error = 0;

	for (size_t i = 0; i < from->count && !error; i++) {
		struct set_element e = from->list[i];

		if (e.expires && set_has_expired(e.expires, now))
			continue;
		if (e.comment && !(e.comment = strdup(e.comment)))
			return -ENOMEM;
		error = set_elements_add(to, &e);
		if (error)
			free(e.comment);
	}
	return error;
}

int former_sets_fill(const struct former_sets *f, struct model *m)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		struct set *to = &m->sets[i];
		const struct former_set *from = to->is_elsewhere ? find(f, to) : NULL;

		if (!from)
			continue;
		if (copy_elements(&from->elements, &to->entries))
			return -ENOMEM;
		set_elements_normalise(&to->entries);
		to->is_elsewhere = false;
		to->has_configured = true;
		memcpy(to->configured, from->configured, sizeof(to->configured));
		if (set_cover(to))
			return -ENOMEM;
	}
	return 0;
}
