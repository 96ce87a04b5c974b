// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A wire with a known delay, for kernels without netem: frames that arrive on
 * one interface leave through the other a while later.
 *
 *     delay NETNS IF0 IF1 DELAY01_US DELAY10_US [OPTION VALUE]...
 *
 *     jitter US       up to so much longer, each frame anew; none overtakes another
 *     loss PERCENT    of the frames never leave
 *     reorder PERCENT of the frames are held for "late" longer: others overtake them
 *     late US         1000 when it is not given
 *     seed NUMBER     of the dice that decide all this; 1 when it is not given
 *     tag01 VLAN      frames that leave through IF1 get this tag; tag10: through IF0.
 *                     One that they came with the kernel has taken off
 *
 * Both interfaces lie in network namespace NETNS (a name under /run/netns).
 * Options hold for both directions, which roll dice of their own. Prints "ready"
 * once it forwards; ends on SIGTERM or SIGINT and prints for each direction how
 * many frames came, were lost, and were held late. On a quiet machine a frame is
 * 25 to 50 us late. The virtio-net header keeps GSO and unfinished checksums, so
 * the ends may leave their offloads on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_FRAMES 65536U
#define FRAME_BYTES (66U * 1024)
#define SOCKET_BUFFER_BYTES (64 << 20)
#define NS_PER_S 1000000000LL
#define NS_PER_US 1000LL
/* The last stretch before a frame is due is spent awake: a sleep wakes late. */
#define AWAKE_NS (50 * NS_PER_US)
#define IDLE_NS (NS_PER_S / 5)

struct frame {
	int64_t due_ns;
	uint64_t number; /* of those due at the same time the first goes first */
	size_t size;
	char *bytes; /* owned */
};

struct options {
	double jitter_us;
	double loss_percent;
	double reorder_percent;
	double late_us;
	double seed;
	double tag[2]; /* of each lane; 0: none */
};

/* One direction. Frames lie in a heap, the one that is due next on top. */
struct lane {
	int in;
	int out;
	int64_t delay_ns;
	int64_t newest_ns; /* when the last frame that is not held late is due */
	const struct options *options;
	uint16_t tag; /* VLAN that its frames leave with; 0: none */
	uint64_t dice;
	uint64_t came;
	uint64_t lost;
	uint64_t late;
	unsigned int count;
	struct frame frames[QUEUE_FRAMES];
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

static double parse_number(const char *text, const char *what, double most)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= 0 && value <= most)) {
		fprintf(stderr, "delay: \"%s\" is no %s; write 0 to %.0f\n", text, what, most);
		exit(2);
	}
	return value;
}

static void parse_options(char **words, struct options *o)
{
	const struct {
		const char *name;
		double *value;
		double most;
	} known[] = {
		{ "jitter", &o->jitter_us, 10000000 },	 { "loss", &o->loss_percent, 100 },
		{ "reorder", &o->reorder_percent, 100 }, { "late", &o->late_us, 10000000 },
		{ "seed", &o->seed, 4294967295.0 },	 { "tag01", &o->tag[0], 4094 },
		{ "tag10", &o->tag[1], 4094 },
	};

	for (; *words; words += 2) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(*known) && strcmp(known[i].name, *words) != 0)
			i++;
		if (i == sizeof(known) / sizeof(*known) || !words[1]) {
			fprintf(stderr, "delay: \"%s\" is no option with a value\n", *words);
			exit(2);
		}
		*known[i].value = parse_number(words[1], known[i].name, known[i].most);
	}
}

static struct lane *lane_new(int in, int out, const char *delay_us, const struct options *options,
			     unsigned int number)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		die("start", "no memory");
	lane->in = in;
	lane->out = out;
	lane->delay_ns = (int64_t)parse_number(delay_us, "delay", 10000000) * NS_PER_US;
	lane->options = options;
	lane->tag = (uint16_t)options->tag[number];
	lane->dice = ((uint64_t)options->seed << 1) + number;
	return lane;
}

/* In [0, 1). Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. */
static double roll(struct lane *lane)
{
	uint64_t z = lane->dice += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (double)((z ^ (z >> 31)) >> 11) / (double)(1ULL << 53);
}

/* When a frame that came now is to leave. */
static int64_t due_ns(struct lane *lane)
{
	const struct options *o = lane->options;
	int64_t due = now_ns() + lane->delay_ns;

	due += (int64_t)(roll(lane) * o->jitter_us) * NS_PER_US;
	if (roll(lane) * 100 < o->reorder_percent) {
		lane->late++;
		return due + (int64_t)o->late_us * NS_PER_US;
	}
	if (due < lane->newest_ns)
		due = lane->newest_ns;
	lane->newest_ns = due;
	return due;
}

static bool before(const struct frame *a, const struct frame *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void push(struct lane *lane, struct frame frame)
{
	unsigned int i = lane->count++, parent;

	while (i > 0) {
		parent = (i - 1) / 2;
		if (!before(&frame, &lane->frames[parent]))
			break;
		lane->frames[i] = lane->frames[parent];
		i = parent;
	}
	lane->frames[i] = frame;
}

static void pop(struct lane *lane)
{
	struct frame last = lane->frames[--lane->count];
	unsigned int i = 0, child;

	free(lane->frames[0].bytes);
	while ((child = 2 * i + 1) < lane->count) {
		if (child + 1 < lane->count &&
		    before(&lane->frames[child + 1], &lane->frames[child]))
			child++;
		if (!before(&lane->frames[child], &last))
			break;
		lane->frames[i] = lane->frames[child];
		i = child;
	}
	lane->frames[i] = last;
}

#define TAG_BYTES 4
/* In front of a tag: what the kernel says of the frame, and the MAC addresses. */
#define UNTAGGED_BYTES (sizeof(struct virtio_net_hdr) + 2 * ETH_ALEN)

/* Put the lane's tag into @frame, which has room for it. */
static void put_tag(const struct lane *lane, struct frame *frame)
{
	struct virtio_net_hdr head;
	const uint16_t tag[] = { htons(ETH_P_8021Q), htons(lane->tag) };
	char *at = frame->bytes + UNTAGGED_BYTES;

	if (!lane->tag || frame->size < UNTAGGED_BYTES)
		return;
	memcpy(&head, frame->bytes, sizeof(head));
	if (head.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		head.csum_start += TAG_BYTES;
	if (head.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		head.hdr_len += TAG_BYTES;
	memcpy(frame->bytes, &head, sizeof(head));
	memmove(at + TAG_BYTES, at, frame->size - UNTAGGED_BYTES);
	memcpy(at, tag, TAG_BYTES);
	frame->size += TAG_BYTES;
}

static void take_in(struct lane *lane, const char *bytes, size_t size)
{
	struct frame frame = { .number = lane->came++, .size = size };

	if (roll(lane) * 100 < lane->options->loss_percent) {
		lane->lost++;
		return;
	}
	frame.due_ns = due_ns(lane);
	frame.bytes = malloc(size + TAG_BYTES);
	if (!frame.bytes)
		die("queue", "no memory");
	memcpy(frame.bytes, bytes, size);
	put_tag(lane, &frame);
	push(lane, frame);
}

/* Take in what waits. What finds the queue full stays in the socket's buffer. */
static void receive(struct lane *lane)
{
	static char bytes[FRAME_BYTES];

	while (lane->count < QUEUE_FRAMES) {
		ssize_t size = read(lane->in, bytes, sizeof(bytes));

		if (size <= 0)
			return;
		take_in(lane, bytes, (size_t)size);
	}
}

/* Send what is due; returns when the next frame is, or INT64_MAX. */
static int64_t send_due(struct lane *lane)
{
	while (lane->count) {
		const struct frame *frame = &lane->frames[0];

		if (frame->due_ns > now_ns())
			return frame->due_ns;
		/* A frame that the interface refuses is lost, as on a wire. */
		if (write(lane->out, frame->bytes, frame->size) < 0 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return frame->due_ns;
		pop(lane);
	}
	return INT64_MAX;
}

static void wait_for_frames(struct lane *lanes[2], int64_t next_due_ns)
{
	struct pollfd fds[2];
	struct timespec timeout;
	int64_t wait_ns = IDLE_NS;

	for (int i = 0; i < 2; i++) {
		bool full = lanes[i]->count >= QUEUE_FRAMES;

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
	struct options options = { .late_us = 1000, .seed = 1 };
	struct lane *lanes[2];
	int fds[2];

	if (argc < 6) {
		fprintf(stderr, "usage: delay NETNS IF0 IF1 DELAY01_US DELAY10_US [jitter US] "
				"[loss PERCENT] [reorder PERCENT] [late US] [seed NUMBER] "
				"[tag01 VLAN] [tag10 VLAN]\n");
		return 2;
	}
	parse_options(argv + 6, &options);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	enter_netns(argv[1]);
	for (int i = 0; i < 2; i++)
		fds[i] = open_interface(argv[2 + i]);
	for (unsigned int i = 0; i < 2; i++)
		lanes[i] = lane_new(fds[i], fds[1 - i], argv[4 + i], &options, i);
	/* Without it the machine's other work adds to the delay. */
	(void)sched_setscheduler(0, SCHED_FIFO, &priority);
	printf("ready, seed %.0f\n", options.seed);
	fflush(stdout);
	forward(lanes);
	for (int i = 0; i < 2; i++)
		printf("%s: came %ju lost %ju late %ju\n", argv[2 + i], (uintmax_t)lanes[i]->came,
		       (uintmax_t)lanes[i]->lost, (uintmax_t)lanes[i]->late);
	return 0;
}
