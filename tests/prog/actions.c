// SPDX-License-Identifier: GPL-2.0-or-later
#include "actions.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

static void choose(struct weir_program *config)
{
	config->image_mask = 4095;
	config->limit_base = ACTIONS_RULES;
	config->limit_mask = ACTIONS_LIMIT_SETS - 1;
	config->conn_mask = ACTIONS_CONN_SETS - 1;
}

struct actions_xdp *actions_xdp_start(void)
{
	struct actions_xdp *a = actions_xdp__open();

	assert_non_null(a);
	choose(&a->rodata_weir->weir);
	bpf_map__set_max_entries(a->maps.weir_limits, ACTIONS_RULES + ACTIONS_LIMIT_SETS);
	bpf_map__set_max_entries(a->maps.weir_conns, ACTIONS_CONN_SETS);
	bpf_map__set_max_entries(a->maps.weir_log, ACTIONS_LOG_BYTES);
	a->bss->image.secret[0] = 0x0706050403020100;
	a->bss->image.secret[1] = 0x0f0e0d0c0b0a0908;
	assert_int_equal(actions_xdp__load(a), 0);
	return a;
}

struct actions_tc *actions_tc_start(void)
{
	struct actions_tc *a = actions_tc__open();

	assert_non_null(a);
	choose(&a->rodata_weir->weir);
	bpf_map__set_max_entries(a->maps.weir_log, ACTIONS_LOG_BYTES);
	assert_int_equal(actions_tc__load(a), 0);
	return a;
}

__u32 actions_run(const struct bpf_program *program, const struct frame *in, struct frame *out)
{
	return actions_run_at(program, 0, in, out);
}

__u32 actions_run_at(const struct bpf_program *program, __u32 ifindex, const struct frame *in,
		     struct frame *out)
{
	struct xdp_md xdp = { .data_end = (__u32)in->size, .ingress_ifindex = ifindex };
	static struct frame ignored;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .repeat = 1);

	if (!out)
		out = &ignored;
	opts.data_out = out->bytes;
	opts.data_size_out = sizeof(out->bytes);
	if (ifindex) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	}
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	out->size = opts.data_size_out;
	return opts.retval;
}

void actions_repeat(const struct bpf_program *program, const struct frame *in, __u32 times)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = (__u32)in->size,
		    .repeat = (int)times);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
}

struct weir_cpu actions_cpu(const struct bpf_map *map)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_FREE struct weir_cpu *parts = calloc((size_t)cpus, sizeof(*parts));
	struct weir_cpu sum = {};
	__u32 zero = 0;

	assert_non_null(parts);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &zero, parts), 0);
	for (int i = 0; i < cpus; i++) {
		sum.log_written += parts[i].log_written;
		sum.log_suppressed += parts[i].log_suppressed;
		sum.log_full += parts[i].log_full;
	}
	return sum;
}

void actions_cpu_clear(const struct bpf_map *map)
{
	OWN_FREE void *zeroes = calloc((size_t)libbpf_num_possible_cpus(), sizeof(struct weir_cpu));
	__u32 zero = 0;

	assert_non_null(zeroes);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &zero, zeroes, BPF_ANY), 0);
}
