// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP flows of this host's own stack, many at the same time.
 *
 *     flows serve ADDRESS PORT
 *     flows ask ADDRESS PORT [NAME VALUE]...
 *
 *     flows N      1: all open before the first asks, all close after the last answer
 *     rounds N     1: each flow asks so often, one question after the other
 *     ask BYTES    8: size of a question
 *     answer BYTES 8: size of an answer
 *     chunk BYTES  questions go out in pieces of this size, one every "pause"
 *     pause US     0: sleep so long before each next question, or piece of one
 *     hold S       0: stay idle so long before the last round, with keep-alives every second
 *     port N       first source port; left to the kernel when it is not given
 *     abort 1      close by a reset, which leaves no TIME_WAIT
 *
 * "serve" prints "ready" once it listens; "ask" prints "open" when all flows are,
 * and "answered N" at its end.
 * A question says in its first 8 bytes how long it and its answer are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_FLOWS 50000U
#define BLOCK_BYTES (256U * 1024)
#define EVENTS 256
/* A question of so much, which any socket takes, goes out as one segment. */
#define FIRST_BYTES 1024U
/* SYNs on their way: what the listener's queue and the backlog of a veth hold. */
#define OPENING_AT_ONCE 500U

struct header {
	uint32_t ask; /* network order, with this header */
	uint32_t answer;
};

struct options {
	unsigned int flows, rounds, ask, answer, chunk, pause_us, hold_s, port, abort;
};

/* One end of a connection; the server's and the client's alike. */
struct flow {
	int fd;
	struct header header;
	size_t header_got;
	uint64_t to_read; /* of the question, or of the answer */
	uint64_t to_write;
	unsigned int rounds_left;
	bool open;
};

static char block[BLOCK_BYTES];

static void die(const char *what)
{
	fprintf(stderr, "flows: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void refuse(const char *what, const char *text)
{
	fprintf(stderr, "flows: %s: \"%s\"\n", what, text);
	exit(2);
}

static socklen_t parse_address(const char *text, unsigned int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	v4->sin_port = htons((uint16_t)port); /* both have it at the same place */
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		out->ss_family = AF_INET;
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		refuse("no address", text);
	out->ss_family = AF_INET6;
	return sizeof(*v6);
}

static unsigned int parse_number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > most)
		refuse("no number in range", text);
	return (unsigned int)value;
}

static void parse_options(char **words, struct options *o)
{
	const struct {
		const char *name;
		unsigned int *value;
		unsigned long most;
	} known[] = {
		{ "flows", &o->flows, MOST_FLOWS },  { "rounds", &o->rounds, 1000000 },
		{ "ask", &o->ask, UINT32_MAX },	     { "answer", &o->answer, UINT32_MAX },
		{ "chunk", &o->chunk, BLOCK_BYTES }, { "pause", &o->pause_us, 10000000 },
		{ "hold", &o->hold_s, 3600 },	     { "port", &o->port, 65535 },
		{ "abort", &o->abort, 1 },
	};

	for (; *words; words += 2) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(*known) && strcmp(known[i].name, *words) != 0)
			i++;
		if (i == sizeof(known) / sizeof(*known) || !words[1])
			refuse("no option with a value", *words);
		*known[i].value = parse_number(words[1], known[i].most);
	}
	if (o->ask < sizeof(struct header) || !o->answer || !o->flows)
		refuse("too little", "flows, ask or answer");
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("limit of open files");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("limit of open files");
}

static void watch(int epoll, int op, struct flow *flow, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = flow };

	if (epoll_ctl(epoll, op, flow->fd, &event))
		die("epoll");
}

static void no_delay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Write what the socket takes. Returns -1 when the other end is gone. */
static int write_some(struct flow *flow)
{
	while (flow->to_write) {
		size_t size = flow->to_write < BLOCK_BYTES ? flow->to_write : BLOCK_BYTES;
		ssize_t n = write(flow->fd, block, size);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		flow->to_write -= (uint64_t)n;
	}
	return 0;
}

/* Returns 1 when all was read, 0 when more is to come, -1 when the other end is gone. */
static int read_some(struct flow *flow)
{
	while (flow->to_read) {
		size_t size = flow->to_read < BLOCK_BYTES ? flow->to_read : BLOCK_BYTES;
		ssize_t n = read(flow->fd, block, size);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return -1;
		if (n < 0)
			return 0;
		flow->to_read -= (uint64_t)n;
	}
	return 1;
}

/* --- serve */

/* The rest of a question's header; returns as read_some(). */
static int read_header(struct flow *flow)
{
	while (flow->header_got < sizeof(flow->header)) {
		ssize_t n = read(flow->fd, (char *)&flow->header + flow->header_got,
				 sizeof(flow->header) - flow->header_got);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return -1;
		if (n < 0)
			return 0;
		flow->header_got += (size_t)n;
		if (flow->header_got == sizeof(flow->header))
			flow->to_read = ntohl(flow->header.ask) - sizeof(flow->header);
	}
	return 1;
}

/* Answer what was asked; returns -1 when the other end is gone. */
static int serve_flow(struct flow *flow)
{
	int status;

	if (write_some(flow))
		return -1;
	while ((status = read_header(flow)) == 1 && (status = read_some(flow)) == 1) {
		flow->header_got = 0;
		flow->to_write += ntohl(flow->header.answer);
		if (write_some(flow))
			return -1;
	}
	return status;
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct flow *flow = calloc(1, sizeof(*flow));

		if (!flow)
			die("accept");
		flow->fd = fd;
		no_delay(fd);
		watch(epoll, EPOLL_CTL_ADD, flow, EPOLLIN | EPOLLOUT | EPOLLET);
	}
}

static void serve(const struct sockaddr_storage *address, socklen_t size)
{
	struct flow listener = { 0 };
	struct epoll_event events[EVENTS];
	int on = 1, epoll = epoll_create1(EPOLL_CLOEXEC);

	listener.fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (epoll < 0 || listener.fd < 0 ||
	    setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener.fd, (const struct sockaddr *)address, size) || listen(listener.fd, 4096))
		die("listen");
	watch(epoll, EPOLL_CTL_ADD, &listener, EPOLLIN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct flow *flow = events[i].data.ptr;

			if (flow == &listener) {
				accept_all(epoll, listener.fd);
			} else if (serve_flow(flow) < 0) {
				close(flow->fd);
				free(flow);
			}
		}
	}
}

/* --- ask */

static void bind_port(int fd, int family, unsigned int port)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)family };
	int on = 1;

	((struct sockaddr_in *)&any)->sin_port = htons((uint16_t)port);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any,
		 family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)))
		die("source port");
}

static void keep_alive(int fd)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one)))
		die("keep-alive");
}

static void open_flow(struct flow *flow, unsigned int number, const struct options *o,
		      const struct sockaddr_storage *address, socklen_t size)
{
	flow->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flow->fd < 0)
		die("socket");
	if (o->port)
		bind_port(flow->fd, address->ss_family, o->port + number);
	if (o->hold_s)
		keep_alive(flow->fd);
	no_delay(flow->fd);
	flow->rounds_left = o->rounds;
	if (connect(flow->fd, (const struct sockaddr *)address, size) && errno != EINPROGRESS)
		die("connect");
}

static void check_open(const struct flow *flow)
{
	socklen_t size = sizeof(errno);

	if (getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &errno, &size) || errno)
		die("connect");
}

/* Connect all of @flows and wait until they are. */
static void open_all(int epoll, struct flow *flows, const struct options *o,
		     const struct sockaddr_storage *address, socklen_t size)
{
	struct epoll_event events[EVENTS];
	unsigned int begun = 0, opened = 0;

	while (opened < o->flows) {
		for (; begun < o->flows && begun - opened < OPENING_AT_ONCE; begun++) {
			open_flow(&flows[begun], begun, o, address, size);
			watch(epoll, EPOLL_CTL_ADD, &flows[begun], EPOLLOUT);
		}
		for (int n = epoll_wait(epoll, events, EVENTS, -1); n > 0; n--) {
			struct flow *flow = events[n - 1].data.ptr;

			if (flow->open)
				continue;
			check_open(flow);
			watch(epoll, EPOLL_CTL_MOD, flow, EPOLLIN | EPOLLOUT | EPOLLET);
			flow->open = true;
			opened++;
		}
	}
}

static void sleep_us(unsigned int us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	while (us && clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* The header, and all that is not to go out in chunks. */
static void ask_next(struct flow *flow, const struct options *o)
{
	const struct header header = { htonl(o->ask), htonl(o->answer) };
	size_t now = o->chunk || o->ask > FIRST_BYTES ? sizeof(header) : o->ask;

	memcpy(block, &header, sizeof(header));
	if (write(flow->fd, block, now) != (ssize_t)now)
		die("ask");
	memset(block, 0, sizeof(header));
	flow->rounds_left--;
	flow->to_read = o->answer;
	flow->to_write = o->ask - now;
	if (!o->chunk && write_some(flow))
		die("ask");
}

static void ask_all(struct flow *flows, const struct options *o)
{
	for (unsigned int i = 0; i < o->flows; i++)
		ask_next(&flows[i], o);
	for (uint64_t sent = sizeof(struct header); o->chunk && sent < o->ask; sent += o->chunk) {
		sleep_us(o->pause_us);
		for (unsigned int i = 0; i < o->flows; i++) {
			size_t n = flows[i].to_write < o->chunk ? flows[i].to_write : o->chunk;

			if (write(flows[i].fd, block, n) != (ssize_t)n)
				die("ask in chunks");
			flows[i].to_write -= n;
		}
	}
}

/* Ask until each flow has @left rounds left, and read all answers; returns how many. */
static uint64_t converse(int epoll, struct flow *flows, const struct options *o, unsigned int left)
{
	struct epoll_event events[EVENTS];
	uint64_t answered = 0;
	const uint64_t wanted = (uint64_t)o->flows * (flows[0].rounds_left - left);

	if (!wanted)
		return 0;
	ask_all(flows, o);
	while (answered < wanted) {
		for (int n = epoll_wait(epoll, events, EVENTS, -1); n > 0; n--) {
			struct flow *flow = events[n - 1].data.ptr;
			uint64_t before = flow->to_read;

			if (write_some(flow) || read_some(flow) < 0)
				die("answer");
			if (!before || flow->to_read)
				continue;
			answered++;
			if (flow->rounds_left == left || o->chunk)
				continue;
			sleep_us(o->pause_us);
			ask_next(flow, o);
		}
		if (o->chunk && answered < wanted && answered % o->flows == 0)
			ask_all(flows, o);
	}
	return answered;
}

static void close_all(struct flow *flows, const struct options *o)
{
	const struct linger at_once = { 1, 0 };

	for (unsigned int i = 0; i < o->flows; i++) {
		if (o->abort)
			(void)setsockopt(flows[i].fd, SOL_SOCKET, SO_LINGER, &at_once,
					 sizeof(at_once));
		close(flows[i].fd);
	}
}

static void ask(const struct sockaddr_storage *address, socklen_t size, const struct options *o)
{
	struct flow *flows = calloc(o->flows, sizeof(*flows));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t answered;

	if (!flows || epoll < 0)
		die("start");
	open_all(epoll, flows, o, address, size);
	puts("open");
	fflush(stdout);
	answered = converse(epoll, flows, o, o->hold_s ? 1 : 0);
	if (o->hold_s) {
		sleep_us(o->hold_s * 1000000);
		answered += converse(epoll, flows, o, 0);
	}
	close_all(flows, o);
	printf("answered %ju\n", (uintmax_t)answered);
	free(flows);
	close(epoll);
}

int main(int argc, char **argv)
{
	struct options options = { .flows = 1, .rounds = 1, .ask = 8, .answer = 8 };
	struct sockaddr_storage address;
	socklen_t size;

	if (argc < 4 || (strcmp(argv[1], "serve") != 0 && strcmp(argv[1], "ask") != 0)) {
		fprintf(stderr, "usage: flows serve|ask ADDRESS PORT [NAME VALUE]...\n");
		return 2;
	}
	size = parse_address(argv[2], parse_number(argv[3], 65535), &address);
	parse_options(argv + 4, &options);
	signal(SIGPIPE, SIG_IGN);
	allow_many_files();
	if (strcmp(argv[1], "serve") == 0)
		serve(&address, size);
	ask(&address, size, &options);
	return 0;
}
