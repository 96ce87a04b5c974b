// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "diff_internal.h"
#include "maglev.h"
#include "own.h"
#include "print.h"
#include "ranges.h"

/* Addresses and ports in order, to see which come and go. */
struct keys {
	u128 *list;
	size_t count;
};

static void free_keys(struct keys *k)
{
	free(k->list);
}

static int compare_keys(const void *a, const void *b)
{
	const u128 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool has_key(const struct keys *k, u128 key)
{
	return k->count && bsearch(&key, k->list, k->count, sizeof(key), compare_keys);
}

static struct keys address_keys(const struct service *s)
{
	struct keys k = { calloc(s->addrs_count + 1, sizeof(u128)), 0 };

	for (; k.list && k.count < s->addrs_count; k.count++)
		k.list[k.count] = addr_number(s->addrs[k.count]);
	if (k.count)
		qsort(k.list, k.count, sizeof(u128), compare_keys);
	return k;
}

static u128 port_key(const struct vip_port *p)
{
	return (u128)p->proto << 16 | p->port;
}

static struct keys port_keys(const struct service *s)
{
	struct keys k = { calloc(s->ports_count + 1, sizeof(u128)), 0 };

	for (; k.list && k.count < s->ports_count; k.count++)
		k.list[k.count] = port_key(&s->ports[k.count]);
	if (k.count)
		qsort(k.list, k.count, sizeof(u128), compare_keys);
	return k;
}

/* Addresses and ports of @s that the other service lacks. */
static void diff_vips(struct diff *d, char sign, const struct service *s,
		      const struct service *other)
{
	OWN(free_keys) struct keys addrs = address_keys(other), ports = port_keys(other);
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->addrs_count; i++) {
		if (has_key(&addrs, addr_number(s->addrs[i])))
			continue;
		diff_line(d, sign, "service", s->name);
		fprintf(d->out, "   address %s\n", addr_text(s->addrs[i], addr, sizeof(addr)));
	}
	for (size_t i = 0; i < s->ports_count; i++) {
		if (has_key(&ports, port_key(&s->ports[i])))
			continue;
		diff_line(d, sign, "service", s->name);
		fprintf(d->out, "   port %s %u\n", print_port_proto(s->ports[i].proto),
			s->ports[i].port);
	}
}

#define NOBODY ((__u32)-1)

/* The service's ring as indexes of its backends, or NOBODY everywhere. NULL without memory. */
static __u32 *make_ring(const struct service *s)
{
	OWN_FREE const char **names = calloc(s->backends_count + 1, sizeof(*names));
	OWN_FREE __u16 *weights = calloc(s->backends_count + 1, sizeof(*weights));
	OWN_FREE __u32 *ring = malloc(WEIR_RING_SLOTS * sizeof(*ring));

	if (!names || !weights || !ring)
		return NULL;
	for (size_t i = 0; i < s->backends_count; i++) {
		names[i] = s->backends[i].name;
		weights[i] = s->backends[i].drain ? 0 : s->backends[i].weight;
	}
	memset(ring, 0xff, WEIR_RING_SLOTS * sizeof(*ring));
	maglev_fill(names, weights, (__u32)s->backends_count, ring, WEIR_RING_SLOTS);
	return TAKE_PTR(ring);
}

/* Slots of the ring that lead to another backend than before; -1 without memory. */
static long count_moved(const struct service *a, const struct service *b,
			const struct name_index *before)
{
	OWN_FREE __u32 *old_ring = make_ring(a);
	OWN_FREE __u32 *new_ring = make_ring(b);
	OWN_FREE __u32 *former = calloc(b->backends_count + 1, sizeof(*former));
	long moved = 0;

	if (!old_ring || !new_ring || !former)
		return -1;
	for (size_t i = 0; i < b->backends_count; i++) {
		const struct named *found = name_index_find(before, b->backends[i].name);

		former[i] = NOBODY - 1;
		if (found && !memcmp(a->backends[found->index].addr, b->backends[i].addr,
				     sizeof(b->backends[i].addr)))
			former[i] = (__u32)found->index;
	}
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++) {
		__u32 now = new_ring[i] == NOBODY ? NOBODY : former[new_ring[i]];

		moved += old_ring[i] != now;
	}
	return moved;
}

/* True when no slot moves between the two: same share, same machine. */
static bool same_share(const struct backend *a, const struct backend *b)
{
	return a->drain == b->drain &&
	       (a->drain || (a->weight == b->weight && !memcmp(a->addr, b->addr, sizeof(a->addr))));
}

/* Lines that change the ring; the last one tells how much of it moves. */
struct ring_changes {
	unsigned int lines; /* in all */
	unsigned int written;
	long moved; /* slots */
};

static void end_line(struct diff *d, struct ring_changes *ring, bool moves)
{
	if (moves && ++ring->written == ring->lines && ring->moved >= 0)
		fprintf(d->out, "   (%.1f %% of ring slots move%s)",
			100.0 * (double)ring->moved / WEIR_RING_SLOTS,
			ring->lines > 1 ? " in all" : "");
	fputc('\n', d->out);
}

static void changed_backend(struct diff *d, struct ring_changes *ring, const struct service *s,
			    const struct backend *a, const struct backend *b)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const char *comma = "";

	diff_line(d, '~', "service", s->name);
	fprintf(d->out, "   backend %s ", b->name);
	if (memcmp(a->addr, b->addr, sizeof(a->addr))) {
		fprintf(d->out, "%s -> %s", addr_text(a->addr, from, sizeof(from)),
			addr_text(b->addr, to, sizeof(to)));
		comma = ", ";
	}
	if (a->weight != b->weight) {
		fprintf(d->out, "%sweight %u -> %u", comma, a->weight, b->weight);
		comma = ", ";
	}
	if (a->drain != b->drain)
		fprintf(d->out, "%sdrain %s", comma, b->drain ? "off -> on" : "on -> off");
	end_line(d, ring, !same_share(a, b));
}

static void describe_backend(struct diff *d, char sign, const struct service *s,
			     const struct backend *b)
{
	diff_line(d, sign, "service", s->name);
	fputs("   ", d->out);
	print_backend(b, d->out);
}

static bool backend_differs(const struct backend *a, const struct backend *b)
{
	return memcmp(a->addr, b->addr, sizeof(a->addr)) || a->weight != b->weight ||
	       a->drain != b->drain;
}

static void diff_backends(struct diff *d, const struct service *a, const struct service *b)
{
	OWN(name_index_free) struct name_index before = { 0 }, after = { 0 };
	struct ring_changes ring = { 0 };

	name_index_make(a->backends, a->backends_count, sizeof(*a->backends), &before);
	name_index_make(b->backends, b->backends_count, sizeof(*b->backends), &after);
	for (size_t i = 0; i < a->backends_count; i++)
		ring.lines +=
			!a->backends[i].drain && !name_index_find(&after, a->backends[i].name);
	for (size_t i = 0; i < b->backends_count; i++) {
		const struct named *old = name_index_find(&before, b->backends[i].name);

		ring.lines += old ? !same_share(&a->backends[old->index], &b->backends[i])
				  : !b->backends[i].drain;
	}
	if (ring.lines)
		ring.moved = count_moved(a, b, &before);
	for (size_t i = 0; i < a->backends_count; i++) {
		if (name_index_find(&after, a->backends[i].name))
			continue;
		describe_backend(d, '-', b, &a->backends[i]);
		end_line(d, &ring, !a->backends[i].drain);
	}
	for (size_t i = 0; i < b->backends_count; i++) {
		const struct named *old = name_index_find(&before, b->backends[i].name);

		if (!old) {
			describe_backend(d, '+', b, &b->backends[i]);
			end_line(d, &ring, !b->backends[i].drain);
		} else if (backend_differs(&a->backends[old->index], &b->backends[i])) {
			changed_backend(d, &ring, b, &a->backends[old->index], &b->backends[i]);
		}
	}
}

void diff_service(struct diff *d, const struct service *a, const struct service *b)
{
	diff_vips(d, '-', a, b);
	diff_vips(d, '+', b, a);
	if (a->forward != b->forward)
		diff_change(d, "service", b->name, "forward %s -> %s", print_forward[a->forward],
			    print_forward[b->forward]);
	diff_backends(d, a, b);
}
