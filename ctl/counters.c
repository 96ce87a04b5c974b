// SPDX-License-Identifier: GPL-2.0-or-later
#include "counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "own.h"

/* A CPU that adds to a counter while it is cleared is rare, and many of them in turn are rarer. */
#define RESET_TRIES 8

static unsigned int cpus(void)
{
	static int count;

	if (!count)
		count = libbpf_num_possible_cpus();
	return count > 0 ? count : 1;
}

struct weir_counter counter_read(int map, __u32 index)
{
	OWN_FREE struct weir_counter *parts = calloc(cpus(), sizeof(*parts));
	struct weir_counter sum = {};

	if (!parts || bpf_map_lookup_elem(map, &index, parts))
		return sum;
	for (unsigned int i = 0; i < cpus(); i++) {
		sum.packets += parts[i].packets;
		sum.bytes += parts[i].bytes;
	}
	return sum;
}

struct weir_rule_counter rule_counter_read(int map, __u32 index)
{
	OWN_FREE struct weir_rule_counter *parts = calloc(cpus(), sizeof(*parts));
	struct weir_rule_counter sum = {};

	if (!parts || bpf_map_lookup_elem(map, &index, parts))
		return sum;
	for (unsigned int i = 0; i < cpus(); i++) {
		sum.packets += parts[i].packets;
		sum.bytes += parts[i].bytes;
		if (parts[i].last_ns > sum.last_ns)
			sum.last_ns = parts[i].last_ns;
	}
	return sum;
}

void hist_read(int map, __u32 index, struct hist *out)
{
	OWN_FREE struct weir_hist *parts = calloc(cpus(), sizeof(*parts));

	*out = (struct hist){};
	if (parts && !bpf_map_lookup_elem(map, &index, parts))
		hist_sum(parts, cpus(), out);
}

/* A buffer for one entry of a per-CPU map, as the kernel lays it out; NULL without memory. */
static void *entry_buffer(int map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return NULL;
	return calloc(cpus(), (info.value_size + 7) / 8 * 8);
}

int counter_clear(int map, __u32 index)
{
	OWN_FREE void *zeroes = entry_buffer(map);

	if (!zeroes)
		return -ENOMEM;
	return bpf_map_update_elem(map, &index, zeroes, BPF_ANY) ? -errno : 0;
}

/* Whether a CPU counts on from what it had, and not from zero. */
static bool came_back(const struct weir_rule_counter *before, const struct weir_rule_counter *after)
{
	for (unsigned int i = 0; i < cpus(); i++) {
		if (before[i].packets && after[i].packets >= before[i].packets)
			return true;
	}
	return false;
}

int rule_counter_reset(int map, __u32 index)
{
	OWN_FREE struct weir_rule_counter *before = calloc(cpus(), sizeof(*before));
	OWN_FREE struct weir_rule_counter *after = calloc(cpus(), sizeof(*after));
	int error;

	if (!before || !after)
		return -ENOMEM;
	for (int i = 0; i < RESET_TRIES; i++) {
		if (bpf_map_lookup_elem(map, &index, before))
			return -errno;
		error = counter_clear(map, index);
		if (error)
			return error;
		if (bpf_map_lookup_elem(map, &index, after))
			return -errno;
		if (!came_back(before, after))
			return 0;
	}
	return 0;
}

int counters_copy(int from, __u32 from_index, int to, __u32 to_index, __u32 count)
{
	OWN_FREE void *entry = entry_buffer(from);

	if (!entry)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++) {
		__u32 source = from_index + i, target = to_index + i;

		if (bpf_map_lookup_elem(from, &source, entry) ||
		    bpf_map_update_elem(to, &target, entry, BPF_ANY))
			return -errno;
	}
	return 0;
}
