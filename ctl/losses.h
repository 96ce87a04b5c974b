/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted beside round-trip times: what was lost and refused, and what
 * could not be timed. By interface, and by who sent what told of it.
 */
#ifndef WEIR_LOSSES_H
#define WEIR_LOSSES_H

#include <jansson.h>
#include <net/if.h>
#include <stdio.h>

#include "command.h"
#include "weir/latency.h"

struct loss_row {
	char interface[IFNAMSIZ];
	enum weir_direction sender;
	struct weir_loss seen; /* all CPUs */
};

struct losses {
	struct loss_row *list; /* owned */
	size_t count;
	__u32 flows; /* that are timed at once */
};

/* Of @only, or of all interfaces that are measured. Returns 0, or -ENOMEM with @out untouched. */
int losses_read(const struct applied *a, const char *only, struct losses *out);
void losses_free(struct losses *l);

/* Of one sender and the interface with @slot in the image in force; all CPUs. Without memory, zeroes. */
struct weir_loss losses_of(const struct state *s, __u32 slot, enum weir_direction sender);

/* Returns 0, or -ENOMEM with @out untouched. */
int losses_copy(const struct losses *l, struct losses *out);

/* Take away what @before, an earlier reading, had already. */
void losses_since(struct losses *l, const struct losses *before);

/* What was lost and refused, a line for each interface and sender. */
void losses_print(const struct losses *l, FILE *out);

/* The flows that were timed, and what was not, with what helps. */
void losses_print_untimed(const struct losses *l, FILE *out);

/* All of it: an array, the caller's. */
json_t *losses_json(const struct losses *l);

#endif
