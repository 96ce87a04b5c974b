// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fleet.h"
#include "random.h"
#include "siphash.h"

static void count_shares(const struct fleet *f, __u32 *share)
{
	__u32 i;

	memset(share, 0, f->count * sizeof(*share));
	for (i = 0; i < SIZE; i++) {
		assert_true(f->table[i] < f->count);
		share[f->table[i]]++;
	}
}

static void siphash_agrees_with_its_paper(void **state)
{
	/* Appendix A: key 00..0f, message 00..0e; and the authors' vectors of 0 and 8 bytes. */
	static const char bytes[] = "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17";

	(void)state;
	assert_true(siphash24(bytes, 15, bytes) == 0xa129ca6149be45e5ULL);
	assert_true(siphash24(bytes, 0, bytes) == 0x726fdb47dd0e0e31ULL);
	assert_true(siphash24(bytes, 8, bytes) == 0x93f5f5799a932462ULL);
}

/* Every slot in order of preference. Owned by the caller. */
static __u32 *permutation(const char *name, __u32 size)
{
	__u64 offset = siphash24(name, strlen(name), "weir maglev offs") % size;
	__u64 skip = siphash24(name, strlen(name), "weir maglev skip") % (size - 1) + 1;
	__u32 *slots = malloc(size * sizeof(*slots)), j;

	assert_non_null(slots);
	for (j = 0; j < size; j++)
		slots[j] = (__u32)((offset + j * skip) % size);
	return slots;
}

/* The paper's pseudocode 1, word for word; @names are sorted. */
static void populate(const char *const *names, int n_backends, int *entry, __u32 size)
{
	__u32 *perm[64], next[64], i, c, n = 0;

	for (i = 0; i < (__u32)n_backends; i++) {
		perm[i] = permutation(names[i], size);
		next[i] = 0;
	}
	for (i = 0; i < size; i++)
		entry[i] = -1;
	for (;;) {
		for (i = 0; i < (__u32)n_backends; i++) {
			c = perm[i][next[i]];
			while (entry[c] >= 0)
				c = perm[i][++next[i]];
			entry[c] = (int)i;
			next[i]++;
			if (++n == size)
				goto done;
		}
	}
done:
	for (i = 0; i < (__u32)n_backends; i++)
		free(perm[i]);
}

static void equal_weights_fill_the_table_of_the_paper(void **state)
{
	static const char *const names[] = { "a",   "b",    "backend-with-a-name-of-some-length",
					     "db1", "db10", "db2",
					     "web" };
	static const __u16 weight[] = { 7, 7, 7, 7, 7, 7, 7 };
	static const __u32 sizes[] = { 113, 257, 701, 10007, SIZE };
	static int want[SIZE];
	static __u32 got[SIZE];
	__u32 s, count;

	(void)state;
	for (s = 0; s < COUNT(sizes); s++)
		for (count = 1; count <= COUNT(names); count++) {
			populate(names, (int)count, want, sizes[s]);
			assert_int_equal(maglev_fill(names, weight, count, got, sizes[s]), 0);
			assert_memory_equal(got, want, sizes[s] * sizeof(*got));
		}
}

static __u64 digest(const __u32 *table, __u32 size)
{
	__u64 h = 0xcbf29ce484222325ULL;

	while (size--)
		h = (h ^ *table++) * 0x100000001b3ULL;
	return h;
}

/*
 * Tables computed by a program of its own in Python. Should they change, nodes
 * of two versions in one fleet would send the same flow to different backends.
 */
static void tables_stay_as_they_were_in_version_0_1(void **state)
{
	static const char *const names[] = { "web1", "web2", "web3", "old",
					     "a-rather-longer-backend-name" };
	static const struct {
		__u32 size;
		__u64 want;
		__u16 weight[5];
	} rows[] = {
		{ SIZE, 0xb196a3508102a47d, { 1, 1, 1, 0, 0 } },
		{ 503, 0xc5e2642adb0796fd, { 1, 1, 1, 0, 0 } },
		{ SIZE, 0x14346908e0be3ee4, { 256, 100, 7, 0, 256 } },
		{ 503, 0x080106956e492720, { 256, 100, 7, 0, 256 } },
	};
	static __u32 table[SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(maglev_fill(names, rows[i].weight, 5, table, rows[i].size), 0);
		assert_true(digest(table, rows[i].size) == rows[i].want);
	}
}

static void equal_weights_differ_by_one_slot_at_most(void **state)
{
	static const __u32 counts[] = { 1, 2, 3, 7, 10, 50, 100, MOST };
	static __u32 share[MOST];
	size_t c;
	__u32 i;

	(void)state;
	for (c = 0; c < COUNT(counts); c++) {
		__u32 least = SIZE, most = 0;
		const double fair = (double)SIZE / counts[c];

		name_backends(&fleet, counts[c], 100);
		fill(&fleet);
		count_shares(&fleet, share);
		for (i = 0; i < counts[c]; i++) {
			least = share[i] < least ? share[i] : least;
			most = share[i] > most ? share[i] : most;
		}
		printf("  %3u backends: %u to %u slots, off by %.3f %% at most\n", counts[c], least,
		       most, 100 * fmax((most - fair) / fair, (fair - least) / fair));
		assert_true(most - least <= 1);
	}
}

static void check_weighted_shares(const struct fleet *f)
{
	static __u32 share[MOST];
	__u32 i, total = 0;

	count_shares(f, share);
	for (i = 0; i < f->count; i++)
		total += f->weight[i];
	for (i = 0; i < f->count; i++) {
		const double fair = (double)SIZE * f->weight[i] / total;

		/* Slots are whole, so one to either side; of 200 slots and more this is 1 %. */
		if (fabs(share[i] - fair) > 1 + fair / 200)
			fail_msg("weight %u of %u: %u slots, fair is %.1f", f->weight[i], total,
				 share[i], fair);
	}
}

static void weighted_shares_are_within_a_percent(void **state)
{
	static const struct {
		__u32 count;
		__u16 weight[4]; /* repeated */
	} rows[] = {
		{ 2, { 1, 2 } },	  { 2, { 1, 256 } },
		{ 2, { 255, 256 } },	  { 3, { 10, 20, 30 } },
		{ 10, { 1, 5, 7, 10 } },  { 50, { 256, 1, 1, 1 } },
		{ 100, { 1, 2, 3, 4 } },  { 100, { 256, 128, 64, 1 } },
		{ MOST, { 9, 7, 5, 3 } }, { MOST, { 256, 256, 256, 1 } },
	};
	size_t r;
	__u32 i;

	(void)state;
	for (r = 0; r < COUNT(rows); r++) {
		name_backends(&fleet, rows[r].count, 1);
		for (i = 0; i < rows[r].count; i++)
			fleet.weight[i] = rows[r].weight[i % 4 % rows[r].count];
		fill(&fleet);
		check_weighted_shares(&fleet);
	}
}

static void random_weights_are_within_a_percent(void **state)
{
	__u32 round, i;

	(void)state;
	for (round = 0; round < 20; round++) {
		name_backends(&fleet, 1 + random_below(MOST), 1);
		for (i = 0; i < fleet.count; i++)
			fleet.weight[i] = (__u16)(1 + random_below(256));
		fill(&fleet);
		check_weighted_shares(&fleet);
	}
}

static void the_smallest_weight_still_gets_a_slot(void **state)
{
	(void)state;
	name_backends(&fleet, MOST, 256);
	fleet.weight[17] = 1;
	fill(&fleet);
	assert_true(share_of(&fleet, 17) >= 1);
}

static void only_the_ratio_of_weights_counts(void **state)
{
	__u32 i;

	(void)state;
	name_backends(&fleet, 30, 1);
	name_backends(&other, 30, 1);
	for (i = 0; i < 30; i++) {
		fleet.weight[i] = (__u16)(1 + i % 5);
		other.weight[i] = (__u16)(50 * fleet.weight[i]);
	}
	fill(&fleet);
	fill(&other);
	assert_memory_equal(fleet.table, other.table, sizeof(fleet.table));
}

static void shuffle(struct fleet *f)
{
	__u32 i;

	for (i = f->count - 1; i > 0; i--) {
		const __u32 j = random_below(i + 1);
		const char *name = f->names[i];
		const __u16 weight = f->weight[i];

		f->names[i] = f->names[j];
		f->names[j] = name;
		f->weight[i] = f->weight[j];
		f->weight[j] = weight;
	}
}

static void the_order_of_the_backends_does_not_matter(void **state)
{
	__u32 i, round;

	(void)state;
	name_backends(&fleet, 40, 1);
	name_backends(&other, 40, 1);
	for (i = 0; i < 40; i++)
		fleet.weight[i] = other.weight[i] = (__u16)(i % 9);
	fill(&fleet);
	for (round = 0; round < 10; round++) {
		shuffle(&other);
		fill(&other);
		for (i = 0; i < SIZE; i++)
			assert_string_equal(fleet.names[fleet.table[i]],
					    other.names[other.table[i]]);
	}
}

static void a_drained_backend_gets_no_slot(void **state)
{
	(void)state;
	name_backends(&fleet, 10, 50);
	fleet.weight[0] = fleet.weight[4] = fleet.weight[9] = 0;
	fill(&fleet);
	assert_int_equal(share_of(&fleet, 0), 0);
	assert_int_equal(share_of(&fleet, 4), 0);
	assert_int_equal(share_of(&fleet, 9), 0);
}

static void a_drained_backend_leaves_the_table_of_its_absence(void **state)
{
	__u32 i;

	(void)state;
	name_backends(&fleet, 10, 50);
	name_backends(&other, 9, 50);
	fleet.weight[9] = 0;
	fill(&fleet);
	fill(&other);
	for (i = 0; i < SIZE; i++)
		assert_string_equal(fleet.names[fleet.table[i]], other.names[other.table[i]]);
}

static void a_single_backend_gets_every_slot(void **state)
{
	(void)state;
	name_backends(&fleet, 1, 3);
	fill(&fleet);
	assert_int_equal(share_of(&fleet, 0), SIZE);
}

static void a_single_backend_beside_drained_ones_gets_every_slot(void **state)
{
	(void)state;
	name_backends(&fleet, 5, 0);
	fleet.weight[3] = 1;
	fill(&fleet);
	assert_int_equal(share_of(&fleet, 3), SIZE);
}

static void refuses(const __u16 *weight, __u32 count, __u32 size)
{
	static const char *const names[] = { "a", "b", "c" };
	static __u32 table[SIZE], untouched[SIZE];

	memset(table, 0x5a, sizeof(table));
	memset(untouched, 0x5a, sizeof(untouched));
	assert_int_equal(maglev_fill(names, weight, count, table, size), -EINVAL);
	assert_memory_equal(table, untouched, sizeof(table));
}

static void a_table_too_small_is_refused_and_untouched(void **state)
{
	(void)state;
	refuses((__u16[]){ 1 }, 1, 0);
	refuses((__u16[]){ 1 }, 1, 13);
	refuses((__u16[]){ 1, 1, 1 }, 3, 47);
	refuses((__u16[]){ 1, 0, 1 }, 3, 31);
}

static void a_drained_backend_needs_no_room(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	__u32 table[37];

	(void)state;
	assert_int_equal(maglev_fill(names, (__u16[]){ 1, 0, 1 }, 3, table, 37), 0);
}

static void no_backend_with_weight_is_refused_and_the_table_untouched(void **state)
{
	(void)state;
	refuses((__u16[]){ 0 }, 0, SIZE);
	refuses((__u16[]){ 0, 0, 0 }, 3, SIZE);
}

/* No limit is set, it would measure the machine and the sanitizers. */
static void filling_is_timed(void **state)
{
	static const __u32 counts[] = { 10, 100, MOST };
	struct timespec start, end;
	size_t c;

	(void)state;
	for (c = 0; c < COUNT(counts); c++) {
		name_backends(&fleet, counts[c], 100);
		clock_gettime(CLOCK_MONOTONIC, &start);
		fill(&fleet);
		clock_gettime(CLOCK_MONOTONIC, &end);
		printf("  %3u backends: filled in %.2f ms\n", counts[c],
		       (double)(end.tv_sec - start.tv_sec) * 1e3 +
			       (double)(end.tv_nsec - start.tv_nsec) / 1e6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_agrees_with_its_paper),
		cmocka_unit_test(equal_weights_fill_the_table_of_the_paper),
		cmocka_unit_test(tables_stay_as_they_were_in_version_0_1),
		cmocka_unit_test(equal_weights_differ_by_one_slot_at_most),
		cmocka_unit_test(weighted_shares_are_within_a_percent),
		cmocka_unit_test(random_weights_are_within_a_percent),
		cmocka_unit_test(the_smallest_weight_still_gets_a_slot),
		cmocka_unit_test(only_the_ratio_of_weights_counts),
		cmocka_unit_test(the_order_of_the_backends_does_not_matter),
		cmocka_unit_test(a_drained_backend_gets_no_slot),
		cmocka_unit_test(a_drained_backend_leaves_the_table_of_its_absence),
		cmocka_unit_test(a_single_backend_gets_every_slot),
		cmocka_unit_test(a_single_backend_beside_drained_ones_gets_every_slot),
		cmocka_unit_test(a_table_too_small_is_refused_and_untouched),
		cmocka_unit_test(a_drained_backend_needs_no_room),
		cmocka_unit_test(no_backend_with_weight_is_refused_and_the_table_untouched),
		cmocka_unit_test(filling_is_timed),
	};

	random_start();
	return WEIR_RUN(tests);
}
