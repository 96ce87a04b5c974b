/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages about a configuration: they have a place, a problem and a remedy,
 * are collected while the work goes on, and are printed once, by main().
 */
#ifndef WEIR_DIAG_H
#define WEIR_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A place in a configuration file; line 0 means none. Columns count bytes from 1. */
struct loc {
	const char *file; /* outlives the loc; owned by the source or a literal */
	unsigned int line;
	unsigned int column;
	unsigned int width; /* bytes to underline, at least 1 */
};

enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
};

struct diag {
	enum diag_level level;
	struct loc loc;
	char *message; /* problem and remedy: "weight 0 is not allowed; write \"drain\"" */
	char *hint; /* suggestion on a line of its own, or NULL */
	char *source_line; /* text of the line around the column, or NULL */
	unsigned int source_column; /* where loc.column is in source_line */
	char *file; /* own copy, printable; loc.file points to it */
};

/* No more than this many errors are kept; the rest are counted. */
#define DIAG_MAX 20

struct diags {
	struct diag list[DIAG_MAX];
	size_t count;
	size_t errors; /* all of them, kept or not */
	size_t warnings;
};

/*
 * Add a message. @source is the text that @loc counts lines in, of @source_size
 * bytes, or NULL; the line is copied from it. @hint may be NULL. A copy of
 * loc.file is kept. What a terminal must not see becomes "?" in every text.
 */
void diag_add(struct diags *d, enum diag_level level, struct loc loc, const char *source,
	      size_t source_size, const char *hint, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Put the messages in the order of their places. */
void diag_sort(struct diags *d);

/*
 * Print all messages to @out:
 *
 *     edge.conf:12:9: weight 0 is not allowed; write "drain" to empty a backend
 *         backend b1 10.0.7.11 weight 0
 *                                     ^
 *     hint: ...
 *
 * Bytes of the source line that are not printable ASCII or UTF-8 are shown as
 * "?", a tab as one space; a line of over 120 bytes is cut around the column.
 */
void diag_print(const struct diags *d, FILE *out);

/*
 * The same as one JSON document, {"errors":[{message,file,line,col,hint}...]},
 * and "warnings" beside it when there are any.
 */
void diag_print_json(const struct diags *d, FILE *out);

void diag_free(struct diags *d);

/*
 * The word of @words, a NULL-terminated list, that @word is most likely a
 * misspelling of, or NULL when none is near (edit distance over 2, or over a
 * third of the word).
 */
const char *diag_suggest(const char *word, const char *const *words);

#endif
