// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When counters say that an interface sees one direction of flows alone.
 */
#include "one_way.h"

#include "test_main.h"

static void is_one_way(struct one_way_seen seen, enum one_way_of what, __u64 count)
{
	struct one_way found = one_way_judge(&seen);

	assert_int_equal(found.what, what);
	assert_int_equal(found.count, count);
}

static void is_not(struct one_way_seen seen)
{
	assert_int_equal(one_way_judge(&seen).what, ONE_WAY_NONE);
}

static void handshakes_that_were_done_and_not_timed_passed_one_way(void **state)
{
	(void)state;
	is_one_way((struct one_way_seen){ .begun = 6, .done = 6, .flows = 6 }, ONE_WAY_HANDSHAKES,
		   6);
	is_one_way(
		(struct one_way_seen){
			.begun = 100, .done = 100, .flows = 100, .timed = { 60, 58 } },
		ONE_WAY_HANDSHAKES, 40);
}

static void handshakes_timed_from_one_side_are_enough(void **state)
{
	(void)state;
	is_not((struct one_way_seen){
		.begun = 100, .done = 100, .flows = 100, .timed = { 100, 0 }, .samples = 300 });
	is_not((struct one_way_seen){
		.begun = 100, .done = 100, .flows = 100, .timed = { 20, 80 }, .samples = 300 });
}

static void answers_alone_are_flows_without_a_handshake(void **state)
{
	(void)state;
	is_one_way((struct one_way_seen){ .flows = 3 }, ONE_WAY_FLOWS, 3);
	is_not((struct one_way_seen){ .flows = 3, .samples = 1 });
	/* Nobody answers them anywhere. */
	is_not((struct one_way_seen){ .flows = 50, .begun = 50 });
}

static void few_may_be_chance_and_responses_are_known(void **state)
{
	(void)state;
	is_not((struct one_way_seen){ .begun = 2, .done = 2, .flows = 2 });
	is_not((struct one_way_seen){ .flows = 2 });
	is_not((struct one_way_seen){ .begun = 9, .done = 9, .flows = 9, .responses = 8 });
	is_not((struct one_way_seen){});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes_that_were_done_and_not_timed_passed_one_way),
		cmocka_unit_test(handshakes_timed_from_one_side_are_enough),
		cmocka_unit_test(answers_alone_are_flows_without_a_handshake),
		cmocka_unit_test(few_may_be_chance_and_responses_are_known),
	};

	return WEIR_RUN(tests);
}
