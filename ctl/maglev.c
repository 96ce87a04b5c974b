// SPDX-License-Identifier: GPL-2.0-or-later
#include "maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "siphash.h"

/* One slot more or less is then some 6 % of a share at most; with 100, 1 %. */
#define SLOTS_PER_BACKEND 16

#define EMPTY (~0U)

/*
 * Part of the fleet's agreement: nodes with different keys would send the same
 * flow to different backends.
 */
static const char offset_key[] = "weir maglev offs";
static const char skip_key[] = "weir maglev skip";
_Static_assert(sizeof(offset_key) == SIPHASH_KEY_BYTES + 1, "key has the wrong size");
_Static_assert(sizeof(skip_key) == SIPHASH_KEY_BYTES + 1, "key has the wrong size");

/* A backend that takes part, and its place in its permutation of the slots. */
struct player {
	const char *name;
	__u32 index;
	__u32 slot; /* the one it prefers next */
	__u32 skip;
	__u32 weight;
	__u32 credit; /* takes a turn when it reaches the largest weight */
};

static int by_name(const void *a, const void *b)
{
	const struct player *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static __u32 count_players(const __u16 *weight, __u32 count, __u32 *largest)
{
	__u32 i, players = 0;

	*largest = 0;
	for (i = 0; i < count; i++) {
		players += weight[i] != 0;
		if (weight[i] > *largest)
			*largest = weight[i];
	}
	return players;
}

static void prepare_player(struct player *p, const char *name, __u32 index, __u32 size)
{
	size_t len = strlen(name);

	p->name = name;
	p->index = index;
	p->slot = (__u32)(siphash24(name, len, offset_key) % size);
	p->skip = (__u32)(siphash24(name, len, skip_key) % (size - 1)) + 1;
}

/* No division here, this runs about size * ln(size) times. */
static __u32 take_slot(struct player *p, const __u32 *table, __u32 size)
{
	const __u32 back = size - p->skip;
	__u32 taken, slot = p->slot;

	do {
		taken = slot;
		slot = slot >= back ? slot - back : slot + p->skip;
	} while (table[taken] != EMPTY);
	p->slot = slot;
	return taken;
}

static void deal_slots(struct player *players, __u32 count, __u32 largest, __u32 *table, __u32 size)
{
	__u32 i = 0, left = size;

	memset(table, 0xff, (size_t)size * sizeof(*table));
	for (; left; i = i + 1 == count ? 0 : i + 1) {
		struct player *p = &players[i];

		p->credit += p->weight;
		if (p->credit < largest)
			continue;
		p->credit -= largest;
		table[take_slot(p, table, size)] = p->index;
		left--;
	}
}

int maglev_fill(const char *const *names, const __u16 *weight, __u32 count, __u32 *table,
		__u32 size)
{
	__u32 i, n = 0, largest, active = count_players(weight, count, &largest);
	OWN_FREE struct player *players = NULL;

	if (active == 0 || size / SLOTS_PER_BACKEND < active)
		return -EINVAL;
	players = calloc(active, sizeof(*players));
	if (!players)
		return -ENOMEM;

	for (i = 0; i < count; i++) {
		if (!weight[i])
			continue;
		prepare_player(&players[n], names[i], i, size);
		players[n].weight = weight[i];
		/* All take a turn in the first round, lest a small weight get no slot at all. */
		players[n].credit = largest - weight[i];
		n++;
	}
	qsort(players, active, sizeof(*players), by_name);
	deal_slots(players, active, largest, table, size);
	return 0;
}
