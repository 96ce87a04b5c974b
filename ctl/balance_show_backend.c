// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show backend: what becomes of each backend, in each service that has it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "balance_show.h"
#include "command.h"
#include "counters.h"
#include "image.h"
#include "own.h"
#include "pin.h"
#include "print.h"
#include "set_text.h"

/* Sets of pins that are read at once: 1 MiB. */
#define PINS_AT_ONCE 16384

/* Of a backend in one service's ring. */
struct share {
	__u32 slots; /* that lead there now */
	__u32 waiting; /* whose older flows are there still */
};

struct view {
	const struct service *service;
	const struct weir_service *row;
	const struct backend *backends;
	size_t count;
	const struct weir_backend *rows;
	struct share *shares;
	__u64 settles_s; /* seconds until base is over; 0: it is */
};

static void own_view(struct view *v)
{
	free(v->shares);
}

struct pins {
	__u32 *count; /* by backend id */
	__u32 ids;
};

static void own_pins(struct pins *p)
{
	free(p->count);
}

static __u64 now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static void count_sets(struct pins *p, const struct weir_pin_set *sets, __u32 count, __u64 now)
{
	for (__u32 i = 0; i < count * WEIR_PIN_WAYS; i++) {
		const struct weir_pin *pin = &sets[i / WEIR_PIN_WAYS].way[i % WEIR_PIN_WAYS];
		struct seen_pin seen;

		if (pin_decode(pin, (__u32)now, &seen) && !pin_is_note(&seen) &&
		    seen.backend < p->ids)
			p->count[seen.backend]++;
	}
}

/* How many flows are pinned to each backend; none where the map cannot be read. */
static struct pins read_pins(const struct state *s)
{
	OWN_FREE struct weir_pin_set *sets = malloc(PINS_AT_ONCE * sizeof(*sets));
	OWN_FREE __u32 *keys = malloc(PINS_AT_ONCE * sizeof(*keys));
	struct pins p = { .ids = s->image->backend_by_id_count };
	__u32 batch = 0, count, done = 0;
	__u64 now = now_s();

	p.count = calloc(p.ids + 1, sizeof(*p.count));
	while (sets && keys && p.count && done < s->capacity.pin_sets) {
		count = PINS_AT_ONCE;
		if (bpf_map_lookup_batch(s->maps.fd[WEIR_MAP_PINS], done ? &batch : NULL, &batch,
					 keys, sets, &count, NULL) &&
		    errno != ENOENT)
			break;
		if (!count)
			break;
		count_sets(&p, sets, count, now);
		done += count;
	}
	return p;
}

static void count_slots(struct view *v, const struct weir_ring *ring)
{
	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++) {
		const struct weir_slot *slot = &ring->slot[i];
		__u32 current = slot->current & ~WEIR_SLOT_MOVED;

		if (current < v->count)
			v->shares[current].slots++;
		if (slot->current & WEIR_SLOT_MOVED && v->settles_s && slot->base < v->count &&
		    slot->base != current)
			v->shares[slot->base].waiting++;
	}
}

static int look_at(const struct applied *a, size_t service, struct view *v)
{
	const struct weir_image *image = a->state.image;
	const struct weir_ring *ring;
	__u64 until, now = now_s();

	v->service = &a->model.services[service];
	v->row = IMAGE_AT(image, image->services_offset, struct weir_service) + service;
	v->rows = IMAGE_AT(image, v->row->backends_offset, struct weir_backend);
	v->backends = service_backends(&a->model, v->service, &v->count);
	v->shares = calloc(v->count + 1, sizeof(*v->shares));
	if (!v->shares)
		return -ENOMEM;
	until = v->row->base_until_s;
	if (a->state.settle[v->row->id].base_until_s > until)
		until = a->state.settle[v->row->id].base_until_s;
	v->settles_s = until > now ? until - now : 0;
	ring = state_ring(&a->state, v->row->ring);
	if (ring)
		count_slots(v, ring);
	return ring ? 0 : -errno;
}

static const char *state_of(const struct view *v, size_t i)
{
	if (v->backends[i].drain)
		return "drain";
	return v->backends[i].weight ? "up" : "no weight";
}

static double percent(const struct share *s)
{
	return 100.0 * s->slots / WEIR_RING_SLOTS;
}

static void print_backend_line(const struct view *v, size_t i, const struct applied *a,
			       const struct pins *pins)
{
	struct weir_counter n = counter_read(a->state.maps.fd[WEIR_MAP_BACKENDS], v->rows[i].id);
	char packets[16], bytes[16], left[SET_TEXT_BYTES], addr[INET6_ADDRSTRLEN];

	printf("%10s %10s %6.2f%% %8u  %s %s weight %u, %s",
	       count_text(n.packets, packets, sizeof(packets)),
	       count_text(n.bytes, bytes, sizeof(bytes)), percent(&v->shares[i]),
	       pins->count ? pins->count[v->rows[i].id] : 0, v->backends[i].name,
	       addr_text(v->backends[i].addr, addr, sizeof(addr)), v->backends[i].weight,
	       state_of(v, i));
	if (v->shares[i].waiting)
		printf(", flows of %.2f%% settle within %s",
		       100.0 * v->shares[i].waiting / WEIR_RING_SLOTS,
		       set_timeout_text(v->settles_s, left));
	putchar('\n');
}

static void print_view(const struct view *v, const struct applied *a, const struct pins *pins,
		       const char *before)
{
	printf("%sservice %s%s%s\n%10s %10s %7s %8s  BACKEND\n", before, v->service->name,
	       v->service->pool[0] ? "  pool " : "", v->service->pool, "PACKETS", "BYTES", "RING",
	       "PINS");
	for (size_t i = 0; i < v->count; i++)
		print_backend_line(v, i, a, pins);
}

static json_t *backend_json(const struct view *v, size_t i, const struct applied *a,
			    const struct pins *pins)
{
	struct weir_counter n = counter_read(a->state.maps.fd[WEIR_MAP_BACKENDS], v->rows[i].id);
	char addr[INET6_ADDRSTRLEN];
	json_t *json = json_pack("{s:s,s:s,s:i,s:s,s:f,s:I,s:I,s:I}", "name", v->backends[i].name,
				 "address", addr_text(v->backends[i].addr, addr, sizeof(addr)),
				 "weight", v->backends[i].weight, "state", state_of(v, i),
				 "ring_percent", percent(&v->shares[i]), "pins",
				 (json_int_t)(pins->count ? pins->count[v->rows[i].id] : 0),
				 "packets", (json_int_t)n.packets, "bytes", (json_int_t)n.bytes);

	if (json && v->shares[i].waiting) {
		json_object_set_new(json, "settling_percent",
				    json_real(100.0 * v->shares[i].waiting / WEIR_RING_SLOTS));
		json_object_set_new(json, "settles_s", json_integer((json_int_t)v->settles_s));
	}
	return json;
}

static json_t *view_json(const struct view *v, const struct applied *a, const struct pins *pins)
{
	json_t *list = json_array();
	json_t *json = json_pack("{s:s}", "service", v->service->name);

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(list, backend_json(v, i, a, pins));
	if (v->service->pool[0])
		json_object_set_new(json, "pool", json_string(v->service->pool));
	json_object_set_new(json, "backends", list);
	return json;
}

static bool is_meant(const struct service *s, const char *name)
{
	return !name || !strcmp(s->name, name) || !strcmp(s->pool, name);
}

int show_backend(struct command *c, const struct applied *a, const char *name)
{
	OWN(own_pins) struct pins pins = {};
	struct backend_group group;
	json_t *list;
	size_t shown = 0;

	if (name && balance_group(&a->model, name, &group, &c->why))
		return command_failed(c);
	pins = read_pins(&a->state);
	list = json_array();
	for (size_t i = 0; i < a->model.services_count; i++) {
		OWN(own_view) struct view v = {};

		if (!is_meant(&a->model.services[i], name) || look_at(a, i, &v))
			continue;
		if (c->json)
			json_array_append_new(list, view_json(&v, a, &pins));
		else
			print_view(&v, a, &pins, shown ? "\n" : "");
		shown++;
	}
	if (c->json)
		return json_print(json_pack("{s:o}", "services", list));
	json_decref(list);
	if (!shown)
		printf("No service is in force%s.\n", name ? " that has it" : "");
	return EXIT_DONE;
}
