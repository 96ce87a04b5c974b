/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all conditions of a rule mean together.
 */
#ifndef WEIR_IMPORT_MATCH_H
#define WEIR_IMPORT_MATCH_H

#include "import_cond.h"

/*
 * Leave out what other conditions imply: the family, where there are addresses of it.
 * IMPORT_JOINED, or IMPORT_NEVER when the conditions exclude each other.
 */
enum import_joined import_match_simplify(struct import_match *m);

/* The families that @m can hold for, by its ethertype as well; 0: frames that are not IP alone. */
unsigned int import_match_families(const struct import_match *m);

/* Why a rule of weir cannot have the conditions @m, which its parser refuses; NULL if it can. */
const char *import_match_unable(const struct import_match *m);

/* Whether a set of addresses with ports is compared. */
bool import_match_has_pairs(const struct import_match *m);

/* The only family that @m can hold for, by its addresses or as ICMP; 0 when there are both. */
unsigned int import_match_family(const struct import_match *m);

#endif
