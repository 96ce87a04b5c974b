/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rule sets in the style of ClassBench, packets that hit them, and the
 * slow obvious matcher that says which rule a packet must hit.
 */
#ifndef WEIR_BENCH_RULES_H
#define WEIR_BENCH_RULES_H

#include <stdbool.h>
#include <stdio.h>

#include "trace.h"

/* Of access lists, long source and destination prefixes; of firewalls, many wildcards. */
enum profile { PROFILE_ACL, PROFILE_FW };

#define PROTO_ANY (-1)

struct bench_rule {
	__u32 saddr, daddr; /* host order */
	__u8 saddr_bits, daddr_bits;
	__u16 sport[2], dport[2]; /* first, last; of PROTO_ANY and ICMP all */
	int proto; /* IPPROTO_* or PROTO_ANY */
	bool drops; /* or passes */
};

void random_seed(__u64 seed);
__u32 random_below(__u32 limit);
__u64 random_64(void);

/* @count different rules, the more specific ones first, as people write them. */
void rules_make(struct bench_rule *rules, __u32 count, enum profile profile);

/* Packets that hit random rules of @rules, one of twenty a random one. */
void rules_trace(const struct bench_rule *rules, __u32 count, struct trace4 *trace);

/* The first that matches, or @count. */
__u32 rules_match(const struct bench_rule *rules, __u32 count, const struct trace_header4 *h);

bool rule_matches(const struct bench_rule *r, const struct trace_header4 *h);

/* weir's configuration: filter "edge" with rules r0, r1 ... and default drop. */
void rules_print_weir(const struct bench_rule *rules, __u32 count, FILE *out);

#endif
