// SPDX-License-Identifier: GPL-2.0-or-later
#include "choose_case.h"

#include <bpf/bpf.h>
#include <string.h>
#include <time.h>

#include "own.h"

#define IMAGE_BYTES (4U << 20)

static const struct image_device device = {
	.slot = 0, .ifindex = 1, .stages = STAGE(BALANCE), .filter = ""
};

const char *choose_start(struct choose_case *c, const char *config)
{
	const struct harness_host host = {
		.devices = &device,
		.devices_count = 1,
		.source4 = "172.31.0.1",
		.image_bytes = IMAGE_BYTES,
		.pin_sets = c->pin_sets,
		.has_past = true,
	};
	const char *refusal = harness_refusal();

	if (!refusal)
		refusal = testnet_start(&c->net);
	if (refusal)
		return refusal;
	harness_start(&c->h, config, &host);
	harness_load(&c->h, HOOK_XDP, 0, STAGE(BALANCE));
	c->h.ingress_ifindex = c->net.in;
	return NULL;
}

void choose_stop(struct choose_case *c)
{
	harness_stop(&c->h);
}

void choose_change(struct choose_case *c, const char *config)
{
	harness_change(&c->h, config);
	harness_load(&c->h, HOOK_XDP, 0, STAGE(BALANCE));
}

static void count(struct choose_case *c)
{
	for (__u32 i = 0; i < WEIR_R_COUNT; i++)
		c->counted[i] = harness_reason(&c->h, 0, i);
}

enum weir_reason choose_reason(struct choose_case *c)
{
	for (__u32 i = 0; i < WEIR_R_COUNT; i++) {
		if (harness_reason(&c->h, 0, i) != c->counted[i])
			return i;
	}
	fail_msg("no reason was counted");
	return WEIR_R_COUNT;
}

int choose_run_frame(struct choose_case *c, const struct frame *f)
{
	static struct outcome out;

	count(c);
	assert_int_equal(harness_run(&c->h, HOOK_XDP, f, &out), 0);
	switch (out.verdict) {
	case XDP_PASS:
		assert_int_equal(out.frame.size, f->size);
		assert_memory_equal(out.frame.bytes, f->bytes, f->size);
		return WENT_PASS;
	case XDP_DROP:
		return WENT_DROP;
	}
	if (choose_reason(c) != WEIR_R_LB_FORWARD)
		return WENT_BACK;
	/* The destination of the outer header, 10.9.0.N. */
	assert_int_equal(out.frame.bytes[ETHERNET_BYTES + 16], 10);
	assert_int_equal(out.frame.bytes[ETHERNET_BYTES + 17], 9);
	return out.frame.bytes[ETHERNET_BYTES + 19];
}

int choose_run(struct choose_case *c, const struct packet *p)
{
	static struct frame f;

	packet_build(p, &f);
	return choose_run_frame(c, &f);
}

struct weir_service *choose_service_row(struct choose_case *c, size_t index)
{
	assert_true(index < c->h.image->services_count);
	return (struct weir_service *)((char *)c->h.image + c->h.image->services_offset) + index;
}

static void put_image(struct choose_case *c)
{
	struct failure why = {};

	assert_int_equal(
		maps_swap_image(&c->h.maps, &c->h.capacity, c->h.image, c->h.image_bytes, &why), 0);
}

void choose_move(struct choose_case *c, size_t index, __u16 base, __u16 current, __u32 settle_s)
{
	struct weir_service *row = choose_service_row(c, index);
	struct weir_ring *ring = &c->h.ring_map[row->ring];

	for (__u32 i = 0; i < WEIR_RING_SLOTS; i++)
		ring->slot[i] = (struct weir_slot){ base, current | WEIR_SLOT_MOVED };
	assert_int_equal(
		bpf_map_update_elem(c->h.maps.fd[WEIR_MAP_RINGS], &row->ring, ring, BPF_ANY), 0);
	row->settle_s = settle_s;
	row->base_until_s = choose_now() + settle_s;
	row->pins_until_s = row->base_until_s + settle_s;
	row->flags |= WEIR_SERVICE_UNSETTLED;
	put_image(c);
}

static __u64 earlier(__u64 time_s, __u32 s)
{
	return time_s > s ? time_s - s : 0;
}

static void age_settle(struct choose_case *c, __u32 s)
{
	int map = c->h.maps.fd[WEIR_MAP_SETTLE];

	for (__u32 i = 0; i < HARNESS_SERVICES; i++) {
		struct weir_settle settle;

		assert_int_equal(bpf_map_lookup_elem(map, &i, &settle), 0);
		if (!settle.pins_until_s && !settle.base_until_s && !settle.cookies_until_s)
			continue;
		settle.pins_until_s = earlier(settle.pins_until_s, s);
		settle.base_until_s = earlier(settle.base_until_s, s);
		settle.cookies_until_s = earlier(settle.cookies_until_s, s);
		assert_int_equal(bpf_map_update_elem(map, &i, &settle, BPF_ANY), 0);
	}
}

static void age_pins(struct choose_case *c, __u32 s)
{
	int map = c->h.maps.fd[WEIR_MAP_PINS];

	for (__u32 i = 0; i < c->h.capacity.pin_sets; i++) {
		struct weir_pin_set set;
		bool is_used = false;

		assert_int_equal(bpf_map_lookup_elem(map, &i, &set), 0);
		for (int w = 0; w < WEIR_PIN_WAYS; w++) {
			if (!set.way[w].state)
				continue;
			set.way[w].seen -= s;
			is_used = true;
		}
		if (is_used)
			assert_int_equal(bpf_map_update_elem(map, &i, &set, BPF_ANY), 0);
	}
}

void choose_wait(struct choose_case *c, __u32 s)
{
	for (__u32 i = 0; i < c->h.image->services_count; i++) {
		struct weir_service *row = choose_service_row(c, i);

		row->base_until_s = earlier(row->base_until_s, s);
		row->pins_until_s = earlier(row->pins_until_s, s);
	}
	put_image(c);
	age_settle(c, s);
	age_pins(c, s);
}

__u64 choose_now(void)
{
	const struct timespec rest = { .tv_nsec = 20000000 };
	struct timespec now;

	do {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		if (now.tv_nsec < 900000000)
			return (__u64)now.tv_sec;
		nanosleep(&rest, NULL);
	} while (true);
}

struct weir_settle choose_settle(struct choose_case *c, __u32 service_id)
{
	struct weir_settle settle;

	assert_int_equal(bpf_map_lookup_elem(c->h.maps.fd[WEIR_MAP_SETTLE], &service_id, &settle),
			 0);
	return settle;
}

__u32 choose_pins(struct choose_case *c)
{
	__u32 live = 0, now = (__u32)choose_now();

	for (__u32 i = 0; i < c->h.capacity.pin_sets; i++) {
		struct weir_pin_set set;

		assert_int_equal(bpf_map_lookup_elem(c->h.maps.fd[WEIR_MAP_PINS], &i, &set), 0);
		for (int w = 0; w < WEIR_PIN_WAYS; w++)
			live += set.way[w].state &&
				now - set.way[w].seen <=
					1U << (set.way[w].state >> WEIR_PIN_LIFE_SHIFT);
	}
	return live;
}
