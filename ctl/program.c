// SPDX-License-Identifier: GPL-2.0-or-later
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "counters.h"
#include "note.h"
#include "own.h"
#include "syncookie.h"
#include "weir/latency.h"
#include "weir/reason.h"

#include "weir_tc.skel.h"
#include "weir_xdp.skel.h"

const char *const hook_names[HOOK_COUNT] = {
#define X(sym, name) [HOOK_##sym] = name,
	HOOKS(X)
#undef X
};

/* program_read() finds it there. */
_Static_assert(offsetof(struct weir_xdp__rodata_weir, weir) == 0, "not first in its section");
_Static_assert(offsetof(struct weir_tc__rodata_weir, weir) == 0, "not first in its section");

static void own_xdp(struct weir_xdp **skel)
{
	weir_xdp__destroy(*skel);
}

static void own_tc(struct weir_tc **skel)
{
	weir_tc__destroy(*skel);
}

/* A number for the code of this build: of two builds with the same one the programs are the same. */
static __u64 build_of(enum hook hook)
{
	return hook == HOOK_XDP ? weir_xdp__build : weir_tc__build;
}

/* 256 KiB of next hops for each CPU. More backends than that push each other out. */
#define HOPS_MAX 4096
#define HOP_LIVES_NS 100000000

/* The coarse clock steps once in a jiffy. */
static __u32 hop_jiffies(void)
{
	struct timespec step;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &step) || step.tv_sec || step.tv_nsec <= 0)
		return 0;
	return HOP_LIVES_NS / (__u32)step.tv_nsec;
}

struct weir_program program_config(enum hook hook, __u32 device, const struct program_code *code,
				   const struct capacity *c)
{
	static const __u32 code_of[HOOK_COUNT] = {
		[HOOK_XDP] = ~(1U << WEIR_STAGE_EGRESS | 1U << WEIR_STAGE_RETURN |
			       1U << WEIR_STAGE_LOSS),
		[HOOK_INGRESS] = 1 << WEIR_STAGE_FILTER | 1 << WEIR_STAGE_MEASURE |
				 1 << WEIR_STAGE_TRACK | 1 << WEIR_STAGE_MARK |
				 1 << WEIR_STAGE_RETURN,
		[HOOK_EGRESS] =
			1 << WEIR_STAGE_MEASURE | 1 << WEIR_STAGE_EGRESS | 1 << WEIR_STAGE_TRACK,
	};
	__u32 stages = code->stages;
	bool balances, counts_apart = c->counting_cpus > 1;

	/* Where XDP has done everything else. */
	if (hook == HOOK_INGRESS && stages & 1 << WEIR_STAGE_MARK)
		stages &= 1 << WEIR_STAGE_MARK | 1 << WEIR_STAGE_RETURN;
	stages &= code_of[hook];
	balances = stages & 1 << WEIR_STAGE_BALANCE;
	return (struct weir_program){
		.build = build_of(hook),
		.device = device,
		.image_mask = c->image_bytes - 1,
		.flow_mask = c->flow_sets - 1,
		.stamp_mask = c->stamp_sets - 1,
		.prefix_mask = c->prefix_sets - 1,
		.prefix_v4 = stages & 1 << WEIR_STAGE_MEASURE ? code->prefix_v4 : 0,
		.prefix_v6 = stages & 1 << WEIR_STAGE_MEASURE ? code->prefix_v6 : 0,
		.hist_backend_base = weir_hist_backend_base(c->devices),
		.stages = stages,
		.services = balances ? code->services : 0,
		.flags = hook == HOOK_XDP ? code->flags : 0,
		.sets_mask = c->sets_bytes - 1,
		.limit_base = c->limit_base,
		.limit_mask = c->limit_sets - 1,
		.conn_mask = c->conn_sets - 1,
		.hop_mask = balances ? (c->backends < HOPS_MAX ? c->backends : HOPS_MAX) - 1 : 0,
		.hop_jiffies = balances ? hop_jiffies() : 0,
		.pin_mask = c->pin_sets - 1,
		.nat_mask = c->nat_sets - 1,
		.nat_flow_mask = c->nat_flows - 1,
		.path_mask = c->path_sets - 1,
		.reason_counters = counts_apart ? c->devices * WEIR_R_COUNT : 0,
		.rule_counters = counts_apart ? c->rules : 0,
		.backend_counters = counts_apart ? c->backends : 0,
		.service_counters = counts_apart ? c->services : 0,
	};
}

enum expr_context program_context(enum hook hook)
{
	return hook == HOOK_XDP ? EXPR_XDP : EXPR_SKB;
}

/* A copy of the object with the code of @exprs. */
static void *object_with(const struct expr_set *exprs, enum hook hook, const char *ifname,
			 const void *elf, size_t size, struct failure *why)
{
	OWN_FREE void *copy = malloc(size);
	int error = copy ? 0 : -ENOMEM;

	if (!error) {
		memcpy(copy, elf, size);
		error = expr_put_into_object(exprs, program_context(hook), copy, size);
	}
	if (error == -E2BIG)
		fail(why, EXIT_USAGE,
		     "%s: the expressions of its filter take more than %d instructions; make them "
		     "shorter or fewer",
		     ifname, WEIR_EXPR_INSNS);
	else if (error)
		fail_errno(why, -error, "%s: cannot put expressions into the %s program", ifname,
			   hook_names[hook]);
	return error ? NULL : TAKE_PTR(copy);
}

static int load_failed(int error, enum hook hook, const char *ifname, struct failure *why)
{
	return fail_errno(
		why, error,
		"%s: the kernel refused to load the %s program (%s); --verbose shows its log",
		ifname, hook_names[hook], note_libbpf_reason());
}

/* A descriptor that outlives the skeleton. */
static int keep_program(const struct bpf_program *program, const char *ifname, struct failure *why)
{
	int fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? fail_errno(why, errno, "%s: cannot keep the program", ifname) : fd;
}

/* NULL, and @why filled in. */
static struct weir_xdp *open_xdp(const char *ifname, const struct expr_set *exprs,
				 struct failure *why)
{
	OWN(own_xdp) struct weir_xdp *skel = calloc(1, sizeof(*skel));
	OWN_FREE void *object = NULL;
	const void *elf;
	size_t size;
	int error;

	elf = weir_xdp__elf_bytes(&size);
	object = object_with(exprs, HOOK_XDP, ifname, elf, size, why);
	if (!object)
		return NULL;
	error = skel ? weir_xdp__create_skeleton(skel) : -ENOMEM;
	if (!error) {
		skel->skeleton->data = object;
		error = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (error)
		load_failed(error, HOOK_XDP, ifname, why);
	return error ? NULL : TAKE_PTR(skel);
}

static struct weir_tc *open_tc(enum hook hook, const char *ifname, const struct expr_set *exprs,
			       struct failure *why)
{
	OWN(own_tc) struct weir_tc *skel = calloc(1, sizeof(*skel));
	OWN_FREE void *object = NULL;
	const void *elf;
	size_t size;
	int error;

	elf = weir_tc__elf_bytes(&size);
	object = object_with(exprs, hook, ifname, elf, size, why);
	if (!object)
		return NULL;
	error = skel ? weir_tc__create_skeleton(skel) : -ENOMEM;
	if (!error) {
		skel->skeleton->data = object;
		error = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (error)
		load_failed(error, hook, ifname, why);
	return error ? NULL : TAKE_PTR(skel);
}

/* Tell each CPU where its counters begin; @object is loaded. Returns 0 or -errno. */
static int place_counters(struct bpf_object *object, const struct weir_program *config)
{
	struct bpf_map *scratch = bpf_object__find_map_by_name(object, "weir_scratch");
	__u32 size = (bpf_map__value_size(scratch) + 7) / 8 * 8, cpus = counters_cpus(), zero = 0;
	OWN_FREE char *values = calloc(cpus, size);

	if (!values)
		return -ENOMEM;
	for (__u32 cpu = 0; cpu < cpus; cpu++) {
		const struct weir_first_counters first = {
			.reason = cpu * config->reason_counters,
			.rule = cpu * config->rule_counters,
			.backend = cpu * config->backend_counters,
			.service = cpu * config->service_counters,
		};

		memcpy(values + (size_t)cpu * size, &first, sizeof(first));
	}
	return bpf_map_update_elem(bpf_map__fd(scratch), &zero, values, BPF_ANY) ? -errno : 0;
}

static int load_xdp(const char *ifname, const struct weir_program *config,
		    const struct expr_set *exprs, const struct maps *maps, struct failure *why)
{
	OWN(own_xdp) struct weir_xdp *skel = open_xdp(ifname, exprs, why);
	int error;

	if (!skel)
		return -1;
	skel->rodata_weir->weir = *config;
	error = maps_reuse(skel->obj, maps);
	if (!error)
		error = bpf_map__set_max_entries(skel->maps.weir_hops, config->hop_mask + 1);
	if (!error)
		error = weir_xdp__load(skel);
	if (error && config->services & 1U << WEIR_NEED_SYNCOOKIE && syncookie_probe())
		return fail(why, EXIT_PRECONDITION,
			    "%s: this kernel makes no SYN cookies for XDP: it was built without "
			    "CONFIG_SYN_COOKIES; leave \"syncookie\" out of the services",
			    ifname);
	if (!error)
		error = place_counters(skel->obj, config);
	if (error)
		return load_failed(error, HOOK_XDP, ifname, why);
	return keep_program(skel->progs.weir_xdp, ifname, why);
}

static int load_tc(enum hook hook, const char *ifname, const struct weir_program *config,
		   const struct expr_set *exprs, const struct maps *maps, struct failure *why)
{
	OWN(own_tc) struct weir_tc *skel = open_tc(hook, ifname, exprs, why);
	struct bpf_program *wanted;
	int error;

	if (!skel)
		return -1;
	wanted = hook == HOOK_INGRESS ? skel->progs.weir_ingress : skel->progs.weir_egress;
	bpf_program__set_autoload(skel->progs.weir_ingress, hook == HOOK_INGRESS);
	bpf_program__set_autoload(skel->progs.weir_egress, hook == HOOK_EGRESS);
	skel->rodata_weir->weir = *config;
	error = maps_reuse(skel->obj, maps);
	if (!error)
		error = weir_tc__load(skel);
	if (!error)
		error = place_counters(skel->obj, config);
	if (error)
		return load_failed(error, hook, ifname, why);
	return keep_program(wanted, ifname, why);
}

int program_load(enum hook hook, const char *ifname, const struct weir_program *config,
		 const struct expr_set *exprs, const struct maps *maps, struct failure *why)
{
	note_libbpf_reason();
	return hook == HOOK_XDP ? load_xdp(ifname, config, exprs, maps, why)
				: load_tc(hook, ifname, config, exprs, maps, why);
}

/* @config, if this is what a program of ours was made for. */
static void read_rodata(int map, const struct bpf_map_info *info, struct weir_program *config,
			bool *found)
{
	OWN_FREE char *value = malloc(info->value_size);
	__u32 zero = 0;

	if (value && !strcmp(info->name, ".rodata.weir") && info->value_size >= sizeof(*config) &&
	    !bpf_map_lookup_elem(map, &zero, value)) {
		memcpy(config, value, sizeof(*config));
		*found = true;
	}
}

int program_read(int fd, struct weir_program *config, __u32 *image_map_id)
{
	/* Pinned maps, and those that each program has for itself. */
	enum { MAPS_MOST = 2 * WEIR_MAP_COUNT };
	__u32 ids[MAPS_MOST] = {}, size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MOST,
				      .map_ids = (__u64)(unsigned long)ids };
	bool found = false;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || strncmp(info.name, "weir_", 5))
		return -1;
	*image_map_id = 0;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MOST; i++) {
		OWN_FD int map = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map_info = {};
		__u32 map_size = sizeof(map_info);

		if (map < 0 || bpf_obj_get_info_by_fd(map, &map_info, &map_size))
			return -1;
		if (!strcmp(map_info.name, map_names[WEIR_MAP_IMAGE]))
			*image_map_id = ids[i];
		else
			read_rodata(map, &map_info, config, &found);
	}
	return found ? 0 : -1;
}

__u32 program_instructions(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.xlated_prog_len / 8;
}
