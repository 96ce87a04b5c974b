/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to terms: the combinations of a rule's values, and what no term can say.
 */
#ifndef WEIR_FILTER_TERMS_H
#define WEIR_FILTER_TERMS_H

#include "classifier.h"
#include "model.h"

/* The terms of one filter; @boxed goes with @list by index. */
struct terms {
	struct weir_term *list;
	struct boxed *boxed;
	__u32 count;
	__u32 room;
};

/* What the rules of a filter are compiled with. */
struct filter_build {
	struct builder *b;
	const struct image_spec *spec;
	struct terms terms;
	struct weir_filter out; /* depth and judges_all grow with the rules */
};

/* Append the terms of @rule, the filter's @number'th, whose counter is @id. */
void terms_add_rule(struct filter_build *f, const struct rule *rule, __u32 number, __u32 id);
void terms_free(struct terms *t);

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
