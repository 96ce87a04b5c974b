/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU counters and histograms, summed.
 */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "hist.h"
#include "state.h"
#include "weir/abi.h"

/* Zeroes where the index is past the map's end. */
struct weir_counter counter_read(int map, __u32 index);
struct weir_rule_counter rule_counter_read(int map, __u32 index);
void hist_read(int map, __u32 index, struct hist *out);

/* Set entry @index of a per-CPU map to zero on every CPU. Returns 0 or -errno. */
int counter_clear(int map, __u32 index);

/*
 * The same for a rule that packets may be matching now: what another CPU was
 * about to add to the old value does not bring that back. Returns 0 or -errno.
 */
int rule_counter_reset(int map, __u32 index);

/* Copy entries [@from_index, @from_index + @count) of one per-CPU map to another. */
int counters_copy(int from, __u32 from_index, int to, __u32 to_index, __u32 count);

#endif
