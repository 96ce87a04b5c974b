// SPDX-License-Identifier: GPL-2.0-or-later
#include "expr_flow.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>

#include "own.h"

#define UNKNOWN 0xffffffffU
#define FAST_TAG_END 16

/*
 * Frames end at these offsets or behind them, nearly all: Ethernet with IPv4,
 * and with IPv6, each without and with a tag. One check then does for all that
 * is loaded before.
 */
static const __u32 tiers[] = { 34, 38, 54, 58, FLOW_MAX_OFFSET };

__u32 flow_size(const struct expr_insn *insn)
{
	if (BPF_CLASS(insn->code) == BPF_LDX)
		return 1;
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	default:
		return 4;
	}
}

bool flow_is_load(const struct expr_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return BPF_MODE(insn->code) == BPF_ABS || BPF_MODE(insn->code) == BPF_IND;
	case BPF_LDX:
		return BPF_MODE(insn->code) == BPF_MSH;
	default:
		return false;
	}
}

int flow_next(const struct expr_code *code, size_t at, size_t next[2])
{
	const struct expr_insn *insn = &code->insns[at];

	if (BPF_CLASS(insn->code) == BPF_RET)
		return 0;
	next[0] = at + 1;
	if (BPF_CLASS(insn->code) != BPF_JMP)
		return 1;
	if (BPF_OP(insn->code) == BPF_JA) {
		/* "protochain" jumps back, by a number that is negative in 32 bits */
		next[0] = (size_t)((long)at + 1 + (__s32)insn->k);
		return 1;
	}
	next[0] = at + 1 + insn->jt;
	next[1] = at + 1 + insn->jf;
	return next[0] == next[1] ? 1 : 2;
}

static __u32 end_of(const struct expr_insn *insn)
{
	bool is_near = insn->k < FLOW_MAX_OFFSET;

	return is_near ? insn->k + flow_size(insn) : UNKNOWN;
}

static bool is_at_fixed_place(const struct expr_insn *insn)
{
	return flow_is_load(insn) && BPF_MODE(insn->code) != BPF_IND;
}

/* The end of the last load of the program that is in the same tier as @end. */
static __u32 widen(const struct expr_code *code, __u32 end)
{
	__u32 tier = 0, widest = end;

	while (tiers[tier] < end)
		tier++;
	for (size_t i = 0; i < code->count; i++) {
		__u32 other = end_of(&code->insns[i]);

		if (is_at_fixed_place(&code->insns[i]) && other <= tiers[tier] && other > widest &&
		    tiers[tier] < FLOW_MAX_OFFSET)
			widest = other;
	}
	return widest;
}

static void look_at_load(const struct expr_code *code, enum expr_context context, struct flow *flow,
			 size_t at)
{
	const struct expr_insn *insn = &code->insns[at];
	struct flow *here = &flow[at];
	__u32 end = end_of(insn);

	here->check = 0;
	here->may_leave = false;
	if (!flow_is_load(insn))
		return;
	here->may_leave = true;
	if (!is_at_fixed_place(insn) || end > FLOW_MAX_OFFSET)
		return;
	if (context == EXPR_SKB && insn->k < FAST_TAG_END)
		end = end > FAST_TAG_END ? end : FAST_TAG_END;
	if (end > here->checked)
		here->check = widen(code, end);
	else if (context == EXPR_XDP || insn->k >= FAST_TAG_END)
		here->may_leave = false;
}

static __u32 x_after(const struct expr_insn *insn, __u32 x_max)
{
	if (insn->code == (BPF_MISC | BPF_TAX))
		return UNKNOWN;
	if (BPF_CLASS(insn->code) != BPF_LDX)
		return x_max;
	switch (BPF_MODE(insn->code)) {
	case BPF_MSH:
		return 0xf << 2;
	case BPF_IMM:
		return insn->k;
	default:
		return UNKNOWN;
	}
}

static bool go_on_fast(struct flow *to, __u32 checked, __u32 x_max)
{
	struct flow was = *to;

	if (to->is_loop) {
		checked = 0;
		x_max = UNKNOWN;
	}
	to->checked = to->is_fast && to->checked < checked ? to->checked : checked;
	to->x_max = to->is_fast && to->x_max > x_max ? to->x_max : x_max;
	to->is_fast = true;
	return !was.is_fast || was.checked != to->checked || was.x_max != to->x_max;
}

static bool go_on(const struct expr_code *code, enum expr_context context, struct flow *flow,
		  size_t at)
{
	const struct expr_insn *insn = &code->insns[at];
	struct flow *here = &flow[at];
	bool changes = false;
	size_t next[2];
	int ways = flow_next(code, at, next);

	if (here->is_fast) {
		look_at_load(code, context, flow, at);
		here->is_slow |= here->may_leave;
	}
	for (int i = 0; i < ways; i++) {
		struct flow *to = &flow[next[i]];
		bool stays = !flow_is_load(insn) || insn->k < FLOW_MAX_OFFSET;

		if (here->is_fast && stays)
			changes |= go_on_fast(to, here->check ? here->check : here->checked,
					      x_after(insn, here->x_max));
		changes |= here->is_slow && !to->is_slow;
		to->is_slow |= here->is_slow;
	}
	return changes;
}

struct flow *flow_of(const struct expr_code *code, enum expr_context context)
{
	struct flow *flow = calloc(code->count + 1, sizeof(*flow));
	bool changes = true;
	size_t next[2];

	if (!flow)
		return NULL;
	for (size_t i = 0; i < code->count; i++) {
		for (int n = flow_next(code, i, next); n > 0; n--)
			flow[next[n - 1]].is_loop |= next[n - 1] <= i;
	}
	/* Jumps lead forward but for a few, so that this is done once or twice. */
	go_on_fast(&flow[0], 0, 0);
	while (changes) {
		changes = false;
		for (size_t i = 0; i < code->count; i++)
			changes |= go_on(code, context, flow, i);
	}
	return flow;
}

/*
 * Jumps back are left out: the words that are written at the head of a loop
 * are written at its end, too.
 */
int flow_reads_unwritten(const struct expr_code *code)
{
	OWN_FREE __u16 *unwritten = calloc(code->count + 1, sizeof(*unwritten));
	size_t next[2];

	if (!unwritten)
		return -ENOMEM;
	unwritten[0] = 0xffff;
	for (size_t i = 0; i < code->count; i++) {
		const struct expr_insn *insn = &code->insns[i];
		__u8 class = BPF_CLASS(insn->code);
		__u16 after = unwritten[i];

		if ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(insn->code) == BPF_MEM &&
		    unwritten[i] & 1U << (insn->k & 0xf))
			return 1;
		if (class == BPF_ST || class == BPF_STX)
			after &= ~(1U << (insn->k & 0xf));
		for (int n = flow_next(code, i, next); n > 0; n--) {
			if (next[n - 1] > i && next[n - 1] < code->count)
				unwritten[next[n - 1]] |= after;
		}
	}
	return 0;
}
