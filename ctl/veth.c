// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other end of a veth, which may lie in another namespace.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <string.h>

#include "host.h"
#include "own.h"

struct peer {
	__u32 ifindex;
	int netns_id; /* -1: this namespace */
	bool has_xdp;
};

static void own_link(struct rtnl_link **link)
{
	if (*link)
		rtnl_link_put(*link);
}

/* Returns 0, or -1 when the device is no veth, or its peer cannot be named from here. */
static int find_peer(struct host *h, __u32 ifindex, struct peer *peer)
{
	OWN(own_link) struct rtnl_link *link = NULL;
	const char *kind;

	if (rtnl_link_get_kernel(h->socket, (int)ifindex, NULL, &link))
		return -1;
	kind = rtnl_link_get_type(link);
	if (!kind || strcmp(kind, "veth") != 0)
		return -1;
	peer->ifindex = rtnl_link_get_link(link);
	if (rtnl_link_get_link_netnsid(link, &peer->netns_id))
		peer->netns_id = -1;
	return peer->ifindex ? 0 : -1;
}

static int read_xdp(struct nl_msg *msg, void *arg)
{
	struct nlattr *link[IFLA_MAX + 1], *xdp[IFLA_XDP_MAX + 1];
	struct peer *peer = arg;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), link, IFLA_MAX, NULL) ||
	    !link[IFLA_XDP] || nla_parse_nested(xdp, IFLA_XDP_MAX, link[IFLA_XDP], NULL))
		return NL_OK;
	peer->has_xdp =
		xdp[IFLA_XDP_ATTACHED] && nla_get_u8(xdp[IFLA_XDP_ATTACHED]) != XDP_ATTACHED_NONE;
	return NL_OK;
}

static int ask_for_xdp(struct host *h, struct peer *peer)
{
	struct ifinfomsg header = { .ifi_index = (int)peer->ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, 0);
	int error;

	if (!msg || nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    (peer->netns_id >= 0 && nla_put_s32(msg, IFLA_TARGET_NETNSID, peer->netns_id))) {
		nlmsg_free(msg);
		return -1;
	}
	nl_socket_modify_cb(h->socket, NL_CB_VALID, NL_CB_CUSTOM, read_xdp, peer);
	error = nl_send_auto(h->socket, msg);
	nlmsg_free(msg);
	if (error >= 0)
		error = nl_recvmsgs_default(h->socket);
	if (error >= 0)
		error = nl_wait_for_ack(h->socket);
	nl_socket_modify_cb(h->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	return error < 0 ? -1 : 0;
}

bool host_peer_lacks_xdp(struct host *h, __u32 ifindex)
{
	struct peer peer = {};

	return !find_peer(h, ifindex, &peer) && !ask_for_xdp(h, &peer) && !peer.has_xdp;
}
