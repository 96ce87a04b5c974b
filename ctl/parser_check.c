// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks that need more than one statement: names, duplicates, limits. */
#include "parser_check.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "name_index.h"
#include "own.h"
#include "print.h"
#include "weir/abi.h"

/* Suggestions among more names than this would take longer than reading them. */
#define SUGGEST_NAMES_MAX 2000

#define INDEX(b, array, count, out) \
	((b)->out_of_memory |= name_index_make((array), (count), sizeof(*(array)), (out)) < 0)

static void refuse_twins(struct build *b, const char *what, const struct name_index *index,
			 size_t loc_offset)
{
	char place[64];

	for (size_t i = 0; i < index->count && index->twins; i++) {
		const struct named *second = &index->list[i];
		const struct named *first = name_index_find(index, second->name);

		if (first == second)
			continue;
		b->failed = false;
		build_error(b, *(const struct loc *)(second->name + loc_offset), NULL,
			    "%s %s is already on %s; rename or delete one", what, second->name,
			    build_place(b, (const struct loc *)(first->name + loc_offset), place,
					sizeof(place)));
	}
}

#define CHECK_TWINS(b, what, array, count)                                          \
	do {                                                                        \
		OWN(name_index_free) struct name_index twins = { 0 };               \
                                                                                    \
		INDEX(b, array, count, &twins);                                     \
		refuse_twins(b, what, &twins, offsetof(__typeof__(*(array)), loc)); \
	} while (0)

static void refuse_unknown(struct build *b, const struct ref *ref, const char *name,
			   const struct name_index *index)
{
	size_t count = index->count;
	const char *what = ref->kind == REF_FILTER ? "filter " : "@";
	OWN_FREE const char **words = NULL;
	const char *near = NULL;
	char hint[NAME_BYTES + 32];

	if (b->names_lost)
		return;
	if (count && count <= SUGGEST_NAMES_MAX && b->diags->errors < DIAG_MAX)
		words = calloc(count + 1, sizeof(*words));
	for (size_t i = 0; words && i < count; i++)
		words[i] = index->list[i].name;
	if (words)
		near = diag_suggest(name, words);
	snprintf(hint, sizeof(hint), "did you mean \"%s%s\"?", ref->kind == REF_FILTER ? "" : "@",
		 near ? near : "");
	b->failed = false;
	build_error(b, ref->loc, near ? hint : NULL, "%s%s is not defined; add \"%s %s { ... }\"",
		    what, name, ref->kind == REF_FILTER ? "filter" : "set", name);
}

static void check_set_type(struct build *b, const struct ref *ref, const struct set *s)
{
	static const struct {
		unsigned int types; /* 1 << enum set_type */
		const char *text;
	} wanted[] = {
		[REF_SET_ADDR] = { 1U << SET_PREFIX | 1U << SET_ADDRESS | 1U << SET_ADDRESS_PORT,
				   "prefix, address or address+port" },
		[REF_SET_PORT] = { 1U << SET_PORT, "port" },
		[REF_SET_INTERFACE] = { 1U << SET_INTERFACE, "interface" },
	};

	if (s->type >= SET_TYPE_KINDS || wanted[ref->kind].types & 1U << s->type)
		return;
	b->failed = false;
	build_error(b, ref->loc, NULL, "@%s is a set of type %s; a set of type %s is wanted here",
		    s->name, print_set_type[s->type], wanted[ref->kind].text);
}

static void check_refs(struct build *b, const struct name_index *sets,
		       const struct name_index *filters)
{
	const struct model *m = &b->model;

	for (size_t i = 0; i < b->refs_count; i++) {
		const struct ref *ref = &b->refs[i];
		bool is_filter = ref->kind == REF_FILTER;
		const struct name_index *index = is_filter ? filters : sets;
		const struct named *found;
		char name[NAME_BYTES];

		snprintf(name, sizeof(name), "%.*s", (int)ref->size, ref->text);
		found = name_index_find(index, name);
		if (!found)
			refuse_unknown(b, ref, name, index);
		else if (!is_filter)
			check_set_type(b, ref, &m->sets[found->index]);
	}
}

/* A backend and its place in the service, sorted by address. */
static int compare_backends(const void *a, const void *b)
{
	const struct backend *const *x = a, *const *y = b;
	int order = memcmp((*x)->addr, (*y)->addr, sizeof((*x)->addr));

	return order ? order : *x < *y ? -1 : *x > *y;
}

static void check_backends(struct build *b, const struct service *s)
{
	OWN_FREE const struct backend **list =
		calloc(s->backends_count + 1, sizeof(struct backend *));
	char addr[INET6_ADDRSTRLEN];

	CHECK_TWINS(b, "backend", s->backends, s->backends_count);
	if (!list) {
		b->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < s->backends_count; i++)
		list[i] = &s->backends[i];
	qsort(list, s->backends_count, sizeof(list[0]), compare_backends);
	for (size_t i = 1; i < s->backends_count; i++) {
		if (memcmp(list[i]->addr, list[i - 1]->addr, sizeof(list[i]->addr)))
			continue;
		b->failed = false;
		build_error(b, list[i]->loc, NULL,
			    "backend %s has the address %s of backend %s; delete one or raise the "
			    "other's weight",
			    list[i]->name, addr_text(list[i]->addr, addr, sizeof(addr)),
			    list[i - 1]->name);
	}
}

struct vip {
	__u8 addr[16];
	struct vip_port port;
	const struct service *service;
};

static int compare_vips(const void *a, const void *b)
{
	const struct vip *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	if (order)
		return order;
	if (x->port.proto != y->port.proto)
		return x->port.proto < y->port.proto ? -1 : 1;
	if (x->port.port != y->port.port)
		return x->port.port < y->port.port ? -1 : 1;
	return x->service < y->service ? -1 : x->service > y->service;
}

static bool same_vip(const struct vip *a, const struct vip *b)
{
	return !memcmp(a->addr, b->addr, sizeof(a->addr)) && a->port.proto == b->port.proto &&
	       a->port.port == b->port.port;
}

static void refuse_same_vips(struct build *b, const struct vip *vips, size_t count)
{
	char addr[INET6_ADDRSTRLEN], place[64];

	for (size_t i = 1; i < count; i++) {
		const struct vip *v = &vips[i], *first = &vips[i - 1];

		if (!same_vip(first, v))
			continue;
		addr_text(v->addr, addr, sizeof(addr));
		b->failed = false;
		if (v->service == first->service)
			build_error(b, v->service->loc, NULL,
				    "service %s has %s %s %u twice; delete one", v->service->name,
				    addr, print_port_proto(v->port.proto), v->port.port);
		else
			build_error(b, v->service->loc, NULL,
				    "service %s has %s %s %u, which service %s on %s has already; "
				    "change one",
				    v->service->name, addr, print_port_proto(v->port.proto),
				    v->port.port, first->service->name,
				    build_place(b, &first->service->loc, place, sizeof(place)));
	}
}

static void check_vips(struct build *b)
{
	const struct model *m = &b->model;
	OWN_FREE struct vip *vips = NULL;
	size_t count = 0;

	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		for (size_t k = 0; k < s->addrs_count * s->ports_count; k++) {
			if (count == VIPS_MAX) {
				b->failed = false;
				build_error(b, s->loc, NULL,
					    "over %u addresses times ports in all services; "
					    "delete some",
					    VIPS_MAX);
				return;
			}
			if (!RESERVE(b, vips, count))
				return;
			vips[count] =
				(struct vip){ .port = s->ports[k % s->ports_count], .service = s };
			memcpy(vips[count++].addr, s->addrs[k / s->ports_count], 16);
		}
	}
	if (count)
		qsort(vips, count, sizeof(*vips), compare_vips);
	refuse_same_vips(b, vips, count);
}

static void refuse_too_many(struct build *b, struct loc at, const char *what, size_t most)
{
	b->failed = false;
	build_error(b, at, NULL, "over %zu %s in all; delete some", most, what);
}

/* What a ring cannot be shared by: more would get nothing at all. */
static void check_rings(struct build *b)
{
	for (size_t i = 0; i < b->model.services_count; i++) {
		const struct service *s = &b->model.services[i];
		size_t live = 0;

		for (size_t n = 0; n < s->backends_count; n++)
			live += !s->backends[n].drain;
		if (live <= WEIR_MAX_RING_BACKENDS)
			continue;
		b->failed = false;
		build_error(b, s->loc, NULL,
			    "service %s has %zu backends that are not drained; the limit is %d, "
			    "drain or split some",
			    s->name, live, WEIR_MAX_RING_BACKENDS);
	}
}

static void check_limits(struct build *b)
{
	const struct model *m = &b->model;
	size_t rules = 0, backends = 0, i;

	if (m->interfaces_count > WEIR_MAX_IFACES)
		refuse_too_many(b, m->interfaces[WEIR_MAX_IFACES].loc, "interfaces",
				WEIR_MAX_IFACES);
	for (i = 0; i < m->filters_count && rules <= WEIR_MAX_RULES; i++)
		rules += m->filters[i].rules_count + 1; /* the default is one */
	if (rules > WEIR_MAX_RULES)
		refuse_too_many(b, m->filters[i - 1].loc, "rules, defaults included,",
				WEIR_MAX_RULES);
	for (i = 0; i < m->services_count && backends <= WEIR_MAX_BACKENDS; i++)
		backends += m->services[i].backends_count;
	if (backends > WEIR_MAX_BACKENDS)
		refuse_too_many(b, m->services[i - 1].loc, "backends", WEIR_MAX_BACKENDS);
}

static void check_names(struct build *b)
{
	const struct model *m = &b->model;
	OWN(name_index_free) struct name_index sets = { 0 }, filters = { 0 };

	INDEX(b, m->sets, m->sets_count, &sets);
	INDEX(b, m->filters, m->filters_count, &filters);
	if (b->out_of_memory)
		return;
	refuse_twins(b, "set", &sets, offsetof(struct set, loc));
	refuse_twins(b, "filter", &filters, offsetof(struct filter, loc));
	check_refs(b, &sets, &filters);
	check_families(b, &sets);
}

void build_check(struct build *b)
{
	const struct model *m = &b->model;

	check_names(b);
	CHECK_TWINS(b, "interface", m->interfaces, m->interfaces_count);
	CHECK_TWINS(b, "service", m->services, m->services_count);
	for (size_t i = 0; i < m->filters_count; i++)
		CHECK_TWINS(b, "rule", m->filters[i].rules, m->filters[i].rules_count);
	for (size_t i = 0; i < m->services_count; i++)
		check_backends(b, &m->services[i]);
	check_vips(b);
	check_limits(b);
	check_rings(b);
	check_exprs(b);
	if (!b->diags->errors)
		check_warn(b);
}
