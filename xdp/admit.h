/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may talk to a service, and how many new connections it takes.
 */
#ifndef WEIR_XDP_ADMIT_H
#define WEIR_XDP_ADMIT_H

#include "weir/bpf/condition.h"
#include "weir/bpf/limit.h"
#include "weir/reason.h"

#include "choice.h"

#define ADMIT_TCP_SYN 0x02
#define ADMIT_TCP_ACK 0x10
/* Of the buckets of a service: the one for all its new connections. */
#define ADMIT_BUCKET 0

static __always_inline bool is_syn(const struct pkt *p)
{
	return p->has & PKT_TCP &&
	       (p->tcp_flags & (ADMIT_TCP_SYN | ADMIT_TCP_ACK)) == ADMIT_TCP_SYN;
}

/*
 * Whether the rates of the service leave room for one more connection; a source
 * above its own does not use up what is for all.
 */
static __noinline int admit_new(const struct weir_image *image, const struct weir_service *service,
				const struct pkt *p)
{
	if (service->flags & WEIR_SERVICE_LIMIT_SOURCE &&
	    !limit_admits_source(image, image_at(image, service->limit_source_offset), p))
		return WEIR_R_LB_LIMIT;
	if (service->flags & WEIR_SERVICE_LIMIT &&
	    !limit_admits_number(image, image_at(image, service->limit_offset), ADMIT_BUCKET))
		return WEIR_R_LB_LIMIT;
	return WEIR_R_CONTINUE;
}

struct admit_search {
	const struct weir_image *image;
	const struct weir_service *service;
	const struct pkt *p;
	bool is_allowed;
};

static long admit_try_set(__u32 index, struct admit_search *s)
{
	const __u32 *slot =
		image_at(s->image, s->service->allow_sets_offset + index * sizeof(*slot));

	s->is_allowed = set_holds(*slot, SET_SOURCE, s->p);
	return s->is_allowed;
}

static __noinline int admit_source(const struct weir_image *image,
				   const struct weir_service *service, const struct pkt *p)
{
	struct admit_search s = { .image = image, .service = service, .p = p };

	s.is_allowed = in_ranges128(image, service->allow_offset, service->allow_count, &p->src);
	if (!s.is_allowed)
		bpf_loop(service->allow_sets_count, admit_try_set, &s, 0);
	return s.is_allowed ? WEIR_R_CONTINUE : WEIR_R_LB_NOT_ALLOWED;
}

/* These return WEIR_R_CONTINUE, or the reason why the packet is dropped. */
static __always_inline enum weir_reason admit_packet(const struct weir_image *image,
						     const struct weir_service *service,
						     const struct pkt *p)
{
	if (is_needed(WEIR_NEED_ALLOW) && service->flags & WEIR_SERVICE_ALLOW)
		return admit_source(image, service, p);
	return WEIR_R_CONTINUE;
}

static __always_inline enum weir_reason admit_connection(const struct weir_image *image,
							 const struct weir_service *service,
							 const struct pkt *p)
{
	if (is_needed(WEIR_NEED_LIMIT) && is_syn(p))
		return admit_new(image, service, p);
	return WEIR_R_CONTINUE;
}

#endif
