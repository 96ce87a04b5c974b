// SPDX-License-Identifier: GPL-2.0-or-later
/* The datapath's columns of a heat map, put in order. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "latency.h"
#include "own.h"

static __u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Columns older than those that are drawn, and those never used, are left out. */
static void add_column(struct heat *h, __u64 first, const struct weir_heat_column *column)
{
	if (!column->epoch || column->epoch < first || column->epoch - first >= h->columns)
		return;
	for (unsigned int r = 0; r < WEIR_HEAT_BUCKETS; r++)
		h->count[(column->epoch - first) * h->rows + r] += column->bucket[r];
}

static void read_columns(const struct applied *a, __u32 slot, enum weir_direction direction,
			 __u64 first, struct heat *h)
{
	struct weir_heat_column column;

	for (__u64 epoch = first; epoch < first + h->columns; epoch++) {
		__u32 index = weir_heat_index(slot, direction, epoch);

		if (!bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_HEAT], &index, &column))
			add_column(h, first, &column);
	}
}

/* What CPUs have not put there yet. */
static int read_now(const struct applied *a, __u32 slot, enum weir_direction direction, __u64 first,
		    struct heat *h)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_heat_column *parts = calloc(cpus > 0 ? cpus : 1, sizeof(*parts));
	__u32 index = slot * WEIR_DIR_COUNT + direction;

	if (!parts)
		return -ENOMEM;
	if (bpf_map_lookup_elem(a->state.maps.fd[WEIR_MAP_HEAT_NOW], &index, parts))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++)
		add_column(h, first, &parts[cpu]);
	return 0;
}

int heat_read(const struct applied *a, __u32 slot, enum weir_direction direction, __u32 since_s,
	      struct heat *out, struct failure *why)
{
	__u64 monotonic = now_ns(CLOCK_MONOTONIC), last = monotonic / WEIR_HEAT_NS;
	__u64 wanted = since_s ? (since_s * 1000000000ULL + WEIR_HEAT_NS - 1) / WEIR_HEAT_NS + 1
			       : WEIR_HEAT_COLUMNS;
	__u64 columns = wanted < WEIR_HEAT_COLUMNS ? wanted : WEIR_HEAT_COLUMNS;
	__u64 first = last + 1 > columns ? last + 1 - columns : 0;
	__u64 begin_ns = now_ns(CLOCK_REALTIME) - (monotonic - first * WEIR_HEAT_NS);

	out->column_s = WEIR_HEAT_NS / 1000000000;
	out->begin_s = begin_ns / 1000000000;
	for (unsigned int r = 0; r <= WEIR_HEAT_BUCKETS; r++)
		out->floor_ns[r] = weir_heat_floor(r) << WEIR_TICK_SHIFT;
	if (heat_room(out, (unsigned int)(last + 1 - first), WEIR_HEAT_BUCKETS))
		return fail_errno(why, ENOMEM, "cannot read the heat map");
	read_columns(a, slot, direction, first, out);
	if (read_now(a, slot, direction, first, out))
		return fail_errno(why, ENOMEM, "cannot read the heat map");
	return 0;
}
