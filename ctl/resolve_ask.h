/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of resolve.h that asks. */
#ifndef WEIR_RESOLVE_ASK_H
#define WEIR_RESOLVE_ASK_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

/* What is known of a host. Loopback addresses, which no packet reaches, are not counted. */
struct answer {
	bool is_done; /* false: it did not come in time */
	int error; /* EAI_*, or 0 */
	__u32 v4_count, v6_count;
	__u8 v4[16], v6[16]; /* the lowest of each; network order, v4-mapped */
};

/* Which resolver is asked: its address and its file, for messages. */
#define RESOLVER_BYTES 256
void resolver_text(char text[RESOLVER_BYTES]);

/*
 * Ask for @count names, side by side, for at most @timeout_s. Returns 0 with
 * @answers filled, also where none came, or -1.
 */
int resolve_ask(const char *const *names, size_t count, unsigned int timeout_s,
		struct answer *answers, struct failure *why);

#endif
