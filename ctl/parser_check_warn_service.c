// SPDX-License-Identifier: GPL-2.0-or-later
/* Services and pools that are allowed and hardly meant. */
#include "parser_check_service.h"

static bool balances(const struct model *m)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].balance)
			return true;
	}
	return false;
}

static bool takes_returns(const struct model *m)
{
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].takes_returns)
			return true;
	}
	return false;
}

static bool forwards_locally(const struct model *m)
{
	for (size_t i = 0; i < m->services_count; i++) {
		if (m->services[i].forward == WEIR_FORWARD_LOCAL)
			return true;
	}
	return false;
}

static bool is_used(const struct model *m, size_t pool)
{
	for (size_t i = 0; i < m->services_count; i++) {
		if (m->services[i].pool[0] && m->services[i].pool_index == pool)
			return true;
	}
	return false;
}

static bool gets_flows(const struct backend *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!list[i].drain && list[i].weight)
			return true;
	}
	return false;
}

static void warn_backends(struct build *b, const struct service *s)
{
	const char *fate = s->empty == WEIR_EMPTY_REJECT ? "rejected" : "dropped";
	size_t count;
	const struct backend *list = service_backends(&b->model, s, &count);

	if (!count)
		build_warn(b, s->loc, NULL,
			   "service %s has no backend, so its packets are %s; add \"backend NAME "
			   "ADDR\"",
			   s->name, fate);
	else if (!gets_flows(list, count))
		build_warn(
			b, s->loc, NULL,
			"all backends of service %s are drained or have weight 0, so new flows are "
			"%s; give one a weight",
			s->name, fate);
}

/* IDs of a pool may be another service's, that has "udp quic". */
static void warn_quic_id(struct build *b, const struct service *s)
{
	for (size_t i = 0; i < s->backends_count && s->udp != WEIR_UDP_QUIC; i++) {
		if (!s->backends[i].has_quic_id)
			continue;
		build_warn(b, s->backends[i].loc, NULL,
			   "backend %s has a quic-id, which service %s does not look at; add \"udp "
			   "quic\"",
			   s->backends[i].name, s->name);
		return;
	}
}

void check_warn_services(struct build *b)
{
	const struct model *m = &b->model;

	for (size_t i = 0; i < m->pools_count; i++) {
		if (!is_used(m, i))
			build_warn(b, m->pools[i].loc, NULL,
				   "no service uses pool %s; write \"backends %s\" in one",
				   m->pools[i].name, m->pools[i].name);
	}
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *s = &m->services[i];

		if (!balances(m)) {
			build_warn(b, s->loc, NULL,
				   "no interface balances service %s; write \"balance\" in one",
				   s->name);
			continue;
		}
		warn_backends(b, s);
		warn_quic_id(b, s);
		if (service_limits_tcp_alone(s))
			build_warn(b, setting_loc(b, s, SERVICE_LIMIT), NULL,
				   "service %s remembers no flows of UDP, so \"limit\" counts its "
				   "TCP alone; write \"udp track 30s\" to limit UDP as well",
				   s->name);
		if (s->forward == WEIR_FORWARD_LOCAL && !takes_returns(m))
			build_warn(
				b, s->loc, NULL,
				"service %s forwards locally, but no interface has \"return\", so "
				"answers would keep the backend's address; write it in the "
				"backends' host-side veth",
				s->name);
	}
	for (size_t i = 0; i < m->interfaces_count; i++) {
		if (m->interfaces[i].takes_returns && !forwards_locally(m))
			build_warn(
				b, m->interfaces[i].loc, NULL,
				"interface %s has \"return\", but no service has \"forward local\"",
				m->interfaces[i].pattern);
	}
}
