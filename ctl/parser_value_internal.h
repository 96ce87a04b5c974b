/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of parser_value.h: what is common to words of every kind. */
#ifndef WEIR_PARSER_VALUE_INTERNAL_H
#define WEIR_PARSER_VALUE_INTERNAL_H

#include "parser_names.h"
#include "parser_value.h"

#define WORD_BYTES 128 /* longer than any value; longer ones are none */

/* Numbers of at most 32 bits, some with names. */
struct small_kind {
	const char *what;
	unsigned int most;
	const struct name *names;
	bool has_order;
	bool in_hex; /* reads 0x, and prints so */
};

extern const struct small_kind small_kinds[];

/* Fill @why's message and empty its hint, or fill its hint; both return false. */
bool value_refuse(struct problem *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool value_hint(struct problem *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Decimal digits to their end; what is too large is DIGITS_MAX. */
#define DIGITS_MAX 4000000000U
bool value_digits(const char *word, size_t size, unsigned int *out);

/* One number of @kind, by its name or as digits. */
bool value_small(const struct small_kind *kind, const char *word, unsigned int *out,
		 struct problem *why);

/* The first bit of an IPv4 address among the 128 of a v4-mapped one. */
#define V4_FIRST_BIT 96

/* @keyword alone, or with prefix lengths of IPv4 and IPv6 behind it, as "saddr/24/64". */
bool value_source_bits(const char *word, const char *keyword, __u8 *v4_bits, __u8 *v6_bits);

/* MACs are 48-bit numbers, their first byte the most significant. */
size_t value_mac_ranges(const char *word, range *out, struct problem *why);
void value_mac_text(const range *ranges, size_t count, value_text_fn each, void *arg);

#endif
