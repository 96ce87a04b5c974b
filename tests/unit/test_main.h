/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a cmocka test program, for scripts/test:
 *
 *     int main(void)
 *     {
 *             const struct CMUnitTest tests[] = {...};
 *
 *             return WEIR_RUN(tests);
 *     }
 */
#ifndef WEIR_TEST_MAIN_H
#define WEIR_TEST_MAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Run those of @tests whose name matches the glob WEIR_TEST_FILTER, if it is set. */
#define WEIR_RUN(tests) WEIR_RUN_GROUP(tests, NULL, NULL)

/* The same with a setup and a teardown of the whole group; either may be NULL. */
#define WEIR_RUN_GROUP(tests, setup, teardown) \
	(test_main_prepare(), cmocka_run_group_tests(tests, setup, teardown))

/* End the running test as skipped; scripts/test shows the reason. */
#define WEIR_SKIP(...)               \
	do {                         \
		printf("skip: ");    \
		printf(__VA_ARGS__); \
		printf("\n");        \
		skip();              \
	} while (0)

static inline void test_main_prepare(void)
{
	const char *filter = getenv("WEIR_TEST_FILTER");

	/* A test that crashes must not take the lines of those before it along. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (filter && *filter)
		cmocka_set_test_filter(filter);
}

#endif
