/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a log rule tells: an event in a ring buffer, one for all CPUs.
 */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <linux/types.h>

/* Ethernet, two tags, IPv6, an extension, TCP with options. */
#define WEIR_LOG_HEAD 128

/* Where a packet was seen. X(symbol, name) */
#define WEIR_LOG_PLACES(X)       \
	X(XDP, "xdp")            \
	X(INGRESS, "tc ingress") \
	X(EGRESS, "tc egress")

enum weir_log_place {
#define X(sym, name) WEIR_LOG_##sym,
	WEIR_LOG_PLACES(X)
#undef X
		WEIR_LOG_PLACE_COUNT
};

struct weir_log_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 rule; /* id of the log rule */
	__u32 bytes; /* of the whole frame */
	__u8 reason; /* enum weir_reason: what became of the packet; or WEIR_LOG_UNDECIDED */
	__u8 place; /* enum weir_log_place */
	__be16 vlan; /* TCI of a tag that the kernel took off, of meaning with @is_tagged */
	__u8 is_tagged;
	__u8 head_bytes; /* of @head that are of the frame; the rest is 0 */
	__u8 pad[6];
	__u8 head[WEIR_LOG_HEAD];
};
_Static_assert(sizeof(struct weir_log_event) == 160, "event has holes");

/* More rules logged the packet than were waited with. */
#define WEIR_LOG_UNDECIDED 0xff

/* Events that a CPU may put into the ring in one WEIR_LOG_WINDOW. */
#define WEIR_LOG_MOST 1000
#define WEIR_LOG_WINDOW_SHIFT 30 /* 2^30 ns: 1.07 s */

#endif
