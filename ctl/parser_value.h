/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words to values: addresses, numbers with and without names, MACs, TCP flags,
 * rates. Every way into the model uses these, so a value means the same in text, in JSON,
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
	VALUE_ICMP_CODE,
	VALUE_LENGTH, /* of an IP packet, header included */
	VALUE_TTL,
	VALUE_DSCP,
	VALUE_ETHERTYPE, /* in hex, too */
	VALUE_VLAN,
	VALUE_MAC, /* an address, a prefix or a range of them */
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
bool value_v4(const char *word, __u8 out[4]);
bool value_address(const char *word, __u8 out[16], struct problem *why);

/* Decimal number from @least to @most; @what names it in messages. */
bool value_number(const char *word, const char *what, unsigned int least, unsigned int most,
		  unsigned int *out, struct problem *why);

/* An address or a prefix, not of length 0. @out is untouched on failure. */
bool value_prefix(const char *word, struct prefix *out, struct problem *why);

/* Where a backend is: an address or the name of a host, with or without a port. */
struct endpoint {
	__u8 addr[16]; /* network order, v4-mapped; not with @host */
	char host[HOST_BYTES]; /* "": it is an address */
	__u16 port; /* host order; 0: none was written */
};
bool value_endpoint(const char *word, struct endpoint *out, struct problem *why);

/* "1h30m", from a second to @most_s; @what names it in messages. */
bool value_span(const char *word, const char *what, __u32 most_s, __u32 *out, struct problem *why);

/* "tuple", "source", "source/24/64": a service's hash. Its other members are untouched. */
bool value_hash(const char *word, struct service *out, struct problem *why);

/* What stands between a field and a number: ">", ">=", "<", "<=". */
enum compare { COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL };

/* Numbers of @kind that compare so with the one number @word; false as above. */
bool value_compared(enum value_kind kind, enum compare how, const char *word, range *out,
		    struct problem *why);

/* Whether numbers of @kind have an order that one would ask for. */
bool value_has_order(enum value_kind kind);

/* "200/s": a limit's rate. @out's other members are untouched. */
bool value_rate(const char *word, struct limit *out, struct problem *why);

/* What a limit that does not say has as its burst. */
__u32 value_default_burst(const struct limit *limit);

/* "saddr", "saddr/24/64": what a limit is kept by. */
bool value_limit_per(const char *word, struct limit *out, struct problem *why);

/* "1/100": one in so many. */
bool value_sample(const char *word, __u32 *out, struct problem *why);

/* 32 bits, decimal or 0x and hex digits. */
bool value_mark(const char *word, __u32 *out, struct problem *why);

/* The unit as it is printed: "s", "m" or "h". */
const char *value_unit_text(__u16 per_s);

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

/* An interval of lengths or TTLs that has one end, as "> 512"; false for all others. */
bool value_compared_text(enum value_kind kind, const range *ranges, size_t count,
			 value_text_fn each, void *arg);

/* How the words of a rule's field read: names of ICMP types depend on the protocol. */
enum value_kind rule_value_kind(const struct rule *r, enum weir_field field);

/* True when @m holds for @number and nothing else. */
bool match_is_only(const struct match *m, unsigned int number);

#endif
