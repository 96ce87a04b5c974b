// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every program that ctl can ask for loads, and what the verifier does for it
 * stays far below its limit of a million instructions.
 */
#include <bpf/bpf.h>

#include "harness.h"

#define MOST_VERIFIED 500000

/* Each combination that has code of its own at @hook, once. */
static void load_every_combination(enum hook hook)
{
	struct harness_host host = {};
	struct harness h;

	NEED_BPF();
	harness_start(&h, "", &host);
	for (__u32 stages = 0; stages < 1U << WEIR_STAGE_COUNT; stages++) {
		const struct program_code code = { .stages = stages };
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (program_config(hook, 0, &code, &h.capacity).stages != stages)
			continue;
		harness_load(&h, hook, 0, stages);
		assert_int_equal(bpf_obj_get_info_by_fd(h.program[hook], &info, &size), 0);
		printf("# %s stages %#x: %u instructions, %u verified, %u bytes of machine code\n",
		       hook_names[hook], stages, info.xlated_prog_len / 8, info.verified_insns,
		       info.jited_prog_len);
		assert_true(info.verified_insns < MOST_VERIFIED);
	}
	harness_stop(&h);
}

static void every_combination_of_stages_loads_at_xdp(void **state)
{
	(void)state;
	load_every_combination(HOOK_XDP);
}

static void every_combination_of_stages_loads_at_tc_ingress(void **state)
{
	(void)state;
	load_every_combination(HOOK_INGRESS);
}

static void every_combination_of_stages_loads_at_tc_egress(void **state)
{
	(void)state;
	load_every_combination(HOOK_EGRESS);
}

/* What is off costs nothing: no stage, hardly a program. */
static void a_program_without_stages_is_far_smaller_than_one_with_all(void **state)
{
	struct harness_host host = {};
	__u32 none, all;
	struct harness h;

	(void)state;
	NEED_BPF();
	harness_start(&h, "", &host);
	harness_load(&h, HOOK_XDP, 0, 0);
	none = program_instructions(h.program[HOOK_XDP]);
	harness_load(&h, HOOK_XDP, 0, ~0U);
	all = program_instructions(h.program[HOOK_XDP]);
	assert_true(none * 2 < all);
	harness_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_of_stages_loads_at_xdp),
		cmocka_unit_test(every_combination_of_stages_loads_at_tc_ingress),
		cmocka_unit_test(every_combination_of_stages_loads_at_tc_egress),
		cmocka_unit_test(a_program_without_stages_is_far_smaller_than_one_with_all),
	};

	return WEIR_RUN(tests);
}
