/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments of a packet to a VIP reach one backend: the first, which has the
 * ports, notes where it went, and the others go there. RFC 791, RFC 8200.
 */
#ifndef WEIR_XDP_FRAGMENT_H
#define WEIR_XDP_FRAGMENT_H

#include "weir/bpf/fragment.h"

#include "vip.h"

/* Of a service's id, in its note: services of a VIP may share their backends. */
#define FRAGMENT_HINT (WEIR_PIN_LIFE_MOST)

/* Note where a first fragment goes. Returns 0. */
static __noinline KEEPS_RETURN int fragment_note(const struct weir_image *image,
						 const struct pkt *p, const struct choice *c)
{
	const struct weir_backend *backend = choice_backend(image, c);
	const struct weir_service *service = choice_service(image, c);
	__u64 tag = fragment_tag(image, p, FRAGMENT_TO_VIP);
	struct weir_pin_set *set = pin_set(tag);
	union pin_word w = {
		.seen = pin_now(),
		.state = (service->id & FRAGMENT_HINT) << WEIR_PIN_LIFE_SHIFT |
			 WEIR_PIN_FRAGMENT << WEIR_PIN_STATE_SHIFT |
			 (backend->id & WEIR_PIN_BACKEND_MASK),
	};
	bool lost;

	if (set)
		pin_put(set, tag, w, w.seen, &lost);
	return 0;
}

struct fragment_search {
	struct vip_search vips;
	__u32 list; /* offset of the ports */
	__u32 backend_offset; /* 0: of no backend */
	__u32 hint;
	__u32 proto;
	__u32 any_proto; /* the packet does not say it */
	__u32 service; /* found: its offset */
	__u32 is_meant; /* some port of the VIP could be the packet's */
};

static __always_inline bool fragment_is_of(const struct weir_service *service,
					   const struct fragment_search *s)
{
	__u32 place = s->backend_offset - service->backends_offset;

	return place < service->backends_count * sizeof(struct weir_backend) &&
	       (service->id & FRAGMENT_HINT) == s->hint;
}

/* Returns 1 where the service is found. */
static long fragment_try_port(__u32 index, struct fragment_search *s)
{
	const struct weir_vip_port *port = image_at(s->vips.image, s->list + index * sizeof(*port));
	const struct weir_service *service;
	__u32 offset;

	if (port->proto && port->proto != s->proto && !s->any_proto)
		return 0;
	s->is_meant = 1;
	offset = s->vips.image->services_offset + port->service * sizeof(*service);
	service = image_at(s->vips.image, offset);
	if (!s->backend_offset || !fragment_is_of(service, s))
		return 0;
	s->service = offset;
	return 1;
}

static __always_inline void fragment_try_vip(struct fragment_search *s, __u32 vip_offset)
{
	const struct weir_vip *vip = image_at(s->vips.image, vip_offset);

	s->list = vip->ports_offset;
	if (!s->list)
		s->list = vip_offset + __builtin_offsetof(struct weir_vip, port);
	bpf_loop(vip->ports_count, fragment_try_port, s, 0);
}

static long fragment_try_shorter(__u32 unused, struct fragment_search *s)
{
	int step = vip_step(&s->vips);

	if (step == VIP_STEP_FOUND)
		fragment_try_vip(s, s->vips.choice->vip_offset);
	return step == VIP_STEP_END || s->service;
}

/*
 * Choose for a fragment without ports by what the first one noted. Returns
 * WEIR_R_LB_FORWARD, or WEIR_R_CONTINUE; WEIR_R_LB_FRAGMENT where nothing is
 * noted of what a service could mean: it is left to the host as well, whose own
 * packets to its address come in fragments, too.
 */
static __noinline int fragment_choose(const struct weir_image *image, const struct pkt *p,
				      struct choice *c)
{
	struct fragment_search s = {
		.proto = p->proto,
		.any_proto = pkt_is_extension(p->proto),
	};
	__u64 tag = fragment_tag(image, p, FRAGMENT_TO_VIP);
	struct weir_pin_set *set = pin_set(tag);
	union pin_word w = {};

	if (set && pin_find(set, tag, pin_now(), &w)) {
		s.backend_offset = pin_backend(image, w);
		s.hint = w.state >> WEIR_PIN_LIFE_SHIFT;
	}
	vip_search_of(&s.vips, image, c, p);
	fragment_try_vip(&s, c->vip_offset);
	if (is_needed(WEIR_NEED_PREFIX) && !s.service)
		bpf_loop(WEIR_VIP_LENGTHS, fragment_try_shorter, &s, 0);
	if (!s.service)
		return s.is_meant ? WEIR_R_LB_FRAGMENT : WEIR_R_CONTINUE;
	c->service_offset = s.service;
	c->backend_offset = s.backend_offset;
	c->why = WEIR_WHY_FRAGMENT;
	return WEIR_R_LB_FORWARD;
}

#endif
