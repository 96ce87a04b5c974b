// SPDX-License-Identifier: GPL-2.0-or-later
#include "apply_counters.h"

#include "counters.h"
#include "own.h"
#include "weir/latency.h"
#include "weir/reason.h"

static int clear_new(int map, const __u8 *is_new, const __u32 *ids, size_t count)
{
	OWN(counters_close) struct counters c = {};

	for (size_t i = 0; i < count; i++) {
		int error = is_new[i] && !c.mapped ? counters_open(&c, map) : 0;

		if (error)
			return error;
		if (is_new[i])
			counter_zero(&c, ids[i]);
	}
	return 0;
}

static int clear_devices(const struct plan *p, int map)
{
	OWN(counters_close) struct counters c = {};

	for (size_t i = 0; i < p->devices_count; i++) {
		int error = p->devices[i].is_new && !c.mapped ? counters_open(&c, map) : 0;

		if (error)
			return error;
		for (__u32 r = 0; r < WEIR_R_COUNT && p->devices[i].is_new; r++)
			counter_zero(&c, p->devices[i].slot * WEIR_R_COUNT + r);
	}
	return 0;
}

static int clear_timing(__u32 slot, enum weir_direction direction, const struct maps *m)
{
	__u32 row = slot * WEIR_DIR_COUNT + direction;
	int error = counter_clear(m->fd[WEIR_MAP_LOSSES], row);

	if (!error)
		error = counter_clear(m->fd[WEIR_MAP_HEAT_NOW], row);
	for (__u32 column = 0; column < WEIR_HEAT_COLUMNS && !error; column++)
		error = counter_clear(m->fd[WEIR_MAP_HEAT],
				      weir_heat_index(slot, direction, column));
	for (__u32 kind = 0; kind < WEIR_RTT_COUNT && !error; kind++)
		error = counter_clear(m->fd[WEIR_MAP_HISTS],
				      weir_hist_of_device(slot, direction, kind));
	return error;
}

static int clear_hists(const struct plan *p, const struct maps *m)
{
	__u32 of_backends = weir_hist_backend_base(p->capacity.devices);
	size_t backends = model_backends_count(p->model);
	int error = 0;

	for (size_t i = 0; i < backends && p->capacity.hists > 1; i++) {
		if (!p->backend_is_new[i])
			continue;
		for (__u32 h = 0; h < WEIR_BACKEND_HIST_COUNT && !error; h++)
			error = counter_clear(
				m->fd[WEIR_MAP_HISTS],
				weir_hist_of_backend(of_backends, p->backend_ids[i], h));
	}
	for (size_t i = 0; i < p->devices_count && p->capacity.losses > 1; i++) {
		for (__u32 r = 0; r < WEIR_DIR_COUNT && p->devices[i].is_new && !error; r++)
			error = clear_timing(p->devices[i].slot, r, m);
	}
	return error;
}

static int clear_settle(const struct plan *p, int map)
{
	int error = 0;

	for (size_t i = 0; i < p->model->services_count && !error; i++) {
		if (p->service_is_new[i])
			error = counter_clear(map, p->service_ids[i]);
	}
	return error;
}

int clear_counters(const struct plan *p, const struct maps *m, struct failure *why)
{
	int error = clear_new(m->fd[WEIR_MAP_RULES], p->rule_is_new, p->rule_ids,
			      model_rules_count(p->model));

	if (!error)
		error = clear_new(m->fd[WEIR_MAP_BACKENDS], p->backend_is_new, p->backend_ids,
				  model_backends_count(p->model));
	if (!error)
		error = clear_new(m->fd[WEIR_MAP_SERVICES], p->service_is_new, p->service_ids,
				  p->model->services_count);
	if (!error)
		error = clear_settle(p, m->fd[WEIR_MAP_SETTLE]);
	if (!error)
		error = clear_devices(p, m->fd[WEIR_MAP_REASONS]);
	if (!error)
		error = clear_hists(p, m);
	return error ? fail_errno(why, error, "cannot clear a counter") : 0;
}

static int carry_timing(const struct capacity *was, const int *from, const struct capacity *now,
			const int *to)
{
	__u32 base = weir_hist_backend_base(was->devices);
	int error = counters_copy(from[WEIR_MAP_HISTS], 0, to[WEIR_MAP_HISTS], 0, base);

	if (!error)
		error = counters_copy(from[WEIR_MAP_HISTS], base, to[WEIR_MAP_HISTS],
				      weir_hist_backend_base(now->devices),
				      was->backends * WEIR_BACKEND_HIST_COUNT);
	if (!error)
		error = counters_copy(from[WEIR_MAP_LOSSES], 0, to[WEIR_MAP_LOSSES], 0,
				      was->losses);
	return error;
}

int carry_counters(const struct state *s, const struct maps *to, const struct capacity *now,
		   struct failure *why)
{
	const struct capacity *was = &s->capacity;
	const int *from = s->maps.fd;
	int error;

	if (!s->image)
		return 0;
	error = counters_carry(from[WEIR_MAP_REASONS], to->fd[WEIR_MAP_REASONS],
			       was->devices * WEIR_R_COUNT);
	if (!error)
		error = counters_carry(from[WEIR_MAP_RULES], to->fd[WEIR_MAP_RULES], was->rules);
	if (!error)
		error = counters_carry(from[WEIR_MAP_BACKENDS], to->fd[WEIR_MAP_BACKENDS],
				       was->backends);
	if (!error)
		error = counters_carry(from[WEIR_MAP_SERVICES], to->fd[WEIR_MAP_SERVICES],
				       was->services);
	if (!error && was->hists > 1)
		error = carry_timing(was, from, now, to->fd);
	return error ? fail_errno(why, error, "cannot carry the counters over") : 0;
}
