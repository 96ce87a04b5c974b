// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads: from the frame, by packet pointer or by call, and of what is beside it.
 */
#include "expr_work.h"

#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>

#define TAG_OFFSET 12
#define TAG_END 16
#define TAG_BYTES 4

#define NEVER_FAST FLOW_MAX_OFFSET

static __u32 shift_of(const struct translation *t)
{
	return t->context == EXPR_SKB ? TAG_BYTES : 0;
}

static void load_data(struct translation *t, __u8 dst)
{
	emit_load(&t->e, BPF_W, dst, CTX,
		  t->context == EXPR_SKB ? offsetof(struct __sk_buff, data)
					 : offsetof(struct xdp_md, data));
}

static void load_data_end(struct translation *t, __u8 dst)
{
	emit_load(&t->e, BPF_W, dst, CTX,
		  t->context == EXPR_SKB ? offsetof(struct __sk_buff, data_end)
					 : offsetof(struct xdp_md, data_end));
}

static void load_has_tag(struct translation *t, __u8 dst)
{
	emit_load(&t->e, BPF_W, dst, CTX, offsetof(struct __sk_buff, vlan_present));
}

void translate_prologue(struct translation *t)
{
	emit_alu64_reg(&t->e, BPF_MOV, CTX, BPF_REG_1);
	load_data(t, FRAME);
	if (t->context == EXPR_SKB) {
		load_has_tag(t, BPF_REG_3);
		emit_alu64_imm(&t->e, BPF_AND, BPF_REG_3, 1);
		emit_alu64_imm(&t->e, BPF_XOR, BPF_REG_3, 1);
		emit_alu64_imm(&t->e, BPF_LSH, BPF_REG_3, 2);
		emit_alu64_reg(&t->e, BPF_ADD, FRAME, BPF_REG_3);
	}
	emit_alu64_imm(&t->e, BPF_MOV, A, 0);
	emit_alu64_imm(&t->e, BPF_MOV, X, 0);
}

static int slow_label(const struct work *w)
{
	return w->slow + (int)w->at;
}

/* Numbers are most significant byte first; MSH takes four times the lower half of a byte. */
static void finish_load(const struct work *w, __u8 dst, bool swaps)
{
	const struct expr_insn *insn = insn_of(w);

	if (swaps && flow_size(insn) > 1)
		emit_to_be(&w->t->e, dst, flow_size(insn) * 8);
	if (BPF_CLASS(insn->code) == BPF_LDX) {
		emit_alu32_imm(&w->t->e, BPF_AND, dst, 0xf);
		emit_alu32_imm(&w->t->e, BPF_LSH, dst, 2);
	}
}

static __u8 target_of(const struct expr_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? X : A;
}

static __u8 ebpf_size(const struct expr_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? BPF_B : BPF_SIZE(insn->code);
}

/* Leave for the slow code unless @bytes from @base are in the linear part. Uses r1 and r2. */
static void check_end(const struct work *w, __u8 base, __u32 bytes)
{
	struct emit *e = &w->t->e;

	emit_alu64_reg(e, BPF_MOV, BPF_REG_1, base);
	emit_alu64_imm(e, BPF_ADD, BPF_REG_1, (__s32)bytes);
	load_data_end(w->t, BPF_REG_2);
	emit_jump_reg(e, BPF_JMP, BPF_JGT, BPF_REG_1, BPF_REG_2, slow_label(w));
}

static void load_at(const struct work *w, __u8 base, __u32 offset)
{
	emit_load(&w->t->e, ebpf_size(insn_of(w)), target_of(insn_of(w)), base, (__s16)offset);
	finish_load(w, target_of(insn_of(w)), true);
}

/* Before the tag, where a frame at TC is as on the wire. */
static void load_address(const struct work *w)
{
	load_data(w->t, BPF_REG_3);
	check_end(w, BPF_REG_3, TAG_OFFSET);
	load_at(w, BPF_REG_3, insn_of(w)->k);
}

/* What may be in the tag that is beside the frame. */
static void load_tag(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	bool is_type = insn->k == TAG_OFFSET && flow_size(insn) == 2;
	bool is_tci = insn->k == TAG_OFFSET + 2 && flow_size(insn) == 2;
	int inside = w->t->next_label, done = inside + 1;
	struct emit *e = &w->t->e;

	load_has_tag(w->t, BPF_REG_3);
	if (!is_type && !is_tci) {
		emit_jump_imm(e, BPF_JMP, BPF_JNE, BPF_REG_3, 0, slow_label(w));
		load_at(w, FRAME, insn->k - TAG_BYTES);
		return;
	}
	w->t->next_label += 2;
	emit_jump_imm(e, BPF_JMP, BPF_JEQ, BPF_REG_3, 0, inside);
	emit_load(e, BPF_W, A, CTX,
		  is_type ? offsetof(struct __sk_buff, vlan_proto)
			  : offsetof(struct __sk_buff, vlan_tci));
	finish_load(w, A, is_type);
	emit_goto(e, done);
	emit_label(e, inside);
	load_at(w, FRAME, insn->k - TAG_BYTES);
	emit_label(e, done);
}

static void load_fixed(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	const struct flow *here = &w->flow[w->at];
	__u32 shift = shift_of(w->t);

	if (insn->k >= NEVER_FAST) {
		emit_goto(&w->t->e, slow_label(w));
		return;
	}
	if (here->check)
		check_end(w, FRAME, here->check - shift);
	if (!shift || insn->k >= TAG_END)
		load_at(w, FRAME, insn->k - shift);
	else if (insn->k + flow_size(insn) <= TAG_OFFSET)
		load_address(w);
	else
		load_tag(w);
}

static void load_indexed(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	__u32 x_max = w->flow[w->at].x_max;
	struct emit *e = &w->t->e;

	if (insn->k >= NEVER_FAST) {
		emit_goto(e, slow_label(w));
		return;
	}
	emit_alu64_reg(e, BPF_MOV, BPF_REG_3, X);
	emit_alu64_imm(e, BPF_ADD, BPF_REG_3, (__s32)insn->k);
	if (x_max > FLOW_MAX_OFFSET)
		emit_jump_imm(e, BPF_JMP, BPF_JGT, BPF_REG_3, 2 * FLOW_MAX_OFFSET, slow_label(w));
	if (shift_of(w->t)) {
		emit_jump_imm(e, BPF_JMP, BPF_JLT, BPF_REG_3, TAG_END, slow_label(w));
		emit_alu64_imm(e, BPF_ADD, BPF_REG_3, -TAG_BYTES);
	}
	emit_alu64_reg(e, BPF_ADD, BPF_REG_3, FRAME);
	check_end(w, BPF_REG_3, flow_size(insn));
	load_at(w, BPF_REG_3, 0);
}

static void load_by_call(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	struct emit *e = &w->t->e;

	emit_alu64_reg(e, BPF_MOV, BPF_REG_1, CTX);
	if (BPF_MODE(insn->code) == BPF_IND) {
		/* X and k are 32 bits wide without a sign, and so is what they make here */
		emit_alu32_imm(e, BPF_MOV, BPF_REG_2, insn->k);
		emit_alu64_reg(e, BPF_ADD, BPF_REG_2, X);
	} else {
		emit_alu32_imm(e, BPF_MOV, BPF_REG_2, insn->k);
	}
	emit_alu64_imm(e, BPF_MOV, BPF_REG_3, (__s32)flow_size(insn));
	emit(e, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
				   .src_reg = BPF_PSEUDO_CALL,
				   .imm = w->t->load_call - (__s32)e->count });
	emit_jump_imm(e, BPF_JMP, BPF_JSLT, BPF_REG_0, 0, w->t->no_match);
	emit_alu32_reg(e, BPF_MOV, target_of(insn), BPF_REG_0);
	finish_load(w, target_of(insn), false);
}

/* Of the whole frame, whatever is linear, and as on the wire. */
static void load_length(const struct work *w, __u8 dst)
{
	struct emit *e = &w->t->e;

	if (w->t->context == EXPR_XDP) {
		emit_alu64_reg(e, BPF_MOV, BPF_REG_1, CTX);
		emit(e, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
					   .imm = BPF_FUNC_xdp_get_buff_len });
		emit_alu32_reg(e, BPF_MOV, dst, BPF_REG_0);
		return;
	}
	emit_load(e, BPF_W, dst, CTX, offsetof(struct __sk_buff, len));
	load_has_tag(w->t, BPF_REG_1);
	emit_alu32_imm(e, BPF_LSH, BPF_REG_1, 2);
	emit_alu32_reg(e, BPF_ADD, dst, BPF_REG_1);
}

int translate_load(const struct work *w)
{
	const struct expr_insn *insn = insn_of(w);
	__u8 dst = target_of(insn);

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		emit_alu32_imm(&w->t->e, BPF_MOV, dst, insn->k);
		return 0;
	case BPF_MEM:
		emit_load(&w->t->e, BPF_W, dst, BPF_REG_10, SCRATCH(insn->k));
		return insn->k < 16 ? 0 : -EINVAL;
	case BPF_LEN:
		load_length(w, dst);
		return 0;
	case BPF_ABS:
	case BPF_IND:
	case BPF_MSH:
		if (w->is_slow)
			load_by_call(w);
		else if (BPF_MODE(insn->code) == BPF_IND)
			load_indexed(w);
		else
			load_fixed(w);
		return 0;
	default:
		return -EINVAL;
	}
}
