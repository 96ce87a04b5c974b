// SPDX-License-Identifier: GPL-2.0-or-later
#include "places.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "diag.h"
#include "netns.h"
#include "own.h"

#define NAMED "/run/netns"
/* A host with more is asked no further: the rest goes by its number. */
#define NETNS_MOST 1024

struct place_device {
	__u32 ifindex;
	char name[IFNAMSIZ];
};

struct places_netns {
	__u64 cookie;
	ino_t inode;
	char name[NAME_MAX + 1];
	struct place_device *devices;
	size_t devices_count;
};

void places_free(struct places *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].devices);
	free(p->list);
	*p = (struct places){};
}

/* What a shell line or a terminal could stumble over is not printed. */
static void plain_copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	for (; *to; to++) {
		if (!isascii((unsigned char)*to) || !isgraph((unsigned char)*to))
			*to = '?';
	}
}

static void read_devices(struct places_netns *n)
{
	struct if_nameindex *all = if_nameindex();
	size_t count = 0;

	while (all && all[count].if_index)
		count++;
	n->devices = calloc(count + 1, sizeof(*n->devices));
	for (size_t i = 0; n->devices && i < count; i++) {
		n->devices[i].ifindex = all[i].if_index;
		plain_copy(n->devices[i].name, IFNAMSIZ, all[i].if_name);
		n->devices_count++;
	}
	if (all)
		if_freenameindex(all);
}

static bool is_known(const struct places *p, ino_t inode)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->list[i].inode == inode)
			return true;
	}
	return false;
}

/* @home: the namespace to come back to. Returns 0, or -errno when that fails. */
static int add_netns(struct places *p, const char *path, const char *name, int home)
{
	struct failure ignored = {};
	struct places_netns *grown, *n;
	struct stat st;
	OWN_FD int fd = -1;

	if (p->count >= NETNS_MOST || stat(path, &st) || is_known(p, st.st_ino))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return 0;
	grown = reallocarray(p->list, p->count + 1, sizeof(*grown));
	if (grown) {
		p->list = grown;
		n = &grown[p->count++];
		*n = (struct places_netns){ .inode = st.st_ino };
		plain_copy(n->name, sizeof(n->name), name);
		if (netns_cookie(&n->cookie, &ignored))
			n->cookie = 0;
		failure_free(&ignored);
		read_devices(n);
	}
	return setns(home, CLONE_NEWNET) ? -errno : 0;
}

static int add_named(struct places *p, int home)
{
	OWN_DIR DIR *dir = opendir(NAMED);
	struct dirent *entry;
	char path[PATH_MAX];
	int error = 0;

	while (!error && dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), NAMED "/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			error = add_netns(p, path, entry->d_name, home);
	}
	return error;
}

static int add_of_processes(struct places *p, int home)
{
	OWN_DIR DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[PATH_MAX], name[NAME_MAX + 8];
	int error = 0;

	while (!error && dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		snprintf(name, sizeof(name), "pid-%s", entry->d_name);
		error = add_netns(p, path, name, home);
	}
	return error;
}

int places_read(struct places *p, struct failure *why)
{
	OWN_FD int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct timespec now;
	struct places read = {};
	int error;

	if (home < 0)
		return fail_errno(why, errno, "cannot tell the network namespace");
	if (netns_cookie(&read.own, why))
		return -1;
	error = add_netns(&read, "/proc/1/ns/net", "init", home);
	if (!error)
		error = add_named(&read, home);
	if (!error)
		error = add_of_processes(&read, home);
	if (error) {
		places_free(&read);
		return fail_errno(why, error, "cannot return to the network namespace");
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	read.read_ns = (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
	places_free(p);
	*p = read;
	return 0;
}

static const struct places_netns *netns_of(const struct places *p, __u64 cookie)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->list[i].cookie == cookie)
			return &p->list[i];
	}
	return NULL;
}

static const char *device_name(const struct places_netns *n, __u32 ifindex)
{
	for (size_t i = 0; n && i < n->devices_count; i++) {
		if (n->devices[i].ifindex == ifindex)
			return n->devices[i].name;
	}
	return NULL;
}

const char *netns_text(const struct places *p, __u64 netns, char text[PLACE_TEXT])
{
	const struct places_netns *n = netns_of(p, netns);

	if (n)
		snprintf(text, PLACE_TEXT, "%.100s", n->name);
	else
		snprintf(text, PLACE_TEXT, "netns-%llu", netns);
	return text;
}

bool netns_is_named(const struct places *p, __u64 netns)
{
	return netns_of(p, netns);
}

const char *place_text(const struct places *p, const struct weir_path_place *place,
		       char text[PLACE_TEXT])
{
	const char *name = device_name(netns_of(p, place->netns), place->ifindex);
	char netns[PLACE_TEXT], number[16];

	snprintf(number, sizeof(number), "%u", place->ifindex);
	if (!name)
		name = place->ifindex ? number : "?";
	if (place->netns == p->own || !place->netns)
		snprintf(text, PLACE_TEXT, "%s", name);
	else
		snprintf(text, PLACE_TEXT, "%s@%.100s", name, netns_text(p, place->netns, netns));
	return text;
}

bool places_know(const struct places *p, const struct weir_path_place *place)
{
	return !place->ifindex || device_name(netns_of(p, place->netns), place->ifindex);
}

bool place_find(const struct places *p, const char *text, struct weir_path_place *out)
{
	struct places nowhere = *p;

	nowhere.own = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct places_netns *n = &p->list[i];

		for (size_t d = 0; d < n->devices_count; d++) {
			struct weir_path_place place = { .netns = n->cookie,
							 .ifindex = n->devices[d].ifindex };
			char name[PLACE_TEXT], full[PLACE_TEXT];

			if (strcmp(place_text(p, &place, name), text) != 0 &&
			    strcmp(place_text(&nowhere, &place, full), text) != 0)
				continue;
			*out = place;
			return true;
		}
	}
	return false;
}

int netns_find(const struct places *p, const char *name, __u64 *cookie, struct failure *why)
{
	OWN_FREE const char **names = calloc(p->count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < p->count; i++) {
		if (!strcmp(p->list[i].name, name)) {
			*cookie = p->list[i].cookie;
			return 0;
		}
		if (names)
			names[i] = p->list[i].name;
	}
	near = names ? diag_suggest(name, names) : NULL;
	return fail(why, EXIT_NOT_FOUND, "there is no network namespace \"%s\"; %s%s%s", name,
		    near ? "did you mean \""
			 : "\"ip netns list\" shows them, and there is \"init\"",
		    near ? near : "", near ? "\"?" : "");
}
