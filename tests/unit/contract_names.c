// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names that lists of the contract give: what is printed, written in files
 * and given to the kernel.
 */
#include <string.h>

#include <linux/bpf.h>

#include "test_main.h"
#include "weir/abi.h"
#include "weir/balance.h"
#include "weir/filter.h"
#include "weir/image.h"
#include "weir/latency.h"
#include "weir/path.h"
#include "weir/reason.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct list {
	const char *what;
	const char *const *names;
	size_t count;
};

#define NAME(sym, name, ...) name,
#define KEYWORD(sym, member, keyword) keyword,

static const char *const maps[] = { WEIR_MAPS(NAME) };
static const char *const reasons[] = { WEIR_REASONS(NAME) };
static const char *const directions[] = { WEIR_DIRECTIONS(NAME) };
static const char *const rtt_kinds[] = { WEIR_RTT_KINDS(NAME) };
static const char *const backend_hists[] = { WEIR_BACKEND_HISTS(NAME) };
static const char *const losses[] = { WEIR_LOSSES(NAME) };
static const char *const forwards[] = { WEIR_FORWARDS(NAME) };
static const char *const hashes[] = { WEIR_HASHES(NAME) };
static const char *const tracks[] = { WEIR_TRACKS(NAME) };
static const char *const udps[] = { WEIR_UDPS(NAME) };
static const char *const empties[] = { WEIR_EMPTIES(NAME) };
static const char *const whys[] = { WEIR_WHYS(NAME) };
static const char *const needs[] = { WEIR_NEEDS(NAME) };
static const char *const stages[] = { WEIR_STAGES(KEYWORD) };
static const char *const path_stages[] = { WEIR_PATH_STAGES(NAME) };
static const char *const path_points[] = { WEIR_PATH_POINTS(NAME) };
static const char *const drop_kinds[] = { WEIR_DROP_KINDS(NAME) };
static const char *const fields[] = { WEIR_FIELDS(NAME) };
static const char *const tcp_flags[] = { WEIR_TCP_FLAGS(NAME) };
static const char *const actions[] = { WEIR_ACTIONS(NAME) };

static const struct list lists[] = {
	{ "WEIR_MAPS", maps, COUNT(maps) },
	{ "WEIR_REASONS", reasons, COUNT(reasons) },
	{ "WEIR_DIRECTIONS", directions, COUNT(directions) },
	{ "WEIR_RTT_KINDS", rtt_kinds, COUNT(rtt_kinds) },
	{ "WEIR_BACKEND_HISTS", backend_hists, COUNT(backend_hists) },
	{ "WEIR_LOSSES", losses, COUNT(losses) },
	{ "WEIR_FORWARDS", forwards, COUNT(forwards) },
	{ "WEIR_HASHES", hashes, COUNT(hashes) },
	{ "WEIR_TRACKS", tracks, COUNT(tracks) },
	{ "WEIR_UDPS", udps, COUNT(udps) },
	{ "WEIR_EMPTIES", empties, COUNT(empties) },
	{ "WEIR_WHYS", whys, COUNT(whys) },
	{ "WEIR_NEEDS", needs, COUNT(needs) },
	{ "WEIR_STAGES", stages, COUNT(stages) },
	{ "WEIR_PATH_STAGES", path_stages, COUNT(path_stages) },
	{ "WEIR_PATH_POINTS", path_points, COUNT(path_points) },
	{ "WEIR_DROP_KINDS", drop_kinds, COUNT(drop_kinds) },
	{ "WEIR_FIELDS", fields, COUNT(fields) },
	{ "WEIR_TCP_FLAGS", tcp_flags, COUNT(tcp_flags) },
	{ "WEIR_ACTIONS", actions, COUNT(actions) },
};

static void names_within_a_list_are_unique(void **state)
{
	size_t l, i, j;

	(void)state;
	for (l = 0; l < COUNT(lists); l++)
		for (i = 0; i < lists[l].count; i++)
			for (j = 0; j < i; j++)
				if (!strcmp(lists[l].names[i], lists[l].names[j]))
					fail_msg("%s has \"%s\" twice", lists[l].what,
						 lists[l].names[i]);
}

static void names_are_lower_case_words_that_need_no_quotes(void **state)
{
	size_t l, i;

	(void)state;
	for (l = 0; l < COUNT(lists); l++)
		for (i = 0; i < lists[l].count; i++) {
			const char *name = lists[l].names[i];

			if (!*name ||
			    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(name))
				fail_msg("%s has \"%s\"", lists[l].what, name);
		}
}

/* Both stand in one rule, so a parser must tell them apart. */
static void no_field_is_named_as_an_action(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(fields); i++)
		for (j = 0; j < COUNT(actions); j++)
			assert_string_not_equal(fields[i], actions[j]);
}

static void tcp_flags_are_the_eight_bits_of_rfc_9293(void **state)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} flags[] = {
#define X(sym, name, bit) { name, bit },
		WEIR_TCP_FLAGS(X)
#undef X
	};
	/* Section 3.1, figure 1, from the low bit up. */
	static const char *const want[] = {
		"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"
	};
	size_t i;

	(void)state;
	assert_int_equal(COUNT(flags), COUNT(want));
	for (i = 0; i < COUNT(want); i++) {
		assert_string_equal(flags[i].name, want[i]);
		assert_int_equal(flags[i].bit, 1 << i);
	}
}

static void map_names_fit_the_kernels_limit(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(COUNT(maps), WEIR_MAP_COUNT);
	for (i = 0; i < COUNT(maps); i++) {
		/* The kernel takes letters, digits, '_' and '.'; longer names lose their end. */
		assert_true(strlen(maps[i]) < BPF_OBJ_NAME_LEN);
		assert_null(strchr(maps[i], '-'));
		assert_memory_equal(maps[i], "weir_", 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_within_a_list_are_unique),
		cmocka_unit_test(names_are_lower_case_words_that_need_no_quotes),
		cmocka_unit_test(no_field_is_named_as_an_action),
		cmocka_unit_test(tcp_flags_are_the_eight_bits_of_rfc_9293),
		cmocka_unit_test(map_names_fit_the_kernels_limit),
	};

	return WEIR_RUN(tests);
}
