// SPDX-License-Identifier: GPL-2.0-or-later
/* Services that want the same packets. */
#include <stdlib.h>
#include <string.h>

#include "parser_check_service.h"
#include "print.h"

/* The image has so many lengths of prefixes for each family. */
#define LENGTHS_MAX WEIR_VIP_LENGTHS

struct vip {
	const struct prefix *prefix;
	const struct vip_port *port;
	const struct service *service;
};

static int compare_ports(const struct vip_port *x, const struct vip_port *y)
{
	if (x->proto != y->proto)
		return x->proto < y->proto ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last > y->last ? -1 : x->last < y->last; /* the wider one first */
}

static int compare_prefixes(const struct prefix *x, const struct prefix *y)
{
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	return order ? order : (int)x->length - (int)y->length;
}

static int compare_vips(const void *a, const void *b)
{
	const struct vip *x = a, *y = b;
	int order = compare_prefixes(x->prefix, y->prefix);

	order = order ? order : compare_ports(x->port, y->port);
	return order ? order : x->service < y->service ? -1 : x->service > y->service;
}

/* "tcp 8000-8999" */
struct port_words {
	char text[PORT_TEXT_BYTES + 8];
};

static struct port_words words_of(const struct vip_port *p)
{
	struct port_words words;
	char text[PORT_TEXT_BYTES];

	port_text(p, text);
	snprintf(words.text, sizeof(words.text), "%s%s%s", print_port_proto(p->proto),
		 text[0] ? " " : "", text);
	return words;
}

static void refuse_pair(struct build *b, const struct vip *first, const struct vip *v)
{
	bool is_equal = !compare_ports(first->port, v->port);
	char addr[PREFIX_TEXT_BYTES], place[64];
	struct loc at = build_loc(b, first->port->at);

	prefix_text(v->prefix, addr);
	build_place(b, &at, place, sizeof(place));
	b->failed = false;
	if (is_equal)
		build_error(b, build_loc(b, v->port->at), NULL,
			    "service %s has %s %s, which service %s on %s has already; change one",
			    v->service->name, addr, words_of(v->port).text, first->service->name,
			    place);
	else
		build_error(b, build_loc(b, v->port->at), NULL,
			    "service %s has %s %s, which overlaps %s of service %s on %s; take the "
			    "common ports out of one",
			    v->service->name, addr, words_of(v->port).text,
			    words_of(first->port).text, first->service->name, place);
}

/*
 * Ranges that nest are fine: the narrower one is meant. Others on the way to
 * the root of @open end before @v begins.
 */
static void check_sorted(struct build *b, const struct vip *vips, size_t count,
			 const struct vip **open)
{
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		const struct vip *v = &vips[i];

		while (depth && (compare_prefixes(open[depth - 1]->prefix, v->prefix) != 0 ||
				 open[depth - 1]->port->proto != v->port->proto ||
				 open[depth - 1]->port->last < v->port->first))
			depth--;
		if (depth && open[depth - 1]->service != v->service &&
		    (!compare_ports(open[depth - 1]->port, v->port) ||
		     open[depth - 1]->port->last < v->port->last))
			refuse_pair(b, open[depth - 1], v);
		open[depth++] = v;
	}
}

static void check_between(struct build *b)
{
	const struct model *m = &b->model;
	OWN_FREE struct vip *vips = NULL;
	OWN_FREE const struct vip **open = NULL;
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
			vips[count++] = (struct vip){ &s->addrs[k / s->ports_count],
						      &s->ports[k % s->ports_count], s };
		}
	}
	open = calloc(count + 1, sizeof(struct vip *));
	if (!open) {
		b->out_of_memory = true;
		return;
	}
	if (count)
		qsort(vips, count, sizeof(*vips), compare_vips);
	check_sorted(b, vips, count, open);
}

static int order_ports(const void *a, const void *b)
{
	const struct vip_port *const *x = a, *const *y = b;
	int order = compare_ports(*x, *y);

	return order ? order : *x < *y ? -1 : *x > *y;
}

static void refuse_own_port(struct build *b, const struct service *s, const struct vip_port *wide,
			    const struct vip_port *p)
{
	b->failed = false;
	if (!compare_ports(wide, p))
		build_error(b, build_loc(b, p->at), NULL,
			    "service %s has port %s twice; delete one", s->name, words_of(p).text);
	else
		build_error(b, build_loc(b, p->at), NULL,
			    "service %s has ports of %s in %s, too; delete them here", s->name,
			    words_of(p).text, words_of(wide).text);
}

static void check_own_ports(struct build *b, const struct service *s)
{
	OWN_FREE const struct vip_port **list = calloc(s->ports_count + 1, sizeof(*list));
	const struct vip_port *wide = NULL; /* whose end is furthest */

	if (!list) {
		b->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < s->ports_count; i++)
		list[i] = &s->ports[i];
	if (s->ports_count)
		qsort(list, s->ports_count, sizeof(*list), order_ports);
	for (size_t i = 0; i < s->ports_count; i++) {
		const struct vip_port *p = list[i];

		/* protocol 0 sorts first, and has every port of all others */
		if (wide && (wide->proto == p->proto || !wide->proto) && p->first <= wide->last)
			refuse_own_port(b, s, wide, p);
		if (!wide || (wide->proto && (wide->proto != p->proto || p->last > wide->last)))
			wide = p;
	}
}

static int order_prefixes(const void *a, const void *b)
{
	return compare_prefixes(a, b);
}

static void check_own_addresses(struct build *b, const struct service *s)
{
	OWN_FREE struct prefix *list = calloc(s->addrs_count + 1, sizeof(*list));
	char text[PREFIX_TEXT_BYTES];

	if (!list) {
		b->out_of_memory = true;
		return;
	}
	if (s->addrs_count) {
		memcpy(list, s->addrs, s->addrs_count * sizeof(*list));
		qsort(list, s->addrs_count, sizeof(*list), order_prefixes);
	}
	for (size_t i = 1; i < s->addrs_count; i++) {
		if (compare_prefixes(&list[i - 1], &list[i]))
			continue;
		b->failed = false;
		build_error(b, s->loc, NULL, "service %s has address %s twice; delete one", s->name,
			    prefix_text(&list[i], text));
	}
}

static void check_lengths(struct build *b)
{
	bool seen[2][129] = { { false } };
	unsigned int count[2] = { 0 };

	for (size_t i = 0; i < b->model.services_count; i++) {
		const struct service *s = &b->model.services[i];

		for (size_t k = 0; k < s->addrs_count; k++) {
			bool v4 = addr_is_v4(s->addrs[k].addr);

			if (seen[v4][s->addrs[k].length])
				continue;
			seen[v4][s->addrs[k].length] = true;
			if (++count[v4] != LENGTHS_MAX + 1)
				continue;
			b->failed = false;
			build_error(b, s->loc, NULL,
				    "addresses of all services have over %d prefix lengths of "
				    "IPv%d; divide some into longer ones",
				    LENGTHS_MAX, v4 ? 4 : 6);
		}
	}
}

void check_vips(struct build *b)
{
	for (size_t i = 0; i < b->model.services_count; i++) {
		check_own_ports(b, &b->model.services[i]);
		check_own_addresses(b, &b->model.services[i]);
	}
	check_between(b);
	check_lengths(b);
}
