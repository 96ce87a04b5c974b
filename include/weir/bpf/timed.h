/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet on its way through the stage that times it. It lies in the scratch
 * of a CPU: the verifier does not follow what is there, and so finds the paths
 * through the stage equal that it would follow one by one otherwise.
 */
#ifndef WEIR_BPF_TIMED_H
#define WEIR_BPF_TIMED_H

#include "weir/bpf/packet.h"

enum timed_what {
	TIMED_NOTHING,
	TIMED_TCP,
	TIMED_ASK, /* value is a question */
	TIMED_ANSWER, /* and its answer */
	TIMED_SPIN, /* value is the spin bit of QUIC */
};

/* Numbers in host order. */
struct timed {
	__u64 key; /* of its flow */
	__u64 ns; /* CLOCK_MONOTONIC; of meaning when now is not 0 */
	__u32 now; /* ticks, never 0; 0: nobody asked yet */
	__u32 took; /* the round trip that it ended, ticks; 0: none */
	__u32 backend; /* backend id + 1; 0: none, as far as anybody knows */
	__u32 value;
	__u8 what; /* enum timed_what */
	__u8 kind; /* enum weir_rtt_kind, of an answer; of a question, what it asks for */
	__u8 is_client; /* QUIC */
	__u8 is_v6;

	/* TCP */
	__u32 seq, ack;
	__u32 end; /* sequence number that follows it */
	__u32 bytes; /* of payload */
	__u32 single; /* bytes of one segment, where it is several; 0: nobody says */
	__u32 tsval, tsecr;
	__u16 window;
	__u8 flags;
	__u8 has_timestamps;
	__u32 is_new; /* nothing of it was seen before */
	__u32 is_stamped; /* it will be acknowledged */
	__u32 way; /* of its flow, in the set */

	union pkt_addr client; /* of meaning where prefixes have histograms */
};

#endif
