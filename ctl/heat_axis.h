/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the axes of a picture of time against latency have their marks.
 */
#ifndef WEIR_HEAT_AXIS_H
#define WEIR_HEAT_AXIS_H

#include <stddef.h>

#include "heat.h"

/* 1, 2 and 5 of every power of ten from 1 us on; 0 past the last one, 50 s. */
__u64 heat_mark_ns(unsigned int index);

/* "500 us", "20 ms": a mark. */
const char *heat_mark_text(__u64 ns, char *buf, size_t size);

/* How far up a latency is, in rows from the lowest one's floor: 1.5 is in the middle of the second. */
double heat_height(const struct heat *h, __u64 ns);

/*
 * Seconds between marks of time that leave @least columns between them: a
 * minute, two, five and so on.
 */
__u32 heat_step_s(const struct heat *h, double least);

/* The first mark at @from_s or later; marks are whole local times of day. */
__u64 heat_mark_s(__u64 from_s, __u32 step_s);

/* "14:05" */
const char *heat_clock_text(__u64 s, char *buf, size_t size);

/* "14:05:30 to 15:02:45, 15 s a column, 12345 samples" */
const char *heat_summary(const struct heat *h, char *buf, size_t size);

#endif
