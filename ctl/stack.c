// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "program.h"
#include "stack_load.h"
#include "stack_provider.h"
#include "weir/image.h"

const struct stack_hook_type stack_hooks[STACK_HOOK_COUNT] = {
#define X(sym, name, stage, which, tp, call, text)           \
	[STACK_##sym] = { .program = (name),                 \
			  .group = 1U << WEIR_STAGE_##stage, \
			  .providers = STACK_##which,        \
			  .tracepoint = (tp),                \
			  .function = (call),                \
			  .without = (text) },
	STACK_HOOKS(X)
#undef X
};

bool stack_is_spare(enum stack_hook hook, __u32 hooks)
{
	return hook == STACK_CONSUME && hooks & 1U << STACK_RECV;
}

static void pin_path(const struct state *s, enum stack_hook hook, const char *ending,
		     char path[PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), "stack-%s%s", stack_hooks[hook].program, ending);
	state_pin_path(s, name, path);
}

void stack_close(struct stack *s)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		own_close(&s->link[i]);
	*s = (struct stack)STACK_NONE;
}

/* What a link's program was made for. Returns 0, or -1 where it cannot be read. */
static int read_program(int link, struct weir_program *config, __u32 *image_map_id)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	OWN_FD int program = -1;

	if (bpf_obj_get_info_by_fd(link, &info, &size))
		return -1;
	program = bpf_prog_get_fd_by_id(info.prog_id);
	return program < 0 ? -1 : program_read(program, config, image_map_id);
}

/*
 * Whether the hooks of @group are all there that were loaded together, and no
 * other: each has the list of them, and a number that their load has alone.
 */
static bool is_whole(struct stack *s, __u32 group, const struct capacity *wanted,
		     __u32 image_map_id)
{
	struct weir_program first = {}, config = {};
	__u32 present = 0, image = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (stack_hooks[i].group != group || s->link[i] < 0)
			continue;
		memset(&config, 0, sizeof(config));
		/* Not all of them look at the image. */
		if (read_program(s->link[i], &config, &image) || (image && image != image_map_id))
			return false;
		s->provider[i] = config.hook_providers >> 2 * i & 3;
		config.hook_reads = 0;
		if (!present)
			first = config;
		if (memcmp(&first, &config, sizeof(config)) != 0)
			return false;
		present |= 1U << i;
	}
	config = stack_config(group, wanted);
	config.hooks = present;
	config.hook_load = first.hook_load;
	config.hook_providers = first.hook_providers;
	return present && !memcmp(&first, &config, sizeof(config));
}

int stack_read(const struct state *s, const struct capacity *wanted, __u32 image_map_id,
	       struct stack *out, struct failure *why)
{
	OWN(stack_close) struct stack found = STACK_NONE;
	char path[PATH_MAX];

	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		pin_path(s, i, "", path);
		found.link[i] = bpf_obj_get(path);
		if (found.link[i] < 0 && found.link[i] != -ENOENT)
			return fail_errno(why, found.link[i], "%s", path);
		if (found.link[i] >= 0)
			found.found |= stack_hooks[i].group;
	}
	for (__u32 group = 1; group; group <<= 1) {
		if (found.found & group && is_whole(&found, group, wanted, image_map_id))
			found.fit |= group;
	}
	*out = found;
	found = (struct stack)STACK_NONE;
	return 0;
}

/* The pin is of @link from now on: by a rename, so that there is always one. */
static int pin(const struct state *s, enum stack_hook hook, int link, struct failure *why)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	pin_path(s, hook, "", path);
	pin_path(s, hook, "-new", fresh);
	unlink(fresh);
	if (bpf_obj_pin(link, fresh) || rename(fresh, path))
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	return 0;
}

static int unpin(const struct state *s, enum stack_hook hook, struct failure *why)
{
	char path[PATH_MAX];

	pin_path(s, hook, "-new", path);
	unlink(path);
	pin_path(s, hook, "", path);
	if (unlink(path) && errno != ENOENT)
		return fail_errno(why, errno, "%s: cannot be unpinned", path);
	return 0;
}

static int attach(const struct state *s, enum stack_hook hook, struct stack_change *change,
		  struct failure *why)
{
	OWN_FD int link = -1;

	if (change->program[hook] < 0) {
		change->done |= 1U << hook;
		return unpin(s, hook, why);
	}
	link = provider_attach(hook, change->provider[hook], change->program[hook]);
	if (link < 0)
		return fail_errno(why, -link, "cannot attach to %s %s",
				  provider_names[change->provider[hook]],
				  provider_place(hook, change->provider[hook]));
	change->done |= 1U << hook;
	return pin(s, hook, link, why);
}

int stack_attach(const struct state *s, struct stack_change *change, struct failure *why)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (change->groups & stack_hooks[i].group && attach(s, i, change, why))
			return -1;
	}
	return 0;
}

void stack_undo(const struct state *s, struct stack_change *change, struct failure *ignored)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (!(change->done & 1U << i))
			continue;
		if (change->before.link[i] >= 0)
			pin(s, i, change->before.link[i], ignored);
		else
			unpin(s, i, ignored);
	}
	change->done = 0;
}

void stack_change_close(struct stack_change *change)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		own_close(&change->program[i]);
	stack_close(&change->before);
	*change = (struct stack_change)STACK_CHANGE_NONE;
}

int stack_remove(const struct state *s, __u32 groups, struct failure *why)
{
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (groups & stack_hooks[i].group && unpin(s, i, why))
			return -1;
	}
	return 0;
}
