// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each hook of the stack costs at a call, by the kernel's own statistics:
 * net of an empty program that stands at the same hook at the same time.
 *
 *     hook_bench FAR PINS
 *
 * FAR is the network namespace behind eth0 of this one, PINS where weir has its
 * links. tests/bench/hook.sh makes both.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hook.skel.h"
#include "stack.h"

#define ROUNDS 9
#define BURSTS 1500 /* of each kind, in a round */
#define BURST 16
#define MESSAGE 200
#define ECHO_PORT 7
#define CLOSED_PORT 9
#define CALLS_LEAST 5000 /* in a round; a hook that is called less is left out */
#define TARGET_NS 40U

struct calls {
	__u64 ns, count;
};

struct hook_case {
	int program; /* -1: weir has none there */
	struct hook *empty;
	struct calls weir, beside;
	__u64 calls;
	double with[ROUNDS], net[ROUNDS];
};

static struct hook_case cases[STACK_HOOK_COUNT];

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s (%s)\n", what, strerror(errno));
	exit(1);
}

/* --- traffic */

static struct sockaddr_in at(__u16 port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, "10.0.0.2", &a.sin_addr);
	return a;
}

static int open_socket(int type)
{
	const struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	need(fd >= 0, "no socket");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void read_all(int fd, char *buffer, size_t bytes)
{
	for (size_t got = 0; got < bytes;) {
		ssize_t n = read(fd, buffer, bytes - got);

		need(n > 0, "the server is silent");
		got += (size_t)n;
	}
}

static void serve_stream(int listener)
{
	char message[MESSAGE];
	int fd = accept(listener, NULL, NULL), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (recv(fd, message, sizeof(message), MSG_WAITALL) == MESSAGE)
		need(write(fd, message, sizeof(message)) == MESSAGE, "the server cannot write");
	exit(0);
}

static void serve_datagrams(int fd)
{
	char message[MESSAGE];

	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, message, sizeof(message), 0, (void *)&from, &size);

		if (n > 0)
			sendto(fd, message, (size_t)n, 0, (void *)&from, size);
	}
}

/* Two processes in the namespace @far; they end with this one. */
static void start_servers(const char *far)
{
	const struct sockaddr_in here = at(ECHO_PORT);
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = open(far, O_RDONLY | O_CLOEXEC), listener, datagrams;
	struct timeval no_end = {};

	need(own >= 0 && other >= 0 && !setns(other, CLONE_NEWNET), far);
	listener = open_socket(SOCK_STREAM);
	datagrams = open_socket(SOCK_DGRAM);
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &no_end, sizeof(no_end));
	need(!bind(listener, (void *)&here, sizeof(here)) && !listen(listener, 1) &&
		     !bind(datagrams, (void *)&here, sizeof(here)),
	     "the servers have no address");
	need(!setns(own, CLONE_NEWNET), "no way back");
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		need(pid >= 0, "no process for a server");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i)
			serve_stream(listener);
		else
			serve_datagrams(datagrams);
	}
	close(listener);
	close(datagrams);
	close(own);
	close(other);
}

static void ask_stream(int fd)
{
	char messages[BURST][MESSAGE] = {};

	for (int i = 0; i < BURST; i++)
		need(write(fd, messages[i], MESSAGE) == MESSAGE, "cannot write");
	read_all(fd, messages[0], sizeof(messages));
}

static void ask_datagrams(int fd)
{
	const struct sockaddr_in to = at(ECHO_PORT);
	char message[MESSAGE] = {};

	for (int i = 0; i < BURST; i++)
		sendto(fd, message, sizeof(message), 0, (const void *)&to, sizeof(to));
	for (int i = 0; i < BURST; i++)
		need(recv(fd, message, sizeof(message), 0) > 0, "a datagram is lost");
}

static void ask_nobody(int fd)
{
	const struct sockaddr_in to = at(CLOSED_PORT);
	char message[MESSAGE] = {};

	for (int i = 0; i < BURST; i++)
		sendto(fd, message, sizeof(message), 0, (const void *)&to, sizeof(to));
}

/* --- figures */

static struct calls read_calls(int program)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	need(!bpf_obj_get_info_by_fd(program, &info, &size), "no statistics");
	return (struct calls){ .ns = info.run_time_ns, .count = info.run_cnt };
}

static void open_case(struct hook_case *c, enum stack_hook hook, const char *pins)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	char path[4096];
	int link;

	c->program = -1;
	snprintf(path, sizeof(path), "%s/stack-%s", pins, stack_hooks[hook].program);
	link = bpf_obj_get(path);
	if (link < 0)
		return;
	need(!bpf_obj_get_info_by_fd(link, &info, &size), "no link");
	close(link);
	c->program = bpf_prog_get_fd_by_id(info.prog_id);
	need(c->program >= 0, "no program");
	c->empty = hook__open();
	need(c->empty &&
		     !bpf_program__set_attach_target(c->empty->progs.weir_empty, 0,
						     stack_hooks[hook].tracepoint) &&
		     !hook__load(c->empty) && !hook__attach(c->empty),
	     stack_hooks[hook].tracepoint);
}

static void begin(struct hook_case *c)
{
	c->weir = read_calls(c->program);
	c->beside = read_calls(bpf_program__fd(c->empty->progs.weir_empty));
}

static void end(struct hook_case *c, int round)
{
	struct calls weir = read_calls(c->program);
	struct calls beside = read_calls(bpf_program__fd(c->empty->progs.weir_empty));
	__u64 calls = weir.count - c->weir.count, others = beside.count - c->beside.count;

	if (!round || calls < c->calls)
		c->calls = calls;
	if (!calls || !others)
		return;
	c->with[round] = (double)(weir.ns - c->weir.ns) / (double)calls;
	c->net[round] = c->with[round] - (double)(beside.ns - c->beside.ns) / (double)others;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct hook_case *c, enum stack_hook hook)
{
	qsort(c->with, ROUNDS, sizeof(double), by_value);
	qsort(c->net, ROUNDS, sizeof(double), by_value);
	printf("%-14s %-24s %8llu %8.0f %8.0f %8.0f %8u\n", stack_hooks[hook].program + 5,
	       stack_hooks[hook].tracepoint, c->calls, c->with[ROUNDS / 2], c->net[0],
	       c->net[ROUNDS / 2], TARGET_NS);
}

/* All on one, or the first hook behind a change of CPU pays for what the stack reads next. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	const struct sockaddr_in to = at(ECHO_PORT);
	int stats, stream, datagrams;

	if (argc != 3) {
		fprintf(stderr, "usage: hook_bench FAR PINS\n");
		return 2;
	}
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	need(stats >= 0, "the kernel keeps no statistics of programs");
	stay_on_one_cpu();
	start_servers(argv[1]);
	stream = open_socket(SOCK_STREAM);
	datagrams = open_socket(SOCK_DGRAM);
	need(!connect(stream, (const void *)&to, sizeof(to)), "no connection");
	for (int i = 0; i < STACK_HOOK_COUNT; i++)
		open_case(&cases[i], i, argv[2]);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < STACK_HOOK_COUNT; i++) {
			if (cases[i].program >= 0)
				begin(&cases[i]);
		}
		for (int i = 0; i < BURSTS; i++) {
			ask_stream(stream);
			ask_datagrams(datagrams);
			ask_nobody(datagrams);
		}
		for (int i = 0; i < STACK_HOOK_COUNT; i++) {
			if (cases[i].program >= 0)
				end(&cases[i], round);
		}
	}
	printf("%-14s %-24s %8s %8s %8s %8s %8s\n", "", "", "calls", "with it", "net", "net",
	       "target");
	printf("%-14s %-24s %8s %8s %8s %8s %8s\n", "ns per call", "tracepoint", "a round",
	       "median", "min", "median", "net");
	for (int i = 0; i < STACK_HOOK_COUNT; i++) {
		if (cases[i].program >= 0 && cases[i].calls >= CALLS_LEAST)
			print(&cases[i], i);
	}
	return 0;
}
