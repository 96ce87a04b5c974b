/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of one ring over generations.
 */
#ifndef WEIR_BALANCE_SLOTS_H
#define WEIR_BALANCE_SLOTS_H

#include <stdbool.h>

#include "model.h"
#include "weir/balance.h"

/* The ring in force. */
struct slots_past {
	const struct weir_ring *ring;
	const __u16 *index_now; /* of its backends; WEIR_NO_BACKEND: gone from the configuration */
	__u32 backends_count;
	bool base_lives; /* its deadline has not passed */
	bool pins_live; /* the same of its pins */
};

struct slots_result {
	bool has_moved; /* some slot leads elsewhere now: the deadline begins again */
	bool is_unsettled; /* some slot carries WEIR_SLOT_MOVED */
};

/* What a backend weighs in the ring: 0 when it is drained. */
static inline __u16 slots_weight(const struct backend *b)
{
	return b->drain ? 0 : b->weight;
}

/*
 * What Maglev says: WEIR_RING_SLOTS indexes of @backends, or WEIR_NO_BACKEND
 * everywhere when none has weight. Returns 0 or -ENOMEM.
 */
typedef int (*slots_dealer)(const struct backend *backends, size_t count, __u32 *table);
int slots_deal_anew(const struct backend *backends, size_t count, __u32 *table);

/* The same; the last SLOTS_REMEMBERED tables are not made again. */
#define SLOTS_REMEMBERED 4
int slots_deal(const struct backend *backends, size_t count, __u32 *table);

/* A ring without a past: every slot has settled. */
void slots_begin(const __u32 *table, struct weir_ring *ring);

/*
 * The ring after that of @past. A slot that had settled and leads elsewhere now
 * keeps the old way as its base; one that had not keeps its base; where the
 * base is gone the new way is taken at once.
 */
struct slots_result slots_follow(const struct slots_past *past, const __u32 *table,
				 struct weir_ring *ring);

/* A number for all slots; rings of the same one may yet differ. */
__u64 slots_hash(const struct weir_ring *ring);

#endif
