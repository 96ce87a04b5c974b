/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a choice.
 */
#ifndef WEIR_XDP_CHOICE_H
#define WEIR_XDP_CHOICE_H

#include "weir/balance.h"
#include "weir/bpf/choice.h"
#include "weir/bpf/maps.h"

/* Whether this program has the code that a service asks for. */
static __always_inline bool is_needed(enum weir_need need)
{
	return weir.services & 1U << need;
}

static __always_inline const struct weir_service *choice_service(const struct weir_image *image,
								 const struct choice *c)
{
	return image_at(image, c->service_offset);
}

static __always_inline const struct weir_backend *choice_backend(const struct weir_image *image,
								 const struct choice *c)
{
	return image_at(image, c->backend_offset);
}

/* Choose by an index into the service's backends. */
static __always_inline void choose(struct choice *c, const struct weir_service *service,
				   __u32 backend, enum weir_why why)
{
	c->backend_offset = service->backends_offset + backend * sizeof(struct weir_backend);
	c->why = why;
}

#endif
