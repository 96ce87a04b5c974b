/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words to values: addresses, ports, protocols, ICMP types, TCP flags. Every
 * way into the model uses these, so a value means the same in text, in JSON,
 * in a set's file and on the command line.
 */
#ifndef WEIR_PARSER_VALUE_H
#define WEIR_PARSER_VALUE_H

#include "model.h"

enum value_kind {
	VALUE_ADDR, /* an address, a prefix or a range of addresses */
	VALUE_PORT,
	VALUE_PROTO,
	VALUE_ICMP_TYPE, /* of IPv4 */
	VALUE_ICMPV6_TYPE,
	VALUE_TYPE_NUMBER, /* of either: names would be ambiguous */
};

/* What is wrong with a value; the hint is "" when there is none. */
struct problem {
	char message[240];
	char hint[200];
};

/* What value_ranges() makes of one word, at most: "::/0" leaves out IPv4. */
#define VALUE_RANGES 2

/*
 * Ranges that @word means, 1 to VALUE_RANGES of them in @out.
 *
 * Returns their count, or 0 with @why filled and @out untouched.
 */
size_t value_ranges(enum value_kind kind, const char *word, range *out, struct problem *why);

/* One address, no prefix or range. @out is untouched on failure. */
bool value_address(const char *word, __u8 out[16], struct problem *why);

/* Decimal number from @least to @most; @what names it in messages. */
bool value_number(const char *word, const char *what, unsigned int least, unsigned int most,
		  unsigned int *out, struct problem *why);

/* "syn", "syn/syn,ack", "none/syn,ack": value and mask. */
bool value_tcp_flags(const char *word, __u8 *value, __u8 *mask, struct problem *why);

/*
 * The words of @ranges in canonical order, one call of @each per word: IPv4
 * before IPv6, prefixes where a range is one, names where a number has one.
 */
typedef void (*value_text_fn)(void *arg, const char *word);
void value_text(enum value_kind kind, const range *ranges, size_t count, value_text_fn each,
		void *arg);
void value_tcp_flags_text(__u8 value, __u8 mask, value_text_fn each, void *arg);

/* How the words of a rule's field read: names of ICMP types depend on the protocol. */
enum value_kind rule_value_kind(const struct rule *r, enum weir_field field);

/* True when @m holds for @number and nothing else. */
bool match_is_only(const struct match *m, unsigned int number);

#endif
