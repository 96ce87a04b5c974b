// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of large sets of prefixes: what their buckets, read as weir/set.h
 * describes them, say of addresses must be what a walk over all elements says,
 * now and when those with an expiry are gone.
 */
#include <string.h>

#include "own.h"
#include "random.h"
#include "ranges.h"
#include "set.h"

/* Last: cmocka has a macro fail() of its own. */
#include "test_main.h"

#define COUNT(list) (sizeof(list) / sizeof(*(list)))
#define KEYS 600
#define HOT 12

/* Which ways the lookups took. */
static struct {
	unsigned int lines[1 << WEIR_SET_LINES_SHIFT], below_branch, asked, answered;
} seen;

static u128 mask_of(__u32 bits)
{
	return bits ? ~(u128)0 << (128 - bits) : 0;
}

static u128 random_key(void)
{
	return (u128)random_u64() << 64 | random_u64();
}

static const void *at(const struct weir_set *set, size_t offset, size_t size)
{
	assert_true(offset + size <= set->bytes);
	return (const char *)set + offset;
}

static size_t node_of(__u32 word)
{
	return (size_t)(word >> WEIR_SET_KIND_BITS) * WEIR_SET_NODE;
}

enum when { NOW, LATER };

static bool record_matches(const struct weir_set *set, __u32 word, u128 key, enum when when)
{
	while (word) {
		const struct weir_set_record *r = at(set, node_of(word), sizeof(*r));
		u128 own = (u128)r->hi << 64 | r->lo;

		if (!((own ^ key) & mask_of(r->detail)) && (when == NOW || !r->expires))
			return true;
		word = r->next << WEIR_SET_KIND_BITS;
	}
	return false;
}

/* The word to go on with; @in: the key is in the set, and the word is 0. */
static __u32 ask_bucket(const struct weir_set *set, __u32 word, u128 behind, bool *in)
{
	__u32 shift = (word & ((1 << WEIR_SET_KIND_BITS) - 1)) - WEIR_SET_BUCKET, found = 0;
	__u64 key = (__u64)(behind >> (128 - WEIR_SET_SLOT_BITS));
	size_t index = shift ? (size_t)(behind >> (128 - shift)) : 0, words;
	const struct weir_set_line *line =
		at(set, node_of(word) + index * sizeof(*line), sizeof(*line));

	seen.lines[shift]++;
	words = node_of(word) + (sizeof(*line) << shift) + index * WEIR_SET_SLOTS * sizeof(__u32);
	for (size_t i = 0; i < WEIR_SET_SLOTS; i++) {
		__u64 slot = line->slot[i] & ~WEIR_SET_SLOT_ASK, end = slot & -slot;

		if (slot == WEIR_SET_SLOT_FREE || (slot ^ key) & ~(end | (end - 1)))
			continue;
		*in |= slot == line->slot[i];
		if (slot != line->slot[i])
			found = ((const __u32 *)at(set, words, WEIR_SET_SLOTS * 4))[i];
		assert_true(found || *in);
	}
	seen.answered += *in || !found;
	seen.asked += !*in && found;
	return *in ? 0 : found;
}

static bool is_in(const struct weir_set *set, u128 key, enum when when)
{
	const struct weir_set_table *t = &set->table[1];
	__u64 index = ((__u64)(key >> 64) ^ t->common) >> t->shift;
	__u32 base = 64 - t->shift, depth = base, word, branches = 0;
	bool in = false;

	if (index >> t->bits)
		return false;
	word = *(const __u32 *)at(set, t->offset + index * sizeof(word), sizeof(word));
	for (;;) {
		__u32 kind = word & ((1 << WEIR_SET_KIND_BITS) - 1);

		if (kind == WEIR_SET_RECORD)
			return record_matches(set, word, key, when);
		if (kind >= WEIR_SET_BUCKET) {
			seen.below_branch += branches && depth < base + WEIR_SET_SLOT_PREFIX;
			word = ask_bucket(set, word, key << base, &in);
			if (in)
				return true;
			depth = base + WEIR_SET_SLOT_PREFIX;
		} else if (kind == WEIR_SET_CHECK) {
			const struct weir_set_check *c = at(set, node_of(word), sizeof(*c));
			u128 own = (u128)c->hi << 64 | c->lo;

			depth = c->bits;
			word = (own ^ key) & mask_of(depth) ? c->beside : c->inside;
		} else {
			__u32 bits = kind == WEIR_SET_BRANCH16 ? 4 : 8;

			branches++;
			word = *(const __u32 *)at(set,
						  node_of(word) +
							  (size_t)(key << depth >> (128 - bits)) *
								  sizeof(word),
						  sizeof(word));
			depth += bits;
		}
	}
}

/* The slow obvious reference. */
static bool has(const struct set_elements *s, u128 key, enum when when)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct set_element *e = &s->list[i];
		u128 own = (u128)e->hi << 64 | e->lo;

		if (e->is_v6 && !((own ^ key) & mask_of(e->detail)) && (when == NOW || !e->expires))
			return true;
	}
	return false;
}

static void compare(const struct weir_set *set, const struct set_elements *s, u128 key)
{
	for (enum when when = NOW; when <= LATER; when++) {
		if (is_in(set, key, when) != has(s, key, when))
			fail_msg("%#llx %#llx: %s it is wrong of %zu elements", (__u64)(key >> 64),
				 (__u64)key, when == NOW ? "now" : "later", s->count);
	}
}

static void add(struct set_elements *s, u128 key, __u32 bits, __u32 expires)
{
	struct set_element e = { .detail = bits, .expires = expires, .is_v6 = true };

	key &= mask_of(bits);
	e.hi = (__u64)(key >> 64);
	e.lo = (__u64)key;
	assert_int_equal(set_elements_add(s, &e), 0);
}

/* A key that begins as one of a few do, and so with many others. */
static u128 near_key(const u128 *hot)
{
	__u32 same = random_below(129);

	return (hot[random_below(HOT)] & mask_of(same)) | (random_key() & ~mask_of(same));
}

/* Most stay and are as long as networks are; others have any length, and nest. */
static void random_prefixes(struct set_elements *s, const u128 *hot, size_t count)
{
	__u32 narrow = random_below(24), near = 1 + random_below(30), expiring = random_below(20);
	u128 home = random_key();

	for (size_t i = 0; i < count; i++) {
		__u32 expires = random_below(100) < expiring ? 1 + random_below(1000) : 0;
		u128 key = (home & mask_of(narrow)) | (random_key() & ~mask_of(narrow));

		if (random_below(100) >= near) {
			add(s, key, narrow + 20 + random_below(20), expires);
			continue;
		}
		key = near_key(hot);
		if (random_below(200))
			add(s, key, 24 + random_below(105), expires);
		else
			add(s, key, random_below(24), 1 + random_below(1000));
	}
}

/* The first and the last address of an element, those beside it, and others. */
static u128 some_key(const struct set_elements *s, const u128 *hot)
{
	const struct set_element *e = &s->list[random_below((__u32)s->count)];
	u128 first = (u128)e->hi << 64 | e->lo, last = first | ~mask_of(e->detail);

	switch (random_below(7)) {
	case 0:
		return first;
	case 1:
		return last;
	case 2:
		return first - 1;
	case 3:
		return last + 1;
	case 4:
		return first | (random_key() & ~mask_of(e->detail));
	case 5:
		return near_key(hot);
	default:
		return random_key();
	}
}

static struct weir_set *build(struct set_elements *s)
{
	const struct set_spec spec = { .name = "s", .type = SET_PREFIX, .elements = s };
	struct weir_set *set;

	set_elements_normalise(s);
	assert_int_equal(set_build(&spec, &set), 0);
	return set;
}

static void buckets_say_what_a_walk_over_the_elements_says(void **state)
{
	static const size_t sizes[] = { 1100, 1500, 3000, 8000 };

	(void)state;
	random_start();
	memset(&seen, 0, sizeof(seen));
	for (int round = 0; round < 120; round++) {
		OWN(set_elements_free) struct set_elements s = {};
		OWN_FREE struct weir_set *set = NULL;
		u128 hot[HOT];

		for (size_t i = 0; i < HOT; i++)
			hot[i] = random_key();
		random_prefixes(&s, hot, sizes[round % COUNT(sizes)]);
		set = build(&s);
		for (int i = 0; i < KEYS; i++)
			compare(set, &s, some_key(&s, hot));
	}
	printf("# buckets of 1, 2, 4, 8 lines %u %u %u %u times; below branches %u; %u answered, "
	       "%u led on\n",
	       seen.lines[0], seen.lines[1], seen.lines[2], seen.lines[3], seen.below_branch,
	       seen.answered, seen.asked);
	assert_true(seen.lines[0] && seen.lines[1] && seen.lines[2] && seen.lines[3]);
	assert_true(seen.below_branch && seen.answered && seen.asked);
}

/* Each length alone, among so many others that there are buckets. */
static void a_prefix_of_each_length_is_found_by_its_edges(void **state)
{
	(void)state;
	random_start();
	for (__u32 bits = 0; bits <= 128; bits++) {
		OWN(set_elements_free) struct set_elements s = {};
		OWN_FREE struct weir_set *set = NULL;
		u128 key = random_key() & mask_of(bits), last = key | ~mask_of(bits);

		for (int i = 0; i < 1200; i++)
			add(&s, random_key(), 40 + random_below(20), 0);
		add(&s, key, bits, bits % 3 ? 0 : 1);
		set = build(&s);
		compare(set, &s, key);
		compare(set, &s, last);
		compare(set, &s, key - 1);
		compare(set, &s, last + 1);
		for (__u32 i = 0; i < 128; i++)
			compare(set, &s, key ^ (u128)1 << i);
	}
}

static unsigned int buckets_of(const struct weir_set *set)
{
	const struct weir_set_table *t = &set->table[1];
	const __u32 *words = at(set, t->offset, sizeof(__u32) << t->bits);
	unsigned int count = 0;

	for (size_t i = 0; i < 1UL << t->bits; i++)
		count += (words[i] & ((1 << WEIR_SET_KIND_BITS) - 1)) >= WEIR_SET_BUCKET;
	return count;
}

static void a_set_that_is_small_or_leads_to_records_has_no_buckets(void **state)
{
	static const struct {
		size_t count;
		__u32 bits, expires;
		bool has_buckets;
	} cases[] = { { 4000, 48, 0, true },
		      { 4000, 64, 0, true },
		      { 900, 48, 0, false },
		      { 4000, 128, 0, false },
		      { 4000, 48, 7, false } };

	(void)state;
	random_start();
	for (size_t i = 0; i < COUNT(cases); i++) {
		OWN(set_elements_free) struct set_elements s = {};
		OWN_FREE struct weir_set *set = NULL;

		for (size_t n = 0; n < cases[i].count; n++)
			add(&s, random_key(), cases[i].bits, cases[i].expires);
		set = build(&s);
		assert_int_equal(buckets_of(set) > 0, cases[i].has_buckets);
		for (int n = 0; n < 2000; n++)
			compare(set, &s,
				(u128)s.list[n % 800].hi << 64 | s.list[n % 800].lo | n % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_say_what_a_walk_over_the_elements_says),
		cmocka_unit_test(a_prefix_of_each_length_is_found_by_its_edges),
		cmocka_unit_test(a_set_that_is_small_or_leads_to_records_has_no_buckets),
	};

	return WEIR_RUN(tests);
}
