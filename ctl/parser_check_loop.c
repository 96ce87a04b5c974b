// SPDX-License-Identifier: GPL-2.0-or-later
/* Backends that a service answers for. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "parser_check_service.h"
#include "print.h"
#include "ranges.h"

struct owned_prefix {
	u128 first;
	__u8 length;
	const struct service *service;
	const struct prefix *prefix;
};

struct owned_prefixes {
	struct owned_prefix *list; /* sorted */
	size_t count;
	bool has_length[129];
	__u8 lengths[129]; /* of those, the longest first */
	size_t lengths_count;
};

static void free_prefixes(struct owned_prefixes *p)
{
	free(p->list);
}

static int compare_owned(const void *a, const void *b)
{
	const struct owned_prefix *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (int)x->length - (int)y->length;
}

static bool collect(struct build *b, struct owned_prefixes *out)
{
	const struct model *m = &b->model;

	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		for (size_t k = 0; k < s->addrs_count; k++) {
			if (!RESERVE(b, out->list, out->count))
				return false;
			out->list[out->count++] =
				(struct owned_prefix){ addr_number(s->addrs[k].addr),
						       s->addrs[k].length, s, &s->addrs[k] };
			out->has_length[s->addrs[k].length] = true;
		}
	}
	for (int length = 128; length > 0; length--) {
		if (out->has_length[length])
			out->lengths[out->lengths_count++] = (__u8)length;
	}
	if (out->count)
		qsort(out->list, out->count, sizeof(*out->list), compare_owned);
	return true;
}

/* A prefix of IPv6 may cover all v4-mapped addresses; it means none of them. */
static const struct owned_prefix *find_owner(const struct owned_prefixes *p, const __u8 addr[16])
{
	const int least = addr_is_v4(addr) ? 97 : 1;

	for (size_t i = 0; i < p->lengths_count && p->lengths[i] >= least; i++) {
		struct owned_prefix key = { .first = addr_number(addr) &
						     ~(u128)0 << (128 - p->lengths[i]),
					    .length = p->lengths[i] };
		const struct owned_prefix *found;

		found = bsearch(&key, p->list, p->count, sizeof(key), compare_owned);
		if (found)
			return found;
	}
	return NULL;
}

static void check_backend(struct build *b, const struct owned_prefixes *vips,
			  const struct backend *backend)
{
	const struct owned_prefix *owner =
		backend_has_addr(backend) ? find_owner(vips, backend->addr) : NULL;
	char addr[INET6_ADDRSTRLEN], vip[PREFIX_TEXT_BYTES], place[64];

	if (!owner)
		return;
	addr_text(backend->addr, addr, sizeof(addr));
	build_place(b, &owner->service->loc, place, sizeof(place));
	b->failed = false;
	if (owner->length == 128)
		build_error(
			b, backend->loc, NULL,
			"backend %s has the address %s of service %s on %s, so its packets would "
			"come back; write the machine's own address",
			backend->name, addr, owner->service->name, place);
	else
		build_error(
			b, backend->loc, NULL,
			"backend %s has the address %s, which lies in %s of service %s on %s, so "
			"its packets would come back; write one outside",
			backend->name, addr, prefix_text(owner->prefix, vip), owner->service->name,
			place);
}

void check_loops(struct build *b)
{
	OWN(free_prefixes) struct owned_prefixes vips = { 0 };

	if (!collect(b, &vips))
		return;
	for (size_t i = 0; i < model_groups_count(&b->model); i++) {
		const struct backend_group g = model_group(&b->model, i);

		for (size_t k = 0; k < g.backends_count; k++)
			check_backend(b, &vips, &g.backends[k]);
	}
}
