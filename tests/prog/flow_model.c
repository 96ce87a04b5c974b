// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_model.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "maglev.h"
#include "packet.h"
#include "weir/balance.h"

/* Last: cmocka has a macro fail() of its own. */
#include "../unit/test_main.h"

#define BACKENDS_MOST 64
#define NOBODY (-1)

#define HALF_OPEN_S 120
#define REUSE_S 2
#define GRACE_S 2

struct slot {
	int base, current; /* numbers of backends, or NOBODY */
	bool moved;
};

struct ring {
	char service[NAME_BYTES];
	struct slot slot[WEIR_RING_SLOTS];
	bool has_base; /* some slot moved */
	__u64 base_until_s;
	struct ring *next;
};

enum state { OPENING, FOUND, OPEN, CLOSING };

struct pin {
	char service[NAME_BYTES];
	struct flow flow;
	int backend;
	enum state state;
	__u64 seen_s;
	__u64 life_s;
	struct pin *next;
};

struct flow_model {
	const struct model *m;
	struct ring *rings;
	struct pin *pins;
};

struct flow_model *flow_model_new(void)
{
	struct flow_model *fm = calloc(1, sizeof(*fm));

	assert_non_null(fm);
	return fm;
}

void flow_model_free(struct flow_model *fm)
{
	while (fm->rings) {
		struct ring *r = fm->rings;

		fm->rings = r->next;
		free(r);
	}
	while (fm->pins) {
		struct pin *p = fm->pins;

		fm->pins = p->next;
		free(p);
	}
	free(fm);
}

static int number_of(const struct backend *b)
{
	return atoi(b->name + 1);
}

static bool service_has(const struct model *m, const struct service *s, int backend)
{
	const struct backend *backends;
	size_t count;

	backends = service_backends(m, s, &count);
	for (size_t i = 0; i < count; i++) {
		if (number_of(&backends[i]) == backend)
			return true;
	}
	return false;
}

bool flow_model_has(const struct flow_model *fm, int backend)
{
	for (size_t i = 0; i < fm->m->services_count; i++) {
		if (service_has(fm->m, &fm->m->services[i], backend))
			return true;
	}
	return false;
}

/* What the ring says of every slot. */
static void deal(const struct model *m, const struct service *s, int *now)
{
	const struct backend *backends;
	const char *names[BACKENDS_MOST];
	static __u32 table[WEIR_RING_SLOTS];
	__u16 weights[BACKENDS_MOST];
	size_t count;
	int error;

	backends = service_backends(m, s, &count);
	assert_true(count <= BACKENDS_MOST);
	for (size_t i = 0; i < count; i++) {
		names[i] = backends[i].name;
		weights[i] = backends[i].drain ? 0 : backends[i].weight;
	}
	error = maglev_fill(names, weights, (__u32)count, table, WEIR_RING_SLOTS);
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++)
		now[i] = error ? NOBODY : number_of(&backends[table[i]]);
}

static struct ring *ring_of(struct flow_model *fm, const char *service)
{
	for (struct ring *r = fm->rings; r; r = r->next) {
		if (!strcmp(r->service, service))
			return r;
	}
	return NULL;
}

/* Returns whether it moved. */
static bool change_slot(struct slot *slot, int now, bool base_counts, bool base_lives,
			bool current_lives)
{
	bool moves = now != slot->current;

	if (!base_counts)
		slot->base = current_lives ? slot->current : now;
	else if (!base_lives)
		slot->base = now;
	slot->moved = slot->moved || moves;
	slot->current = now;
	return moves;
}

static void change_ring(struct flow_model *fm, struct ring *r, const struct service *s, __u64 now_s)
{
	static int now[WEIR_RING_SLOTS];
	bool moved = false;

	deal(fm->m, s, now);
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++) {
		struct slot *slot = &r->slot[i];
		bool base_counts = slot->moved && now_s <= r->base_until_s;

		moved |= change_slot(slot, now[i], base_counts, service_has(fm->m, s, slot->base),
				     service_has(fm->m, s, slot->current));
	}
	if (moved)
		r->base_until_s = now_s + s->settle_s;
}

static void new_ring(struct flow_model *fm, const struct service *s)
{
	struct ring *r = calloc(1, sizeof(*r));
	static int now[WEIR_RING_SLOTS];

	assert_non_null(r);
	strcpy(r->service, s->name);
	deal(fm->m, s, now);
	for (size_t i = 0; i < WEIR_RING_SLOTS; i++)
		r->slot[i] = (struct slot){ .base = now[i], .current = now[i] };
	r->next = fm->rings;
	fm->rings = r;
}

static const struct service *service_named(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->services_count; i++) {
		if (!strcmp(m->services[i].name, name))
			return &m->services[i];
	}
	return NULL;
}

void flow_model_apply(struct flow_model *fm, const struct model *m, __u64 now_s)
{
	fm->m = m;
	for (struct ring **r = &fm->rings; *r;) {
		struct ring *gone = *r;

		if (service_named(m, gone->service)) {
			r = &gone->next;
			continue;
		}
		*r = gone->next;
		free(gone);
	}
	for (size_t i = 0; i < m->services_count; i++) {
		struct ring *r = ring_of(fm, m->services[i].name);

		if (r)
			change_ring(fm, r, &m->services[i], now_s);
		else
			new_ring(fm, &m->services[i]);
	}
}

static const struct service *service_of(const struct model *m, const struct flow *f)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		for (size_t a = 0; a < s->addrs_count; a++) {
			for (size_t p = 0; p < s->ports_count; p++) {
				if (!memcmp(s->addrs[a].addr, f->dst, 16) &&
				    s->ports[p].proto == f->proto &&
				    f->dport >= s->ports[p].first && f->dport <= s->ports[p].last)
					return s;
			}
		}
	}
	return NULL;
}

static void mask_bytes(__u8 addr[16], __u32 bits)
{
	for (__u32 i = 0; i < 128; i++) {
		if (i >= bits)
			addr[i / 8] &= (__u8) ~(0x80 >> i % 8);
	}
}

static __u32 slot_of(const struct service *s, const struct flow *f)
{
	bool is_v4 = addr_is_v4(f->src);
	__u64 src[2], dst[2];
	__u8 addr[16];

	memcpy(addr, f->src, 16);
	memcpy(dst, f->dst, 16);
	if (s->hash == WEIR_HASH_SOURCE) {
		mask_bytes(addr, is_v4 ? 96 + s->hash_v4_bits : s->hash_v6_bits);
		memcpy(src, addr, 16);
		return weir_ring_position(src[0], src[1], 0, 0, 0, 0, 0);
	}
	memcpy(src, addr, 16);
	return weir_ring_position(src[0], src[1], dst[0], dst[1], htons(f->sport), htons(f->dport),
				  f->proto);
}

static bool same_flow(const struct flow *a, const struct flow *b)
{
	return !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16) && a->sport == b->sport &&
	       a->dport == b->dport && a->proto == b->proto;
}

/* The live pin of a flow; dead ones are forgotten. */
static struct pin *pin_of(struct flow_model *fm, const struct service *s, const struct flow *f,
			  __u64 now_s)
{
	for (struct pin **p = &fm->pins; *p;) {
		struct pin *pin = *p;

		if (now_s - pin->seen_s > pin->life_s) {
			*p = pin->next;
			free(pin);
			continue;
		}
		if (!strcmp(pin->service, s->name) && same_flow(&pin->flow, f))
			return pin;
		p = &pin->next;
	}
	return NULL;
}

static __u64 round_up(__u64 s)
{
	__u64 power = 1;

	while (power < s)
		power *= 2;
	return power;
}

static __u64 life_of(enum state state, const struct service *s, const struct flow *f)
{
	__u64 idle = f->proto == IPPROTO_TCP ? s->settle_s : s->udp_idle_s;

	if ((state == OPENING || state == CLOSING) && idle > HALF_OPEN_S)
		idle = HALF_OPEN_S;
	return round_up(idle);
}

static enum state next_state(const struct pin *pin, __u8 flags, bool has_data, __u64 now_s)
{
	bool later = now_s != pin->seen_s;

	if (pin->flow.proto != IPPROTO_TCP)
		return pin->state == FOUND && later ? OPEN : pin->state;
	if (flags & (FIN | RST))
		return CLOSING;
	if (flags & SYN)
		return pin->state;
	switch (pin->state) {
	case OPENING:
		return OPEN;
	case FOUND:
		return later ? OPEN : FOUND;
	case CLOSING:
		return has_data ? OPEN : CLOSING;
	default:
		return OPEN;
	}
}

static void make_pin(struct flow_model *fm, struct pin *old, const struct service *s,
		     const struct flow *f, int backend, enum state state, __u64 now_s)
{
	struct pin *pin = old;

	if (!pin) {
		pin = calloc(1, sizeof(*pin));
		assert_non_null(pin);
		strcpy(pin->service, s->name);
		pin->flow = *f;
		pin->next = fm->pins;
		fm->pins = pin;
	}
	pin->backend = backend;
	pin->state = state;
	pin->seen_s = now_s;
	pin->life_s = life_of(state, s, f);
}

static int without_pin(struct flow_model *fm, struct pin *dead, const struct service *s,
		       const struct flow *f, __u8 flags, __u64 now_s)
{
	const struct ring *r = ring_of(fm, s->name);
	const struct slot *slot = &r->slot[slot_of(s, f)];
	bool is_tcp = f->proto == IPPROTO_TCP, is_syn = is_tcp && (flags & (SYN | ACK)) == SYN;
	bool tracks = is_tcp ? s->track == WEIR_TRACK_ALL : s->udp == WEIR_UDP_TRACK;
	bool base_counts = slot->moved && now_s <= r->base_until_s && slot->base != NOBODY;
	int backend = slot->current;

	if (is_tcp && s->track == WEIR_TRACK_NONE)
		base_counts = false;
	if (is_tcp && !is_syn && base_counts)
		backend = slot->base;
	if (backend == NOBODY)
		return FLOW_NO_BACKEND;
	if (!tracks && (!slot->moved || now_s >= r->base_until_s + GRACE_S))
		return backend;
	if (!tracks && (!is_tcp || s->track == WEIR_TRACK_NONE))
		return backend;
	if (!(is_tcp && flags & (FIN | RST)))
		make_pin(fm, dead, s, f, backend, is_syn ? OPENING : FOUND, now_s);
	return backend;
}

int flow_model_packet(struct flow_model *fm, const struct flow *f, __u8 flags, bool has_data,
		      __u64 now_s)
{
	const struct service *s = service_of(fm->m, f);
	bool is_tcp = f->proto == IPPROTO_TCP, is_syn = is_tcp && (flags & (SYN | ACK)) == SYN;
	struct pin *pin;

	if (!s)
		return FLOW_NOT_OURS;
	if (is_tcp ? s->track == WEIR_TRACK_NONE : s->udp != WEIR_UDP_TRACK)
		return without_pin(fm, NULL, s, f, flags, now_s);
	pin = pin_of(fm, s, f, now_s);
	if (!pin || !service_has(fm->m, s, pin->backend) ||
	    (is_syn && pin->state == CLOSING && now_s - pin->seen_s >= REUSE_S))
		return without_pin(fm, pin, s, f, flags, now_s);
	pin->state = next_state(pin, flags, has_data, now_s);
	pin->seen_s = now_s;
	pin->life_s = life_of(pin->state, s, f);
	return pin->backend;
}

bool flow_model_begins(struct flow_model *fm, const struct flow *f, int went, __u64 now_s)
{
	const struct service *s = service_of(fm->m, f);
	struct pin *pin = s ? pin_of(fm, s, f, now_s) : NULL;
	const struct ring *r = s ? ring_of(fm, s->name) : NULL;

	if (!r || r->slot[slot_of(s, f)].current != went)
		return false;
	if (pin)
		make_pin(fm, pin, s, f, went, OPENING, now_s);
	return true;
}
