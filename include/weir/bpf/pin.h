/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows that keep to a backend while their slot of the ring moves, and all
 * flows of services that ask for it. A set of pins is one cache line, and is
 * written once a second for a flow at most.
 */
#ifndef WEIR_BPF_PIN_H
#define WEIR_BPF_PIN_H

#include "weir/balance.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#define PIN_NS_PER_S 1000000000ULL

/* The two halves of a pin that change together. */
union pin_word {
	struct {
		__u32 seen;
		__u32 state;
	};
	__u64 word;
};
_Static_assert(__builtin_offsetof(struct weir_pin, state) ==
		       __builtin_offsetof(struct weir_pin, seen) + 4,
	       "a pin changes in one word");

/* Seconds of the coarse clock; a read costs 3 ns. */
static __always_inline __u32 pin_now(void)
{
	return bpf_ktime_get_coarse_ns() / PIN_NS_PER_S;
}

static __always_inline volatile __u64 *pin_word_of(struct weir_pin *pin)
{
	return (volatile __u64 *)&pin->seen;
}

static __always_inline union pin_word pin_read(struct weir_pin *pin)
{
	return (union pin_word){ .word = *pin_word_of(pin) };
}

static __always_inline enum weir_pin_state pin_state(union pin_word w)
{
	return w.state >> WEIR_PIN_STATE_SHIFT & WEIR_PIN_STATE_MASK;
}

static __always_inline __u32 pin_life_s(union pin_word w)
{
	if (pin_state(w) == WEIR_PIN_FRAGMENT)
		return WEIR_PIN_FRAGMENT_S;
	return 1U << (w.state >> WEIR_PIN_LIFE_SHIFT);
}

/* Seconds are coarse: one that lives N of them is dead when N + 1 have begun since. */
static __always_inline bool pin_is_live(union pin_word w, __u32 now)
{
	return pin_state(w) != WEIR_PIN_FREE &&
	       (__s64)(__s32)(now - w.seen) <= (__s64)pin_life_s(w);
}

static __always_inline union pin_word pin_make(enum weir_pin_state state, __u32 life_s,
					       __u32 backend, __u32 now)
{
	return (union pin_word){
		.seen = now,
		.state = weir_pin_life(life_s) << WEIR_PIN_LIFE_SHIFT |
			 (__u32)state << WEIR_PIN_STATE_SHIFT | (backend & WEIR_PIN_BACKEND_MASK),
	};
}

static __always_inline struct weir_pin_set *pin_set(__u64 tag)
{
	__u32 index = tag & weir.pin_mask;

	return bpf_map_lookup_elem(&weir_pins, &index);
}

/*
 * The tag of a flow; @number tells services apart, and what is no flow. Keyed
 * by the image's secret, so that nobody can aim at a set. Nobody sees a tag
 * either, so two rounds of mixing for each word are enough; SipHash takes 15 ns
 * more.
 */
static __always_inline __u64 pin_tag_of(const struct weir_image *image, const union pkt_addr *src,
					const union pkt_addr *dst, bool is_v6, __u64 number,
					__u64 proto, __u32 ports)
{
	__u64 rest = weir_mix64((number << 40 | proto << 32 | ports) ^ image->secret[1]);
	__u64 key = image->secret[0], source, target;

	if (!is_v6)
		return weir_mix64(rest +
				  weir_mix64(((__u64)src->word[3] << 32 | dst->word[3]) ^ key));
	source = weir_mix64(weir_mix64(src->half[0] ^ key) ^ src->half[1]);
	target = weir_mix64(weir_mix64(dst->half[0] ^ ~key) ^ dst->half[1]);
	return weir_mix64(rest + (source ^ weir_mix64(target)));
}

static __always_inline __u64 pin_tag(const struct weir_image *image, const struct pkt *p,
				     __u64 number, __u64 proto, __u32 ports)
{
	return pin_tag_of(image, &p->src, &p->dst, p->is_v6, number, proto, ports);
}

/*
 * The live pin of @tag, or NULL. Its word is left in @w, and was that of @tag:
 * who takes a place marks it BUSY before he changes the tag.
 */
static __always_inline struct weir_pin *pin_find(struct weir_pin_set *set, __u64 tag, __u32 now,
						 union pin_word *w)
{
	__u32 index = WEIR_PIN_WAYS;
	struct weir_pin *pin;

#pragma unroll
	for (int i = 0; i < WEIR_PIN_WAYS; i++) {
		if (set->way[i].tag == tag)
			index = i;
		index = forget(index, now);
	}
	if (index >= WEIR_PIN_WAYS)
		return NULL;
	pin = &set->way[index];
	*w = pin_read(pin);
	if (*(volatile __u64 *)&pin->tag != tag || pin_state(*w) == WEIR_PIN_BUSY ||
	    !pin_is_live(*w, now))
		return NULL;
	return pin;
}

/* Pins that have to make room: in one of these states, and for so many seconds. */
struct pin_yield {
	__u32 states; /* 1 << WEIR_PIN_* */
	__u32 age_s;
};

/* For a flow, and what else may be taken again. */
#define PIN_YIELD_TO_FLOW                                                                 \
	((struct pin_yield){ .states = 1U << WEIR_PIN_OPENING | 1U << WEIR_PIN_FOUND |    \
				       1U << WEIR_PIN_FRAGMENT | 1U << WEIR_PIN_VERIFIED, \
			     .age_s = WEIR_PIN_UNSURE_S + 1 })

/*
 * For a source that is verified. If a flood of SYNs could keep its place from
 * it, it would be reset again and again.
 */
#define PIN_YIELD_TO_SOURCE \
	((struct pin_yield){ .states = 1U << WEIR_PIN_OPENING | 1U << WEIR_PIN_VERIFIED })

/*
 * How good a place is that has the pin @w; 0 is not to be had. Most of all one
 * that nothing living has, then what nobody confirmed for the longest time.
 */
static __always_inline __u32 pin_room(union pin_word w, struct pin_yield y, bool is_own, __u32 now)
{
	__u32 age = now - w.seen;

	if (is_own)
		return ~0U;
	if (!pin_is_live(w, now))
		return ~0U - 1;
	return y.states >> pin_state(w) & 1 && age >= y.age_s ? age + 1 : 0;
}

/* Whether pin_put_over() would find a place. */
static __always_inline bool pin_has_room(struct weir_pin_set *set, struct pin_yield y, __u32 now)
{
	__u32 rooms = 0;

#pragma unroll
	for (int i = 0; i < WEIR_PIN_WAYS; i++)
		rooms |= forget(pin_room(pin_read(&set->way[i]), y, false, now), now);
	return rooms;
}

/* Write a pin in the place of another that was @was. False: who was faster has the place. */
static __always_inline bool pin_take(struct weir_pin *pin, union pin_word was, __u64 tag,
				     union pin_word w, __u32 now)
{
	union pin_word busy = { .seen = now,
				.state = (__u32)WEIR_PIN_BUSY << WEIR_PIN_STATE_SHIFT };

	if (__sync_val_compare_and_swap(pin_word_of(pin), was.word, busy.word) != was.word)
		return false;
	*(volatile __u64 *)&pin->tag = tag;
	*pin_word_of(pin) = w.word;
	return true;
}

/*
 * Put a pin into @set, in the place of one of the same tag, of none, or of one
 * that has to make room. Returns false, with nothing changed, where there is
 * no room. @lost: whether a pin was pushed out that a flow may miss.
 */
static __always_inline bool pin_put_over(struct weir_pin_set *set, __u64 tag, union pin_word w,
					 struct pin_yield y, __u32 now, bool *lost)
{
	union pin_word was = {};
	__u32 index = 0, most = 0;
	struct weir_pin *pin;

#pragma unroll
	for (int i = 0; i < WEIR_PIN_WAYS; i++) {
		union pin_word other = pin_read(&set->way[i]);
		__u32 room = forget(pin_room(other, y, set->way[i].tag == tag, now), now);

		if (room > most) {
			index = i;
			most = room;
			was.word = other.word;
		}
		index = forget(index, now);
		most = forget(most, now);
		was.word = forget64(was.word, now);
	}
	if (!most)
		return false;
	pin = &set->way[index & (WEIR_PIN_WAYS - 1)];
	*lost = most < ~0U - 1 && pin_state(was) == WEIR_PIN_FOUND;
	return pin_take(pin, was, tag, w, now);
}

/* The same for a flow. */
static __always_inline bool pin_put(struct weir_pin_set *set, __u64 tag, union pin_word w,
				    __u32 now, bool *lost)
{
	return pin_put_over(set, tag, w, PIN_YIELD_TO_FLOW, now, lost);
}

/* The offset of a pin's backend, or 0 where it is gone. */
static __always_inline __u32 pin_backend(const struct weir_image *image, union pin_word w)
{
	__u32 id = w.state & WEIR_PIN_BACKEND_MASK;
	const __u32 *offset;

	if (id >= image->backend_by_id_count)
		return 0;
	offset = image_at(image, image->backend_by_id_offset + id * sizeof(*offset));
	return *offset;
}

#endif
