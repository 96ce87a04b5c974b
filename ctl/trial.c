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
#include "own.h"
#include "plan_exprs.h"
#include "plan.h"
#include "plan_devices.h"
#include "weir/latency.h"

#define IMAGE_BYTES_MIN 4096U

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
	if (m->interfaces_count == 1 && !strpbrk(m->interfaces[0].pattern, "*?"))
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

/*
 * Put an array in the place of a per-CPU one that was just made: to the program
 * it is the same, and this one can be mapped. One packet runs at a time.
 */
static int map_counters(struct trial *t, enum weir_map map, struct trial_counters *c,
			struct failure *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *mapped;
	int fd;

	if (bpf_obj_get_info_by_fd(t->maps.fd[map], &info, &size))
		return fail_errno(why, errno, "cannot look at the map %s", map_names[map]);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, map_names[map], sizeof(__u32), info.value_size,
			    info.max_entries, &opts);
	if (fd < 0)
		return fail_errno(why, fd, "cannot create the map %s", map_names[map]);
	close(t->maps.fd[map]);
	t->maps.fd[map] = fd;
	c->stride = (info.value_size + 7U) / 8 * 8;
	c->bytes = c->stride * info.max_entries;
	mapped = mmap(NULL, c->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return fail_errno(why, errno, "cannot map the map %s", map_names[map]);
	c->mapped = mapped;
	return 0;
}

/*
 * What rules ask for besides the image: what programs only read is shared, of
 * what they write there is a copy.
 */
static const struct {
	const char *map;
	bool is_shared;
} asked[] = { { "weir_sets", true }, { "weir_conns", false } };

static int copy_map(int from, int to)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	OWN_FREE void *value = NULL;

	if (bpf_obj_get_info_by_fd(from, &info, &size))
		return -errno;
	value = malloc(info.value_size);
	if (!value)
		return -ENOMEM;
	for (__u32 key = 0; key < info.max_entries; key++) {
		if (bpf_map_lookup_elem(from, &key, value) ||
		    bpf_map_update_elem(to, &key, value, BPF_ANY))
			return -errno;
	}
	return 0;
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

/* @live is NULL for a configuration that is not in force. */
static int bring_maps(struct trial *t, const struct maps *live, struct failure *why)
{
	for (int i = 0; live && i < WEIR_MAP_COUNT; i++) {
		int error = bring_map(t, live, i);

		if (error)
			return fail_errno(why, error, "cannot copy the map %s", map_names[i]);
	}
	return 0;
}

/* Maps with @image in them, and the program over these. */
static int load(struct trial *t, const struct weir_image *image, __u32 stages,
		const struct maps *live, struct failure *why)
{
	struct weir_program config = program_config(t->hook, t->slot, stages, &t->capacity);
	OWN(expr_set_free) struct expr_set exprs = {};

	if (expr_set_add_filter(&exprs, t->model, t->filter ? t->filter->name : "", why) ||
	    plan_exprs_hash(&exprs, t->hook, &config, why))
		return -1;
	t->rules_before = calloc(t->capacity.rules, sizeof(*t->rules_before));
	t->rules_now = calloc(t->capacity.rules, sizeof(*t->rules_now));
	if (!t->rules_before || !t->rules_now || find_filter(t, image))
		return fail_errno(why, ENOMEM, "cannot test");
	if (maps_create(&t->capacity, &t->maps, why) || bring_maps(t, live, why) ||
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

	if (begin(t, model, ifname, direction, why))
		return -1;
	while (t->slot < s->image->devices_count &&
	       (!t->ifindex || table[t->slot].ifindex != t->ifindex))
		t->slot++;
	if (t->slot == s->image->devices_count)
		return fail(why, EXIT_NOT_FOUND, "%s: weir does not stand on it", ifname);
	t->capacity = s->capacity;
	return load(t, s->image, table[t->slot].stages, &s->maps, why);
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
	struct failure ignored = {};
	struct host host = {};

	if (!host_open(&host, &ignored)) {
		for (size_t s = 0; s < m->services_count; s++) {
			const struct service *service = &m->services[s];

			for (size_t b = 0; b < service->backends_count; b++, route++)
				host_route(&host, service->backends[b].addr, route);
		}
	}
	host_close(&host);
	failure_free(&ignored);
}

static int build_image(const struct trial *t, __u32 stages, struct weir_image **image,
		       struct failure *why)
{
	size_t rules = model_rules_count(t->model), backends = model_backends_count(t->model);
	size_t most = rules > backends ? rules : backends;
	OWN_FREE struct host_route *routes = calloc(backends + 1, sizeof(*routes));
	OWN_FREE __u32 *ids = calloc(most + 1, sizeof(*ids));
	const struct image_device device = {
		.slot = 0,
		.ifindex = t->ifindex ? t->ifindex : 1,
		.name = t->ifname,
		.stages = stages,
		.filter = t->interface->filter,
	};
	const struct image_spec spec = {
		.model = t->model,
		.devices = &device,
		.devices_count = 1,
		.device_slots = 1,
		.rule_ids = ids,
		.backend_ids = ids,
		.routes = routes,
		.config = "",
		.generation = 1,
	};
	__u32 bytes;
	int error;

	if (!routes || !ids)
		return fail_errno(why, ENOMEM, "cannot test");
	for (size_t i = 0; i < most; i++)
		ids[i] = i;
	find_routes(t->model, routes);
	error = image_build(&spec, image, &bytes);
	return error ? fail_errno(why, error, "cannot build the image") : 0;
}

int trial_build(struct trial *t, const struct model *model, const char *ifname,
		enum trial_direction direction, struct failure *why)
{
	OWN_FREE struct weir_image *image = NULL;
	__u32 stages;

	if (begin(t, model, ifname, direction, why))
		return -1;
	stages = interface_stages(t->interface);
	if (build_image(t, stages, &image, why))
		return -1;
	t->capacity = (struct capacity){
		.image_bytes = power_of_two(IMAGE_BYTES_MIN, image->bytes),
		.devices = 1,
		.rules = power_of_two(1, model_rules_count(model)),
		.backends = power_of_two(1, model_backends_count(model)),
		.flow_sets = 1,
		.limit_sets = 1,
		.conn_sets = 1,
		.log_bytes = 4096,
		.hists = WEIR_DIR_COUNT + power_of_two(1, model_backends_count(model)),
	};
	return load(t, image, stages, NULL, why);
}
