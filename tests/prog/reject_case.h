/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that are rejected, at XDP and at both sides of TC, and what the
 * answers must be.
 */
#ifndef WEIR_TEST_REJECT_CASE_H
#define WEIR_TEST_REJECT_CASE_H

#include "actions.h"
#include "testnet.h"

/* Without a route to the peer, which the namespace has not, it goes back where it came from. */
struct hook_case {
	const char *name;
	const struct bpf_program *program;
	const struct bpf_map *cpu;
	const __u32 *reason;
	__u32 sent, dropped; /* verdicts */
};

#define CASES 3

extern struct hook_case hooks[CASES];
extern struct actions_xdp *xdp; /* of hooks[0] */
extern const char *refusal; /* why nothing can be tested here, or NULL */
extern struct testnet net;

/* For WEIR_RUN_GROUP(). */
int reject_start(void **state);
int reject_stop(void **state);

#define NEED_HOOKS()                              \
	do {                                      \
		if (refusal)                      \
			WEIR_SKIP("%s", refusal); \
	} while (0)

void set16(__u8 *at, __u32 value);

/* Where the headers of a frame begin, as the one who built it knows. */
struct places {
	bool is_v6;
	size_t l3, l4, end; /* end: of the IP packet */
};

struct places places_of(const struct packet *p, const struct frame *f);

/* The sum of the pseudo header of the IP packet at @ip. */
__u32 pseudo_sum(const struct places *at, const __u8 *ip, __u32 proto, size_t l4_bytes);

/* Run @in with nothing answered before: whether it is answered, and how. */
bool rejects(const struct hook_case *h, const struct frame *in, struct frame *out);

/* Everything of the answer but what its transport header says; returns where that is. */
size_t assert_envelope(const struct places *at, const struct frame *in, const struct frame *out,
		       __u8 proto);

/* @p is answered at every hook, as it must be, or at none. */
void assert_answered(const struct packet *p);
void assert_silent(const struct packet *p);

#endif
