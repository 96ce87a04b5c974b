/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each CPU keeps for itself: how much of the log and of rejecting it has
 * done, and room to build a packet in.
 */
#ifndef WEIR_CPU_H
#define WEIR_CPU_H

#include <linux/types.h>

/* Answers to rejected packets that a CPU gives in a second, and at once; as many errors beside. */
#define WEIR_REJECT_PER_S 1000
#define WEIR_REJECT_BURST 100

/* RFC 4443, section 2.4 (c), and RFC 1812, section 4.3.2.3. */
#define WEIR_REJECT_MOST_V6 1280
#define WEIR_REJECT_MOST_V4 576

/* An IP header, and what a checksum over the rest takes in steps of 512 bytes. */
#define WEIR_ANSWER_ROOM (64 + 3 * 512)

struct weir_cpu {
	__u64 reject_tat; /* ns */
	__u32 log_window;
	__u32 log_in_window;
	__u64 log_written;
	__u64 log_suppressed; /* above the rate */
	__u64 log_full; /* the reader was too slow */
	__u64 error_tat; /* ns; of errors about packets that cannot be forwarded */
	__u64 pad[2];
	__u8 answer[WEIR_ANSWER_ROOM];
};
_Static_assert(sizeof(struct weir_cpu) % 64 == 0, "not whole cache lines");

#endif
