// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cover of a set of prefixes: what it says of addresses must be what a walk
 * over all elements says, now and when those with an expiry are gone.
 */
#include <errno.h>
#include <string.h>

#include "own.h"
#include "random.h"
#include "set.h"
#include "set_text.h"

/* Last: cmocka has a macro fail() of its own. */
#include "test_main.h"

#define COUNT(list) (sizeof(list) / sizeof(*(list)))
#define KEYS 512

enum answer { OUTSIDE, INSIDE, MIXED };

static struct weir_set *build(struct set_elements *s)
{
	const struct set_spec spec = { .name = "s", .type = SET_PREFIX, .elements = s };
	struct weir_set *set;

	set_elements_normalise(s);
	assert_int_equal(set_build(&spec, &set), 0);
	assert_true(set->cover.covered + sizeof(__u64) <= set->bytes);
	return set;
}

static bool bit(const struct weir_set *set, __u32 map, __u64 n)
{
	const __u64 *word = (const __u64 *)((const char *)set + map) + n / 64;

	assert_true((const char *)(word + 1) <= (const char *)set + set->bytes);
	return *word >> n % 64 & 1;
}

/* As weir/set.h says it. */
static enum answer ask(const struct weir_set *set, __u32 address)
{
	const struct weir_set_cover *c = &set->cover;
	__u64 leaf = (((__u64)address << 32) ^ c->common) >> c->shift;

	if (leaf >= 1ULL << c->bits)
		return OUTSIDE;
	if (bit(set, c->covered, leaf))
		return INSIDE;
	return bit(set, c->mixed, leaf >> WEIR_SET_GROUP_SHIFT) ? MIXED : OUTSIDE;
}

static bool has(const struct set_element *e, __u32 address)
{
	return !e->detail || !(((__u32)(e->hi >> 32) ^ address) >> (32 - e->detail));
}

/* The slow obvious reference. */
static void compare(const struct weir_set *set, const struct set_elements *s, __u32 address)
{
	bool is_in = false, is_in_for_good = false;
	enum answer answer = ask(set, address);

	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].is_v6 || !has(&s->list[i], address))
			continue;
		is_in = true;
		is_in_for_good |= !s->list[i].expires;
	}
	if ((answer == INSIDE && !is_in_for_good) || (answer == OUTSIDE && is_in))
		fail_msg("%u.%u.%u.%u: the cover of %zu elements says %u", address >> 24,
			 address >> 16 & 255, address >> 8 & 255, address & 255, s->count, answer);
}

static struct set_element random_prefix(__u32 few_bits)
{
	static const __u32 lows[] = { 0, 0xff, 0x100, 0x1ff, 0x7f00, 0xfe00, 0xff00, 0xffff };
	struct set_element e = { .detail = random_below(33) };
	__u32 address = (__u32)random_u64() << (32 - few_bits) | lows[random_below(COUNT(lows))];

	if (few_bits > 16)
		address = (__u32)random_u64();
	if (random_below(8) && e.detail < 8)
		e.detail += 16;
	else if (e.detail > 24 && random_below(16))
		e.detail = 24;
	address &= e.detail ? ~0U << (32 - e.detail) : 0;
	e.hi = (__u64)address << 32;
	return e;
}

static void random_prefixes(struct set_elements *s, size_t count)
{
	__u32 few_bits = 1 + random_below(20), expiring = random_below(3);

	for (size_t i = 0; i < count; i++) {
		struct set_element e = random_prefix(few_bits);

		if (expiring && !random_below(expiring == 1 ? 50 : 5))
			e.expires = 1 + random_below(1000);
		assert_int_equal(set_elements_add(s, &e), 0);
	}
}

/* The first and the last address of an element, and those beside it. */
static __u32 near(const struct set_elements *s)
{
	const struct set_element *e = &s->list[random_below((__u32)s->count)];
	__u32 first = (__u32)(e->hi >> 32);
	__u32 last = first | (e->detail < 32 ? ~0U >> e->detail : 0);

	switch (random_below(5)) {
	case 0:
		return first;
	case 1:
		return last;
	case 2:
		return first - 1;
	case 3:
		return last + 1;
	default:
		return (__u32)random_u64();
	}
}

static void a_cover_says_what_a_walk_over_the_elements_says(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 10, 40, 200, 700, 2000 };
	unsigned int covers = 0;

	(void)state;
	random_start();
	for (int round = 0; round < 400; round++) {
		OWN(set_elements_free) struct set_elements s = {};
		OWN_FREE struct weir_set *set = NULL;

		random_prefixes(&s, sizes[round % COUNT(sizes)]);
		set = build(&s);
		if (!set->cover.covered)
			continue;
		covers++;
		for (int i = 0; i < KEYS; i++)
			compare(set, &s, near(&s));
	}
	printf("# %u of 400 sets have a cover\n", covers);
	assert_true(covers > 40);
}

static struct weir_set *build_words(const char *const *words)
{
	OWN(set_elements_free) struct set_elements s = {};
	struct problem why;

	for (; *words; words++)
		assert_int_equal(set_element_parse(SET_PREFIX, *words, &s, &why), 0);
	return build(&s);
}

static void every_third_of_16_bits(struct set_elements *s, __u32 expires)
{
	for (__u32 i = 0; i < 1 << 16; i += 3) {
		struct set_element e = { .hi = (__u64)i << 48, .detail = 16, .expires = expires };

		assert_int_equal(set_elements_add(s, &e), 0);
	}
}

static void what_expires_is_never_covered(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	OWN_FREE struct weir_set *set = NULL;
	const struct set_element around = { .detail = 12, .expires = 5 };
	const struct set_element third = { .hi = 48ULL << 48, .detail = 16 };

	(void)state;
	every_third_of_16_bits(&s, 0);
	assert_int_equal(set_elements_add(&s, &around), 0);
	set_elements_sort(&s);
	set_elements_find(&s, &third)->expires = 5;
	set = build(&s);
	assert_int_equal(set->cover.bits, 16);
	assert_int_equal(ask(set, 3U << 16), INSIDE);
	assert_int_equal(ask(set, 4U << 16), MIXED);
	assert_int_equal(ask(set, 48U << 16), MIXED);
	assert_int_equal(ask(set, 51U << 16), INSIDE);
	assert_int_equal(ask(set, 64U << 16), OUTSIDE);
	assert_int_equal(ask(set, 0xffffffff), INSIDE);
}

static void what_all_expires_has_no_cover(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	OWN_FREE struct weir_set *set = NULL;

	(void)state;
	every_third_of_16_bits(&s, 77);
	set = build(&s);
	assert_int_equal(set->cover.covered, 0);
}

/* A cover must not make much of little. */
static void a_small_set_stays_small(void **state)
{
	static const char *const sets[][5] = {
		{ "10.0.0.0/8", "192.168.0.0/16" },
		{ "0.0.0.0/0" },
		{ "0.0.0.0/1", "255.255.255.255" },
		{ "10.0.0.0/8", "10.0.0.1", "11.255.255.255" },
		{ "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "2001:db8::/32" },
		{ "192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sets); i++) {
		OWN_FREE struct weir_set *set = build_words(sets[i]);

		assert_true(set->bytes < 1024);
	}
}

static void large_prefixes(struct set_elements *s, size_t count, __u32 longest)
{
	for (size_t i = 0; i < count; i++) {
		struct set_element e = { .detail = 16 + random_below(longest - 15) };

		e.hi = random_u64() >> (64 - e.detail) << (64 - e.detail);
		assert_int_equal(set_elements_add(s, &e), 0);
	}
}

/* Of a large one the cover takes less than the words that it makes needless. */
static void a_large_set_is_smaller_by_its_cover(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	OWN_FREE struct weir_set *set = NULL;
	size_t words;

	(void)state;
	random_start();
	large_prefixes(&s, 400000, 24);
	set = build(&s);
	words = set->bytes - sizeof(*set) - s.count * sizeof(struct weir_set_record);
	assert_int_equal(set->cover.bits, 24);
	assert_true(words < 2359296 + 4096);
	for (int i = 0; i < 20; i++)
		compare(set, &s, near(&s));
}

/* Where nearly all are longer than a leaf can be, it would be asked in vain. */
static void a_set_of_addresses_has_no_cover(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	OWN_FREE struct weir_set *set = NULL;

	(void)state;
	random_start();
	for (int i = 0; i < 100000; i++) {
		struct set_element e = { .hi = random_u64() >> 32 << 32, .detail = 32 };

		assert_int_equal(set_elements_add(&s, &e), 0);
	}
	set = build(&s);
	assert_int_equal(set->cover.covered, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cover_says_what_a_walk_over_the_elements_says),
		cmocka_unit_test(what_expires_is_never_covered),
		cmocka_unit_test(what_all_expires_has_no_cover),
		cmocka_unit_test(a_small_set_stays_small),
		cmocka_unit_test(a_large_set_is_smaller_by_its_cover),
		cmocka_unit_test(a_set_of_addresses_has_no_cover),
	};

	return WEIR_RUN(tests);
}
