// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings in their map.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "balance.h"
#include "image.h"

static int put(int map, __u32 index, const struct weir_ring *ring, struct failure *why)
{
	if (bpf_map_update_elem(map, &index, ring, BPF_ANY))
		return fail_errno(why, errno, "cannot write ring %u", index);
	return 0;
}

int rings_put(const struct rings *r, const struct maps *m, struct failure *why)
{
	for (size_t i = 0; i < r->fresh_count; i++) {
		if (put(m->fd[WEIR_MAP_RINGS], r->fresh[i].index, r->fresh[i].ring, why))
			return -1;
	}
	return 0;
}

static int carry_settle(const struct state *s, const struct maps *to, struct failure *why)
{
	for (__u32 i = 0; i < s->capacity.services; i++) {
		if (bpf_map_update_elem(to->fd[WEIR_MAP_SETTLE], &i, &s->settle[i], BPF_ANY))
			return fail_errno(why, errno, "cannot carry over how long pins live");
	}
	return 0;
}

int rings_carry_over(const struct state *s, const struct maps *to, const struct capacity *now,
		     struct failure *why)
{
	const struct weir_service *service;

	if (!s->image)
		return 0;
	if (s->capacity.services != now->services && carry_settle(s, to, why))
		return -1;
	if (s->capacity.rings == now->rings)
		return 0;
	service = IMAGE_AT(s->image, s->image->services_offset, struct weir_service);
	for (__u32 i = 0; i < s->image->services_count; i++) {
		const struct weir_ring *ring = state_ring(s, service[i].ring);

		if (!ring)
			return fail_errno(why, errno, "cannot read ring %u", service[i].ring);
		if (put(to->fd[WEIR_MAP_RINGS], service[i].ring, ring, why))
			return -1;
	}
	return 0;
}
