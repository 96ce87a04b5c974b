// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference.h"

#include <netinet/in.h>
#include <string.h>

#include "image.h"
#include "weir/balance.h"

/* The service that has the packet's destination as one of its VIPs, or NULL. */
static const struct service *service_of(const struct model *m, const struct seen *s)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *service = &m->services[i];

		for (size_t a = 0; a < service->addrs_count; a++) {
			for (size_t p = 0; p < service->ports_count; p++) {
				if (!memcmp(service->addrs[a].addr, s->dst, 16) &&
				    service->ports[p].proto == s->proto &&
				    service->ports[p].first == s->dport)
					return service;
			}
		}
	}
	return NULL;
}

int reference_backend(const struct model *m, const struct weir_image *image,
		      const struct weir_ring *rings, const struct seen *s)
{
	const struct service *service;
	const struct weir_service *row;
	__u64 src[2], dst[2];
	__u32 position, first;
	__u16 slot;

	if (!s->ports || s->fragment || s->tagged)
		return -1;
	service = service_of(m, s);
	if (!service)
		return -1;
	memcpy(src, s->src, 16);
	memcpy(dst, s->dst, 16);
	position = weir_ring_position(src[0], src[1], dst[0], dst[1], htons(s->sport),
				      htons(s->dport), s->proto);
	row = IMAGE_AT(image, image->services_offset, struct weir_service) +
	      (service - m->services);
	first = (row->backends_offset - image->backends_offset) / sizeof(struct weir_backend);
	slot = rings[row->ring].slot[position].current;
	return slot == WEIR_NO_BACKEND ? slot : (int)(first + slot);
}
