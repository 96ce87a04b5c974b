// SPDX-License-Identifier: GPL-2.0-or-later
#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

static int record(struct failure *why, enum exit_code code, char *message)
{
	if (why->message) {
		free(message);
		return -1;
	}
	why->code = code;
	why->message = message;
	return -1;
}

int fail(struct failure *why, enum exit_code code, const char *format, ...)
{
	char *message = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	va_end(args);
	return record(why, code, message);
}

int fail_errno(struct failure *why, int error, const char *format, ...)
{
	OWN_FREE char *what = NULL;
	char *message = NULL;
	va_list args;

	error = abs(error);
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	if (asprintf(&message, "%s: %s", what ? what : "?", strerror(error)) < 0)
		message = NULL;
	return record(why, error == EPERM || error == EACCES ? EXIT_PERMISSION : EXIT_REFUSED,
		      message);
}

void failure_free(struct failure *why)
{
	free(why->message);
	why->message = NULL;
}
