/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network namespace that a command works in.
 */
#ifndef WEIR_NETNS_H
#define WEIR_NETNS_H

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

#endif
