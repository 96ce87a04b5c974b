/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words behind "weir latency", and what "weir top" has of them. What is not said
 * to return something else returns an exit code.
 */
#ifndef WEIR_LATENCY_COMMANDS_H
#define WEIR_LATENCY_COMMANDS_H

#include "command.h"

/* heatmap [INTERFACE] [--since TIME] [-o FILE] */
int latency_heatmap(struct command *c, const struct applied *a);

/* [INTERFACE] --since TIME: that time against as long before */
int latency_since(struct command *c, const struct applied *a);

/* reset: all histograms, heat maps and counters of loss to zero */
int latency_reset(struct command *c);

/* Whether an interface has "measure"; false with c->why. */
bool latency_is_measured(const struct applied *a, struct command *c);

/* Nothing that is timed is called @name: returns -1, with c->why that suggests another. */
int latency_not_found(struct command *c, const struct applied *a, const char *name);

#endif
