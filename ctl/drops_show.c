// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show drops: what the stack's hooks counted, out of the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "command.h"
#include "drops.h"
#include "own.h"

#define FLOWS_SHOWN 20

static int add_drop(struct drops *d, int map, const struct weir_drop_key *key,
		    struct weir_drop *parts, int cpus)
{
	struct drop_row row = { .key = *key }, *grown;

	if (bpf_map_lookup_elem(map, key, parts))
		return 0;
	for (int i = 0; i < cpus; i++) {
		row.packets += parts[i].packets;
		row.last_ns = parts[i].last_ns > row.last_ns ? parts[i].last_ns : row.last_ns;
	}
	if (!row.packets)
		return 0;
	grown = reallocarray(d->drops, d->drops_count + 1, sizeof(row));
	if (!grown)
		return -ENOMEM;
	d->drops = grown;
	d->drops[d->drops_count++] = row;
	return 0;
}

static int read_drops(const struct applied *a, struct drops *d)
{
	int cpus = libbpf_num_possible_cpus(), map = a->state.maps.fd[WEIR_MAP_DROPS], error = 0;
	OWN_FREE struct weir_drop *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	struct weir_drop_key key, *at = NULL;

	if (!parts)
		return -ENOMEM;
	/* A key that goes away meanwhile starts the walk again: the table's size bounds it. */
	for (__u32 i = 0; i < a->state.capacity.drops && !error; i++) {
		if (bpf_map_get_next_key(map, at, &key))
			break;
		error = add_drop(d, map, &key, parts, cpus);
		at = &key;
	}
	return error;
}

static int read_processes(const struct applied *a, struct drops *d)
{
	__u32 sets = a->state.capacity.process_sets;
	struct weir_process_set set;

	d->processes = calloc((size_t)sets * WEIR_PROCESS_WAYS, sizeof(*d->processes));
	if (!d->processes)
		return -ENOMEM;
	for (__u32 i = 0; i < sets; i++) {
		if (bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_PROCESSES], &i, &set))
			continue;
		for (int w = 0; w < WEIR_PROCESS_WAYS; w++) {
			if (set.way[w].pid)
				d->processes[d->processes_count++] = set.way[w];
		}
	}
	return 0;
}

static int read_flows(const struct applied *a, struct drops *d)
{
	__u32 sets = a->state.capacity.retransmit_sets;
	struct weir_retransmit_set set;

	d->flows = calloc((size_t)sets * WEIR_RETRANSMIT_WAYS, sizeof(*d->flows));
	if (!d->flows)
		return -ENOMEM;
	for (__u32 i = 0; i < sets; i++) {
		if (bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_RETRANSMITS], &i, &set))
			continue;
		for (int w = 0; w < WEIR_RETRANSMIT_WAYS; w++) {
			if (set.way[w].count)
				d->flows[d->flows_count++] = set.way[w];
		}
	}
	return 0;
}

static bool is_measured(const struct model *m)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].measure & 1U << MEASURE_LOSS)
			return true;
	}
	return false;
}

int show_drops(struct command *c, const struct applied *a, const char *name)
{
	OWN(drops_free) struct drops d = {};
	struct timespec now;

	if (name) {
		fail(&c->why, EXIT_USAGE, "usage: weir show drops");
		return command_failed(c);
	}
	if (!is_measured(&a->model)) {
		fail(&c->why, EXIT_PRECONDITION,
		     "no interface has its losses measured; write \"measure rtt, loss\" in an "
		     "interface block and apply");
		return command_failed(c);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	d.now_ns = (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
	if (read_drops(a, &d) || read_processes(a, &d) || read_flows(a, &d)) {
		fail_errno(&c->why, ENOMEM, "cannot read what was lost");
		return command_failed(c);
	}
	if (places_read(&d.places, &c->why))
		return command_failed(c);
	drop_reasons_read(&d.reasons);
	drops_sort(&d);
	if (c->json)
		return json_print(drops_json(&d));
	drops_print(&d, FLOWS_SHOWN, stdout);
	return EXIT_DONE;
}
