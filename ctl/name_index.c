// SPDX-License-Identifier: GPL-2.0-or-later
#include "name_index.h"

#include <errno.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, half full at most; @place is an index and 1, 0 for a free slot. */
struct name_slot {
	__u32 hash;
	__u32 place;
};

/* FNV-1a; the names are the administrator's own. */
static __u32 hash_name(const char *name)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ULL;
	return (__u32)(hash >> 32 ^ hash);
}

/* The slot of @name, or the free one where it belongs. */
static struct name_slot *find_slot(const struct name_index *index, const char *name, __u32 hash)
{
	for (size_t at = hash & index->mask;; at = (at + 1) & index->mask) {
		struct name_slot *slot = &index->slots[at];

		if (!slot->place ||
		    (slot->hash == hash && !strcmp(index->list[slot->place - 1].name, name)))
			return slot;
	}
}

int name_index_make(const void *objects, size_t count, size_t stride, struct name_index *out)
{
	struct name_index index = { .count = count, .mask = 1 };

	*out = (struct name_index){ 0 };
	if (!count)
		return 0;
	while (index.mask < 2 * count)
		index.mask *= 2;
	index.slots = calloc(index.mask--, sizeof(*index.slots));
	index.list = calloc(count, sizeof(*index.list));
	if (!index.slots || !index.list) {
		name_index_free(&index);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = (const char *)objects + i * stride;
		__u32 hash = hash_name(name);
		struct name_slot *slot;

		index.list[i] = (struct named){ name, i };
		slot = find_slot(&index, name, hash);
		index.twins += slot->place != 0;
		if (!slot->place)
			*slot = (struct name_slot){ hash, (__u32)i + 1 };
	}
	*out = index;
	return 0;
}

const struct named *name_index_find(const struct name_index *index, const char *name)
{
	const struct name_slot *slot;

	if (!index->count)
		return NULL;
	slot = find_slot(index, name, hash_name(name));
	return slot->place ? &index->list[slot->place - 1] : NULL;
}

void name_index_free(struct name_index *index)
{
	free(index->list);
	free(index->slots);
	*index = (struct name_index){ 0 };
}
