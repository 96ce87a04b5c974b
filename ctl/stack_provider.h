/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What calls a hook of the stack: the kernel has several ways, and not each has
 * all of them.
 */
#ifndef WEIR_STACK_PROVIDER_H
#define WEIR_STACK_PROVIDER_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "stack.h"

/* "BTF tracepoints", "fentry": as a list of hooks begins. */
extern const char *const provider_names[WEIR_HOOK_PROVIDER_COUNT];

/* Where @provider has @hook: a tracepoint, or a function of the kernel. */
const char *provider_place(enum stack_hook hook, enum weir_hook_provider provider);

/*
 * Whether this kernel says that it has the place, weir has a program for it, and
 * WEIR_HOOKS, a list as "fentry,kprobe", does not leave this provider out.
 */
bool provider_is_there(enum stack_hook hook, enum weir_hook_provider provider);

/* How a program of @provider reads. */
enum weir_hook_reads provider_reads(enum weir_hook_provider provider);

/* The program of @hook in @object that @provider calls; NULL: there is none. */
struct bpf_program *provider_program(const struct bpf_object *object, enum stack_hook hook,
				     enum weir_hook_provider provider);

/* Make it ready to be loaded. Returns 0, or -errno. */
int provider_prepare(struct bpf_program *program, enum stack_hook hook,
		     enum weir_hook_provider provider);

/* Attach @program. Returns the link, or -errno. */
int provider_attach(enum stack_hook hook, enum weir_hook_provider provider, int program);

/* Whether the kernel lets a program say what a pointer points to: bpf_rdonly_cast(). */
bool provider_casts(void);

/* Why no provider has @hook: a reason of this kernel's, or NULL. */
const char *provider_reason(enum stack_hook hook);

#endif
