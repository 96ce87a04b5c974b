// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency_case.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <time.h>

#include "own.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TCP_SEQ 4
#define TCP_WINDOW 14

static const struct image_device devices[] = {
	{ .slot = 0, .ifindex = 1, .stages = STAGE(MEASURE) | STAGE(BALANCE), .filter = "" },
	{ .slot = 1, .ifindex = 2, .stages = STAGE(MEASURE), .filter = "" },
	{ .slot = 2, .ifindex = 3, .stages = STAGE(MEASURE), .filter = "" },
	{ .slot = 3, .ifindex = 4, .stages = STAGE(MEASURE) | STAGE(TRACK), .filter = "" },
	{ .slot = 4, .ifindex = 5, .stages = STAGE(MEASURE) | STAGE(BALANCE), .filter = "" },
};
static const struct harness_host with_prefixes = {
	.devices = devices,
	.devices_count = COUNT(devices),
	.prefix_sets = 2,
	.prefix_v4 = 24,
	.prefix_v6 = 48,
};
static const struct harness_host without = { .devices = devices, .devices_count = COUNT(devices) };
static const char config[] = "interface a { xdp auto; balance; measure }\n"
			     "interface b { measure }\n"
			     "interface c { measure }\n"
			     "interface d { measure }\n"
			     "interface e { xdp auto; balance; measure }\n"
			     "service s { address 192.0.2.80, 2001:db8:ff::80; port tcp 80\n"
			     "forward ipip; backend only 203.0.113.1 }\n";
static const enum weir_map emptied[] = { WEIR_MAP_FLOWS,   WEIR_MAP_STAMPS, WEIR_MAP_HISTS,
					 WEIR_MAP_LOSSES,  WEIR_MAP_HEAT,   WEIR_MAP_HEAT_NOW,
					 WEIR_MAP_PREFIXES };

static struct timing timings[COUNT(devices)];

struct timing *timing_start(__u32 slot)
{
	struct timing *t = &timings[slot];

	if (!t->is_loaded) {
		harness_start(&t->h, config, slot < 2 ? &with_prefixes : &without);
		harness_load(&t->h, HOOK_XDP, slot, devices[slot].stages);
		harness_load(&t->h, HOOK_EGRESS, slot, devices[slot].stages);
		t->slot = slot;
		t->is_loaded = true;
	}
	for (size_t i = 0; i < COUNT(emptied); i++)
		harness_clear(&t->h, emptied[i]);
	return t;
}

int timing_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(timings); i++) {
		if (timings[i].is_loaded)
			harness_stop(&timings[i].h);
	}
	return 0;
}

__u64 timing_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

void timing_frame(const struct timing *t, enum weir_direction sender, const struct frame *f)
{
	static struct outcome out;

	assert_int_equal(
		harness_run(&t->h, sender == WEIR_DIR_WIRE ? HOOK_XDP : HOOK_EGRESS, f, &out), 0);
	if (sender == WEIR_DIR_HOST)
		assert_int_equal(out.verdict, (__u32)TC_ACT_UNSPEC);
	/* There is no route to a backend; it was chosen all the same. */
	if (sender == WEIR_DIR_WIRE && out.verdict == XDP_DROP &&
	    devices[t->slot].stages & STAGE(BALANCE))
		return;
	assert_int_equal(out.frame.size, f->size);
	assert_memory_equal(out.frame.bytes, f->bytes, f->size);
}

bool timing_is_balanced(const struct timing *t, const struct talk *talk)
{
	return devices[t->slot].stages & STAGE(BALANCE) && talk->server_port == 80;
}

static void put32(__u8 *at, __u32 value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

void timing_segment(const struct timing *t, const struct talk *talk, struct tcp_seen *p)
{
	static struct frame f;
	bool is_wire = p->sender == WEIR_DIR_WIRE;
	const struct packet packet = {
		.src = is_wire ? talk->client : talk->server,
		.dst = is_wire ? talk->server : talk->client,
		.sport = is_wire ? talk->client_port : talk->server_port,
		.dport = is_wire ? talk->server_port : talk->client_port,
		.flags = p->flags,
		.timestamps = p->has_timestamps ? talk->timestamps : TIMESTAMPS_NONE,
		.tsval = p->tsval,
		.tsecr = p->tsecr,
		.payload = (__u16)p->bytes,
	};
	__u8 *tcp = f.bytes + ETHERNET_BYTES + (strchr(talk->client, ':') ? 40 : 20);

	packet_build(&packet, &f);
	put32(tcp + TCP_SEQ, p->seq);
	put32(tcp + TCP_SEQ + 4, p->ack);
	tcp[TCP_WINDOW] = p->window >> 8;
	tcp[TCP_WINDOW + 1] = (__u8)p->window;
	p->from_ns = timing_now_ns();
	timing_frame(t, p->sender, &f);
	p->to_ns = timing_now_ns();
}

struct hist timing_hist(const struct timing *t, enum weir_direction direction,
			enum weir_rtt_kind kind)
{
	struct hist h;

	harness_hist(&t->h, weir_hist_of_device(t->slot, direction, kind), &h);
	return h;
}

struct hist timing_backend(const struct timing *t, __u32 id, enum weir_backend_hist which)
{
	struct hist h;

	harness_hist(&t->h,
		     weir_hist_of_backend(weir_hist_backend_base(HARNESS_DEVICES), id, which), &h);
	return h;
}

__u64 timing_loss(const struct timing *t, enum weir_direction sender, enum weir_loss_kind kind)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	OWN_FREE struct weir_loss *parts = calloc(cpus, sizeof(*parts));
	__u32 index = t->slot * WEIR_DIR_COUNT + sender;
	__u64 sum = 0;

	assert_non_null(parts);
	assert_int_equal(bpf_map_lookup_elem(t->h.maps.fd[WEIR_MAP_LOSSES], &index, parts), 0);
	for (size_t i = 0; i < cpus; i++)
		sum += parts[i].count[kind];
	return sum;
}
