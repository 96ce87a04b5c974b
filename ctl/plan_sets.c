// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "set.h"

#define SETS_BYTES_MIN (1U << 16)

void plan_sets_free(struct plan *p)
{
	for (size_t i = 0; p->sets && i < p->model->sets_count; i++)
		free(p->sets[i].built);
	free(p->sets);
	free(p->set_slots);
	p->sets = NULL;
	p->set_slots = NULL;
}

/* What "weir set" put there and has not expired; moved to the end of @to. */
static int keep_live(const struct weir_set *old, struct set_elements *to)
{
	struct set_elements all = {};
	__u32 now = set_ticks_now();
	int error = set_read(old, &all);

	for (size_t i = 0; i < all.count && !error; i++) {
		struct set_element *e = &all.list[i];

		if (!e->is_live || set_has_expired(e->expires, now))
			continue;
		error = set_elements_add(to, e);
		if (!error)
			e->comment = NULL;
	}
	set_elements_free(&all);
	return error;
}

/* Copies; timeouts of the configuration begin now. */
static int copy_entries(const struct set *set, struct set_elements *to)
{
	int error = 0;

	for (size_t i = 0; i < set->entries.count && !error; i++) {
		struct set_element e = set->entries.list[i];

		if (e.timeout_s)
			e.expires = set_ticks_in(e.timeout_s);
		if (e.comment && !(e.comment = strdup(e.comment)))
			return -ENOMEM;
		error = set_elements_add(to, &e);
		if (error)
			free(e.comment);
	}
	return error;
}

static struct set_device *set_devices(const struct plan *p)
{
	struct set_device *devices = calloc(p->devices_count + 1, sizeof(*devices));

	for (size_t i = 0; devices && i < p->devices_count; i++) {
		devices[i].slot = p->devices[i].slot;
		memcpy(devices[i].name, p->devices[i].link.name, IFNAMSIZ);
	}
	return devices;
}

static int build(const struct plan *p, const struct set *set, const struct weir_set *live,
		 const __u64 configured[2], bool from_old, struct weir_set **built)
{
	OWN_FREE struct set_device *devices = set_devices(p);
	OWN(set_elements_free) struct set_elements elements = {};
	struct set_spec spec = { .name = set->name,
				 .type = set->type,
				 .elements = &elements,
				 .devices = devices,
				 .devices_count = p->devices_count,
				 .timeout_s = set->timeout_s };
	int error = devices ? 0 : -ENOMEM;

	memcpy(spec.configured, configured, sizeof(spec.configured));
	if (!error)
		error = from_old ? set_read(live, &elements) : copy_entries(set, &elements);
	if (!error && live && !from_old)
		error = keep_live(live, &elements);
	if (error)
		return error;
	set_elements_normalise(&elements);
	return set_build(&spec, built);
}

/* Whether both lead the same devices to the same elements. */
static bool same_devices(const struct weir_set *a, const struct weir_set *b)
{
	const char *x = (const char *)a + a->table[0].offset;
	const char *y = (const char *)b + b->table[0].offset;

	return a->records_count == b->records_count && a->records_offset == b->records_offset &&
	       !memcmp(x, y, WEIR_MAX_IFACES * sizeof(__u32));
}

static int choose(struct plan *p, size_t i, const struct arena *a, struct failure *why)
{
	const struct set *set = &p->model->sets[i];
	__u32 slot = a->mapped ? arena_find(a, set->name) : SET_NO_SLOT;
	const struct weir_set *old = slot == SET_NO_SLOT ? NULL : arena_set(a, slot);
	__u64 configured[2];
	bool keeps = false;
	int error;

	if (old && old->type != (__u32)set->type)
		old = NULL;
	set_elements_digest(&set->entries, configured);
	if (set->has_configured)
		memcpy(configured, set->configured, sizeof(configured));
	if (old)
		keeps = set->is_elsewhere ||
			(!memcmp(old->configured, configured, sizeof(configured)) &&
			 old->timeout_s == set->timeout_s);
	else if (set->is_elsewhere)
		return fail(why, EXIT_CONFLICT,
			    "set %s: its elements are gone; apply the configuration from its file",
			    set->name);
	if (keeps)
		memcpy(configured, old->configured, sizeof(configured));
	memcpy(p->sets[i].configured, configured, sizeof(configured));
	p->sets[i].slot = keeps ? slot : SET_NO_SLOT;
	p->sets[i].keeps = keeps;
	if (keeps && set->type != SET_INTERFACE)
		return 0;
	error = build(p, set, old, configured, keeps, &p->sets[i].built);
	if (error == -E2BIG)
		return fail(why, EXIT_USAGE, "set %s takes more than %u MiB, the most for all sets",
			    set->name, WEIR_MAX_SETS_BYTES >> 20);
	if (error)
		return fail_errno(why, error, "set %s cannot be built", set->name);
	if (keeps && same_devices(old, p->sets[i].built)) {
		free(p->sets[i].built);
		p->sets[i].built = NULL;
	}
	return 0;
}

/* Contents that "weir set" brings, which do not fit beside what is there. */
static int replace(struct plan *p, const struct weir_set *set)
{
	for (size_t i = 0; i < p->model->sets_count; i++) {
		if (strncmp(p->model->sets[i].name, set->name, sizeof(set->name)) != 0)
			continue;
		free(p->sets[i].built);
		p->sets[i].built = malloc(set->bytes);
		if (!p->sets[i].built)
			return -ENOMEM;
		memcpy(p->sets[i].built, set, set->bytes);
	}
	return 0;
}

/* Slots and places, in a directory that is a copy: what the arena will look like. */
static int reserve(struct plan *p, struct arena *scratch, bool *fits)
{
	*fits = true;
	for (size_t i = 0; i < p->model->sets_count; i++) {
		const struct weir_set *built = p->sets[i].built;

		if (!built)
			continue;
		p->sets[i].slot = arena_free_slot(scratch);
		if (p->sets[i].slot == SET_NO_SLOT)
			return -E2BIG;
		if (!arena_reserve(scratch, p->sets[i].slot, built->bytes))
			continue;
		/* In memory without end, to learn how much there is of all of them. */
		*fits = false;
		scratch->bytes = 1UL << 32;
		if (arena_reserve(scratch, p->sets[i].slot, built->bytes))
			return -E2BIG;
	}
	return 0;
}

/* So that the largest set can be replaced in place. */
static size_t wanted_bytes(const struct plan *p, const struct arena *scratch)
{
	size_t largest = 0;

	for (size_t i = 0; i < p->model->sets_count; i++) {
		if (p->sets[i].built && p->sets[i].built->bytes > largest)
			largest = p->sets[i].built->bytes;
	}
	return arena_used(scratch) + largest + WEIR_SETS_UNIT;
}

static int place_all(struct plan *p, const struct state *s, const struct arena *a,
		     struct failure *why)
{
	OWN_FREE struct weir_sets *directory = calloc(1, sizeof(*directory));
	struct arena scratch = { .mapped = (char *)directory, .bytes = s->capacity.sets_bytes };
	__u32 bytes =
		s->capacity.sets_bytes > SETS_BYTES_MIN ? s->capacity.sets_bytes : SETS_BYTES_MIN;
	size_t wanted;
	bool fits;
	int error;

	if (!directory)
		return fail_errno(why, ENOMEM, "cannot plan");
	if (a->mapped)
		memcpy(directory, a->mapped, sizeof(*directory));
	scratch.bytes = bytes;
	error = reserve(p, &scratch, &fits);
	if (error)
		return fail(why, EXIT_USAGE, "more than %d sets, old and new", WEIR_MAX_SETS);
	wanted = fits ? 0 : wanted_bytes(p, &scratch);
	if (wanted > WEIR_MAX_SETS_BYTES)
		wanted = arena_used(&scratch);
	while (bytes < wanted && bytes < WEIR_MAX_SETS_BYTES)
		bytes *= 2;
	if (bytes < wanted)
		return fail(why, EXIT_USAGE,
			    "the sets, old and new, take %zu MiB; the limit is %u MiB",
			    wanted >> 20, WEIR_MAX_SETS_BYTES >> 20);
	p->capacity.sets_bytes = bytes;
	return 0;
}

/* Elements that the configuration gave it; the rest was added live. */
static int read_configured(const struct weir_set *set, struct set_elements *out)
{
	size_t kept = 0;
	int error = set_read(set, out);

	for (size_t i = 0; i < out->count; i++) {
		if (out->list[i].is_live)
			free(out->list[i].comment);
		else
			out->list[kept++] = out->list[i];
	}
	out->count = kept;
	return error;
}

/*
 * For the difference, and for the way back: a definition that was stored
 * without its elements gets those that it had. Where nothing changes they are
 * the new one's, and stay in the set's own memory.
 */
static int fill_old(struct plan *p, const struct arena *a)
{
	int error = 0;

	for (size_t i = 0; i < p->old.sets_count && !error; i++) {
		struct set *old = &p->old.sets[i];
		const struct set *now = model_set(p->model, old->name);
		__u32 slot = a->mapped ? arena_find(a, old->name) : SET_NO_SLOT;
		const struct weir_set *set = slot == SET_NO_SLOT ? NULL : arena_set(a, slot);

		if (!old->file || old->type == SET_PORT || !set)
			continue;
		if (now && p->sets[now - p->model->sets].keeps) {
			error = copy_entries(now, &old->entries);
			continue;
		}
		error = read_configured(set, &old->entries);
		old->is_elsewhere = false;
	}
	return error;
}

int plan_sets(struct plan *p, const struct state *s, const struct plan_scope *scope,
	      struct failure *why)
{
	OWN(arena_close) struct arena arena = {};

	p->sets = calloc(p->model->sets_count + 1, sizeof(*p->sets));
	p->set_slots = calloc(p->model->sets_count + 1, sizeof(*p->set_slots));
	if (!p->sets || !p->set_slots)
		return fail_errno(why, ENOMEM, "cannot plan");
	if (s->image && arena_open_to_read(&arena, &s->maps, &s->capacity, why))
		return -1;
	for (size_t i = 0; i < p->model->sets_count; i++) {
		if (p->model->sets[i].type == SET_PORT)
			continue;
		if (choose(p, i, &arena, why))
			return -1;
	}
	if (scope && scope->set && replace(p, scope->set))
		return fail_errno(why, ENOMEM, "cannot plan");
	if (place_all(p, s, &arena, why))
		return -1;
	for (size_t i = 0; i < p->model->sets_count; i++)
		p->set_slots[i] = p->sets[i].slot;
	return fill_old(p, &arena) ? fail_errno(why, ENOMEM, "cannot plan") : 0;
}

int sets_put(const struct plan *p, const struct maps *m, struct failure *why)
{
	OWN(arena_close) struct arena arena = {};

	if (arena_open(&arena, m, &p->capacity, why))
		return -1;
	for (size_t i = 0; i < p->model->sets_count; i++) {
		const struct plan_set *set = &p->sets[i];

		if (!set->built || !arena_put(&arena, set->slot, set->built))
			continue;
		for (size_t j = 0; j < i; j++) {
			if (p->sets[j].built)
				arena_take_out(&arena, p->sets[j].slot);
		}
		return fail(why, EXIT_REFUSED, "set %s does not fit into the memory for sets",
			    p->model->sets[i].name);
	}
	return 0;
}

void sets_undo(const struct plan *p, const struct maps *m)
{
	OWN(arena_close) struct arena arena = {};
	struct failure ignored = {};

	if (!arena_open(&arena, m, &p->capacity, &ignored)) {
		for (size_t i = 0; i < p->model->sets_count; i++) {
			if (p->sets[i].built)
				arena_take_out(&arena, p->sets[i].slot);
		}
	}
	failure_free(&ignored);
}

int sets_drop_others(const struct plan *p, const struct maps *m, struct failure *why)
{
	OWN(arena_close) struct arena arena = {};
	OWN_FREE bool *wanted = calloc(WEIR_MAX_SETS, sizeof(*wanted));

	if (!wanted)
		return fail_errno(why, ENOMEM, "cannot tidy up the sets");
	if (arena_open(&arena, m, &p->capacity, why))
		return -1;
	for (size_t i = 0; i < p->model->sets_count; i++) {
		if (p->sets[i].slot < WEIR_MAX_SETS && p->model->sets[i].type != SET_PORT)
			wanted[p->sets[i].slot] = true;
	}
	for (__u32 slot = 0; slot < WEIR_MAX_SETS; slot++) {
		if (!wanted[slot])
			arena_take_out(&arena, slot);
	}
	return 0;
}

int sets_carry_over(const struct state *s, const struct maps *to, const struct capacity *now,
		    struct failure *why)
{
	OWN(arena_close) struct arena old = {}, fresh = {};

	if (!s->image)
		return 0;
	if (arena_open_to_read(&old, &s->maps, &s->capacity, why) ||
	    arena_open(&fresh, to, now, why))
		return -1;
	return arena_copy(&old, &fresh)
		       ? fail(why, EXIT_REFUSED, "the sets do not fit into the new memory")
		       : 0;
}
