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

#include "flow_show.h"
#include "own.h"
#include "weir/nat.h"

static const char *const state_names[] = {
#define X(sym, name, idle_s) [WEIR_NAT_##sym] = name,
	WEIR_NAT_STATES(X)
#undef X
};

struct flows {
	const struct weir_nat_flow *records; /* mapped */
	size_t count;
	__u32 now; /* ticks */
};

static void close_flows(struct flows *f)
{
	if (f->records)
		munmap((void *)f->records, f->count * sizeof(*f->records));
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
	return 0;
}

/* One flow, out of a record that may change at any moment. */
struct seen_flow {
	struct weir_nat_flow record;
	const struct flow_backend *backend;
	__u32 left_s;
	bool is_udp;
};

/* Prefixes of addresses in network order. */
static bool holds(const struct prefix *p, const __u8 addr[16])
{
	__u8 whole = p->length / 8, rest = p->length % 8;

	return !memcmp(p->addr, addr, whole) &&
	       (!rest || !((p->addr[whole] ^ addr[whole]) >> (8 - rest)));
}

/* False where the record is nobody's, of a backend that is gone, or not asked for. */
static bool read_flow(const struct flow_view *v, const struct flows *f, size_t index,
		      struct seen_flow *out)
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
	out->backend = flow_backend_wanted(v, id, state_names[weir_nat_state(life)]);
	if (!out->backend ||
	    (v->filter->has_client && !holds(&v->filter->client, out->record.client)))
		return false;
	out->left_s = (__u32)(((__u64)left << WEIR_NAT_TICK_SHIFT) / 1000000000);
	out->is_udp = weir_nat_is_udp(life);
	return true;
}

static __u16 backend_port(const struct seen_flow *s)
{
	return s->backend->port ? s->backend->port : ntohs(s->record.vip_port);
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
	       end_text(s->backend->addr, backend_port(s), backend), s->backend->group,
	       s->backend->name, state_of(s), s->left_s);
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
		"backend_address", addr_text(s->backend->addr, backend, sizeof(backend)),
		"backend_port", backend_port(s), "group", s->backend->group, "backend",
		s->backend->name, "state", state_of(s), "expires_s", (int)s->left_s);
}

int nat_show_flows(struct flow_view *v, struct failure *why)
{
	OWN(close_flows) struct flows f = {};

	if (open_flows(&f, v->applied, why))
		return -1;
	for (size_t i = 0; i < f.count; i++) {
		struct seen_flow seen;

		if (!read_flow(v, &f, i, &seen))
			continue;
		if (v->list)
			json_array_append_new(v->list, flow_json(&seen));
		else
			print_flow(&seen);
		v->shown++;
	}
	return 0;
}
