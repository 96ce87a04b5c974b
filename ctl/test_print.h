/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "weir test" says of packets, and whether it is what was expected.
 */
#ifndef WEIR_TEST_PRINT_H
#define WEIR_TEST_PRINT_H

#include <jansson.h>

#include "trial.h"

struct test_report {
	json_t *list; /* NULL: text */
	const char *expect; /* pass, drop, reject or forward; NULL: any */
	const char *rule; /* that is expected to decide; NULL: any */
	bool is_file; /* many packets: one line each, and a sum */
	size_t number; /* of the packet that is run: its place in the file */
	size_t packets;
	size_t mismatches;
	size_t fates[4];
};

/* "pass", "drop", "reject" or "forward". */
const char *test_verdict(const struct trial *t, const struct trial_result *result);

/* Fails with EXIT_USAGE for what no packet's fate is called; NULL is none expected. */
int test_expect_parse(const char *expect, struct failure *why);

/* Print, or add to the list. Returns 0. */
int test_report_add(struct test_report *r, const struct trial *t, const struct trial_result *result,
		    const struct frame *in);

/* The sum. Returns an exit code: EXIT_REFUSED when a packet was not as expected. */
int test_report_end(struct test_report *r);

#endif
