// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading the programs of the stack: what a kernel refuses is found by trying.
 */
#include "stack_load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "note.h"
#include "own.h"
#include "stack.h"
#include "stack_provider.h"
#include "weir/image.h"

#include "weir_stack.skel.h"

/* program_read() finds it there. */
_Static_assert(offsetof(struct weir_stack__rodata_weir, weir) == 0, "not first in its section");

static void own_stack(struct weir_stack **skel)
{
	weir_stack__destroy(*skel);
}

struct weir_program stack_config(__u32 group, const struct capacity *c)
{
	return (struct weir_program){
		.build = weir_stack__build,
		.image_mask = c->image_bytes - 1,
		.stages = group,
		.path_mask = c->path_sets - 1,
		.hook_casts = provider_casts(),
	};
}

/* Programs of one load, in two objects over the same maps; NULL where it has none of a kind. */
struct loading {
	struct weir_stack *skel[2]; /* by enum weir_hook_reads */
	struct weir_program config;
	__u32 hooks; /* 1 << enum stack_hook */
	__u8 provider[STACK_HOOK_COUNT]; /* of those */
};

static void unload(struct loading *l)
{
	for (int i = 0; i < 2; i++) {
		own_stack(&l->skel[i]);
		l->skel[i] = NULL;
	}
}

/* Storage of sockets and of threads, which only the programs of one load have. */
static int share_own_maps(const struct weir_stack *from, struct weir_stack *to)
{
	struct bpf_map *map, *same;
	int error = 0;

	bpf_object__for_each_map(map, from->obj)
	{
		same = bpf_object__find_map_by_name(to->obj, bpf_map__name(map));
		if (!error && same && !bpf_map__is_internal(map))
			error = bpf_map__reuse_fd(same, bpf_map__fd(map));
	}
	return error;
}

/* Those of @l that read alike. Returns 0, or -errno. */
static int load_alike(struct loading *l, enum weir_hook_reads reads, const struct maps *maps)
{
	OWN(own_stack) struct weir_stack *skel = weir_stack__open();
	struct bpf_program *program;
	int error, count = 0;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(program, false);
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (!(l->hooks & 1U << i) || provider_reads(l->provider[i]) != reads)
			continue;
		program = provider_program(skel->obj, i, l->provider[i]);
		error = program ? provider_prepare(program, i, l->provider[i]) : -ENOENT;
		if (error)
			return error;
		count++;
	}
	if (!count)
		return 0;
	skel->rodata_weir->weir = l->config;
	skel->rodata_weir->weir.hook_reads = reads;
	error = maps_reuse(skel->obj, maps);
	if (!error && l->skel[0])
		error = share_own_maps(l->skel[0], skel);
	if (!error)
		error = weir_stack__load(skel);
	if (!error)
		l->skel[reads] = TAKE_PTR(skel);
	return error;
}

/* The programs of @l->hooks, and no other. Returns 0, or -errno. */
static int load(struct loading *l, const struct maps *maps)
{
	int error;

	l->config.hooks = l->hooks;
	l->config.hook_providers = 0;
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (l->hooks & 1U << i)
			l->config.hook_providers |= (__u64)l->provider[i] << 2 * i;
	}
	error = load_alike(l, WEIR_HOOK_READS_TYPED, maps);
	if (!error)
		error = load_alike(l, WEIR_HOOK_READS_BY_HELPER, maps);
	if (error)
		unload(l);
	return error;
}

static int program_of(const struct loading *l, enum stack_hook hook)
{
	const struct weir_stack *skel = l->skel[provider_reads(l->provider[hook])];

	return bpf_program__fd(provider_program(skel->obj, hook, l->provider[hook]));
}

/* Whether @provider has @hook by itself, loaded and, for a moment, attached. */
static bool try_one(enum stack_hook hook, enum weir_hook_provider provider,
		    const struct weir_program *config, const struct maps *maps)
{
	OWN(unload) struct loading l = { .config = *config, .hooks = 1U << hook };
	OWN_FD int link = -1;
	int error;

	l.provider[hook] = provider;
	note_libbpf_reason();
	error = load(&l, maps);
	if (!error) {
		link = provider_attach(hook, provider, program_of(&l, hook));
		error = link < 0 ? link : 0;
	}
	if (error)
		note("the kernel refuses %s %s (%s%s%s)", provider_names[provider],
		     provider_place(hook, provider), strerror(-error), l.skel[0] ? "" : ": ",
		     note_libbpf_reason());
	return !error;
}

/*
 * The first provider of @hook that there is, and that the kernel takes. A BTF
 * tracepoint is believed where @trusts. Returns whether there is one.
 */
static bool choose_provider(struct loading *l, enum stack_hook hook, const struct maps *maps,
			    bool trusts)
{
	for (int i = 0; i < WEIR_HOOK_PROVIDER_COUNT; i++) {
		if (!provider_is_there(hook, i))
			continue;
		if ((i != WEIR_HOOK_BTF || !trusts) && !try_one(hook, i, &l->config, maps))
			continue;
		l->provider[hook] = (__u8)i;
		l->hooks |= 1U << hook;
		return true;
	}
	return false;
}

static void choose(struct loading *l, __u32 group, const struct maps *maps, bool trusts)
{
	l->hooks = 0;
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (stack_hooks[i].group == group && !stack_is_spare(i, l->hooks))
			choose_provider(l, i, maps, trusts);
	}
}

/* What is not as it is on most kernels. */
static void note_choice(const struct loading *l, __u32 group)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		const char *reason = provider_reason(i);

		if (stack_hooks[i].group != group)
			continue;
		if (!(l->hooks & 1U << i) && *stack_hooks[i].without &&
		    !stack_is_spare(i, l->hooks))
			note("no hook at %s (%s); not seen: %s", stack_hooks[i].tracepoint,
			     reason ? reason : "the kernel refuses it", stack_hooks[i].without);
		else if (l->hooks & 1U << i && l->provider[i] != WEIR_HOOK_BTF)
			note("no BTF tracepoint %s; in its place: %s %s", stack_hooks[i].tracepoint,
			     provider_names[l->provider[i]], provider_place(i, l->provider[i]));
	}
}

static int keep(const struct loading *l, struct stack_change *change, struct failure *why)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (!(l->hooks & 1U << i))
			continue;
		change->provider[i] = l->provider[i];
		change->program[i] = fcntl(program_of(l, i), F_DUPFD_CLOEXEC, 3);
		if (change->program[i] < 0)
			return fail_errno(why, errno, "cannot keep the program %s",
					  stack_hooks[i].program);
	}
	return 0;
}

static int load_group(__u32 group, const struct capacity *c, const struct maps *maps,
		      struct stack_change *change, struct failure *why)
{
	OWN(unload) struct loading l = { .config = stack_config(group, c) };
	int error;

	if (getrandom(&l.config.hook_load, sizeof(l.config.hook_load), 0) !=
	    sizeof(l.config.hook_load))
		return fail_errno(why, errno, "cannot get a random number");
	choose(&l, group, maps, true);
	note_libbpf_reason();
	error = load(&l, maps);
	if (error) {
		choose(&l, group, maps, false);
		note_libbpf_reason();
		error = load(&l, maps);
	}
	if (!l.hooks)
		return fail(why, EXIT_PRECONDITION,
			    "this kernel has none of the hooks that \"measure path\" and \"measure "
			    "loss\" stand on (is CONFIG_DEBUG_INFO_BTF on?); leave them out");
	if (error)
		return fail_errno(why, -error,
				  "the kernel refused to load the programs of the stack (%s); "
				  "--verbose shows its log",
				  note_libbpf_reason());
	note_choice(&l, group);
	return keep(&l, change, why);
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
