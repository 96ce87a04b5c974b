// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which columns of a heat map are compared, and how long that is.
 */
#include "latency_since.h"

#include "test_main.h"

#define COLUMNS 256
#define COLUMN_S 15

static void is(struct moments m, unsigned int since, __u32 since_s, unsigned int before,
	       __u32 before_s)
{
	assert_int_equal(m.since, since);
	assert_int_equal(m.since_s, since_s);
	assert_int_equal(m.before, before);
	assert_int_equal(m.before_s, before_s);
}

static void since_covers_what_is_wanted_and_less_than_a_column_more(void **state)
{
	(void)state;
	is(moments_of(COLUMNS, 15, COLUMN_S, 0), 2, 15, 1, 15);
	is(moments_of(COLUMNS, 15, COLUMN_S, 14), 2, 29, 1, 15);
	is(moments_of(COLUMNS, 600, COLUMN_S, 7), 41, 607, 40, 600);
	is(moments_of(COLUMNS, 20, COLUMN_S, 5), 2, 20, 2, 30);
	for (__u32 wanted = COLUMN_S; wanted < 1800; wanted++) {
		for (__u32 partial = 0; partial < COLUMN_S; partial++) {
			struct moments m = moments_of(COLUMNS, wanted, COLUMN_S, partial);

			assert_in_range(m.since_s, wanted, wanted + COLUMN_S - 1);
			assert_in_range(m.before_s, wanted, wanted + COLUMN_S - 1);
		}
	}
}

static void before_is_what_is_left(void **state)
{
	(void)state;
	is(moments_of(COLUMNS, 2400, COLUMN_S, 0), 161, 2400, 95, 1425);
	is(moments_of(COLUMNS, 3840, COLUMN_S, 14), 256, 3839, 0, 0);
	is(moments_of(COLUMNS, 3825, COLUMN_S, 0), 256, 3825, 0, 0);
	/* A machine that has just been started. */
	is(moments_of(1, 600, COLUMN_S, 3), 1, 3, 0, 0);
	is(moments_of(3, 15, COLUMN_S, 3), 2, 18, 1, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(since_covers_what_is_wanted_and_less_than_a_column_more),
		cmocka_unit_test(before_is_what_is_left),
	};

	return WEIR_RUN(tests);
}
