/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of a flow's record, what does not lie in its first line: stamps before the
 * last of each side, and what is asked for now and then.
 */
#ifndef WEIR_BPF_LATENCY_OLDER_H
#define WEIR_BPF_LATENCY_OLDER_H

#include "weir/bpf/latency_flow.h"

/* Where a side of a flow lies, in one number: the way in its set, and who sends. */
#define LATENCY_PLACE(way, side) ((way) | (side) << 2)
#define LATENCY_PLACE_WAY(place) ((place) & (WEIR_FLOW_WAYS - 1))
#define LATENCY_PLACE_SIDE(place) ((place) >> 2 & 1)

static __always_inline bool is_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline void latency_spill_older(__u64 key, __u32 side, struct weir_flow_rest *rest,
						const struct weir_stamp *stamp, __u32 now)
{
	latency_count_rare(side, WEIR_LOSS_SPILLED);
	if (latency_spill(key, side, stamp->value, stamp->ticks, now))
		latency_count_rare(side, WEIR_LOSS_STAMP_LOST);
	if (is_after(stamp->value, rest->spilled[side]))
		rest->spilled[side] = stamp->value;
}

/*
 * A stamp that waits is not the last one of its side any more. Where there is
 * no room, the oldest goes on waiting elsewhere. Returns 0.
 */
__noinline int latency_keep(__u64 key, __u32 place, __u32 value, __u32 ticks, __u32 now)
{
	__u32 way = LATENCY_PLACE_WAY(place), side = LATENCY_PLACE_SIDE(place), head, done;
	struct weir_flow_side *own, *other;
	struct weir_flow_set *set;
	struct weir_flow_rest *rest;
	struct weir_stamp *stamp;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_flow_set(key);
	rest = latency_rest(key, way);
	if (!set || !rest)
		return 0;
	own = &set->way[way].side[side];
	other = &set->way[way].side[!side];
	done = own->done;
	if (!(own->pending & WEIR_PENDING_OLDER)) {
		__builtin_memset(rest->older[side], 0, sizeof(rest->older[side]));
		rest->spilled[side] = done;
		own->pending |= WEIR_PENDING_OLDER;
	}
	head = rest->head[side];
	if (head >= WEIR_FLOW_OLDER)
		head = 0;
	stamp = &rest->older[side][head];
	/* Of a flow of which only one side passes, nothing waits. */
	if (stamp->ticks && is_after(stamp->value, done) && other->flags & WEIR_SIDE_SENT)
		latency_spill_older(key, side, rest, stamp, now);
	rest->head[side] = head + 1;
	latency_put(stamp, value, ticks);
	return 0;
}

/*
 * When an older stamp of exactly @value was put, ticks, or 0. Takes it away. It
 * may have been spilled, where nothing as new has been answered.
 */
__noinline int latency_take_older(__u64 key, __u32 place, __u32 value)
{
	__u32 way = LATENCY_PLACE_WAY(place), side = LATENCY_PLACE_SIDE(place);
	__u32 found = 0, left = 0;
	struct weir_flow_side *own;
	struct weir_flow_rest *rest;
	struct weir_flow_set *set;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_flow_set(key);
	rest = latency_rest(key, way);
	if (!set || !rest)
		return 0;
	own = &set->way[way].side[side];
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_OLDER; i++) {
		__u64 word = *(volatile __u64 *)&rest->older[side][i];

		found = forget(found, value);
		left = forget(left, value);
		if (word >> 32 && (__u32)word == value) {
			found = word >> 32;
			latency_put(&rest->older[side][i], 0, 0);
		} else {
			left |= word >> 32;
		}
	}
	if (is_after(rest->spilled[side], own->done)) {
		left = 1;
		if (!found && is_after(value, own->done) && !is_after(value, rest->spilled[side]))
			found = latency_unspill(key, side, value);
	}
	if (!left)
		own->pending &= ~WEIR_PENDING_OLDER;
	return found;
}

/*
 * Of the older stamps up to @ack, which all go: when the greatest was put,
 * ticks, or 0. What was spilled is found where @ack is the very end of it.
 */
__noinline int latency_take_older_up_to(__u64 key, __u32 place, __u32 ack)
{
	__u32 way = LATENCY_PLACE_WAY(place), side = LATENCY_PLACE_SIDE(place);
	__u32 found = 0, best = 0, left = 0;
	struct weir_flow_side *own;
	struct weir_flow_rest *rest;
	struct weir_flow_set *set;

	if (LATENCY_IS_OFF)
		return 0;
	set = latency_flow_set(key);
	rest = latency_rest(key, way);
	if (!set || !rest)
		return 0;
	own = &set->way[way].side[side];
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_OLDER; i++) {
		__u64 word = *(volatile __u64 *)&rest->older[side][i];

		found = forget(found, ack);
		best = forget(best, ack);
		left = forget(left, ack);
		if (!(word >> 32))
			continue;
		if (is_after((__u32)word, ack)) {
			left = 1;
			continue;
		}
		if (!found || is_after((__u32)word, best)) {
			found = word >> 32;
			best = (__u32)word;
		}
		latency_put(&rest->older[side][i], 0, 0);
	}
	if (!found && is_after(ack, own->done) && !is_after(ack, rest->spilled[side]))
		found = latency_unspill(key, side, ack);
	if (!left && !is_after(rest->spilled[side], ack))
		own->pending &= ~WEIR_PENDING_OLDER;
	return found;
}

/* Returns 1 where an older stamp of @value waits, else 0. */
__noinline int latency_is_kept(__u64 key, __u32 place, __u32 value)
{
	__u32 side = LATENCY_PLACE_SIDE(place), is = 0;
	struct weir_flow_rest *rest;

	if (LATENCY_IS_OFF)
		return 0;
	rest = latency_rest(key, LATENCY_PLACE_WAY(place));
	if (!rest)
		return 0;
#pragma unroll
	for (int i = 0; i < WEIR_FLOW_OLDER; i++)
		is |= rest->older[side][i].ticks && rest->older[side][i].value == value;
	/* What lies there and is newer is of the connection before. */
	return is ||
	       (!is_after(value, rest->spilled[side]) && latency_is_spilled(key, side, value));
}

/* How often this side sent again, up to 255. */
static __always_inline __u32 latency_retransmits(__u64 key, __u32 place)
{
	struct weir_flow_rest *rest = latency_rest(key, LATENCY_PLACE_WAY(place));

	return rest ? rest->retransmits[LATENCY_PLACE_SIDE(place)] : 0;
}

static __always_inline void latency_set_retransmits(__u64 key, __u32 place, __u32 count)
{
	struct weir_flow_rest *rest = latency_rest(key, LATENCY_PLACE_WAY(place));

	if (rest)
		rest->retransmits[LATENCY_PLACE_SIDE(place)] = count < 255 ? count : 255;
}

/*
 * What comes from the wire may be the balancer's, and then so is what answers
 * it. @t has its place.
 */
static __always_inline void latency_own_backend(struct timed *t, struct weir_flow *flow,
						enum weir_direction sender)
{
	__u8 *flags = &flow->side[WEIR_DIR_WIRE].flags;
	bool is_backed = *flags & WEIR_SIDE_BACKED;
	struct weir_flow_rest *rest;

	if (sender == WEIR_DIR_HOST)
		t->backend = 0;
	else if (is_backed && !t->backend)
		*flags &= ~WEIR_SIDE_BACKED;
	if (sender == WEIR_DIR_HOST ? !is_backed : !t->backend)
		return;
	rest = latency_rest(t->key, t->way);
	if (!rest)
		return;
	if (sender == WEIR_DIR_HOST) {
		t->backend = rest->backend;
		return;
	}
	rest->backend = t->backend;
	*flags |= WEIR_SIDE_BACKED;
}

#endif
