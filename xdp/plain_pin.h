/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of flows that have pins, what the short way knows: an open one, and a
 * connection that begins.
 */
#ifndef WEIR_XDP_PLAIN_PIN_H
#define WEIR_XDP_PLAIN_PIN_H

#include "choice.h"
#include "plain_read.h"
#include "settle.h"

#define PLAIN_TCP_STATE (SETTLE_TCP_SYN | SETTLE_TCP_FIN | SETTLE_TCP_RST)

/* What the ring says of a flow. */
struct plain_choice {
	const struct weir_service *service;
	const struct weir_slot *slot;
	__u32 position; /* of the slot */
	enum weir_why why;
};

static __always_inline const struct weir_backend *
plain_backend(const struct weir_image *image, const struct plain_choice *c, __u32 index)
{
	return image_at(image, c->service->backends_offset + index * sizeof(struct weir_backend));
}

static __always_inline bool plain_tracks(const struct weir_service *service, const struct plain *f)
{
	if (!is_needed(WEIR_NEED_TRACK))
		return false;
	return f->proto == IPPROTO_TCP ? service->track == WEIR_TRACK_ALL
				       : service->udp == WEIR_UDP_TRACK;
}

/*
 * The way of a set that has the tag, or any. Without a branch: which way it is
 * nobody can predict, and a wrong guess costs as much as the set took to come.
 */
static __always_inline struct weir_pin *plain_way(struct weir_pin_set *set, __u64 tag)
{
	__u64 index = 0, other;

#pragma unroll
	for (int i = 1; i < WEIR_PIN_WAYS; i++) {
		other = set->way[i].tag ^ tag;
		index += i - i * ((other | -other) >> 63);
	}
	return &set->way[index & (WEIR_PIN_WAYS - 1)];
}

static __always_inline __u64 plain_tag(const struct weir_image *image,
				       const struct weir_service *service, const struct plain *f)
{
	return pin_tag_of(image, &f->src, &f->dst, f->is_v6, service->id, f->proto,
			  (__u32)f->sport << 16 | f->dport);
}

/* Whether the time is over in which a flow without a pin may not be the ring's. */
static __noinline int plain_is_over(const struct weir_service *service)
{
	const struct weir_settle *settle = settle_of(service);
	__u32 now = tick_s();

	return settle && now > service->base_until_s + WEIR_PIN_GRACE_S &&
	       now > settle->base_until_s;
}

/*
 * The backend of an open flow, whose pin needs no writing, if it is one that the
 * ring says, too. So the backend does not wait for the pin: the processor goes
 * on with the packet, on the assumption that they agree, while it comes.
 */
static __always_inline const struct weir_backend *
plain_pinned(const struct weir_image *image, struct plain_choice *c, const struct plain *f)
{
	const struct weir_service *service = c->service;
	bool is_tcp = f->proto == IPPROTO_TCP;
	__u32 life = is_tcp ? service->tcp_life : service->udp_life;
	__u32 lag = weir_pin_lag(life, is_tcp ? service->settle_s : service->udp_idle_s);
	__u32 state = life << WEIR_PIN_LIFE_SHIFT | WEIR_PIN_OPEN << WEIR_PIN_STATE_SHIFT;
	__u32 current = c->slot->current & ~WEIR_SLOT_MOVED;
	const struct weir_backend *backend;
	struct weir_pin_set *set;
	struct weir_pin *pin;
	union pin_word w;
	__u64 tag;

	tag = plain_tag(image, service, f);
	set = pin_set(tag);
	if (!set)
		return NULL;
	backend = plain_backend(image, c, current);
	pin = plain_way(set, tag);
	w = pin_read(pin);
	c->why = WEIR_WHY_RING;
	if (*(volatile __u64 *)&pin->tag != tag)
		return !plain_tracks(service, f) && plain_is_over(service) ? backend : NULL;
	if (tick_s() - w.seen > lag)
		return NULL;
	c->why = plain_tracks(service, f) ? WEIR_WHY_TRACK : WEIR_WHY_PIN;
	if (w.state == (state | backend->id))
		return backend;
	if (c->slot->base == WEIR_NO_BACKEND)
		return NULL;
	backend = plain_backend(image, c, c->slot->base);
	return w.state == (state | backend->id) ? backend : NULL;
}

/*
 * A bit for each way of a set that has no living pin. Without a branch, as in
 * plain_way(). What a fragment left counts as alive.
 */
static __always_inline __u64 plain_free_ways(struct weir_pin_set *set, __u32 now)
{
	__u64 free = 0, state;
	union pin_word w;
	__s64 spare;

#pragma unroll
	for (int i = 0; i < WEIR_PIN_WAYS; i++) {
		w = pin_read(&set->way[i]);
		spare = (__s64)(1ULL << (w.state >> WEIR_PIN_LIFE_SHIFT)) - (__s32)(now - w.seen);
		state = (w.state >> WEIR_PIN_STATE_SHIFT & WEIR_PIN_STATE_MASK) ^ WEIR_PIN_FRAGMENT;
		free |= ((__u64)spare & -state) >> 63 << i;
	}
	return free;
}

/* Of a way that has none of a flow. */
static __always_inline bool plain_take_free(const struct settle_ask *a, __u64 free, __u32 backend)
{
	const struct weir_backend *b =
		image_at(a->image, a->service->backends_offset + backend * sizeof(*b));
	union pin_word w = pin_make(WEIR_PIN_OPENING, settle_life_s(WEIR_PIN_OPENING, a->idle_s),
				    b->id, a->now);
	union pin_word was;
	struct weir_pin *pin;

	free &= -free;
	/* Of 1, 2, 4 and 8. */
	pin = &a->set->way[((free >> 1) - (free >> 3)) & (WEIR_PIN_WAYS - 1)];
	was = pin_read(pin);
	/* Others may have come since it was free. */
	return !pin_is_live(was, a->now) && pin_take(pin, was, a->tag, w, a->now);
}

/*
 * Pin a TCP connection that begins, if it has no pin yet. Not inlined: what most
 * packets do would lose registers to it. Returns the index of its backend, or -1
 * where the long way knows more.
 */
static __noinline int plain_open(const struct weir_image *image, const struct weir_service *service,
				 const struct weir_slot *slot, __u64 tag, __u32 tracks)
{
	struct settle_ask a = {
		.image = image,
		.service = service,
		.slot = slot,
		.set = pin_set(tag),
		.tag = tag,
		.now = pin_now(),
		.idle_s = service->settle_s,
	};
	struct weir_settle *settle = settle_of(service);
	__u32 current = slot->current & ~WEIR_SLOT_MOVED;
	bool has_base;
	__u64 free;

	if (!a.set || !settle || plain_way(a.set, tag)->tag == tag)
		return -1;
	has_base = settle_has_base(&a, settle);
	if (!tracks && !has_base && a.now >= service->base_until_s + WEIR_PIN_GRACE_S)
		return current;
	free = plain_free_ways(a.set, a.now);
	if (!free)
		return settle_pin(&a, WEIR_PIN_OPENING, current) || !has_base ? current
									      : slot->base;
	settle_extend(&settle->pins_until_s, settle_until(service, a.now));
	return plain_take_free(&a, free, current) ? (int)current : -1;
}

/* The backend of a TCP connection that begins; NULL of any other packet of a flow's ends. */
static __always_inline const struct weir_backend *
plain_opened(const struct weir_image *image, struct plain_choice *c, const struct plain *f)
{
	int backend;

	if ((f->tcp_flags & (PLAIN_TCP_STATE | ADMIT_TCP_ACK)) != SETTLE_TCP_SYN)
		return NULL;
	backend = plain_open(image, c->service, c->slot, plain_tag(image, c->service, f),
			     plain_tracks(c->service, f));
	if (backend < 0)
		return NULL;
	c->why = backend == (c->slot->current & ~WEIR_SLOT_MOVED) ? WEIR_WHY_RING : WEIR_WHY_BASE;
	return plain_backend(image, c, backend);
}

#endif
