/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of packets and what is expected of each, a line for one:
 *
 *     # verdict [rule NAME] packet
 *     pass  rule ssh  tcp from 203.0.113.7:4444 to 192.0.2.1:22
 *     drop            udp from 198.51.100.7:53 to 192.0.2.1:1024
 */
#ifndef WEIR_TEST_CASES_H
#define WEIR_TEST_CASES_H

#include <stdio.h>

#include "describe.h"

#define CASE_WORDS 64

struct test_case {
	unsigned int line;
	const char *expect;
	const char *rule; /* NULL: any */
	struct frame frame;
	char *text; /* owned; what the others point into */
};

struct test_cases {
	const char *path;
	FILE *file;
	unsigned int line;
};

int test_cases_open(struct test_cases *t, const char *path, struct failure *why);
void test_cases_close(struct test_cases *t);

/* Returns 1 with the next one, to be freed by test_case_free(); 0 at the end; -1 with the place. */
int test_cases_next(struct test_cases *t, struct test_case *out, struct failure *why);
void test_case_free(struct test_case *c);

#endif
