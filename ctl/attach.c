// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "own.h"

const char *const way_names[WAY_COUNT] = {
#define X(sym, name) [WAY_##sym] = name,
	WAYS(X)
#undef X
};

void attachment_close(struct attachment *a)
{
	own_close(&a->link);
	own_close(&a->program);
	a->link = a->program = -1;
}

void attachments_close(struct attachments *a)
{
	for (size_t i = 0; i < a->count; i++)
		attachment_close(&a->list[i]);
	free(a->list);
	*a = (struct attachments){};
}

const struct attachment *attachment_find(const struct attachments *a, __u32 ifindex, enum hook hook)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->list[i].ifindex == ifindex && a->list[i].hook == hook)
			return &a->list[i];
	}
	return NULL;
}

enum way xdp_way(__u32 ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(ifindex, 0, &opts))
		return WAY_NATIVE;
	switch (opts.attach_mode) {
	case XDP_ATTACHED_SKB:
		return WAY_GENERIC;
	case XDP_ATTACHED_HW:
		return WAY_OFFLOAD;
	default:
		return WAY_NATIVE;
	}
}

__u32 xdp_program_id(__u32 ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(ifindex, 0, &opts))
		return 0;
	return opts.prog_id ?: opts.drv_prog_id ?: opts.skb_prog_id ?: opts.hw_prog_id;
}

/* A link's device: 0 once it is deleted. XDP and tcx keep it in the same place. */
static int read_link(struct attachment *a)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info), wanted = a->ifindex;

	if (bpf_obj_get_info_by_fd(a->link, &info, &size))
		return -errno;
	a->program = bpf_prog_get_fd_by_id(info.prog_id);
	a->way = a->hook == HOOK_XDP ? xdp_way(wanted) : WAY_TCX;
	/* In another namespace its number means another device, or it has another. */
	if (info.xdp.ifindex != wanted ||
	    (a->hook == HOOK_XDP && xdp_program_id(wanted) != info.prog_id))
		a->ifindex = 0;
	return a->program < 0 ? a->program : 0;
}

/* Not so when somebody deleted the filter, or an apply was killed between pin and filter. */
static bool is_in_place(const struct attachment *a)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return a->way != WAY_CLSACT || (!bpf_obj_get_info_by_fd(a->program, &info, &size) &&
					clsact_installed(a->ifindex, a->hook) == info.id);
}

static bool parse_pin(const char *name, struct attachment *a)
{
	unsigned int ifindex;
	int end = 0;

	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		size_t length = strlen(hook_names[hook]);
		bool is_cls;

		if (strncmp(name, hook_names[hook], length))
			continue;
		is_cls = !strncmp(name + length, "-cls", 4);
		length += is_cls ? 4 : 0;
		if (sscanf(name + length, "-%u%n", &ifindex, &end) != 1 || name[length + end])
			return false;
		a->hook = hook;
		a->way = is_cls ? WAY_CLSACT : WAY_NATIVE;
		a->ifindex = ifindex;
		snprintf(a->pin, sizeof(a->pin), "%s", name);
		return true;
	}
	return false;
}

/* Returns 1 with @a, 0 when the pin is none of an attachment, or -1. */
static int read_attachment(const struct state *s, const char *name, struct attachment *a,
			   struct failure *why)
{
	char path[PATH_MAX], ifname[IFNAMSIZ];
	int fd, error = 0;

	*a = (struct attachment){ .link = -1, .program = -1 };
	if (!parse_pin(name, a))
		return 0;
	state_pin_path(s, name, path);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT) /* a writer took it away */
		return 0;
	if (fd < 0)
		return fail_errno(why, fd, "%s", path);
	if (a->way == WAY_CLSACT) {
		a->program = fd;
		if (!if_indextoname(a->ifindex, ifname))
			a->ifindex = 0;
	} else {
		a->link = fd;
		error = read_link(a);
	}
	if (error) {
		attachment_close(a);
		return fail_errno(why, error, "%s", path);
	}
	if (program_read(a->program, &a->config, &a->image_map_id) || !is_in_place(a))
		a->image_map_id = 0;
	return 1;
}

int attachments_read(const struct state *s, struct attachments *out, struct failure *why)
{
	OWN_DIR DIR *dir = opendir(s->path);
	struct attachments found = {};
	struct dirent *entry;

	if (!dir)
		return fail_errno(why, errno, "%s", s->path);
	while ((entry = readdir(dir))) {
		struct attachment *grown =
			reallocarray(found.list, found.count + 1, sizeof(*grown));
		int is_one;

		if (!grown) {
			attachments_close(&found);
			return fail_errno(why, ENOMEM, "%s", s->path);
		}
		found.list = grown;
		is_one = read_attachment(s, entry->d_name, &grown[found.count], why);
		if (is_one < 0) {
			attachments_close(&found);
			return -1;
		}
		found.count += is_one;
	}
	*out = found;
	return 0;
}

/* Let the pin name @program instead, by a rename. */
static int move_pin(const struct state *s, const char *pin, int program, struct failure *why)
{
	char path[PATH_MAX], fresh[PATH_MAX + 8];

	state_pin_path(s, pin, path);
	/* No dot: bpffs refuses it with EPERM. */
	snprintf(fresh, sizeof(fresh), "%s-new", path);
	unlink(fresh);
	if (bpf_obj_pin(program, fresh) || rename(fresh, path))
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	return 0;
}

int attach_update(const struct state *s, const struct attachment *a, int program,
		  struct failure *why)
{
	int error;

	if (a->way != WAY_CLSACT) {
		error = bpf_link_update(a->link, program, NULL);
		return error ? fail_errno(why, error, "%s: cannot replace the program", a->pin) : 0;
	}
	/* The pin first: a filter whose program is not pinned would be taken for foreign. */
	if (move_pin(s, a->pin, program, why))
		return -1;
	if (!clsact_replace(s, a->ifindex, a->hook, program, why))
		return 0;
	move_pin(s, a->pin, a->program, why);
	return -1;
}

int attach_remove(const struct state *s, const struct attachment *a, struct failure *why)
{
	char path[PATH_MAX], fresh[PATH_MAX + 8];
	int error;

	state_pin_path(s, a->pin, path);
	if (a->way == WAY_CLSACT) {
		if (a->ifindex && clsact_remove(a->ifindex, a->hook, why))
			return -1;
		/* What an apply that was killed had begun. */
		snprintf(fresh, sizeof(fresh), "%s-new", path);
		unlink(fresh);
	} else {
		/* Detached at once, and not when the last holder of a descriptor is gone. */
		error = bpf_link_detach(a->link);
		if (error && a->ifindex)
			return fail_errno(why, error, "%s: cannot be detached", a->pin);
	}
	if (unlink(path))
		return fail_errno(why, errno, "%s: cannot be unpinned", path);
	if (a->ifindex)
		return clsact_tidy(s, a->ifindex, why);
	clsact_forget(s, a->pin);
	return 0;
}
