// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools and services of a model. */
#include <stdlib.h>
#include <string.h>

#include "model_internal.h"
#include "ranges.h"

static void free_backends(struct backend *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].host);
	free(list);
}

void model_free_pool(struct pool *p)
{
	free_backends(p->backends, p->backends_count);
}

void model_free_service(struct service *s)
{
	free(s->addrs);
	free(s->ports);
	free(s->sources);
	model_free_match(&s->allow);
	free_backends(s->backends, s->backends_count);
}

const struct backend *service_backends(const struct model *m, const struct service *s,
				       size_t *count)
{
	const struct pool *pool = s->pool[0] ? &m->pools[s->pool_index] : NULL;

	*count = pool ? pool->backends_count : s->backends_count;
	return pool ? pool->backends : s->backends;
}

size_t model_groups_count(const struct model *m)
{
	return m->pools_count + m->services_count;
}

size_t service_group(const struct model *m, size_t index)
{
	const struct service *s = &m->services[index];

	return s->pool[0] ? s->pool_index : m->pools_count + index;
}

bool service_has_address(const struct service *s, u128 number)
{
	for (size_t i = 0; i < s->addrs_count; i++) {
		range r[2];
		size_t count = prefix_to_ranges(&s->addrs[i], r);

		for (size_t j = 0; j < count; j++) {
			if (range_first(&r[j]) <= number && number <= range_last(&r[j]))
				return true;
		}
	}
	return false;
}

struct backend_group model_group(const struct model *m, size_t index)
{
	const struct service *s;

	if (index < m->pools_count)
		return (struct backend_group){ m->pools[index].name, true, m->pools[index].backends,
					       m->pools[index].backends_count };
	s = &m->services[index - m->pools_count];
	return (struct backend_group){ s->name, false, s->backends, s->backends_count };
}

bool backend_has_addr(const struct backend *b)
{
	static const __u8 none[16];

	return !b->host || memcmp(b->addr, none, sizeof(none)) != 0;
}

bool backend_equal(const struct backend *a, const struct backend *b)
{
	if (!a->host != !b->host || (a->host && strcmp(a->host, b->host) != 0))
		return false;
	return !strcmp(a->name, b->name) && !memcmp(a->addr, b->addr, sizeof(a->addr)) &&
	       a->port == b->port && a->weight == b->weight && a->drain == b->drain &&
	       a->has_quic_id == b->has_quic_id && a->quic_id == b->quic_id;
}

static bool backends_equal(const struct backend *a, size_t a_count, const struct backend *b,
			   size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (!backend_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

bool pool_equal(const struct pool *a, const struct pool *b)
{
	return !strcmp(a->name, b->name) &&
	       backends_equal(a->backends, a->backends_count, b->backends, b->backends_count);
}

static bool vips_equal(const struct service *a, const struct service *b)
{
	if (a->addrs_count != b->addrs_count || a->ports_count != b->ports_count)
		return false;
	for (size_t i = 0; i < a->addrs_count; i++) {
		if (memcmp(a->addrs[i].addr, b->addrs[i].addr, 16) != 0 ||
		    a->addrs[i].length != b->addrs[i].length)
			return false;
	}
	for (size_t i = 0; i < a->ports_count; i++) {
		const struct vip_port *x = &a->ports[i], *y = &b->ports[i];

		if (x->proto != y->proto || x->first != y->first || x->last != y->last)
			return false;
	}
	return true;
}

static bool forwarding_equal(const struct service *a, const struct service *b)
{
	if (a->forward != b->forward || a->gue_checksum != b->gue_checksum ||
	    a->mss_mode != b->mss_mode || a->mss != b->mss || a->sources_count != b->sources_count)
		return false;
	return !a->sources_count ||
	       !memcmp(a->sources, b->sources, a->sources_count * sizeof(*a->sources));
}

static bool choice_equal(const struct service *a, const struct service *b)
{
	return a->hash == b->hash && a->hash_v4_bits == b->hash_v4_bits &&
	       a->hash_v6_bits == b->hash_v6_bits && a->track == b->track && a->udp == b->udp &&
	       a->udp_idle_s == b->udp_idle_s && a->settle_s == b->settle_s && a->empty == b->empty;
}

static bool admission_equal(const struct service *a, const struct service *b)
{
	return model_match_equal(&a->allow, &b->allow) && limit_equal(&a->limit, &b->limit) &&
	       limit_equal(&a->limit_source, &b->limit_source) && a->syncookie == b->syncookie &&
	       a->syncookie_above == b->syncookie_above;
}

bool service_equal(const struct service *a, const struct service *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->pool, b->pool) && vips_equal(a, b) &&
	       forwarding_equal(a, b) && choice_equal(a, b) && admission_equal(a, b) &&
	       backends_equal(a->backends, a->backends_count, b->backends, b->backends_count);
}
