/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration text in maps of its own, the programs over them, and a way
 * to hand them packets. Nothing is pinned or attached. What should not fail
 * fails the test.
 */
#ifndef WEIR_TEST_HARNESS_H
#define WEIR_TEST_HARNESS_H

#include <linux/bpf.h>

#include "balance.h"
#include "hist.h"
#include "image.h"
#include "packet.h"
#include "program.h"
#include "state.h"
#include "weir/set.h"
#include "weir/reason.h"

/* Last: cmocka has a macro fail() of its own. */
#include "../unit/test_main.h"

#define HARNESS_DEVICES 8
/* Sets that a configuration may have; they lie in slots in the order of the text. */
#define HARNESS_SETS (WEIR_MAX_SETS / 2)
#define HARNESS_RINGS 16
#define HARNESS_SERVICES 256
#define STAGE(sym) (1U << WEIR_STAGE_##sym)

/* What a configuration does not say. */
struct harness_host {
	const struct image_device *devices; /* slots below HARNESS_DEVICES */
	size_t devices_count;
	__u32 rules; /* that it may have, defaults included; 0: 4096 */
	const char *const *locals; /* addresses in ascending order, NULL-terminated; NULL: none */
	const char *source4, *source6; /* of outer headers; NULL: zeroes */
	const struct weir_vlan *vlans;
	size_t vlans_count;
	__u32 image_bytes; /* a power of two; 0: 1 MiB, or what the first image takes */
	__u32 sets_bytes; /* a power of two; 0: enough to change them once */
	__u32 pin_sets; /* a power of two; 0: 1024 */
	__u32 nat_flows; /* the same; 0: 2048. Half as many sets */
	__u32 flows; /* that are timed, the same; 0: 4096 */
	__u32 prefix_sets; /* the same; 0: 1 */
	__u8 prefix_v4, prefix_v6; /* bits of prefixes that have histograms; 0: they have none */
	/*
	 * A change comes after the configuration before, as an apply does. Services
	 * and backends then have the number in their name, "s3" and "b12", for id.
	 */
	bool has_past;
};

struct harness {
	struct model model;
	struct capacity capacity;
	struct maps maps;
	struct harness_host host;
	struct weir_image *image; /* as it was built */
	__u32 image_bytes;
	struct rings rings; /* of it */
	struct weir_ring *ring_map; /* as the map has them, of HARNESS_RINGS */
	__u32 first_set; /* slot of the model's first; 0 or HARNESS_SETS, in turn */
	__u64 parse_ns, build_ns, swap_ns; /* what the last configuration took */
	__u64 built_s; /* when, by CLOCK_MONOTONIC; deadlines begin there */
	int program[HOOK_COUNT];
	__u32 ingress_ifindex; /* for XDP; 0: the loopback device */
	__u32 flags; /* enum weir_program_flag, of programs to be loaded */
	__u32 services; /* 1 << WEIR_NEED_* of them, beside what the model needs */
};

struct outcome {
	__u32 verdict; /* XDP_* or TC_ACT_* */
	struct frame frame; /* as the program left it */
};

/* NULL, or why BPF cannot be used here. */
const char *harness_refusal(void);

#define NEED_BPF()                                   \
	do {                                         \
		const char *why = harness_refusal(); \
		if (why)                             \
			WEIR_SKIP("%s", why);        \
	} while (0)

/*
 * Parse @config, make maps and put the image in force. Rules have ids from 0 in
 * the order of the text, each filter's default after its own; backends too.
 */
void harness_start(struct harness *h, const char *config, const struct harness_host *host);
void harness_stop(struct harness *h);

/* Another configuration over the same maps and programs; counters stay. */
void harness_change(struct harness *h, const char *config);

/* For the above: sets beside those of the image in force, and what is in use no more. */
size_t harness_sets_room(const struct harness *h);
void harness_put_sets(const struct harness *h);
void harness_drop_sets(const struct harness *h);

void harness_load(struct harness *h, enum hook hook, __u32 device, __u32 stages);

/* Returns 0, or -errno of what the kernel refused to run. */
int harness_run(const struct harness *h, enum hook hook, const struct frame *in,
		struct outcome *out);

/*
 * The same at TC for a frame whose outermost tag, 802.1Q with @tci, the driver
 * took out and put into the socket buffer.
 */
int harness_run_untagged(const struct harness *h, enum hook hook, __u16 tci, const struct frame *in,
			 struct outcome *out);

/*
 * Whether a TC test run refuses @f with -EINVAL: the kernel makes no socket
 * buffer of a frame that holds nothing, or less than the IP header that its
 * type promises.
 */
bool harness_too_short_for_tc(const struct frame *f);

/* Put zeroes into every entry of an array. */
void harness_clear(const struct harness *h, enum weir_map map);

/* Sums of all CPUs. */
struct weir_counter harness_counter(const struct harness *h, enum weir_map map, __u32 index);
__u64 harness_reason(const struct harness *h, __u32 device, enum weir_reason reason);
void harness_hist(const struct harness *h, __u32 index, struct hist *out);

#endif
