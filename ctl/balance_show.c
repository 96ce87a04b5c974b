// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show service: what each backend got, and its share of the ring.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "counters.h"
#include "image.h"
#include "own.h"
#include "print.h"

struct view {
	const struct service *service;
	const struct backend *backends; /* its own, or its pool's */
	size_t backends_count;
	const struct weir_backend *counted; /* the same */
	int map;
	struct weir_counter own; /* what came for the service, whoever else has its pool */
	const struct weir_ring *ring;
};

static struct view look_at(const struct applied *a, size_t service)
{
	const struct weir_image *image = a->state.image;
	const struct weir_service *row =
		IMAGE_AT(image, image->services_offset, struct weir_service) + service;
	struct view v = {
		.service = &a->model.services[service],
		.counted = IMAGE_AT(image, row->backends_offset, struct weir_backend),
		.map = a->state.maps.fd[WEIR_MAP_BACKENDS],
		.own = counter_read(a->state.maps.fd[WEIR_MAP_SERVICES], row->id),
		.ring = state_ring(&a->state, row->ring),
	};

	v.backends = service_backends(&a->model, v.service, &v.backends_count);
	return v;
}

static double ring_share(const struct view *v, __u32 backend)
{
	__u32 slots = 0;

	for (__u32 i = 0; v->ring && i < WEIR_RING_SLOTS; i++)
		slots += (v->ring->slot[i].current & ~WEIR_SLOT_MOVED) == backend;
	return 100.0 * slots / WEIR_RING_SLOTS;
}

/* Backends of a pool count for all services that have it. */
static struct weir_counter total(const struct view *v)
{
	struct weir_counter sum = {};

	if (v->service->pool[0])
		return v->own;
	for (size_t i = 0; i < v->backends_count; i++) {
		struct weir_counter n = counter_read(v->map, v->counted[i].id);

		sum.packets += n.packets;
		sum.bytes += n.bytes;
	}
	return sum;
}

static void print_service(const struct view *v, const char *before)
{
	const struct service *s = v->service;
	struct weir_counter sum = total(v);
	char packets[16], bytes[16], place[PLACE_TEXT_BYTES];

	printf("%sservice %s  ", before, s->name);
	print_addresses(s, stdout);
	printf("  ");
	print_ports(s, stdout);
	printf("  forward %s%s%s\n%10s %10s %7s  BACKEND\n", print_forward[s->forward],
	       s->pool[0] ? "  pool " : "", s->pool, "PACKETS", "BYTES", "RING");
	for (size_t i = 0; i < v->backends_count; i++) {
		const struct backend *b = &v->backends[i];
		struct weir_counter n = counter_read(v->map, v->counted[i].id);

		printf("%10s %10s %6.2f%%  %s %s weight %u%s\n",
		       count_text(n.packets, packets, sizeof(packets)),
		       count_text(n.bytes, bytes, sizeof(bytes)), ring_share(v, i), b->name,
		       backend_place(b, place), b->weight, b->drain ? " drain" : "");
	}
	printf("%10s %10s %7s  %s\n", count_text(sum.packets, packets, sizeof(packets)),
	       count_text(sum.bytes, bytes, sizeof(bytes)), "",
	       s->pool[0] ? "of this service; backends count for all of the pool" : "total");
}

static json_t *service_json(const struct view *v)
{
	struct weir_counter sum = total(v);
	json_t *backends = json_array();

	for (size_t i = 0; i < v->backends_count; i++) {
		const struct backend *b = &v->backends[i];
		struct weir_counter n = counter_read(v->map, v->counted[i].id);
		char addr[INET6_ADDRSTRLEN];

		json_array_append_new(
			backends,
			json_pack("{s:s,s:s,s:i,s:b,s:f,s:I,s:I}", "name", b->name, "address",
				  addr_text(b->addr, addr, sizeof(addr)), "weight", b->weight,
				  "drain", b->drain, "ring_percent", ring_share(v, i), "packets",
				  (json_int_t)n.packets, "bytes", (json_int_t)n.bytes));
	}
	return json_pack("{s:s,s:s,s:s*,s:I,s:I,s:o}", "name", v->service->name, "forward",
			 print_forward[v->service->forward], "pool",
			 v->service->pool[0] ? v->service->pool : NULL, "packets",
			 (json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes, "backends",
			 backends);
}

int show_service(struct command *c, const struct applied *a, const char *name)
{
	json_t *list = json_array();
	bool found = !name;
	size_t shown = 0;

	for (size_t i = 0; i < a->model.services_count; i++) {
		struct view v = look_at(a, i);

		if (name && strcmp(name, v.service->name) != 0)
			continue;
		found = true;
		if (c->json)
			json_array_append_new(list, service_json(&v));
		else
			print_service(&v, shown ? "\n" : "");
		shown++;
	}
	if (c->json && found)
		return json_print(json_pack("{s:o}", "services", list));
	json_decref(list);
	if (!found)
		fail(&c->why, EXIT_NOT_FOUND, "there is no service \"%s\" in force", name);
	else if (!shown)
		printf("No service is in force.\n");
	return found ? EXIT_DONE : command_failed(c);
}
