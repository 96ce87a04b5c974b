// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr_emit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

int emit_start(struct emit *e, struct bpf_insn *insns, size_t room, size_t labels)
{
	*e = (struct emit){
		.insns = insns,
		.room = room,
		.targets = calloc(room + 1, sizeof(*e->targets)),
		.labels = calloc(labels + 1, sizeof(*e->labels)),
	};
	if (e->targets && e->labels)
		return 0;
	emit_free(e);
	return -ENOMEM;
}

void emit_free(struct emit *e)
{
	free(e->targets);
	free(e->labels);
	*e = (struct emit){};
}

static void add(struct emit *e, struct bpf_insn insn, int label)
{
	if (e->count < e->room) {
		e->insns[e->count] = insn;
		e->targets[e->count] = label;
	}
	e->count++;
}

void emit_label(struct emit *e, int label)
{
	e->labels[label] = e->count;
}

int emit_finish(struct emit *e)
{
	if (e->count > e->room || e->count > INT_MAX)
		return -E2BIG;
	for (size_t i = 0; i < e->count; i++) {
		long distance;

		if (e->targets[i] == EMIT_NO_LABEL)
			continue;
		distance = (long)e->labels[e->targets[i]] - (long)i - 1;
		if (distance < SHRT_MIN || distance > SHRT_MAX)
			return -E2BIG;
		e->insns[i].off = (__s16)distance;
	}
	return (int)e->count;
}

void emit(struct emit *e, struct bpf_insn insn)
{
	add(e, insn, EMIT_NO_LABEL);
}

void emit_alu32_imm(struct emit *e, __u8 op, __u8 dst, __u32 imm)
{
	emit(e, (struct bpf_insn){
			.code = BPF_ALU | op | BPF_K, .dst_reg = dst & 0xf, .imm = (__s32)imm });
}

void emit_alu32_reg(struct emit *e, __u8 op, __u8 dst, __u8 src)
{
	emit(e, (struct bpf_insn){
			.code = BPF_ALU | op | BPF_X, .dst_reg = dst & 0xf, .src_reg = src & 0xf });
}

void emit_alu64_imm(struct emit *e, __u8 op, __u8 dst, __s32 imm)
{
	emit(e,
	     (struct bpf_insn){ .code = BPF_ALU64 | op | BPF_K, .dst_reg = dst & 0xf, .imm = imm });
}

void emit_alu64_reg(struct emit *e, __u8 op, __u8 dst, __u8 src)
{
	emit(e, (struct bpf_insn){ .code = BPF_ALU64 | op | BPF_X,
				   .dst_reg = dst & 0xf,
				   .src_reg = src & 0xf });
}

void emit_load(struct emit *e, __u8 size, __u8 dst, __u8 src, __s16 offset)
{
	emit(e, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | size,
				   .dst_reg = dst & 0xf,
				   .src_reg = src & 0xf,
				   .off = offset });
}

void emit_store(struct emit *e, __u8 size, __u8 dst, __s16 offset, __u8 src)
{
	emit(e, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | size,
				   .dst_reg = dst & 0xf,
				   .src_reg = src & 0xf,
				   .off = offset });
}

void emit_store_zero(struct emit *e, __u8 size, __u8 dst, __s16 offset)
{
	emit(e, (struct bpf_insn){
			.code = BPF_ST | BPF_MEM | size, .dst_reg = dst & 0xf, .off = offset });
}

void emit_to_be(struct emit *e, __u8 dst, __u32 bits)
{
	emit(e, (struct bpf_insn){ .code = BPF_ALU | BPF_END | BPF_TO_BE,
				   .dst_reg = dst & 0xf,
				   .imm = (__s32)bits });
}

void emit_jump_imm(struct emit *e, __u8 class, __u8 op, __u8 dst, __u32 imm, int label)
{
	add(e,
	    (struct bpf_insn){
		    .code = class | op | BPF_K, .dst_reg = dst & 0xf, .imm = (__s32)imm },
	    label);
}

void emit_jump_reg(struct emit *e, __u8 class, __u8 op, __u8 dst, __u8 src, int label)
{
	add(e,
	    (struct bpf_insn){
		    .code = class | op | BPF_X, .dst_reg = dst & 0xf, .src_reg = src & 0xf },
	    label);
}

void emit_goto(struct emit *e, int label)
{
	add(e, (struct bpf_insn){ .code = BPF_JMP | BPF_JA }, label);
}

bool emit_falls_through(const struct emit *e)
{
	__u8 code = e->count && e->count <= e->room ? e->insns[e->count - 1].code : 0;

	return code != (BPF_JMP | BPF_JA) && code != (BPF_JMP | BPF_EXIT);
}

void emit_return(struct emit *e, __s32 value)
{
	emit_alu64_imm(e, BPF_MOV, BPF_REG_0, value);
	emit(e, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}
