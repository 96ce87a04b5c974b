/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set in an arena of its own, and a program that looks keys up in it. For the
 * tests of sets, and for the benchmark: random elements, random keys.
 */
#ifndef WEIR_TEST_SET_BENCH_H
#define WEIR_TEST_SET_BENCH_H

#include "harness.h"
#include "set.h"
#include "set_arena.h"

#define SET_BENCH_KEYS 65536
#define SET_BENCH_SLOT 7

/* As in set_lookup.bpf.c. */
struct set_bench_key {
	__u64 hi, lo;
	__u32 detail;
	__u32 is_in; /* the program's answer */
};

struct set_bench {
	struct maps maps;
	struct capacity capacity;
	struct arena arena;
	struct set_lookup *skel;
	struct set_bench_key *keys; /* SET_BENCH_KEYS, mapped */
};

/* @sets_bytes: a power of two. */
void set_bench_start(struct set_bench *b, __u32 sets_bytes);
void set_bench_stop(struct set_bench *b);

/* Put @elements, which it sorts, in force in SET_BENCH_SLOT; returns the bytes of the set. */
__u32 set_bench_put(struct set_bench *b, enum set_type type, struct set_elements *elements);

/* Fill the keys: with members at random, or with any at all. */
void set_bench_members(struct set_bench *b, enum set_type type, const struct set_elements *from);
void set_bench_strangers(struct set_bench *b, enum set_type type, bool is_v6);

/* Random elements of one family; prefixes of 16 to 32 and 20 to 64 bits, mostly /24 and /48. */
void set_bench_random(struct set_elements *out, enum set_type type, bool is_v6, size_t count);

/* Look all keys up; their answers stand beside them. Returns how many are in. */
__u64 set_bench_look_up(struct set_bench *b);

/* ns of one lookup, net of the loop around it, the best of @rounds. */
double set_bench_ns(struct set_bench *b, int rounds);

#endif
