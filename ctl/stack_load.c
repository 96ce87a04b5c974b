// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading the programs of the stack: what a kernel refuses is found by trying.
 */
#include "stack_load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "note.h"
#include "own.h"
#include "siphash.h"
#include "stack.h"
#include "weir/image.h"

#include "weir_stack.skel.h"

/* program_read() finds it there. */
_Static_assert(offsetof(struct weir_stack__rodata, weir) == 0, "not first in .rodata");

static void own_stack(struct weir_stack **skel)
{
	weir_stack__destroy(*skel);
}

static void own_btf(struct btf **btf)
{
	btf__free(*btf);
}

struct weir_program stack_config(__u32 group, const struct capacity *c)
{
	static const __u8 key[16] = "weir build hash.";
	size_t size;
	const void *elf = weir_stack__elf_bytes(&size);

	return (struct weir_program){
		.build = siphash24(elf, size, key),
		.image_mask = c->image_bytes - 1,
		.stages = group,
		.path_mask = c->path_sets - 1,
	};
}

/* Hooks of @groups whose tracepoint the kernel has, 1 << enum stack_hook. */
static __u32 known_hooks(__u32 groups)
{
	OWN(own_btf) struct btf *btf = btf__load_vmlinux_btf();
	__u32 known = 0;
	char name[64];

	for (int i = 0; btf && i < STACK_HOOK_COUNT; i++) {
		snprintf(name, sizeof(name), "btf_trace_%s", stack_hooks[i].tracepoint);
		if (groups & stack_hooks[i].group &&
		    btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0)
			known |= 1U << i;
	}
	return known;
}

const char *stack_reason(enum stack_hook hook)
{
	OWN(own_btf) struct btf *btf = btf__load_vmlinux_btf();
	char name[64];

	if (!btf)
		return "the kernel does not describe itself (CONFIG_DEBUG_INFO_BTF)";
	snprintf(name, sizeof(name), "btf_trace_%s", stack_hooks[hook].tracepoint);
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0
		       ? NULL
		       : "this kernel has no such tracepoint";
}

static struct bpf_program *find(const struct weir_stack *skel, enum stack_hook hook)
{
	return bpf_object__find_program_by_name(skel->obj, stack_hooks[hook].program);
}

/* The programs of @hooks, and no other. NULL with errno set. */
static struct weir_stack *load(__u32 hooks, const struct weir_program *config,
			       const struct maps *maps)
{
	OWN(own_stack) struct weir_stack *skel = weir_stack__open();
	int error;

	if (!skel)
		return NULL;
	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		bpf_program__set_autoload(find(skel, i), hooks & 1U << i);
	skel->rodata->weir = *config;
	skel->rodata->weir.services = hooks;
	error = maps_reuse(skel->obj, maps);
	if (!error)
		error = weir_stack__load(skel);
	if (error) {
		errno = -error;
		return NULL;
	}
	return TAKE_PTR(skel);
}

/* Those of @hooks that load by themselves. What refuses the others is noted. */
static __u32 try_each(__u32 hooks, const struct weir_program *config, const struct maps *maps)
{
	__u32 loads = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		OWN(own_stack) struct weir_stack *skel = NULL;

		if (!(hooks & 1U << i))
			continue;
		note_libbpf_reason();
		skel = load(1U << i, config, maps);
		if (skel)
			loads |= 1U << i;
		else
			note("the kernel refuses the tracepoint %s (%s: %s); not seen: %s",
			     stack_hooks[i].tracepoint, strerror(errno), note_libbpf_reason(),
			     stack_hooks[i].without);
	}
	return loads;
}

static int keep(const struct weir_stack *skel, __u32 hooks, struct stack_change *change,
		struct failure *why)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (!(hooks & 1U << i))
			continue;
		change->program[i] = fcntl(bpf_program__fd(find(skel, i)), F_DUPFD_CLOEXEC, 3);
		if (change->program[i] < 0)
			return fail_errno(why, errno, "cannot keep the program %s",
					  stack_hooks[i].program);
	}
	return 0;
}

static void note_unknown(__u32 group, __u32 known)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (stack_hooks[i].group == group && !(known & 1U << i) && *stack_hooks[i].without)
			note("this kernel has no tracepoint %s; not seen: %s",
			     stack_hooks[i].tracepoint, stack_hooks[i].without);
	}
}

static int load_group(__u32 group, const struct capacity *c, const struct maps *maps,
		      struct stack_change *change, struct failure *why)
{
	struct weir_program config = stack_config(group, c);
	__u32 hooks = known_hooks(group);
	OWN(own_stack) struct weir_stack *skel = NULL;

	if (!hooks)
		return fail(
			why, EXIT_PRECONDITION,
			"this kernel does not describe its tracepoints (CONFIG_DEBUG_INFO_BTF), "
			"so \"measure path\" and \"measure loss\" cannot be had; leave them "
			"out");
	note_unknown(group, hooks);
	if (getrandom(&config.exprs, sizeof(config.exprs), 0) != sizeof(config.exprs))
		return fail_errno(why, errno, "cannot get a random number");
	note_libbpf_reason();
	skel = load(hooks, &config, maps);
	if (!skel) {
		hooks = try_each(hooks, &config, maps);
		skel = hooks ? load(hooks, &config, maps) : NULL;
	}
	if (!skel)
		return fail_errno(why, errno,
				  "the kernel refused to load the programs of the stack (%s); "
				  "--verbose shows its log",
				  note_libbpf_reason());
	return keep(skel, hooks, change, why);
}

int stack_load(const struct state *s, const struct maps *maps, const struct capacity *c,
	       __u32 groups, struct stack_change *change, struct failure *why)
{
	if (!groups)
		return 0;
	if (stack_read(s, c, 0, &change->before, why))
		return -1;
	for (__u32 group = 1; group; group <<= 1) {
		if (groups & group && load_group(group, c, maps, change, why))
			return -1;
	}
	change->groups = groups;
	return 0;
}
