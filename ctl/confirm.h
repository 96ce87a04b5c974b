/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that is taken back unless it is confirmed. There is no daemon: apply
 * leaves a process behind, the watcher, which holds the former configuration,
 * outlives the terminal, and ends with the answer or with the time. It is spoken
 * to by a socket in /run/weir, which only root can reach.
 */
#ifndef WEIR_CONFIRM_H
#define WEIR_CONFIRM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "former_sets.h"

struct unconfirmed {
	__u64 until_ms; /* CLOCK_BOOTTIME, when the former configuration comes back */
	unsigned int left_s;
	char file[4096]; /* what waits for its confirmation */
};

/* What there is to come back. */
struct former {
	const char *instance;
	const char *text; /* stored text; NULL: nothing was applied, all is detached then */
	size_t size;
	const struct former_sets *sets; /* of files, which the text has not */
	const char *file; /* what is about to be applied */
};

/*
 * Whether a change waits, and which.
 * Returns 1 with @out, 0 when none does, -1 when that cannot be known.
 */
int unconfirmed_read(const char *instance, struct unconfirmed *out, struct failure *why);

/*
 * Start a watcher that has @seconds from now. The caller holds the instance's
 * lock, and no watcher runs. @close is called in the watcher, to let go of what
 * the caller holds: its descriptors and its memory.
 */
int watcher_start(const struct former *former, unsigned int seconds, void (*close)(void *),
		  void *held, struct failure *why);

/* Move the end of the watcher's time to @until_ms, and say what now waits. */
int watcher_extend(const char *instance, __u64 until_ms, const char *file, struct failure *why);

/* @seconds from now on the watcher's clock. */
__u64 watcher_deadline(unsigned int seconds);

/*
 * End it: what is in force stays. Also where it has no purpose any more, because
 * the apply failed or all is detached. Fails with EXIT_NOT_FOUND where nothing waits.
 */
int watcher_confirm(const char *instance, struct failure *why);

/* Have it put the former configuration back now, and wait until it has. */
int watcher_roll_back(const char *instance, struct failure *why);

#endif
