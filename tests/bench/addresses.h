/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sets of addresses and prefixes, packets from them and from elsewhere,
 * and what a set holds, by binary search.
 */
#ifndef WEIR_BENCH_ADDRESSES_H
#define WEIR_BENCH_ADDRESSES_H

#include <stdbool.h>
#include <stdio.h>

#include "trace.h"

/* EXACT: single addresses. PREFIXES: lengths as in routing tables. */
enum set_kind { SET_EXACT, SET_PREFIXES };

typedef unsigned __int128 number;

/* A prefix: addresses in [first, last]; IPv4 in the low 32 bits. */
struct span {
	number first, last;
};

struct addresses {
	struct span *drawn; /* as they stand in the file */
	struct span *sorted; /* disjoint, ascending */
	__u32 count, sorted_count;
	int family; /* 4 or 6 */
};

void addresses_make(struct addresses *a, __u32 count, int family, enum set_kind kind);
void addresses_free(struct addresses *a);

/* One element to a line. */
void addresses_print(const struct addresses *a, FILE *out);

/* Half of the packets come from the set, half from anywhere. By the set's family. */
void addresses_trace4(const struct addresses *a, struct trace4 *trace);
void addresses_trace6(const struct addresses *a, struct trace6 *trace);

bool addresses_hold4(const struct addresses *a, const struct trace_header4 *h);
bool addresses_hold6(const struct addresses *a, const struct trace_header6 *h);

#endif
