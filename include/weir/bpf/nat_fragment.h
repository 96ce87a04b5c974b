/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments of what a backend answers to a translated flow: the first has the
 * ports, and notes whose record it found; the others go where that one went. The
 * note is a pin with a record's index in the place of a backend's id.
 */
#ifndef WEIR_BPF_NAT_FRAGMENT_H
#define WEIR_BPF_NAT_FRAGMENT_H

#include "weir/bpf/fragment.h"
#include "weir/bpf/nat.h"

/* Note the record that was found for a first fragment. Returns 0. */
static __noinline KEEPS_RETURN int nat_fragment_note(const struct weir_image *image,
						     const struct pkt *p, const struct nat *n)
{
	__u64 tag = fragment_tag(image, p, FRAGMENT_OF_ANSWER);
	struct weir_pin_set *set = pin_set(tag);
	union pin_word w = {
		.seen = pin_now(),
		.state = WEIR_PIN_FRAGMENT << WEIR_PIN_STATE_SHIFT |
			 (n->flow & weir.nat_flow_mask & WEIR_PIN_BACKEND_MASK),
	};
	bool lost;

	if (set)
		pin_put(set, tag, w, w.seen, &lost);
	return 0;
}

/* The flow of a later fragment, by what the first one noted. Returns whether there is one. */
static __noinline int nat_fragment_find(const struct weir_image *image, const struct pkt *p,
					struct nat *n)
{
	__u64 tag = fragment_tag(image, p, FRAGMENT_OF_ANSWER), life;
	struct weir_pin_set *set = pin_set(tag);
	const struct weir_backend *backend;
	struct weir_nat_flow *r;
	union pin_word w = {};

	n->now = nat_now();
	if (!set || !pin_find(set, tag, pin_now(), &w))
		return 0;
	n->flow = w.state & WEIR_PIN_BACKEND_MASK;
	r = nat_record(n->flow);
	if (!r)
		return 0;
	life = nat_life(r);
	backend = nat_backend(image, weir_nat_backend(life));
	if (!nat_is_live(life, n->now) || !nat_is_address(r->source, &p->dst) || !backend ||
	    !nat_is_address(backend->addr, &p->src))
		return 0;
	n->life = life;
	n->backend = weir_nat_backend(life);
	n->is_udp = weir_nat_is_udp(life);
	n->is_v6 = p->is_v6;
	n->flags = 0;
	pkt_copy_addr(&n->outside.src, r->client);
	pkt_copy_addr(&n->outside.dst, r->vip);
	n->outside.sport = r->client_port;
	n->outside.dport = r->vip_port;
	return 1;
}

#endif
