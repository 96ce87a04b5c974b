// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What two readings of a rule's counters say, and how it is written.
 */
#include "filter_counters.h"

#include <string.h>

#include "test_main.h"

#define S 1000000000ULL

static void an_age_is_said_in_the_largest_unit_that_tells_it(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} ages[] = {
		{ -1, "never" },
		{ 0, "now" },
		{ 0.99, "now" },
		{ 1, "1 s ago" },
		{ 2.9, "2 s ago" },
		{ 119.9, "119 s ago" },
		{ 120, "2 min ago" },
		{ 7199, "119 min ago" },
		{ 7200, "2 h ago" },
		{ 172799, "47 h ago" },
		{ 172800, "2 d ago" },
		{ 86400.0 * 3650, "3650 d ago" },
		{ 86400.0 * 9.5, "9 d ago" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
		assert_string_equal(ago_text(ages[i].seconds, text, sizeof(text)), ages[i].text);
		/* Of a column of ten. */
		assert_true(strlen(text) <= 11);
	}
}

static void a_rate_below_ten_has_a_decimal_and_zero_has_none(void **state)
{
	static const struct {
		double rate;
		const char *text;
	} rates[] = {
		{ 0, "0" },	    { 0.04, "0.0" },  { 0.25, "0.2" },
		{ 9.9, "9.9" },	    { 9.96, "10" },   { 1234.4, "1234" },
		{ 12345, "12.3k" }, { 1e9, "1000M" }, { 2.5e10, "25.0G" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		assert_string_equal(rate_text(rates[i].rate, text, sizeof(text)), rates[i].text);
}

static void a_time_is_written_as_ISO_in_UTC(void **state)
{
	char now[40], before[40], never[40];

	(void)state;
	time_text(0, now, sizeof(now));
	time_text(3600, before, sizeof(before));
	assert_int_equal(strlen(now), strlen("2026-11-21T04:22:11.250Z"));
	assert_int_equal(now[10], 'T');
	assert_int_equal(now[23], 'Z');
	assert_true(strcmp(before, now) < 0);
	assert_string_equal(time_text(-1, never, sizeof(never)), "");
}

static void rates_are_what_came_between_two_readings(void **state)
{
	struct weir_rule_counter was = { .packets = 100, .bytes = 1000, .last_ns = 5 * S };
	struct weir_rule_counter is = { .packets = 300, .bytes = 26000, .last_ns = 11 * S };
	struct snapshot before = { .rules = &was, .at_ns = 10 * S };
	struct snapshot now = { .rules = &is, .at_ns = 12 * S };
	struct rule_row row = rule_row(&now, &before, 0);

	(void)state;
	assert_true(row.has_rates);
	assert_true(row.packets_s == 100 && row.bits_s == 100000);
	assert_true(row.ago_s == 1);
	assert_int_equal(row.sum.packets, 300);
}

static void a_first_reading_has_no_rates(void **state)
{
	struct weir_rule_counter is = { .packets = 300, .bytes = 26000, .last_ns = 11 * S };
	struct snapshot now = { .rules = &is, .at_ns = 12 * S }, none = {};

	(void)state;
	assert_false(rule_row(&now, &none, 0).has_rates);
}

static void a_counter_that_was_reset_in_between_has_no_wild_rate(void **state)
{
	struct weir_rule_counter was = { .packets = 100, .bytes = 1000 };
	struct weir_rule_counter is = { .packets = 4, .bytes = 40, .last_ns = 11 * S };
	struct snapshot before = { .rules = &was, .at_ns = 10 * S };
	struct snapshot now = { .rules = &is, .at_ns = 12 * S };
	struct rule_row row = rule_row(&now, &before, 0);

	(void)state;
	assert_true(row.packets_s == 2 && row.bits_s == 160);
}

static void a_match_after_the_reading_is_now_and_no_match_is_never(void **state)
{
	struct weir_rule_counter counters[] = { { .packets = 1, .last_ns = 13 * S }, {} };
	struct snapshot now = { .rules = counters, .at_ns = 12 * S }, none = {};

	(void)state;
	assert_true(rule_row(&now, &none, 0).ago_s == 0);
	assert_true(rule_row(&now, &none, 1).ago_s < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_age_is_said_in_the_largest_unit_that_tells_it),
		cmocka_unit_test(a_rate_below_ten_has_a_decimal_and_zero_has_none),
		cmocka_unit_test(a_time_is_written_as_ISO_in_UTC),
		cmocka_unit_test(rates_are_what_came_between_two_readings),
		cmocka_unit_test(a_first_reading_has_no_rates),
		cmocka_unit_test(a_counter_that_was_reset_in_between_has_no_wild_rate),
		cmocka_unit_test(a_match_after_the_reading_is_now_and_no_match_is_never),
	};

	return WEIR_RUN(tests);
}
