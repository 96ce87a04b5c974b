// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A wire with a known delay, for kernels without netem: frames that arrive on
 * one interface leave through the other a fixed time later.
 *
 *     delay NETNS IF0 IF1 DELAY01_US DELAY10_US
 *
 * Both interfaces lie in network namespace NETNS (a name under /run/netns).
 * Prints "ready" once it forwards; ends on SIGTERM or SIGINT. On a quiet
 * machine a frame is 25 to 50 us late. The virtio-net header keeps GSO and
 * unfinished checksums, so the ends may leave their offloads on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_FRAMES 4096U
#define FRAME_BYTES (66U * 1024)
#define SOCKET_BUFFER_BYTES (64 << 20)
#define NS_PER_S 1000000000LL
#define NS_PER_US 1000LL
/* The last stretch before a frame is due is spent awake: a sleep wakes late. */
#define AWAKE_NS (50 * NS_PER_US)
#define IDLE_NS (NS_PER_S / 5)

struct frame {
	int64_t due_ns;
	size_t size;
};

/* One direction. Frames lie in a ring, oldest first: the delay is constant. */
struct lane {
	int in;
	int out;
	int64_t delay_ns;
	unsigned int head; /* frames that came, ever */
	unsigned int tail; /* frames that left, ever */
	struct frame frames[QUEUE_FRAMES];
	char *bytes; /* FRAME_BYTES for each frame */
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void die(const char *place, const char *problem)
{
	fprintf(stderr, "delay: %s: %s: %s\n", place, problem, strerror(errno));
	exit(EXIT_FAILURE);
}

static void enter_netns(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path, "cannot enter the network namespace");
	close(fd);
}

static int open_interface(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int on = 1, size = SOCKET_BUFFER_BYTES;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die(name, "cannot open a packet socket");
	if (!addr.sll_ifindex)
		die(name, "no such interface");
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		die(name, "cannot set up the packet socket");
	/* Smaller buffers only lose frames earlier under a flood. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die(name, "cannot bind the packet socket");
	return fd;
}

static int64_t parse_delay_ns(const char *text)
{
	char *end;
	long us;

	errno = 0;
	us = strtol(text, &end, 10);
	if (errno || end == text || *end || us < 0 || us > 10000000) {
		fprintf(stderr, "delay: \"%s\" is no delay; write 0 to 10000000 microseconds\n",
			text);
		exit(2);
	}
	return us * NS_PER_US;
}

static struct lane *lane_new(int in, int out, const char *delay)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		die("start", "no memory");
	lane->in = in;
	lane->out = out;
	lane->delay_ns = parse_delay_ns(delay);
	lane->bytes = mmap(NULL, (size_t)QUEUE_FRAMES * FRAME_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (lane->bytes == MAP_FAILED)
		die("start", "no memory for the queue");
	return lane;
}

static char *frame_bytes(const struct lane *lane, unsigned int number)
{
	return lane->bytes + (size_t)(number % QUEUE_FRAMES) * FRAME_BYTES;
}

/* Take in what waits. What finds the queue full stays in the socket's buffer. */
static void receive(struct lane *lane)
{
	while (lane->head - lane->tail < QUEUE_FRAMES) {
		struct frame *frame = &lane->frames[lane->head % QUEUE_FRAMES];
		ssize_t size = read(lane->in, frame_bytes(lane, lane->head), FRAME_BYTES);

		if (size <= 0)
			return;
		frame->size = (size_t)size;
		frame->due_ns = now_ns() + lane->delay_ns;
		lane->head++;
	}
}

/* Send what is due; returns when the next frame is, or INT64_MAX. */
static int64_t send_due(struct lane *lane)
{
	while (lane->tail != lane->head) {
		const struct frame *frame = &lane->frames[lane->tail % QUEUE_FRAMES];

		if (frame->due_ns > now_ns())
			return frame->due_ns;
		/* A frame that the interface refuses is lost, as on a wire. */
		if (write(lane->out, frame_bytes(lane, lane->tail), frame->size) < 0 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return frame->due_ns;
		lane->tail++;
	}
	return INT64_MAX;
}

static void wait_for_frames(struct lane *lanes[2], int64_t next_due_ns)
{
	struct pollfd fds[2];
	struct timespec timeout;
	int64_t wait_ns = IDLE_NS;

	for (int i = 0; i < 2; i++) {
		bool full = lanes[i]->head - lanes[i]->tail >= QUEUE_FRAMES;

		fds[i] = (struct pollfd){ .fd = full ? -1 : lanes[i]->in, .events = POLLIN };
	}
	if (next_due_ns != INT64_MAX)
		wait_ns = next_due_ns - now_ns() - AWAKE_NS;
	if (wait_ns < 0)
		wait_ns = 0;
	timeout = (struct timespec){ wait_ns / NS_PER_S, wait_ns % NS_PER_S };
	(void)ppoll(fds, 2, &timeout, NULL);
}

static void forward(struct lane *lanes[2])
{
	while (!stopped) {
		int64_t next = INT64_MAX;

		for (int i = 0; i < 2; i++) {
			int64_t due;

			receive(lanes[i]);
			due = send_due(lanes[i]);
			next = due < next ? due : next;
		}
		wait_for_frames(lanes, next);
	}
}

int main(int argc, char **argv)
{
	struct sched_param priority = { .sched_priority = 50 };
	struct lane *lanes[2];
	int fds[2];

	if (argc != 6) {
		fprintf(stderr, "usage: delay NETNS IF0 IF1 DELAY01_US DELAY10_US\n");
		return 2;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	enter_netns(argv[1]);
	for (int i = 0; i < 2; i++)
		fds[i] = open_interface(argv[2 + i]);
	for (int i = 0; i < 2; i++)
		lanes[i] = lane_new(fds[i], fds[1 - i], argv[4 + i]);
	/* Without it the machine's other work adds to the delay. */
	(void)sched_setscheduler(0, SCHED_FIFO, &priority);
	puts("ready");
	fflush(stdout);
	forward(lanes);
	return 0;
}
