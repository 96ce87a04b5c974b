// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack_provider.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "own.h"

#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"

const char *const provider_names[WEIR_HOOK_PROVIDER_COUNT] = {
#define X(sym, word, name) [WEIR_HOOK_##sym] = (name),
	WEIR_HOOK_PROVIDERS(X)
#undef X
};

static const char *const words[WEIR_HOOK_PROVIDER_COUNT] = {
#define X(sym, word, name) [WEIR_HOOK_##sym] = (word),
	WEIR_HOOK_PROVIDERS(X)
#undef X
};

static bool is_tracepoint(enum weir_hook_provider provider)
{
	return provider == WEIR_HOOK_BTF || provider == WEIR_HOOK_RAW;
}

const char *provider_place(enum stack_hook hook, enum weir_hook_provider provider)
{
	return is_tracepoint(provider) ? stack_hooks[hook].tracepoint : stack_hooks[hook].function;
}

enum weir_hook_reads provider_reads(enum weir_hook_provider provider)
{
	return provider == WEIR_HOOK_RAW || provider == WEIR_HOOK_KPROBE ? WEIR_HOOK_READS_BY_HELPER
									 : WEIR_HOOK_READS_TYPED;
}

/* The kernel's own description of itself, read once; NULL where it has none. */
static const struct btf *description(void)
{
	static struct btf *btf;
	static bool is_read;

	if (!is_read)
		btf = btf__load_vmlinux_btf();
	is_read = true;
	return btf;
}

static bool is_asked_for(enum weir_hook_provider provider)
{
	const char *list = getenv("WEIR_HOOKS"), *word = words[provider];

	for (size_t size; list && *list; list += size + (list[size] == ',')) {
		size = strcspn(list, ",");
		if (size == strlen(word) && !strncmp(list, word, size))
			return true;
	}
	return !list;
}

static bool is_described(enum stack_hook hook, enum weir_hook_provider provider)
{
	char name[64];

	if (!description())
		return false;
	if (!is_tracepoint(provider))
		return btf__find_by_name_kind(description(), stack_hooks[hook].function,
					      BTF_KIND_FUNC) > 0;
	snprintf(name, sizeof(name), "btf_trace_%s", stack_hooks[hook].tracepoint);
	return btf__find_by_name_kind(description(), name, BTF_KIND_TYPEDEF) > 0;
}

bool provider_is_there(enum stack_hook hook, enum weir_hook_provider provider)
{
	return stack_hooks[hook].providers & 1U << provider && is_asked_for(provider) &&
	       is_described(hook, provider);
}

bool provider_casts(void)
{
	return description() &&
	       btf__find_by_name_kind(description(), "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

const char *provider_reason(enum stack_hook hook)
{
	if (!description())
		return "the kernel does not describe itself (CONFIG_DEBUG_INFO_BTF)";
	for (int i = 0; i < WEIR_HOOK_PROVIDER_COUNT; i++) {
		if (provider_is_there(hook, i))
			return NULL;
	}
	return getenv("WEIR_HOOKS") ? "WEIR_HOOKS leaves it out"
				    : "this kernel has no such tracepoint";
}

struct bpf_program *provider_program(const struct bpf_object *object, enum stack_hook hook,
				     enum weir_hook_provider provider)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", stack_hooks[hook].program,
		 provider == WEIR_HOOK_KPROBE ? "_kprobe" : "");
	return bpf_object__find_program_by_name(object, name);
}

int provider_prepare(struct bpf_program *program, enum stack_hook hook,
		     enum weir_hook_provider provider)
{
	int error = 0;

	/* The others are what the object says. */
	if (provider_reads(provider) == WEIR_HOOK_READS_TYPED) {
		error = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
		if (!error)
			error = bpf_program__set_expected_attach_type(
				program,
				provider == WEIR_HOOK_FENTRY ? BPF_TRACE_FENTRY : BPF_TRACE_RAW_TP);
		if (!error)
			error = bpf_program__set_attach_target(program, 0,
							       provider_place(hook, provider));
	}
	return error ? error : bpf_program__set_autoload(program, true);
}

/* The number that this kernel has for breakpoints; negative where it has none. */
static int kprobe_type(void)
{
	OWN_FILE FILE *f = fopen(KPROBE_TYPE, "re");
	int type;

	return f && fscanf(f, "%d", &type) == 1 ? type : -ENOENT;
}

/* An event for each call of @function, or -errno. */
static int open_kprobe(const char *function)
{
	int type = kprobe_type(), fd;
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = (__u32)type,
					.kprobe_func = (__u64)(unsigned long)function };

	if (type < 0)
		return type;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int provider_attach(enum stack_hook hook, enum weir_hook_provider provider, int program)
{
	OWN_FD int event = -1;
	int link;

	if (provider != WEIR_HOOK_KPROBE) {
		const char *name = provider == WEIR_HOOK_RAW ? stack_hooks[hook].tracepoint : NULL;

		link = bpf_raw_tracepoint_open(name, program);
		return link < 0 ? -errno : link;
	}
	event = open_kprobe(stack_hooks[hook].function);
	if (event < 0)
		return event;
	link = bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
	return link < 0 ? -errno : link;
}
