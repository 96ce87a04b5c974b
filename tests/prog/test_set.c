// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lookups in sets by the datapath's code, against a list that is walked from
 * its beginning to its end.
 */
#include "set_bench.h"

#include <bpf/bpf.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "set_lookup.skel.h"
#include "own.h"
#include "set_change.h"
#include "set_text.h"

#include "../unit/random.h"

#define SETS_BYTES (64U << 20)
#define KEYS 4096

typedef unsigned __int128 u128;

static u128 key_of(__u64 hi, __u64 lo)
{
	return (u128)hi << 64 | lo;
}

static bool matches(enum set_type type, const struct set_element *e, const struct set_bench_key *k)
{
	bool is_v6 = k->detail & WEIR_SET_V6;

	if (e->is_v6 != is_v6)
		return false;
	if (type == SET_PREFIX)
		return !e->detail ||
		       !((key_of(e->hi, e->lo) ^ key_of(k->hi, k->lo)) >> (128 - e->detail));
	if (e->hi != k->hi || e->lo != k->lo)
		return false;
	return type == SET_ADDRESS || (e->detail & 0xffff) == (k->detail & 0xffff);
}

/* The slow obvious reference. */
static bool holds(enum set_type type, const struct set_elements *s, const struct set_bench_key *k)
{
	__u32 now = set_ticks_now();

	for (size_t i = 0; i < s->count; i++) {
		if (!set_has_expired(s->list[i].expires, now) && matches(type, &s->list[i], k))
			return true;
	}
	return false;
}

/* An address near others: few different bits, so that prefixes nest and tables fork. */
static struct set_element near_element(enum set_type type, bool is_v6)
{
	struct set_element e = { .is_v6 = is_v6 };
	__u32 most = is_v6 ? 128 : 32, shift = random_below(most);
	u128 key = key_of(random_u64() & 0x3, 0) | (u128)(random_u64() & 0x1f) << (128 - most);

	if (random_below(2))
		key = (u128)(random_u64() & 0xff) << (128 - most) << (shift > 8 ? shift - 8 : 0);
	if (!is_v6)
		key = key >> 96 << 96;
	e.detail = type == SET_PREFIX	      ? random_below(most + 1)
		   : type == SET_ADDRESS_PORT ? random_below(3)
					      : 0;
	if (type == SET_PREFIX && e.detail < 128)
		key = e.detail ? key >> (128 - e.detail) << (128 - e.detail) : 0;
	if (type != SET_PREFIX && is_v6)
		e.detail |= WEIR_SET_V6;
	e.hi = (__u64)(key >> 64);
	e.lo = (__u64)key;
	return e;
}

/* Long past, far ahead, or never: which of them does not depend on when the test looks. */
static __u32 some_expiry(void)
{
	switch (random_below(4)) {
	case 0:
		return (set_ticks_now() - 1000) | 1;
	case 1:
		return set_ticks_in(3600);
	default:
		return 0;
	}
}

static void compare(struct set_bench *b, enum set_type type, const struct set_elements *s)
{
	char text[SET_TEXT_BYTES];

	set_bench_look_up(b);
	for (size_t i = 0; i < KEYS; i++) {
		const struct set_bench_key *k = &b->keys[i];

		if (k->is_in == holds(type, s, k))
			continue;
		for (size_t e = 0; e < s->count; e++)
			printf("# %s %s\n", set_element_text(type, &s->list[e], text),
			       s->list[e].expires ? "expires" : "");
		fail_msg("key %#llx %#llx %#x of %zu elements: the program says %u", k->hi, k->lo,
			 k->detail, s->count, k->is_in);
	}
}

static void random_sets_agree(enum set_type type)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 10, 40, 200, 700 };
	struct set_bench b;

	NEED_BPF();
	random_start();
	set_bench_start(&b, SETS_BYTES);
	for (int round = 0; round < 160; round++) {
		OWN(set_elements_free) struct set_elements s = {};
		bool has_expiry = random_below(2);

		for (size_t i = 0; i < sizes[round % 8]; i++) {
			struct set_element e = near_element(type, random_below(2));

			e.expires = has_expiry ? some_expiry() : 0;
			assert_int_equal(set_elements_add(&s, &e), 0);
		}
		set_bench_put(&b, type, &s);
		for (size_t i = 0; i < KEYS; i++) {
			struct set_element e = near_element(type, random_below(2));

			if (type == SET_PREFIX)
				e.detail = e.is_v6 ? WEIR_SET_V6 : 0;
			b.keys[i] = (struct set_bench_key){ e.hi, e.lo, e.detail, 2 };
		}
		compare(&b, type, &s);
	}
	set_bench_stop(&b);
}

static void a_prefix_set_holds_what_a_walk_over_its_elements_finds(void **state)
{
	(void)state;
	random_sets_agree(SET_PREFIX);
}

static void an_address_set_holds_what_a_walk_over_its_elements_finds(void **state)
{
	(void)state;
	random_sets_agree(SET_ADDRESS);
}

static void an_address_and_port_set_holds_what_a_walk_over_its_elements_finds(void **state)
{
	(void)state;
	random_sets_agree(SET_ADDRESS_PORT);
}

/* Of IPv4, at edges of few /16 and /24, and seldom longer: as covers are made for. */
static struct set_element edge_element(void)
{
	static const __u32 lows[] = { 0, 0xff, 0x100, 0x1ff, 0x8000, 0xff00, 0xffff };
	struct set_element e = { .detail = 15 + random_below(10) };
	__u32 address = (0x09fe + random_below(6)) << 16 | lows[random_below(7)];

	if (random_below(2))
		address ^= random_below(1 << 16);
	if (!random_below(12))
		e.detail = 25 + random_below(8);
	else if (!random_below(100))
		e.detail = random_below(16);
	address &= e.detail ? ~0U << (32 - e.detail) : 0;
	e.hi = (__u64)address << 32;
	return e;
}

/* The first and the last address of an element, those beside it, and others. */
static void edge_keys(struct set_bench *b, const struct set_elements *s)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct set_element any = edge_element(), *e = &any;
		__u32 first, last;

		if (s->count && random_below(8))
			e = &s->list[random_below((__u32)s->count)];
		first = (__u32)(e->hi >> 32);
		last = first | (e->detail < 32 ? ~0U >> e->detail : 0);
		first += random_below(2) - 1;
		last += random_below(2);
		b->keys[i] =
			(struct set_bench_key){ .hi = (__u64)(random_below(2) ? first : last) << 32,
						.is_in = 2 };
	}
}

static bool has_cover(const struct set_bench *b)
{
	return arena_set(&b->arena, SET_BENCH_SLOT)->cover.covered;
}

static void prefixes_of_ipv4_are_found_by_their_edges(void **state)
{
	static const size_t sizes[] = { 1, 4, 30, 100, 300, 1000, 2000, 4000 };
	unsigned int covers = 0;
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (int round = 0; round < 80; round++) {
		OWN(set_elements_free) struct set_elements s = {};
		__u32 expiring = round / 8 % 2 ? 10 : 0;

		for (size_t i = 0; i < sizes[round % 8]; i++) {
			struct set_element e = edge_element();

			e.expires = random_below(100) < expiring ? some_expiry() : 0;
			assert_int_equal(set_elements_add(&s, &e), 0);
		}
		set_bench_put(&b, SET_PREFIX, &s);
		covers += has_cover(&b);
		edge_keys(&b, &s);
		compare(&b, SET_PREFIX, &s);
	}
	printf("# %u of 80 sets have a cover\n", covers);
	assert_true(covers >= 20);
	set_bench_stop(&b);
}

/* As "weir set add" and "del" do it, one after the other. */
static void change_some(struct set_elements *s)
{
	OWN(set_elements_free) struct set_elements more = {}, less = {};
	struct set_change change = {};
	struct failure why = {};

	for (__u32 i = random_below(60); i; i--) {
		struct set_element e = edge_element();

		e.expires = random_below(10) ? 0 : some_expiry();
		assert_int_equal(set_elements_add(&more, &e), 0);
	}
	set_elements_normalise(&more);
	assert_int_equal(set_add(s, &more, &change), 0);
	for (__u32 i = random_below(40); i && s->count; i--)
		assert_int_equal(set_elements_add(&less, &s->list[random_below((__u32)s->count)]),
				 0);
	set_elements_normalise(&less);
	assert_int_equal(set_remove(SET_PREFIX, "s", s, &less, &change, &why), 0);
}

static void a_set_that_changes_has_what_it_has_after_each_change(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	unsigned int covers = 0;
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (int change = 0; change < 200; change++) {
		if (change % 50 == 49)
			set_elements_free(&s);
		change_some(&s);
		set_bench_put(&b, SET_PREFIX, &s);
		covers += has_cover(&b);
		edge_keys(&b, &s);
		compare(&b, SET_PREFIX, &s);
	}
	printf("# after %u of 200 changes the set has a cover\n", covers);
	assert_true(covers >= 20 && covers <= 195);
	set_bench_stop(&b);
}

static void every_element_of_a_large_set_is_found(void **state)
{
	static const enum set_type types[] = { SET_PREFIX, SET_ADDRESS, SET_ADDRESS_PORT };
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (int i = 0; i < 6; i++) {
		OWN(set_elements_free) struct set_elements s = {};

		set_bench_random(&s, types[i / 2], i % 2, 100000);
		set_bench_put(&b, types[i / 2], &s);
		set_bench_members(&b, types[i / 2], &s);
		assert_int_equal(set_bench_look_up(&b), SET_BENCH_KEYS);
		arena_take_out(&b.arena, SET_BENCH_SLOT);
		assert_int_equal(set_bench_look_up(&b), 0);
	}
	set_bench_stop(&b);
}

static int run_packet(struct set_bench *b, const struct bpf_program *program,
		      const struct packet *packet)
{
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .repeat = 1);

	(void)b;
	packet_build(packet, &frame);
	opts.data_size_in = (__u32)frame.size;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	return (int)opts.retval;
}

static void put_words(struct set_bench *b, enum set_type type, const char *const *words)
{
	OWN(set_elements_free) struct set_elements s = {};
	struct problem why;

	for (; *words; words++)
		assert_int_equal(set_element_parse(type, *words, &s, &why), 0);
	set_bench_put(b, type, &s);
}

static const char *const prefixes[] = { "192.0.2.0/24", "2001:db8::/32", NULL };
static const char *const servers[] = { "192.0.2.1:443", "[2001:db8::1]:443", NULL };
static const struct {
	struct packet packet;
	bool source_prefix, destination_prefix, source_server, destination_server;
} packets[] = {
	{ { .src = "192.0.2.1", .dst = "10.0.0.1", .sport = 443 }, true, false, true, false },
	{ { .src = "10.0.0.1", .dst = "192.0.2.1", .dport = 443 }, false, true, false, true },
	{ { .src = "192.0.2.2", .dst = "192.0.2.1", .sport = 443, .dport = 80 },
	  true,
	  true,
	  false,
	  false },
	{ { .src = "2001:db8::1", .dst = "2001:db9::1", .sport = 443 }, true, false, true, false },
	{ { .src = "2001:db9::1", .dst = "2001:db8::1", .dport = 443 }, false, true, false, true },
	{ { .src = "::c000:201", .dst = "::1", .sport = 443 }, false, false, false, false },
	/* a later fragment has no port */
	{ { .src = "192.0.2.1", .dst = "10.0.0.1", .sport = 443, .fragment = 100 },
	  true,
	  false,
	  false,
	  false },
	{ { .src = "192.0.2.1", .dst = "192.0.2.1", .type = TYPE_ARP },
	  false,
	  false,
	  false,
	  false },
};

static void both_sides_of_a_packet_are_looked_up(void **state)
{
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		for (b.skel->bss->side = 0; b.skel->bss->side < 2; b.skel->bss->side++) {
			bool is_dst = b.skel->bss->side;

			put_words(&b, SET_PREFIX, prefixes);
			assert_int_equal(
				run_packet(&b, b.skel->progs.set_of_packet, &packets[i].packet),
				is_dst ? packets[i].destination_prefix : packets[i].source_prefix);
			arena_take_out(&b.arena, SET_BENCH_SLOT);
			put_words(&b, SET_ADDRESS_PORT, servers);
			assert_int_equal(
				run_packet(&b, b.skel->progs.set_of_packet, &packets[i].packet),
				is_dst ? packets[i].destination_server : packets[i].source_server);
		}
	}
	set_bench_stop(&b);
}

static void an_interface_is_found_by_its_slot(void **state)
{
	static const char *const with[] = { "dev3", "eth7", NULL }, *const without[] = { "eth7",
											 NULL };
	const struct packet packet = { .src = "192.0.2.1", .dst = "192.0.2.2" };
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	put_words(&b, SET_INTERFACE, with);
	assert_int_equal(run_packet(&b, b.skel->progs.set_of_device, &packet), 1);
	put_words(&b, SET_INTERFACE, without);
	assert_int_equal(run_packet(&b, b.skel->progs.set_of_device, &packet), 0);
	set_bench_stop(&b);
}

/* Nothing is told the datapath when the time is over: it stops to match by itself. */
static void an_element_stops_to_match_when_its_time_is_over(void **state)
{
	static const enum set_type types[] = { SET_PREFIX, SET_ADDRESS };
	struct set_bench b;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	for (int i = 0; i < 2; i++) {
		OWN(set_elements_free) struct set_elements s = {};
		struct problem why;
		__u32 expires;

		assert_int_equal(set_element_parse(types[i], "192.0.2.1", &s, &why), 0);
		expires = s.list[0].expires = set_ticks_now() + 4;
		set_bench_put(&b, types[i], &s);
		set_bench_members(&b, types[i], &s);
		for (__u32 asked = set_ticks_now(); set_bench_look_up(&b); asked = set_ticks_now())
			assert_false(set_has_expired(expires, asked - 2));
		assert_true(set_has_expired(expires, set_ticks_now()));
	}
	set_bench_stop(&b);
}

struct writer {
	struct set_bench *b;
	struct set_elements *versions[2];
	bool stop;
	unsigned int puts;
};

static void *write_all_the_time(void *arg)
{
	struct writer *w = arg;
	const struct timespec grace = { .tv_nsec = 20000000 };

	for (unsigned int i = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); i++) {
		set_bench_put(w->b, SET_PREFIX, w->versions[i % 2]);
		__atomic_fetch_add(&w->puts, 1, __ATOMIC_RELAXED);
		/* as arena_wait(): there is no image here to wait with */
		nanosleep(&grace, NULL);
	}
	return NULL;
}

/* What is in both versions is always found, what is in neither never is. */
static void a_reader_never_sees_a_set_that_is_torn(void **state)
{
	OWN(set_elements_free) struct set_elements both = {}, one = {}, other = {};
	struct set_bench b;
	struct writer w = { .b = &b, .versions = { &one, &other } };
	pthread_t thread;

	(void)state;
	NEED_BPF();
	set_bench_start(&b, SETS_BYTES);
	set_bench_random(&both, SET_PREFIX, false, 2000);
	set_bench_random(&one, SET_PREFIX, false, 3000);
	set_bench_random(&other, SET_PREFIX, true, 9000);
	for (size_t i = 0; i < both.count; i++) {
		assert_int_equal(set_elements_add(&one, &both.list[i]), 0);
		assert_int_equal(set_elements_add(&other, &both.list[i]), 0);
	}
	set_bench_put(&b, SET_PREFIX, &one);
	set_bench_members(&b, SET_PREFIX, &both);
	assert_int_equal(pthread_create(&thread, NULL, write_all_the_time, &w), 0);
	for (int i = 0; i < 400 || __atomic_load_n(&w.puts, __ATOMIC_RELAXED) < 3; i++)
		assert_int_equal(set_bench_look_up(&b), SET_BENCH_KEYS);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %u versions while %u keys were looked up, at least 400 times\n", w.puts,
	       SET_BENCH_KEYS);
	set_bench_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_set_holds_what_a_walk_over_its_elements_finds),
		cmocka_unit_test(an_address_set_holds_what_a_walk_over_its_elements_finds),
		cmocka_unit_test(an_address_and_port_set_holds_what_a_walk_over_its_elements_finds),
		cmocka_unit_test(prefixes_of_ipv4_are_found_by_their_edges),
		cmocka_unit_test(a_set_that_changes_has_what_it_has_after_each_change),
		cmocka_unit_test(every_element_of_a_large_set_is_found),
		cmocka_unit_test(both_sides_of_a_packet_are_looked_up),
		cmocka_unit_test(an_interface_is_found_by_its_slot),
		cmocka_unit_test(an_element_stops_to_match_when_its_time_is_over),
		cmocka_unit_test(a_reader_never_sees_a_set_that_is_torn),
	};

	return WEIR_RUN(tests);
}
