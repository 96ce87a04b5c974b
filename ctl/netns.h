/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network namespace that a command works in.
 */
#ifndef WEIR_NETNS_H
#define WEIR_NETNS_H

#include <limits.h>
#include <linux/types.h>

#include "failure.h"

/*
 * Enter the namespace that "ip netns" calls @name, or that a path with a "/"
 * names. The mount namespace stays, so bpffs does.
 */
int netns_enter(const char *name, struct failure *why);

/*
 * A number that this boot never gives to another namespace, unlike an inode.
 * Kernel 5.14, SO_NETNS_COOKIE.
 */
int netns_cookie(__u64 *cookie, struct failure *why);

/*
 * A name for this namespace that a file may have, and that is the same after a
 * boot where the namespace has a name: "init" for that of process 1,
 * "netns-NAME" for one of "ip netns", else "boot-ID-COOKIE".
 */
int netns_key(char key[NAME_MAX + 1], struct failure *why);

#endif
