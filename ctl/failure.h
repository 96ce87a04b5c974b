/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a command could not be done: what main() prints and exits with. Code
 * that fails fills one in and returns -1; nobody else prints.
 */
#ifndef WEIR_FAILURE_H
#define WEIR_FAILURE_H

/* Part of the interface; weir(8) lists them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1, /* the kernel or the system said no */
	EXIT_USAGE = 2, /* usage or configuration error */
	EXIT_NOT_FOUND = 3,
	EXIT_PERMISSION = 4,
	EXIT_PRECONDITION = 5,
	EXIT_CONFLICT = 6, /* a foreign program, another writer */
	EXIT_PENDING = 10, /* plan --exit-code: changes wait */
};

struct failure {
	enum exit_code code;
	char *message; /* place: problem; remedy. NULL while nothing failed */
};

/*
 * Record a failure and return -1. The first one recorded stays: a later one is
 * a consequence of it.
 */
int fail(struct failure *why, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a system call's errno: EPERM and EACCES give EXIT_PERMISSION. */
int fail_errno(struct failure *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void failure_free(struct failure *why);

#endif
