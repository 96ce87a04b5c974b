/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where packets wait on their way through this host.
 */
#ifndef WEIR_PATH_SHOW_H
#define WEIR_PATH_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "hist.h"
#include "places.h"

struct path_row {
	struct weir_path_pair pair;
	struct hist hist;
};

struct path_rows {
	struct path_row *list; /* by stage, then most samples first; owned */
	size_t count;
	struct places places; /* owned */
};

extern const char *const stage_names[WEIR_PATH_COUNT + 1]; /* and "rtt" */
extern const char *const stage_texts[WEIR_PATH_COUNT + 1];

/* Whether an interface of the configuration has "measure path". */
bool path_is_wanted(const struct model *m);
/* The same; false with @why. */
bool path_is_measured(const struct model *m, struct failure *why);

int path_read(const struct applied *a, struct path_rows *out, struct failure *why);
void path_free(struct path_rows *p);

/*
 * The packets that @now has and @before, an earlier reading, has not. @out has
 * a list of its own, to be freed, and the places of @now. Returns 0, or -ENOMEM
 * with @out untouched.
 */
int path_since(const struct path_rows *now, const struct path_rows *before, struct path_rows *out);

/* "eth0", where a pair is one device, or "veth0@blue -> veth1". */
#define PAIR_TEXT (2 * PLACE_TEXT + 8)
const char *pair_text(const struct places *p, const struct weir_path_place *from,
		      const struct weir_path_place *to, char text[PAIR_TEXT]);

/*
 * Whether there is a device that place_text() calls @name, or one that packets
 * passed; false with @why that suggests another.
 */
bool path_knows(const struct path_rows *p, const char *name, struct failure *why);

/*
 * Rows of @only, a device as place_text() says it, or of all; each ends with its
 * distribution, as latency_table_row(). Returns how many.
 */
size_t path_print(const struct path_rows *p, const char *only, FILE *out);
json_t *path_json(const struct path_rows *p, const char *only);

/* All pairs of a stage together. */
void path_stage(const struct path_rows *p, enum weir_path_stage stage, struct hist *out);

/* A part of a packet's way that somebody else answers for. */
struct blame {
	const char *name; /* "network", "nic", "veth", "stack", "cpu", "program" */
	const char *text; /* what is in it */
	bool is_measured; /* false: nobody asked for it */
	__u64 samples; /* 0: nothing is known of it */
	__u64 p50_ns, p99_ns; /* of its slowest stage */
};

#define BLAMES 6

/* @rtt: round trips out of this host's interfaces, or empty; NULL: they are not measured. */
void blame_make(const struct path_rows *p, const struct hist *rtt, struct blame out[BLAMES]);

/* Index of the one with the greatest p99; -1 when nothing is known. */
int blame_most(const struct blame b[BLAMES]);
void blame_print(const struct blame b[BLAMES], FILE *out);
json_t *blame_json(const struct blame b[BLAMES]);

/* What the hooks of the stack count, of path and of loss; all CPUs. */
struct weir_path_cpu path_counters(const struct applied *a);

/* "12 stages not in a histogram: ...", a line each, with what helps: what is not in the table, or nothing. */
void path_print_missing(const struct applied *a, FILE *out);
json_t *path_missing_json(const struct applied *a);

#endif
