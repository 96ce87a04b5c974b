/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the filter's actions in programs of their own, with maps of
 * their own. What should not fail fails the test.
 */
#ifndef WEIR_TEST_ACTIONS_H
#define WEIR_TEST_ACTIONS_H

#include "harness.h"

#include "weir/conn.h"
#include "weir/cpu.h"
#include "weir/limit.h"
#include "weir/log.h"

#include "actions_tc.skel.h"
#include "actions_xdp.skel.h"

#define ACTIONS_RULES 1024 /* buckets of rules */
#define ACTIONS_LIMIT_SETS 1024 /* of buckets of sources */
#define ACTIONS_CONN_SETS 16384
#define ACTIONS_LOG_BYTES 65536

struct actions_xdp *actions_xdp_start(void);
struct actions_tc *actions_tc_start(void);

/* Returns the verdict. @out gets the frame as the program left it; it may be NULL. */
__u32 actions_run(const struct bpf_program *program, const struct frame *in, struct frame *out);

/* The same at XDP, of a frame that came in at a device of this namespace. */
__u32 actions_run_at(const struct bpf_program *program, __u32 ifindex, const struct frame *in,
		     struct frame *out);

/* The same frame so many times in one go. */
void actions_repeat(const struct bpf_program *program, const struct frame *in, __u32 times);

/* The counters of all CPUs, summed; the rest is one CPU's. */
struct weir_cpu actions_cpu(const struct bpf_map *map);

/* Zeroes for every CPU. */
void actions_cpu_clear(const struct bpf_map *map);

#endif
