// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routes to backends. The kernel answers each question before send() returns,
 * so many are asked with one; and of IPv4 destinations that share a route, one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fib.h"
#include "host.h"
#include "own.h"

/* Asked with one call. */
#define BATCH 64
/* As many answers fit into a socket's memory, of which each takes a page or two. */
#define BATCH_ORDINARY 16
#define RECEIVE_BYTES (1 << 20)
/* More than a route has, with all that may be attached to one. */
#define ANSWER_BYTES 4096

/* RTCF_REDIRECTED: an ICMP redirect said so, of this destination alone. */
#define REDIRECTED 0x00040000

#define THREADS_MAX 4
/* Below so many a thread costs more than it brings. */
#define ASKS_PER_THREAD 4096
/* And so does reading the routing tables. */
#define SHARED_MIN 1024

struct question {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr attr;
	__u8 addr[16];
};

struct channel {
	int fd;
	size_t most; /* questions at once */
	char questions[BATCH * sizeof(struct question)];
	char answers[BATCH][ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void own_channel(struct channel **c)
{
	if (!*c)
		return;
	own_close(&(*c)->fd);
	free(*c);
}

/* NULL with errno. */
static struct channel *open_channel(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int bytes = RECEIVE_BYTES, on = 1;
	OWN(own_channel) struct channel *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	c->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&kernel, sizeof(kernel)))
		return NULL;
	setsockopt(c->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	c->most = setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes))
			  ? BATCH_ORDINARY
			  : BATCH;
	return TAKE_PTR(c);
}

/* Returns how many bytes it takes. */
static size_t put_question(const struct host_ask *ask, __u32 number, void *at)
{
	bool v4 = addr_is_v4(ask->addr);
	size_t size = v4 ? 4 : 16;
	struct question q = {
		.header = { .nlmsg_len = offsetof(struct question, addr) + size,
			    .nlmsg_type = RTM_GETROUTE,
			    .nlmsg_flags = NLM_F_REQUEST,
			    .nlmsg_seq = number },
		.route = { .rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = size * 8 },
		.attr = { .rta_len = RTA_LENGTH(size), .rta_type = RTA_DST },
	};

	memcpy(q.addr, ask->addr + 16 - size, size);
	memcpy(at, &q, q.header.nlmsg_len);
	return NLMSG_ALIGN(q.header.nlmsg_len);
}

/* A gateway may be of the other family. */
static void read_via(const struct rtattr *attr, __u8 addr[16])
{
	const struct rtvia *via = RTA_DATA(attr);

	addr_from_binary(via->rtvia_addr, via->rtvia_family, addr);
}

static int read_route(const struct nlmsghdr *header, struct host_ask *ask)
{
	const struct rtmsg *route = NLMSG_DATA(header);
	const struct rtattr *attr = RTM_RTA(route);
	size_t left = RTM_PAYLOAD(header);
	struct host_route result = {};
	bool has_gateway = false;

	if (route->rtm_type == RTN_LOCAL)
		return -EADDRINUSE;
	if (route->rtm_type != RTN_UNICAST)
		return -ENETUNREACH;
	memcpy(result.next_hop, ask->addr, sizeof(result.next_hop));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		switch (attr->rta_type) {
		case RTA_OIF:
			memcpy(&result.ifindex, RTA_DATA(attr), sizeof(result.ifindex));
			break;
		case RTA_GATEWAY:
			addr_from_binary(RTA_DATA(attr), route->rtm_family, result.next_hop);
			has_gateway = true;
			break;
		case RTA_VIA:
			read_via(attr, result.next_hop);
			has_gateway = true;
			break;
		case RTA_PREFSRC:
			addr_from_binary(RTA_DATA(attr), route->rtm_family, result.source);
			break;
		}
	}
	if (!result.ifindex)
		return -ENETUNREACH;
	*ask->route = result;
	ask->has_gateway = has_gateway;
	ask->is_redirected = route->rtm_flags & REDIRECTED;
	return 0;
}

/* @error of a question is 1 until it has its answer. */
static void read_answer(const struct nlmsghdr *header, struct host_ask *asks, size_t count)
{
	const struct nlmsgerr *refusal = NLMSG_DATA(header);
	struct host_ask *ask = &asks[header->nlmsg_seq];

	if (header->nlmsg_seq >= count)
		return;
	if (header->nlmsg_type == RTM_NEWROUTE)
		ask->error = read_route(header, ask);
	else if (header->nlmsg_type == NLMSG_ERROR && refusal->error)
		ask->error = refusal->error;
}

static void read_answers(struct channel *c, struct host_ask *asks, size_t count)
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];
	int came = 1;

	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ c->answers[i], ANSWER_BYTES };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	/* What found no room is told of once, by an error; the others are still there. */
	while (came > 0 || (came < 0 && errno == ENOBUFS)) {
		came = recvmmsg(c->fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < came; i++) {
			const struct nlmsghdr *header = (const void *)c->answers[i];

			if (!(messages[i].msg_hdr.msg_flags & MSG_TRUNC) &&
			    NLMSG_OK(header, messages[i].msg_len))
				read_answer(header, asks, count);
		}
	}
}

static void ask(struct channel *c, struct host_ask *asks, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		asks[i].error = 1;
		used += put_question(&asks[i], i, c->questions + used);
	}
	if (send(c->fd, c->questions, used, 0) < 0 && count == 1)
		asks[0].error = -errno;
	read_answers(c, asks, count);
}

static void ask_all(struct channel *c, struct host_ask *asks, size_t count)
{
	for (size_t first = 0; first < count; first += c->most) {
		size_t some = count - first < c->most ? count - first : c->most;

		ask(c, asks + first, some);
		for (size_t i = first; i < first + some; i++) {
			if (asks[i].error > 0)
				ask(c, asks + i, 1);
			if (asks[i].error > 0)
				asks[i].error = -EIO;
		}
	}
}

struct share {
	struct host_ask *asks;
	size_t count;
};

static void *do_share(void *of)
{
	struct share *share = of;
	OWN(own_channel) struct channel *c = open_channel();
	int error = -errno;

	if (c)
		ask_all(c, share->asks, share->count);
	for (size_t i = 0; !c && i < share->count; i++)
		share->asks[i].error = error;
	return NULL;
}

static void ask_in_threads(struct host_ask *asks, size_t count)
{
	struct share shares[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	bool runs[THREADS_MAX] = {};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = count / ASKS_PER_THREAD, done = 0;

	n = n > THREADS_MAX ? THREADS_MAX : n;
	n = cpus > 0 && n > (size_t)cpus ? (size_t)cpus : n;
	n = n ? n : 1;
	for (size_t i = 0; i < n && count; i++) {
		size_t end = count * (i + 1) / n;

		shares[i] = (struct share){ asks + done, end - done };
		done = end;
		runs[i] = i + 1 < n && !pthread_create(&threads[i], NULL, do_share, &shares[i]);
		if (!runs[i])
			do_share(&shares[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (runs[i])
			pthread_join(threads[i], NULL);
	}
}

static __u32 number_of(const __u8 addr[16])
{
	__be32 v4;

	memcpy(&v4, addr + 12, sizeof(v4));
	return ntohl(v4);
}

/* What the kernel said of @from holds for @to. */
static void copy_answer(const struct host_ask *from, struct host_ask *to)
{
	to->error = from->error;
	to->has_gateway = from->has_gateway;
	if (from->error)
		return;
	*to->route = *from->route;
	if (!from->has_gateway)
		memcpy(to->route->next_hop, to->addr, sizeof(to->route->next_hop));
}

/* Ask for one of each interval, and of IPv6, where the source depends on the destination, all. */
static int ask_once(const struct fib *fib, struct host_ask *asks, size_t count)
{
	OWN_FREE struct host_ask *some = malloc(count * sizeof(*some));
	OWN_FREE __u32 *answer_of = malloc(count * sizeof(*answer_of));
	OWN_FREE __u32 *of_interval = calloc(fib->count, sizeof(*of_interval));
	__u32 n = 0;

	if (!some || !answer_of || !of_interval)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		bool v4 = addr_is_v4(asks[i].addr);
		__u32 *place = v4 ? &of_interval[fib_interval(fib, number_of(asks[i].addr))] : NULL;

		if (v4 && *place) {
			answer_of[i] = *place - 1;
			continue;
		}
		answer_of[i] = n;
		some[n++] = asks[i];
		if (v4)
			*place = n;
	}
	ask_in_threads(some, n);
	for (size_t i = 0; i < n; i++) {
		if (some[i].is_redirected)
			return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < count; i++)
		copy_answer(&some[answer_of[i]], &asks[i]);
	return 0;
}

void host_routes(struct host_ask *asks, size_t count)
{
	OWN(fib_free) struct fib fib = {};

	if (count < SHARED_MIN || fib_read(count, &fib) || ask_once(&fib, asks, count))
		ask_in_threads(asks, count);
}

int host_route(const __u8 addr[16], struct host_route *route)
{
	struct host_ask one = { .addr = addr, .route = route };

	host_routes(&one, 1);
	return one.error;
}
