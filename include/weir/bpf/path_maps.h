/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of the path. Sizes given here are the smallest; those of
 * ctl/maps.c are reused.
 */
#ifndef WEIR_BPF_PATH_MAPS_H
#define WEIR_BPF_PATH_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "weir/path.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_path_set);
} weir_paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct weir_path_pair);
	__type(value, struct weir_hist);
} weir_path_hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_path_cpu);
} weir_path_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} weir_slow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_slow_ask);
} weir_slow_ask SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_retransmit_set);
} weir_resent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_process_set);
} weir_processes SEC(".maps");

/* What a histogram begins as. */
static const struct weir_hist path_no_hist = {};

static __always_inline struct weir_path_cpu *path_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_path_cpu, &zero);
}

#endif
