/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the kernel's log-linear histograms.
 */
#ifndef WEIR_HIST_H
#define WEIR_HIST_H

#include <linux/types.h>
#include <stdio.h>

#include "weir/latency.h"

/* All CPUs' parts of one histogram, summed. Times in ns. */
struct hist {
	__u64 count;
	__u64 sum_ns;
	__u64 min_ns; /* 0 when count is 0 */
	__u64 max_ns;
	__u64 bucket[WEIR_HIST_BUCKETS];
};

/* Sum @cpus parts, as a per-CPU map lookup returns them, into @out. */
void hist_sum(const struct weir_hist *parts, unsigned int cpus, struct hist *out);

/* Add the samples of @from. */
void hist_add(struct hist *to, const struct hist *from);

/*
 * The samples that @now has and @before, an earlier reading of the same, has
 * not. Smallest and largest are those of their buckets: off by 1/32 at most.
 * Where @now has fewer it was set to zero in between, and all of it is new.
 */
void hist_since(const struct hist *now, const struct hist *before, struct hist *out);

/*
 * The value that @permille thousandths of the samples do not exceed, in ns:
 * the middle of the bucket that holds it, clipped to min and max. 0 when empty.
 * Off by at most 1/64 of the value, or half a tick.
 */
__u64 hist_quantile_ns(const struct hist *h, unsigned int permille);

/* "840 ns", "23.1 us", "1.84 ms", "2.10 s": three digits and a unit. */
const char *hist_time_text(__u64 ns, char *buf, size_t size);

/*
 * A bar per power of two between the smallest and the largest sample:
 *
 *     16.4 us - 32.8 us    1204 |############################            |
 *
 * at most @width columns wide.
 */
void hist_print_bars(const struct hist *h, unsigned int width, FILE *out);

#endif
