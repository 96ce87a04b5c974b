// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the session: environments, sockets and tables of /proc.
 */
#include "lifeline.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own.h"

#define VARIABLE "SSH_CONNECTION="
#define ENVIRONMENT_BYTES (1U << 20)
#define SSH_PORT 22

/* A line of /proc/net/tcp. */
struct connection {
	struct lifeline ends;
	unsigned long inode;
};

static bool parse_addr(const char *text, __u8 addr[16])
{
	if (inet_pton(AF_INET6, text, addr) == 1)
		return true;
	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	return inet_pton(AF_INET, text, addr + 12) == 1;
}

/* "203.0.113.9 50312 192.0.2.1 22" */
static bool parse_variable(const char *text, struct lifeline *l)
{
	char peer[64], local[64];
	unsigned int peer_port, local_port;

	/* A link-local address may have its interface behind a "%". */
	if (sscanf(text, "%63[^ %]%*[^ ] %u %63[^ %]%*[^ ] %u", peer, &peer_port, local,
		   &local_port) != 4 &&
	    sscanf(text, "%63s %u %63s %u", peer, &peer_port, local, &local_port) != 4)
		return false;
	l->peer_port = peer_port;
	l->local_port = local_port;
	return parse_addr(peer, l->peer) && parse_addr(local, l->local);
}

/* The kernel prints each word of an address as a number of the host's order. */
static bool parse_hex_addr(const char *text, size_t length, __u8 addr[16])
{
	size_t words = length / 8;

	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	for (size_t i = 0; i < words; i++) {
		char word[9] = "";
		__u32 number;

		memcpy(word, text + i * 8, 8);
		number = strtoul(word, NULL, 16);
		memcpy(addr + (words == 1 ? 12 : i * 4), &number, 4);
	}
	return words == 1 || words == 4;
}

/* Established ones only, state 01. */
static bool parse_connection(const char *line, struct connection *c)
{
	char local[40], peer[40];
	unsigned int local_port, peer_port, state;

	if (sscanf(line, " %*u: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %*s %*s %*s %*u %*u %lu", local,
		   &local_port, peer, &peer_port, &state, &c->inode) != 6 ||
	    state != 1)
		return false;
	c->ends.local_port = local_port;
	c->ends.peer_port = peer_port;
	return parse_hex_addr(local, strlen(local), c->ends.local) &&
	       parse_hex_addr(peer, strlen(peer), c->ends.peer);
}

/* The next one of @f. */
static bool next_connection(FILE *f, struct connection *c)
{
	char line[512];

	while (fgets(line, sizeof(line), f)) {
		if (parse_connection(line, c))
			return true;
	}
	return false;
}

static bool is_same(const struct lifeline *a, const struct lifeline *b)
{
	return !memcmp(a->peer, b->peer, 16) && !memcmp(a->local, b->local, 16) &&
	       a->peer_port == b->peer_port && a->local_port == b->local_port;
}

static const char *const tables[] = { "/proc/self/net/tcp", "/proc/self/net/tcp6" };

/* A variable may be old, or of another network namespace. */
static bool is_established(const struct lifeline *l)
{
	for (size_t i = 0; i < 2; i++) {
		OWN_FILE FILE *f = fopen(tables[i], "re");
		struct connection c;

		while (f && next_connection(f, &c)) {
			if (is_same(&c.ends, l))
				return true;
		}
	}
	return false;
}

static FILE *open_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

static pid_t parent_of(pid_t pid)
{
	OWN_FILE FILE *f = open_of(pid, "status");
	char line[256];
	int parent = 0;

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "PPid: %d", &parent) != 1)
		;
	return parent;
}

static bool find_in_environment(pid_t pid, struct lifeline *l)
{
	OWN_FILE FILE *f = open_of(pid, "environ");
	OWN_FREE char *text = calloc(1, ENVIRONMENT_BYTES + 1);
	size_t size = f && text ? fread(text, 1, ENVIRONMENT_BYTES, f) : 0;

	for (size_t i = 0; i < size; i += strlen(text + i) + 1) {
		if (!strncmp(text + i, VARIABLE, sizeof(VARIABLE) - 1))
			return parse_variable(text + i + sizeof(VARIABLE) - 1, l);
	}
	return false;
}

static bool is_sshd(pid_t pid)
{
	OWN_FILE FILE *f = open_of(pid, "comm");
	char name[32] = "";

	return f && fgets(name, sizeof(name), f) && !strncmp(name, "sshd", 4);
}

static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[300], wanted[64];
	struct dirent *entry;
	OWN_DIR DIR *dir = NULL;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char link[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		if (readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, wanted))
			return true;
	}
	return false;
}

/* An sshd of port 22 holds the connection that its session runs over. */
static bool find_in_sockets(pid_t pid, struct lifeline *l)
{
	for (size_t i = 0; i < 2; i++) {
		OWN_FILE FILE *f = fopen(tables[i], "re");
		struct connection c;

		while (f && next_connection(f, &c)) {
			if (c.ends.local_port != SSH_PORT || !has_socket(pid, c.inode))
				continue;
			*l = c.ends;
			return true;
		}
	}
	return false;
}

/* All to this port of the host. */
static void find_by_port(__u16 port, struct lifelines *out)
{
	for (size_t i = 0; i < 2; i++) {
		OWN_FILE FILE *f = fopen(tables[i], "re");
		struct connection c;

		while (f && out->count < LIFELINES_MAX && next_connection(f, &c)) {
			if (c.ends.local_port == port)
				out->list[out->count++] = c.ends;
		}
	}
	out->is_guess = true;
}

static void take_variable(const struct lifeline *l, struct lifelines *out)
{
	if (!is_established(l)) {
		find_by_port(l->local_port, out);
		return;
	}
	out->list[0] = *l;
	out->count = 1;
}

void lifelines_find(struct lifelines *out)
{
	const char *own = getenv("SSH_CONNECTION");
	struct lifeline l;

	out->count = 0;
	out->is_guess = false;
	if (own && parse_variable(own, &l)) {
		take_variable(&l, out);
		return;
	}
	for (pid_t pid = getppid(); pid > 1; pid = parent_of(pid)) {
		if (find_in_environment(pid, &l)) {
			take_variable(&l, out);
			return;
		}
		if (!is_sshd(pid) || !find_in_sockets(pid, &l))
			continue;
		out->list[0] = l;
		out->count = 1;
		return;
	}
}
