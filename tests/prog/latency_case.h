/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of made-up conversations through the programs that time them: XDP
 * sees what the peer on the wire sends, TC egress what this host sends.
 */
#ifndef WEIR_TEST_LATENCY_CASE_H
#define WEIR_TEST_LATENCY_CASE_H

#include "latency_model.h"

#include "harness.h"

/*
 * Slot 0 measures and balances, slot 1 measures, both also by prefix: with that
 * there is no short way. Slot 2 measures without prefixes; slot 3 too, and notes
 * connections, and slot 4 balances: most segments go the short way there, through
 * a program that is for nothing else, and through programs that are.
 */
struct timing {
	struct harness h;
	__u32 slot;
	bool is_loaded;
};

/* Programs over maps of their own, made once for each slot and emptied each time. */
struct timing *timing_start(__u32 slot);

/* For the teardown of a group. */
int timing_stop(void **state);

/* Hand over a frame, which comes out as it went in, or is dropped. */
void timing_frame(const struct timing *t, enum weir_direction sender, const struct frame *f);

struct talk {
	const char *client, *server; /* on the wire, and here */
	__u16 client_port, server_port;
	enum packet_timestamps timestamps; /* where those of a segment that has them stand */
};

/* Whether what comes from the wire of it has a backend. */
bool timing_is_balanced(const struct timing *t, const struct talk *talk);

/* The same for a segment; sets from_ns and to_ns. */
void timing_segment(const struct timing *t, const struct talk *talk, struct tcp_seen *p);

struct hist timing_hist(const struct timing *t, enum weir_direction direction,
			enum weir_rtt_kind kind);
struct hist timing_backend(const struct timing *t, __u32 id, enum weir_backend_hist which);
__u64 timing_loss(const struct timing *t, enum weir_direction sender, enum weir_loss_kind kind);
__u64 timing_now_ns(void);

#endif
