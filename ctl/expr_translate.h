/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One classic program as eBPF, behind the prologue that sets registers up.
 */
#ifndef WEIR_CTL_EXPR_TRANSLATE_H
#define WEIR_CTL_EXPR_TRANSLATE_H

#include "expr.h"
#include "expr_emit.h"

struct translation {
	struct emit e;
	enum expr_context context;
	int load_call; /* see expr_translate() */
	int no_match; /* label: return 0 */
	int next_label; /* the first that is not in use */
};

/* Labels that a program takes. */
size_t translate_labels(const struct expr_code *code);

/* Set the registers up; all programs begin behind it. */
void translate_prologue(struct translation *t);

/* Returns 0, -EINVAL for an instruction that libpcap never makes, or -ENOMEM. */
int translate(struct translation *t, const struct expr_code *code);

#endif
