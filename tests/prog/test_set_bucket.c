// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large sets of prefixes, of which lines of eight answer most keys: what the
 * program says of random keys against a list that is walked to its end.
 */
#include "set_bench.h"

#include <string.h>

#include "own.h"
#include "set_change.h"
#include "set_text.h"

#include "../unit/random.h"

#define SETS_BYTES (64U << 20)
#define KEYS 4096
#define HOT 12

typedef unsigned __int128 u128;

/* What a round draws from: one family, keys that many others begin like, and how many expire. */
struct world {
	bool is_v6;
	__u32 expiring; /* out of a hundred */
	__u32 narrow; /* bits that most have in common */
	u128 home, hot[HOT];
};

static u128 mask_of(__u32 bits)
{
	return bits ? ~(u128)0 << (128 - bits) : 0;
}

static u128 random_key(void)
{
	return (u128)random_u64() << 64 | random_u64();
}

static void new_world(struct world *w, bool is_v6)
{
	*w = (struct world){ .is_v6 = is_v6,
			     .expiring = random_below(2) ? random_below(20) : 0,
			     .narrow = is_v6 ? random_below(30) : random_below(8),
			     .home = random_key() };
	for (size_t i = 0; i < HOT; i++)
		w->hot[i] = random_key();
}

/* Begins as one of a few do, up to any bit. */
static u128 near_key(const struct world *w)
{
	u128 mask = mask_of(random_below(w->is_v6 ? 129 : 33));

	return (w->hot[random_below(HOT)] & mask) | (random_key() & ~mask);
}

/* Long past, far ahead, or never: which of them does not depend on when the test looks. */
static __u32 some_expiry(const struct world *w)
{
	if (random_below(100) >= w->expiring)
		return 0;
	return random_below(2) ? (set_ticks_now() - 1000) | 1 : set_ticks_in(3600);
}

static struct set_element some_element(const struct world *w)
{
	struct set_element e = { .is_v6 = w->is_v6, .expires = some_expiry(w) };
	u128 mask = mask_of(w->narrow), key = (w->home & mask) | (random_key() & ~mask);

	e.detail = w->is_v6 ? w->narrow + 18 + random_below(18) : 25 + random_below(8);
	if (!random_below(5)) {
		key = near_key(w);
		e.detail = random_below(w->is_v6 ? 129 : 33);
		if (e.detail < 20 && random_below(100))
			e.detail += 12;
		else if (e.detail < 12)
			e.expires =
				random_below(2) ? set_ticks_in(3600) : (set_ticks_now() - 1000) | 1;
	}
	key &= mask_of(e.detail) & mask_of(w->is_v6 ? 128 : 32);
	e.hi = (__u64)(key >> 64);
	e.lo = (__u64)key;
	return e;
}

static void add_some(struct set_elements *s, const struct world *w, size_t count)
{
	while (count--) {
		struct set_element e = some_element(w);

		assert_int_equal(set_elements_add(s, &e), 0);
	}
}

/* The first and the last address of an element, those beside it, and others. */
static void some_keys(struct set_bench *b, const struct set_elements *s, const struct world *w)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct set_element *e = &s->list[random_below((__u32)s->count)];
		u128 own = (u128)e->hi << 64 | e->lo, one = w->is_v6 ? 1 : (u128)1 << 96, key;

		switch (random_below(6)) {
		case 0:
			key = own - random_below(2) * one;
			break;
		case 1:
			key = (own | ~mask_of(e->detail)) + random_below(2) * one;
			break;
		case 2:
			key = near_key(w);
			break;
		case 3:
			key = random_key();
			break;
		default:
			key = own | (random_key() & ~mask_of(e->detail));
		}
		key &= mask_of(w->is_v6 ? 128 : 32);
		b->keys[i] = (struct set_bench_key){ (__u64)(key >> 64), (__u64)key,
						     w->is_v6 ? WEIR_SET_V6 : 0, 2 };
	}
}

/* The slow obvious reference. */
static bool holds(const struct set_elements *s, const struct set_bench_key *k)
{
	u128 key = (u128)k->hi << 64 | k->lo;
	__u32 now = set_ticks_now();

	for (size_t i = 0; i < s->count; i++) {
		const struct set_element *e = &s->list[i];
		u128 own = (u128)e->hi << 64 | e->lo;

		if (!((own ^ key) & mask_of(e->detail)) && !set_has_expired(e->expires, now))
			return true;
	}
	return false;
}

static void compare(struct set_bench *b, const struct set_elements *s)
{
	set_bench_look_up(b);
	for (size_t i = 0; i < KEYS; i++) {
		const struct set_bench_key *k = &b->keys[i];

		if (k->is_in != holds(s, k))
			fail_msg("key %#llx %#llx of %zu elements: the program says %u", k->hi,
				 k->lo, s->count, k->is_in);
	}
}

static bool has_buckets(const struct set_bench *b, bool is_v6)
{
	const struct weir_set *set = arena_set(&b->arena, SET_BENCH_SLOT);
	const struct weir_set_table *t = &set->table[is_v6];
	const __u32 *words = (const __u32 *)((const char *)set + t->offset);

	for (size_t i = 0; i < 1UL << t->bits; i++) {
		if ((words[i] & ((1 << WEIR_SET_KIND_BITS) - 1)) >= WEIR_SET_BUCKET)
			return true;
	}
	return false;
}

static void large_sets_agree(bool is_v6)
{
	static const size_t sizes[] = { 1200, 1500, 3000, 6000 };
	unsigned int buckets = 0;
	struct set_bench b;

	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (int round = 0; round < 40; round++) {
		OWN(set_elements_free) struct set_elements s = {};
		struct world w;

		new_world(&w, is_v6);
		add_some(&s, &w, sizes[round % 4]);
		set_bench_put(&b, SET_PREFIX, &s);
		buckets += has_buckets(&b, is_v6);
		some_keys(&b, &s, &w);
		compare(&b, &s);
	}
	printf("# %u of 40 sets have buckets\n", buckets);
	assert_true(buckets >= 10);
	set_bench_stop(&b);
}

static void a_large_set_of_ipv6_holds_what_a_walk_over_its_elements_finds(void **state)
{
	(void)state;
	large_sets_agree(true);
}

static void a_large_set_of_ipv4_holds_what_a_walk_over_its_elements_finds(void **state)
{
	(void)state;
	large_sets_agree(false);
}

/* As "weir set add" and "del" do it, one after the other. */
static void change_some(struct set_elements *s, const struct world *w)
{
	OWN(set_elements_free) struct set_elements more = {}, less = {};
	struct set_change change = {};
	struct failure why = {};

	add_some(&more, w, random_below(100));
	set_elements_normalise(&more);
	assert_int_equal(set_add(s, &more, &change), 0);
	for (__u32 i = random_below(80); i; i--)
		assert_int_equal(set_elements_add(&less, &s->list[random_below((__u32)s->count)]),
				 0);
	set_elements_normalise(&less);
	assert_int_equal(set_remove(SET_PREFIX, "s", s, &less, &change, &why), 0);
}

static void a_large_set_that_changes_has_what_it_has_after_each_change(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	unsigned int buckets = 0;
	struct set_bench b;
	struct world w;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	new_world(&w, true);
	w.narrow = 4;
	add_some(&s, &w, 2000);
	set_elements_normalise(&s);
	for (int change = 0; change < 80; change++) {
		change_some(&s, &w);
		set_bench_put(&b, SET_PREFIX, &s);
		buckets += has_buckets(&b, true);
		some_keys(&b, &s, &w);
		compare(&b, &s);
	}
	printf("# after %u of 80 changes the set has buckets\n", buckets);
	assert_true(buckets >= 20);
	set_bench_stop(&b);
}

/* Beside others that stay, in a bucket with them. */
static void an_element_of_a_bucket_stops_to_match_when_its_time_is_over(void **state)
{
	OWN(set_elements_free) struct set_elements s = {}, one = {};
	struct set_element e = { .detail = 30, .is_v6 = true, .hi = 0x20010db8ULL << 32 };
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	set_bench_random(&s, SET_PREFIX, true, 20000);
	e.expires = set_ticks_now() + 4;
	assert_int_equal(set_elements_add(&s, &e), 0);
	assert_int_equal(set_elements_add(&one, &e), 0);
	set_bench_put(&b, SET_PREFIX, &s);
	assert_true(has_buckets(&b, true));
	set_bench_members(&b, SET_PREFIX, &one);
	for (__u32 asked = set_ticks_now(); set_bench_look_up(&b) == SET_BENCH_KEYS;
	     asked = set_ticks_now())
		assert_false(set_has_expired(e.expires, asked - 2));
	assert_true(set_has_expired(e.expires, set_ticks_now()));
	assert_true(set_bench_look_up(&b) < SET_BENCH_KEYS / 100);
	set_bench_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_set_of_ipv6_holds_what_a_walk_over_its_elements_finds),
		cmocka_unit_test(a_large_set_of_ipv4_holds_what_a_walk_over_its_elements_finds),
		cmocka_unit_test(a_large_set_that_changes_has_what_it_has_after_each_change),
		cmocka_unit_test(an_element_of_a_bucket_stops_to_match_when_its_time_is_over),
	};

	return WEIR_RUN(tests);
}
