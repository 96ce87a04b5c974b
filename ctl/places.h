/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices of this host in all of its network namespaces, by name.
 */
#ifndef WEIR_PLACES_H
#define WEIR_PLACES_H

#include <stddef.h>

#include <stdbool.h>

#include "failure.h"
#include "weir/path.h"

struct places_netns;

struct places {
	__u64 own; /* cookie of the namespace that this command is in */
	struct places_netns *list;
	size_t count;
	__u64 read_ns; /* CLOCK_MONOTONIC, when they were read */
};

/*
 * Enter each namespace that "ip netns" names or that a process is in, ask for
 * its devices, and come back. Those that may not be entered are left out.
 * Fails only when this command cannot tell, or return to, its own namespace.
 */
int places_read(struct places *p, struct failure *why);
void places_free(struct places *p);

/*
 * "eth0" in this command's own namespace, "eth0@blue" in another one; where
 * nobody knows its name, "17@blue" by its ifindex. Namespaces without a name
 * are called "init", "pid-123" by a process that is in them, or "netns-COOKIE".
 */
#define PLACE_TEXT 128
const char *place_text(const struct places *p, const struct weir_path_place *place,
		       char text[PLACE_TEXT]);

/* The name of a namespace as above; @text has PLACE_TEXT bytes. */
const char *netns_text(const struct places *p, __u64 netns, char text[PLACE_TEXT]);

/* Whether it has another name than its cookie. */
bool netns_is_named(const struct places *p, __u64 netns);

/* Whether both are known by name. */
bool places_know(const struct places *p, const struct weir_path_place *place);

/* The device that place_text() calls so, here or elsewhere; false when there is none. */
bool place_find(const struct places *p, const char *text, struct weir_path_place *out);

/* The cookie of the namespace that "ip netns" calls @name. Returns 0, or -1 with @why. */
int netns_find(const struct places *p, const char *name, __u64 *cookie, struct failure *why);

#endif
