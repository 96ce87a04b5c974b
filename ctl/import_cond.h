/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions as sets of values: joined, turned round and compared.
 */
#ifndef WEIR_IMPORT_COND_H
#define WEIR_IMPORT_COND_H

#include "import_model.h"

enum import_joined {
	IMPORT_JOINED,
	IMPORT_NEVER, /* the conditions exclude each other */
	IMPORT_UNABLE, /* weir cannot say both at once */
};

/* The largest value of a field; fields are WEIR_FIELD_* and IMPORT_FLAGS. */
u128 import_field_most(int field);

/* "saddr", "flags" */
const char *import_field_name(int field);

/* True when every IP packet has the field, so that a negation is the complement. */
bool import_field_always(int field);

/* @ranges are put in canonical form; they are copied. */
const struct import_cond *import_cond_ranges(struct importer *im, range *ranges, size_t count);
const struct import_cond *import_cond_number(struct importer *im, u128 first, u128 last);
const struct import_cond *import_cond_set(struct importer *im, int field, struct import_set *s);
const struct import_cond *import_cond_names(struct importer *im, const char *const *names,
					    size_t count);

/* What @c does not hold for, of the values that the field can have; NULL if weir cannot say it. */
const struct import_cond *import_cond_not(struct importer *im, int field,
					  const struct import_cond *c);

/* Ranges of [0, @most] outside of @c's. */
const struct import_cond *import_cond_complement(struct importer *im, const struct import_cond *c,
						 u128 most);

/* Add a condition to @m. */
enum import_joined import_match_add(struct importer *im, struct import_match *m, int field,
				    const struct import_cond *c);
/* Add all conditions of @more to @m, which is changed only when they could be joined. */
enum import_joined import_match_join(struct importer *im, struct import_match *m,
				     const struct import_match *more);

/* Sure that every packet of @a is one of @b; that no packet is one of both. */
bool import_match_within(const struct import_match *a, const struct import_match *b);
bool import_match_apart(const struct import_match *a, const struct import_match *b);

bool import_match_empty(const struct import_match *m); /* no condition */

#endif
