/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of the datapath and the way to their values. Sizes given here are
 * the smallest; ctl sets the real ones before it loads a program.
 */
#ifndef WEIR_BPF_MAPS_H
#define WEIR_BPF_MAPS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "weir/abi.h"
#include "weir/bpf/verifier.h"
#include "weir/conn.h"
#include "weir/cpu.h"
#include "weir/image.h"
#include "weir/latency.h"
#include "weir/limit.h"
#include "weir/nat.h"
#include "weir/pmtu.h"
#include "weir/reason.h"
#include "weir/set.h"

SEC(".rodata.weir") const volatile struct weir_program weir = {};

struct image_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 4096 + WEIR_IMAGE_PAD);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct image_inner);
} weir_image SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_counter);
} weir_reasons SEC(".maps"), weir_backends SEC(".maps"), weir_services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_rule_counter);
} weir_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_flow_set);
} weir_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_flow_rest_set);
} weir_flow_rests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_stamp_set);
} weir_stamps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_loss);
} weir_losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_heat_column);
} weir_heat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_heat_column);
} weir_heat_now SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_prefix_set);
} weir_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_hist);
} weir_hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct weir_sets) + WEIR_SETS_PAD);
} weir_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_bucket_set);
} weir_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_conn_set);
} weir_conns SEC(".maps");

/* Programs only read it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_ring);
} weir_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_settle);
} weir_settle SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_pin_set);
} weir_pins SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_nat_set);
} weir_nat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_nat_flow);
} weir_nat_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_PMTU_SLOTS);
	__type(key, __u32);
	__type(value, struct weir_pmtu);
} weir_pmtu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} weir_log SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_cpu);
} weir_cpu SEC(".maps");

/* The generation in force, or NULL before the first apply. */
static __always_inline const struct weir_image *image_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&weir_image, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* The mask is a constant to the verifier; the barrier keeps the compiler from proving it away. */
static __always_inline const void *image_at(const struct weir_image *image, __u32 offset)
{
	__u64 masked = offset & (__u64)weir.image_mask; /* of 64 bits, or it is extended to them */

	asm volatile("" : "+r"(masked));
	return (const void *)image + masked;
}

/*
 * The slot at @position of a service's ring. NULL, which cannot be: ctl names
 * rings that are there, weir_ring_slot() gives slots that are.
 */
static __always_inline const struct weir_slot *ring_slot(const struct weir_service *service,
							 __u32 position)
{
	__u32 index = service->ring;
	const struct weir_ring *ring = bpf_map_lookup_elem(&weir_rings, &index);

	if (!ring || position >= WEIR_RING_SLOTS)
		return NULL;
	return &ring->slot[position];
}

static __always_inline const struct weir_device *device_row(const struct weir_image *image)
{
	return image_at(image, image->devices_offset + weir.device * sizeof(struct weir_device));
}

/* Whether this program has the stage, and the generation in force wants it. */
static __always_inline bool stage_is_on(const struct weir_device *device, enum weir_stage stage)
{
	return weir.stages & (1 << stage) && device->stages & (1 << stage);
}

static __always_inline void count(void *counters, __u32 index, __u32 bytes)
{
	struct weir_counter *counter = bpf_map_lookup_elem(counters, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* All of these count in the counters of this CPU, which begin at @first. */
static __always_inline void count_backend(const struct weir_first_counters *first, __u32 id,
					  __u32 bytes)
{
	count(&weir_backends, first->backend + id, bytes);
}

static __always_inline void count_service(const struct weir_first_counters *first, __u32 id,
					  __u32 bytes)
{
	count(&weir_services, first->service + id, bytes);
}

static __always_inline void count_reason(const struct weir_first_counters *first,
					 enum weir_reason reason, __u32 bytes)
{
	count(&weir_reasons, first->reason + weir.device * WEIR_R_COUNT + reason, bytes);
}

/* Of all CPUs. A clock read costs 3 ns even where it is coarse; this one is read once a tick. */
struct {
	__u64 jiffies;
	__u64 ns;
	__u32 s;
} weir_tick;

/*
 * CLOCK_MONOTONIC as of the last tick or, right after it, of the one before.
 * CPUs that come at the same moment write the same.
 */
static __always_inline void tick_read(void)
{
	__u64 jiffies = bpf_jiffies64();

	if (weir_tick.jiffies != jiffies) {
		weir_tick.ns = bpf_ktime_get_coarse_ns();
		weir_tick.s = weir_tick.ns / 1000000000ULL;
		weir_tick.jiffies = jiffies;
	}
}

static __always_inline __u64 tick_ns(void)
{
	tick_read();
	return weir_tick.ns;
}

/* The same in seconds. */
static __always_inline __u32 tick_s(void)
{
	tick_read();
	return weir_tick.s;
}

static __always_inline void count_rule(const struct weir_first_counters *first, __u32 id,
				       __u32 bytes)
{
	__u32 index = first->rule + id;
	struct weir_rule_counter *counter = bpf_map_lookup_elem(&weir_rules, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
	counter->last_ns = tick_ns();
}

#endif
