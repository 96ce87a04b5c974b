// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every program that ctl can ask for loads, and what the verifier does for it
 * stays far below its limit of a million instructions.
 */
#include <bpf/bpf.h>

#include "harness.h"

#define MOST_VERIFIED 500000

static void load_and_judge(struct harness *h, enum hook hook, __u32 stages)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	harness_load(h, hook, 0, stages);
	assert_int_equal(bpf_obj_get_info_by_fd(h->program[hook], &info, &size), 0);
	printf("# %s stages %#x services %#x flags %u: %u instructions, %u verified, "
	       "%u bytes of machine code\n",
	       hook_names[hook], stages, h->services, h->flags, info.xlated_prog_len / 8,
	       info.verified_insns, info.jited_prog_len);
	assert_true(info.verified_insns < MOST_VERIFIED);
}

/*
 * An emulated machine takes seconds for a program. There those of up to two
 * stages, and those that lack one at most, stand for the rest.
 */
static bool is_worth_it(__u32 stages, __u32 all)
{
	int count = __builtin_popcount(stages);

	return !getenv("WEIR_TEST_EMULATED") || count <= 2 || count + 1 >= __builtin_popcount(all);
}

/* Each combination that has code of its own at @hook, once. */
static void load_every_combination(enum hook hook)
{
	const struct program_code every = { .stages = ~0U };
	struct harness_host host = {};
	struct harness h;
	__u32 all;

	NEED_BPF();
	harness_start(&h, "", &host);
	all = program_config(hook, 0, &every, &h.capacity).stages;
	for (__u32 stages = 0; stages < 1U << WEIR_STAGE_COUNT; stages++) {
		const struct program_code code = { .stages = stages };

		if (program_config(hook, 0, &code, &h.capacity).stages != stages ||
		    !is_worth_it(stages, all))
			continue;
		load_and_judge(&h, hook, stages);
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

/* Whatever services there are, on whatever device. */
static void every_kind_of_service_loads(void **state)
{
	static const __u32 flags[] = { 0,
				       WEIR_PROGRAM_VETH | WEIR_PROGRAM_VLANS | WEIR_PROGRAM_BOND,
				       WEIR_PROGRAM_VETH | WEIR_PROGRAM_GENERIC };
	struct harness_host host = {};
	struct harness h;

	(void)state;
	NEED_BPF();
	harness_start(&h, "", &host);
	for (__u32 need = 0; need <= WEIR_NEED_COUNT; need++) {
		h.services = need < WEIR_NEED_COUNT ? 1U << need : ~0U;
		h.flags = flags[need % 3];
		load_and_judge(&h, HOOK_XDP, STAGE(BALANCE));
	}
	for (size_t i = 0; i < 3; i++) {
		h.flags = flags[i];
		load_and_judge(&h, HOOK_XDP, ~0U);
	}
	harness_stop(&h);
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
		cmocka_unit_test(every_kind_of_service_loads),
		cmocka_unit_test(a_program_without_stages_is_far_smaller_than_one_with_all),
	};

	return WEIR_RUN(tests);
}
