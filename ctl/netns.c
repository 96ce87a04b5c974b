// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "own.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int netns_enter(const char *name, struct failure *why)
{
	OWN_FD int fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return fail(why, EXIT_NOT_FOUND,
			    "%s: no such network namespace; \"ip netns list\" shows them", name);
	if (fd < 0)
		return fail_errno(why, errno, "%s", path);
	if (setns(fd, CLONE_NEWNET))
		return fail_errno(why, errno, "%s: cannot enter the network namespace", name);
	return 0;
}

int netns_cookie(__u64 *cookie, struct failure *why)
{
	OWN_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*cookie);

	if (fd < 0)
		return fail_errno(why, errno, "cannot open a socket");
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size))
		return fail(why, EXIT_PRECONDITION,
			    "this kernel does not number its network namespaces; weir needs Linux "
			    "6.1 or newer");
	return 0;
}

#define NAMED "/run/netns"

static bool is_same(const struct stat *a, const char *path)
{
	struct stat b;

	return !stat(path, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* Of several names the first in the alphabet, so that it is always the same one. */
static void find_name(const struct stat *own, char name[NAME_MAX + 1])
{
	OWN_DIR DIR *dir = opendir(NAMED);
	struct dirent *entry;

	name[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), NAMED "/%s", entry->d_name);
		if (entry->d_name[0] != '.' && is_same(own, path) &&
		    (!name[0] || strcmp(entry->d_name, name) < 0))
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
	}
}

static bool read_boot(char boot[9])
{
	OWN_FILE FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	return f && fgets(boot, 9, f);
}

/* Cookies begin anew with each boot, so alone they would name another's history. */
static int boot_key(char key[NAME_MAX + 1], struct failure *why)
{
	char boot[9];
	__u64 cookie;

	if (netns_cookie(&cookie, why))
		return -1;
	if (!read_boot(boot))
		return fail(why, EXIT_PRECONDITION, "cannot read the boot's id; is /proc mounted?");
	snprintf(key, NAME_MAX + 1, "boot-%s-%llu", boot, cookie);
	return 0;
}

int netns_key(char key[NAME_MAX + 1], struct failure *why)
{
	char name[NAME_MAX + 1];
	struct stat own;

	if (stat("/proc/self/ns/net", &own))
		return fail_errno(why, errno, "/proc/self/ns/net");
	find_name(&own, name);
	if (is_same(&own, "/proc/1/ns/net"))
		snprintf(key, NAME_MAX + 1, "init");
	else if (name[0] && snprintf(key, NAME_MAX + 1, "netns-%s", name) <= NAME_MAX)
		return 0;
	else
		return boot_key(key, why);
	return 0;
}
