/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to terms: the combinations of a rule's values, and what no term can say.
 */
#ifndef WEIR_FILTER_TERMS_H
#define WEIR_FILTER_TERMS_H

#include "classifier.h"
#include "model.h"

/* A term, before it is known where it will stand. */
struct draft {
	struct weir_term6 term; /* addresses of IPv4 are v4-mapped */
	struct weir_term_rule rule;
	__u8 families; /* 1 << WEIR_FAMILY_* that it can hold for */
};

/* The two arrays go together; the forest looks at the boxes alone. */
struct drafts {
	struct draft *list;
	struct boxed *boxed;
	__u32 count;
	__u32 room;
};

/* What the rules of a filter are compiled with. */
struct filter_build {
	struct builder *b;
	const struct image_spec *spec;
	struct drafts drafts;
	struct weir_filter out; /* depth and judges_all grow with the rules */
};

/* Append the terms of @rule, the filter's @number'th, whose counter is @id. */
void terms_add_rule(struct filter_build *f, const struct rule *rule, __u32 number, __u32 id);
/* Room for @room terms. False with the error in the builder. */
bool drafts_reserve(struct filter_build *f, __u32 room);
void drafts_add(struct filter_build *f, const struct draft *draft, const struct boxed *boxed);
void drafts_free(struct drafts *d);

/* Append to the image the terms of @family, and the forest over them. */
void terms_place(struct filter_build *f, enum weir_family family);

/*
 * Append to the image what terms of @rule cannot say: the fields in @fields,
 * flags, expression. Returns the offset of @count conditions.
 */
__u32 conditions_add(struct filter_build *f, const struct rule *rule, __u32 fields, __u8 *count);

/* Whether a rule judges frames that are not IP, too. */
bool rule_judges_all(const struct rule *rule);

/* All values of a condition in one canonical list, static sets included; freed by the caller. */
range *match_values(const struct model *m, const struct match *match, size_t *count);

#endif
