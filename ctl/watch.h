/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command shows again and again, with what came in between: in place on
 * a terminal, else a block each time, or with --json a line.
 */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include "command.h"

struct watched {
	/*
	 * Read anew what is to be shown. @is_other: another generation is in force
	 * than the last time, or it is the first, so that there is nothing to
	 * compare with. Returns 0, or -1 with @why.
	 */
	int (*read)(void *arg, const struct applied *a, bool is_other, struct failure *why);
	void (*print)(void *arg, FILE *out);
	json_t *(*json)(void *arg); /* an object, the caller's */
	const char *narrower; /* "name a filter": what to do where the window is too small */
	void *arg;
};

/*
 * Every c->watch_s seconds, c->count times or without end: over reloads by
 * others, until interrupted. Returns an exit code.
 */
int watch_run(struct command *c, const struct watched *what);

#endif
