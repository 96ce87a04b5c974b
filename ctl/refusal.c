// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a device refuses a program. A bpf_link gives a bare errno; the same
 * request by netlink is answered in words.
 */
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "attach_internal.h"

struct refusal {
	char *text;
	size_t size;
	int error;
};

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *outer = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct refusal *r = arg;
	size_t skip = sizeof(*err);
	struct nlattr *attr;

	(void)who;
	r->error = err->error;
	if (!(outer->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(outer->nlmsg_flags & NLM_F_CAPPED))
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	attr = nlmsg_find_attr(outer, skip, NLMSGERR_ATTR_MSG);
	if (attr)
		snprintf(r->text, r->size, "%s", nla_get_string(attr));
	return NL_STOP;
}

/* With @expected, a descriptor, only that program is replaced; -1: there must be none. */
static struct nl_msg *attach_request(__u32 ifindex, int program, int expected, __u32 flags)
{
	struct ifinfomsg header = { .ifi_index = ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	struct nlattr *xdp;

	if (!msg)
		return NULL;
	nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO);
	xdp = nla_nest_start(msg, IFLA_XDP);
	nla_put_s32(msg, IFLA_XDP_FD, program);
	flags |= expected < 0 ? XDP_FLAGS_UPDATE_IF_NOEXIST : XDP_FLAGS_REPLACE;
	nla_put_u32(msg, IFLA_XDP_FLAGS, flags);
	if (expected >= 0)
		nla_put_s32(msg, IFLA_XDP_EXPECTED_FD, expected);
	nla_nest_end(msg, xdp);
	return msg;
}

/* Sends @msg, which it consumes; the answer is in @r. */
static void ask(struct nl_sock *socket, struct nl_msg *msg, struct refusal *r)
{
	int one = 1;

	if (nl_connect(socket, NETLINK_ROUTE) ||
	    setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one))) {
		nlmsg_free(msg);
		return;
	}
	nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, on_error, r);
	if (nl_send_auto(socket, msg) >= 0)
		nl_recvmsgs_default(socket);
	nlmsg_free(msg);
}

const char *xdp_refusal(__u32 ifindex, int program, __u32 flags, char *text, size_t size)
{
	struct refusal r = { .text = text, .size = size };
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_msg *msg = attach_request(ifindex, program, -1, flags);
	struct nl_msg *undo = attach_request(ifindex, -1, program, flags);

	text[0] = '\0';
	if (!socket || !msg || !undo) {
		nlmsg_free(msg);
		nlmsg_free(undo);
	} else {
		ask(socket, msg, &r);
		nl_close(socket);
		/* What was refused a moment ago may be accepted now; it is not wanted this way. */
		if (!r.error)
			ask(socket, undo, &r);
		else
			nlmsg_free(undo);
	}
	if (socket)
		nl_socket_free(socket);
	return text;
}

const char *xdp_remedy(const char *reason)
{
	static const struct {
		const char *part, *remedy;
	} known[] = {
		{ "bonding mode",
		  "; balance-rr, active-backup, balance-xor and 802.3ad have it, but "
		  "for the hash policy vlan+srcmac" },
		{ "hash policy", "; every other xmit_hash_policy has it" },
		{ "Slave device does not", "; the driver of one of the bond's ports has none" },
		{ "Slave has XDP", "; one of the bond's ports has a program: take that off first" },
		{ "upper device",
		  "; a bond, bridge or VLAN device above it has a program: take that "
		  "off first, and attach it last" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strstr(reason, known[i].part))
			return known[i].remedy;
	}
	return "";
}
