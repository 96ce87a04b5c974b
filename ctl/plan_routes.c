// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "nat.h"
#include "own.h"

/* Backends in a row are often behind the same device. */
static void find_deaf(struct plan *p)
{
	const struct host_route *last = NULL;

	for (size_t i = 0; i < model_backends_count(p->model); i++) {
		struct host_route *r = &p->routes[i].route;

		r->is_deaf = last && last->ifindex == r->ifindex
				     ? last->is_deaf
				     : r->ifindex && host_peer_lacks_xdp(p->host, r->ifindex);
		last = r;
	}
}

/*
 * The route in force to the backend of that id, where its address is the same.
 * One that there was none to is looked for again.
 */
static bool find_former(const struct weir_image *image, __u32 id, const __u8 addr[16],
			struct host_route *out)
{
	const struct weir_backend *was;
	__u32 offset = 0;

	if (image && id < image->backend_by_id_count)
		offset = IMAGE_AT(image, image->backend_by_id_offset, __u32)[id];
	if (!offset)
		return false;
	was = IMAGE_AT(image, offset, struct weir_backend);
	if (!was->hop_ifindex || memcmp(was->addr, addr, sizeof(was->addr)) != 0)
		return false;
	out->ifindex = was->hop_ifindex;
	memcpy(out->next_hop, was->hop, sizeof(out->next_hop));
	memcpy(out->source, was->source, sizeof(out->source));
	return true;
}

int plan_routes(struct plan *p, const struct weir_image *former, struct failure *why)
{
	size_t count = model_backends_count(p->model), n = 0, asked = 0;
	OWN_FREE struct host_ask *asks = calloc(count + 1, sizeof(*asks));

	p->routes = calloc(count + 1, sizeof(*p->routes));
	if (!p->routes || !asks)
		return fail_errno(why, ENOMEM, "cannot plan");
	for (size_t g = 0; g < model_groups_count(p->model); g++) {
		const struct backend_group group = model_group(p->model, g);

		for (size_t b = 0; b < group.backends_count; b++, n++) {
			const __u8 *addr = group.backends[b].addr;
			struct host_route *route = &p->routes[n].route;

			if (!find_former(former, p->backend_ids[n], addr, route))
				asks[asked++] = (struct host_ask){ .addr = addr, .route = route };
		}
	}
	host_routes(asks, asked);
	for (size_t i = 0, k = 0; i < count && k < asked; i++) {
		if (asks[k].route == &p->routes[i].route)
			p->routes[i].error = asks[k++].error;
	}
	if (nat_is_used(p->model))
		find_deaf(p);
	return 0;
}
