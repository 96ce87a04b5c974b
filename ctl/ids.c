// SPDX-License-Identifier: GPL-2.0-or-later
#include "ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

/* Open addressing, half full at most; @place is an index and 1, 0 for a free slot. */
struct id_slot {
	__u32 hash;
	__u32 place;
};

/* Names that have ids, looked up by hash once they are not found in their order. */
struct known {
	const struct named_id *list;
	size_t count;
	size_t next; /* behind the one found last */
	struct id_slot *slots; /* NULL until then */
	size_t mask;
};

static bool is_same(const struct named_id *a, const struct named_id *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->group, b->group);
}

/* FNV-1a; the names are the administrator's own. */
static __u64 hash_more(__u64 hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	while (*text++);
	return hash;
}

static __u32 hash_of(const struct named_id *n)
{
	__u64 hash = hash_more(hash_more(0xcbf29ce484222325ULL, n->group), n->name);

	return (__u32)(hash >> 32 ^ hash);
}

/* The slot of @name, or the free one where it belongs. */
static struct id_slot *find_slot(const struct known *k, const struct named_id *name, __u32 hash)
{
	for (size_t at = hash & k->mask;; at = (at + 1) & k->mask) {
		struct id_slot *slot = &k->slots[at];

		if (!slot->place ||
		    (slot->hash == hash && is_same(&k->list[slot->place - 1], name)))
			return slot;
	}
}

static int make_slots(struct known *k)
{
	size_t slots = 2;

	while (slots < 2 * k->count)
		slots *= 2;
	k->slots = calloc(slots, sizeof(*k->slots));
	if (!k->slots)
		return -ENOMEM;
	k->mask = slots - 1;
	for (size_t i = 0; i < k->count; i++) {
		__u32 hash = hash_of(&k->list[i]);

		*find_slot(k, &k->list[i], hash) = (struct id_slot){ hash, (__u32)i + 1 };
	}
	return 0;
}

/* Most names stand where they stood. Returns the place, @count for none, or -ENOMEM. */
static long find(struct known *k, const struct named_id *name)
{
	const struct id_slot *slot;

	if (k->next < k->count && is_same(&k->list[k->next], name))
		return (long)k->next++;
	if (!k->count)
		return 0;
	if (!k->slots && make_slots(k))
		return -ENOMEM;
	slot = find_slot(k, name, hash_of(name));
	if (!slot->place)
		return (long)k->count;
	k->next = slot->place;
	return slot->place - 1;
}

static void known_free(struct known *k)
{
	free(k->slots);
}

long ids_assign(const struct named_id *from, size_t from_count, struct named_id *to,
		size_t to_count, __u8 *fresh)
{
	OWN(known_free) struct known known = { .list = from, .count = from_count };
	OWN_FREE __u8 *taken = NULL;
	__u32 highest = 0, next = 0;

	for (size_t i = 0; i < from_count; i++)
		highest = from[i].id >= highest ? from[i].id + 1 : highest;
	taken = calloc(highest + to_count + 1, 1);
	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < from_count; i++)
		taken[from[i].id] = 1;

	for (size_t i = 0; i < to_count; i++) {
		long place = find(&known, &to[i]);

		if (place < 0)
			return place;
		fresh[i] = (size_t)place == from_count;
		if (!fresh[i]) {
			to[i].id = from[place].id;
			continue;
		}
		while (taken[next])
			next++;
		taken[next] = 1;
		to[i].id = next;
		highest = next >= highest ? next + 1 : highest;
	}
	return highest;
}
