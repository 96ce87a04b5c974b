// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_element.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "siphash.h"
#include "weir/set.h"

void set_elements_free(struct set_elements *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].comment);
	free(s->list);
	*s = (struct set_elements){};
}

int set_elements_add(struct set_elements *s, const struct set_element *e)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		struct set_element *grown = reallocarray(s->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->list = grown;
		s->room = room;
	}
	s->list[s->count++] = *e;
	return 0;
}

int set_element_order(const void *a, const void *b)
{
	const struct set_element *x = a, *y = b;

	if (x->is_v6 != y->is_v6)
		return x->is_v6 ? 1 : -1;
	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->detail < y->detail ? -1 : x->detail > y->detail;
}

/* Most files are in order already. */
void set_elements_sort(struct set_elements *s)
{
	for (size_t i = 1; i < s->count; i++) {
		if (set_element_order(&s->list[i - 1], &s->list[i]) <= 0)
			continue;
		qsort(s->list, s->count, sizeof(*s->list), set_element_order);
		return;
	}
}

struct set_element *set_elements_find(const struct set_elements *s, const struct set_element *key)
{
	return s->count ? bsearch(key, s->list, s->count, sizeof(*s->list), set_element_order)
			: NULL;
}

static __u64 mix(__u64 hash, const void *bytes, size_t size)
{
	__u8 key[SIPHASH_KEY_BYTES] = "weir set element";

	memcpy(key, &hash, sizeof(hash));
	return siphash24(bytes, size, key);
}

size_t set_elements_normalise(struct set_elements *s)
{
	size_t kept = 0, before = s->count;

	set_elements_sort(s);
	for (size_t i = 0; i < s->count; i++) {
		if (kept && !set_element_order(&s->list[kept - 1], &s->list[i]))
			free(s->list[i].comment);
		else
			s->list[kept++] = s->list[i];
	}
	s->count = kept;
	return before - kept;
}

static bool same_text(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

bool set_elements_equal(const struct set_elements *a, const struct set_elements *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (set_element_order(&a->list[i], &b->list[i]) ||
		    a->list[i].timeout_s != b->list[i].timeout_s ||
		    !same_text(a->list[i].comment, b->list[i].comment))
			return false;
	}
	return true;
}

void set_elements_digest(const struct set_elements *s, __u64 digest[2])
{
	digest[0] = 1;
	digest[1] = s->count;
	for (size_t i = 0; i < s->count; i++) {
		const struct set_element *e = &s->list[i];
		const __u64 words[4] = { e->hi, e->lo, (__u64)e->is_v6 << 32 | e->detail,
					 e->timeout_s };

		digest[0] = mix(digest[0], words, sizeof(words));
		if (e->comment)
			digest[0] = mix(digest[0], e->comment, strlen(e->comment) + 1);
	}
}

__u32 set_ticks_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (__u32)(((__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec) >>
		       WEIR_SET_TICK_SHIFT);
}

__u32 set_ticks_in(__u32 seconds)
{
	__u32 then = set_ticks_now() +
		     (__u32)((((__u64)seconds * 1000000000) >> WEIR_SET_TICK_SHIFT) + 1);

	return then ? then : 1;
}

bool set_has_expired(__u32 expires, __u32 now)
{
	return expires && (__s32)(expires - now) <= 0;
}

__u32 set_seconds_left(__u32 expires, __u32 now)
{
	if (!expires || set_has_expired(expires, now))
		return 0;
	return (__u32)((((__u64)(expires - now) << WEIR_SET_TICK_SHIFT) + 999999999) / 1000000000);
}
