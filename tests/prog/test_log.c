// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events of the log: what is in them, how many there are, and what happens
 * when there are too many.
 */
#include "actions.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "../unit/random.h"

#define RULE 4711

static struct actions_xdp *xdp;
static struct actions_tc *tc;
static struct ring_buffer *xdp_ring, *tc_ring;

/* Of those that a ring gave out. */
static struct weir_log_event last;
static size_t events;

static int take_event(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(last));
	memcpy(&last, data, sizeof(last));
	events++;
	return 0;
}

static int start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	random_start();
	xdp = actions_xdp_start();
	tc = actions_tc_start();
	xdp_ring = ring_buffer__new(bpf_map__fd(xdp->maps.weir_log), take_event, NULL, NULL);
	tc_ring = ring_buffer__new(bpf_map__fd(tc->maps.weir_log), take_event, NULL, NULL);
	assert_non_null(xdp_ring);
	assert_non_null(tc_ring);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	ring_buffer__free(xdp_ring);
	ring_buffer__free(tc_ring);
	actions_xdp__destroy(xdp);
	actions_tc__destroy(tc);
	return 0;
}

static void begin(__u32 sample)
{
	actions_cpu_clear(xdp->maps.weir_cpu);
	actions_cpu_clear(tc->maps.weir_cpu);
	xdp->bss->rule = RULE;
	xdp->data->sample = sample;
	ring_buffer__consume(xdp_ring);
	ring_buffer__consume(tc_ring);
	events = 0;
	memset(&last, 0xee, sizeof(last));
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/* The head of @f, and zeroes behind it. */
static void assert_head(const struct frame *f)
{
	static const __u8 zeroes[WEIR_LOG_HEAD];
	size_t bytes = f->size < WEIR_LOG_HEAD ? f->size : WEIR_LOG_HEAD;

	assert_int_equal(last.bytes, f->size);
	assert_int_equal(last.head_bytes, bytes);
	assert_memory_equal(last.head, f->bytes, bytes);
	assert_memory_equal(last.head + bytes, zeroes, WEIR_LOG_HEAD - bytes);
	assert_memory_equal(last.pad, zeroes, sizeof(last.pad));
}

static const struct packet sent = {
	.src = "198.51.100.7", .dst = "192.0.2.1", .dport = 22, .flags = SYN, .payload = 400
};

static void an_event_has_what_there_is_to_say(void **state)
{
	struct frame f;
	__u64 before_ns;

	(void)state;
	NEED_BPF();
	begin(1);
	packet_build(&sent, &f);
	before_ns = now_ns();
	actions_run(xdp->progs.log_one, &f, NULL);
	assert_int_equal(ring_buffer__consume(xdp_ring), 1);
	assert_in_range(last.time_ns, before_ns, now_ns());
	assert_int_equal(last.ifindex, if_nametoindex("lo"));
	assert_int_equal(last.rule, RULE);
	assert_int_equal(last.reason, WEIR_R_FILTER_DROP);
	assert_int_equal(last.place, WEIR_LOG_XDP);
	assert_int_equal(last.is_tagged, 0);
	assert_int_equal(last.vlan, 0);
	assert_head(&f);
	assert_int_equal(actions_cpu(xdp->maps.weir_cpu).log_written, 1);
}

static void a_tag_that_the_kernel_took_off_is_told(void **state)
{
	struct harness h = { .program = { [HOOK_INGRESS] = bpf_program__fd(tc->progs.log_one) } };
	struct outcome out;
	struct frame f;

	(void)state;
	NEED_BPF();
	begin(1);
	packet_build(&sent, &f);
	actions_run(tc->progs.log_one, &f, NULL);
	assert_int_equal(ring_buffer__consume(tc_ring), 1);
	assert_int_equal(last.place, WEIR_LOG_INGRESS);
	assert_int_equal(last.is_tagged, 0);
	assert_head(&f);
	assert_int_equal(harness_run_untagged(&h, HOOK_INGRESS, 0x6064, &f, &out), 0);
	assert_int_equal(ring_buffer__consume(tc_ring), 1);
	assert_int_equal(last.is_tagged, 1);
	assert_int_equal(ntohs(last.vlan) & 0xfff, 0x064);
	assert_head(&f);
}

static void the_head_is_cut_to_what_there_is(void **state)
{
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&sent, &f);
	for (f.size = ETHERNET_BYTES; f.size < 300; f.size++) {
		begin(1);
		actions_run(xdp->progs.log_one, &f, NULL);
		assert_int_equal(ring_buffer__consume(xdp_ring), 1);
		assert_head(&f);
		if (f.size < ETHERNET_BYTES + 20)
			continue;
		actions_run(tc->progs.log_one, &f, NULL);
		assert_int_equal(ring_buffer__consume(tc_ring), 1);
		assert_head(&f);
	}
}

/* Eight standard deviations to each side. */
static void one_of_so_many_is_logged(void **state)
{
	static const struct {
		__u32 sample, least, most;
	} samples[] = {
		{ 0, 200000, 200000 }, { 1, 200000, 200000 }, { 2, 98211, 101789 },
		{ 10, 18926, 21074 },  { 100, 1643, 2357 },   { 0xffffffff, 0, 1 },
	};
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&sent, &f);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct weir_cpu cpu;

		begin(samples[i].sample);
		actions_repeat(xdp->progs.log_one, &f, 200000);
		cpu = actions_cpu(xdp->maps.weir_cpu);
		assert_in_range(cpu.log_written + cpu.log_suppressed + cpu.log_full,
				samples[i].least, samples[i].most);
	}
}

static void the_rate_is_bounded_and_what_is_above_is_counted(void **state)
{
	__u64 start_ns, windows;
	struct weir_cpu cpu;
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&sent, &f);
	begin(1);
	start_ns = now_ns();
	for (int i = 0; i < 30; i++) {
		actions_repeat(xdp->progs.log_one, &f, 100);
		ring_buffer__consume(xdp_ring);
	}
	/* The test may have begun late in a window, and have run on other CPUs. */
	windows = ((now_ns() - start_ns) >> WEIR_LOG_WINDOW_SHIFT) + 2;
	cpu = actions_cpu(xdp->maps.weir_cpu);
	assert_int_equal(cpu.log_full, 0);
	assert_int_equal(cpu.log_written + cpu.log_suppressed, 3000);
	assert_int_equal(cpu.log_written, events);
	assert_in_range(events, WEIR_LOG_MOST,
			WEIR_LOG_MOST * windows * (__u64)libbpf_num_possible_cpus());
}

static void what_the_ring_has_no_room_for_is_counted(void **state)
{
	struct weir_cpu cpu;
	struct frame f;

	(void)state;
	NEED_BPF();
	packet_build(&sent, &f);
	begin(1);
	actions_repeat(xdp->progs.log_one, &f, 900);
	cpu = actions_cpu(xdp->maps.weir_cpu);
	assert_int_equal(cpu.log_written + cpu.log_full, 900);
	/* An event and its header are 168 bytes. */
	assert_int_equal(cpu.log_written, ACTIONS_LOG_BYTES / 168);
	ring_buffer__consume(xdp_ring);
	assert_int_equal(events, cpu.log_written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_has_what_there_is_to_say),
		cmocka_unit_test(a_tag_that_the_kernel_took_off_is_told),
		cmocka_unit_test(the_head_is_cut_to_what_there_is),
		cmocka_unit_test(one_of_so_many_is_logged),
		cmocka_unit_test(the_rate_is_bounded_and_what_is_above_is_counted),
		cmocka_unit_test(what_the_ring_has_no_room_for_is_counted),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
