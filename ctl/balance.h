/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the balancer is made of: rings over generations, and in the image VIPs,
 * services and backends.
 */
#ifndef WEIR_CTL_BALANCE_H
#define WEIR_CTL_BALANCE_H

#include "image_internal.h"
#include "model.h"
#include "state.h"
#include "weir/balance.h"

/* What is in force, borrowed; zeroes when nothing is. Times are of CLOCK_MONOTONIC. */
struct ring_past {
	const struct weir_image *image;
	const struct weir_ring *rings; /* by weir_service.ring of @image */
	const struct state *state; /* that maps them when they are asked for; NULL: all are there */
	const struct weir_settle *settle; /* by service id; NULL: as the image says */
	__u32 settle_count;
	__u64 now_s;
};

/* Of one service, as weir_service wants it. */
struct service_ring {
	__u32 ring;
	__u64 base_until_s;
	__u64 pins_until_s;
	bool is_unsettled;
};

/* To be put into the map of rings before the image that names it is in force. */
struct fresh_ring {
	__u32 index;
	const struct weir_ring *ring; /* of struct rings.made */
};

struct rings {
	struct service_ring *of_service; /* by index in the model */
	struct fresh_ring *fresh; /* at indexes that the image in force does not name */
	size_t fresh_count;
	struct weir_ring *made;
	__u32 room; /* rings that the map must have, at least 1 */
};

/*
 * The rings of a model's services after those of @past. Equal ones are one;
 * one that the map has already is not made again.
 *
 * @service_ids  of the model's services, stable by name, as weir_service.id is
 * @backend_ids  of the model's backends, the same
 *
 * Returns 0 with @out, to be freed with rings_free(); -ENOMEM, or -E2BIG for
 * more than WEIR_MAX_RINGS; @out is empty on failure.
 */
int rings_make(const struct model *m, const __u32 *service_ids, const __u32 *backend_ids,
	       const struct ring_past *past, struct rings *out);
void rings_free(struct rings *r);

/* Put the fresh ones into the map. */
int rings_put(const struct rings *r, const struct maps *m, struct failure *why);

/*
 * Into maps that are larger: the rings that the image in force names, and how
 * long its pins may live.
 */
int rings_carry_over(const struct state *s, const struct maps *to, const struct capacity *now,
		     struct failure *why);

/* After build_nat(). Append the table of VIPs, which name services by their index. */
void build_vips(struct builder *b, const struct model *m);

#endif
