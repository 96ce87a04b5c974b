/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hooks in the stack there are, which are missing, and why.
 */
#ifndef WEIR_STACK_SHOW_H
#define WEIR_STACK_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "stack.h"

/* Groups that a configuration wants, 1 << WEIR_STAGE_PATH and _LOSS. */
__u32 stack_wanted(const struct model *m);

/* A hook that is wanted and does not stand. */
struct stack_gap {
	enum stack_hook hook;
	const char *reason; /* of this kernel's */
};

/* What stands of @groups. @gaps has room for STACK_HOOK_COUNT. Returns how many gaps, or -1. */
int stack_gaps(const struct state *s, __u32 groups, struct stack_gap *gaps, struct failure *why);

/*
 * Those of @groups that stand at something else than a BTF tracepoint, as
 * "fentry sock_def_readable, ..."; "" where there are none. To be freed. NULL, with @why filled in.
 */
char *stack_substitutes(const struct state *s, __u32 groups, struct failure *why);

/*
 * "hooks  BTF tracepoints net_dev_queue, ...", a line for each provider, and one
 * for each that is missing: what is not seen without it, and why. Nothing where
 * none is wanted.
 */
int stack_print(const struct applied *a, __u32 groups, FILE *out, struct failure *why);

/* The same: {"hooks": [{"hook", "provider"}], "missing": [{"hook", "not_seen", "reason"}]}. */
json_t *stack_json(const struct applied *a, __u32 groups, struct failure *why);

#endif
