// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XDP: a bpf_link, native or generic.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach_internal.h"
#include "dispatcher.h"
#include "note.h"
#include "own.h"

const char *program_title(__u32 id, char *buf)
{
	OWN_FD int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		info.name[0] = '\0';
	snprintf(buf, 64, "\"%s\" (id %u)", info.name[0] ? info.name : "?", id);
	return buf;
}

static bool is_ours(const struct state *s, __u32 ifindex, __u32 program_id)
{
	char name[32], path[PATH_MAX];
	OWN_FD int link = -1;
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	snprintf(name, sizeof(name), "%s-%u", hook_names[HOOK_XDP], ifindex);
	state_pin_path(s, name, path);
	link = bpf_obj_get(path);
	return link >= 0 && !bpf_obj_get_info_by_fd(link, &info, &size) &&
	       info.prog_id == program_id;
}

static int xdp_check_foreign(const struct state *s, __u32 ifindex, const char *ifname,
			     struct failure *why)
{
	char names[256], title[64];
	__u32 id = xdp_program_id(ifindex);

	if (!id || is_ours(s, ifindex, id))
		return 0;
	dispatcher_programs(ifindex, names, sizeof(names));
	if (names[0])
		return fail(
			why, EXIT_CONFLICT,
			"%s: libxdp's dispatcher is attached, with %s; it is not weir's. Remove "
			"it first: xdp-loader unload %s --all",
			ifname, names, ifname);
	return fail(
		why, EXIT_CONFLICT,
		"%s: the XDP program %s is attached and is not this weir instance's. Remove it "
		"first: ip link set dev %s xdp off; if a link holds it: bpftool link detach id N "
		"(bpftool link list), or weir -i OTHER detach %s",
		ifname, program_title(id, title), ifname, ifname);
}

int attach_check_foreign(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
			 struct failure *why)
{
	return hook == HOOK_XDP ? xdp_check_foreign(s, ifindex, ifname, why)
				: clsact_check_foreign(s, ifindex, ifname, hook, why);
}

static int create_link(__u32 ifindex, int program, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(program, ifindex, BPF_XDP, &opts);
}

static int refused(__u32 ifindex, const char *ifname, enum xdp_mode mode, int program, int error,
		   struct failure *why)
{
	__u32 flags = mode == XDP_MODE_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	char text[256];
	const char *reason = xdp_refusal(ifindex, program, flags, text, sizeof(text));
	const char *remedy = xdp_remedy(reason);

	if (mode == XDP_MODE_NATIVE)
		return fail(
			why, EXIT_PRECONDITION,
			"%s: the driver refused native XDP: %s%s%s%s; \"xdp generic\" works on any "
			"device, slower",
			ifname, reason, reason[0] ? ": " : "", strerror(-error), remedy);
	return fail(why, EXIT_REFUSED, "%s: the kernel refused the XDP program: %s%s%s%s", ifname,
		    reason, reason[0] ? ": " : "", strerror(-error), remedy);
}

static int pin_link(const struct state *s, int link, const char *name, struct failure *why)
{
	char path[PATH_MAX];

	state_pin_path(s, name, path);
	if (bpf_obj_pin(link, path))
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	return 0;
}

/* Generic instead, and why: another cause than a driver that has no XDP can be mended. */
static int fall_back(__u32 ifindex, const char *ifname, int program, int error)
{
	char text[256];
	int link;

	xdp_refusal(ifindex, program, XDP_FLAGS_DRV_MODE, text, sizeof(text));
	link = create_link(ifindex, program, XDP_FLAGS_SKB_MODE);
	if (link >= 0 && (error != -EOPNOTSUPP || xdp_remedy(text)[0]))
		note("%s: native XDP was refused: %s (%s)%s", ifname, text, strerror(-error),
		     xdp_remedy(text));
	return link;
}

int attach_xdp(const struct state *s, __u32 ifindex, const char *ifname, enum xdp_mode mode,
	       int program, struct attachment *out, struct failure *why)
{
	struct attachment made = {
		.hook = HOOK_XDP, .ifindex = ifindex, .link = -1, .program = -1
	};
	OWN_FD int link =
		create_link(ifindex, program,
			    mode == XDP_MODE_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	if (link < 0 && mode == XDP_MODE_AUTO)
		link = fall_back(ifindex, ifname, program, link);
	if (link < 0)
		return refused(ifindex, ifname, mode, program, link, why);
	snprintf(made.pin, sizeof(made.pin), "%s-%u", hook_names[HOOK_XDP], ifindex);
	if (pin_link(s, link, made.pin, why))
		return -1;
	made.way = xdp_way(ifindex);
	made.link = TAKE_FD(link);
	*out = made;
	return 0;
}
