/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading programs and telling what a loaded one was made for.
 */
#ifndef WEIR_PROGRAM_H
#define WEIR_PROGRAM_H

#include <stdbool.h>

#include "expr.h"
#include "failure.h"
#include "state.h"
#include "weir/abi.h"

/* Where a program stands. X(symbol, name) */
#define HOOKS(X)              \
	X(XDP, "xdp")         \
	X(INGRESS, "ingress") \
	X(EGRESS, "egress")

enum hook {
#define X(sym, name) HOOK_##sym,
	HOOKS(X)
#undef X
		HOOK_COUNT
};

extern const char *const hook_names[HOOK_COUNT];

/* The code that a program has. */
struct program_code {
	__u32 stages; /* 1 << WEIR_STAGE_* */
	__u32 services; /* 1 << WEIR_NEED_*, of what balances */
	__u32 flags; /* enum weir_program_flag */
	__u8 prefix_v4, prefix_v6; /* bits of prefixes that are timed; 0: none */
};

/* What a program of @hook must have been made for. */
struct weir_program program_config(enum hook hook, __u32 device, const struct program_code *code,
				   const struct capacity *c);

/* The context that expressions see there. */
enum expr_context program_context(enum hook hook);

/*
 * Load a program for @config over @maps, with code for @exprs, of which
 * config->exprs is the hash. @ifname is for messages.
 * Returns its descriptor, or -1.
 */
int program_load(enum hook hook, const char *ifname, const struct weir_program *config,
		 const struct expr_set *exprs, const struct maps *maps, struct failure *why);

/*
 * What a loaded program was made for, and the kernel id of its image map.
 * Returns 0; -1 when it is not one of weir's, or cannot be read.
 */
int program_read(int fd, struct weir_program *config, __u32 *image_map_id);

/* Instructions of the program in eBPF, after dead code was removed; 0 when unknown. */
__u32 program_instructions(int fd);

#endif
