// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the datapath, user space and pinned maps of an older run agree on. A
 * failure here means: raise WEIR_ABI.
 */
#include <string.h>

#include <linux/bpf.h>

#include "test_main.h"
#include "weir/abi.h"
#include "weir/balance.h"
#include "weir/filter.h"
#include "weir/image.h"
#include "weir/latency.h"
#include "weir/path.h"
#include "weir/pmtu.h"
#include "weir/reason.h"

static void check(const char *what, size_t is, size_t want)
{
	if (is != want)
		fail_msg("%s is %zu, was %zu", what, is, want);
}

#define SIZE(type, bytes) check("sizeof " #type, sizeof(struct type), bytes)
#define AT(type, member, bytes) check(#type "." #member, offsetof(struct type, member), bytes)

static void structs_of_programs_and_counters_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_counter, 16);
	AT(weir_counter, packets, 0);
	AT(weir_counter, bytes, 8);

	SIZE(weir_program, 144);
	AT(weir_program, build, 0);
	AT(weir_program, device, 8);
	AT(weir_program, image_mask, 12);
	AT(weir_program, flow_mask, 16);
	AT(weir_program, hist_backend_base, 20);
	AT(weir_program, stages, 24);
	AT(weir_program, sets_mask, 28);
	AT(weir_program, limit_base, 32);
	AT(weir_program, limit_mask, 36);
	AT(weir_program, conn_mask, 40);
	AT(weir_program, hop_mask, 44);
	AT(weir_program, hop_jiffies, 48);
	AT(weir_program, pin_mask, 52);
	AT(weir_program, services, 56);
	AT(weir_program, flags, 60);
	AT(weir_program, nat_mask, 64);
	AT(weir_program, nat_flow_mask, 68);
	AT(weir_program, path_mask, 72);
	AT(weir_program, stamp_mask, 76);
	AT(weir_program, exprs, 80);
	AT(weir_program, prefix_mask, 88);
	AT(weir_program, prefix_v4, 92);
	AT(weir_program, prefix_v6, 93);
	AT(weir_program, reason_counters, 96);
	AT(weir_program, rule_counters, 100);
	AT(weir_program, backend_counters, 104);
	AT(weir_program, service_counters, 108);
	AT(weir_program, hooks, 112);
	AT(weir_program, hook_reads, 116);
	AT(weir_program, hook_providers, 120);
	AT(weir_program, hook_load, 128);
}

static void structs_of_services_and_pins_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_service, 128);
	AT(weir_service, ring, 0);
	AT(weir_service, backends_offset, 4);
	AT(weir_service, backends_count, 8);
	AT(weir_service, forward, 10);
	AT(weir_service, hash, 11);
	AT(weir_service, hash_v4_bits, 12);
	AT(weir_service, hash_v6_bits, 13);
	AT(weir_service, track, 14);
	AT(weir_service, udp, 15);
	AT(weir_service, flags, 16);
	AT(weir_service, udp_idle_s, 18);
	AT(weir_service, id, 20);
	AT(weir_service, settle_s, 24);
	AT(weir_service, quic_offset, 28);
	AT(weir_service, base_until_s, 32);
	AT(weir_service, pins_until_s, 40);
	AT(weir_service, quic_count, 48);
	AT(weir_service, mss, 52);
	AT(weir_service, allow_offset, 56);
	AT(weir_service, allow_count, 60);
	AT(weir_service, sources_offset, 64);
	AT(weir_service, sources_v4, 68);
	AT(weir_service, sources_v6, 70);
	AT(weir_service, limit_offset, 72);
	AT(weir_service, limit_source_offset, 76);
	AT(weir_service, syncookie_offset, 80);
	AT(weir_service, allow_sets_offset, 84);
	AT(weir_service, allow_sets_count, 88);

	SIZE(weir_pin, 16);
	AT(weir_pin, tag, 0);
	AT(weir_pin, seen, 8);
	AT(weir_pin, state, 12);
	SIZE(weir_pin_set, 64);
	SIZE(weir_settle, 24);
	AT(weir_settle, pins_until_s, 0);
	AT(weir_settle, base_until_s, 8);
	AT(weir_settle, cookies_until_s, 16);

	SIZE(weir_ring, 262152);
	SIZE(weir_pmtu, 16);
	AT(weir_pmtu, tag, 0);
	AT(weir_pmtu, mtu, 8);
	AT(weir_pmtu, until_s, 12);
}

static void structs_of_the_balancer_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_vip, 64);
	AT(weir_vip, addr, 0);
	AT(weir_vip, length, 16);
	AT(weir_vip, ports_count, 18);
	AT(weir_vip, ports_offset, 20);
	AT(weir_vip, port, 24);

	SIZE(weir_vip_port, 8);
	AT(weir_vip_port, first, 0);
	AT(weir_vip_port, last, 2);
	AT(weir_vip_port, service, 4);
	AT(weir_vip_port, proto, 6);

	SIZE(weir_slot, 4);
	AT(weir_slot, base, 0);
	AT(weir_slot, current, 2);

	SIZE(weir_backend, 64);
	AT(weir_backend, addr, 0);
	AT(weir_backend, source, 16);
	AT(weir_backend, id, 32);
	AT(weir_backend, hop_ifindex, 36);
	AT(weir_backend, hop, 40);
	AT(weir_backend, port, 56);
	AT(weir_backend, is_v6, 58);
	AT(weir_backend, flags, 59);
	AT(weir_backend, weight, 60);
}

static void structs_of_the_filter_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_range128, 32);
	AT(weir_range128, first_hi, 0);
	AT(weir_range128, first_lo, 8);
	AT(weir_range128, last_hi, 16);
	AT(weir_range128, last_lo, 24);

	SIZE(weir_range64, 16);
	AT(weir_range64, first, 0);
	AT(weir_range64, last, 8);

	SIZE(weir_condition, 16);
	AT(weir_condition, or_next, 3);
	AT(weir_condition, offset, 4);
	AT(weir_condition, count, 8);

	SIZE(weir_vectors, 64);
	AT(weir_vectors, groups, 20);

	SIZE(weir_term_head, 8);
	AT(weir_term_head, reason, 4);
	AT(weir_term_head, src_shift, 5);

	SIZE(weir_term4, 32);
	AT(weir_term4, head, 0);
	AT(weir_term4, dst, 12);
	AT(weir_term4, word, 16);
	AT(weir_term4, sport_first, 24);

	SIZE(weir_term6, 64);
	AT(weir_term6, head, 0);
	AT(weir_term6, dst_hi, 24);
	AT(weir_term6, src_hi_bits, 40);
	AT(weir_term6, word, 44);
	AT(weir_term6, sport_first, 52);

	SIZE(weir_term_rule, 16);
	AT(weir_term_rule, id, 4);
	AT(weir_term_rule, conditions, 8);
	AT(weir_term_rule, action, 13);

	SIZE(weir_rule, 16);
	AT(weir_rule, id, 0);
	AT(weir_rule, action, 4);
	AT(weir_rule, is_default, 5);
	AT(weir_rule, argument, 8);

	SIZE(weir_filter, 128);
	AT(weir_filter, forest, 0);
	AT(weir_filter, rules_offset, 96);
	AT(weir_filter, default_id, 104);
	AT(weir_filter, default_reason, 108);
}

static void structs_of_the_image_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_device, 32);
	AT(weir_device, ifindex, 0);
	AT(weir_device, stages, 4);
	AT(weir_device, filter_offset, 8);
	AT(weir_device, egress_offset, 12);
	AT(weir_device, sample_mask, 16);

	SIZE(weir_image, 192);
	AT(weir_image, devices_offset, 0);
	AT(weir_image, devices_count, 4);
	AT(weir_image, vips_offset, 8);
	AT(weir_image, vips_mask, 12);
	AT(weir_image, services_offset, 16);
	AT(weir_image, services_count, 20);
	AT(weir_image, backend_by_id_offset, 24);
	AT(weir_image, backend_by_id_count, 28);
	AT(weir_image, vip_lengths_v4, 32);
	AT(weir_image, vip_lengths_v6, 40);
	AT(weir_image, local_offset, 48);
	AT(weir_image, local_count, 52);
	AT(weir_image, backends_offset, 56);
	AT(weir_image, backends_count, 60);
	AT(weir_image, nat, 64);
	AT(weir_image, generation, 128);
	AT(weir_image, applied_s, 136);
	AT(weir_image, abi, 144);
	AT(weir_image, bytes, 148);
	AT(weir_image, config_offset, 152);
	AT(weir_image, config_bytes, 156);
	AT(weir_image, rules_offset, 160);
	AT(weir_image, rules_count, 164);
}

static void structs_of_the_path_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_path, 192);
	SIZE(weir_path_pair, 40);
	SIZE(weir_path_device, 16);
	SIZE(weir_slow_ask, 112);
	SIZE(weir_slow, 184);
	AT(weir_slow, saddr, 40);
	AT(weir_slow, delay, 104);
	AT(weir_slow, comm, 148);
	AT(weir_slow, woken_comm, 168);
	SIZE(weir_drop_key, 24);
	SIZE(weir_drop, 16);
	SIZE(weir_retransmit, 80);
	SIZE(weir_process, 48);
}

static void structs_of_the_latency_stage_keep_their_layout(void **state)
{
	(void)state;
	SIZE(weir_hist, 3600);
	AT(weir_hist, sum, 0);
	AT(weir_hist, min_plus_1, 8);
	AT(weir_hist, max, 12);
	AT(weir_hist, bucket, 16);

	SIZE(weir_stamp, 8);
	AT(weir_stamp, value, 0);
	AT(weir_stamp, ticks, 4);

	SIZE(weir_flow_side, 24);
	AT(weir_flow_side, last, 0);
	AT(weir_flow_side, done, 8);
	AT(weir_flow_side, next, 12);
	AT(weir_flow_side, acked, 16);
	AT(weir_flow_side, window, 20);
	AT(weir_flow_side, flags, 22);
	AT(weir_flow_side, pending, 23);

	SIZE(weir_flow, 64);
	AT(weir_flow, key, 0);
	AT(weir_flow, seen, 8);
	AT(weir_flow, segment, 12);
	AT(weir_flow, side, 16);

	SIZE(weir_flow_rest, 64);
	AT(weir_flow_rest, older, 0);
	AT(weir_flow_rest, spilled, 48);
	AT(weir_flow_rest, head, 56);
	AT(weir_flow_rest, retransmits, 58);
	AT(weir_flow_rest, backend, 60);

	SIZE(weir_flow_set, 256);
	SIZE(weir_flow_rest_set, 256);

	SIZE(weir_spilled, 8);
	AT(weir_spilled, ticks, 4);
	SIZE(weir_stamp_set, 64);

	SIZE(weir_loss, 8 * WEIR_LOSS_COUNT);

	SIZE(weir_heat_column, 424);
	AT(weir_heat_column, bucket, 8);

	SIZE(weir_prefix, 32);
	AT(weir_prefix, seen, 16);
	AT(weir_prefix, in_use, 20);
	SIZE(weir_prefix_set, 14528);
	AT(weir_prefix_set, hist, 128);
}

static void every_counter_is_a_multiple_of_8_bytes(void **state)
{
	(void)state;
	/* Or the kernel would put more space between two of them than there is here. */
	assert_int_equal(sizeof(struct weir_counter) % 8, 0);
	assert_int_equal(sizeof(struct weir_rule_counter) % 8, 0);
	assert_int_equal(sizeof(struct weir_hist) % 8, 0);
	assert_int_equal(sizeof(struct weir_loss) % 8, 0);
	assert_int_equal(sizeof(struct weir_heat_column) % 8, 0);
	assert_int_equal(sizeof(struct weir_path_cpu) % 8, 0);
	assert_int_equal(sizeof(struct weir_drop) % 8, 0);
}

static void limits_fit_the_fields_that_hold_them(void **state)
{
	__u32 divisor;

	(void)state;
	assert_true(WEIR_MAX_RING_BACKENDS <= WEIR_NO_BACKEND);
	assert_true(WEIR_MAX_BACKENDS <= WEIR_PIN_BACKEND_MASK);
	assert_true(WEIR_MAX_SERVICES <= 1 << 16);
	assert_true(WEIR_NEED_COUNT <= 8 * sizeof(((struct weir_program *)0)->services));
	assert_true(WEIR_FIELD_COUNT <= 32);
	assert_true(WEIR_STAGE_COUNT <= 8 * sizeof(((struct weir_device *)0)->stages));
	assert_true(WEIR_STAGE_COUNT <= 8 * sizeof(((struct weir_program *)0)->stages));
	assert_true(WEIR_ACTION_KINDS <= 256 && WEIR_FORWARD_KINDS <= 256);
	assert_true(WEIR_VIP_PROBES * sizeof(struct weir_vip) <= WEIR_IMAGE_PAD);
	assert_true(sizeof(struct weir_rule) <= WEIR_IMAGE_PAD);
	assert_true(sizeof(struct weir_backend) <= WEIR_IMAGE_PAD);
	assert_true(sizeof(struct weir_image) <= WEIR_IMAGE_PAD);
	for (divisor = 2; divisor * divisor <= WEIR_RING_SLOTS; divisor++)
		assert_int_not_equal(WEIR_RING_SLOTS % divisor, 0);
}

static void no_packet_is_mine_is_reason_zero(void **state)
{
	(void)state;
	assert_int_equal(WEIR_R_CONTINUE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_of_programs_and_counters_keep_their_layout),
		cmocka_unit_test(structs_of_the_balancer_keep_their_layout),
		cmocka_unit_test(structs_of_services_and_pins_keep_their_layout),
		cmocka_unit_test(structs_of_the_filter_keep_their_layout),
		cmocka_unit_test(structs_of_the_image_keep_their_layout),
		cmocka_unit_test(structs_of_the_latency_stage_keep_their_layout),
		cmocka_unit_test(structs_of_the_path_keep_their_layout),
		cmocka_unit_test(every_counter_is_a_multiple_of_8_bytes),
		cmocka_unit_test(limits_fit_the_fields_that_hold_them),
		cmocka_unit_test(no_packet_is_mine_is_reason_zero),
	};

	return WEIR_RUN(tests);
}
