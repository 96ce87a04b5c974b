// SPDX-License-Identifier: GPL-2.0-or-later
#include "maglev.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "siphash.h"

/* One slot more or less is then some 6 % of a share at most; with 100, 1 %. */
#define SLOTS_PER_BACKEND 16

/*
 * Few slots that are left are looked at one by one: to come across one of them
 * by going on takes size / left steps, which adds up to more than all before.
 */
#define LEFT_FEW 256

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
	__u64 head; /* its first eight bytes, in the order of strcmp() */
	__u32 index;
	__u32 slot; /* the one it prefers next */
	__u32 skip;
	__u32 weight;
	__u32 credit; /* takes a turn when it reaches the largest weight */
	__u32 inverse; /* of skip, modulo the size; 0: not asked for yet */
};

struct deal {
	struct player *players;
	__u32 count;
	__u32 largest; /* weight */
	__u32 *table;
	__u32 size;
	__u64 *taken; /* a bit for each slot: they fit into the nearest cache */
	__u32 left[LEFT_FEW]; /* slots, in any order, once they are few */
};

static int by_name(const void *a, const void *b)
{
	const struct player *x = a, *y = b;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
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
	memcpy(&p->head, name, len < sizeof(p->head) ? len : sizeof(p->head));
	p->head = be64toh(p->head);
	p->index = index;
	p->slot = (__u32)(siphash24(name, len, offset_key) % size);
	p->skip = (__u32)(siphash24(name, len, skip_key) % (size - 1)) + 1;
}

/* No division here, this runs about size * ln(size / LEFT_FEW) times. */
static __u32 next_slot(struct player *p, __u64 *taken, __u32 size)
{
	const __u32 skip = p->skip, back = size - skip;
	__u32 at, slot = p->slot;

	do {
		at = slot;
		slot = slot >= back ? slot - back : slot + skip;
	} while (taken[at / 64] >> at % 64 & 1);
	p->slot = slot;
	taken[at / 64] |= 1ULL << at % 64;
	return at;
}

/* By Euclid; @size is prime, so there is one. */
static __u32 invert(__u32 number, __u32 size)
{
	__s64 a = size, b = number, x = 0, y = 1;

	while (b) {
		__s64 q = a / b, rest = a - q * b, next = x - q * y;

		a = b;
		b = rest;
		x = y;
		y = next;
	}
	return (__u32)(x < 0 ? x + size : x);
}

/* The first of the @left slots that @p comes to: its steps to each are (slot - p->slot) / skip. */
static __u32 nearest_slot(struct deal *d, struct player *p, __u32 left)
{
	const __u64 reciprocal = ~0ULL / d->size;
	const __u32 back = d->size - p->skip;
	__u64 least = ~0ULL;
	__u32 found = 0, slot;

	if (!p->inverse)
		p->inverse = invert(p->skip, d->size);
	for (__u32 i = 0; i < left; i++) {
		__u64 product = (__u64)p->inverse *
				(d->left[i] + (d->left[i] < p->slot ? d->size : 0) - p->slot);
		/* The quotient, or one less: no division here either. */
		__u64 steps =
			product - (__u64)((unsigned __int128)product * reciprocal >> 64) * d->size;

		steps -= steps >= d->size ? d->size : 0;
		found = steps < least ? i : found;
		least = steps < least ? steps : least;
	}
	slot = d->left[found];
	d->left[found] = d->left[left - 1];
	p->slot = slot >= back ? slot - back : slot + p->skip;
	return slot;
}

static void list_left(struct deal *d)
{
	__u32 n = 0;

	for (__u32 first = 0; first < d->size; first += 64) {
		__u64 free = ~d->taken[first / 64];

		/* Bits past the last slot are no slots. */
		if (d->size - first < 64)
			free &= (1ULL << (d->size - first)) - 1;
		for (; free; free &= free - 1)
			d->left[n++] = first + __builtin_ctzll(free);
	}
}

/* The player whose turn it is, from the one at @i on. */
static __u32 next_player(struct player *players, __u32 count, __u32 largest, __u32 i)
{
	for (;; i = i + 1 == count ? 0 : i + 1) {
		players[i].credit += players[i].weight;
		if (players[i].credit < largest)
			continue;
		players[i].credit -= largest;
		return i;
	}
}

static void deal_slots(struct deal *d)
{
	struct player *const players = d->players;
	const __u32 count = d->count, largest = d->largest, size = d->size;
	__u32 *const table = d->table;
	__u64 *const taken = d->taken;
	__u32 i = 0, left = size;

	for (; left > LEFT_FEW; left--) {
		i = next_player(players, count, largest, i);
		table[next_slot(&players[i], taken, size)] = players[i].index;
		i = i + 1 == count ? 0 : i + 1;
	}
	list_left(d);
	for (; left; left--) {
		i = next_player(players, count, largest, i);
		table[nearest_slot(d, &players[i], left)] = players[i].index;
		i = i + 1 == count ? 0 : i + 1;
	}
}

int maglev_fill(const char *const *names, const __u16 *weight, __u32 count, __u32 *table,
		__u32 size)
{
	struct deal d = { .table = table, .size = size };
	__u32 n = 0, active = count_players(weight, count, &d.largest);
	OWN_FREE struct player *players = NULL;
	OWN_FREE __u64 *taken = NULL;

	if (active == 0 || size / SLOTS_PER_BACKEND < active)
		return -EINVAL;
	players = calloc(active, sizeof(*players));
	taken = calloc(size / 64 + 1, sizeof(*taken));
	if (!players || !taken)
		return -ENOMEM;

	for (__u32 i = 0; i < count; i++) {
		if (!weight[i])
			continue;
		prepare_player(&players[n], names[i], i, size);
		players[n].weight = weight[i];
		/* All take a turn in the first round, lest a small weight get no slot at all. */
		players[n].credit = d.largest - weight[i];
		n++;
	}
	qsort(players, active, sizeof(*players), by_name);
	d.players = players;
	d.count = active;
	d.taken = taken;
	deal_slots(&d);
	return 0;
}
