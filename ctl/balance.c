// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services: a hash table of VIPs, a ring each, and the backends.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "image_internal.h"
#include "maglev.h"
#include "own.h"

/* The table grows until every VIP lies within reach of its hash. */
#define VIPS_MIN 16
#define VIPS_MAX (1U << 20)

static int fill_ring(const struct service *service, __u32 first, struct weir_slot *ring)
{
	OWN_FREE const char **names = calloc(service->backends_count + 1, sizeof(*names));
	OWN_FREE __u16 *weights = calloc(service->backends_count + 1, sizeof(*weights));
	OWN_FREE __u32 *table = calloc(WEIR_RING_SLOTS, sizeof(*table));
	int error;

	if (!names || !weights || !table)
		return -ENOMEM;
	for (size_t i = 0; i < service->backends_count; i++) {
		names[i] = service->backends[i].name;
		weights[i] = service->backends[i].drain ? 0 : service->backends[i].weight;
	}
	error = maglev_fill(names, weights, service->backends_count, table, WEIR_RING_SLOTS);
	if (error && error != -EINVAL)
		return error;
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++) {
		__u16 value = error ? WEIR_NO_BACKEND : first + table[i];

		ring[i] = (struct weir_slot){ .base = value, .current = value };
	}
	return 0;
}

static void fill_backends(struct builder *b, const struct image_spec *spec, __u32 offset)
{
	struct weir_backend *table = BUILDER_AT(b, offset, struct weir_backend);
	size_t n = 0;

	for (size_t s = 0; s < spec->model->services_count; s++) {
		const struct service *service = &spec->model->services[s];

		for (size_t i = 0; i < service->backends_count; i++, n++) {
			memcpy(table[n].addr, service->backends[i].addr, 16);
			memcpy(table[n].source, spec->routes[n].source, 16);
			memcpy(table[n].hop, spec->routes[n].next_hop, 16);
			table[n].hop_ifindex = spec->routes[n].ifindex;
			table[n].id = spec->backend_ids[n];
			table[n].is_v6 = !addr_is_v4(service->backends[i].addr);
		}
	}
}

static __u32 hash_of(const struct weir_vip_key *key)
{
	__u64 half[2];

	memcpy(half, key->addr, sizeof(half));
	return weir_vip_hash(half[0], half[1], key->port, key->proto);
}

/* Returns 0, or -1 when the VIP would lie out of reach. */
static int place_vip(struct weir_vip *table, __u32 mask, const struct weir_vip *vip)
{
	__u32 hash = hash_of(&vip->key);

	for (__u32 probe = 0; probe < WEIR_VIP_PROBES; probe++) {
		struct weir_vip *entry = &table[(hash + probe) & mask];

		if (!entry->key.proto) {
			*entry = *vip;
			return 0;
		}
	}
	return -1;
}

static int place_service(struct weir_vip *table, __u32 mask, const struct service *service,
			 __u16 index, __u32 ring)
{
	for (size_t a = 0; a < service->addrs_count; a++) {
		for (size_t p = 0; p < service->ports_count; p++) {
			struct weir_vip vip = {
				.key = { .port = htons(service->ports[p].first),
					 .proto = service->ports[p].proto },
				.ring_offset = ring,
				.service = index,
				.forward = service->forward,
			};

			memcpy(vip.key.addr, service->addrs[a].addr, 16);
			if (place_vip(table, mask, &vip))
				return -1;
		}
	}
	return 0;
}

static size_t count_vips(const struct model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->services_count; i++)
		count += m->services[i].addrs_count * m->services[i].ports_count;
	return count;
}

/* Returns 0 with @out, freed by the caller, -ENOMEM, or -E2BIG. */
static int hash_vips(const struct model *m, const __u32 *rings, struct weir_vip **out, __u32 *size)
{
	__u32 n = VIPS_MIN;

	while (n < 2 * count_vips(m))
		n *= 2;
	for (; n <= VIPS_MAX; n *= 2) {
		OWN_FREE struct weir_vip *table = calloc(n, sizeof(*table));
		size_t i = 0;

		if (!table)
			return -ENOMEM;
		while (i < m->services_count &&
		       !place_service(table, n - 1, &m->services[i], i, rings[i]))
			i++;
		if (i == m->services_count) {
			*out = TAKE_PTR(table);
			*size = n;
			return 0;
		}
	}
	return -E2BIG;
}

static void add_vips(struct builder *b, const struct model *m, const __u32 *rings)
{
	OWN_FREE struct weir_vip *table = NULL;
	__u32 size = 0, offset;

	b->error = hash_vips(m, rings, &table, &size);
	if (b->error)
		return;
	offset = builder_copy(b, table, size * sizeof(*table));
	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->vips_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->vips_mask = size - 1;
}

void build_services(struct builder *b, const struct image_spec *spec)
{
	const struct model *m = spec->model;
	OWN_FREE __u32 *rings = calloc(m->services_count + 1, sizeof(*rings));
	size_t count = model_backends_count(m);
	__u32 offset = builder_add(b, count * sizeof(struct weir_backend)), first = 0;

	if (!rings)
		b->error = -ENOMEM;
	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->backends_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->backends_count = count;
	fill_backends(b, spec, offset);
	for (size_t i = 0; i < m->services_count && !b->error; i++) {
		rings[i] = builder_add(b, WEIR_RING_SLOTS * sizeof(struct weir_slot));
		if (!b->error)
			b->error = fill_ring(&m->services[i], first,
					     BUILDER_AT(b, rings[i], struct weir_slot));
		first += m->services[i].backends_count;
	}
	if (!b->error)
		add_vips(b, m, rings);
}
