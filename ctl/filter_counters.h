/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of all rules that are shown, read at one time, and what two such
 * readings say of the time between.
 */
#ifndef WEIR_FILTER_COUNTERS_H
#define WEIR_FILTER_COUNTERS_H

#include "command.h"
#include "weir/filter.h"

struct snapshot {
	struct weir_rule_counter *rules; /* by counter id; NULL: never taken */
	__u64 at_ns; /* CLOCK_MONOTONIC */
};

/* Filters of a configuration in force, in its order, with the ids of their counters. */
struct filter_walk {
	const struct applied *applied;
	const char *only; /* a filter's name; NULL: all */
	size_t next;
	const struct filter *filter; /* out of filter_next() */
	const struct weir_rule *counted; /* of its rules, the default last */
};

#define FILTER_WALK(a, name)                   \
	{                                      \
		.applied = (a), .only = (name) \
	}

/* False after the last one. */
bool filter_next(struct filter_walk *walk);

/* @out is to be freed by snapshot_free(). Returns 0, or -errno with @out untouched. */
int snapshot_take(const struct applied *a, const char *only, struct snapshot *out);
void snapshot_free(struct snapshot *s);

/* What a rule matched, and how fast since an earlier reading. */
struct rule_row {
	struct weir_rule_counter sum;
	bool has_rates;
	double packets_s, bits_s;
	double ago_s; /* since the last match; below 0: never */
};

/* @before may be one that was never taken; then there are no rates. */
struct rule_row rule_row(const struct snapshot *now, const struct snapshot *before, __u32 id);

/* "never", "now", "12 s ago", "3 h ago" */
const char *ago_text(double seconds, char *buf, size_t size);

/* "0", "0.4", "1.2k": as count_text(), of what may be less than one. */
const char *rate_text(double rate, char *buf, size_t size);

/* "2026-11-21T04:22:11.250Z", or "" where @ago_s is below 0. */
const char *time_text(double ago_s, char *buf, size_t size);

#endif
