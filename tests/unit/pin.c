// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins are read as the datapath takes them.
 */
#include "pin.h"

#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW 100000
#define LIFE 4 /* as an exponent: 16 s */

static struct weir_pin pin_of(enum weir_pin_state state, __u32 seen)
{
	return (struct weir_pin){ .tag = 77,
				  .seen = seen,
				  .state = (__u32)LIFE << WEIR_PIN_LIFE_SHIFT |
					   (__u32)state << WEIR_PIN_STATE_SHIFT | 5 };
}

static void a_pin_lives_as_long_as_it_says(void **state)
{
	static const struct {
		__u32 seen, age, left;
		bool lives;
	} cases[] = {
		{ NOW, 0, 16, true },
		{ NOW - 1, 1, 15, true },
		{ NOW - 16, 16, 0, true },
		{ NOW - 17, 17, 0, false },
		/* Another CPU is in the next second already. */
		{ NOW + 1, 0, 16, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct weir_pin pin = pin_of(WEIR_PIN_OPEN, cases[i].seen);
		struct seen_pin seen;

		assert_int_equal(pin_decode(&pin, NOW, &seen), cases[i].lives);
		assert_int_equal(seen.age_s, cases[i].age);
		assert_int_equal(seen.left_s, cases[i].left);
		assert_int_equal(seen.backend, 5);
		assert_int_equal(seen.state, WEIR_PIN_OPEN);
		assert_int_equal(seen.tag, 77);
	}
}

/* The clock of pins has 32 bits. */
static void the_clock_may_begin_anew(void **state)
{
	const struct weir_pin before = pin_of(WEIR_PIN_OPEN, ~0U), after = pin_of(WEIR_PIN_OPEN, 1);
	struct seen_pin seen;

	(void)state;
	assert_true(pin_decode(&before, 2, &seen));
	assert_int_equal(seen.age_s, 3);
	assert_true(pin_decode(&after, ~0U, &seen));
	assert_int_equal(seen.age_s, 0);
}

static void a_fragment_lives_half_a_minute(void **state)
{
	const struct weir_pin pin = pin_of(WEIR_PIN_FRAGMENT, NOW);
	struct seen_pin seen;

	(void)state;
	assert_true(pin_decode(&pin, NOW + WEIR_PIN_FRAGMENT_S, &seen));
	assert_false(pin_decode(&pin, NOW + WEIR_PIN_FRAGMENT_S + 1, &seen));
}

static void notes_are_of_no_flow(void **state)
{
	(void)state;
	for (enum weir_pin_state s = WEIR_PIN_FREE; s < WEIR_PIN_STATE_COUNT; s++) {
		const struct weir_pin pin = pin_of(s, NOW);
		struct seen_pin seen;

		assert_int_equal(pin_decode(&pin, NOW, &seen),
				 s != WEIR_PIN_FREE && s != WEIR_PIN_BUSY);
		assert_int_equal(pin_is_note(&seen),
				 s == WEIR_PIN_FRAGMENT || s == WEIR_PIN_VERIFIED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pin_lives_as_long_as_it_says),
		cmocka_unit_test(the_clock_may_begin_anew),
		cmocka_unit_test(a_fragment_lives_half_a_minute),
		cmocka_unit_test(notes_are_of_no_flow),
	};

	return WEIR_RUN(tests);
}
