/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which way a segment went through the stage, and what it left in the record of
 * its flow. The long way writes the flow's key into the scratch of its program,
 * the short way has it in registers.
 */
#ifndef WEIR_TEST_LATENCY_WAYS_H
#define WEIR_TEST_LATENCY_WAYS_H

#include "latency_case.h"

/* The one flow that programs of a timing see. */
struct ways {
	const struct timing *timing;
	const struct weir_flow_set *flows; /* mapped */
	const struct weir_flow_rest_set *rests;
	size_t sets;
	const struct weir_flow *flow; /* NULL: it has no record so far */
	const struct weir_flow_rest *rest;
	int scratch[WEIR_DIR_COUNT]; /* of the program that sees this sender */
};

struct ways ways_open(const struct timing *t);
void ways_close(struct ways *w);

/* Before a segment: zero what the last one left in the scratch. */
void ways_forget(const struct ways *w, enum weir_direction sender);

/* After it: whether it went the short way. No segment does of a flow without a record. */
bool ways_was_short(struct ways *w, enum weir_direction sender);

/*
 * Both flows' records are the same: all of them but for the key, and the times,
 * of which only is said that there is one.
 */
void ways_assert_same(struct ways *a, struct ways *b);

#endif
