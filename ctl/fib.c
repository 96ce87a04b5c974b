// SPDX-License-Identifier: GPL-2.0-or-later
#include "fib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "own.h"

/* What the kernel fills of a dump at a time, at most. */
#define DUMP_BYTES 32768

struct reader {
	struct fib fib;
	size_t room, most;
};

void fib_free(struct fib *f)
{
	free(f->first);
	*f = (struct fib){};
}

static int add_bound(struct reader *r, __u32 first)
{
	if (r->fib.count == r->most)
		return -E2BIG;
	if (r->fib.count == r->room) {
		size_t room = r->room ? 2 * r->room : 256;
		__u32 *grown = reallocarray(r->fib.first, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		r->fib.first = grown;
		r->room = room;
	}
	r->fib.first[r->fib.count++] = first;
	return 0;
}

/* Where it begins, and where what follows does. */
static int add_prefix(struct reader *r, const struct rtattr *dst, unsigned int length)
{
	__u32 addr = 0, last;
	int error;

	if (!length || !dst || RTA_PAYLOAD(dst) != sizeof(addr) || length > 32)
		return 0;
	memcpy(&addr, RTA_DATA(dst), sizeof(addr));
	addr = ntohl(addr);
	last = addr | (__u32)(0xffffffffULL >> length);
	error = add_bound(r, addr);
	return error || last == 0xffffffff ? error : add_bound(r, last + 1);
}

static int read_route(struct reader *r, const struct nlmsghdr *header)
{
	const struct rtmsg *route = NLMSG_DATA(header);
	const struct rtattr *attr = RTM_RTA(route), *dst = NULL;
	size_t left = RTM_PAYLOAD(header);

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == RTA_MULTIPATH || attr->rta_type == RTA_NH_ID)
			return -EOPNOTSUPP;
		if (attr->rta_type == RTA_DST)
			dst = attr;
	}
	return add_prefix(r, dst, route->rtm_dst_len);
}

static int read_rule(struct reader *r, const struct nlmsghdr *header)
{
	const struct fib_rule_hdr *rule = NLMSG_DATA(header);
	const struct rtattr *attr = (const void *)((const char *)rule + NLMSG_ALIGN(sizeof(*rule)));
	size_t left = NLMSG_PAYLOAD(header, sizeof(*rule));
	const struct rtattr *dst = NULL;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == FRA_DST)
			dst = attr;
	}
	return add_prefix(r, dst, rule->dst_len);
}

static int read_message(struct reader *r, const struct nlmsghdr *header)
{
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	switch (header->nlmsg_type) {
	case RTM_NEWROUTE:
		return read_route(r, header);
	case RTM_NEWRULE:
		return read_rule(r, header);
	case NLMSG_ERROR:
		return -EIO;
	default:
		return 0;
	}
}

/* Of one kind: RTM_GETROUTE or RTM_GETRULE, whose headers are alike. */
static int dump(struct reader *r, int fd, __u16 type)
{
	OWN_FREE char *answer = malloc(DUMP_BYTES);
	const struct {
		struct nlmsghdr header;
		struct rtmsg what;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.what = { .rtm_family = AF_INET },
	};
	int error = 0;

	if (!answer)
		return -ENOMEM;
	if (send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	while (!error) {
		ssize_t left = recv(fd, answer, DUMP_BYTES, 0);
		const struct nlmsghdr *header = (const void *)answer;

		if (left <= 0)
			return left ? -errno : -EIO;
		for (; NLMSG_OK(header, left) && !error; header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE)
				return 0;
			error = read_message(r, header);
		}
	}
	return error;
}

static int by_number(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

int fib_read(size_t most, struct fib *out)
{
	struct reader r = { .most = most };
	OWN_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error = fd < 0 ? -errno : add_bound(&r, 0);
	size_t count = 0;

	*out = (struct fib){};
	if (!error)
		error = dump(&r, fd, RTM_GETROUTE);
	if (!error)
		error = dump(&r, fd, RTM_GETRULE);
	if (error) {
		fib_free(&r.fib);
		return error;
	}
	qsort(r.fib.first, r.fib.count, sizeof(*r.fib.first), by_number);
	for (size_t i = 0; i < r.fib.count; i++) {
		if (!count || r.fib.first[count - 1] != r.fib.first[i])
			r.fib.first[count++] = r.fib.first[i];
	}
	r.fib.count = count;
	*out = r.fib;
	return 0;
}

size_t fib_interval(const struct fib *f, __u32 addr)
{
	size_t low = 0, high = f->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (f->first[middle] <= addr)
			low = middle;
		else
			high = middle;
	}
	return low;
}
