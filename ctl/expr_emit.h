/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing eBPF instructions, with labels for jumps. What does not fit is
 * counted and not written; emit_finish() tells.
 */
#ifndef WEIR_CTL_EXPR_EMIT_H
#define WEIR_CTL_EXPR_EMIT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

struct emit {
	struct bpf_insn *insns;
	size_t room;
	size_t count;
	int *targets; /* per instruction: the label it jumps to, or -1 */
	size_t *labels; /* where each is; counted from 0 */
};

#define EMIT_NO_LABEL (-1)

/* Returns 0, or -ENOMEM. Instructions go to @insns. */
int emit_start(struct emit *e, struct bpf_insn *insns, size_t room, size_t labels);
void emit_free(struct emit *e);

/* The label stands before the next instruction. */
void emit_label(struct emit *e, int label);

/*
 * Fill in the jumps.
 * Returns the number of instructions; -E2BIG where they did not fit, or a jump
 * does not reach.
 */
int emit_finish(struct emit *e);

void emit(struct emit *e, struct bpf_insn insn);

/* @op as BPF_ADD; 32 bits, and the upper half becomes 0. */
void emit_alu32_imm(struct emit *e, __u8 op, __u8 dst, __u32 imm);
void emit_alu32_reg(struct emit *e, __u8 op, __u8 dst, __u8 src);
void emit_alu64_imm(struct emit *e, __u8 op, __u8 dst, __s32 imm);
void emit_alu64_reg(struct emit *e, __u8 op, __u8 dst, __u8 src);

/* @size as BPF_W. */
void emit_load(struct emit *e, __u8 size, __u8 dst, __u8 src, __s16 offset);
void emit_store(struct emit *e, __u8 size, __u8 dst, __s16 offset, __u8 src);
void emit_store_zero(struct emit *e, __u8 size, __u8 dst, __s16 offset);
void emit_to_be(struct emit *e, __u8 dst, __u32 bits);

/* @class BPF_JMP or BPF_JMP32, @op as BPF_JEQ. */
void emit_jump_imm(struct emit *e, __u8 class, __u8 op, __u8 dst, __u32 imm, int label);
void emit_jump_reg(struct emit *e, __u8 class, __u8 op, __u8 dst, __u8 src, int label);
void emit_goto(struct emit *e, int label);

/* Whether the next instruction may come after the last one without a jump. */
bool emit_falls_through(const struct emit *e);

/* Return a constant. */
void emit_return(struct emit *e, __s32 value);

#endif
