// SPDX-License-Identifier: GPL-2.0-or-later
#include "nat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_internal.h"
#include "own.h"
#include "weir/nat.h"

#define PORT_FIRST 1024
#define RANGE_PATH "/proc/sys/net/ipv4/ip_local_port_range"
/* Linux's own, where the file cannot be read. */
#define RANGE_LOW 32768
#define RANGE_HIGH 60999

#define SOURCES_MIN 16
#define SOURCES_MAX (1U << 20)

struct nat_ports nat_ports_beside(__u16 low, __u16 high)
{
	__u32 below = low > PORT_FIRST ? low - PORT_FIRST : 0;
	__u32 above_first = high < PORT_FIRST ? PORT_FIRST : high + 1U;
	__u32 above = 65536 - above_first;

	if (below >= above)
		return (struct nat_ports){ .first = PORT_FIRST, .count = (__u16)below };
	return (struct nat_ports){ .first = (__u16)above_first, .count = (__u16)above };
}

static void read_range(unsigned int *low, unsigned int *high)
{
	FILE *f = fopen(RANGE_PATH, "re");
	int got = f ? fscanf(f, "%u %u", low, high) : 0;

	if (f)
		fclose(f);
	if (got == 2)
		return;
	*low = RANGE_LOW;
	*high = RANGE_HIGH;
}

int nat_ports_read(struct nat_ports *out, struct failure *why)
{
	struct nat_ports ports;
	unsigned int low, high;

	read_range(&low, &high);
	ports = nat_ports_beside((__u16)low, (__u16)high);
	if (ports.count < NAT_PORTS_MIN)
		return fail(why, EXIT_PRECONDITION,
			    "the kernel's own connections may take ports %u to %u, which leaves %u "
			    "for flows to be translated to; narrow it: sysctl -w "
			    "net.ipv4.ip_local_port_range=\"%u %u\"",
			    low, high, ports.count, RANGE_LOW, RANGE_HIGH);
	*out = ports;
	return 0;
}

static bool translates(const struct service *s)
{
	return s->forward == WEIR_FORWARD_NAT || s->forward == WEIR_FORWARD_LOCAL;
}

bool nat_is_used(const struct model *m)
{
	for (size_t i = 0; i < m->services_count; i++) {
		if (translates(&m->services[i]))
			return true;
	}
	return false;
}

/* Where @addr is or may be put, or NULL when that is out of reach. */
static __u8 *place_of(__u8 (*table)[16], __u32 mask, const __u8 addr[16])
{
	static const __u8 empty[16];
	__u64 half[2];

	memcpy(half, addr, sizeof(half));
	for (__u32 probe = 0; probe < WEIR_NAT_PROBES; probe++) {
		__u8 *entry = table[(weir_nat_source_hash(half[0], half[1]) + probe) & mask];

		if (!memcmp(entry, empty, 16) || !memcmp(entry, addr, 16))
			return entry;
	}
	return NULL;
}

struct sources {
	__u8 (*addr)[16];
	size_t count;
};

static void add_source(struct sources *s, const __u8 addr[16])
{
	static const __u8 none[16];

	if (memcmp(addr, none, 16) != 0)
		memcpy(s->addr[s->count++], addr, 16);
}

/* Of each service: its own, or those of the routes to its backends. */
static void collect(const struct image_spec *spec, struct sources *out)
{
	const struct model *m = spec->model;

	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];
		const struct host_route *route = spec->routes;
		size_t group = service_group(m, i);

		if (!translates(s))
			continue;
		for (size_t n = 0; n < s->sources_count; n++)
			add_source(out, s->sources[n]);
		for (size_t g = 0; g < group; g++)
			route += model_group(m, g).backends_count;
		for (size_t b = 0; b < model_group(m, group).backends_count; b++)
			add_source(out, route[b].source);
	}
}

static size_t most_sources(const struct model *m)
{
	size_t most = 1;

	for (size_t i = 0; i < m->services_count; i++) {
		size_t backends;

		service_backends(m, &m->services[i], &backends);
		most += m->services[i].sources_count + backends;
	}
	return most;
}

/* A table of @size entries, to be freed by the caller; NULL where not all find a place, or no memory. */
static __u8 (*hash_sources(const struct sources *s, __u32 size))[16]
{
	__u8(*table)[16] = calloc(size, sizeof(*table));

	for (size_t i = 0; table && i < s->count; i++) {
		__u8 *place = place_of(table, size - 1, s->addr[i]);

		if (!place) {
			free(table);
			return NULL;
		}
		memcpy(place, s->addr[i], 16);
	}
	return table;
}

void build_nat(struct builder *b, const struct image_spec *spec)
{
	OWN_FREE __u8(*list)[16] = calloc(most_sources(spec->model), sizeof(*list));
	OWN_FREE __u8(*table)[16] = NULL;
	struct sources sources = { .addr = list };
	__u32 size = SOURCES_MIN, offset;
	struct weir_nat *nat;

	if (!nat_is_used(spec->model))
		return;
	if (!list) {
		b->error = -ENOMEM;
		return;
	}
	collect(spec, &sources);
	while (!table && size <= SOURCES_MAX) {
		table = hash_sources(&sources, size);
		size *= table ? 1 : 2;
	}
	if (!table)
		b->error = -ENOMEM;
	offset = builder_copy(b, table, table ? size * sizeof(*table) : 0);
	if (b->error)
		return;
	nat = &BUILDER_AT(b, 0, struct weir_image)->nat;
	nat->sources_offset = offset;
	nat->sources_mask = size - 1;
	nat->port_first = spec->nat_ports.first;
	nat->ports_count = spec->nat_ports.count;
}
