// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack_show.h"

#include <string.h>

#include "own.h"
#include "weir/image.h"

/* All hooks of the stack are of this kind; XDP and tc programs stand beside them. */
#define PROVIDER "BTF tracepoints"

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

int stack_gaps(const struct state *s, __u32 groups, struct stack_gap *gaps, struct failure *why)
{
	OWN(stack_close) struct stack stack = STACK_NONE;
	int count = 0;

	if (stack_read(s, &s->capacity, s->image_map_id, &stack, why))
		return -1;
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		const char *reason;

		if (!(stack_hooks[i].group & groups) || stack.link[i] >= 0)
			continue;
		reason = stack_reason(i);
		gaps[count++] = (struct stack_gap){
			i, reason ? reason : "the kernel refused it, or it was taken away"
		};
	}
	return count;
}

static bool is_gap(const struct stack_gap *gaps, int count, int hook)
{
	for (int i = 0; i < count; i++) {
		if ((int)gaps[i].hook == hook)
			return true;
	}
	return false;
}

static bool is_listed(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

/* The tracepoints that are seen, each once: two programs may stand at one. Returns how many. */
static int list_seen(__u32 groups, const struct stack_gap *gaps, int gaps_count,
		     const char *names[STACK_HOOK_COUNT])
{
	int count = 0;

	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		const char *name = stack_hooks[i].tracepoint;

		if (stack_hooks[i].group & groups && !is_gap(gaps, gaps_count, i) &&
		    !is_listed(names, count, name))
			names[count++] = name;
	}
	return count;
}

int stack_print(const struct applied *a, __u32 groups, FILE *out, struct failure *why)
{
	struct stack_gap gaps[STACK_HOOK_COUNT];
	const char *names[STACK_HOOK_COUNT];
	int count = stack_gaps(&a->state, groups, gaps, why);
	int seen;

	if (count < 0)
		return -1;
	seen = list_seen(groups, gaps, count, names);
	for (int i = 0; i < seen; i++)
		fprintf(out, "%s%s%s", i ? ", " : "hooks  " PROVIDER " ", names[i],
			i + 1 < seen ? "" : "\n");
	for (int i = 0; i < count; i++)
		fprintf(out, "not seen  %s: no %s: %s\n", stack_hooks[gaps[i].hook].without,
			stack_hooks[gaps[i].hook].tracepoint, gaps[i].reason);
	return 0;
}

json_t *stack_json(const struct applied *a, __u32 groups, struct failure *why)
{
	struct stack_gap gaps[STACK_HOOK_COUNT];
	const char *names[STACK_HOOK_COUNT];
	int count = stack_gaps(&a->state, groups, gaps, why);
	json_t *hooks, *missing;
	int seen;

	if (count < 0)
		return NULL;
	hooks = json_array();
	missing = json_array();
	seen = list_seen(groups, gaps, count, names);
	for (int i = 0; i < seen; i++)
		json_array_append_new(hooks, json_string(names[i]));
	for (int i = 0; i < count; i++)
		json_array_append_new(missing,
				      json_pack("{s:s,s:s,s:s}", "hook",
						stack_hooks[gaps[i].hook].tracepoint, "not_seen",
						stack_hooks[gaps[i].hook].without, "reason",
						gaps[i].reason));
	return json_pack("{s:s,s:o,s:o}", "provider", PROVIDER, "hooks", hooks, "missing", missing);
}
