// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Neighbours: next hops, and what the kernel knows of their MAC addresses.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "own.h"

#ifndef NTF_EXT_MANAGED
#define NTF_EXT_MANAGED (1 << 0)
#endif

/* States in which the entry has a MAC address that bpf_fib_lookup() gives out. */
#define NEIGHBOUR_KNOWN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

static void own_msg(struct nl_msg **msg)
{
	if (*msg)
		nlmsg_free(*msg);
}

static int family_of(const __u8 addr[16])
{
	return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

/* The address without its v4-mapped prefix. */
static const __u8 *binary_of(const __u8 addr[16], size_t *size)
{
	*size = addr_is_v4(addr) ? 4 : 16;
	return addr + 16 - *size;
}

/* libnl has its own numbers. */
static int errno_of(int error)
{
	switch (-error) {
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int neighbour_request(struct host *h, int type, int flags, __u32 ifindex,
			     const __u8 addr[16], __u32 extended)
{
	struct ndmsg header = { .ndm_family = family_of(addr), .ndm_ifindex = ifindex };
	OWN(own_msg) struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	size_t size;
	const __u8 *binary = binary_of(addr, &size);
	int error;

	if (!msg || nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    nla_put(msg, NDA_DST, size, binary) ||
	    nla_put_u8(msg, NDA_PROTOCOL, HOST_NEIGHBOUR_PROTOCOL) ||
	    (extended && nla_put_u32(msg, NDA_FLAGS_EXT, extended)))
		return -ENOMEM;
	error = nl_send_sync(h->socket, TAKE_PTR(msg));
	return error ? errno_of(error) : 0;
}

int host_neighbour_keep(struct host *h, __u32 ifindex, const __u8 addr[16])
{
	return neighbour_request(h, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr,
				 NTF_EXT_MANAGED);
}

int host_neighbour_release(struct host *h, __u32 ifindex, const __u8 addr[16])
{
	return neighbour_request(h, RTM_DELNEIGH, 0, ifindex, addr, 0);
}

struct neighbour_list {
	struct host_neighbour *list;
	size_t count;
	int error;
};

static int collect_neighbour(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct neighbour_list *found = arg;
	struct nlattr *attr[NDA_MAX + 1];
	struct host_neighbour *grown, *added;
	struct ndmsg *neighbour;

	if (nlmsg_parse(header, sizeof(*neighbour), attr, NDA_MAX, NULL) || !attr[NDA_DST])
		return NL_OK;
	grown = reallocarray(found->list, found->count + 1, sizeof(*grown));
	if (!grown) {
		found->error = -ENOMEM;
		return NL_STOP;
	}
	found->list = grown;
	neighbour = nlmsg_data(header);
	added = &grown[found->count];
	*added = (struct host_neighbour){};
	if (!addr_from_binary(nla_data(attr[NDA_DST]), neighbour->ndm_family, added->addr))
		return NL_OK;
	added->ifindex = neighbour->ndm_ifindex;
	added->is_ours =
		attr[NDA_PROTOCOL] && nla_get_u8(attr[NDA_PROTOCOL]) == HOST_NEIGHBOUR_PROTOCOL;
	added->is_fixed = neighbour->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	added->is_known = added->is_fixed || neighbour->ndm_state & NEIGHBOUR_KNOWN;
	if (added->is_known && attr[NDA_LLADDR] && nla_len(attr[NDA_LLADDR]) == sizeof(added->mac))
		memcpy(added->mac, nla_data(attr[NDA_LLADDR]), sizeof(added->mac));
	found->count++;
	return NL_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct host_neighbour *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

int host_neighbours(struct host *h, struct host_neighbours *out)
{
	struct ndmsg request = { .ndm_family = AF_UNSPEC };
	struct neighbour_list found = {};
	int error;

	*out = (struct host_neighbours){};
	nl_socket_modify_cb(h->socket, NL_CB_VALID, NL_CB_CUSTOM, collect_neighbour, &found);
	error = nl_send_simple(h->socket, RTM_GETNEIGH, NLM_F_DUMP, &request, sizeof(request));
	if (error >= 0)
		error = nl_recvmsgs_default(h->socket);
	nl_socket_modify_cb(h->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	if (error < 0 || found.error) {
		free(found.list);
		return found.error ? found.error : errno_of(error);
	}
	if (found.count)
		qsort(found.list, found.count, sizeof(*found.list), by_place);
	*out = (struct host_neighbours){ found.list, found.count };
	return 0;
}

void host_neighbours_free(struct host_neighbours *n)
{
	free(n->list);
	*n = (struct host_neighbours){};
}

const struct host_neighbour *host_neighbour_find(const struct host_neighbours *n, __u32 ifindex,
						 const __u8 addr[16])
{
	struct host_neighbour key = { .ifindex = ifindex };

	memcpy(key.addr, addr, sizeof(key.addr));
	return n->count ? bsearch(&key, n->list, n->count, sizeof(key), by_place) : NULL;
}

bool host_neighbour_is_known(const struct host_neighbours *n, __u32 ifindex, const __u8 addr[16])
{
	const struct host_neighbour *found = host_neighbour_find(n, ifindex, addr);

	return found && found->is_known;
}
