/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that have names. Each list ends with a NULL; the first name of a
 * number is the one that is printed.
 */
#ifndef WEIR_PARSER_NAMES_H
#define WEIR_PARSER_NAMES_H

#include <stddef.h>

struct name {
	const char *text;
	unsigned int number;
};

extern const struct name names_proto[];
extern const struct name names_icmp[];
extern const struct name names_icmpv6[];
extern const struct name names_dscp[];
extern const struct name names_ethertype[];
extern const struct name names_flag[]; /* bits of byte 13 of the TCP header */
extern const struct name names_port[]; /* for hints only */
extern const struct name names_none[];

/* The entry called @word, in upper or lower case, or NULL. */
const struct name *name_find(const struct name *names, const char *word);

/* What @number is called, or NULL. */
const char *name_of(const struct name *names, unsigned int number);

/* What @word may be a misspelling of, or NULL. */
const char *name_suggest(const struct name *names, const char *word);

#endif
