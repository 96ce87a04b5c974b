/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a filter while its chains are walked.
 */
#ifndef WEIR_IMPORT_WALK_H
#define WEIR_IMPORT_WALK_H

#include "import_flow.h"

struct import_walk {
	struct importer *im;
	struct import_filter *filter;
	size_t base; /* which of the filter's chains is being walked */
	size_t steps;
	unsigned int depth;
	unsigned int copies; /* how many rules are being written down once more */
	bool copy_failed; /* what follows cannot be, for the packets at hand */
	bool too_much;
	bool accepts_established; /* a rule before did, of the same filter */
};

/* Say that a rule means something else now; once a rule. */
void import_tell_change(struct import_walk *w, struct import_rule *r, const char *what);

/* What chain @i is for, where the filter is for more than that. */
struct import_match import_scope(struct import_walk *w, size_t i);

/* No base chain behind @base sees its packets. */
bool import_is_last(const struct import_walk *w, size_t base);

/* A line at the filter's end, of the chain that is walked; @from is NULL for a policy. */
struct import_line *import_emit(struct import_walk *w, const struct import_match *m,
				enum weir_action action, struct import_rule *from);

#endif
