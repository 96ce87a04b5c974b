/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow packets: what is asked of the datapath, and what it tells of one.
 */
#ifndef WEIR_SLOW_H
#define WEIR_SLOW_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "places.h"
#include "weir/path.h"

/* "5ms", "1.5ms", "800us", "2s": 256 ns to 18 minutes. Returns 0, or -1 with @why. */
int slow_time_parse(const char *text, __u32 *ticks, struct failure *why);

/*
 * What "monitor slow" was told: thresholds and filters. With --over-p99 the
 * thresholds are left 0 and @times_p99 is above 0.
 */
int slow_ask_parse(const struct slow_options *o, const struct places *p, struct weir_slow_ask *out,
		   double *times_p99, struct failure *why);

/*
 * A line, without time of day and newline:
 * "app 12.3 ms  eth0@web  cpu 1  nginx[1234]  tcp 10.0.0.1:4444 > 10.0.0.2:80 psh,ack ..."
 */
void slow_print(const struct weir_slow *e, const struct places *p, FILE *out);

/* The same as an object, without its time. */
json_t *slow_json(const struct weir_slow *e, const struct places *p);

#endif
