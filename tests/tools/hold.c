// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that are held in the receiver's stack for a known time, behind their
 * device and before their socket.
 *
 *     hold queue tcp|udp NETNS ADDRESS PORT TIMES US
 *     hold lock tcp NETNS ADDRESS PORT TIMES US
 *
 * Sends TIMES packets from this network namespace to a socket at ADDRESS in
 * NETNS (a name under /run/netns), one after the other. "queue" holds each in
 * netfilter's queue 0 of NETNS, where a rule of the caller's has to send it;
 * without this process that rule must let packets pass. "lock" keeps the socket
 * locked, by a writer whose memory is not there yet. Prints the medians of the
 * least and the most that a packet can have waited, "LEAST_NS MOST_NS".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <linux/userfaultfd.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define NS_PER_US 1000LL
#define MESSAGE_BYTES 1024
#define PATIENCE_S 5
#define TIMES_MOST 10000

struct ends {
	int client;
	int server;
	int own_netns;
	int far_netns;
};

/* One packet on its way. It waited release_ns - in_stack_ns at least, read_ns - send_ns at most. */
struct wait {
	int64_t send_ns; /* before it was sent */
	int64_t in_stack_ns; /* when it was surely held */
	int64_t release_ns; /* before it was let go */
	int64_t read_ns; /* when it had surely come to its socket */
};

static char message[MESSAGE_BYTES];
static int64_t hold_ns;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void need(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* Awake: a sleep ends late. */
static void pause_from(int64_t begin_ns)
{
	while (now_ns() - begin_ns < hold_ns)
		;
}

static void enter(int netns)
{
	need(!setns(netns, CLONE_NEWNET), "cannot enter the network namespace");
}

/* --- both ends */

static int open_socket(int type)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	need(fd >= 0, "no socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void open_ends(struct ends *e, int type, const char *netns, const struct sockaddr_in *to)
{
	char path[4096];
	int listener;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	e->own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	e->far_netns = open(path, O_RDONLY | O_CLOEXEC);
	need(e->own_netns >= 0 && e->far_netns >= 0, path);
	enter(e->far_netns);
	listener = open_socket(type);
	need(!bind(listener, (const void *)to, sizeof(*to)), "cannot bind");
	enter(e->own_netns);
	e->client = open_socket(type);
	if (type == SOCK_STREAM)
		need(!listen(listener, 1), "cannot listen");
	need(!connect(e->client, (const void *)to, sizeof(*to)), "no connection");
	if (type == SOCK_DGRAM) {
		e->server = listener;
		return;
	}
	e->server = accept(listener, NULL, NULL);
	need(e->server >= 0, "nobody came");
	close(listener);
}

static void send_one(struct ends *e, struct wait *w)
{
	w->send_ns = now_ns();
	need(send(e->client, message, sizeof(message), 0) == sizeof(message), "cannot send");
	w->in_stack_ns = now_ns();
}

static void read_one(struct ends *e)
{
	char got[MESSAGE_BYTES];

	need(recv(e->server, got, sizeof(got), MSG_WAITALL) == sizeof(got), "nothing to read");
}

/* --- netfilter's queue */

struct order {
	struct nlmsghdr nl;
	struct nfgenmsg nf;
	struct nlattr attr;
	union {
		struct nfqnl_msg_config_cmd command;
		struct nfqnl_msg_config_params params;
		struct nfqnl_msg_verdict_hdr verdict;
	};
};

/* @bytes of what follows the attribute's header are in @o already; the kernel does it at once. */
static void give_order(int fd, struct order *o, uint16_t type, uint16_t attribute, size_t bytes)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	o->attr.nla_type = attribute;
	o->attr.nla_len = (uint16_t)(NLA_HDRLEN + bytes);
	o->nf.version = NFNETLINK_V0;
	o->nl.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(o->nf)) + NLA_ALIGN(o->attr.nla_len));
	o->nl.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	o->nl.nlmsg_flags = NLM_F_REQUEST;
	need(sendto(fd, o, o->nl.nlmsg_len, 0, (const void *)&kernel, sizeof(kernel)) > 0,
	     "cannot write to netfilter");
}

static int open_queue(const struct ends *e)
{
	struct order bind_it = { .command = { .command = NFQNL_CFG_CMD_BIND } };
	struct order names_only = { .params = { .copy_mode = NFQNL_COPY_META } };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd;

	enter(e->far_netns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	need(fd >= 0, "no netfilter");
	enter(e->own_netns);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	give_order(fd, &bind_it, NFQNL_MSG_CONFIG, NFQA_CFG_CMD, sizeof(bind_it.command));
	give_order(fd, &names_only, NFQNL_MSG_CONFIG, NFQA_CFG_PARAMS, sizeof(names_only.params));
	return fd;
}

/* The number of the next packet that netfilter hands over, as it wants it back. */
static __be32 next_held(int fd)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *nl = (const void *)buffer;
	const struct nlattr *attr;
	ssize_t size = recv(fd, buffer, sizeof(buffer), 0), at;

	need(size >= (ssize_t)NLMSG_LENGTH(sizeof(struct nfgenmsg)), "no packet is held");
	need(nl->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET), "netfilter refuses");
	for (at = NLMSG_LENGTH(sizeof(struct nfgenmsg)); at < size;
	     at += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(buffer + at);
		if (attr->nla_type == NFQA_PACKET_HDR)
			return ((const struct nfqnl_msg_packet_hdr *)(attr + 1))->packet_id;
		need(attr->nla_len >= NLA_HDRLEN, "netfilter says nothing");
	}
	need(0, "a packet has no number");
	return 0;
}

static void hold_in_queue(struct ends *e, struct wait *waits, int times)
{
	int fd = open_queue(e);

	for (int i = 0; i < times; i++) {
		struct order let_go = { .verdict.verdict = htonl(NF_ACCEPT) };
		struct wait *w = &waits[i];

		send_one(e, w);
		let_go.verdict.id = next_held(fd);
		w->in_stack_ns = now_ns();
		pause_from(w->in_stack_ns);
		w->release_ns = now_ns();
		give_order(fd, &let_go, NFQNL_MSG_VERDICT, NFQA_VERDICT_HDR,
			   sizeof(let_go.verdict));
		w->read_ns = now_ns();
		read_one(e);
	}
	close(fd);
}

/* --- a writer that waits for its memory, and has the socket meanwhile */

struct writer {
	pthread_t thread;
	int server;
	int faults; /* userfaultfd(2) */
	char *page; /* not there */
	size_t page_bytes;
	int64_t done_ns;
};

static void open_writer(struct writer *w, int server)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	w->server = server;
	w->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	w->page = mmap(NULL, w->page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w->faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	need(w->page != MAP_FAILED && w->faults >= 0, "no userfaultfd");
	range.range.start = (uintptr_t)w->page;
	range.range.len = w->page_bytes;
	need(!ioctl(w->faults, UFFDIO_API, &api) && !ioctl(w->faults, UFFDIO_REGISTER, &range),
	     "userfaultfd refuses");
}

static void *write_missing(void *data)
{
	struct writer *w = data;

	need(send(w->server, w->page, 1, 0) == 1, "cannot write");
	w->done_ns = now_ns();
	return NULL;
}

/* Until the writer stands still, and so its socket is locked. */
static void await_fault(const struct writer *w)
{
	struct uffd_msg fault;

	need(read(w->faults, &fault, sizeof(fault)) == sizeof(fault) &&
		     fault.event == UFFD_EVENT_PAGEFAULT,
	     "no fault");
}

static void hold_by_lock(struct ends *e, struct wait *waits, int times)
{
	struct writer writer = {};
	struct uffdio_zeropage zeroes;
	char answer;

	open_writer(&writer, e->server);
	zeroes = (struct uffdio_zeropage){ .range = { (uintptr_t)writer.page, writer.page_bytes } };
	for (int i = 0; i < times; i++) {
		struct wait *w = &waits[i];

		need(!madvise(writer.page, writer.page_bytes, MADV_DONTNEED) &&
			     !pthread_create(&writer.thread, NULL, write_missing, &writer),
		     "no writer");
		await_fault(&writer);
		send_one(e, w);
		pause_from(w->in_stack_ns);
		w->release_ns = now_ns();
		need(!ioctl(writer.faults, UFFDIO_ZEROPAGE, &zeroes), "no memory");
		pthread_join(writer.thread, NULL);
		w->read_ns = writer.done_ns;
		read_one(e);
		need(recv(e->client, &answer, 1, 0) == 1, "nothing was written");
	}
}

/* --- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_medians(const struct wait *waits, int times)
{
	static int64_t least[TIMES_MOST], most[TIMES_MOST];

	for (int i = 0; i < times; i++) {
		least[i] = waits[i].release_ns - waits[i].in_stack_ns;
		most[i] = waits[i].read_ns - waits[i].send_ns;
	}
	qsort(least, (size_t)times, sizeof(*least), by_value);
	qsort(most, (size_t)times, sizeof(*most), by_value);
	printf("%lld %lld\n", (long long)least[times / 2], (long long)most[times / 2]);
}

int main(int argc, char **argv)
{
	static struct wait waits[TIMES_MOST];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct ends e;
	int times, type;

	if (argc != 8 || inet_pton(AF_INET, argv[4], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: hold queue|lock tcp|udp NETNS ADDRESS PORT TIMES US\n");
		return 2;
	}
	type = strcmp(argv[2], "udp") ? SOCK_STREAM : SOCK_DGRAM;
	to.sin_port = htons((uint16_t)atoi(argv[5]));
	times = atoi(argv[6]);
	hold_ns = atoll(argv[7]) * NS_PER_US;
	need(times > 0 && times <= TIMES_MOST, "so many packets are not for this");
	open_ends(&e, type, argv[3], &to);
	if (strcmp(argv[1], "lock") != 0)
		hold_in_queue(&e, waits, times);
	else
		hold_by_lock(&e, waits, times);
	print_medians(waits, times);
	return 0;
}
