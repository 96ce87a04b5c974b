// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency_ways.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>

#include "own.h"

#define MAPS_MOST 64

/* The program's own map of that name. */
static int open_map(int program, const char *name)
{
	__u32 ids[MAPS_MOST], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info used = { .nr_map_ids = MAPS_MOST,
				      .map_ids = (__u64)(unsigned long)ids };

	assert_int_equal(bpf_obj_get_info_by_fd(program, &used, &size), 0);
	assert_in_range(used.nr_map_ids, 1, MAPS_MOST);
	for (__u32 i = 0; i < used.nr_map_ids; i++) {
		OWN_FD int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info info = {};

		size = sizeof(info);
		assert_true(fd >= 0);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
		if (!strcmp(info.name, name))
			return TAKE_FD(fd);
	}
	fail_msg("the program has no map %s", name);
	return -1;
}

static const void *map_array(const struct timing *t, enum weir_map map, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, t->h.maps.fd[map], 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

struct ways ways_open(const struct timing *t)
{
	size_t sets = t->h.capacity.flow_sets;

	return (struct ways){
		.timing = t,
		.sets = sets,
		.flows = map_array(t, WEIR_MAP_FLOWS, sets * sizeof(struct weir_flow_set)),
		.rests =
			map_array(t, WEIR_MAP_FLOW_RESTS, sets * sizeof(struct weir_flow_rest_set)),
		.scratch = { [WEIR_DIR_WIRE] = open_map(t->h.program[HOOK_XDP], "weir_scratch"),
			     [WEIR_DIR_HOST] =
				     open_map(t->h.program[HOOK_EGRESS], "weir_scratch") },
	};
}

void ways_close(struct ways *w)
{
	munmap((void *)w->flows, w->sets * sizeof(*w->flows));
	munmap((void *)w->rests, w->sets * sizeof(*w->rests));
	for (int i = 0; i < WEIR_DIR_COUNT; i++)
		own_close(&w->scratch[i]);
}

/* All CPUs' values, to be freed. */
static __u8 *read_scratch(int fd, size_t *stride, size_t *cpus)
{
	__u32 size = sizeof(struct bpf_map_info), zero = 0;
	struct bpf_map_info info = {};
	__u8 *values;

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	*stride = (info.value_size + 7) / 8 * 8;
	*cpus = (size_t)libbpf_num_possible_cpus();
	values = calloc(*cpus, *stride);
	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, values), 0);
	return values;
}

void ways_forget(const struct ways *w, enum weir_direction sender)
{
	size_t stride, cpus, kept = sizeof(struct weir_first_counters);
	OWN_FREE __u8 *values = read_scratch(w->scratch[sender], &stride, &cpus);
	__u32 zero = 0;

	for (size_t i = 0; i < cpus; i++)
		memset(values + i * stride + kept, 0, stride - kept);
	assert_int_equal(bpf_map_update_elem(w->scratch[sender], &zero, values, BPF_ANY), 0);
}

/* A record stays where it is. */
static bool find(struct ways *w)
{
	for (size_t i = 0; !w->flow && i < w->sets; i++) {
		for (size_t way = 0; way < WEIR_FLOW_WAYS; way++) {
			if (!w->flows[i].way[way].key)
				continue;
			w->flow = &w->flows[i].way[way];
			w->rest = &w->rests[i].way[way];
		}
	}
	return w->flow != NULL;
}

bool ways_was_short(struct ways *w, enum weir_direction sender)
{
	OWN_FREE __u8 *values = NULL;
	size_t stride, cpus;

	if (!find(w))
		return false;
	values = read_scratch(w->scratch[sender], &stride, &cpus);
	return !memmem(values, cpus * stride, &w->flow->key, sizeof(w->flow->key));
}

static void strip_stamp(struct weir_stamp *s)
{
	s->ticks = s->ticks != 0;
}

/* What of a rest is of no meaning is no difference. */
static void strip(const struct ways *w, struct weir_flow *flow, struct weir_flow_rest *rest)
{
	*flow = *w->flow;
	*rest = *w->rest;
	flow->key = 0;
	flow->seen = 0;
	for (int side = 0; side < WEIR_DIR_COUNT; side++) {
		strip_stamp(&flow->side[side].last);
		for (int i = 0; i < WEIR_FLOW_OLDER; i++)
			strip_stamp(&rest->older[side][i]);
		if (flow->side[side].pending & WEIR_PENDING_OLDER)
			continue;
		memset(rest->older[side], 0, sizeof(rest->older[side]));
		rest->spilled[side] = 0;
	}
	if (!(flow->side[WEIR_DIR_WIRE].flags & WEIR_SIDE_BACKED))
		rest->backend = 0;
}

void ways_assert_same(struct ways *a, struct ways *b)
{
	struct weir_flow_rest rest[2];
	struct weir_flow flow[2];

	assert_int_equal(find(a), find(b));
	if (!a->flow)
		return;
	strip(a, &flow[0], &rest[0]);
	strip(b, &flow[1], &rest[1]);
	assert_memory_equal(&flow[0], &flow[1], sizeof(flow[0]));
	assert_memory_equal(&rest[0], &rest[1], sizeof(rest[0]));
}
