/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words behind "weir latency", and what "weir top" has of them. What is not said
 * to return something else returns an exit code.
 */
#ifndef WEIR_LATENCY_COMMANDS_H
#define WEIR_LATENCY_COMMANDS_H

#include "command.h"
#include "latency.h"

/* heatmap [INTERFACE] [--since TIME] [-o FILE] */
int latency_heatmap(struct command *c, const struct applied *a);

/* [INTERFACE] --since TIME: that time against as long before that */
int latency_since(struct command *c, const struct applied *a);

/* reset: all histograms, heat maps and counters of loss to zero */
int latency_reset(struct command *c);

/* path [INTERFACE] */
int latency_path(struct command *c, const struct applied *a);

/* --prefix [PREFIX] */
int latency_by_prefix(struct command *c, const struct applied *a);

/* Whether an interface has "measure rtt" or "measure path"; false with c->why. */
bool latency_is_measured(const struct applied *a, struct command *c);

/* Whether one has "measure rtt"; false with c->why. @name is what was asked for, or NULL. */
bool latency_is_timed(const struct applied *a, struct command *c, const char *name);

/*
 * Nothing that is timed is called @name: no interface, service, pool or backend;
 * or no interface. Returns -1, with c->why that tells why or suggests another.
 */
int latency_not_found(struct command *c, const struct applied *a, const char *name);
int latency_no_interface(struct command *c, const struct applied *a, const char *name);

/* --since in seconds, 0 where it is not written. Returns 0, or -1 with c->why. */
int latency_since_s(struct command *c, __u32 *seconds);

/* The interface called @only, or the first one. Returns 0, or -1 with c->why. */
int latency_find_measured(struct command *c, const struct applied *a, const char *only,
			  struct measured *out);

/* How a row of figures is shown: as text in a table, or as JSON. */
struct latency_shown {
	json_t *list; /* NULL: text */
	struct latency_table table;
};
struct latency_shown latency_shown_for(struct command *c, const struct applied *a);
void latency_show_row(void *arg, const struct latency_row *r);
/* On its own, with bars. */
void latency_show_whole(void *arg, const struct latency_row *r);

#endif
