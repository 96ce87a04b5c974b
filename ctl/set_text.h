/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets as a person writes them: in a configuration, in a file, on
 * the command line.
 */
#ifndef WEIR_SET_TEXT_H
#define WEIR_SET_TEXT_H

#include "diag.h"
#include "model.h"
#include "parser_value.h"
#include "set_element.h"

/* Room for the longest: an address in brackets with its port, or a prefix. */
#define SET_TEXT_BYTES 64

#define SET_COMMENT_BYTES 128
#define SET_TIMEOUT_MAX (365U * 24 * 3600)

/*
 * Append what @word means in a set of @type, not SET_PORT: one element, but of
 * a range of addresses as many prefixes as it takes.
 *
 * Returns 0, -EINVAL with @why filled, or -ENOMEM.
 */
int set_element_parse(enum set_type type, const char *word, struct set_elements *out,
		      struct problem *why);
const char *set_element_text(enum set_type type, const struct set_element *e,
			     char text[SET_TEXT_BYTES]);

/* "90s", "1h30m", "7d": seconds; false with @why filled. */
bool set_timeout_parse(const char *word, __u32 *seconds, struct problem *why);
const char *set_timeout_text(__u32 seconds, char text[SET_TEXT_BYTES]);

/* A comment is short and has no control characters. */
bool set_comment_check(const char *text, struct problem *why);

/* Called now and then with the share of the text that is read. */
typedef void (*set_progress)(void *arg, size_t done, size_t all);

/*
 * The elements of a set's file: one a line, then "timeout 1h" and
 * "comment \"...\"" if need be; "#" begins a comment, blank lines are nothing.
 *
 * Appends to @out, not sorted. What is wrong goes to @d, the first DIAG_MAX of
 * them with their lines. Returns 0, -EINVAL or -ENOMEM.
 */
int set_file_parse(const char *path, const char *text, size_t size, enum set_type type,
		   struct diags *d, struct set_elements *out, set_progress progress, void *arg);

#endif
