// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ahead.h"
#include "counters.h"
#include "exits.h"
#include "image.h"
#include "nat.h"
#include "netns.h"
#include "note.h"
#include "own.h"
#include "plan_compare.h"
#include "plan_devices.h"
#include "plan_ids.h"
#include "plan_routes.h"
#include "plan_sets.h"
#include "stack.h"
#include "stored.h"
#include "weir/latency.h"
#include "weir/path.h"

/* Smallest sizes, so that small changes of a small configuration fit in place. */
#define IMAGE_BYTES_MIN (1U << 20)
#define DEVICES_MIN 16
#define RULES_MIN 1024
#define BACKENDS_MIN 64
#define SERVICES_MIN 16
#define RINGS_MIN 4
/* More than this many crowded rings have one cause, and it has been said. */
#define SAY_CROWDED 3
/* 262,144 sources, 4 MiB. */
#define LIMIT_SETS (1U << 16)
/* 262,144 connections, 8 MiB. */
#define CONN_SETS (1U << 16)
/* 524,288 flows of slots that move, 8 MiB. */
#define PIN_SETS (1U << 17)
/* Where all are pinned: 2,097,152, 32 MiB. */
#define PIN_SETS_ALL (1U << 19)
/* Where only fragments leave notes: 16,384 of them in half a minute, 256 KiB. */
#define PIN_SETS_FRAGMENTS (1U << 12)
/* 1,600 packets. */
#define LOG_BYTES (1U << 18)
#define LOG_BYTES_MIN 4096
/* 16,384 packets on their way, 3 MiB. */
#define PATH_SETS (1U << 13)
#define PATH_PAIRS ((__u32)WEIR_PATH_PAIRS * WEIR_PATH_COUNT)
/* 1,400 slow packets. */
#define SLOW_BYTES (1U << 18)

void plan_close(struct plan *p)
{
	plan_sets_free(p);
	needs_free(&p->needs);
	if (!p->old_is_borrowed)
		model_free(&p->old);
	attachments_close(&p->attached);
	free(p->devices);
	free(p->links);
	free(p->leaving);
	free(p->rule_ids);
	free(p->rule_is_new);
	free(p->backend_ids);
	free(p->backend_is_new);
	free(p->service_ids);
	free(p->service_is_new);
	rings_free(&p->rings);
	free(p->routes);
	free(p->image);
	free(p->diff_text);
	*p = (struct plan){};
}

static __u32 power_of_two(__u32 at_least, __u32 wanted)
{
	while (at_least < wanted)
		at_least *= 2;
	return at_least;
}

static __u32 larger(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static bool wants(const struct plan *p, __u32 stages)
{
	for (size_t i = 0; i < p->devices_count; i++) {
		if (p->devices[i].stages & stages)
			return true;
	}
	return false;
}

/* As many as the configuration says, also where that is fewer than there were. */
static __u32 timed_sets(const struct plan *p, __u32 (*sets)(__u32 flows), __u32 have)
{
	return wants(p, 1U << WEIR_STAGE_MEASURE) ? sets(latency_flows(p->model)) : larger(have, 1);
}

static __u32 pin_sets(__u32 services)
{
	if (services & 1U << WEIR_NEED_TRACK)
		return PIN_SETS_ALL;
	if (services & (1U << WEIR_NEED_PINS | 1U << WEIR_NEED_SYNCOOKIE))
		return PIN_SETS;
	return services ? PIN_SETS_FRAGMENTS : 1;
}

/* Services count in buckets of sources, as they have no rule's. */
static __u32 limit_sets(const struct needs *n)
{
	if (n->services & (1U << WEIR_NEED_LIMIT | 1U << WEIR_NEED_SYNCOOKIE))
		return LIMIT_SETS;
	return n->in_use & NEED_LIMIT_SOURCES ? LIMIT_SETS : 1;
}

/* Of what the stack's hooks record. */
static void choose_path(struct plan *p, const struct capacity *have)
{
	bool path = wants(p, 1U << WEIR_STAGE_PATH), loss = wants(p, 1U << WEIR_STAGE_LOSS);
	bool slow = path || wants(p, 1U << WEIR_STAGE_MEASURE);
	struct capacity *c = &p->capacity;

	c->path_sets = larger(have->path_sets, path ? PATH_SETS : 1);
	c->path_pairs = larger(have->path_pairs, path ? PATH_PAIRS : 1);
	c->slow_bytes = larger(have->slow_bytes, slow ? SLOW_BYTES : LOG_BYTES_MIN);
	c->drops = larger(have->drops, loss ? WEIR_DROPS_MOST : 1);
	c->retransmit_sets = larger(have->retransmit_sets, loss ? WEIR_RETRANSMIT_SETS : 1);
	c->process_sets = larger(have->process_sets, loss ? WEIR_PROCESS_SETS : 1);
}

/* Everything but the sizes of image and rings, which are known when they are built. */
static int choose_capacity(struct plan *p, const struct state *s, struct failure *why)
{
	const struct capacity *have = &s->capacity;
	long rules = plan_rule_ids(&p->old, s->image, p->model, &p->rule_ids, &p->rule_is_new);
	long backends =
		plan_backend_ids(&p->old, s->image, p->model, &p->backend_ids, &p->backend_is_new);
	long services =
		plan_service_ids(&p->old, s->image, p->model, &p->service_ids, &p->service_is_new);
	__u32 slots = 0, needs = p->needs.in_use;

	if (rules < 0 || backends < 0 || services < 0)
		return fail_errno(why, ENOMEM, "cannot plan");
	for (size_t i = 0; i < p->devices_count; i++)
		slots = larger(slots, p->devices[i].slot + 1);
	if (slots > WEIR_MAX_IFACES)
		return fail(why, EXIT_USAGE, "%u interfaces are too many; the limit is %u", slots,
			    WEIR_MAX_IFACES);
	p->capacity = (struct capacity){
		.devices = larger(have->devices, power_of_two(DEVICES_MIN, slots)),
		.rules = larger(have->rules, power_of_two(RULES_MIN, rules)),
		.backends = larger(have->backends, power_of_two(BACKENDS_MIN, backends)),
		.flow_sets = timed_sets(p, weir_flow_sets, have->flow_sets),
		.stamp_sets = timed_sets(p, weir_stamp_sets, have->stamp_sets),
		.prefix_sets = larger(1, latency_prefixes(p->model) / WEIR_PREFIX_WAYS),
		.limit_sets = larger(have->limit_sets, limit_sets(&p->needs)),
		.conn_sets = larger(have->conn_sets, needs & NEED_TRACK ? CONN_SETS : 1),
		.services = larger(have->services, power_of_two(SERVICES_MIN, services)),
		.pin_sets = larger(have->pin_sets, pin_sets(p->needs.services)),
		.nat_sets = larger(have->nat_sets, nat_is_used(p->model) ? NAT_SETS : 1),
		.nat_flows = larger(have->nat_flows, nat_is_used(p->model) ? NAT_RECORDS : 1),
		.log_bytes = larger(have->log_bytes, needs & NEED_LOG ? LOG_BYTES : LOG_BYTES_MIN),
		.counting_cpus = counters_cpus(),
	};
	choose_path(p, have);
	/* Buckets of rules go by the rule's id; maps_capacity() relies on it. */
	if (needs & NEED_LIMIT || p->capacity.limit_sets > 1 || have->limit_base)
		p->capacity.limit_base = p->capacity.rules;
	p->capacity.losses = p->capacity.flow_sets > 1 ? p->capacity.devices * WEIR_DIR_COUNT : 1;
	p->capacity.hists = p->capacity.flow_sets > 1
				    ? weir_hists_count(p->capacity.devices, p->capacity.backends)
				    : 1;
	return 0;
}

static __u32 rings_room(__u32 wanted)
{
	/* Some to spare: a change puts its rings beside those in force. */
	return power_of_two(RINGS_MIN, wanted) > 64 ? (wanted + wanted / 8 + 63) / 64 * 64
						    : power_of_two(RINGS_MIN, wanted + 1);
}

/* A share is whole slots: with fewer than a hundred for each backend it gets coarse. */
static void say_crowded(const struct model *m)
{
	size_t crowded = 0;

	for (size_t g = 0; g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);
		size_t live = 0;

		for (size_t i = 0; i < group.backends_count; i++)
			live += !group.backends[i].drain && group.backends[i].weight;
		if (live <= WEIR_RING_SLOTS / 100 || crowded++ >= SAY_CROWDED)
			continue;
		note("%s %s: %zu backends share the %d slots of a ring; a slot more or less, which "
		     "no weight can avoid, is %.1f %% of the mean share",
		     group.is_pool ? "pool" : "service", group.name, live, WEIR_RING_SLOTS,
		     100.0 * (double)live / WEIR_RING_SLOTS);
	}
	if (crowded > SAY_CROWDED)
		note("and %zu more like it", crowded - SAY_CROWDED);
}

static int make_rings(struct plan *p, const struct state *s, struct failure *why)
{
	struct ring_past past = {
		.image = s->image,
		.rings = s->rings,
		.state = s,
		.settle = s->settle,
		.settle_count = s->capacity.services,
	};
	struct timespec now;
	int error;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	past.now_s = now.tv_sec;
	error = rings_make(p->model, p->service_ids, p->backend_ids, &past, &p->rings);
	if (error == -E2BIG)
		return fail(why, EXIT_USAGE,
			    "the services have more than %u different rings, old and new, of 256 "
			    "KiB each; let services share pools, or divide them among instances",
			    WEIR_MAX_RINGS);
	if (error)
		return fail_errno(why, error, "cannot make the rings");
	say_crowded(p->model);
	p->capacity.rings = s->capacity.rings;
	if (p->capacity.rings < p->rings.room)
		p->capacity.rings = p->model->services_count ? rings_room(p->rings.room) : 1;
	return 0;
}

static struct image_device *image_devices(const struct plan *p)
{
	struct image_device *devices = calloc(p->devices_count + 1, sizeof(*devices));

	for (size_t i = 0; devices && i < p->devices_count; i++)
		devices[i] = (struct image_device){
			.slot = p->devices[i].slot,
			.ifindex = p->devices[i].link.ifindex,
			.name = p->devices[i].link.name,
			.egress = p->devices[i].config->filter_egress,
			.stages = p->devices[i].stages,
			.filter = p->devices[i].config->filter,
			.sample_mask = (p->devices[i].config->path_sample ?: 1) - 1,
		};
	return devices;
}

static struct host_route *image_routes(const struct plan *p)
{
	size_t count = model_backends_count(p->model);
	struct host_route *routes = calloc(count + 1, sizeof(*routes));

	for (size_t i = 0; routes && i < count; i++)
		routes[i] = p->routes[i].route;
	return routes;
}

/* For the new image, and for the old one with a table of devices that has grown. */
static __u32 room_for(const struct plan *p, const struct state *s)
{
	__u32 table = p->capacity.devices * sizeof(struct weir_device);

	return larger(p->image_bytes, s->image ? s->image->bytes + table : 0);
}

/* The same in all generations, or a hash would not find what it left. */
static void choose_secret(const struct state *s, __u64 secret[2])
{
	if (s->image && (s->image->secret[0] || s->image->secret[1]))
		memcpy(secret, s->image->secret, sizeof(s->image->secret));
	else if (getrandom(secret, 2 * sizeof(*secret), 0) < 0)
		note("no randomness: %s; hashes can be guessed", strerror(errno));
}

static size_t values_count(const struct filter *f)
{
	size_t count = 0;

	for (size_t r = 0; r < f->rules_count; r++) {
		for (int field = 0; field < WEIR_FIELD_COUNT; field++)
			count += f->rules[r].match[field].ranges_count;
	}
	return count;
}

int plan_image_failed(const struct model *m, int error, struct failure *why)
{
	const struct filter *largest = NULL;
	size_t most = 0;

	if (error != -E2BIG)
		return fail_errno(why, error, "cannot build the image");
	for (size_t i = 0; i < m->filters_count; i++) {
		size_t values = values_count(&m->filters[i]);

		if (values < most)
			continue;
		largest = &m->filters[i];
		most = values;
	}
	if (!largest)
		return fail(why, EXIT_USAGE,
			    "the services take more than %u MiB, the most that weir loads; divide "
			    "them among instances",
			    WEIR_MAX_IMAGE_BYTES >> 20);
	return fail(why, EXIT_USAGE,
		    "the configuration takes more than %u MiB, the most that weir loads; most of "
		    "it is filter %s, line %u, with %zu rules and %zu values: move long lists of "
		    "addresses to sets, which have memory of their own",
		    WEIR_MAX_IMAGE_BYTES >> 20, largest->name, largest->loc.line,
		    largest->rules_count, most);
}

static int build(struct plan *p, const struct state *s, struct failure *why)
{
	OWN_FREE struct image_device *devices = image_devices(p);
	OWN_FREE struct host_route *routes = image_routes(p);
	OWN_FREE struct weir_vlan *vlans = NULL;
	OWN_FREE range *locals = NULL;
	OWN_FREE char *config = NULL;
	struct image_spec spec = {
		.model = p->model,
		.devices = devices,
		.devices_count = p->devices_count,
		.device_slots = p->capacity.devices,
		.rule_ids = p->rule_ids,
		.backend_ids = p->backend_ids,
		.service_ids = p->service_ids,
		.rings = &p->rings,
		.set_slots = p->set_slots,
		.routes = routes,
		.generation = s->image ? s->image->generation + 1 : 1,
		.applied_s = time(NULL),
		.nat_ports = NAT_PORTS_DEFAULT,
	};
	int error;

	if (nat_is_used(p->model) && nat_ports_read(&spec.nat_ports, why))
		return -1;
	if (netns_cookie(&spec.netns, why))
		return -1;
	choose_secret(s, spec.secret);
	spec.config = stored_text(p->model, &config, &spec.config_bytes);
	vlans = exits_vlans(p, &spec.vlans_count);
	if (!devices || !routes || !spec.config || !vlans)
		return fail_errno(why, ENOMEM, "cannot plan");
	spec.vlans = vlans;
	if (host_locals(p->host, &locals, &spec.locals_count, why))
		return -1;
	spec.locals = locals;
	error = image_build(&spec, &p->image, &p->image_bytes);
	if (error)
		return plan_image_failed(p->model, error, why);
	p->capacity.image_bytes =
		larger(s->capacity.image_bytes, power_of_two(IMAGE_BYTES_MIN, room_for(p, s)));
	p->rebuilds = !s->image || memcmp(&p->capacity, &s->capacity, sizeof(p->capacity)) != 0;
	return 0;
}

/* What becomes of the hooks in the stack. */
static int choose_stack(struct plan *p, const struct state *s, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;
	__u32 wanted = p->image->path_stages;

	if (stack_read(s, &p->capacity, s->image_map_id, &stack, why))
		return -1;
	p->stack_leaves = stack.found & ~wanted;
	p->stack_loads = p->rebuilds ? wanted : wanted & ~stack.fit;
	return 0;
}

static int old_model(struct plan *p, const struct state *s, const struct plan_scope *scope,
		     struct failure *why)
{
	if (scope && scope->old) {
		p->old = *scope->old;
		p->old_is_borrowed = true;
		return 0;
	}
	return ahead_take(s->ahead, s->image, &p->old) ? 0 : stored_model(s->image, &p->old, why);
}

int plan_make(struct plan *p, const struct state *s, struct host *host, const struct model *model,
	      const struct plan_scope *scope, struct failure *why)
{
	OWN(comparison_close) struct comparison comparison = { .plan = p };

	*p = (struct plan){ .model = model, .host = host };
	if (needs_find(&p->needs, model))
		return fail_errno(why, ENOMEM, "cannot plan");
	if (old_model(p, s, scope, why) || attachments_read(s, &p->attached, why) ||
	    find_devices(p, s, scope, why) || choose_capacity(p, s, why) ||
	    plan_sets(p, s, scope, why) ||
	    plan_routes(p, scope && scope->keeps_routes ? s->image : NULL, why) ||
	    make_rings(p, s, why) || comparison_begin(&comparison, why) || build(p, s, why))
		return -1;
	if (choose_steps(p, s, why) || choose_stack(p, s, why) || check_host(p, s, why))
		return -1;
	comparison_end(&comparison, s);
	return 0;
}

unsigned int plan_loads(const struct plan *p)
{
	unsigned int loads = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		loads += !!(p->stack_loads & stack_hooks[i].group);
	for (size_t i = 0; i < p->devices_count; i++) {
		for (int hook = 0; hook < HOOK_COUNT; hook++) {
			enum step step = p->devices[i].hook[hook].step;

			loads += step == STEP_ATTACH || step == STEP_UPDATE || step == STEP_REPLACE;
		}
	}
	return loads;
}

bool plan_is_empty(const struct plan *p)
{
	const struct diff_count *d = &p->diff;

	return !plan_loads(p) && !p->leaving_count && !p->stack_leaves && !p->rebuilds &&
	       !d->added && !d->changed && !d->removed;
}
