/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words behind "weir latency". Each returns an exit code.
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

#endif
