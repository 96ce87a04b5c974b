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

void check_twins(struct build *b, const char *what, const struct name_index *index,
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

static void refuse_unknown(struct build *b, const struct ref *ref, const char *name,
			   const struct name_index *index)
{
	static const struct {
		const char *before, *block;
	} words[] = {
		[REF_FILTER] = { "filter ", "filter" }, [REF_POOL] = { "pool ", "pool" },
		[REF_SET_ADDR] = { "@", "set" },	[REF_SET_PORT] = { "@", "set" },
		[REF_SET_INTERFACE] = { "@", "set" },	[REF_SET_ALLOW] = { "@", "set" },
	};
	bool is_set = words[ref->kind].before[0] == '@';
	size_t count = index->count;
	OWN_FREE const char **known = NULL;
	const char *near = NULL;
	char hint[NAME_BYTES + 32];

	if (b->names_lost)
		return;
	if (count && count <= SUGGEST_NAMES_MAX && b->diags->errors < DIAG_MAX)
		known = calloc(count + 1, sizeof(*known));
	for (size_t i = 0; known && i < count; i++)
		known[i] = index->list[i].name;
	if (known)
		near = diag_suggest(name, known);
	snprintf(hint, sizeof(hint), "did you mean \"%s%s\"?", is_set ? "@" : "", near ? near : "");
	b->failed = false;
	build_error(b, ref->loc, near ? hint : NULL, "%s%s is not defined; add \"%s %s { ... }\"",
		    words[ref->kind].before, name, words[ref->kind].block, name);
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
		[REF_SET_ALLOW] = { 1U << SET_PREFIX | 1U << SET_ADDRESS, "prefix or address" },
	};

	if (s->type >= SET_TYPE_KINDS || wanted[ref->kind].types & 1U << s->type)
		return;
	b->failed = false;
	build_error(b, ref->loc, NULL, "@%s is a set of type %s; a set of type %s is wanted here",
		    s->name, print_set_type[s->type], wanted[ref->kind].text);
}

static void check_refs(struct build *b, const struct name_index *sets,
		       const struct name_index *filters, const struct name_index *pools)
{
	const struct model *m = &b->model;

	for (size_t i = 0; i < b->refs_count; i++) {
		const struct ref *ref = &b->refs[i];
		const struct name_index *index = ref->kind == REF_FILTER ? filters
						 : ref->kind == REF_POOL ? pools
									 : sets;
		const struct named *found;
		char name[NAME_BYTES];

		snprintf(name, sizeof(name), "%.*s", (int)ref->size, ref->text);
		found = name_index_find(index, name);
		if (!found)
			refuse_unknown(b, ref, name, index);
		else if (index == sets)
			check_set_type(b, ref, &m->sets[found->index]);
	}
}

static void refuse_too_many(struct build *b, struct loc at, const char *what, size_t most)
{
	b->failed = false;
	build_error(b, at, NULL, "over %zu %s in all; delete some", most, what);
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
	if (m->services_count > WEIR_MAX_SERVICES)
		refuse_too_many(b, m->services[WEIR_MAX_SERVICES].loc, "services",
				WEIR_MAX_SERVICES);
	for (i = 0; i < m->pools_count + m->services_count && backends <= WEIR_MAX_BACKENDS; i++)
		backends += model_group(m, i).backends_count;
	if (backends > WEIR_MAX_BACKENDS)
		refuse_too_many(b,
				i > m->pools_count ? m->services[i - 1 - m->pools_count].loc
						   : m->pools[i - 1].loc,
				"backends", WEIR_MAX_BACKENDS);
}

static void check_names(struct build *b)
{
	const struct model *m = &b->model;
	OWN(name_index_free) struct name_index sets = { 0 }, filters = { 0 }, pools = { 0 };

	CHECK_INDEX(b, m->sets, m->sets_count, &sets);
	CHECK_INDEX(b, m->filters, m->filters_count, &filters);
	CHECK_INDEX(b, m->pools, m->pools_count, &pools);
	if (b->out_of_memory)
		return;
	for (size_t i = 0; i < m->services_count; i++) {
		const struct named *pool = name_index_find(&pools, m->services[i].pool);

		m->services[i].pool_index = pool ? (__u32)pool->index : 0;
	}
	check_twins(b, "set", &sets, offsetof(struct set, loc));
	check_twins(b, "filter", &filters, offsetof(struct filter, loc));
	check_twins(b, "pool", &pools, offsetof(struct pool, loc));
	check_refs(b, &sets, &filters, &pools);
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
	check_limits(b);
	check_services(b);
	check_exprs(b);
	/* What is in force has had its warnings. */
	if (!b->diags->errors && b->files != MODEL_FILES_STORED)
		check_warn(b);
}
