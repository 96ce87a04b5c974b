/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the packets of flows must go while services change, written from the
 * rules and not from the datapath: names in lists, every pin kept, no table
 * that could be full. Times are seconds of any clock.
 */
#ifndef WEIR_TEST_FLOW_MODEL_H
#define WEIR_TEST_FLOW_MODEL_H

#include "model.h"

struct flow {
	__u8 src[16], dst[16]; /* network order, v4-mapped */
	__u16 sport, dport;
	__u8 proto;
};

#define FLOW_NOT_OURS (-1)
#define FLOW_NO_BACKEND (-2)

struct flow_model;

struct flow_model *flow_model_new(void);
void flow_model_free(struct flow_model *fm);

/* Backends are told apart by the number in their name, "b12", one for all services. */
void flow_model_apply(struct flow_model *fm, const struct model *m, __u64 now_s);

/*
 * The number of the backend that a packet goes to, or FLOW_*.
 *
 * @flags     of TCP
 * @has_data  it carries payload
 */
int flow_model_packet(struct flow_model *fm, const struct flow *flow, __u8 flags, bool has_data,
		      __u64 now_s);

/*
 * Whether a SYN may be taken for the first of a flow, and @went is where it
 * begins then. The model pins flows of slots that settled, too, whose SYN may
 * go elsewhere when it is sent again after a change.
 */
bool flow_model_begins(struct flow_model *fm, const struct flow *flow, int went, __u64 now_s);

/* Whether a backend is in the configuration. */
bool flow_model_has(const struct flow_model *fm, int backend);

#endif
