// SPDX-License-Identifier: GPL-2.0-or-later
/* Services and backends: what cannot work, or not together. */
#include "parser_check_service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
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

bool addr_is_unicast(const __u8 addr[16])
{
	static const __u8 broadcast[4] = { 255, 255, 255, 255 }, none[16];

	if (addr_is_v4(addr))
		return addr[12] && (addr[12] & 0xf0) != 0xe0 &&
		       memcmp(addr + 12, broadcast, sizeof(broadcast)) != 0;
	return addr[0] != 0xff && memcmp(addr, none, sizeof(none)) != 0;
}

static void check_unicast(struct build *b, const struct backend_group *g)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < g->backends_count; i++) {
		const struct backend *backend = &g->backends[i];

		if (!backend_has_addr(backend) || addr_is_unicast(backend->addr))
			continue;
		b->failed = false;
		build_error(b, backend->loc, NULL, "backend %s: %s is no address of a machine",
			    backend->name, addr_text(backend->addr, text, sizeof(text)));
	}
}

static void check_group(struct build *b, const struct backend_group *g, struct loc at)
{
	CHECK_TWINS(b, "backend", g->backends, g->backends_count);
	check_backend_addrs(b, g);
	check_unicast(b, g);
	check_ring(b, g, at);
}

/* Who is blamed for a backend: itself, or the statement that takes it from a pool. */
static struct loc backend_loc(const struct build *b, const struct service *s,
			      const struct backend *backend)
{
	return s->pool[0] ? setting_loc(b, s, SERVICE_BACKENDS) : backend->loc;
}

/* " of pool P", where that is not on the line that is blamed. */
static const char *of_pool(const struct service *s, char text[NAME_BYTES + 16])
{
	snprintf(text, NAME_BYTES + 16, s->pool[0] ? " of pool %s" : "", s->pool);
	return text;
}

static bool refuse_port(struct build *b, const struct service *s, const struct backend *backend)
{
	char pool[NAME_BYTES + 16];

	if (!backend->port || forward_translates(s->forward))
		return false;
	b->failed = false;
	build_error(b, backend_loc(b, s, backend), NULL,
		    "backend %s%s has port %u, and forward %s of service %s changes no port; leave "
		    "the port out, or write \"forward nat\" or \"forward local\"",
		    backend->name, of_pool(s, pool), backend->port, print_forward[s->forward],
		    s->name);
	return true;
}

static bool refuse_family(struct build *b, const struct service *s, const struct backend *backend)
{
	bool v4 = addr_is_v4(s->addrs[0].addr);
	char pool[NAME_BYTES + 16];

	if (!forward_translates(s->forward) || !backend_has_addr(backend) ||
	    addr_is_v4(backend->addr) == v4)
		return false;
	b->failed = false;
	build_error(b, backend_loc(b, s, backend), NULL,
		    "backend %s%s is IPv%d and the addresses of service %s IPv%d; forward %s keeps "
		    "the family, ipip, gue and l2 need not",
		    backend->name, of_pool(s, pool), v4 ? 6 : 4, s->name, v4 ? 4 : 6,
		    print_forward[s->forward]);
	return true;
}

static bool refuse_mixed_addresses(struct build *b, const struct service *s)
{
	size_t other = 0;

	if (!forward_translates(s->forward))
		return false;
	while (other < s->addrs_count &&
	       addr_is_v4(s->addrs[other].addr) == addr_is_v4(s->addrs[0].addr))
		other++;
	if (other == s->addrs_count)
		return false;
	b->failed = false;
	build_error(
		b, setting_loc(b, s, SERVICE_ADDRESS), NULL,
		"service %s has addresses of IPv4 and IPv6, and forward %s keeps the family of a "
		"packet; make a service of each",
		s->name, print_forward[s->forward]);
	return true;
}

static bool refuse_own_source(struct build *b, const struct service *s,
			      const struct backend *backend)
{
	char pool[NAME_BYTES + 16], addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->sources_count; i++) {
		if (memcmp(s->sources[i], backend->addr, sizeof(backend->addr)) != 0)
			continue;
		b->failed = false;
		build_error(b, setting_loc(b, s, SERVICE_SOURCE), NULL,
			    "source %s of service %s is the address of backend %s%s; write one of "
			    "this host",
			    addr_text(backend->addr, addr, sizeof(addr)), s->name, backend->name,
			    of_pool(s, pool));
		return true;
	}
	return false;
}

/* Of each pool whether a backend has a port; NULL without memory. */
static bool *find_ports(struct build *b)
{
	const struct model *m = &b->model;
	bool *has_port = calloc(m->pools_count + 1, sizeof(*has_port));

	b->out_of_memory |= !has_port;
	for (size_t i = 0; has_port && i < m->pools_count; i++) {
		for (size_t n = 0; n < m->pools[i].backends_count && !has_port[i]; n++)
			has_port[i] = m->pools[i].backends[n].port;
	}
	return has_port;
}

/* One error a service: others would only repeat it for each backend. */
static void check_backends(struct build *b, const struct service *s, const bool *has_port)
{
	size_t count;
	const struct backend *list = service_backends(&b->model, s, &count);
	bool refused = refuse_mixed_addresses(b, s);

	/* Many services may share a large pool, and most have nothing to refuse. */
	if (s->pool[0] && has_port && !has_port[s->pool_index] && !s->sources_count &&
	    !forward_translates(s->forward))
		return;
	for (size_t i = 0; i < count && !refused; i++)
		refused = refuse_port(b, s, &list[i]) || refuse_family(b, s, &list[i]) ||
			  refuse_own_source(b, s, &list[i]);
}

static int compare_ids(const void *a, const void *b)
{
	const struct backend *const *x = a, *const *y = b;

	if ((*x)->quic_id != (*y)->quic_id)
		return (*x)->quic_id < (*y)->quic_id ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

static void refuse_twin_ids(struct build *b, const struct service *s, const struct backend **list,
			    size_t count)
{
	char pool[NAME_BYTES + 16];

	if (count)
		qsort(list, count, sizeof(*list), compare_ids);
	for (size_t i = 1; i < count; i++) {
		if (list[i]->quic_id != list[i - 1]->quic_id)
			continue;
		b->failed = false;
		build_error(b, backend_loc(b, s, list[i]), NULL,
			    "backend %s%s has the quic-id %u of backend %s; give each its own",
			    list[i]->name, of_pool(s, pool), list[i]->quic_id, list[i - 1]->name);
	}
}

/* What comes for a backend without an ID would go to the one that the ring says. */
static void check_quic(struct build *b, const struct service *s)
{
	size_t count, with_id = 0;
	const struct backend *list = service_backends(&b->model, s, &count);
	OWN_FREE const struct backend **sorted = NULL;
	char pool[NAME_BYTES + 16];

	if (s->udp != WEIR_UDP_QUIC)
		return;
	sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted) {
		b->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].has_quic_id) {
			sorted[with_id++] = &list[i];
			continue;
		}
		b->failed = false;
		build_error(b, backend_loc(b, s, &list[i]), NULL,
			    "backend %s%s has no quic-id, which \"udp quic\" of service %s needs; "
			    "write \"quic-id N\", as its server puts it into connection IDs",
			    list[i].name, of_pool(s, pool), s->name);
		break;
	}
	refuse_twin_ids(b, s, sorted, with_id);
}

int model_check_addresses(const struct model *m, struct diags *d)
{
	struct build b = { .text = m->source, .size = m->source_bytes, .diags = d, .model = *m };
	OWN_FREE bool *has_port = find_ports(&b);

	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		check_backend_addrs(&b, &g);
		check_unicast(&b, &g);
	}
	for (size_t i = 0; i < m->services_count; i++)
		check_backends(&b, &m->services[i], has_port);
	check_loops(&b);
	return b.out_of_memory ? -ENOMEM : 0;
}

void check_services(struct build *b)
{
	const struct model *m = &b->model;
	OWN_FREE bool *has_port = find_ports(b);

	for (size_t i = 0; i < model_groups_count(m); i++) {
		const struct backend_group g = model_group(m, i);

		check_group(b, &g,
			    g.is_pool ? m->pools[i].loc : m->services[i - m->pools_count].loc);
	}
	check_vips(b);
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		/* what has no address or forward was refused already */
		if (!s->addrs_count || s->forward >= WEIR_FORWARD_KINDS)
			continue;
		check_settings(b, s);
		check_backends(b, s, has_port);
		check_quic(b, s);
	}
	check_loops(b);
}
