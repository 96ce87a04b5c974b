// SPDX-License-Identifier: GPL-2.0-or-later
#include "note.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "own.h"

static bool is_verbose;
/* What libbpf said first of a failure, or better, why the verifier refused. */
static char reason[512];
static bool is_verdict;

#define LOG_BEGINS "-- BEGIN PROG LOAD LOG --"

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* The verifier's log ends with why, then a line or two of statistics. */
static void keep_verdict(char *log)
{
	const char *why = NULL;
	char *line;

	while ((line = strsep(&log, "\n"))) {
		if (!strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
		    !strncmp(line, "-- END", 6))
			break;
		if (*line)
			why = line;
	}
	if (!why)
		return;
	snprintf(reason, sizeof(reason), "%s", why);
	is_verdict = true;
}

static void keep(char *message)
{
	char *log = strstr(message, LOG_BEGINS);

	if (log) {
		keep_verdict(log + sizeof(LOG_BEGINS));
	} else if (!is_verdict && !reason[0]) {
		snprintf(reason, sizeof(reason), "%s", message);
		reason[strcspn(reason, "\n")] = '\0';
	}
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	OWN_FREE char *message = NULL;
	va_list again;

	va_copy(again, args);
	if (level == LIBBPF_WARN && vasprintf(&message, format, again) >= 0)
		keep(message);
	va_end(again);
	return is_verbose && level != LIBBPF_DEBUG ? vfprintf(stderr, format, args) : 0;
}

void note_libbpf(void)
{
	is_verbose = true;
}

const char *note_libbpf_reason(void)
{
	static char taken[sizeof(reason)];

	libbpf_set_print(print_libbpf);
	memcpy(taken, reason, sizeof(taken));
	reason[0] = '\0';
	is_verdict = false;
	return taken;
}
