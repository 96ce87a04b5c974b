/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the translation: what its parts share.
 */
#ifndef WEIR_CTL_EXPR_WORK_H
#define WEIR_CTL_EXPR_WORK_H

#include "expr_flow.h"
#include "expr_translate.h"

#define CTX BPF_REG_6
#define A BPF_REG_7
#define X BPF_REG_8
/*
 * The frame. At TC it points 4 bytes into a frame without a tag beside it, so
 * that what lies behind the tag is 4 bytes before the place where it was on the
 * wire, with a tag and without.
 */
#define FRAME BPF_REG_9

#define SCRATCH(k) ((__s16)(-12 - 4 * (int)(k)))

/* One program being translated; @at is the instruction whose turn it is. */
struct work {
	struct translation *t;
	const struct expr_code *code;
	const struct flow *flow;
	int fast, slow; /* the labels of the first instruction */
	size_t at;
	bool is_slow;
	bool loops; /* it has a jump that leads back */
};

static inline const struct expr_insn *insn_of(const struct work *w)
{
	return &w->code->insns[w->at];
}

/* Any load, into A or X. Returns 0, or -EINVAL. */
int translate_load(const struct work *w);

#endif
