// SPDX-License-Identifier: GPL-2.0-or-later
#include "counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "own.h"

/* A CPU that adds to a counter while it is cleared is rare, and many of them in turn are rarer. */
#define RESET_TRIES 8

__u32 counters_cpus(void)
{
	static int count;

	if (!count)
		count = libbpf_num_possible_cpus();
	return count > 0 ? (__u32)count : 1;
}

int counters_open(struct counters *c, int map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	size_t bytes;
	void *mapped;

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return -errno;
	bytes = (size_t)info.max_entries * info.value_size;
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	*c = (struct counters){ .mapped = mapped,
				.bytes = bytes,
				.stride = info.value_size,
				.each = info.max_entries / counters_cpus(),
				.cpus = counters_cpus() };
	return 0;
}

void counters_close(struct counters *c)
{
	if (c->mapped)
		munmap(c->mapped, c->bytes);
	*c = (struct counters){};
}

static void *counter_of(const struct counters *c, __u32 cpu, __u32 index)
{
	return c->mapped + ((size_t)cpu * c->each + index) * c->stride;
}

struct weir_counter counter_sum(const struct counters *c, __u32 index)
{
	struct weir_counter sum = {};

	for (__u32 cpu = 0; cpu < c->cpus && index < c->each; cpu++) {
		const volatile struct weir_counter *part = counter_of(c, cpu, index);

		sum.packets += part->packets;
		sum.bytes += part->bytes;
	}
	return sum;
}

struct weir_rule_counter rule_counter_sum(const struct counters *c, __u32 index)
{
	struct weir_rule_counter sum = {};

	for (__u32 cpu = 0; cpu < c->cpus && index < c->each; cpu++) {
		const volatile struct weir_rule_counter *part = counter_of(c, cpu, index);
		__u64 last_ns = part->last_ns;

		sum.packets += part->packets;
		sum.bytes += part->bytes;
		if (last_ns > sum.last_ns)
			sum.last_ns = last_ns;
	}
	return sum;
}

struct weir_counter counter_read(int map, __u32 index)
{
	struct weir_counter sum = {}, part;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), each;

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return sum;
	each = info.max_entries / counters_cpus();
	for (__u32 at = index; index < each && at < info.max_entries; at += each) {
		if (bpf_map_lookup_elem(map, &at, &part))
			continue;
		sum.packets += part.packets;
		sum.bytes += part.bytes;
	}
	return sum;
}

void counter_zero(const struct counters *c, __u32 index)
{
	for (__u32 cpu = 0; cpu < c->cpus && index < c->each; cpu++)
		memset(counter_of(c, cpu, index), 0, c->stride);
}

/* Set one CPU's to zero. Returns whether it counts on from what it had, and not from zero. */
static bool comes_back(volatile struct weir_rule_counter *counter)
{
	__u64 before = counter->packets;

	counter->packets = 0;
	counter->bytes = 0;
	counter->last_ns = 0;
	return before && counter->packets >= before;
}

void rule_counter_reset(const struct counters *c, __u32 index)
{
	for (__u32 cpu = 0; cpu < c->cpus && index < c->each; cpu++) {
		for (int i = 0; i < RESET_TRIES && comes_back(counter_of(c, cpu, index)); i++)
			;
	}
}

int counters_carry(int from, int to, __u32 count)
{
	OWN(counters_close) struct counters source = {}, target = {};
	int error = counters_open(&source, from);

	if (!error)
		error = counters_open(&target, to);
	if (error)
		return error;
	if (count > source.each || count > target.each || source.stride != target.stride)
		return -EINVAL;
	for (__u32 cpu = 0; cpu < source.cpus; cpu++)
		memcpy(counter_of(&target, cpu, 0), counter_of(&source, cpu, 0),
		       count * source.stride);
	return 0;
}

void hist_read(int map, __u32 index, struct hist *out)
{
	OWN_FREE struct weir_hist *parts = calloc(counters_cpus(), sizeof(*parts));

	*out = (struct hist){};
	if (parts && !bpf_map_lookup_elem(map, &index, parts))
		hist_sum(parts, counters_cpus(), out);
}

/* A buffer for one entry of a per-CPU map, as the kernel lays it out; NULL without memory. */
static void *entry_buffer(int map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		return NULL;
	return calloc(counters_cpus(), (info.value_size + 7) / 8 * 8);
}

int counter_clear(int map, __u32 index)
{
	OWN_FREE void *zeroes = entry_buffer(map);

	if (!zeroes)
		return -ENOMEM;
	return bpf_map_update_elem(map, &index, zeroes, BPF_ANY) ? -errno : 0;
}

static bool hist_came_back(const struct weir_hist *before, const struct weir_hist *after)
{
	for (unsigned int i = 0; i < counters_cpus(); i++) {
		for (unsigned int b = 0; b < WEIR_HIST_BUCKETS; b++) {
			if (before[i].bucket[b] > 1 && after[i].bucket[b] >= before[i].bucket[b])
				return true;
		}
	}
	return false;
}

int hist_reset(int map, __u32 index)
{
	OWN_FREE struct weir_hist *before = calloc(counters_cpus(), sizeof(*before));
	OWN_FREE struct weir_hist *after = calloc(counters_cpus(), sizeof(*after));
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
		if (!hist_came_back(before, after))
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
