// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Services and their backends in the image.
 */
#include "balance.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "balance_slots.h"
#include "own.h"
#include "weir/limit.h"

static bool is_tunnel(const struct service *s)
{
	return s->forward == WEIR_FORWARD_IPIP || s->forward == WEIR_FORWARD_GUE;
}

/* The outer source that the service has for backends of a family, or NULL. */
static const __u8 *tunnel_source(const struct service *s, bool v4)
{
	for (size_t i = 0; i < s->sources_count && is_tunnel(s); i++) {
		if (addr_is_v4(s->sources[i]) == v4)
			return s->sources[i];
	}
	return NULL;
}

/* Groups are the pools, then the services' own backends. */
static const __u8 *source_of_group(const struct model *m, size_t group, bool v4)
{
	return group < m->pools_count ? NULL
				      : tunnel_source(&m->services[group - m->pools_count], v4);
}

static void fill_backends(struct weir_backend *table, const struct image_spec *spec)
{
	const __u8 *source;
	size_t n = 0;

	for (size_t g = 0; g < model_groups_count(spec->model); g++) {
		const struct backend_group group = model_group(spec->model, g);

		for (size_t i = 0; i < group.backends_count; i++, n++) {
			const struct backend *b = &group.backends[i];

			memcpy(table[n].addr, b->addr, 16);
			source = source_of_group(spec->model, g, addr_is_v4(b->addr));
			memcpy(table[n].source, source ? source : spec->routes[n].source, 16);
			memcpy(table[n].hop, spec->routes[n].next_hop, 16);
			table[n].hop_ifindex = spec->routes[n].ifindex;
			table[n].id = spec->backend_ids[n];
			table[n].is_v6 = !addr_is_v4(b->addr);
			table[n].port = htons(b->port);
			table[n].weight = slots_weight(b);
			table[n].flags = spec->routes[n].is_deaf ? WEIR_BACKEND_STACK : 0;
		}
	}
}

static void add_backends(struct builder *b, const struct image_spec *spec)
{
	size_t count = model_backends_count(spec->model);
	__u32 offset = builder_add(b, count * sizeof(struct weir_backend));
	struct weir_image *header = BUILDER_AT(b, 0, struct weir_image);

	if (b->error)
		return;
	header->backends_offset = offset;
	header->backends_count = count;
	fill_backends(BUILDER_AT(b, offset, struct weir_backend), spec);
}

static void add_backends_by_id(struct builder *b, const struct image_spec *spec)
{
	size_t count = model_backends_count(spec->model);
	__u32 top = 0, offset, first, *table;

	for (size_t i = 0; i < count; i++)
		top = spec->backend_ids[i] >= top ? spec->backend_ids[i] + 1 : top;
	offset = builder_add(b, top * sizeof(__u32));
	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->backend_by_id_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->backend_by_id_count = top;
	first = BUILDER_AT(b, 0, struct weir_image)->backends_offset;
	table = BUILDER_AT(b, offset, __u32);
	for (size_t i = 0; i < count; i++)
		table[spec->backend_ids[i]] = first + i * sizeof(struct weir_backend);
}

static bool is_plain(const struct service *s, __u16 flags)
{
	const __u16 others = WEIR_SERVICE_ALLOW | WEIR_SERVICE_SYNCOOKIE | WEIR_SERVICE_SOURCE;

	return s->forward == WEIR_FORWARD_IPIP && s->hash == WEIR_HASH_TUPLE &&
	       s->udp != WEIR_UDP_QUIC && !(flags & others);
}

static __u16 flags_of(const struct service *s, const struct service_ring *ring)
{
	__u16 flags = 0;

	flags |= ring->is_unsettled ? WEIR_SERVICE_UNSETTLED : 0;
	flags |= s->limit.per_s ? WEIR_SERVICE_LIMIT : 0;
	flags |= s->limit_source.per_s ? WEIR_SERVICE_LIMIT_SOURCE : 0;
	flags |= s->allow.present ? WEIR_SERVICE_ALLOW : 0;
	flags |= s->syncookie != SYNCOOKIE_OFF ? WEIR_SERVICE_SYNCOOKIE : 0;
	flags |= s->empty == WEIR_EMPTY_REJECT ? WEIR_SERVICE_EMPTY_REJECT : 0;
	flags |= s->mss_mode != MSS_OFF ? WEIR_SERVICE_MSS : 0;
	flags |= s->gue_checksum ? WEIR_SERVICE_GUE_CHECKSUM : 0;
	flags |= s->pool[0] && s->sources_count && is_tunnel(s) ? WEIR_SERVICE_SOURCE : 0;
	flags |= is_plain(s, flags) ? WEIR_SERVICE_PLAIN : 0;
	return flags;
}

static void fill_service(struct weir_service *row, const struct service *s,
			 const struct service_ring *ring)
{
	row->ring = ring->ring;
	row->base_until_s = ring->base_until_s;
	row->pins_until_s = ring->pins_until_s;
	row->flags = flags_of(s, ring);
	row->forward = s->forward;
	row->hash = s->hash;
	row->hash_v4_bits = s->hash_v4_bits;
	row->hash_v6_bits = s->hash_v6_bits;
	row->track = s->track;
	row->udp = s->udp;
	row->udp_idle_s = s->udp_idle_s;
	row->settle_s = s->settle_s;
	row->mss = s->mss;
	row->tcp_life = weir_pin_life(s->settle_s);
	row->udp_life = weir_pin_life(s->udp_idle_s);
}

/* Ranges in the image, and slots of sets. */
static void add_allow(struct builder *b, const struct image_spec *spec, const struct service *s,
		      struct weir_service *row)
{
	const struct match *allow = &s->allow;
	__u32 *slots;

	if (!allow->present)
		return;
	row->allow_count = allow->ranges_count;
	row->allow_offset = builder_copy(b, allow->ranges, allow->ranges_count * sizeof(range));
	row->allow_sets_count = allow->sets_count;
	row->allow_sets_offset = builder_add(b, allow->sets_count * sizeof(*slots));
	if (b->error)
		return;
	slots = BUILDER_AT(b, row->allow_sets_offset, __u32);
	for (__u32 i = 0; i < allow->sets_count; i++)
		slots[i] =
			spec->set_slots[model_set(spec->model, allow->sets[i]) - spec->model->sets];
}

/* Buckets of services have ids beside those of rules. */
static __u32 add_limit(struct builder *b, const struct limit *limit, __u32 service_id)
{
	struct weir_limit built = {
		.id = WEIR_MAX_RULES + service_id,
		.flags = limit->per_saddr ? WEIR_LIMIT_PER_SOURCE : 0,
		.v4_bits = limit->v4_bits,
		.v6_bits = limit->v6_bits,
	};

	if (!limit->per_s)
		return 0;
	weir_limit_set_rate(&built, limit->rate, limit->per_s, limit->burst);
	return builder_copy(b, &built, sizeof(built));
}

static void add_limits(struct builder *b, const struct service *s, struct weir_service *row)
{
	const struct limit syns = { .rate = s->syncookie_above,
				    .burst = s->syncookie_above,
				    .per_s = s->syncookie == SYNCOOKIE_ABOVE };

	row->limit_offset = add_limit(b, &s->limit, row->id);
	row->limit_source_offset = add_limit(b, &s->limit_source, row->id);
	row->syncookie_offset = add_limit(b, &syns, row->id);
}

/* Those of IPv4 first. */
static void add_sources(struct builder *b, const struct service *s, struct weir_service *row)
{
	char *table;
	__u32 n = 0;

	row->sources_offset = builder_add(b, s->sources_count * sizeof(*s->sources));
	if (b->error)
		return;
	table = BUILDER_AT(b, row->sources_offset, char);
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < s->sources_count; i++) {
			if (addr_is_v4(s->sources[i]) != v6)
				memcpy(table + n++ * sizeof(*s->sources), s->sources[i],
				       sizeof(*s->sources));
		}
		if (!v6)
			row->sources_v4 = n;
	}
	row->sources_v6 = n - row->sources_v4;
}

/* By server id; a table of a pool is one for each of its services. */
static void add_quic(struct builder *b, const struct backend *backends, size_t count,
		     struct weir_service *row)
{
	__u32 top = 0;
	__u16 *table;

	for (size_t i = 0; i < count; i++) {
		if (backends[i].has_quic_id && backends[i].quic_id >= top)
			top = backends[i].quic_id + 1U;
	}
	row->quic_count = top;
	row->quic_offset = builder_add(b, top * sizeof(*table));
	if (b->error)
		return;
	table = BUILDER_AT(b, row->quic_offset, __u16);
	for (__u32 i = 0; i < top; i++)
		table[i] = WEIR_NO_BACKEND;
	for (size_t i = 0; i < count; i++) {
		if (backends[i].has_quic_id)
			table[backends[i].quic_id] = i;
	}
}

static void add_service(struct builder *b, const struct image_spec *spec, size_t index,
			__u32 offset, const __u32 *group_offsets)
{
	const struct model *m = spec->model;
	const struct service *s = &m->services[index];
	struct weir_service row = { .id = spec->service_ids[index] };
	const struct backend *backends;
	size_t count;

	backends = service_backends(m, s, &count);
	fill_service(&row, s, &spec->rings->of_service[index]);
	row.backends_count = count;
	row.backends_offset = group_offsets[service_group(m, index)];
	add_allow(b, spec, s, &row);
	add_limits(b, s, &row);
	add_sources(b, s, &row);
	if (s->udp == WEIR_UDP_QUIC)
		add_quic(b, backends, count, &row);
	if (!b->error)
		BUILDER_AT(b, offset, struct weir_service)[index] = row;
}

/* Where the backends of each group begin; NULL after an error. */
static __u32 *find_groups(struct builder *b, const struct model *m)
{
	size_t groups = model_groups_count(m);
	__u32 *offsets = calloc(groups + 1, sizeof(*offsets)), next;

	if (!offsets)
		b->error = -ENOMEM;
	if (b->error)
		return offsets;
	next = BUILDER_AT(b, 0, struct weir_image)->backends_offset;
	for (size_t g = 0; g < groups; g++) {
		offsets[g] = next;
		next += model_group(m, g).backends_count * sizeof(struct weir_backend);
	}
	return offsets;
}

static void add_services(struct builder *b, const struct image_spec *spec)
{
	const struct model *m = spec->model;
	__u32 offset = builder_add(b, m->services_count * sizeof(struct weir_service));
	OWN_FREE __u32 *group_offsets = find_groups(b, m);

	if (b->error)
		return;
	BUILDER_AT(b, 0, struct weir_image)->services_offset = offset;
	BUILDER_AT(b, 0, struct weir_image)->services_count = m->services_count;
	for (size_t i = 0; i < m->services_count && !b->error; i++)
		add_service(b, spec, i, offset, group_offsets);
}

void build_services(struct builder *b, const struct image_spec *spec)
{
	add_backends(b, spec);
	add_backends_by_id(b, spec);
	add_services(b, spec);
	build_nat(b, spec);
	build_vips(b, spec->model);
}
