// SPDX-License-Identifier: GPL-2.0-or-later
/* latency reset */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "counters.h"
#include "image.h"
#include "latency.h"
#include "latency_commands.h"
#include "own.h"
#include "weir/path.h"

/* A column of weir_heat is written by whichever CPU is through with its own: clear those first. */
static int reset_heat(const struct maps *m, __u32 slot, enum weir_direction direction)
{
	int error = counter_clear(m->fd[WEIR_MAP_HEAT_NOW], slot * WEIR_DIR_COUNT + direction);
	struct weir_heat_column none = {};

	for (__u32 column = 0; column < WEIR_HEAT_COLUMNS && !error; column++) {
		__u32 index = weir_heat_index(slot, direction, column);

		if (bpf_map_update_elem(m->fd[WEIR_MAP_HEAT], &index, &none, BPF_ANY))
			error = -errno;
	}
	return error;
}

static int reset_interface(const struct applied *a, __u32 slot)
{
	const struct maps *m = &a->state.maps;
	int error = 0;

	for (int d = 0; d < WEIR_DIR_COUNT && !error; d++) {
		error = counter_clear(m->fd[WEIR_MAP_LOSSES], slot * WEIR_DIR_COUNT + d);
		for (int k = 0; k < WEIR_RTT_COUNT && !error; k++)
			error = hist_reset(m->fd[WEIR_MAP_HISTS], weir_hist_of_device(slot, d, k));
		if (!error)
			error = reset_heat(m, slot, d);
	}
	return error;
}

static int reset_backends(const struct applied *a)
{
	const struct weir_image *image = a->state.image;
	const struct weir_backend *b = IMAGE_AT(image, image->backends_offset, struct weir_backend);
	__u32 base = weir_hist_backend_base(a->state.capacity.devices);
	int error = 0;

	for (__u32 i = 0; i < image->backends_count && !error; i++) {
		for (int k = 0; k < WEIR_BACKEND_HIST_COUNT && !error; k++)
			error = hist_reset(a->state.maps.fd[WEIR_MAP_HISTS],
					   weir_hist_of_backend(base, b[i].id, k));
	}
	return error;
}

/* @bytes is the size of one of @entries values. */
static int reset_array(int map, size_t bytes, __u32 entries)
{
	OWN_FREE void *none = calloc(1, bytes);

	if (!none)
		return -ENOMEM;
	for (__u32 i = 0; i < entries; i++) {
		if (bpf_map_update_elem(map, &i, none, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int reset_prefixes(const struct applied *a)
{
	return reset_array(a->state.maps.fd[WEIR_MAP_PREFIXES], sizeof(struct weir_prefix_set),
			   a->state.capacity.prefix_sets);
}

/* Each deletion makes the next key the first one; what comes in meanwhile may stay. */
static void empty_hash(int map, void *key, __u32 most)
{
	for (__u32 i = 0; i < most && !bpf_map_get_next_key(map, NULL, key); i++)
		bpf_map_delete_elem(map, key);
}

static int reset_path(const struct applied *a)
{
	const struct capacity *c = &a->state.capacity;
	const struct maps *m = &a->state.maps;
	struct weir_path_pair pair;
	struct weir_drop_key drop;
	int error;

	empty_hash(m->fd[WEIR_MAP_PATH_HISTS], &pair, 2 * c->path_pairs);
	empty_hash(m->fd[WEIR_MAP_DROPS], &drop, 2 * c->drops);
	error = reset_array(m->fd[WEIR_MAP_RETRANSMITS], sizeof(struct weir_retransmit_set),
			    c->retransmit_sets);
	if (!error)
		error = reset_array(m->fd[WEIR_MAP_PROCESSES], sizeof(struct weir_process_set),
				    c->process_sets);
	return error ? error : counter_clear(m->fd[WEIR_MAP_PATH_CPU], 0);
}

static int reset_all(const struct applied *a)
{
	struct measured m = {};
	int error = 0;

	for (; measured_next(a, &m) && !error; m.slot++)
		error = reset_interface(a, m.slot);
	if (!error && a->state.capacity.hists > 1)
		error = reset_backends(a);
	if (!error && a->state.capacity.prefix_sets > 1)
		error = reset_prefixes(a);
	return error ? error : reset_path(a);
}

int latency_reset(struct command *c)
{
	OWN(applied_close) struct applied a = APPLIED_NONE;
	int error;

	if (applied_open_to_reset(&a, c))
		return command_failed(c);
	error = reset_all(&a);
	if (error) {
		fail_errno(&c->why, error, "cannot set the measurements to zero");
		return command_failed(c);
	}
	if (c->json)
		return json_print(json_pack("{s:b}", "reset", true));
	puts("All that was measured is set to zero.");
	return EXIT_DONE;
}
