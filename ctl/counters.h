/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of rules, services, backends and reasons, and histograms: what each
 * CPU has, and the sums.
 */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "hist.h"
#include "state.h"
#include "weir/abi.h"

/* A map of counters, mapped: those of each CPU together. */
struct counters {
	char *mapped; /* NULL: not mapped */
	size_t bytes; /* of all */
	size_t stride; /* bytes from one counter to the next */
	__u32 each; /* how many a CPU has */
	__u32 cpus;
};

/* How many CPUs there can ever be here. */
__u32 counters_cpus(void);

/*
 * @map  one that maps_create() made for the CPUs that there can be
 *
 * Returns 0, or -errno with @c as it was. counters_close() takes what was never opened, too.
 */
int counters_open(struct counters *c, int map);
void counters_close(struct counters *c);

/* Sums of all CPUs; zeroes where the index is past the end. */
struct weir_counter counter_sum(const struct counters *c, __u32 index);
struct weir_rule_counter rule_counter_sum(const struct counters *c, __u32 index);

/* The same of one counter of a map that is not mapped; zeroes where it cannot be read. */
struct weir_counter counter_read(int map, __u32 index);

/* Set counter @index to zero on every CPU. */
void counter_zero(const struct counters *c, __u32 index);

/*
 * The same for a rule that packets may be matching now: what another CPU was
 * about to add to the old value does not bring that back.
 */
void rule_counter_reset(const struct counters *c, __u32 index);

/* Copy the first @count counters of each CPU to another map. Returns 0 or -errno. */
int counters_carry(int from, int to, __u32 count);

/* Zeroes where the index is past the map's end. */
void hist_read(int map, __u32 index, struct hist *out);

/* Set entry @index of an array, per CPU or not, to zero. Returns 0 or -errno. */
int counter_clear(int map, __u32 index);

/* And for a histogram. */
int hist_reset(int map, __u32 index);

/* Copy entries [@from_index, @from_index + @count) of one per-CPU map to another. */
int counters_copy(int from, __u32 from_index, int to, __u32 to_index, __u32 count);

#endif
