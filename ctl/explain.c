// SPDX-License-Identifier: GPL-2.0-or-later
#include "explain.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "own.h"
#include "ranges.h"

bool explain_addr(const struct judge_packet *p, enum weir_field field, __u8 addr[16])
{
	if (!(p->has & 1U << field))
		return false;
	number_addr(p->value[field], addr);
	return true;
}

__u64 explain_base_until(const struct explanation *e)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + e->base_left_s;
}

static bool is_answer(const struct trial_result *r)
{
	return r->has_reason &&
	       (r->reason == WEIR_R_LB_NAT_RETURN || r->reason == WEIR_R_LB_NAT_STACK ||
		r->reason == WEIR_R_LB_NAT_UNKNOWN);
}

/* As a packet, and not an answer in its place. */
static bool is_sent(const struct trial_result *r)
{
	return r->has_reason &&
	       (r->reason == WEIR_R_LB_FORWARD || r->reason == WEIR_R_LB_LOCAL ||
		r->reason == WEIR_R_LB_NAT_RETURN || r->reason == WEIR_R_LB_NAT_STACK);
}

static bool is_filtered(const struct trial_result *r)
{
	if (!r->has_reason)
		return r->fate == WEIR_FATE_DROP;
	switch (r->reason) {
	case WEIR_R_FILTER_DROP:
	case WEIR_R_FILTER_DEFAULT:
	case WEIR_R_FILTER_LIMIT:
	case WEIR_R_FILTER_REJECT:
	case WEIR_R_FILTER_REJECT_LIMITED:
	case WEIR_R_FILTER_REJECT_SILENT:
	case WEIR_R_DECAP_ERROR:
	case WEIR_R_DECAP_ECN:
		return true;
	default:
		return false;
	}
}

const struct judge_packet *explain_balanced(const struct explanation *e)
{
	return e->result.has_reason && e->result.reason == WEIR_R_DECAP ? &e->left : &e->packet;
}

bool explain_is_of_vip(const struct explanation *e, const struct service *s)
{
	return service_has_address(s, explain_balanced(e)->value[WEIR_FIELD_DADDR]);
}

static bool is_vip(const struct explanation *e)
{
	const struct model *m = e->trial->model;

	for (size_t i = 0; i < m->services_count; i++) {
		if (explain_is_of_vip(e, &m->services[i]))
			return true;
	}
	return false;
}

static enum explain_none none_of(const struct explanation *e)
{
	const struct judge_packet *p = explain_balanced(e);

	if (is_filtered(&e->result))
		return EXPLAIN_DECIDED;
	if (!e->trial->interface->balance || e->trial->hook != HOOK_XDP)
		return EXPLAIN_NOT_BALANCED;
	if (is_answer(&e->result))
		return EXPLAIN_ANSWER;
	if (p->has & 1U << WEIR_FIELD_VLAN)
		return EXPLAIN_TAGGED;
	if (!(p->has & 1U << WEIR_FIELD_DADDR))
		return EXPLAIN_NO_ADDRESS;
	if (e->result.has_reason && e->result.reason == WEIR_R_LB_PING)
		return EXPLAIN_PING;
	if (!is_vip(e))
		return EXPLAIN_NO_VIP;
	return e->result.has_reason && e->result.reason == WEIR_R_LB_FRAGMENT ? EXPLAIN_FRAGMENT
									      : EXPLAIN_NO_PORT;
}

static __u64 now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static bool keeps_base(const struct explanation *e)
{
	const struct weir_service *s = &e->choice.service;

	if (e->packet.value[WEIR_FIELD_PROTO] == IPPROTO_UDP)
		return s->udp == WEIR_UDP_TRACK;
	return s->track != WEIR_TRACK_NONE;
}

/* The times of the live service count, not those of the copy, which the packet may have changed. */
static void find_base(struct explanation *e, const struct state *state)
{
	const struct weir_service *s = &e->choice.service;
	__u64 until = s->base_until_s, now = now_s();

	if (!e->choice.has_slot || !(e->choice.ring.current & WEIR_SLOT_MOVED))
		return;
	e->keeps_base = keeps_base(e);
	if (state->image && s->id < state->capacity.services &&
	    state->settle[s->id].base_until_s > until)
		until = state->settle[s->id].base_until_s;
	e->base_left_s = until > now ? until - now : 0;
}

static void find_mac(struct host *host, struct explain_hop *hop)
{
	OWN(host_neighbours_free) struct host_neighbours all = {};
	const struct host_neighbour *found;

	host_neighbours(host, &all);
	found = host_neighbour_find(&all, hop->route.ifindex, hop->route.next_hop);
	hop->has_mac = found && found->is_known;
	if (hop->has_mac)
		memcpy(hop->mac, found->mac, sizeof(hop->mac));
}

static void find_hop(struct host *host, const __u8 addr[16], struct explain_hop *hop)
{
	hop->error = host_route(addr, &hop->route);
	if (hop->error)
		return;
	if (!if_indextoname(hop->route.ifindex, hop->ifname))
		snprintf(hop->ifname, sizeof(hop->ifname), "%u", hop->route.ifindex);
	find_mac(host, hop);
}

static bool differ(const struct judge_packet *a, const struct judge_packet *b)
{
	static const enum weir_field fields[] = { WEIR_FIELD_SADDR, WEIR_FIELD_DADDR,
						  WEIR_FIELD_SPORT, WEIR_FIELD_DPORT };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (a->value[fields[i]] != b->value[fields[i]])
			return true;
	}
	return false;
}

static void find_names(struct explanation *e, struct host *host)
{
	const struct model *m = e->trial->model;
	const struct backend *backends;
	size_t count;

	e->service = &m->services[e->choice.service_index];
	if (!e->choice.has_backend)
		return;
	backends = service_backends(m, e->service, &count);
	e->backend = &backends[e->choice.backend_index];
	find_hop(host, e->choice.backend.addr, &e->hop);
}

int explain(struct trial *t, const struct state *state, struct host *host, const struct frame *in,
	    struct explanation *out, struct failure *why)
{
	OWN_FREE struct frame *left = calloc(1, sizeof(*left));
	struct explanation e = { .trial = t };
	int error;

	if (!left)
		return fail_errno(why, ENOMEM, "cannot explain");
	t->left = left;
	error = trial_forget(t, why) || trial_run(t, in, &e.result, why) ||
		trial_choice(t, &e.choice, why);
	t->left = NULL;
	if (error)
		return -1;
	e.packet = trial_packet(t, in);
	judge_read(left->bytes, left->size, t->ifname, &e.left);
	e.is_sent = is_sent(&e.result);
	e.is_rewritten = e.is_sent && differ(&e.packet, &e.left);
	if (e.choice.has_service)
		find_names(&e, host);
	else
		e.none = none_of(&e);
	find_base(&e, state);
	*out = e;
	return 0;
}
