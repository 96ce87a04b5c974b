// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the ring in force and what Maglev says now to the next ring: flows that
 * were there stay where they are.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "balance_slots.h"
#include "maglev.h"
#include "own.h"
#include "siphash.h"

/* A slot of the ring in force, with indexes as they are now; WEIR_NO_BACKEND: gone, or none. */
struct old_slot {
	__u16 base; /* where flows without a pin go */
	bool is_moved; /* and others may have pins */
};

/* What was dealt last: a plan and the rings that it plans ask for the same. */
static struct {
	pthread_mutex_t mutex;
	struct {
		__u64 key; /* 0: none */
		__u32 table[WEIR_RING_SLOTS];
	} * list[SLOTS_REMEMBERED];
	unsigned int next;
} dealt = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static __u64 key_of(const struct backend *backends, size_t count)
{
	static const __u8 secret[SIPHASH_KEY_BYTES] = "weir dealt ring.";
	__u64 key = 1 + count;

	for (size_t i = 0; i < count; i++) {
		struct {
			__u64 before;
			__u32 weight;
			char name[NAME_BYTES];
		} part = { .before = key, .weight = slots_weight(&backends[i]) };

		strcpy(part.name, backends[i].name);
		key = siphash24(&part, offsetof(__typeof__(part), name) + strlen(part.name),
				secret);
	}
	return key ? key : 1;
}

static bool recall(__u64 key, __u32 *table)
{
	bool found = false;

	pthread_mutex_lock(&dealt.mutex);
	for (int i = 0; i < SLOTS_REMEMBERED && !found; i++) {
		found = dealt.list[i] && dealt.list[i]->key == key;
		if (found)
			memcpy(table, dealt.list[i]->table, sizeof(dealt.list[i]->table));
	}
	pthread_mutex_unlock(&dealt.mutex);
	return found;
}

/* Without memory nothing is kept. */
static void keep(__u64 key, const __u32 *table)
{
	unsigned int at;

	pthread_mutex_lock(&dealt.mutex);
	at = dealt.next++ % SLOTS_REMEMBERED;
	if (!dealt.list[at])
		dealt.list[at] = malloc(sizeof(*dealt.list[at]));
	if (dealt.list[at]) {
		dealt.list[at]->key = key;
		memcpy(dealt.list[at]->table, table, sizeof(dealt.list[at]->table));
	}
	pthread_mutex_unlock(&dealt.mutex);
}

int slots_deal_anew(const struct backend *backends, size_t count, __u32 *table)
{
	OWN_FREE const char **names = calloc(count + 1, sizeof(*names));
	OWN_FREE __u16 *weights = calloc(count + 1, sizeof(*weights));
	int error;

	if (!names || !weights)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		names[i] = backends[i].name;
		weights[i] = slots_weight(&backends[i]);
	}
	error = maglev_fill(names, weights, count, table, WEIR_RING_SLOTS);
	if (error != -EINVAL)
		return error;
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++)
		table[i] = WEIR_NO_BACKEND;
	return 0;
}

int slots_deal(const struct backend *backends, size_t count, __u32 *table)
{
	__u64 key = key_of(backends, count);
	int error = 0;

	if (recall(key, table))
		return 0;
	error = slots_deal_anew(backends, count, table);
	if (!error)
		keep(key, table);
	return error;
}

void slots_begin(const __u32 *table, struct weir_ring *ring)
{
	/* Both halves at once, which a compiler makes a vector of. */
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++) {
		__u32 both = table[i] * 0x10001U;

		memcpy(&ring->slot[i], &both, sizeof(both));
	}
	ring->pad = 0;
}

static struct old_slot read_slot(const struct slots_past *past, __u32 position)
{
	const struct weir_slot *slot = &past->ring->slot[position];
	bool is_moved = slot->current & WEIR_SLOT_MOVED && (past->base_lives || past->pins_live);
	bool waits = is_moved && past->base_lives;
	__u16 at = waits ? slot->base : slot->current & ~WEIR_SLOT_MOVED;

	return (struct old_slot){
		.base = at < past->backends_count ? past->index_now[at] : WEIR_NO_BACKEND,
		.is_moved = is_moved,
	};
}

/* What was there is gone: nothing is left to wait for, but pins to others. */
static bool is_gone(const struct old_slot *old)
{
	return old->base == WEIR_NO_BACKEND;
}

struct slots_result slots_follow(const struct slots_past *past, const __u32 *table,
				 struct weir_ring *ring)
{
	struct slots_result result = {};

	ring->pad = 0;
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++) {
		const struct old_slot old = read_slot(past, i);
		const struct weir_slot *was = &past->ring->slot[i];
		__u16 now = table[i], last = was->current & ~WEIR_SLOT_MOVED;
		__u16 base = is_gone(&old) ? now : old.base;
		bool moves = !is_gone(&old) && now != base;
		bool was_there = last != WEIR_NO_BACKEND;

		last = last < past->backends_count ? past->index_now[last] : WEIR_NO_BACKEND;
		result.has_moved |= now != last || (was_there && last == WEIR_NO_BACKEND);
		if (!moves && !old.is_moved) {
			ring->slot[i] = (struct weir_slot){ now, now };
			continue;
		}
		ring->slot[i] = (struct weir_slot){ base, now | WEIR_SLOT_MOVED };
		result.is_unsettled = true;
	}
	return result;
}

/* In four parts side by side: each waits for its own multiplication only. */
__u64 slots_hash(const struct weir_ring *ring)
{
	enum { PARTS = 4 };
	__u64 word[PARTS], hash[PARTS] = { 1, 2, 3, 4 }, all = 0;

	_Static_assert(sizeof(*ring) % sizeof(word) == sizeof(all), "more than a word is left");
	for (size_t at = 0; at + sizeof(word) <= sizeof(*ring); at += sizeof(word)) {
		memcpy(word, (const char *)ring + at, sizeof(word));
		for (int part = 0; part < PARTS; part++) {
			hash[part] = (hash[part] ^ word[part]) * 0x9E3779B97F4A7C15ULL;
			hash[part] ^= hash[part] >> 32;
		}
	}
	memcpy(&all, (const char *)(ring + 1) - sizeof(all), sizeof(all));
	for (int part = 0; part < PARTS; part++)
		all = (all ^ hash[part]) * 0x9E3779B97F4A7C15ULL;
	return all ^ all >> 32;
}
