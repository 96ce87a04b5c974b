// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making the copy.
 */
#include "trial.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image.h"
#include "interface_name.h"
#include "own.h"
#include "plan.h"
#include "plan_exprs.h"
#include "plan_sets.h"
#include "weir/latency.h"

/* A few thousand sources: a capture has seldom more. */
#define LIMIT_SETS 1024

static void unmap(struct trial_counters *c)
{
	if (c->mapped)
		munmap((void *)c->mapped, c->bytes);
}

void trial_close(struct trial *t)
{
	unmap(&t->rules);
	unmap(&t->reasons);
	own_close(&t->program);
	maps_close(&t->maps);
	free(t->rule_ids);
	free(t->rules_before);
	free(t->rules_now);
}

const char *trial_only_device(const struct model *m, struct failure *why)
{
	if (m->interfaces_count == 1 && !interface_name_is_pattern(m->interfaces[0].pattern))
		return m->interfaces[0].pattern;
	fail(why, EXIT_USAGE, "say with --dev which interface the packet comes in at");
	return NULL;
}

/* The hook that decides about a packet of this direction. */
static enum hook hook_of(const struct interface *i, enum trial_direction direction)
{
	if (direction == TRIAL_EGRESS)
		return HOOK_EGRESS;
	return i->xdp != XDP_MODE_NONE ? HOOK_XDP : HOOK_INGRESS;
}

/* The filter's ids, from the image's table of all rules. */
static int find_filter(struct trial *t, const struct weir_image *image)
{
	const char *name =
		t->hook == HOOK_EGRESS ? t->interface->filter_egress : t->interface->filter;
	const struct weir_rule *rule = IMAGE_AT(image, image->rules_offset, struct weir_rule);
	const struct filter *f = NULL;

	for (size_t i = 0; i < t->model->filters_count; i++) {
		f = &t->model->filters[i];
		if (!strcmp(f->name, name))
			break;
		rule += f->rules_count + 1;
		f = NULL;
	}
	t->filter = f;
	if (!f)
		return 0;
	t->rule_ids = calloc(f->rules_count + 1, sizeof(*t->rule_ids));
	if (!t->rule_ids)
		return -ENOMEM;
	for (size_t i = 0; i <= f->rules_count; i++)
		t->rule_ids[i] = rule[i].id;
	return 0;
}

static int begin(struct trial *t, const struct model *model, const char *ifname,
		 enum trial_direction direction, struct failure *why)
{
	t->model = model;
	t->interface = interface_for(model, ifname);
	if (!t->interface)
		return fail(why, EXIT_NOT_FOUND,
			    "%s: the configuration has no interface block for "
			    "it",
			    ifname);
	snprintf(t->ifname, sizeof(t->ifname), "%s", ifname);
	t->ifindex = if_nametoindex(ifname);
	t->hook = hook_of(t->interface, direction);
	return 0;
}

/* One packet runs at a time, on any CPU: all count in the same counters. */
static int map_counters(const struct trial *t, enum weir_map map, struct trial_counters *c,
			struct failure *why)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *mapped;

	if (bpf_obj_get_info_by_fd(t->maps.fd[map], &info, &size))
		return fail_errno(why, errno, "cannot look at the map %s", map_names[map]);
	c->stride = info.value_size;
	c->bytes = c->stride * info.max_entries;
	mapped = mmap(NULL, c->bytes, PROT_READ, MAP_SHARED, t->maps.fd[map], 0);
	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot map the map %s", map_names[map]);
	c->mapped = mapped;
	return 0;
}

/*
 * What rules ask for besides the image: what programs only read is shared, of
 * what they write there is a copy. Buckets of limits are not brought: they are
 * full, so that the answer does not depend on what passed a moment ago.
 */
static const struct {
	const char *map;
	bool is_shared;
} asked[] = {
	{ "weir_sets", true },	 { "weir_rings", true }, { "weir_settle", false },
	{ "weir_pins", false },	 { "weir_nat", false },	 { "weir_nat_flows", false },
	{ "weir_conns", false }, { "weir_pmtu", false },
};

/* All entries at once: one by one, 65,536 take longer than the rest of a test. */
static int copy_map(int from, int to)
{
	OWN_FREE void *keys = NULL, *values = NULL;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), next, count;

	if (bpf_obj_get_info_by_fd(from, &info, &size))
		return -errno;
	keys = malloc((size_t)info.max_entries * info.key_size);
	values = malloc((size_t)info.max_entries * info.value_size);
	if (!keys || !values)
		return -ENOMEM;
	count = info.max_entries;
	if (bpf_map_lookup_batch(from, NULL, &next, keys, values, &count, NULL) && errno != ENOENT)
		return -errno;
	return bpf_map_update_batch(to, keys, values, &count, NULL) ? -errno : 0;
}

static int share_map(int live, int *own)
{
	int fd = fcntl(live, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	close(*own);
	*own = fd;
	return 0;
}

static int bring_map(struct trial *t, const struct maps *live, int map)
{
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		if (strcmp(map_names[map], asked[i].map) != 0)
			continue;
		return asked[i].is_shared ? share_map(live->fd[map], &t->maps.fd[map])
					  : copy_map(live->fd[map], t->maps.fd[map]);
	}
	return 0;
}

/* What a trial is of: one of the two. */
struct original {
	const struct maps *live; /* what is in force */
	const struct plan *planned; /* what is not */
};

static int bring_maps(struct trial *t, const struct original *of, struct failure *why)
{
	if (of->planned)
		return sets_put(of->planned, &t->maps, why) ||
				       rings_put(&of->planned->rings, &t->maps, why)
			       ? -1
			       : 0;
	for (int i = 0; i < WEIR_MAP_COUNT; i++) {
		int error = bring_map(t, of->live, i);

		if (error)
			return fail_errno(why, error, "cannot copy the map %s", map_names[i]);
	}
	return 0;
}

/* Maps with @image in them, and the program over these. */
static int load(struct trial *t, const struct weir_image *image, __u32 stages,
		const struct original *of, struct failure *why)
{
	const struct program_code code = { .stages = stages,
					   .services = needs_of_services(t->model) };
	struct weir_program config = program_config(t->hook, t->slot, &code, &t->capacity);
	OWN(expr_set_free) struct expr_set exprs = {};

	config.flags |= WEIR_PROGRAM_TRIAL;
	if (find_filter(t, image))
		return fail_errno(why, ENOMEM, "cannot test");
	if (expr_set_add_filter(&exprs, t->model, t->filter ? t->filter->name : "", why) ||
	    plan_exprs_hash(&exprs, t->hook, &config, why))
		return -1;
	t->rules_before = calloc(t->capacity.rules, sizeof(*t->rules_before));
	t->rules_now = calloc(t->capacity.rules, sizeof(*t->rules_now));
	if (!t->rules_before || !t->rules_now)
		return fail_errno(why, ENOMEM, "cannot test");
	if (maps_create(&t->capacity, &t->maps, why) || bring_maps(t, of, why) ||
	    map_counters(t, WEIR_MAP_RULES, &t->rules, why) ||
	    map_counters(t, WEIR_MAP_REASONS, &t->reasons, why) ||
	    maps_swap_image(&t->maps, &t->capacity, image, image->bytes, why))
		return -1;
	t->program = program_load(t->hook, t->ifname, &config, &exprs, &t->maps, why);
	return t->program < 0 ? -1 : 0;
}

int trial_copy(struct trial *t, const struct state *s, const struct model *model,
	       const char *ifname, enum trial_direction direction, struct failure *why)
{
	const struct weir_device *table =
		IMAGE_AT(s->image, s->image->devices_offset, struct weir_device);
	const struct original live = { .live = &s->maps };

	if (begin(t, model, ifname, direction, why))
		return -1;
	while (t->slot < s->image->devices_count &&
	       (!t->ifindex || table[t->slot].ifindex != t->ifindex))
		t->slot++;
	if (t->slot == s->image->devices_count)
		return fail(why, EXIT_NOT_FOUND, "%s: weir does not stand on it", ifname);
	t->capacity = s->capacity;
	t->capacity.rings = 1; /* they are shared, and may be a thousand */
	t->capacity.counting_cpus = 1;
	return load(t, s->image, table[t->slot].stages, &live, why);
}

static __u32 power_of_two(__u32 at_least, __u32 wanted)
{
	while (at_least < wanted)
		at_least *= 2;
	return at_least;
}

/* What the host has; a trial of a configuration for another host goes without. */
static void find_routes(const struct model *m, struct host_route *route)
{
	struct host_ask *asks = calloc(model_backends_count(m) + 1, sizeof(*asks)), *next = asks;

	for (size_t g = 0; asks && g < model_groups_count(m); g++) {
		const struct backend_group group = model_group(m, g);

		for (size_t b = 0; b < group.backends_count; b++, next++, route++)
			*next = (struct host_ask){ group.backends[b].addr, route, 0 };
	}
	host_routes(asks, (size_t)(next - asks));
	free(asks);
}

static int build_image(const struct trial *t, struct plan *p, struct failure *why)
{
	const struct ring_past nothing = {};
	size_t rules = model_rules_count(t->model), backends = model_backends_count(t->model);
	size_t services = t->model->services_count;
	size_t most = rules + backends + services;
	OWN_FREE struct host_route *routes = calloc(backends + 1, sizeof(*routes));
	OWN_FREE __u32 *ids = calloc(most + 1, sizeof(*ids));
	const struct image_device device = {
		.slot = 0,
		.ifindex = t->ifindex ? t->ifindex : 1,
		.name = t->ifname,
		.stages = p->devices[0].stages,
		.filter = t->interface->filter,
		.egress = t->interface->filter_egress,
	};
	const struct image_spec spec = {
		.model = t->model,
		.devices = &device,
		.devices_count = 1,
		.device_slots = 1,
		.rule_ids = ids,
		.backend_ids = ids,
		.service_ids = ids,
		.rings = &p->rings,
		.set_slots = p->set_slots,
		.routes = routes,
		.config = "",
		.generation = 1,
	};
	int error;

	if (!routes || !ids)
		return fail_errno(why, ENOMEM, "cannot test");
	for (size_t i = 0; i < most; i++)
		ids[i] = i;
	find_routes(t->model, routes);
	error = rings_make(t->model, ids, ids, &nothing, &p->rings);
	if (!error)
		error = image_build(&spec, &p->image, &p->image_bytes);
	return error ? plan_image_failed(p->model, error, why) : 0;
}

/* The whole of a plan for a device that need not exist. */
static int plan_alone(const struct trial *t, struct plan *p, struct failure *why)
{
	const struct state nothing = STATE_NONE;
	__u32 sets_bytes;

	*p = (struct plan){ .model = t->model, .devices = calloc(1, sizeof(*p->devices)) };
	if (!p->devices || needs_find(&p->needs, p->model))
		return fail_errno(why, ENOMEM, "cannot test");
	p->devices_count = 1;
	p->devices[0].config = t->interface;
	p->devices[0].stages = interface_stages(t->interface, p->model, &p->needs);
	memcpy(p->devices[0].link.name, t->ifname, sizeof(t->ifname));
	if (plan_sets(p, &nothing, NULL, why) || build_image(t, p, why))
		return -1;
	sets_bytes = p->capacity.sets_bytes;
	p->capacity = CAPACITY_LEAST;
	p->capacity.image_bytes = power_of_two(CAPACITY_PAGE, p->image_bytes);
	p->capacity.rules = power_of_two(1, model_rules_count(p->model));
	p->capacity.backends = power_of_two(1, model_backends_count(p->model));
	p->capacity.losses = WEIR_DIR_COUNT;
	p->capacity.hists = weir_hists_count(1, p->capacity.backends);
	p->capacity.sets_bytes = sets_bytes;
	p->capacity.limit_base = p->capacity.rules;
	p->capacity.limit_sets = LIMIT_SETS;
	p->capacity.services = power_of_two(1, p->model->services_count);
	p->capacity.rings = p->rings.room;
	return 0;
}

int trial_build(struct trial *t, const struct model *model, const char *ifname,
		enum trial_direction direction, struct failure *why)
{
	OWN(plan_close) struct plan p = {};
	const struct original planned = { .planned = &p };

	if (begin(t, model, ifname, direction, why) || plan_alone(t, &p, why))
		return -1;
	t->capacity = p.capacity;
	return load(t, p.image, p.devices[0].stages, &planned, why);
}
