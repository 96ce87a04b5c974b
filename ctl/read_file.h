/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole file in memory, and a bar for the time that it takes.
 */
#ifndef WEIR_READ_FILE_H
#define WEIR_READ_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

/* @text is not terminated, to be freed by the caller. "-" is standard input. */
int file_read(const char *path, char **text, size_t *size, struct failure *why);

/* On stderr, where that is a terminal, and only for what takes over a second. */
struct progress {
	const char *what;
	bool is_quiet;
	bool is_shown;
	long long start_ns;
};

void progress_start(struct progress *p, const char *what, bool is_quiet);
void progress_show(void *progress, size_t done, size_t all);
void progress_end(struct progress *p);

#endif
