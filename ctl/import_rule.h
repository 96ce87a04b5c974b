/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions and actions of a rule, as both readers add them. Each returns
 * false when weir cannot say it; the rule then says why.
 */
#ifndef WEIR_IMPORT_RULE_H
#define WEIR_IMPORT_RULE_H

#include "import_cond.h"
#include "parser_names.h"

enum import_sense {
	IMPORT_IS,
	IMPORT_IS_NOT, /* the field is there, with another value */
};

bool import_add(struct importer *im, struct import_rule *r, int field, const struct import_cond *c,
		enum import_sense sense);
bool import_add_number(struct importer *im, struct import_rule *r, int field, unsigned int first,
		       unsigned int last, enum import_sense sense);
bool import_add_proto(struct importer *im, struct import_rule *r, unsigned int proto);

/* @families: one of IMPORT_V4, IMPORT_V6 */
bool import_add_family(struct importer *im, struct import_rule *r, unsigned int families);

/* Packets whose flags under @mask are @value. */
bool import_add_flags(struct importer *im, struct import_rule *r, unsigned int value,
		      unsigned int mask, enum import_sense sense);

/* Ranges of flag bytes with @value under @mask, at most 256; returns how many. */
size_t import_flags_ranges(unsigned int value, unsigned int mask, range *out);

/* States of connections, as conntrack tells them apart. */
#define IMPORT_STATES(X)              \
	X(ESTABLISHED, "established") \
	X(RELATED, "related")         \
	X(NEW, "new")                 \
	X(INVALID, "invalid")         \
	X(UNTRACKED, "untracked")

enum import_state_bit {
#define X(sym, word) IMPORT_##sym##_BIT,
	IMPORT_STATES(X)
#undef X
		IMPORT_STATE_BITS
};

/* 1 << IMPORT_*_BIT of a state's name in any case, or 0. */
unsigned int import_state(const char *word);
bool import_add_state(struct importer *im, struct import_rule *r, unsigned int states,
		      enum import_sense sense);

/* @count packets in a second, minute, hour, day or week. */
bool import_set_limit(struct importer *im, struct import_rule *r, enum import_limit_kind kind,
		      unsigned int count, const char *unit, unsigned int burst);

/* How a packet is refused is weir's choice; note what differs. */
void import_note_reject(struct importer *im, struct import_rule *r, const char *with);
void import_note_prefix(struct importer *im, struct import_rule *r, const char *prefix);

/* Values: false when @word is none. A prefix may have host bits set. */
bool import_address(const char *word, range *out);
bool import_address_range(const char *word, range *out);
/* Append what @r means to a list. */
void import_append_address(struct importer *im, range **list, size_t *count, const range *r);
bool import_interface(const char *name); /* a device's name or a glob of them */
bool import_mac(const char *word, __u64 *out);
bool import_number(const char *word, unsigned int most, unsigned int *out);
bool import_port(const char *word, unsigned int *out);
bool import_proto(const char *word, unsigned int *out);
bool import_dscp(const char *word, unsigned int *out);

/* Names of ICMP types and codes as nft and iptables know them, too. */
bool import_icmp_type(const char *word, bool v6, unsigned int *out);
bool import_icmp_code(const char *word, bool v6, unsigned int *out);

#endif
