// SPDX-License-Identifier: GPL-2.0-or-later
#include "read_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "own.h"

#define FILE_BYTES_MAX (256UL << 20)
#define BAR_WIDTH 40
#define BAR_AFTER_NS 1000000000LL

int file_read(const char *path, char **text, size_t *size, struct failure *why)
{
	bool is_stdin = !strcmp(path, "-");
	OWN_FILE FILE *opened = is_stdin ? NULL : fopen(path, "re");
	FILE *in = is_stdin ? stdin : opened;
	OWN_FREE char *buffer = NULL;
	size_t used = 0, room = 0;
	struct stat st;

	if (!in)
		return errno == ENOENT ? fail(why, EXIT_NOT_FOUND, "%s: no such file", path)
				       : fail_errno(why, errno, "%s", path);
	if (!fstat(fileno(in), &st) && S_ISDIR(st.st_mode))
		return fail(why, EXIT_USAGE, "%s: is a folder; name a file", path);
	do {
		if (used == room) {
			char *grown = realloc(buffer, room ? room * 2 : 1 << 20);

			if (!grown)
				return fail_errno(why, ENOMEM, "%s", path);
			buffer = grown;
			room = room ? room * 2 : 1 << 20;
		}
		used += fread(buffer + used, 1, room - used, in);
		if (used > FILE_BYTES_MAX)
			return fail(why, EXIT_USAGE, "%s: is larger than 256 MiB; split it", path);
	} while (!feof(in) && !ferror(in));
	if (ferror(in))
		return fail_errno(why, errno ? errno : EIO, "%s", path);
	*text = TAKE_PTR(buffer);
	*size = used;
	return 0;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void progress_start(struct progress *p, const char *what, bool is_quiet)
{
	*p = (struct progress){ .what = what,
				.is_quiet = is_quiet || !isatty(STDERR_FILENO),
				.start_ns = now_ns() };
}

void progress_show(void *progress, size_t done, size_t all)
{
	struct progress *p = progress;
	int filled = all ? (int)(done * BAR_WIDTH / all) : BAR_WIDTH;

	if (p->is_quiet || now_ns() - p->start_ns < BAR_AFTER_NS)
		return;
	p->is_shown = true;
	fprintf(stderr, "\r%s [%.*s%*s] %3d%%", p->what, filled,
		"########################################", BAR_WIDTH - filled, "",
		filled * 100 / BAR_WIDTH);
}

void progress_end(struct progress *p)
{
	if (p->is_shown)
		fprintf(stderr, "\r\033[K");
}
