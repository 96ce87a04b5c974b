/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conditions that rule sets are made of, printed.
 */
#ifndef WEIR_TEST_RULESET_VALUES_H
#define WEIR_TEST_RULESET_VALUES_H

#include <stdio.h>

#include "generate_values.h"

/* Choose the networks that the prefixes of a set of @rules rules lie in. */
void value_start(__u32 rules);

/*
 * Rule @i of them comes next. In most sets the first rules are narrow and the
 * last wide, or else a few of the first would decide every packet.
 */
void value_next(__u32 i);

/* Whether this rule may leave addresses open. */
bool value_may_be_wide(void);

/* " FIELD PREFIX", of @shortest to @longest bits; nested in the others as often as beside them. */
void value_print_prefix(FILE *out, const char *field, enum family family, __u32 shortest,
			__u32 longest);

/* The same of @length bits, all of one chain nested. */
void value_print_chain(FILE *out, const char *field, enum family family, __u32 chain, __u32 length);

/* "FIRST-LAST", addresses. */
void value_print_range(FILE *out, enum family family);

void value_print_port_range(FILE *out);
void value_print_ports(FILE *out);

/* " FIELD FIRST-LAST", below @limit. */
void value_print_small(FILE *out, const char *field, __u32 limit);

/* " FIELD MAC/LENGTH"; many cards share a maker, or all but the maker. */
void value_print_mac(FILE *out, const char *field);

/* Conditions of a whole rule. */
void value_print_types(FILE *out);
void value_print_edges(FILE *out);
void value_print_adjacent(FILE *out, __u32 rule);
void value_print_link(FILE *out);
void value_print_fields(FILE *out);

#endif
