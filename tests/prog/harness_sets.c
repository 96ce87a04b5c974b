// SPDX-License-Identifier: GPL-2.0-or-later
/* The sets of a harness's configuration. */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "own.h"
#include "set.h"
#include "set_arena.h"

/* An element takes less than this, and a set without elements less than a page. */
#define ELEMENT_BYTES 192
#define SET_BYTES 8192

size_t harness_sets_room(const struct harness *h)
{
	size_t room = sizeof(struct weir_sets);

	for (size_t i = 0; i < h->model.sets_count; i++)
		room += 2 * (SET_BYTES + h->model.sets[i].entries.count * ELEMENT_BYTES);
	return room;
}

static size_t name_devices(const struct harness *h, struct set_device *devices)
{
	size_t count = 0;

	for (size_t i = 0; i < h->host.devices_count; i++) {
		const struct image_device *d = &h->host.devices[i];

		if (!d->name)
			continue;
		devices[count].slot = d->slot;
		snprintf(devices[count++].name, IFNAMSIZ, "%s", d->name);
	}
	return count;
}

static void put_set(const struct harness *h, struct arena *arena, __u32 slot, const struct set *set)
{
	struct set_device devices[HARNESS_DEVICES];
	const struct set_spec spec = { .name = set->name,
				       .type = set->type,
				       .elements = &set->entries,
				       .devices = devices,
				       .devices_count = name_devices(h, devices) };
	OWN_FREE struct weir_set *built = NULL;

	assert_int_equal(set_build(&spec, &built), 0);
	assert_int_equal(arena_put(arena, slot, built), 0);
}

static struct arena open_sets(const struct harness *h)
{
	struct failure why = {};
	struct arena arena;

	assert_int_equal(arena_open(&arena, &h->maps, &h->capacity, &why), 0);
	return arena;
}

void harness_put_sets(const struct harness *h)
{
	OWN(arena_close) struct arena arena = open_sets(h);

	assert_true(h->model.sets_count <= HARNESS_SETS);
	for (size_t i = 0; i < h->model.sets_count; i++) {
		if (h->model.sets[i].type != SET_PORT)
			put_set(h, &arena, h->first_set + (__u32)i, &h->model.sets[i]);
	}
}

void harness_drop_sets(const struct harness *h)
{
	OWN(arena_close) struct arena arena = open_sets(h);

	for (__u32 slot = 0; slot < WEIR_MAX_SETS; slot++) {
		if (slot / HARNESS_SETS != h->first_set / HARNESS_SETS)
			arena_take_out(&arena, slot);
	}
}
