// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TC: a tcx link where the kernel has it (6.6), cls_bpf under clsact below.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach_internal.h"
#include "note.h"
#include "own.h"

/* enum bpf_attach_type of 6.6; the headers that weir builds with may be older. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

/* Place in front of the other tcx programs; linux/bpf.h of 6.6 has it. */
#define ATTACH_BEFORE (1U << 3)

/* Of weir's filter, as "tc filter show" prints them: pref 1, handle 0x77656972. */
#define CLS_PRIORITY 1
#define CLS_HANDLE 0x77656972

static enum bpf_tc_attach_point point_of(enum hook hook)
{
	return hook == HOOK_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

static void marker_path(const struct state *s, __u32 ifindex, char path[PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "clsact-%u", ifindex);
	state_pin_path(s, name, path);
}

__u32 clsact_installed(__u32 ifindex, enum hook hook)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = ifindex, .attach_point = point_of(hook));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLS_HANDLE, .priority = CLS_PRIORITY);

	return bpf_tc_query(&tc, &opts) ? 0 : opts.prog_id;
}

int clsact_check_foreign(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
			 struct failure *why)
{
	__u32 id = clsact_installed(ifindex, hook), size = sizeof(struct bpf_prog_info);
	char name[32], path[PATH_MAX], title[64];
	struct bpf_prog_info info = {};
	OWN_FD int pinned = -1;

	if (!id)
		return 0;
	snprintf(name, sizeof(name), "%s-cls-%u", hook_names[hook], ifindex);
	state_pin_path(s, name, path);
	pinned = bpf_obj_get(path);
	if (pinned >= 0 && !bpf_obj_get_info_by_fd(pinned, &info, &size) && info.id == id)
		return 0;
	return fail(why, EXIT_CONFLICT,
		    "%s: the tc %s filter at priority %d, handle 0x%x runs %s and is not this weir "
		    "instance's. Remove it first: tc filter del dev %s %s pref %d",
		    ifname, hook_names[hook], CLS_PRIORITY, CLS_HANDLE, program_title(id, title),
		    ifname, hook_names[hook], CLS_PRIORITY);
}

/* Make the qdisc, and remember by a pin that it is weir's, unless it is there. */
static int make_clsact(const struct state *s, __u32 ifindex, int program, struct failure *why)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	int error = bpf_tc_hook_create(&tc);
	char path[PATH_MAX];

	if (error == -EEXIST)
		return 0;
	if (error)
		return fail_errno(why, error, "cannot make the clsact qdisc");
	marker_path(s, ifindex, path);
	if (bpf_obj_pin(program, path) && errno != EEXIST)
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	return 0;
}

int clsact_replace(const struct state *s, __u32 ifindex, enum hook hook, int program,
		   struct failure *why)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = ifindex, .attach_point = point_of(hook));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLS_HANDLE, .priority = CLS_PRIORITY,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int error;

	if (make_clsact(s, ifindex, program, why))
		return -1;
	error = bpf_tc_attach(&tc, &opts);
	return error ? fail_errno(why, error, "cannot install the tc %s filter (%s)",
				  hook_names[hook], note_libbpf_reason())
		     : 0;
}

int clsact_attach(const struct state *s, __u32 ifindex, enum hook hook, int program,
		  struct failure *why)
{
	char name[32], path[PATH_MAX];

	snprintf(name, sizeof(name), "%s-cls-%u", hook_names[hook], ifindex);
	state_pin_path(s, name, path);
	if (bpf_obj_pin(program, path))
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	if (clsact_replace(s, ifindex, hook, program, why)) {
		unlink(path);
		return -1;
	}
	return 0;
}

/* Filters of anybody under one of clsact's two parents. */
static int count_filters(struct nl_sock *socket, __u32 ifindex, __u32 parent)
{
	struct nl_cache *cache = NULL;
	int count;

	if (rtnl_cls_alloc_cache(socket, ifindex, parent, &cache))
		return -1;
	count = nl_cache_nitems(cache);
	nl_cache_free(cache);
	return count;
}

static bool is_empty(__u32 ifindex)
{
	struct nl_sock *socket = nl_socket_alloc();
	bool empty = socket && !nl_connect(socket, NETLINK_ROUTE) &&
		     !count_filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) &&
		     !count_filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));

	if (socket)
		nl_socket_free(socket);
	return empty;
}

/* Whether any pin but that of the qdisc itself has the device's number. */
static bool stands_on(const struct state *s, __u32 ifindex)
{
	static const char *const forms[] = { "%s-%u", "%s-cls-%u" };
	char name[32], path[PATH_MAX];

	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		for (int form = 0; form < 2; form++) {
			snprintf(name, sizeof(name), forms[form], hook_names[hook], ifindex);
			state_pin_path(s, name, path);
			if (!access(path, F_OK))
				return true;
		}
	}
	return false;
}

int clsact_tidy(const struct state *s, __u32 ifindex, struct failure *why)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char path[PATH_MAX];
	int error;

	marker_path(s, ifindex, path);
	if (access(path, F_OK) || stands_on(s, ifindex))
		return 0;
	error = is_empty(ifindex) ? bpf_tc_hook_destroy(&tc) : 0;
	if (error && error != -ENOENT)
		return fail_errno(why, error, "cannot remove the clsact qdisc");
	unlink(path);
	return 0;
}

void clsact_forget(const struct state *s, const char *pin)
{
	char path[PATH_MAX];
	__u32 ifindex;

	if (sscanf(strrchr(pin, '-'), "-%u", &ifindex) != 1)
		return;
	marker_path(s, ifindex, path);
	unlink(path);
}

int clsact_remove(__u32 ifindex, enum hook hook, struct failure *why)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = ifindex, .attach_point = point_of(hook));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLS_HANDLE, .priority = CLS_PRIORITY);
	int error = bpf_tc_detach(&tc, &opts);

	if (error && error != -ENOENT && error != -EINVAL)
		return fail_errno(why, error, "cannot remove the tc %s filter", hook_names[hook]);
	return 0;
}

static int attach_tcx(const struct state *s, __u32 ifindex, enum hook hook, int program,
		      struct attachment *out, struct failure *why)
{
	int type = hook == HOOK_INGRESS ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
	/* A filter that others let packets past is none; what leaves is timed last. */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = hook == HOOK_INGRESS ? ATTACH_BEFORE : 0);
	OWN_FD int link = bpf_link_create(program, ifindex, type, &opts);
	char path[PATH_MAX];

	if (link < 0)
		return link;
	snprintf(out->pin, sizeof(out->pin), "%s-%u", hook_names[hook], ifindex);
	state_pin_path(s, out->pin, path);
	if (bpf_obj_pin(link, path))
		return fail_errno(why, errno, "%s: cannot be pinned", path);
	out->link = TAKE_FD(link);
	out->way = WAY_TCX;
	return 0;
}

int attach_tc(const struct state *s, __u32 ifindex, const char *ifname, enum hook hook,
	      enum tc_mode mode, int program, struct attachment *out, struct failure *why)
{
	struct attachment made = { .hook = hook, .ifindex = ifindex, .link = -1, .program = -1 };
	int error = -EINVAL;

	if (mode != TC_MODE_CLSACT)
		error = attach_tcx(s, ifindex, hook, program, &made, why);
	if (error && why->message)
		return -1;
	if (error && error != -EINVAL)
		return fail_errno(why, error, "%s: the kernel refused the tc %s program", ifname,
				  hook_names[hook]);
	if (error && mode == TC_MODE_TCX)
		return fail(why, EXIT_PRECONDITION,
			    "%s: this kernel has no tcx (Linux 6.6 has); write \"tc auto\" or \"tc "
			    "clsact\"",
			    ifname);
	if (error) {
		if (clsact_attach(s, ifindex, hook, program, why))
			return -1;
		snprintf(made.pin, sizeof(made.pin), "%s-cls-%u", hook_names[hook], ifindex);
		made.way = WAY_CLSACT;
	}
	*out = made;
	return 0;
}
