// SPDX-License-Identifier: GPL-2.0-or-later
/* What the stack's hooks counted, out of the maps. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drops.h"
#include "own.h"
#include "path_show.h"

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

static int read_rows(const struct applied *a, struct drops *d)
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

/* What a CPU counted of its last drop since its row has it. */
static int add_rest(const struct applied *a, struct drops *d)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_path_cpu *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	__u32 zero = 0;

	if (!parts)
		return -ENOMEM;
	if (bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_PATH_CPU], &zero, parts))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (size_t i = 0; i < d->drops_count; i++) {
			if (!memcmp(&d->drops[i].key, &parts[cpu].drop, sizeof(parts[cpu].drop)))
				d->drops[i].packets += parts[cpu].drop_packets;
		}
	}
	return 0;
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

int drops_read(const struct applied *a, struct drops *out, struct failure *why)
{
	OWN(drops_free) struct drops d = {};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	d.now_ns = (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
	if (read_rows(a, &d) || add_rest(a, &d) || read_processes(a, &d) || read_flows(a, &d))
		return fail_errno(why, ENOMEM, "cannot read what was lost");
	if (places_read(&d.places, why))
		return -1;
	d.counted = path_counters(a);
	drops_sort(&d);
	*out = d;
	d = (struct drops){};
	return 0;
}

static void *copy_of(const void *list, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);

	if (copy && count)
		memcpy(copy, list, count * size);
	return copy;
}

int drops_copy(const struct drops *d, struct drops *out)
{
	OWN(drops_free)
	struct drops copy = {
		.drops = copy_of(d->drops, d->drops_count, sizeof(*d->drops)),
		.drops_count = d->drops_count,
		.processes = copy_of(d->processes, d->processes_count, sizeof(*d->processes)),
		.processes_count = d->processes_count,
		.flows = copy_of(d->flows, d->flows_count, sizeof(*d->flows)),
		.flows_count = d->flows_count,
		.counted = d->counted,
	};

	if (!copy.drops || !copy.processes || !copy.flows)
		return -ENOMEM;
	*out = copy;
	copy = (struct drops){};
	return 0;
}

/* Which of the reasons that are no losses this is, or -1. */
static int apart(const struct drops *d, const struct weir_drop_key *key)
{
	static const char *const reasons[] = {
#define X(reason, text) reason,
		DROPS_NO_LOSSES(X)
#undef X
	};
	char text[48];
	const char *is = drop_reason_text(&d->reasons, key->reason, text);

	for (int i = 0; key->kind == WEIR_DROP_DROP && i < DROPS_APART; i++) {
		if (!strcmp(is, reasons[i]))
			return i;
	}
	return -1;
}

void drops_set_apart(struct drops *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->drops_count; i++) {
		int reason = apart(d, &d->drops[i].key);

		if (reason >= 0)
			d->apart[reason] += d->drops[i].packets;
		else
			d->drops[kept++] = d->drops[i];
	}
	d->drops_count = kept;
}

/* What fell was set to zero in between, or is another one's row now. */
static void take_away(__u32 *from, __u32 was)
{
	*from -= *from >= was ? was : 0;
}

static void rows_since(struct drops *d, const struct drops *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->drops_count; i++) {
		struct drop_row *r = &d->drops[i];

		for (size_t b = 0; b < before->drops_count; b++) {
			const struct drop_row *was = &before->drops[b];

			if (!memcmp(&was->key, &r->key, sizeof(r->key)))
				r->packets -= r->packets >= was->packets ? was->packets : 0;
		}
		if (r->packets)
			d->drops[kept++] = *r;
	}
	d->drops_count = kept;
}

static void processes_since(struct drops *d, const struct drops *before)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->processes_count; i++) {
		struct weir_process *p = &d->processes[i];

		for (size_t b = 0; b < before->processes_count; b++) {
			const struct weir_process *was = &before->processes[b];

			if (was->pid != p->pid)
				continue;
			take_away(&p->retransmits, was->retransmits);
			take_away(&p->resets_sent, was->resets_sent);
			take_away(&p->resets_received, was->resets_received);
			take_away(&p->connects_failed, was->connects_failed);
		}
		if (p->retransmits || p->resets_sent || p->resets_received || p->connects_failed)
			d->processes[kept++] = *p;
	}
	d->processes_count = kept;
}

static void flows_since(struct drops *d, const struct drops *before)
{
	/* Addresses and ports stand in front. */
	const size_t ends = offsetof(struct weir_retransmit, count);
	size_t kept = 0;

	for (size_t i = 0; i < d->flows_count; i++) {
		struct weir_retransmit *r = &d->flows[i];

		for (size_t b = 0; b < before->flows_count; b++) {
			const struct weir_retransmit *was = &before->flows[b];

			if (!memcmp(was, r, ends) && was->netns == r->netns)
				take_away(&r->count, was->count);
		}
		if (r->count)
			d->flows[kept++] = *r;
	}
	d->flows_count = kept;
}

static void counted_since(struct weir_path_cpu *now, const struct weir_path_cpu *was)
{
#define X(sym, entries, text) now->sym -= now->sym >= was->sym ? was->sym : 0;
	DROPS_NOT_KEPT(X)
#undef X
}

void drops_since(struct drops *d, const struct drops *before)
{
	counted_since(&d->counted, &before->counted);
	rows_since(d, before);
	processes_since(d, before);
	flows_since(d, before);
	drops_sort(d);
}
