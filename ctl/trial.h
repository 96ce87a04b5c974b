/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private copy of what is in force, or of what would be: the same image and
 * the same object code over maps of their own, attached to nothing. Packets are
 * run through it by BPF_PROG_TEST_RUN, and nothing live notices.
 */
#ifndef WEIR_TRIAL_H
#define WEIR_TRIAL_H

#include "describe.h"
#include "judge.h"
#include "model.h"
#include "program.h"
#include "state.h"
#include "weir/reason.h"

/* Counters of the copy, in memory: a filter may have 100,000 of them to look at. */
struct trial_counters {
	const char *mapped; /* NULL: not mapped */
	size_t bytes;
	size_t stride; /* from one to the next */
};

struct trial {
	const struct model *model;
	const struct interface *interface; /* the block that the device falls under */
	const struct filter *filter; /* of the hook; NULL: none */
	char ifname[IFNAMSIZ];
	__u32 ifindex; /* 0: there is no such device here */
	enum hook hook;
	__u32 slot;
	struct capacity capacity;
	struct maps maps;
	int program;
	__u32 *rule_ids; /* of @filter, its default last */
	struct frame *left; /* gets what the program leaves of a packet; borrowed, or NULL */
	struct trial_counters rules, reasons;
	__u64 *rules_before, *rules_now; /* packets, by id */
	__u64 reasons_before[WEIR_R_COUNT], reasons_now[WEIR_R_COUNT];
};

#define TRIAL_NONE                                                                   \
	{                                                                            \
		.maps = { .fd = { [0 ... WEIR_MAP_COUNT - 1] = -1 } }, .program = -1 \
	}

enum trial_direction {
	TRIAL_INGRESS, /* XDP, or TC where the device has no XDP program */
	TRIAL_EGRESS,
};

/*
 * Copy what is in force on @ifname.
 *
 * @model  what @s was built from; outlives the trial
 */
int trial_copy(struct trial *t, const struct state *s, const struct model *model,
	       const char *ifname, enum trial_direction direction, struct failure *why);

/*
 * Build what @model would put in force on @ifname, which need not exist. Routes
 * to backends are left out where the host has none.
 */
int trial_build(struct trial *t, const struct model *model, const char *ifname,
		enum trial_direction direction, struct failure *why);

void trial_close(struct trial *t);

/* The device that is meant where none is named: the only one that there is. */
const char *trial_only_device(const struct model *m, struct failure *why);

struct trial_result {
	bool is_refused; /* the kernel runs no such frame */
	bool is_too_short; /* why; else it is too long */
	enum weir_fate fate;
	bool has_reason; /* tc egress counts none */
	enum weir_reason reason;
	const struct rule *rule; /* that decided; NULL: the default, or no rule */
	bool is_default; /* the filter's default decided */
	size_t matched; /* rules that counted the packet; trial_matched() says which */
};

/* Returns 0, @out telling of a frame that the kernel does not take, or -1. */
int trial_run(struct trial *t, const struct frame *in, struct trial_result *out,
	      struct failure *why);

/* What the last packet was, for who explains it. */
struct judge_packet trial_packet(const struct trial *t, const struct frame *in);

/* Whether rule @index of the filter counted the last packet. */
bool trial_matched(const struct trial *t, size_t index);

#endif
