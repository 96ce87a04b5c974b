// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rings of services, one for all that are equal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balance.h"
#include "maglev.h"
#include "own.h"

/* Which rings of the map are taken: by the image in force, or by this one. */
struct taken {
	__u8 *list;
	__u32 next; /* none below is free */
	__u32 top; /* one more than the highest */
};

struct work {
	const struct ring_past *past;
	struct rings *out;
	struct taken taken;
};

static void own_work(struct work *w)
{
	free(w->taken.list);
}

void rings_free(struct rings *r)
{
	for (size_t i = 0; i < r->fresh_count; i++)
		free(r->fresh[i].ring);
	free(r->fresh);
	free(r->of_service);
	*r = (struct rings){};
}

static int fill(const struct backend *backends, size_t count, struct weir_ring *ring)
{
	OWN_FREE const char **names = calloc(count + 1, sizeof(*names));
	OWN_FREE __u16 *weights = calloc(count + 1, sizeof(*weights));
	OWN_FREE __u32 *table = calloc(WEIR_RING_SLOTS, sizeof(*table));
	int error;

	if (!names || !weights || !table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		names[i] = backends[i].name;
		weights[i] = backends[i].drain ? 0 : backends[i].weight;
	}
	error = maglev_fill(names, weights, count, table, WEIR_RING_SLOTS);
	if (error && error != -EINVAL)
		return error;
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++) {
		__u16 value = error ? WEIR_NO_BACKEND : table[i];

		ring->slot[i] = (struct weir_slot){ .base = value, .current = value };
	}
	return 0;
}

static const struct weir_service *old_services(const struct ring_past *past)
{
	return IMAGE_AT(past->image, past->image->services_offset, struct weir_service);
}

/* The service of that id in the image in force, or NULL. */
static const struct weir_service *find_old(const struct ring_past *past, __u32 id)
{
	for (__u32 i = 0; past->image && i < past->image->services_count; i++) {
		if (old_services(past)[i].id == id)
			return &old_services(past)[i];
	}
	return NULL;
}

static int note_taken(const struct ring_past *past, struct taken *t)
{
	t->list = calloc(WEIR_MAX_RINGS, 1);
	if (!t->list)
		return -ENOMEM;
	for (__u32 i = 0; past->image && i < past->image->services_count; i++) {
		__u32 ring = old_services(past)[i].ring;

		t->list[ring] = 1;
		t->top = ring >= t->top ? ring + 1 : t->top;
	}
	return 0;
}

/* Take @ring over, at a free place. Returns that, or -E2BIG. */
static long add_fresh(struct work *w, struct weir_ring **ring)
{
	struct taken *t = &w->taken;

	while (t->next < WEIR_MAX_RINGS && t->list[t->next])
		t->next++;
	if (t->next == WEIR_MAX_RINGS)
		return -E2BIG;
	t->list[t->next] = 1;
	t->top = t->next >= t->top ? t->next + 1 : t->top;
	w->out->fresh[w->out->fresh_count++] = (struct fresh_ring){ t->next, TAKE_PTR(*ring) };
	return t->next;
}

/* Returns where the ring is, or -errno. */
static long place_ring(struct work *w, __u32 service_id, struct weir_ring **ring)
{
	const struct weir_service *old = find_old(w->past, service_id);

	if (old && !memcmp(&w->past->rings[old->ring], *ring, sizeof(**ring)))
		return old->ring;
	for (size_t i = 0; i < w->out->fresh_count; i++) {
		if (!memcmp(w->out->fresh[i].ring, *ring, sizeof(**ring)))
			return w->out->fresh[i].index;
	}
	return add_fresh(w, ring);
}

static int make_one(struct work *w, const struct model *m, const struct service *service, __u32 id,
		    struct service_ring *out)
{
	OWN_FREE struct weir_ring *ring = calloc(1, sizeof(*ring));
	size_t count;
	const struct backend *backends = service_backends(m, service, &count);
	long place;
	int error = ring ? fill(backends, count, ring) : -ENOMEM;

	if (error)
		return error;
	place = place_ring(w, id, &ring);
	if (place < 0)
		return (int)place;
	out->ring = place;
	return 0;
}

int rings_make(const struct model *m, const __u32 *service_ids, const __u32 *backend_ids,
	       const struct ring_past *past, struct rings *out)
{
	OWN(rings_free) struct rings made = {};
	OWN(own_work) struct work w = { .past = past, .out = &made };
	int error = note_taken(past, &w.taken);

	(void)backend_ids;
	made.of_service = calloc(m->services_count + 1, sizeof(*made.of_service));
	made.fresh = calloc(m->services_count + 1, sizeof(*made.fresh));
	if (!made.of_service || !made.fresh)
		error = -ENOMEM;
	for (size_t i = 0; i < m->services_count && !error; i++)
		error = make_one(&w, m, &m->services[i], service_ids[i], &made.of_service[i]);
	made.room = w.taken.top ? w.taken.top : 1;
	*out = error ? (struct rings){} : made;
	if (!error)
		made = (struct rings){};
	return error;
}
