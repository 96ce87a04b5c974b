// SPDX-License-Identifier: GPL-2.0-or-later
/* Ids stay with names, and a new name never gets an id that was in use. */
#include "ids.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "test_main.h"

#define NAMES 300
#define ROUNDS 400

static char names[NAMES][16];
static const char *const groups[] = { "edge", "core" };

/* Some of all names, each once, in a random order. */
static size_t pick(struct named_id *out)
{
	size_t count = 0, keep = random_below(100) + 1;

	for (size_t i = 0; i < NAMES * 2; i++) {
		if (random_below(100) >= keep)
			continue;
		out[count++] = (struct named_id){ groups[i % 2], names[i / 2], 0 };
	}
	for (size_t i = count; i > 1 && random_below(2); i--) {
		size_t other = random_below(i);
		struct named_id swap = out[i - 1];

		out[i - 1] = out[other];
		out[other] = swap;
	}
	return count;
}

static const struct named_id *find(const struct named_id *list, size_t count,
				   const struct named_id *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i].group, name->group) && !strcmp(list[i].name, name->name))
			return &list[i];
	}
	return NULL;
}

static void check(const struct named_id *from, size_t from_count, const struct named_id *to,
		  size_t to_count, const __u8 *fresh, long top)
{
	bool taken[NAMES * 4] = { 0 };

	for (size_t i = 0; i < from_count; i++)
		assert_true(from[i].id < top);
	for (size_t i = 0; i < to_count; i++) {
		const struct named_id *old = find(from, from_count, &to[i]);

		assert_int_equal(fresh[i], !old);
		assert_true(to[i].id < top && !taken[to[i].id]);
		taken[to[i].id] = true;
		if (old)
			assert_int_equal(to[i].id, old->id);
		for (size_t k = 0; k < from_count && !old; k++)
			assert_int_not_equal(to[i].id, from[k].id);
	}
}

static void ids_stay_with_names_and_are_never_shared(void **state)
{
	struct named_id from[NAMES * 2], to[NAMES * 2];
	size_t from_count = 0, to_count;
	__u8 fresh[NAMES * 2];

	(void)state;
	for (int i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[i]), "r%d", i);
	for (int round = 0; round < ROUNDS; round++) {
		long top;

		to_count = pick(to);
		top = ids_assign(from, from_count, to, to_count, fresh);
		check(from, from_count, to, to_count, fresh, top);
		memcpy(from, to, sizeof(from));
		from_count = to_count;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_stay_with_names_and_are_never_shared),
	};

	random_start();
	return WEIR_RUN(tests);
}
