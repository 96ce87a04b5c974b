/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: one array value that holds a whole generation, rules, rings and
 * the configuration they came from. ctl builds it beside the one in force and
 * swaps it with one map-in-map write, so no packet sees a mixture. All places
 * are byte offsets from its start, which the datapath masks before use; offset
 * and size of everything are multiples of 8.
 */
#ifndef WEIR_IMAGE_H
#define WEIR_IMAGE_H

#include <linux/types.h>
#include "weir/abi.h"
#include "weir/balance.h"
#include "weir/nat.h"

/*
 * The value is this much longer than image_mask + 1, so that an object at any
 * masked offset lies inside it.
 */
#define WEIR_IMAGE_PAD 4096

/*
 * What a device does, as bits of weir_device.stages. X(symbol, member, keyword)
 *
 * The program of a device has the code of a stage or not (weir_program); a
 * packet runs it when the image in force says so, too. Programs gain code
 * before an image is swapped and lose it after, so the swap alone decides.
 */
#define WEIR_STAGES(X)                                                                \
	X(FILTER, filter, "filter")                                                   \
	X(BALANCE, balance, "balance")                                                \
	X(DECAP, decap, "decap")                                                      \
	X(MEASURE, measure, "measure")                                                \
	X(EGRESS, egress, "egress") /* at tc egress */                                \
	X(TRACK, track, "established") /* note what leaves, for a filter that asks */ \
	X(MARK, mark, "mark") /* tc ingress takes marks over from XDP */              \
	X(RETURN, takes_returns, "return") /* answers of containers, at tc ingress */ \
	X(PATH, path, "path") /* where packets wait; at XDP and in the stack */       \
	X(LOSS, loss, "loss") /* what is lost; in the stack */

enum weir_stage {
#define X(sym, member, keyword) WEIR_STAGE_##sym,
	WEIR_STAGES(X)
#undef X
		WEIR_STAGE_COUNT
};

/* What is done by hooks in the stack, for all devices alike. */
#define WEIR_STAGES_OF_STACK (1U << WEIR_STAGE_PATH | 1U << WEIR_STAGE_LOSS)

/* A device that weir stands on. The table has a row for every slot that a program can have. */
struct weir_device {
	__u32 ifindex; /* 0: free */
	__u32 stages; /* 1 << WEIR_STAGE_* */
	__u32 filter_offset; /* struct weir_filter of what comes in */
	__u32 egress_offset; /* and of what leaves */
	__u32 sample_mask; /* of WEIR_STAGE_PATH: packets in a sample less one, a power of two */
	__u32 pad[3];
};
_Static_assert(sizeof(struct weir_device) == 32, "device has holes");

/* A VLAN device, which XDP cannot send out of, and what it stands for. */
struct weir_vlan {
	__u32 ifindex;
	__u32 lower; /* the device that sends its frames */
	__be16 proto; /* of the tag: 802.1Q or 802.1ad */
	__be16 tci; /* its VID */
	__u32 pad;
};
_Static_assert(sizeof(struct weir_vlan) == 16, "VLAN has holes");

/* The first line is what packets read, the second, but for the secret, what user space reads. */
struct weir_image {
	__u32 devices_offset; /* struct weir_device[] by weir_program.device */
	__u32 devices_count; /* rows, used or free */
	__u32 vips_offset; /* struct weir_vip[vips_mask + 1] */
	__u32 vips_mask;
	__u32 services_offset; /* struct weir_service[] */
	__u32 services_count;
	__u32 backend_by_id_offset; /* __u32[]: offset of the struct weir_backend; 0: it is gone */
	__u32 backend_by_id_count;
	__u8 vip_lengths_v4[WEIR_VIP_LENGTHS]; /* of prefixes, longest first, 0 behind the last */
	__u8 vip_lengths_v6[WEIR_VIP_LENGTHS];
	__u32 local_offset; /* struct weir_range128[]: this host's addresses */
	__u32 local_count;
	__u32 backends_offset; /* struct weir_backend[] of all services, for user space */
	__u32 backends_count;

	struct weir_nat nat;
	__u32 vlans_offset; /* struct weir_vlan[] of this namespace */
	__u32 vlans_count;
	__u64 netns; /* cookie of the namespace of all devices */
	__u32 path_offset; /* struct weir_path_device[path_mask + 1] */
	__u32 path_mask;
	__u32 path_sample_mask; /* the smallest of them, of devices with WEIR_STAGE_PATH */
	__u32 path_stages; /* of all of them; 0: there is no table */
	__u64 pad[2];

	__u64 generation; /* counts applies */
	__u64 applied_s; /* CLOCK_REALTIME when it was built */
	__u32 abi;
	__u32 bytes; /* in use, from the start */
	__u32 config_offset; /* canonical text, without a final NUL */
	__u32 config_bytes;
	__u32 rules_offset; /* struct weir_rule[] of all filters in configuration order */
	__u32 rules_count;
	__u32 filters_offset; /* struct weir_filter[], the same */
	__u32 filters_count;
	__u64 secret[2]; /* of hashes; random, the same in all generations */
};
_Static_assert(sizeof(struct weir_image) == 192, "image header is not three cache lines");

#endif
