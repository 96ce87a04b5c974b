// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A log rule stands before the rule that decides: its event tells what became
 * of the packet all the same, and shows the packet as the rule saw it.
 */
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "harness.h"
#include "weir/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST4 "10.1.0.11"
#define EVENTS 16

static const char *const locals[] = { HOST4, NULL };
static const struct image_device device = { .slot = 0,
					    .ifindex = 1,
					    .stages = STAGE(FILTER) | STAGE(EGRESS) | STAGE(DECAP),
					    .filter = "f",
					    .egress = "f",
					    .name = "test" };
static const struct harness_host host = { .devices = &device,
					  .devices_count = 1,
					  .locals = locals };
static struct harness h;
static struct ring_buffer *ring;

static struct weir_log_event event[EVENTS];
static size_t events;

#define CONFIG(rules) \
	"interface test { xdp auto; filter f; filter f egress; decap }\nfilter f { " rules " }\n"

static int take_event(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(event[0]));
	assert_true(events < EVENTS);
	memcpy(&event[events++], data, sizeof(event[0]));
	return 0;
}

static int start(void **state)
{
	(void)state;
	if (harness_refusal())
		return 0;
	harness_start(&h, CONFIG("default pass"), &host);
	harness_load(&h, HOOK_XDP, 0, STAGE(FILTER) | STAGE(DECAP));
	harness_load(&h, HOOK_INGRESS, 0, STAGE(FILTER));
	harness_load(&h, HOOK_EGRESS, 0, STAGE(EGRESS));
	ring = ring_buffer__new(h.maps.fd[WEIR_MAP_LOG], take_event, NULL, NULL);
	assert_non_null(ring);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	ring_buffer__free(ring);
	if (!harness_refusal())
		harness_stop(&h);
	return 0;
}

/* What @hook makes of @f, with the events in event[]. */
static void run(enum hook hook, const struct frame *f)
{
	static struct outcome out;

	harness_clear(&h, WEIR_MAP_CPU);
	events = 0;
	assert_int_equal(harness_run(&h, hook, f, &out), 0);
	ring_buffer__consume(ring);
}

static void assert_event(size_t index, __u32 rule, __u8 reason, const struct frame *f)
{
	size_t bytes = f->size < WEIR_LOG_HEAD ? f->size : WEIR_LOG_HEAD;

	assert_true(index < events);
	assert_int_equal(event[index].rule, rule);
	assert_int_equal(event[index].reason, reason);
	assert_int_equal(event[index].bytes, f->size);
	assert_int_equal(event[index].head_bytes, bytes);
	assert_memory_equal(event[index].head, f->bytes, bytes);
}

static const struct packet syn = { .src = "198.51.100.7",
				   .dst = "192.0.2.1",
				   .sport = 4444,
				   .dport = 22,
				   .flags = SYN,
				   .option_words = 2 };
static const struct packet arp = { .type = TYPE_ARP };

/* The rules up to @logs log. */
static const struct {
	const char *config;
	const struct packet *packet;
	__u32 logs;
	enum weir_reason reason;
} fates[] = {
	{ CONFIG("default drop; rule a log tcp; rule b pass tcp"), &syn, 1, WEIR_R_FILTER_PASS },
	{ CONFIG("default pass; rule a log tcp; rule b drop tcp"), &syn, 1, WEIR_R_FILTER_DROP },
	{ CONFIG("default pass; rule a log tcp"), &syn, 1, WEIR_R_FILTER_PASS },
	{ CONFIG("default drop; rule a log tcp"), &syn, 1, WEIR_R_FILTER_DEFAULT },
	{ CONFIG("default drop; rule a log tcp; rule b log; rule c count; rule d drop tcp"), &syn,
	  2, WEIR_R_FILTER_DROP },
	{ CONFIG("default pass; rule a log; rule b limit 1/h burst 1"), &syn, 1,
	  WEIR_R_FILTER_PASS },
	{ CONFIG("default pass; rule a log; rule b limit 1/h burst 1"), &syn, 1,
	  WEIR_R_FILTER_LIMIT },
	{ CONFIG("default pass; rule a log; rule b reject"), &syn, 1, WEIR_R_FILTER_REJECT },
	{ CONFIG("default drop; rule a log ethertype arp"), &arp, 1, WEIR_R_CONTINUE },
	{ CONFIG("default drop; rule a log udp"), &syn, 0, WEIR_R_FILTER_DEFAULT },
};

static void check_fates(enum hook hook)
{
	static struct frame f;

	/* A bucket that another hook left empty would be so here. */
	harness_clear(&h, WEIR_MAP_LIMITS);
	for (size_t i = 0; i < COUNT(fates); i++) {
		harness_change(&h, fates[i].config);
		packet_build(fates[i].packet, &f);
		run(hook, &f);
		if (events != fates[i].logs)
			fail_msg("%s: %s: %zu events", hook_names[hook], fates[i].config, events);
		for (__u32 rule = 0; rule < events; rule++)
			assert_event(rule, rule, fates[i].reason, &f);
	}
}

static void a_log_tells_what_became_of_the_packet_at_xdp(void **state)
{
	(void)state;
	NEED_BPF();
	check_fates(HOOK_XDP);
}

static void a_log_tells_what_became_of_the_packet_at_tc_ingress(void **state)
{
	(void)state;
	NEED_BPF();
	check_fates(HOOK_INGRESS);
}

static void a_log_tells_what_became_of_the_packet_at_tc_egress(void **state)
{
	(void)state;
	NEED_BPF();
	check_fates(HOOK_EGRESS);
}

/* No packet takes over what waits of the one before it. */
static void a_packet_tells_nothing_of_the_one_before(void **state)
{
	static const struct packet other = {
		.src = "198.51.100.7", .dst = "192.0.2.1", .proto = IPPROTO_UDP, .payload = 9
	};
	static struct frame f;

	(void)state;
	NEED_BPF();
	harness_change(&h, CONFIG("default pass; rule a log tcp; rule b log"));
	packet_build(&syn, &f);
	run(HOOK_XDP, &f);
	assert_int_equal(events, 2);
	packet_build(&other, &f);
	run(HOOK_XDP, &f);
	assert_int_equal(events, 1);
	assert_event(0, 1, WEIR_R_FILTER_PASS, &f);
}

static void more_rules_than_are_waited_with_tell_at_once_and_not_what_became(void **state)
{
	static struct frame f;

	(void)state;
	NEED_BPF();
	harness_change(&h, CONFIG("default drop; rule a log; rule b log; rule c log; rule d log; "
				  "rule e log; rule f log; rule g log; rule h log; rule i log"));
	packet_build(&syn, &f);
	run(HOOK_XDP, &f);
	assert_int_equal(events, 9);
	assert_event(0, 7, WEIR_LOG_UNDECIDED, &f);
	assert_event(1, 8, WEIR_LOG_UNDECIDED, &f);
	for (__u32 rule = 0; rule < 7; rule++)
		assert_event(2 + rule, rule, WEIR_R_FILTER_DEFAULT, &f);
}

static void a_tunnel_and_the_packet_inside_both_tell_the_fate_of_both(void **state)
{
	const struct packet outer = {
		.src = "172.31.0.1", .dst = HOST4, .proto = IPPROTO_IPIP, .inner = &syn
	};
	static struct frame f, inner;

	(void)state;
	NEED_BPF();
	harness_change(&h, CONFIG("default drop; rule a log proto ipip; rule b pass proto ipip; "
				  "rule c log tcp; rule d drop tcp"));
	packet_build(&outer, &f);
	packet_build(&syn, &inner);
	run(HOOK_XDP, &f);
	assert_int_equal(events, 2);
	assert_event(0, 0, WEIR_R_FILTER_DROP, &f);
	assert_event(1, 2, WEIR_R_FILTER_DROP, &inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_tells_what_became_of_the_packet_at_xdp),
		cmocka_unit_test(a_log_tells_what_became_of_the_packet_at_tc_ingress),
		cmocka_unit_test(a_log_tells_what_became_of_the_packet_at_tc_egress),
		cmocka_unit_test(a_packet_tells_nothing_of_the_one_before),
		cmocka_unit_test(more_rules_than_are_waited_with_tell_at_once_and_not_what_became),
		cmocka_unit_test(a_tunnel_and_the_packet_inside_both_tell_the_fate_of_both),
	};

	return WEIR_RUN_GROUP(tests, start, stop);
}
