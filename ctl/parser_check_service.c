// SPDX-License-Identifier: GPL-2.0-or-later
/* Services and backends: what cannot work, or not together. */
#include "parser_check_service.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

/* A backend and its place in the group, sorted by address and port. */
static int compare_backends(const void *a, const void *b)
{
	const struct backend *const *x = a, *const *y = b;
	int order = memcmp((*x)->addr, (*y)->addr, sizeof((*x)->addr));

	if (!order && (*x)->port != (*y)->port)
		order = (*x)->port < (*y)->port ? -1 : 1;
	return order ? order : *x < *y ? -1 : *x > *y;
}

static void check_backend_addrs(struct build *b, const struct backend_group *g)
{
	OWN_FREE const struct backend **list =
		calloc(g->backends_count + 1, sizeof(struct backend *));
	char text[ENDPOINT_TEXT_BYTES];
	size_t count = 0;

	if (!list) {
		b->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < g->backends_count; i++) {
		if (backend_has_addr(&g->backends[i]))
			list[count++] = &g->backends[i];
	}
	if (count)
		qsort(list, count, sizeof(list[0]), compare_backends);
	for (size_t i = 1; i < count; i++) {
		if (memcmp(list[i]->addr, list[i - 1]->addr, sizeof(list[i]->addr)) != 0 ||
		    list[i]->port != list[i - 1]->port)
			continue;
		b->failed = false;
		build_error(b, list[i]->loc, NULL,
			    "backend %s has the address %s of backend %s; delete one or raise the "
			    "other's weight",
			    list[i]->name, endpoint_text(list[i], text), list[i - 1]->name);
	}
}

/* What a ring cannot be shared by: more would get next to nothing. */
static void check_ring(struct build *b, const struct backend_group *g, struct loc at)
{
	size_t live = 0;

	for (size_t n = 0; n < g->backends_count; n++)
		live += !g->backends[n].drain && g->backends[n].weight;
	if (g->backends_count > WEIR_NO_BACKEND) {
		b->failed = false;
		build_error(b, at, NULL,
			    "%s %s has %zu backends; the limit is %d, delete or split some",
			    g->is_pool ? "pool" : "service", g->name, g->backends_count,
			    WEIR_NO_BACKEND);
	}
	if (live <= WEIR_MAX_RING_BACKENDS)
		return;
	b->failed = false;
	build_error(b, at, NULL,
		    "%s %s has %zu backends that are not drained; the limit is %d, drain or split "
		    "some",
		    g->is_pool ? "pool" : "service", g->name, live, WEIR_MAX_RING_BACKENDS);
}

void check_services(struct build *b)
{
	const struct model *m = &b->model;

	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		CHECK_TWINS(b, "backend", g.backends, g.backends_count);
		check_backend_addrs(b, &g);
		check_ring(b, &g,
			   g.is_pool ? m->pools[i].loc : m->services[i - m->pools_count].loc);
	}
	check_vips(b);
}
