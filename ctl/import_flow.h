/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains that jump to one another, to one list of rules where the first match
 * wins: a chain's rules with the conditions of the jump joined to each.
 */
#ifndef WEIR_IMPORT_FLOW_H
#define WEIR_IMPORT_FLOW_H

#include "import_model.h"

/* A rule of the configuration. */
struct import_line {
	struct import_match match;
	enum weir_action action;
	struct limit limit;
	__u32 mark;
	bool admits; /* LIMIT: what is within the rate passes, what is above goes on */
	struct import_rule *from; /* NULL: a chain's policy */
	const struct import_chain *chain;
	bool gone; /* could not be said after all */
};

struct import_filter {
	const char *name;
	struct import_chain **chains; /* in the order that a packet meets them */
	size_t chains_count;
	unsigned int families; /* IPv4, IPv6, that its chains are for */
	struct import_line *lines;
	size_t lines_count;
	enum weir_action default_action;
};

/* Rules that all expansions may visit; a rule set that needs more is refused. */
#define IMPORT_STEPS_MAX 400000U

/*
 * Fill lines and default_action. Returns 0, or -1 when the chains expand to
 * too much.
 */
int import_flow(struct importer *im, struct import_filter *f);

/* import_limit.c: "limit rate N accept" to a limit that drops, where that is the same. */
void import_limits(struct importer *im, struct import_filter *f);

/* import_flags.c: lines whose TCP flags no FLAGS/MASK can say, to several. */
void import_split_flags(struct importer *im, struct import_filter *f);

/* Say that a rule is left out, and what follows from it; once a rule. */
void import_tell(struct importer *im, struct import_rule *r, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/* import_print.c */
void import_print_filter(struct importer *im, const struct import_filter *f, FILE *out);
void import_print_set(struct importer *im, const struct import_set *s, FILE *out);

/* A condition as a rule has it: "saddr != 10.0.0.0/8". */
void import_print_cond(struct importer *im, const struct import_match *m, int field, FILE *out);

/* The FLAGS/MASK that holds for the same TCP flags as @c; false when there is none. */
bool import_flags_cube(const struct import_cond *c, unsigned int *value, unsigned int *mask,
		       bool *negated);

/* import_names.c: names of a filter's rules, unique among them; valid as long as @im. */
struct import_names;
struct import_names *import_names_new(struct importer *im);
const char *import_line_name(struct import_names *n, const struct import_line *line);

/* @base and @end, with a number behind them if they were given before. */
const char *import_name_make_unique(struct import_names *n, const char *base, const char *end);

/* A name of at most @most bytes that is made of @text; "" when there is nothing to use. */
void import_name(char out[NAME_BYTES], const char *text, size_t most);

#endif
