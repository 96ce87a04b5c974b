// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Elements of sets: their text, their files, their memory and the place that
 * it gets.
 */
#include <errno.h>
#include <string.h>

#include "own.h"
#include "random.h"
#include "set.h"
#include "set_arena.h"
#include "set_change.h"
#include "set_text.h"

/* Last: cmocka has a macro fail() of its own. */
#include "test_main.h"

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static void an_element_reads_as_it_is_written(void **state)
{
	static const struct {
		enum set_type type;
		const char *word, *text;
	} cases[] = {
		{ SET_PREFIX, "10.0.0.0/8", "10.0.0.0/8" },
		{ SET_PREFIX, "0.0.0.0/0", "0.0.0.0/0" },
		{ SET_PREFIX, "192.0.2.1", "192.0.2.1" },
		{ SET_PREFIX, "192.0.2.1/32", "192.0.2.1" },
		{ SET_PREFIX, "::/0", "::/0" },
		{ SET_PREFIX, "2001:db8::/32", "2001:db8::/32" },
		{ SET_PREFIX, "2001:DB8::1/128", "2001:db8::1" },
		{ SET_ADDRESS, "192.0.2.1", "192.0.2.1" },
		{ SET_ADDRESS, "2001:db8::1", "2001:db8::1" },
		{ SET_ADDRESS_PORT, "192.0.2.1:443", "192.0.2.1:443" },
		{ SET_ADDRESS_PORT, "[2001:db8::1]:0", "[2001:db8::1]:0" },
		{ SET_INTERFACE, "eth0.100", "eth0.100" },
		{ SET_INTERFACE, "abcdefghijklmno", "abcdefghijklmno" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		OWN(set_elements_free) struct set_elements s = {};
		char text[SET_TEXT_BYTES];
		struct problem why;

		if (set_element_parse(cases[i].type, cases[i].word, &s, &why))
			fail_msg("%s: %s", cases[i].word, why.message);
		assert_int_equal(s.count, 1);
		assert_string_equal(set_element_text(cases[i].type, &s.list[0], text),
				    cases[i].text);
	}
}

static void what_is_no_element_is_refused_with_a_remedy(void **state)
{
	static const struct {
		enum set_type type;
		const char *word, *message;
	} cases[] = {
		{ SET_PREFIX, "10.0.0.1/8",
		  "10.0.0.1/8 has host bits set; write 10.0.0.0/8 or "
		  "10.0.0.1/32" },
		{ SET_PREFIX, "10.0.0.0/33",
		  "\"10.0.0.0/33\" has no valid prefix length; IPv4 has 0 "
		  "to 32" },
		{ SET_PREFIX, "10.0.0.9-10.0.0.1",
		  "range 10.0.0.9-10.0.0.1 is upside down; write "
		  "10.0.0.1-10.0.0.9" },
		{ SET_PREFIX, "", "\"\" is not an address" },
		{ SET_ADDRESS, "10.0.0.0/8",
		  "\"10.0.0.0/8\" is more than one address; write one, or "
		  "give the set \"type prefix\"" },
		{ SET_ADDRESS, "::ffff:10.0.0.1",
		  "::ffff:10.0.0.1 is IPv4 written as IPv6; write "
		  "10.0.0.1" },
		{ SET_ADDRESS_PORT, "10.0.0.1",
		  "\"10.0.0.1\" is no address and port; write "
		  "192.0.2.1:443 or [2001:db8::1]:443" },
		{ SET_ADDRESS_PORT, "2001:db8::1:443",
		  "\"2001:db8::1:443\" is no address and port; "
		  "write 192.0.2.1:443 or [2001:db8::1]:443" },
		{ SET_ADDRESS_PORT, "10.0.0.1:65536",
		  "10.0.0.1:65536: the port goes from 0 to 65535" },
		{ SET_ADDRESS_PORT, "[10.0.0.1]:1",
		  "[10.0.0.1]:1: brackets are for IPv6 alone; write "
		  "192.0.2.1:443" },
		{ SET_INTERFACE, "eth*",
		  "\"eth*\" is no interface name; a set has names, no "
		  "patterns" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		OWN(set_elements_free) struct set_elements s = {};
		struct problem why = {};

		assert_int_equal(set_element_parse(cases[i].type, cases[i].word, &s, &why),
				 -EINVAL);
		assert_string_equal(why.message, cases[i].message);
		assert_int_equal(s.count, 0);
	}
}

static void a_range_becomes_the_fewest_prefixes(void **state)
{
	static const char *const expected[] = { "10.0.0.1", "10.0.0.2/31", "10.0.0.4/30",
						"10.0.0.8/31" };
	OWN(set_elements_free) struct set_elements s = {};
	char text[SET_TEXT_BYTES];
	struct problem why;

	(void)state;
	assert_int_equal(set_element_parse(SET_PREFIX, "10.0.0.1-10.0.0.9", &s, &why), 0);
	assert_int_equal(s.count, COUNT(expected));
	for (size_t i = 0; i < s.count; i++)
		assert_string_equal(set_element_text(SET_PREFIX, &s.list[i], text), expected[i]);
}

static void a_timeout_reads_as_it_is_written(void **state)
{
	static const char *const good[] = { "1s", "90m", "1h30m", "7d", "365d", "1d2h3m4s" };
	static const char *const bad[] = {
		"", "1", "h", "1x", "366d", "0s", "1h1", "99999999999d"
	};
	char text[SET_TEXT_BYTES];
	struct problem why;
	__u32 seconds, again;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(set_timeout_parse(good[i], &seconds, &why));
		assert_true(set_timeout_parse(set_timeout_text(seconds, text), &again, &why));
		assert_int_equal(seconds, again);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(set_timeout_parse(bad[i], &seconds, &why));
}

static int parse(const char *text, struct diags *d, struct set_elements *s)
{
	return set_file_parse("set.txt", text, strlen(text), SET_PREFIX, d, s, NULL, NULL);
}

static void a_file_has_timeouts_comments_and_blank_lines(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	struct diags d = {};

	(void)state;
	assert_int_equal(parse("\xef\xbb\xbf# first\n\n10.0.0.0/8 timeout 1h comment \"a # b\"\r\n"
			       "\t192.0.2.1#x\n2001:db8::/32 comment short timeout 2m",
			       &d, &s),
			 0);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.list[0].timeout_s, 3600);
	assert_string_equal(s.list[0].comment, "a # b");
	assert_null(s.list[1].comment);
	assert_string_equal(s.list[2].comment, "short");
	assert_int_equal(s.list[2].timeout_s, 120);
}

static void every_broken_line_of_a_file_is_named(void **state)
{
	OWN(set_elements_free) struct set_elements s = {};
	struct diags d = {};

	(void)state;
	assert_int_equal(parse("10.0.0.0/8\n10.0.0.1/8\n10.0.0.0/8 timeout\n10.0.0.0/8 x\n"
			       "10.0.0.0/8 timeout 1y\n",
			       &d, &s),
			 -EINVAL);
	assert_int_equal(d.errors, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(d.list[i].loc.line, i + 2);
	assert_int_equal(d.list[3].loc.column, 20);
	diag_free(&d);
}

/* Every prefix of a file, so that it ends anywhere. */
static void a_file_may_end_anywhere(void **state)
{
	static const char text[] = "10.0.0.0/8 timeout 1h comment \"a b\"\n[::1]:443 #";

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		OWN(set_elements_free) struct set_elements s = {};
		char *cut = malloc(size + 1);
		struct diags d = {};

		memcpy(cut, text, size);
		set_file_parse("set.txt", cut, size, SET_PREFIX, &d, &s, NULL, NULL);
		free(cut);
		diag_free(&d);
	}
}

static struct weir_set *build(enum set_type type, struct set_elements *s, const char *name)
{
	const struct set_device device = { .name = "eth0", .slot = 5 };
	const struct set_spec spec = {
		.name = name, .type = type, .elements = s, .devices = &device, .devices_count = 1
	};
	struct weir_set *set;

	set_elements_normalise(s);
	assert_int_equal(set_build(&spec, &set), 0);
	return set;
}

static void random_elements(enum set_type type, struct set_elements *s, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct set_element e = { .is_v6 = random_below(2), .is_live = random_below(2) };
		__u32 bits = random_below(e.is_v6 ? 65 : 33);

		e.hi = bits ? random_u64() & random_u64() & ~0ULL << (64 - bits) : 0;
		e.detail = type == SET_PREFIX ? bits : e.is_v6 ? WEIR_SET_V6 : 0;
		e.expires = random_below(2) ? 0 : (__u32)random_u64() | 1;
		e.comment = random_below(8) ? NULL : strdup("why it is here");
		assert_int_equal(set_elements_add(s, &e), 0);
	}
}

static void what_is_built_reads_back(void **state)
{
	static const enum set_type types[] = { SET_PREFIX, SET_ADDRESS, SET_ADDRESS_PORT };

	(void)state;
	random_start();
	for (int i = 0; i < 300; i++) {
		OWN(set_elements_free) struct set_elements s = {}, again = {};
		OWN_FREE struct weir_set *set = NULL;
		enum set_type type = types[i % 3];

		random_elements(type, &s, random_below(i < 10 ? 4 : 400));
		set = build(type, &s, "s");
		assert_int_equal(set_read(set, &again), 0);
		assert_true(set_elements_equal(&s, &again));
		for (size_t e = 0; e < s.count; e++) {
			assert_int_equal(s.list[e].expires, again.list[e].expires);
			assert_int_equal(s.list[e].is_live, again.list[e].is_live);
		}
	}
}

static struct arena make_arena(size_t bytes)
{
	struct arena a = { .mapped = calloc(1, bytes + WEIR_SETS_PAD), .bytes = bytes };

	assert_non_null(a.mapped);
	return a;
}

static void sets_never_overlap_and_memory_is_used_again(void **state)
{
	struct arena a = make_arena(1 << 16), larger = make_arena(1 << 17);
	size_t full = 0;

	(void)state;
	random_start();
	for (int i = 0; i < 2000; i++) {
		OWN(set_elements_free) struct set_elements s = {};
		OWN_FREE struct weir_set *set = NULL;
		__u32 slot = random_below(12);
		char name[16];

		snprintf(name, sizeof(name), "s%u", slot);
		random_elements(SET_PREFIX, &s, random_below(60));
		set = build(SET_PREFIX, &s, name);
		if (!random_below(4))
			arena_take_out(&a, slot);
		else if (arena_put(&a, slot, set))
			full++;
		else
			assert_int_equal(arena_find(&a, name), slot);
		for (__u32 x = 0; x < 12; x++) {
			OWN(set_elements_free) struct set_elements read = {};
			const struct weir_set *there = arena_set(&a, x);

			snprintf(name, sizeof(name), "s%u", x);
			if (there) {
				assert_string_equal(there->name, name);
				assert_int_equal(set_read(there, &read), 0);
			}
		}
		assert_true(arena_used(&a) <= a.bytes);
	}
	assert_true(full < 1500);
	assert_int_equal(arena_copy(&a, &larger), 0);
	assert_int_equal(arena_used(&a), arena_used(&larger));
	free(a.mapped);
	free(larger.mapped);
}

static void parse_words(struct set_elements *s, const char *const *words)
{
	struct problem why;

	for (; *words; words++)
		assert_int_equal(set_element_parse(SET_PREFIX, *words, s, &why), 0);
	set_elements_normalise(s);
}

static void adding_twice_is_adding_once(void **state)
{
	static const char *const words[] = { "10.0.0.0/8", "10.0.0.0/8", "192.0.2.1", NULL };
	OWN(set_elements_free) struct set_elements s = {}, once = {}, twice = {};
	struct set_change change = {};

	(void)state;
	parse_words(&once, words);
	parse_words(&twice, words);
	assert_int_equal(set_add(&s, &once, &change), 0);
	assert_int_equal(change.added, 2);
	assert_int_equal(set_add(&s, &twice, &change), 0);
	assert_int_equal(change.added, 2);
	assert_int_equal(change.present, 2);
	assert_int_equal(s.count, 2);
}

static void what_is_not_there_is_not_removed_and_nothing_else_either(void **state)
{
	static const char *const there[] = { "10.0.0.0/8", "192.0.2.1", NULL };
	static const char *const wanted[] = { "10.1.0.0/16", "192.0.2.1", NULL };
	OWN(set_elements_free) struct set_elements s = {}, these = {};
	struct set_change change = {};
	struct failure why = {};

	(void)state;
	parse_words(&s, there);
	parse_words(&these, wanted);
	assert_int_equal(set_remove(SET_PREFIX, "b", &s, &these, &change, &why), -1);
	assert_int_equal(why.code, EXIT_NOT_FOUND);
	assert_string_equal(why.message, "set b has no element 10.1.0.0/16; it is in it by "
					 "10.0.0.0/8, which \"weir set del\" can take out");
	assert_int_equal(s.count, 2);
	failure_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_element_reads_as_it_is_written),
		cmocka_unit_test(what_is_no_element_is_refused_with_a_remedy),
		cmocka_unit_test(a_range_becomes_the_fewest_prefixes),
		cmocka_unit_test(a_timeout_reads_as_it_is_written),
		cmocka_unit_test(a_file_has_timeouts_comments_and_blank_lines),
		cmocka_unit_test(every_broken_line_of_a_file_is_named),
		cmocka_unit_test(a_file_may_end_anywhere),
		cmocka_unit_test(what_is_built_reads_back),
		cmocka_unit_test(sets_never_overlap_and_memory_is_used_again),
		cmocka_unit_test(adding_twice_is_adding_once),
		cmocka_unit_test(what_is_not_there_is_not_removed_and_nothing_else_either),
	};

	return WEIR_RUN(tests);
}
