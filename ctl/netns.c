// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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
