// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve_ask.h"

#include <dirent.h>
#include <fcntl.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "netns.h"
#include "own.h"

#define ASKERS 16
#define NAMED_KEY "netns-"

/* The folder that ip-netns(8) lays over /etc; false: this namespace has no name. */
static bool namespace_folder(char folder[PATH_MAX])
{
	struct failure ignored = {};
	char key[NAME_MAX + 1];
	bool has_name = !netns_key(key, &ignored) && !strncmp(key, NAMED_KEY, strlen(NAMED_KEY));

	failure_free(&ignored);
	if (has_name)
		snprintf(folder, PATH_MAX, "/etc/netns/%s", key + strlen(NAMED_KEY));
	return has_name;
}

void resolver_text(char text[RESOLVER_BYTES])
{
	char path[PATH_MAX + 16], folder[PATH_MAX], line[256], server[64] = "127.0.0.1";
	OWN_FILE FILE *f = NULL;

	snprintf(path, sizeof(path), "/etc/resolv.conf");
	if (namespace_folder(folder)) {
		char own[PATH_MAX + 16];

		snprintf(own, sizeof(own), "%s/resolv.conf", folder);
		if (!access(own, R_OK))
			memcpy(path, own, sizeof(path));
	}
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " nameserver %63s", server) == 1)
			break;
	}
	snprintf(text, RESOLVER_BYTES, "%s, of %.180s", server, path);
}

static bool is_loopback(const __u8 addr[16])
{
	static const __u8 v6[16] = { [15] = 1 };

	return addr_is_v4(addr) ? addr[12] == 127 : !memcmp(addr, v6, sizeof(v6));
}

static void keep_lowest(const __u8 addr[16], __u8 lowest[16], __u32 *count)
{
	if (!*count || memcmp(addr, lowest, 16) < 0)
		memcpy(lowest, addr, 16);
	++*count;
}

static const void *binary_of(const struct sockaddr *a)
{
	return a->sa_family == AF_INET ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
				       : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;
}

static void ask_one(const char *name, struct answer *out)
{
	const struct addrinfo wanted = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	out->error = getaddrinfo(name, NULL, &wanted, &list);
	for (const struct addrinfo *a = out->error ? NULL : list; a; a = a->ai_next) {
		__u8 addr[16];

		if (!addr_from_binary(binary_of(a->ai_addr), a->ai_family, addr) ||
		    is_loopback(addr))
			continue;
		if (addr_is_v4(addr))
			keep_lowest(addr, out->v4, &out->v4_count);
		else
			keep_lowest(addr, out->v6, &out->v6_count);
	}
	if (!out->error)
		freeaddrinfo(list);
	atomic_thread_fence(memory_order_release);
	out->is_done = true;
}

/* What the process that asks leaves to the one that waits. */
struct shared {
	int mount_error; /* errno; then nobody was asked */
	struct answer answers[];
};

struct questions {
	const char *const *names;
	size_t count;
	atomic_size_t next;
	struct shared *shared;
};

static void *ask_some(void *arg)
{
	struct questions *q = arg;
	size_t i;

	while ((i = atomic_fetch_add(&q->next, 1)) < q->count)
		ask_one(q->names[i], &q->shared->answers[i]);
	return NULL;
}

/*
 * As ip-netns(8) does: what the folder has takes the place of what /etc has.
 * Returns 0, or an errno.
 */
static int mount_folder(const char *folder)
{
	OWN_DIR DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	if (unshare(CLONE_NEWNS) || mount("", "/", "none", MS_SLAVE | MS_REC, NULL))
		return errno;
	while ((entry = readdir(dir))) {
		char from[2 * PATH_MAX], to[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", folder, entry->d_name);
		snprintf(to, sizeof(to), "/etc/%s", entry->d_name);
		/* without a file of that name in /etc nothing reads this one */
		if (mount(from, to, "none", MS_BIND, NULL) && errno != ENOENT)
			return errno;
	}
	return 0;
}

/* Never returns; what a resolver's library leaves behind ends with it. */
__attribute__((noreturn)) static void answer_all(struct questions *q)
{
	size_t askers = q->count < ASKERS ? q->count : ASKERS, started = 0;
	pthread_t thread[ASKERS];
	char folder[PATH_MAX];

	if (namespace_folder(folder))
		q->shared->mount_error = mount_folder(folder);
	if (q->shared->mount_error)
		_exit(0);
	while (started < askers && !pthread_create(&thread[started], NULL, ask_some, q))
		started++;
	if (!started)
		ask_some(q);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* Until the other end of @done is closed, by whoever had it. */
static void wait_for_end(int done, unsigned int timeout_s)
{
	struct pollfd end = { .fd = done, .events = POLLIN };
	struct timespec now, stop;

	clock_gettime(CLOCK_MONOTONIC, &stop);
	stop.tv_sec += timeout_s;
	for (;;) {
		long left;

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (stop.tv_sec - now.tv_sec) * 1000 + (stop.tv_nsec - now.tv_nsec) / 1000000;
		if (left <= 0 || poll(&end, 1, (int)left) >= 0 || errno != EINTR)
			return;
	}
}

static int run(struct questions *q, unsigned int timeout_s, struct failure *why)
{
	OWN_FD int read_end = -1;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return fail_errno(why, errno, "cannot resolve names");
	read_end = ends[0];
	child = fork();
	if (!child)
		answer_all(q);
	close(ends[1]);
	if (child < 0)
		return fail_errno(why, errno, "cannot resolve names");
	wait_for_end(read_end, timeout_s);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (q->shared->mount_error)
		return fail_errno(why, q->shared->mount_error,
				  "cannot use this namespace's files in /etc/netns");
	return 0;
}

int resolve_ask(const char *const *names, size_t count, unsigned int timeout_s,
		struct answer *answers, struct failure *why)
{
	size_t bytes = sizeof(struct shared) + count * sizeof(*answers);
	struct questions q = { .names = names, .count = count };
	int error;

	q.shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (q.shared == MAP_FAILED)
		return fail_errno(why, errno, "cannot resolve names");
	error = run(&q, timeout_s, why);
	memcpy(answers, q.shared->answers, count * sizeof(*answers));
	munmap(q.shared, bytes);
	return error;
}
