/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the balancer decided about a packet: plain data, so that it can lie in
 * the scratch of a CPU between the one who chooses and those who forward.
 */
#ifndef WEIR_BPF_CHOICE_H
#define WEIR_BPF_CHOICE_H

#include <linux/types.h>

/* Offsets are into the image; 0 is none. */
struct choice {
	__u32 vip_offset; /* struct weir_vip of the longest prefix that was looked at */
	__u32 vip_rank; /* of the next shorter prefix among the lengths in use */
	__u32 service_offset; /* struct weir_service */
	__u32 backend_offset; /* struct weir_backend */
	__u32 slot; /* of the ring, in [0, WEIR_RING_SLOTS) */
	__u32 entropy; /* the same for all packets of a flow, and no part of the slot */
	__u32 why; /* enum weir_why */
	__u32 pad;
};

#endif
