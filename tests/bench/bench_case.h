/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "make bench-filter" measures: each case beside an empty program, over
 * the same packets, in turn with all others.
 */
#ifndef WEIR_BENCH_CASE_H
#define WEIR_BENCH_CASE_H

#include "driver.h"
#include "harness.h"
#include "rules.h"

#define ROUNDS 11
/* Packets of a trace whose verdicts and rules are compared with the slow matcher's. */
#define SAMPLE 4096

struct bench_case {
	char name[40];
	struct driver driver;
	struct harness *harness; /* of weir's; else NULL */
	int program; /* XDP */
	__u32 bare, ruled; /* devices without and with rules, of what is behind XDP */
	__u32 packets; /* in a round */
	double empty[ROUNDS], ns[ROUNDS];
};

/* A new case, or NULL where the command line asks for others. Says on a terminal that it is made. */
struct bench_case *case_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that is printed below the table. */
void case_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Start the generator for what is called @what of @count, so that all who filter it draw the same. */
void case_seed(const char *what, __u32 count);

/* Rules and a trace that hits them, of @profile; freed by the caller. */
struct bench_rule *case_rules(enum profile profile, __u32 count, struct trace4 *trace);

extern const char *const profile_names[];

/* The program as it is loaded when it has nothing to do: what parsing and counting take. */
void weir_nothing(void);
void weir_default(void);
void weir_rules(enum profile profile, __u32 count);
void weir_set(int family, bool is_exact, __u32 count);
/* Compile and swap times, and memory, of weir's cases. */
void weir_print_times(const struct bench_case *cases, size_t count);

void xdp_filter_set(__u32 count);
void kernel_hash_set(__u32 count);
void nft_rules(enum profile profile, __u32 count);
void nft_set(enum profile profile, __u32 count);
void nft_prefixes(__u32 count);

/* What "weir apply" takes for one rule of @rules; attaches to @device. */
void edit_print(const char *device, __u32 rules);

#endif
