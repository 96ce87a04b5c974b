/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the datapath has timed, in the order in which it is shown.
 */
#ifndef WEIR_LATENCY_SHOW_H
#define WEIR_LATENCY_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "heat.h"
#include "hist.h"
#include "print.h"

enum latency_of {
	LATENCY_INTERFACE, /* an interface, a direction, a kind of sample */
	LATENCY_SERVICE, /* a service or a pool: the sum of its backends */
	LATENCY_BACKEND,
	LATENCY_PREFIX, /* clients of a prefix */
};

/* One histogram and what it is of. */
struct latency_row {
	enum latency_of of;
	const char *group; /* "interface", "service", "pool" or "prefix": what @name names */
	const char *name;
	const char *part; /* direction or backend, or "" */
	const char *kind; /* "tcp", "rtt", "response" and so on */
	const char *text; /* what that is, or "" */
	struct hist hist;
};

/* Which of them are wanted. */
struct latency_wanted {
	const char *only; /* name of an interface, service, pool or backend; NULL: all */
	const char *kind; /* NULL: all that there are samples of */
};

typedef void (*latency_fn)(void *arg, const struct latency_row *row);

/*
 * Call @each for every histogram wanted, one at a time: there may be a million
 * backends. Of an interface that has no sample, one row of kind "". Returns how
 * many interfaces, services, pools and backends had the name that was asked for.
 */
size_t latency_interfaces(const struct applied *a, const struct latency_wanted *w, latency_fn each,
			  void *arg);
size_t latency_services(const struct applied *a, const struct latency_wanted *w, latency_fn each,
			void *arg);
/*
 * Prefixes with most samples first: that called @only, or all. Returns how many,
 * or -ENOMEM.
 */
int latency_prefixes_each(const struct applied *a, const char *only, latency_fn each, void *arg);

/*
 * The prefix of clients that @text, "192.0.2.7" or "192.0.2.0/24", is or lies in,
 * as it is called in rows. NULL: @text is no such thing.
 */
const char *latency_prefix_name(const struct model *m, const char *text,
				char buf[PREFIX_TEXT_BYTES]);

/* Of the rows of an interface: not what a server took as well. */
bool latency_is_round_trip(const struct latency_row *r);
/* Only how far the peers are: out of the interface, and held back by nobody. */
bool latency_is_of_the_network(const struct latency_row *r);

/* Whether @kind is one, of interfaces or of backends; false with a reason. */
bool latency_is_kind(const char *kind, struct failure *why);

/* A line of a table, and the line above it. */
struct latency_table {
	FILE *out;
	int name_width; /* of the first two columns together */
	bool utf8; /* shades by block letters, else by digits */
	const char *none; /* said of a row without samples; NULL: "no samples yet" */
};
void latency_table_head(const struct latency_table *t, const char *title);
void latency_table_row(const struct latency_table *t, const char *name, const char *kind,
		       const struct hist *h);

/*
 * A distribution as one letter for each factor of four, from 1 us on, so that
 * lines can be compared by eye: the first is below 4 us, the last from 16 s on.
 */
void latency_print_shades(const struct hist *h, bool utf8, FILE *out);

/* A row on its own: figures, and bars of its distribution. */
void latency_print_whole(const struct latency_row *r, FILE *out);

/* Figures and buckets of a histogram, added to @object. */
void hist_json(json_t *object, const struct hist *h);
json_t *latency_json(const struct latency_row *r);

/*
 * The heat map of an interface's direction, from @since_s seconds ago on, 0 for
 * all that there is. Returns 0, or -1 with @why.
 */
int heat_read(const struct applied *a, __u32 slot, enum weir_direction direction, __u32 since_s,
	      struct heat *out, struct failure *why);

/* A measured interface of the image in force. */
struct measured {
	__u32 slot;
	char name[IFNAMSIZ];
};
/* The next one at @slot or after; false when there is none. */
bool measured_next(const struct applied *a, struct measured *m);

extern const char *const direction_names[WEIR_DIR_COUNT];

#endif
