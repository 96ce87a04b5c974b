// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack_show.h"

#include <errno.h>
#include <string.h>

#include "own.h"
#include "stack_provider.h"
#include "weir/image.h"

__u32 stack_wanted(const struct model *m)
{
	__u32 groups = 0;

	for (size_t i = 0; i < m->interfaces_count; i++) {
		__u32 measure = m->interfaces[i].measure;

		groups |= (measure >> MEASURE_PATH & 1) << WEIR_STAGE_PATH;
		groups |= (measure >> MEASURE_LOSS & 1) << WEIR_STAGE_LOSS;
	}
	return groups;
}

static int read_gaps(const struct stack *stack, __u32 groups, struct stack_gap *gaps)
{
	__u32 present = 0;
	int count = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		present |= (__u32)(stack->link[i] >= 0) << i;
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		const char *reason;

		if (!(stack_hooks[i].group & groups) || present & 1U << i ||
		    !*stack_hooks[i].without || stack_is_spare(i, present))
			continue;
		reason = provider_reason(i);
		gaps[count++] = (struct stack_gap){
			i, reason ? reason : "the kernel refused it, or it was taken away"
		};
	}
	return count;
}

int stack_gaps(const struct state *s, __u32 groups, struct stack_gap *gaps, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;

	if (stack_read(s, &s->capacity, s->image_map_id, &stack, why))
		return -1;
	return read_gaps(&stack, groups, gaps);
}

char *stack_substitutes(const struct state *s, __u32 groups, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (stack_read(s, &s->capacity, s->image_map_id, &stack, why))
		return NULL;
	out = open_memstream(&text, &size);
	for (int i = 0; out && i < STACK_HOOK_COUNT; i++) {
		int p = stack.provider[i];

		if (stack_hooks[i].group & groups && stack.link[i] >= 0 && p != WEIR_HOOK_BTF)
			fprintf(out, "%s%s %s", ftell(out) ? ", " : "", provider_names[p],
				provider_place(i, p));
	}
	if (!out || fclose(out)) {
		fail_errno(why, ENOMEM, "cannot tell what hooks there are");
		return NULL;
	}
	return text;
}

static bool is_listed(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

/* Where @provider has hooks that stand, each once: two programs may stand at one. Returns how many. */
static int list_seen(const struct stack *stack, __u32 groups, enum weir_hook_provider provider,
		     const char *names[STACK_HOOK_COUNT])
{
	int count = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		const char *name = provider_place(i, provider);

		if (stack_hooks[i].group & groups && stack->link[i] >= 0 &&
		    stack->provider[i] == provider && !is_listed(names, count, name))
			names[count++] = name;
	}
	return count;
}

int stack_print(const struct applied *a, __u32 groups, FILE *out, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;
	const char *names[STACK_HOOK_COUNT];
	struct stack_gap gaps[STACK_HOOK_COUNT];
	int count;

	if (stack_read(&a->state, &a->state.capacity, a->state.image_map_id, &stack, why))
		return -1;
	for (int p = 0; p < WEIR_HOOK_PROVIDER_COUNT; p++) {
		count = list_seen(&stack, groups, p, names);
		for (int i = 0; i < count; i++)
			fprintf(out, "%s%s %s%s", i ? "" : "hooks  ", i ? "," : provider_names[p],
				names[i], i + 1 < count ? "" : "\n");
	}
	count = read_gaps(&stack, groups, gaps);
	for (int i = 0; i < count; i++)
		fprintf(out, "not seen  %s: no %s: %s\n", stack_hooks[gaps[i].hook].without,
			stack_hooks[gaps[i].hook].tracepoint, gaps[i].reason);
	return 0;
}

json_t *stack_json(const struct applied *a, __u32 groups, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;
	const char *names[STACK_HOOK_COUNT];
	struct stack_gap gaps[STACK_HOOK_COUNT];
	json_t *hooks, *missing;
	int count;

	if (stack_read(&a->state, &a->state.capacity, a->state.image_map_id, &stack, why))
		return NULL;
	hooks = json_array();
	missing = json_array();
	for (int p = 0; p < WEIR_HOOK_PROVIDER_COUNT; p++) {
		count = list_seen(&stack, groups, p, names);
		for (int i = 0; i < count; i++)
			json_array_append_new(hooks, json_pack("{s:s,s:s}", "hook", names[i],
							       "provider", provider_names[p]));
	}
	count = read_gaps(&stack, groups, gaps);
	for (int i = 0; i < count; i++)
		json_array_append_new(missing,
				      json_pack("{s:s,s:s,s:s}", "hook",
						stack_hooks[gaps[i].hook].tracepoint, "not_seen",
						stack_hooks[gaps[i].hook].without, "reason",
						gaps[i].reason));
	return json_pack("{s:o,s:o}", "hooks", hooks, "missing", missing);
}
