/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend of a flow whose slot of the ring moved, or that is tracked: by
 * its pin, or by what the ring says now if it is new, or said before.
 */
#ifndef WEIR_XDP_SETTLE_H
#define WEIR_XDP_SETTLE_H

#include "weir/bpf/pin.h"

#include "admit.h"

#define SETTLE_TCP_FIN 0x01
#define SETTLE_TCP_SYN 0x02
#define SETTLE_TCP_RST 0x04

enum settle_mode {
	SETTLE_MAKE, /* the packet is of the flow: note it */
	SETTLE_LOOK, /* it only says which flow it is about */
};

static __always_inline struct weir_settle *settle_of(const struct weir_service *service)
{
	__u32 id = service->id;

	return bpf_map_lookup_elem(&weir_settle, &id);
}

static __always_inline bool settle_is_tcp(const struct pkt *p)
{
	return p->proto == IPPROTO_TCP;
}

/* Whether each flow of the packet's protocol has a pin. */
static __always_inline bool settle_tracks(const struct weir_service *service, const struct pkt *p)
{
	if (!is_needed(WEIR_NEED_TRACK))
		return false;
	if (settle_is_tcp(p))
		return service->track == WEIR_TRACK_ALL;
	return p->proto == IPPROTO_UDP && service->udp == WEIR_UDP_TRACK;
}

/* Written once a second at most: all CPUs read it. */
static __always_inline void settle_extend(__u64 *until_s, __u64 to_s)
{
	if (*until_s < to_s)
		*until_s = to_s;
}

static __always_inline enum weir_pin_state settle_next(enum weir_pin_state state,
						       const struct pkt *p, bool is_later)
{
	if (p->has & PKT_TCP) {
		if (p->tcp_flags & (SETTLE_TCP_FIN | SETTLE_TCP_RST))
			return WEIR_PIN_CLOSING;
		if (p->tcp_flags & SETTLE_TCP_SYN)
			return state;
		/* Who sends data did not close: somebody else said so. */
		if (state == WEIR_PIN_CLOSING)
			return p->l4_bytes > p->tcp_header_bytes ? WEIR_PIN_OPEN : state;
		if (state == WEIR_PIN_OPENING)
			return WEIR_PIN_OPEN;
	}
	return state == WEIR_PIN_FOUND && is_later ? WEIR_PIN_OPEN : state;
}

/* Seconds without a packet that the service keeps a flow for. */
static __always_inline __u32 settle_idle_s(const struct weir_service *service, const struct pkt *p)
{
	return settle_is_tcp(p) ? service->settle_s : service->udp_idle_s;
}

static __always_inline __u32 settle_life_s(enum weir_pin_state state, __u32 idle_s)
{
	if (state != WEIR_PIN_OPENING && state != WEIR_PIN_CLOSING)
		return idle_s;
	return idle_s < WEIR_PIN_HALF_OPEN_S ? idle_s : WEIR_PIN_HALF_OPEN_S;
}

/* By how many seconds what the pin says of its last packet may be behind. */
static __always_inline __u32 settle_lag(enum weir_pin_state state,
					const struct weir_service *service, const struct pkt *p)
{
	if (state != WEIR_PIN_OPEN)
		return 0;
	if (settle_is_tcp(p))
		return weir_pin_lag(service->tcp_life, service->settle_s);
	return weir_pin_lag(service->udp_life, service->udp_idle_s);
}

/* Until when a pin may be alive that is written now. */
static __always_inline __u64 settle_until(const struct weir_service *service, __u32 now)
{
	return (__u64)now + service->settle_s + weir_pin_lag(service->tcp_life, service->settle_s);
}

/* A packet of a flow with a pin. */
static __always_inline void settle_meet(struct weir_pin *pin, union pin_word was,
					const struct weir_service *service, const struct pkt *p,
					__u32 now)
{
	enum weir_pin_state state = pin_state(was), next = settle_next(state, p, was.seen != now);
	struct weir_settle *settle;
	union pin_word is;

	is = pin_make(next, settle_life_s(next, settle_idle_s(service, p)), was.state, now);
	if (is.state == was.state && now - was.seen <= settle_lag(next, service, p))
		return;
	__sync_val_compare_and_swap(pin_word_of(pin), was.word, is.word);
	settle = settle_of(service);
	if (settle)
		settle_extend(&settle->pins_until_s, settle_until(service, now));
}

/* A connection that takes the place of one that was closed a while ago. */
static __always_inline bool settle_is_reuse(union pin_word w, const struct pkt *p, __u32 now)
{
	return is_syn(p) && pin_state(w) == WEIR_PIN_CLOSING && now - w.seen >= WEIR_PIN_REUSE_S;
}

struct settle_ask {
	const struct weir_image *image;
	const struct weir_service *service;
	const struct weir_slot *slot;
	const struct pkt *p;
	struct choice *choice;
	struct weir_pin_set *set;
	__u64 tag;
	__u32 now;
	__u32 idle_s; /* settle_idle_s() */
	bool tracks;
};

/* Go where the flow's pin says. False: it has none. */
static __always_inline bool settle_by_pin(const struct settle_ask *a, enum settle_mode mode)
{
	struct choice *c = a->choice;
	const struct pkt *p = a->p;
	union pin_word w = {};
	struct weir_pin *pin;
	__u32 offset;

	pin = pin_find(a->set, a->tag, a->now, &w);
	if (!pin || settle_is_reuse(w, p, a->now))
		return false;
	offset = pin_backend(a->image, w);
	if (!offset)
		return false;
	if (mode == SETTLE_MAKE)
		settle_meet(pin, w, a->service, p, a->now);
	c->backend_offset = offset;
	c->why = a->tracks ? WEIR_WHY_TRACK : WEIR_WHY_PIN;
	return true;
}

/*
 * Pin the flow to @backend, an index. False where there is no room; base is
 * valid for longer then, as flows without a pin have nothing else to go by.
 */
static __noinline int settle_pin(const struct settle_ask *a, enum weir_pin_state state,
				 __u32 backend)
{
	const struct weir_backend *b =
		image_at(a->image, a->service->backends_offset + backend * sizeof(*b));
	struct weir_settle *settle = settle_of(a->service);
	__u64 until = settle_until(a->service, a->now);
	bool has_room, lost = false;

	has_room = pin_put(a->set, a->tag,
			   pin_make(state, settle_life_s(state, a->idle_s), b->id, a->now), a->now,
			   &lost);
	if (settle && has_room)
		settle_extend(&settle->pins_until_s, until);
	if (settle && (!has_room || lost))
		settle_extend(&settle->base_until_s, until);
	return has_room;
}

/*
 * Whether what the ring said before counts. @settle goes past the service's own
 * time where flows found no room for a pin.
 */
static __always_inline bool settle_has_base(const struct settle_ask *a,
					    const struct weir_settle *settle)
{
	if (!(a->slot->current & WEIR_SLOT_MOVED) || a->slot->base == WEIR_NO_BACKEND)
		return false;
	return a->now <= a->service->base_until_s || (settle && a->now <= settle->base_until_s);
}

/* Go where the ring says, of a flow without a pin. */
static __always_inline enum weir_reason
settle_by_ring(const struct settle_ask *a, const struct weir_settle *settle, enum settle_mode mode)
{
	const struct pkt *p = a->p;
	struct choice *c = a->choice;
	bool has_base = settle_has_base(a, settle), is_new = is_syn(p) || !settle_is_tcp(p);
	__u32 current = a->slot->current & ~WEIR_SLOT_MOVED, backend = current;
	bool wants_pin = mode == SETTLE_MAKE;

	if (has_base && !is_new)
		backend = a->slot->base;
	if (backend == WEIR_NO_BACKEND)
		return WEIR_R_LB_NO_BACKEND;
	/* A little past the end, too: user space reads its clock a little earlier. */
	if (!a->tracks && a->now >= a->service->base_until_s + WEIR_PIN_GRACE_S && !has_base)
		wants_pin = false;
	if (p->has & PKT_TCP && p->tcp_flags & (SETTLE_TCP_FIN | SETTLE_TCP_RST))
		wants_pin = false;
	if (wants_pin && !settle_pin(a, is_syn(p) ? WEIR_PIN_OPENING : WEIR_PIN_FOUND, backend) &&
	    has_base)
		backend = a->slot->base;
	choose(c, a->service, backend,
	       has_base && backend != current ? WEIR_WHY_BASE : WEIR_WHY_RING);
	return WEIR_R_LB_FORWARD;
}

/*
 * Choose for a packet of a slot that moved, or of a tracked flow, of the service
 * that @c has. Returns WEIR_R_LB_FORWARD with the choice made, or the reason why
 * the packet is dropped.
 */
static __noinline int settle(const struct weir_image *image, const struct pkt *p, struct choice *c,
			     const struct weir_slot *slot, enum settle_mode mode)
{
	const struct weir_service *service = choice_service(image, c);
	struct settle_ask a = {
		.image = image,
		.service = service,
		.slot = slot,
		.p = p,
		.choice = c,
		.now = pin_now(),
		.idle_s = settle_idle_s(service, p),
		.tracks = settle_tracks(service, p),
	};
	const struct weir_settle *settle = settle_of(service);
	enum weir_reason reason;

	a.tag = pin_tag(image, p, service->id, p->proto, (__u32)p->sport << 16 | p->dport);
	a.set = pin_set(a.tag);
	if (!a.set)
		return WEIR_R_LB_ERROR;
	if ((a.tracks || a.now <= service->pins_until_s ||
	     (settle && a.now <= settle->pins_until_s)) &&
	    settle_by_pin(&a, mode))
		return WEIR_R_LB_FORWARD;
	if (is_needed(WEIR_NEED_LIMIT) && mode == SETTLE_MAKE && !settle_is_tcp(p)) {
		reason = admit_new(image, service, p);
		if (reason != WEIR_R_CONTINUE)
			return reason;
	}
	return settle_by_ring(&a, settle, mode);
}

#endif
