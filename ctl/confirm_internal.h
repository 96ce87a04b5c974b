/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands and the watcher say to each other: one message each way
 * over a SOCK_SEQPACKET socket, JSON with "say" or "answer".
 */
#ifndef WEIR_CONFIRM_INTERNAL_H
#define WEIR_CONFIRM_INTERNAL_H

#include <sys/un.h>

#include "confirm.h"

#define CONFIRM_MESSAGE_BYTES 32768

/* Where the watcher of this instance and namespace listens. */
int confirm_address(const char *instance, struct sockaddr_un *address, struct failure *why);

__u64 confirm_now_ms(void);

/* The life of a watcher, from its socket to its end; @ready is told when it listens. */
void watcher_live(const struct former *former, unsigned int seconds, int ready);

#endif
