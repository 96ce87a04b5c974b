// SPDX-License-Identifier: GPL-2.0-or-later
#include "note.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_verbose;
static char last[512];

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	if (level == LIBBPF_WARN)
		vsnprintf(last, sizeof(last), format, again);
	va_end(again);
	last[strcspn(last, "\n")] = '\0';
	return is_verbose && level != LIBBPF_DEBUG ? vfprintf(stderr, format, args) : 0;
}

void note_libbpf(void)
{
	is_verbose = true;
}

const char *note_libbpf_last(void)
{
	static char taken[sizeof(last)];

	libbpf_set_print(print_libbpf);
	memcpy(taken, last, sizeof(taken));
	last[0] = '\0';
	return taken;
}
