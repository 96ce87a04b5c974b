// SPDX-License-Identifier: GPL-2.0-or-later
#include "harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "counters.h"
#include "needs.h"
#include "note.h"
#include "own.h"
#include "ranges.h"

#define RULES_MIN 4096
#define IMAGE_BYTES_MIN (1U << 20)
#define BACKENDS 256
#define LIMIT_SETS 1024
#define CONN_SETS 1024
#define PIN_SETS 1024
#define NAT_FLOWS_HERE 2048
#define LOG_BYTES (256U << 10)
#define FLOWS_TIMED 4096
#define SETS_BYTES_MIN (16U << 20)
#define LOCALS 16
#define NO_VERDICT 99 /* of TC */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

const char *harness_refusal(void)
{
	static char reason[160];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_probe", 4, 4, 1, NULL);

	if (fd < 0) {
		snprintf(reason, sizeof(reason), "BPF is not permitted here: %s", strerror(errno));
		return reason;
	}
	close(fd);
	return NULL;
}

static void check(const struct failure *why, bool failed)
{
	if (failed)
		fail_msg("%s", why->message ? why->message : "unknown failure");
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/* Returns how long it took. */
static __u64 parse(struct model *m, const char *config)
{
	__u64 start = now_ns();
	struct diags d = {};

	if (model_parse("test.conf", config, strlen(config), MODEL_FILES_READ, &d, m)) {
		printf("# configuration:\n%s\n", config);
		diag_print(&d, stdout);
		fail_msg("the configuration of a test does not parse");
	}
	diag_free(&d);
	return now_ns() - start;
}

static size_t fill_locals(const struct harness_host *host, range *locals)
{
	size_t count = 0;

	for (; host->locals && host->locals[count]; count++) {
		__u8 addr[16];

		assert_true(count < LOCALS);
		packet_address(host->locals[count], addr);
		range_set(&locals[count], addr_number(addr), addr_number(addr));
	}
	return count;
}

static void fill_routes(const struct harness *h, struct host_route *routes)
{
	size_t n = 0;

	for (size_t g = 0; g < model_groups_count(&h->model); g++) {
		const struct backend_group group = model_group(&h->model, g);

		for (size_t b = 0; b < group.backends_count; b++, n++) {
			bool v4 = addr_is_v4(group.backends[b].addr);
			const char *source = v4 ? h->host.source4 : h->host.source6;

			if (source)
				packet_address(source, routes[n].source);
		}
	}
}

/* 0, 1, 2 ... for every rule, backend and set; freed by the caller. */
static __u32 *count_up(const struct harness *h)
{
	size_t count = model_rules_count(&h->model) + BACKENDS + 2 * WEIR_MAX_SETS;
	__u32 *ids = calloc(count, sizeof(*ids));

	assert_non_null(ids);
	for (__u32 i = 0; i < count; i++)
		ids[i] = i;
	return ids;
}

/* The number in a name. */
static __u32 number_in(const char *name)
{
	__u32 number = (__u32)atoi(name + 1);

	assert_true(number < BACKENDS);
	return number;
}

static void name_ids(const struct harness *h, __u32 *backends, __u32 *services)
{
	for (size_t g = 0; g < model_groups_count(&h->model); g++) {
		const struct backend_group group = model_group(&h->model, g);

		for (size_t i = 0; i < group.backends_count; i++)
			*backends++ = number_in(group.backends[i].name);
	}
	for (size_t i = 0; i < h->model.services_count; i++)
		services[i] = number_in(h->model.services[i].name);
}

/* What is in force now; @settle has room for all services. */
static struct ring_past past_of(const struct harness *h, struct weir_settle *settle)
{
	struct ring_past past = { .now_s = now_ns() / 1000000000 };

	if (!h->host.has_past || !h->image)
		return past;
	past.image = h->image;
	past.rings = h->ring_map;
	past.settle = settle;
	past.settle_count = HARNESS_SERVICES;
	for (__u32 i = 0; i < HARNESS_SERVICES; i++)
		assert_int_equal(bpf_map_lookup_elem(h->maps.fd[WEIR_MAP_SETTLE], &i, &settle[i]),
				 0);
	return past;
}

static void make_rings(struct harness *h, const __u32 *service_ids, const __u32 *backend_ids)
{
	struct weir_settle settle[HARNESS_SERVICES] = {};
	const struct ring_past past = past_of(h, settle);

	h->built_s = past.now_s;
	rings_free(&h->rings);
	assert_int_equal(rings_make(&h->model, service_ids, backend_ids, &past, &h->rings), 0);
	assert_true(h->rings.room <= HARNESS_RINGS);
	for (size_t i = 0; i < h->rings.fresh_count; i++)
		h->ring_map[h->rings.fresh[i].index] = *h->rings.fresh[i].ring;
}

static void build(struct harness *h)
{
	OWN_FREE __u32 *ids = count_up(h);
	__u32 backend_ids[BACKENDS], service_ids[BACKENDS];
	static struct host_route routes[BACKENDS];
	range locals[LOCALS];
	struct image_spec spec = {
		.model = &h->model,
		.devices = h->host.devices,
		.devices_count = h->host.devices_count,
		.device_slots = HARNESS_DEVICES,
		.locals = locals,
		.locals_count = fill_locals(&h->host, locals),
		.rule_ids = ids,
		.backend_ids = h->host.has_past ? backend_ids : ids,
		.service_ids = h->host.has_past ? service_ids : ids,
		.rings = &h->rings,
		.set_slots = ids + h->first_set,
		.routes = routes,
		.vlans = h->host.vlans,
		.vlans_count = h->host.vlans_count,
		.config = "",
		.generation = 1,
		.nat_ports = NAT_PORTS_DEFAULT,
		.secret = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
	};
	__u64 start = now_ns();

	assert_true(model_backends_count(&h->model) <= BACKENDS);
	memset(routes, 0, sizeof(routes));
	fill_routes(h, routes);
	if (h->host.has_past)
		name_ids(h, backend_ids, service_ids);
	make_rings(h, spec.service_ids, spec.backend_ids);
	free(h->image);
	h->image = NULL;
	assert_int_equal(image_build(&spec, &h->image, &h->image_bytes), 0);
	h->build_ns = now_ns() - start;
}

static void put_in_force(struct harness *h)
{
	__u64 start = now_ns();
	struct failure why = {};

	assert_true(model_rules_count(&h->model) <= h->capacity.rules);
	assert_true(h->image_bytes <= h->capacity.image_bytes);
	harness_put_sets(h);
	check(&why, rings_put(&h->rings, &h->maps, &why));
	check(&why, maps_swap_image(&h->maps, &h->capacity, h->image, h->image_bytes, &why));
	harness_drop_sets(h);
	h->swap_ns = now_ns() - start;
}

static __u32 power_of_two(__u32 at_least, size_t wanted)
{
	while (at_least < wanted)
		at_least *= 2;
	return at_least;
}

static void choose_capacity(struct harness *h)
{
	h->capacity = (struct capacity){
		.image_bytes = h->host.image_bytes ? h->host.image_bytes
						   : power_of_two(IMAGE_BYTES_MIN, h->image_bytes),
		.devices = HARNESS_DEVICES,
		.rules = power_of_two(h->host.rules ? h->host.rules : RULES_MIN,
				      model_rules_count(&h->model)),
		.backends = BACKENDS,
		.flow_sets = weir_flow_sets(h->host.flows ? h->host.flows : FLOWS_TIMED),
		.stamp_sets = weir_stamp_sets(h->host.flows ? h->host.flows : FLOWS_TIMED),
		.losses = HARNESS_DEVICES * WEIR_DIR_COUNT,
		.prefix_sets = h->host.prefix_sets ? h->host.prefix_sets : 1,
		.hists = weir_hists_count(HARNESS_DEVICES, BACKENDS),
		.sets_bytes = h->host.sets_bytes
				      ? h->host.sets_bytes
				      : power_of_two(SETS_BYTES_MIN, harness_sets_room(h)),
		.limit_sets = LIMIT_SETS,
		.conn_sets = CONN_SETS,
		.services = HARNESS_SERVICES,
		.rings = HARNESS_RINGS,
		.pin_sets = h->host.pin_sets ? h->host.pin_sets : PIN_SETS,
		.nat_sets = (h->host.nat_flows ? h->host.nat_flows : NAT_FLOWS_HERE) / 2,
		.nat_flows = h->host.nat_flows ? h->host.nat_flows : NAT_FLOWS_HERE,
		.log_bytes = LOG_BYTES,
		.path_sets = 1,
		.path_pairs = 1,
		.slow_bytes = 4096,
		.drops = 1,
		.retransmit_sets = 1,
		.process_sets = 1,
		.counting_cpus = counters_cpus(),
	};
	h->capacity.limit_base = h->capacity.rules;
}

void harness_start(struct harness *h, const char *config, const struct harness_host *host)
{
	struct failure why = {};

	if (getenv("WEIR_TEST_VERBOSE"))
		note_libbpf();
	else
		libbpf_set_print(quiet);
	*h = (struct harness){
		.host = *host,
		.maps = { .fd = { [0 ... WEIR_MAP_COUNT - 1] = -1 } },
		.program = { [0 ... HOOK_COUNT - 1] = -1 },
	};
	h->ring_map = calloc(HARNESS_RINGS, sizeof(*h->ring_map));
	assert_non_null(h->ring_map);
	h->parse_ns = parse(&h->model, config);
	build(h);
	choose_capacity(h);
	check(&why, maps_create(&h->capacity, &h->maps, &why));
	put_in_force(h);
}

void harness_stop(struct harness *h)
{
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		own_close(&h->program[hook]);
	maps_close(&h->maps);
	model_free(&h->model);
	free(h->image);
	h->image = NULL;
	rings_free(&h->rings);
	free(h->ring_map);
	h->ring_map = NULL;
}

void harness_change(struct harness *h, const char *config)
{
	struct model m = {};

	h->parse_ns = parse(&m, config);
	model_free(&h->model);
	h->model = m;
	h->first_set = h->first_set ? 0 : HARNESS_SETS;
	build(h);
	put_in_force(h);
}

void harness_load(struct harness *h, enum hook hook, __u32 device, __u32 stages)
{
	const struct program_code code = { .stages = stages,
					   .services = needs_of_services(&h->model) | h->services,
					   .flags = h->flags,
					   .prefix_v4 = h->host.prefix_v4,
					   .prefix_v6 = h->host.prefix_v6 };
	struct weir_program config = program_config(hook, device, &code, &h->capacity);
	struct expr_set exprs = {};
	struct failure why = {};

	for (size_t i = 0; i < h->model.filters_count; i++)
		check(&why, expr_set_add_filter(&exprs, &h->model, h->model.filters[i].name, &why));
	own_close(&h->program[hook]);
	h->program[hook] = program_load(hook, "test", &config, &exprs, &h->maps, &why);
	expr_set_free(&exprs);
	check(&why, h->program[hook] < 0);
}

int harness_run(const struct harness *h, enum hook hook, const struct frame *in,
		struct outcome *out)
{
	struct xdp_md xdp = { .data_end = (__u32)in->size, .ingress_ifindex = h->ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .data_out = out->frame.bytes, .data_size_out = sizeof(out->frame.bytes),
		    .repeat = 1);
	int error;

	if (hook == HOOK_XDP && h->ingress_ifindex) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	}
	error = bpf_prog_test_run_opts(h->program[hook], &opts);
	out->verdict = opts.retval;
	out->frame.size = opts.data_size_out;
	return error;
}

/*
 * A program that gives the socket buffer a tag, as a driver does, and goes on
 * as the first of @programs: a test run accepts no tag in its context.
 */
static int load_tagger(int programs, __u16 tci)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = htons(TYPE_8021Q) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = tci },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_vlan_push },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 2,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = programs },
		{ .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = NO_VERDICT },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "weir_tagger", "GPL", code,
			     sizeof(code) / sizeof(code[0]), NULL);
}

int harness_run_untagged(const struct harness *h, enum hook hook, __u16 tci, const struct frame *in,
			 struct outcome *out)
{
	OWN_FD int programs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "weir_tagged", 4, 4, 1, NULL);
	struct harness with_tag = *h;
	OWN_FD int tagger = -1;
	__u32 zero = 0;
	int error;

	assert_true(programs >= 0);
	assert_int_equal(bpf_map_update_elem(programs, &zero, &h->program[hook], BPF_ANY), 0);
	tagger = load_tagger(programs, tci);
	assert_true(tagger >= 0);
	with_tag.program[hook] = tagger;
	error = harness_run(&with_tag, hook, in, out);
	assert_int_not_equal(out->verdict, NO_VERDICT);
	return error;
}

bool harness_too_short_for_tc(const struct frame *f)
{
	__u32 type = (__u32)f->bytes[12] << 8 | f->bytes[13];

	return f->size <= ETHERNET_BYTES || (type == TYPE_IPV4 && f->size < ETHERNET_BYTES + 20) ||
	       (type == TYPE_IPV6 && f->size < ETHERNET_BYTES + 40);
}

void harness_clear(const struct harness *h, enum weir_map map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	OWN_FREE void *zeroes = NULL;

	assert_int_equal(bpf_obj_get_info_by_fd(h->maps.fd[map], &info, &size), 0);
	/* A per-CPU value is a multiple of 8 bytes for each CPU. */
	zeroes = calloc((size_t)libbpf_num_possible_cpus(), (info.value_size + 7U) & ~7U);
	assert_non_null(zeroes);
	for (__u32 i = 0; i < info.max_entries; i++)
		assert_int_equal(bpf_map_update_elem(h->maps.fd[map], &i, zeroes, BPF_ANY), 0);
}

struct weir_counter harness_counter(const struct harness *h, enum weir_map map, __u32 index)
{
	struct {
		struct weir_counter counter; /* every one begins with packets and bytes */
		__u64 rest[2];
	} part;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	struct weir_counter sum = {};

	assert_int_equal(bpf_obj_get_info_by_fd(h->maps.fd[map], &info, &size), 0);
	assert_true(info.value_size <= sizeof(part));
	for (__u32 at = index; at < info.max_entries;
	     at += info.max_entries / h->capacity.counting_cpus) {
		assert_int_equal(bpf_map_lookup_elem(h->maps.fd[map], &at, &part), 0);
		sum.packets += part.counter.packets;
		sum.bytes += part.counter.bytes;
	}
	return sum;
}

__u64 harness_reason(const struct harness *h, __u32 device, enum weir_reason reason)
{
	return harness_counter(h, WEIR_MAP_REASONS, device * WEIR_R_COUNT + reason).packets;
}

void harness_hist(const struct harness *h, __u32 index, struct hist *out)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_hist *parts = calloc((size_t)cpus, sizeof(*parts));

	assert_non_null(parts);
	assert_int_equal(bpf_map_lookup_elem(h->maps.fd[WEIR_MAP_HISTS], &index, parts), 0);
	hist_sum(parts, (unsigned int)cpus, out);
}
