/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a watcher of TCP conversations is to make of them, written from the
 * rules and not from the datapath: it keeps every packet, and for each looks
 * through all that the other side sent for what it answers.
 */
#ifndef WEIR_TEST_LATENCY_MODEL_H
#define WEIR_TEST_LATENCY_MODEL_H

#include <linux/types.h>
#include <stdbool.h>

#include "weir/latency.h"

/* A segment as it passes. Numbers in host order. */
struct tcp_seen {
	enum weir_direction sender;
	__u8 flags;
	__u32 seq, ack, bytes;
	__u16 window;
	bool has_timestamps;
	__u32 tsval, tsecr;
	bool is_balanced; /* of the wire's side: the balancer chose a backend */
	__u64 from_ns, to_ns; /* it passed between these, of CLOCK_MONOTONIC */
};

/* Of what a sample may be. */
struct expected {
	enum weir_rtt_kind kind;
	enum weir_direction direction;
	bool is_certain; /* it must be taken; else it may */
	__u64 least_ns, most_ns;
};

#define EXPECTED_MOST 2

struct latency_model;

struct latency_model *latency_model_new(void);
void latency_model_free(struct latency_model *m);

/* Returns how many samples @p, the next packet of its flow, may give, in @out. */
int latency_model_packet(struct latency_model *m, const struct tcp_seen *p,
			 struct expected out[EXPECTED_MOST]);

/* What has been counted of the flow so far, for those of WEIR_LOSSES that tell of TCP. */
__u64 latency_model_loss(const struct latency_model *m, enum weir_direction sender,
			 enum weir_loss_kind kind);

#endif
