// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hist.h"
#include "own.h"
#include "random.h"
#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TICK_NS (1ULL << WEIR_TICK_SHIFT)

/*
 * The slow reference: lay the buckets side by side, 16 of one tick, then 16 to
 * each octave [2^n, 2^(n+1)), and look for the one that holds the value.
 */
static __u64 reference_floor[WEIR_HIST_BUCKETS + 1];

static void lay_reference(void)
{
	__u64 octave, step;
	unsigned int i = 0;

	for (; i < 32; i++)
		reference_floor[i] = i;
	for (octave = 32; octave < 1ULL << 32; octave *= 2)
		for (step = 0; step < 32; step++)
			reference_floor[i++] = octave + step * (octave / 32);
	reference_floor[i] = 1ULL << 32;
}

static __u32 reference_index(__u32 ticks)
{
	__u32 i = 0;

	while (reference_floor[i + 1] <= ticks)
		i++;
	return i;
}

static void check_value(__u32 ticks)
{
	const __u32 index = weir_hist_index(ticks);

	if (index != reference_index(ticks))
		fail_msg("%u ticks are in bucket %u, not %u", ticks, reference_index(ticks), index);
	assert_true(index < WEIR_HIST_BUCKETS);
	assert_true(weir_hist_floor(index) <= ticks);
	assert_true(ticks < weir_hist_floor(index + 1));
}

static void index_agrees_with_the_reference(void **state)
{
	unsigned int i, bit;

	(void)state;
	for (i = 0; i < 1U << 14; i++)
		check_value(i);
	for (bit = 0; bit < 32; bit++) {
		check_value((1U << bit) - 1);
		check_value(1U << bit);
		check_value((1U << bit) + 1);
	}
	check_value(0xffffffff);
	for (i = 0; i < 100000; i++)
		check_value((__u32)random_u64() >> random_below(32));
}

static void index_agrees_with_the_reference_at_every_edge(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < WEIR_HIST_BUCKETS; i++) {
		check_value((__u32)reference_floor[i]);
		check_value((__u32)(reference_floor[i + 1] - 1));
	}
}

static void floor_agrees_with_the_reference(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i <= WEIR_HIST_BUCKETS; i++)
		assert_int_equal(weir_hist_floor(i), reference_floor[i]);
}

static void index_never_falls_as_the_value_grows(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		const __u32 a = (__u32)random_u64() >> random_below(32);
		const __u32 b = (__u32)random_u64() >> random_below(32);

		if (a <= b)
			assert_true(weir_hist_index(a) <= weir_hist_index(b));
	}
}

static void a_bucket_is_at_most_a_32nd_of_its_values_wide(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 32; i < WEIR_HIST_BUCKETS; i++)
		assert_true((weir_hist_floor(i + 1) - weir_hist_floor(i)) * 32 <=
			    weir_hist_floor(i));
}

static void add_sample(struct weir_hist *part, __u32 ticks)
{
	part->sum += ticks;
	if (!part->min_plus_1 || ticks + 1 < part->min_plus_1)
		part->min_plus_1 = ticks + 1;
	if (ticks > part->max)
		part->max = ticks;
	part->bucket[weir_hist_index(ticks)]++;
}

static void sum_adds_the_parts_of_all_cpus(void **state)
{
	static struct weir_hist parts[4];
	struct hist h;

	(void)state;
	add_sample(&parts[1], 100);
	add_sample(&parts[1], 7);
	add_sample(&parts[3], 100);
	add_sample(&parts[3], 5000);

	hist_sum(parts, COUNT(parts), &h);

	assert_int_equal(h.count, 4);
	assert_int_equal(h.sum_ns, (100 + 7 + 100 + 5000) * TICK_NS);
	assert_int_equal(h.min_ns, 7 * TICK_NS);
	assert_int_equal(h.max_ns, 5000 * TICK_NS);
	assert_int_equal(h.bucket[weir_hist_index(7)], 1);
	assert_int_equal(h.bucket[weir_hist_index(100)], 2);
	assert_int_equal(h.bucket[weir_hist_index(5000)], 1);
}

static void sum_of_no_samples_is_all_zero(void **state)
{
	static const struct weir_hist parts[3];
	static const struct hist zero;
	struct hist h;

	(void)state;
	memset(&h, 0xff, sizeof(h));
	hist_sum(parts, COUNT(parts), &h);
	assert_memory_equal(&h, &zero, sizeof(h));
}

static void a_sample_of_zero_ticks_is_a_minimum(void **state)
{
	static struct weir_hist parts[2];
	struct hist h;

	(void)state;
	add_sample(&parts[0], 9);
	add_sample(&parts[1], 0);
	hist_sum(parts, COUNT(parts), &h);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.min_ns, 0);
}

static void sum_holds_the_largest_values_without_wrapping(void **state)
{
	static struct weir_hist parts[2];
	struct hist h;

	(void)state;
	add_sample(&parts[0], 0xfffffffe);
	parts[0].bucket[WEIR_HIST_BUCKETS - 1] = 0xffffffff;
	add_sample(&parts[1], 0xfffffffe);
	hist_sum(parts, COUNT(parts), &h);
	assert_int_equal(h.count, 1ULL << 32);
	assert_int_equal(h.min_ns, 0xfffffffeULL * TICK_NS);
	assert_int_equal(h.max_ns, 0xfffffffeULL * TICK_NS);
	assert_int_equal(hist_quantile_ns(&h, 500), 0xfffffffeULL * TICK_NS);
}

static int by_value(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The least sample that @permille thousandths of all samples do not exceed. */
static __u32 reference_quantile(const __u32 *sorted, unsigned int n, unsigned int permille)
{
	unsigned int i = 0;

	while ((i + 1) * 1000ULL < (__u64)n * permille)
		i++;
	return sorted[i];
}

static void check_quantiles(unsigned int n, unsigned int shift_range)
{
	static const unsigned int permilles[] = { 0, 1, 10, 250, 500, 750, 900, 990, 999, 1000 };
	static struct weir_hist parts[3];
	OWN_FREE __u32 *samples = malloc(n * sizeof(*samples));
	struct hist h;
	unsigned int i;

	assert_non_null(samples);
	memset(parts, 0, sizeof(parts));
	for (i = 0; i < n; i++) {
		samples[i] = ((__u32)random_u64() >> 1) >> (31 - shift_range) >>
			     random_below(shift_range + 1);
		add_sample(&parts[random_below(COUNT(parts))], samples[i]);
	}
	qsort(samples, n, sizeof(*samples), by_value);
	hist_sum(parts, COUNT(parts), &h);

	for (i = 0; i < COUNT(permilles); i++) {
		const double want = (double)reference_quantile(samples, n, permilles[i]) * TICK_NS;
		const double got = (double)hist_quantile_ns(&h, permilles[i]);

		if (fabs(got - want) > fmax(want / 32, (double)TICK_NS / 2))
			fail_msg("%u permille of %u samples: %.0f ns, sorted %.0f ns", permilles[i],
				 n, got, want);
		assert_true(got >= (double)h.min_ns && got <= (double)h.max_ns);
	}
}

static void quantiles_agree_with_sorted_samples(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 3, 10, 99, 1000, 5000 };
	unsigned int s, range;

	(void)state;
	for (s = 0; s < COUNT(sizes); s++)
		for (range = 0; range < 32; range++)
			check_quantiles(sizes[s], range);
}

static void quantiles_below_16_ticks_are_exact(void **state)
{
	static struct weir_hist part;
	struct hist h;
	__u32 ticks;

	(void)state;
	for (ticks = 0; ticks < 10; ticks++)
		add_sample(&part, ticks);
	hist_sum(&part, 1, &h);
	for (ticks = 0; ticks < 10; ticks++)
		assert_int_equal(hist_quantile_ns(&h, 100 * (ticks + 1)), ticks * TICK_NS);
}

static void quantile_of_an_empty_histogram_is_zero(void **state)
{
	static const struct hist empty;

	(void)state;
	assert_int_equal(hist_quantile_ns(&empty, 0), 0);
	assert_int_equal(hist_quantile_ns(&empty, 500), 0);
	assert_int_equal(hist_quantile_ns(&empty, 1000), 0);
}

static void quantile_of_one_sample_is_that_sample(void **state)
{
	static struct weir_hist part;
	struct hist h;

	(void)state;
	add_sample(&part, 123457);
	hist_sum(&part, 1, &h);
	assert_int_equal(hist_quantile_ns(&h, 1), 123457 * TICK_NS);
	assert_int_equal(hist_quantile_ns(&h, 1000), 123457 * TICK_NS);
}

static void time_has_three_digits_and_a_unit(void **state)
{
	static const struct {
		__u64 ns;
		const char *want;
	} rows[] = {
		{ 0, "0 ns" },
		{ 7, "7 ns" },
		{ 840, "840 ns" },
		{ 999, "999 ns" },
		{ 1000, "1.00 us" },
		{ 1004, "1.00 us" },
		{ 1005, "1.01 us" },
		{ 9994, "9.99 us" },
		{ 9995, "10.0 us" },
		{ 16384, "16.4 us" },
		{ 23100, "23.1 us" },
		{ 32768, "32.8 us" },
		{ 99949, "99.9 us" },
		{ 99950, "100 us" },
		{ 131072, "131 us" },
		{ 999499, "999 us" },
		{ 999500, "1.00 ms" },
		{ 1840000, "1.84 ms" },
		{ 999499999, "999 ms" },
		{ 999500000, "1.00 s" },
		{ 2100000000, "2.10 s" },
		{ 65400000000, "65.4 s" },
		{ 999499999999, "999 s" },
		{ TICK_NS << 32, "1100 s" },
		{ ~0ULL, "18446744074 s" },
	};
	char buf[32];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_ptr_equal(hist_time_text(rows[i].ns, buf, sizeof(buf)), buf);
		assert_string_equal(buf, rows[i].want);
	}
}

static void time_is_off_by_half_of_its_last_digit_at_most(void **state)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char buf[32], unit[3];
	double number;
	int i, u;

	(void)state;
	for (i = 0; i < 100000; i++) {
		const __u64 ns = 1000 + (random_u64() >> (25 + random_below(30)));
		const char *point;

		hist_time_text(ns, buf, sizeof(buf));
		assert_int_equal(sscanf(buf, "%lf %2s", &number, unit), 2);
		for (u = 0; strcmp(units[u].name, unit); u++)
			assert_true(u + 1 < (int)COUNT(units));
		/* "1.23 us" has its last digit at a hundredth, "12.3 us" at a tenth. */
		point = strchr(buf, '.');
		if (fabs(number * units[u].ns - (double)ns) >
		    units[u].ns * (point ? pow(10, -(double)(strcspn(point, " ") - 1)) : 1) *
			    0.5001)
			fail_msg("%llu ns is written %s", ns, buf);
		assert_int_equal(strspn(buf, "0123456789."), point ? 4 : 3);
	}
}

static void time_is_cut_at_the_end_of_its_buffer(void **state)
{
	char buf[] = "........";

	(void)state;
	hist_time_text(1840000, buf, 4);
	assert_memory_equal(buf, "1.8\0....", sizeof(buf));
}

/* Owned by the caller. */
static char *bars_of(const struct weir_hist *parts, unsigned int cpus, unsigned int width)
{
	char *text = NULL;
	size_t size;
	struct hist h;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	hist_sum(parts, cpus, &h);
	hist_print_bars(&h, width, out);
	fclose(out);
	return text;
}

static void bars_show_a_row_for_every_power_of_two(void **state)
{
	static struct weir_hist part;
	OWN_FREE char *text = NULL;

	(void)state;
	add_sample(&part, 64);
	part.bucket[weir_hist_index(127)] = 1203;
	part.bucket[weir_hist_index(33)] = 602;
	part.bucket[weir_hist_index(600)] = 1;
	text = bars_of(&part, 1, 48);
	assert_string_equal(text, "8.19 us - 16.4 us     602 |##########          |\n"
				  "16.4 us - 32.8 us    1204 |####################|\n"
				  "32.8 us - 65.5 us       0 |                    |\n"
				  "65.5 us -  131 us       0 |                    |\n"
				  " 131 us -  262 us       1 |#                   |\n");
}

static void bars_of_an_empty_histogram_are_none(void **state)
{
	static const struct weir_hist part;
	OWN_FREE char *text = NULL;

	(void)state;
	text = bars_of(&part, 1, 80);
	assert_string_equal(text, "");
}

static void bars_of_one_sample_are_one_full_row(void **state)
{
	static const struct {
		__u32 ticks;
		const char *want;
	} rows[] = {
		{ 0, "   0 ns -  256 ns       1 |####|\n" },
		{ 1, " 256 ns -  512 ns       1 |####|\n" },
		{ 2, " 512 ns - 1.02 us       1 |####|\n" },
		{ 3, " 512 ns - 1.02 us       1 |####|\n" },
		{ 0xffffffff, "  550 s -  1100 s       1 |####|\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct weir_hist part = { 0 };
		OWN_FREE char *text = NULL;

		add_sample(&part, rows[i].ticks);
		text = bars_of(&part, 1, 32);
		assert_string_equal(text, rows[i].want);
	}
}

static void bars_leave_out_the_marks_when_there_is_no_room(void **state)
{
	static struct weir_hist part;
	OWN_FREE char *text = NULL;

	(void)state;
	add_sample(&part, 64);
	text = bars_of(&part, 1, 28);
	assert_string_equal(text, "16.4 us - 32.8 us       1\n");
}

static void bars_keep_to_their_width_and_columns(void **state)
{
	static struct weir_hist parts[4];
	unsigned int i, width;

	(void)state;
	for (i = 0; i < 1000; i++)
		add_sample(&parts[i % 4], (__u32)random_u64() >> random_below(32));
	for (i = 0; i < 4; i++)
		parts[i].bucket[weir_hist_index(1000)] = 0xffffffff;
	for (width = 33; width < 200; width++) {
		OWN_FREE char *text = bars_of(parts, COUNT(parts), width);
		const char *line = text, *end;

		for (; (end = strchr(line, '\n')); line = end + 1) {
			assert_int_equal(end - line, width);
			assert_int_equal(end[-1], '|');
			assert_int_equal(strcspn(line, "|"), 30);
		}
		assert_int_equal(*line, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_agrees_with_the_reference),
		cmocka_unit_test(index_agrees_with_the_reference_at_every_edge),
		cmocka_unit_test(floor_agrees_with_the_reference),
		cmocka_unit_test(index_never_falls_as_the_value_grows),
		cmocka_unit_test(a_bucket_is_at_most_a_32nd_of_its_values_wide),
		cmocka_unit_test(sum_adds_the_parts_of_all_cpus),
		cmocka_unit_test(sum_of_no_samples_is_all_zero),
		cmocka_unit_test(a_sample_of_zero_ticks_is_a_minimum),
		cmocka_unit_test(sum_holds_the_largest_values_without_wrapping),
		cmocka_unit_test(quantiles_agree_with_sorted_samples),
		cmocka_unit_test(quantiles_below_16_ticks_are_exact),
		cmocka_unit_test(quantile_of_an_empty_histogram_is_zero),
		cmocka_unit_test(quantile_of_one_sample_is_that_sample),
		cmocka_unit_test(time_has_three_digits_and_a_unit),
		cmocka_unit_test(time_is_off_by_half_of_its_last_digit_at_most),
		cmocka_unit_test(time_is_cut_at_the_end_of_its_buffer),
		cmocka_unit_test(bars_show_a_row_for_every_power_of_two),
		cmocka_unit_test(bars_of_an_empty_histogram_are_none),
		cmocka_unit_test(bars_of_one_sample_are_one_full_row),
		cmocka_unit_test(bars_leave_out_the_marks_when_there_is_no_room),
		cmocka_unit_test(bars_keep_to_their_width_and_columns),
	};

	random_start();
	lay_reference();
	return WEIR_RUN(tests);
}
