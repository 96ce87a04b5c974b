/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known before each instruction of a classic program, on every way to it.
 */
#ifndef WEIR_CTL_EXPR_FLOW_H
#define WEIR_CTL_EXPR_FLOW_H

#include "expr.h"

/* Offsets that are looked at through a packet pointer; what lies beyond takes a call. */
#define FLOW_MAX_OFFSET 4096

/*
 * Code is written twice: fast, with packet pointers, and slow, where every load
 * is a call. The fast one goes over to the slow one where a load is outside the
 * linear part, and never back: so what was checked stays checked.
 */
struct flow {
	bool is_fast; /* the fast code gets there */
	bool is_slow; /* the slow code gets there */
	bool may_leave; /* a load that may go over to the slow code */
	bool is_loop; /* a jump leads back to it */
	__u32 checked; /* bytes of the frame that are known to be there */
	__u32 check; /* bytes to check for, 0: none */
	__u32 x_max; /* the most that X can be */
};

/* Bytes that a load takes; and whether @insn is a load from the packet. */
__u32 flow_size(const struct expr_insn *insn);
bool flow_is_load(const struct expr_insn *insn);

/* Where an instruction leads; returns how many, 0 to 2. */
int flow_next(const struct expr_code *code, size_t at, size_t next[2]);

/*
 * @context  with EXPR_SKB loads from before the end of a tag prove nothing
 *
 * Returns a table of code->count rows to be freed, or NULL.
 */
struct flow *flow_of(const struct expr_code *code, enum expr_context context);

/*
 * Whether some way through the program reads a scratch word that it has not
 * written, so that libpcap's own answer is chance: it makes such programs of
 * geneve with "or" or "not".
 *
 * Returns 1, 0, or -ENOMEM.
 */
int flow_reads_unwritten(const struct expr_code *code);

#endif
