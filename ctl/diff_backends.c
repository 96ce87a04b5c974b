// SPDX-License-Identifier: GPL-2.0-or-later
/* Backends of a service or a pool, and how much of the ring moves with them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "balance_slots.h"
#include "diff_internal.h"
#include "own.h"
#include "print.h"

/* Who was not there before. */
#define NOBODY ((__u32)-1)

/* The group's ring as indexes of its backends, or WEIR_NO_BACKEND. NULL without memory. */
static __u32 *make_ring(const struct backend_group *g)
{
	OWN_FREE __u32 *ring = malloc(WEIR_RING_SLOTS * sizeof(*ring));

	if (!ring || slots_deal(g->backends, g->backends_count, ring))
		return NULL;
	return TAKE_PTR(ring);
}

/* Slots of the ring that lead to another backend than before; -1 without memory. */
static long count_moved(const struct backend_group *a, const struct backend_group *b,
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

		former[i] = NOBODY;
		if (found && !memcmp(a->backends[found->index].addr, b->backends[i].addr,
				     sizeof(b->backends[i].addr)))
			former[i] = (__u32)found->index;
	}
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++) {
		__u32 now = new_ring[i] == WEIR_NO_BACKEND ? WEIR_NO_BACKEND : former[new_ring[i]];

		moved += old_ring[i] != now;
	}
	return moved;
}

/* True when no slot moves between the two: same share, same machine. */
static bool same_share(const struct backend *a, const struct backend *b)
{
	return slots_weight(a) == slots_weight(b) &&
	       (!slots_weight(a) || !memcmp(a->addr, b->addr, sizeof(a->addr)));
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

static const char *kind_of(const struct backend_group *g)
{
	return g->is_pool ? "pool" : "service";
}

/* A host may keep its name and change its address. Returns what parts it from what follows. */
static const char *describe_endpoint(struct diff *d, const struct backend *a,
				     const struct backend *b)
{
	bool moves = memcmp(a->addr, b->addr, sizeof(a->addr)) != 0;
	char from[ENDPOINT_TEXT_BYTES], to[ENDPOINT_TEXT_BYTES];

	endpoint_text(a, from);
	endpoint_text(b, to);
	if (strcmp(from, to) != 0) {
		fprintf(d->out, "%s -> %s", from, to);
		if (moves && b->host)
			fprintf(d->out, ", which is %s", addr_text(b->addr, to, sizeof(to)));
		return ", ";
	}
	if (!moves)
		return "";
	fprintf(d->out, "%s %s -> ", to, addr_text(a->addr, from, sizeof(from)));
	fputs(addr_text(b->addr, to, sizeof(to)), d->out);
	return ", ";
}

static void describe_id(struct diff *d, const struct backend *b)
{
	if (b->has_quic_id)
		fprintf(d->out, "%u", b->quic_id);
	else
		fputs("none", d->out);
}

static void changed_backend(struct diff *d, struct ring_changes *ring,
			    const struct backend_group *g, const struct backend *a,
			    const struct backend *b)
{
	const char *comma;

	diff_line(d, '~', kind_of(g), g->name);
	fprintf(d->out, "   backend %s ", b->name);
	comma = describe_endpoint(d, a, b);
	if (a->weight != b->weight) {
		fprintf(d->out, "%sweight %u -> %u", comma, a->weight, b->weight);
		comma = ", ";
	}
	if (a->has_quic_id != b->has_quic_id || a->quic_id != b->quic_id) {
		fprintf(d->out, "%squic-id ", comma);
		describe_id(d, a);
		fputs(" -> ", d->out);
		describe_id(d, b);
		comma = ", ";
	}
	if (a->drain != b->drain)
		fprintf(d->out, "%sdrain %s", comma, b->drain ? "off -> on" : "on -> off");
	end_line(d, ring, !same_share(a, b));
}

static void describe_backend(struct diff *d, char sign, const struct backend_group *g,
			     const struct backend *b)
{
	diff_line(d, sign, kind_of(g), g->name);
	fputs("   ", d->out);
	print_backend(b, d->out);
}

void diff_backends(struct diff *d, const struct backend_group *a, const struct backend_group *b)
{
	OWN(name_index_free) struct name_index before = { 0 }, after = { 0 };
	struct ring_changes ring = { 0 };

	name_index_make(a->backends, a->backends_count, sizeof(*a->backends), &before);
	name_index_make(b->backends, b->backends_count, sizeof(*b->backends), &after);
	for (size_t i = 0; i < a->backends_count; i++)
		ring.lines += slots_weight(&a->backends[i]) &&
			      !name_index_find(&after, a->backends[i].name);
	for (size_t i = 0; i < b->backends_count; i++) {
		const struct named *old = name_index_find(&before, b->backends[i].name);

		ring.lines += old ? !same_share(&a->backends[old->index], &b->backends[i])
				  : slots_weight(&b->backends[i]) != 0;
	}
	if (ring.lines)
		ring.moved = count_moved(a, b, &before);
	for (size_t i = 0; i < a->backends_count; i++) {
		if (name_index_find(&after, a->backends[i].name))
			continue;
		describe_backend(d, '-', b, &a->backends[i]);
		end_line(d, &ring, slots_weight(&a->backends[i]));
	}
	for (size_t i = 0; i < b->backends_count; i++) {
		const struct named *old = name_index_find(&before, b->backends[i].name);

		if (!old) {
			describe_backend(d, '+', b, &b->backends[i]);
			end_line(d, &ring, slots_weight(&b->backends[i]));
		} else if (!backend_equal(&a->backends[old->index], &b->backends[i])) {
			changed_backend(d, &ring, b, &a->backends[old->index], &b->backends[i]);
		}
	}
}
