// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show flow: flows whose addresses are translated, as they are on either side.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "command.h"
#include "image.h"
#include "own.h"
#include "weir/nat.h"

static const char *const state_names[] = {
#define X(sym, name, idle_s) [WEIR_NAT_##sym] = name,
	WEIR_NAT_STATES(X)
#undef X
};

/* A backend of the configuration in force, by its id. */
struct named_backend {
	const char *group; /* service or pool; NULL: there is none with this id */
	const char *name;
	const __u8 *addr;
	__u16 port; /* host order; 0: that of the VIP */
};

struct flows {
	const struct weir_nat_flow *records; /* mapped */
	size_t count;
	struct named_backend *backends;
	__u32 backends_count; /* one more than the highest id */
	__u32 now; /* ticks */
};

static void close_flows(struct flows *f)
{
	if (f->records)
		munmap((void *)f->records, f->count * sizeof(*f->records));
	free(f->backends);
}

static int name_backends(struct flows *f, const struct applied *a)
{
	const struct weir_image *image = a->state.image;
	const struct weir_backend *row =
		IMAGE_AT(image, image->backends_offset, struct weir_backend);

	f->backends_count = image->backend_by_id_count;
	f->backends = calloc(f->backends_count + 1, sizeof(*f->backends));
	if (!f->backends)
		return -ENOMEM;
	for (size_t g = 0; g < model_groups_count(&a->model); g++) {
		const struct backend_group group = model_group(&a->model, g);

		for (size_t b = 0; b < group.backends_count; b++, row++)
			f->backends[row->id] = (struct named_backend){
				.group = group.name,
				.name = group.backends[b].name,
				.addr = row->addr,
				.port = ntohs(row->port),
			};
	}
	return 0;
}

static int open_flows(struct flows *f, const struct applied *a, struct failure *why)
{
	struct timespec now;
	void *mapped;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	f->now = (__u32)(((__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec) >>
			 WEIR_NAT_TICK_SHIFT);
	f->count = a->state.capacity.nat_flows;
	mapped = mmap(NULL, f->count * sizeof(*f->records), PROT_READ, MAP_SHARED,
		      a->state.maps.fd[WEIR_MAP_NAT_FLOWS], 0);
	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot read the translated flows");
	f->records = mapped;
	return name_backends(f, a) ? fail_errno(why, ENOMEM, "cannot list flows") : 0;
}

/* One flow, out of a record that may change at any moment. */
struct seen_flow {
	struct weir_nat_flow record;
	struct named_backend backend;
	__u32 left_s;
	bool is_udp;
};

/* False where the record is nobody's, or of a backend that is gone. */
static bool read_flow(const struct flows *f, size_t index, struct seen_flow *out)
{
	const struct weir_nat_flow *r = &f->records[index];
	__u64 life = *(const volatile __u64 *)&r->life;
	__s32 left = (__s32)(weir_nat_until(life) - f->now);
	__u32 id = weir_nat_backend(life);

	if (weir_nat_state(life) < WEIR_NAT_OPENING || left < 0)
		return false;
	out->record = *r;
	out->record.life = life;
	/* Taken by another while it was copied. */
	if (weir_nat_backend(*(const volatile __u64 *)&r->life) != id ||
	    weir_nat_state(*(const volatile __u64 *)&r->life) < WEIR_NAT_OPENING)
		return false;
	if (id >= f->backends_count || !f->backends[id].group)
		return false;
	out->backend = f->backends[id];
	out->left_s = (__u32)(((__u64)left << WEIR_NAT_TICK_SHIFT) / 1000000000);
	out->is_udp = weir_nat_is_udp(life);
	return true;
}

static __u16 backend_port(const struct seen_flow *s)
{
	return s->backend.port ? s->backend.port : ntohs(s->record.vip_port);
}

static const char *state_of(const struct seen_flow *s)
{
	return state_names[weir_nat_state(s->record.life)];
}

#define END_BYTES (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* "192.0.2.1:443" or "[2001:db8::1]:443"; port in host order. */
static const char *end_text(const __u8 addr[16], __u16 port, char buf[END_BYTES])
{
	char text[INET6_ADDRSTRLEN];

	addr_text(addr, text, sizeof(text));
	snprintf(buf, END_BYTES, strchr(text, ':') ? "[%s]:%u" : "%s:%u", text, port);
	return buf;
}

static void print_flow(const struct seen_flow *s)
{
	char client[END_BYTES], vip[END_BYTES], source[END_BYTES], backend[END_BYTES];
	const struct weir_nat_flow *r = &s->record;

	printf("%s %s > %s  %s > %s  %s %s  %s, %u s left\n", s->is_udp ? "udp" : "tcp",
	       end_text(r->client, ntohs(r->client_port), client),
	       end_text(r->vip, ntohs(r->vip_port), vip),
	       end_text(r->source, ntohs(r->source_port), source),
	       end_text(s->backend.addr, backend_port(s), backend), s->backend.group,
	       s->backend.name, state_of(s), s->left_s);
}

static json_t *flow_json(const struct seen_flow *s)
{
	char client[INET6_ADDRSTRLEN], vip[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN],
		backend[INET6_ADDRSTRLEN];
	const struct weir_nat_flow *r = &s->record;

	return json_pack(
		"{s:s,s:s,s:i,s:s,s:i,s:s,s:i,s:s,s:i,s:s,s:s,s:s,s:i}", "protocol",
		s->is_udp ? "udp" : "tcp", "client", addr_text(r->client, client, sizeof(client)),
		"client_port", ntohs(r->client_port), "vip", addr_text(r->vip, vip, sizeof(vip)),
		"vip_port", ntohs(r->vip_port), "source",
		addr_text(r->source, source, sizeof(source)), "source_port", ntohs(r->source_port),
		"backend_address", addr_text(s->backend.addr, backend, sizeof(backend)),
		"backend_port", backend_port(s), "group", s->backend.group, "backend",
		s->backend.name, "state", state_of(s), "expires_s", (int)s->left_s);
}

static bool is_wanted(const struct seen_flow *s, const char *group)
{
	return !group || !strcmp(s->backend.group, group);
}

/* A service with a pool has its flows under the pool's name. */
static const char *group_of(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->services_count; i++) {
		if (!strcmp(m->services[i].name, name))
			return m->services[i].pool[0] ? m->services[i].pool : name;
	}
	for (size_t i = 0; i < m->pools_count; i++) {
		if (!strcmp(m->pools[i].name, name))
			return name;
	}
	return NULL;
}

int show_flow(struct command *c, const struct applied *a, const char *name)
{
	const char *group = name ? group_of(&a->model, name) : NULL;
	OWN(close_flows) struct flows f = {};
	json_t *list = json_array();
	size_t shown = 0;

	if (name && !group)
		fail(&c->why, EXIT_NOT_FOUND, "there is no service or pool \"%s\" in force", name);
	if (c->why.message || open_flows(&f, a, &c->why)) {
		json_decref(list);
		return command_failed(c);
	}
	for (size_t i = 0; i < f.count; i++) {
		struct seen_flow seen;

		if (!read_flow(&f, i, &seen) || !is_wanted(&seen, group))
			continue;
		if (c->json)
			json_array_append_new(list, flow_json(&seen));
		else
			print_flow(&seen);
		shown++;
	}
	if (c->json)
		return json_print(json_pack("{s:o}", "flows", list));
	json_decref(list);
	if (!shown)
		printf("No translated flow is open.\n");
	return EXIT_DONE;
}
