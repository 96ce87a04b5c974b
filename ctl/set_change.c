// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "ranges.h"
#include "set_text.h"

void set_expire(struct set_elements *s, struct set_change *change)
{
	__u32 now = set_ticks_now();
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (set_has_expired(s->list[i].expires, now))
			free(s->list[i].comment);
		else
			s->list[kept++] = s->list[i];
	}
	change->expired += s->count - kept;
	s->count = kept;
}

static void refresh(struct set_element *old, struct set_element *fresh)
{
	if (fresh->expires)
		old->expires = fresh->expires;
	if (fresh->comment) {
		free(old->comment);
		old->comment = TAKE_PTR(fresh->comment);
	}
}

int set_add(struct set_elements *s, struct set_elements *more, struct set_change *change)
{
	size_t before = s->count;

	for (size_t i = 0; i < more->count; i++) {
		const struct set_elements sorted = { .list = s->list, .count = before };
		struct set_element *old = set_elements_find(&sorted, &more->list[i]);

		if (old) {
			refresh(old, &more->list[i]);
			change->present++;
			continue;
		}
		if (set_elements_add(s, &more->list[i]))
			return -ENOMEM;
		more->list[i].comment = NULL;
		change->added++;
	}
	set_elements_sort(s);
	return 0;
}

int set_remove(enum set_type type, const char *name, struct set_elements *s,
	       const struct set_elements *these, struct set_change *change, struct failure *why)
{
	char text[SET_TEXT_BYTES], around[SET_TEXT_BYTES];
	size_t kept = 0;

	for (size_t i = 0; i < these->count; i++) {
		const struct set_element *e = &these->list[i], *by;

		if (set_elements_find(s, e))
			continue;
		by = set_covering(type, s, e);
		if (by)
			return fail(why, EXIT_NOT_FOUND,
				    "set %s has no element %s; it is in it by %s, which \"weir set "
				    "del\" can take out",
				    name, set_element_text(type, e, text),
				    set_element_text(type, by, around));
		return fail(why, EXIT_NOT_FOUND, "set %s has no element %s; nothing was removed",
			    name, set_element_text(type, e, text));
	}
	for (size_t i = 0; i < s->count; i++) {
		if (!set_elements_find(these, &s->list[i])) {
			s->list[kept++] = s->list[i];
			continue;
		}
		free(s->list[i].comment);
		change->removed++;
	}
	s->count = kept;
	return 0;
}

static bool is_around(const struct set_element *outer, const struct set_element *e)
{
	u128 differ = ((u128)outer->hi << 64 | outer->lo) ^ ((u128)e->hi << 64 | e->lo);

	if (outer->is_v6 != e->is_v6 || outer->detail > e->detail)
		return false;
	return !outer->detail || !(differ >> (128 - outer->detail));
}

const struct set_element *set_covering(enum set_type type, const struct set_elements *s,
				       const struct set_element *wanted)
{
	const struct set_element *found = NULL;
	__u32 now = set_ticks_now();

	for (size_t i = 0; i < s->count; i++) {
		const struct set_element *e = &s->list[i];

		if (set_has_expired(e->expires, now))
			continue;
		if (type == SET_PREFIX ? is_around(e, wanted) : !set_element_order(e, wanted))
			found = e;
	}
	return found;
}
