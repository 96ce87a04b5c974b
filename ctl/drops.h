/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel dropped and what TCP sent again, with names.
 */
#ifndef WEIR_DROPS_H
#define WEIR_DROPS_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "places.h"
#include "weir/path.h"

/* Names of this kernel's reasons to drop a packet, out of its type information. */
struct drop_reasons {
	char (*names)[48]; /* by number, "" where there is none */
	size_t count;
};

/* Without type information there are no names; that is no error. */
void drop_reasons_read(struct drop_reasons *r);
void drop_reasons_free(struct drop_reasons *r);
/* "no-socket" for SKB_DROP_REASON_NO_SOCKET, or "reason 77"; @text has 48 bytes. */
const char *drop_reason_text(const struct drop_reasons *r, __u32 reason, char text[48]);

struct drop_row {
	struct weir_drop_key key;
	__u64 packets;
	__u64 last_ns; /* CLOCK_MONOTONIC */
};

/* Reasons of drops that are no losses: X(reason as it is printed, explanation) */
#define DROPS_NO_LOSSES(X)                                                             \
	X("otherhost", "for other hosts, which a tap or a bridge's flood has brought") \
	X("queue-purge", "that lay in sockets when those were closed, as a FIN may")

enum {
#define X(reason, text) +1
	DROPS_APART = 0 DROPS_NO_LOSSES(X)
#undef X
};

/*
 * What found no place in the tables, or gave way there: X(counter of struct
 * weir_path_cpu, entries of the table, explanation)
 */
#define DROPS_NOT_KEPT(X)                                                                    \
	X(drops_full, WEIR_DROPS_MOST, "packets are in no row above: the table has %u rows") \
	X(retransmits_evicted, WEIR_RETRANSMIT_SETS *WEIR_RETRANSMIT_WAYS,                   \
	  "flows that sent again gave way to later ones: the table has %u")                  \
	X(processes_evicted, WEIR_PROCESS_SETS *WEIR_PROCESS_WAYS,                           \
	  "processes gave way to others: the table has %u")

/* All that "show drops" shows; lists are owned, and have most first. */
struct drops {
	struct drop_row *drops;
	size_t drops_count;
	__u64 apart[DROPS_APART]; /* packets, by drops_apart[] */
	struct weir_process *processes;
	size_t processes_count;
	struct weir_retransmit *flows;
	size_t flows_count;
	struct weir_path_cpu counted; /* all CPUs; those of DROPS_NOT_KEPT */
	struct drop_reasons reasons;
	struct places places;
	__u64 now_ns; /* CLOCK_MONOTONIC */
};

/* Of @a, which has measured losses; sorted. Returns 0, or -1 with @why and @out untouched. */
int drops_read(const struct applied *a, struct drops *out, struct failure *why);

/* The lists alone, for drops_since(). Returns 0, or -ENOMEM with @out untouched. */
int drops_copy(const struct drops *d, struct drops *out);

/* Take rows of what nobody lost out, and count it apart. */
void drops_set_apart(struct drops *d);

/*
 * Take away what @before, an earlier reading, had already; rows of which nothing
 * is left go. Before drops_set_apart().
 */
void drops_since(struct drops *d, const struct drops *before);

void drops_sort(struct drops *d);
void drops_print(const struct drops *d, size_t flows_most, FILE *out);
json_t *drops_json(const struct drops *d);
void drops_free(struct drops *d);

#endif
