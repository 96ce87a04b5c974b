// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr_translate.h"

#include <errno.h>
#include <linux/filter.h>

#include "expr_work.h"
#include "own.h"

#define CHAIN_COUNTER (-8)

size_t translate_labels(const struct expr_code *code)
{
	/* fast, slow, and one or two within a load of the tag */
	return 4 * (code->count + 1);
}

static int label_of(const struct work *w, size_t at)
{
	return (w->is_slow ? w->slow : w->fast) + (int)at;
}

static int store(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);

	emit_store(&w->t->e, BPF_W, BPF_REG_10, SCRATCH(insn->k),
		   BPF_CLASS(insn->code) == BPF_STX ? X : A);
	return insn->k < 16 ? 0 : -EINVAL;
}

/* A shift by 32 or more leaves nothing; eBPF would take the number modulo 32. */
static void shift(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	int done = w->t->next_label;
	struct emit *e = &w->t->e;

	if (BPF_SRC(insn->code) == BPF_K) {
		if (insn->k < 32)
			emit_alu32_imm(e, BPF_OP(insn->code), A, insn->k);
		else
			emit_alu32_imm(e, BPF_MOV, A, 0);
		return;
	}
	w->t->next_label += 2;
	emit_jump_imm(e, BPF_JMP, BPF_JLT, X, 32, done);
	emit_alu32_imm(e, BPF_MOV, A, 0);
	emit_goto(e, done + 1);
	emit_label(e, done);
	emit_alu32_reg(e, BPF_OP(insn->code), A, X);
	emit_label(e, done + 1);
}

static int calculate(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	__u8 op = BPF_OP(insn->code);
	struct emit *e = &w->t->e;

	if (op == BPF_LSH || op == BPF_RSH) {
		shift(w);
	} else if (op == BPF_NEG) {
		emit_alu32_imm(e, BPF_NEG, A, 0);
	} else if (op > BPF_XOR) {
		return -EINVAL;
	} else if (BPF_SRC(insn->code) == BPF_X) {
		/* A division by 0 ends the filter: no match. */
		if (op == BPF_DIV || op == BPF_MOD)
			emit_jump_imm(e, BPF_JMP, BPF_JEQ, X, 0, w->t->no_match);
		emit_alu32_reg(e, op, A, X);
	} else if (!insn->k && (op == BPF_DIV || op == BPF_MOD)) {
		return -EINVAL;
	} else {
		emit_alu32_imm(e, op, A, insn->k);
	}
	return 0;
}

static void compare(const struct work *w, __u8 op, size_t at)
{
	const struct expr_insn *insn = insn_of(w);

	if (BPF_SRC(insn->code) == BPF_X)
		emit_jump_reg(&w->t->e, BPF_JMP32, op, A, X, label_of(w, at));
	else
		emit_jump_imm(&w->t->e, BPF_JMP32, op, A, insn->k, label_of(w, at));
}

/* Back to the head of a chain of headers, so many times and no more. */
static void jump_back(const struct work *w, size_t at)
{
	struct emit *e = &w->t->e;

	emit_load(e, BPF_DW, BPF_REG_1, BPF_REG_10, CHAIN_COUNTER);
	emit_jump_imm(e, BPF_JMP, BPF_JGE, BPF_REG_1, WEIR_EXPR_CHAIN_MAX, w->t->no_match);
	emit_alu64_imm(e, BPF_ADD, BPF_REG_1, 1);
	emit_store(e, BPF_DW, BPF_REG_10, CHAIN_COUNTER, BPF_REG_1);
	emit_goto(e, label_of(w, at));
}

static int jump(const struct work *w)
{
	static const __u8 opposite[] = {
		[BPF_JEQ >> 4] = BPF_JNE,
		[BPF_JGT >> 4] = BPF_JLE,
		[BPF_JGE >> 4] = BPF_JLT,
	};
	const struct expr_insn *insn = insn_of(w);
	__u8 op = BPF_OP(insn->code);
	size_t next[2];
	int ways = flow_next(w->code, w->at, next);

	if (ways == 1 && next[0] <= w->at)
		jump_back(w, next[0]);
	else if (ways == 1)
		emit_goto(&w->t->e, label_of(w, next[0]));
	else if (op > BPF_JSET)
		return -EINVAL;
	else if (!insn->jt && op != BPF_JSET)
		compare(w, opposite[op >> 4], next[1]);
	else
		compare(w, op, next[0]);
	if (ways == 2 && insn->jf && (insn->jt || op == BPF_JSET))
		emit_goto(&w->t->e, label_of(w, next[1]));
	return 0;
}

static int give_back(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	struct emit *e = &w->t->e;

	if (BPF_RVAL(insn->code) == BPF_K) {
		emit_return(e, insn->k != 0);
		return 0;
	}
	if (BPF_RVAL(insn->code) != BPF_A)
		return -EINVAL;
	emit_jump_imm(e, BPF_JMP, BPF_JEQ, A, 0, w->t->no_match);
	emit_return(e, 1);
	return 0;
}

static int one(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		return translate_load(w);
	case BPF_ST:
	case BPF_STX:
		return store(w);
	case BPF_ALU:
		return calculate(w);
	case BPF_JMP:
		return jump(w);
	case BPF_RET:
		return give_back(w);
	default:
		break;
	}
	if (BPF_MISCOP(insn->code) == BPF_TAX)
		emit_alu32_reg(&w->t->e, BPF_MOV, X, A);
	else if (BPF_MISCOP(insn->code) == BPF_TXA)
		emit_alu32_reg(&w->t->e, BPF_MOV, A, X);
	else
		return -EINVAL;
	return 0;
}

static bool has_loop(const struct work *w)
{
	for (size_t i = 0; i < w->code->count; i++) {
		if (w->flow[i].is_loop)
			return true;
	}
	return false;
}

/* Scratch words start as 0, and so does the count of a chain's headers. */
static void clear_stack(const struct work *w)
{
	__u32 used = 0;

	for (size_t i = 0; i < w->code->count; i++) {
		const struct expr_insn *insn = &w->code->insns[i];
		bool loads = BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_LDX;

		if (loads && BPF_MODE(insn->code) == BPF_MEM && insn->k < 16)
			used |= 1U << insn->k;
	}
	if (w->loops)
		emit_store_zero(&w->t->e, BPF_DW, BPF_REG_10, CHAIN_COUNTER);
	for (int k = 0; k < 16; k++) {
		if (used & 1U << k)
			emit_store_zero(&w->t->e, BPF_W, BPF_REG_10, SCRATCH(k));
	}
}

static int write_code(struct work *w)
{
	int error = 0;

	for (w->at = 0; w->at < w->code->count && !error; w->at++) {
		const struct flow *here = &w->flow[w->at];

		if (!(w->is_slow ? here->is_slow : here->is_fast))
			continue;
		/*
		 * Linux 6.1 refuses to fall from one instruction of a loop into another
		 * by which the loop may be entered; a jump to it is fine, and free.
		 */
		if (w->loops && emit_falls_through(&w->t->e))
			emit_goto(&w->t->e, label_of(w, w->at));
		emit_label(&w->t->e, label_of(w, w->at));
		error = one(w);
	}
	return error;
}

/* A jump that leads out of the program, which libpcap never makes. */
static bool is_sound(const struct expr_code *code)
{
	for (size_t i = 0; i < code->count; i++) {
		size_t next[2];

		for (int n = flow_next(code, i, next); n > 0; n--) {
			if (next[n - 1] >= code->count)
				return false;
		}
	}
	return code->count > 0;
}

int translate(struct translation *t, const struct expr_code *code)
{
	OWN_FREE struct flow *flow = NULL;
	struct work w = { .t = t, .code = code };
	int error;

	if (!is_sound(code))
		return -EINVAL;
	flow = flow_of(code, t->context);
	if (!flow)
		return -ENOMEM;
	w.flow = flow;
	w.fast = t->next_label;
	w.slow = w.fast + (int)code->count;
	t->next_label = w.slow + (int)code->count;
	w.loops = has_loop(&w);
	clear_stack(&w);
	error = write_code(&w);
	w.is_slow = true;
	return error ? error : write_code(&w);
}
