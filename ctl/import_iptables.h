/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of iptables-save: words, and the options that they are.
 */
#ifndef WEIR_IMPORT_IPTABLES_H
#define WEIR_IMPORT_IPTABLES_H

#include "import_rule.h"

#define IPTABLES_WORDS_MAX 256

/* The options of one line; @at is the next word. */
struct iptables_line {
	struct importer *im;
	struct import_rule *rule;
	bool v6;
	const char *words[IPTABLES_WORDS_MAX + 1]; /* NULL behind the last */
	size_t count;
	size_t at;
	enum import_sense sense; /* "!" before the option */
	unsigned int limit_burst; /* of limit and hashlimit */
	const char *limit_rate; /* "5/second"; NULL: none */
	enum import_limit_kind limit_kind;
	bool per_source;
	unsigned int source_bits; /* of hashlimit-srcmask */
	bool limit_behind; /* a match came behind the limit */
};

/* The value of the option at hand; NULL and the rule is refused when there is none. */
const char *iptables_value(struct iptables_line *l);

/* Addresses of @text, with commas between, as a condition on @field. */
bool iptables_addresses(struct iptables_line *l, int field, const char *text);

/* Whether @option is one of a match, and then taken. */
bool iptables_match(struct iptables_line *l, const char *option);

/* The target behind -j, with its options. */
void iptables_target(struct iptables_line *l, const char *target);

#endif
