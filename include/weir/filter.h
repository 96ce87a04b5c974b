/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiled form of a filter: what the image holds and the datapath walks.
 * Rules stand in the order of the configuration; the first one that decides
 * wins, and the filter's default is a last rule that always matches.
 */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include <linux/types.h>

/*
 * A condition on a packet. X(symbol, keyword, type, member)
 *
 * @type    what its values are: ADDR is a 128-bit range (IPv4 is v4-mapped),
 *          NUMBER one of at most 64 bits (a MAC has 48, most significant byte
 *          first), FLAG holds or not, NAME is a device's name
 * A packet that lacks the field (a port of a later fragment, an ICMP type of
 * a TCP packet) fails the condition, and its negation too.
 */
#define WEIR_FIELDS(X)                               \
	X(SADDR, "saddr", ADDR, saddr)               \
	X(DADDR, "daddr", ADDR, daddr)               \
	X(PROTO, "proto", NUMBER, proto)             \
	X(SPORT, "sport", NUMBER, sport)             \
	X(DPORT, "dport", NUMBER, dport)             \
	X(ICMP_TYPE, "type", NUMBER, icmp_type)      \
	X(ICMP_CODE, "code", NUMBER, icmp_code)      \
	X(LENGTH, "length", NUMBER, length)          \
	X(TTL, "ttl", NUMBER, ttl)                   \
	X(DSCP, "dscp", NUMBER, dscp)                \
	X(ETHERTYPE, "ethertype", NUMBER, ethertype) \
	X(SMAC, "smac", NUMBER, smac)                \
	X(DMAC, "dmac", NUMBER, dmac)                \
	X(VLAN, "vlan", NUMBER, vlan)                \
	X(IFACE, "interface", NAME, iface)           \
	X(FRAGMENT, "fragment", FLAG, fragment)      \
	X(ESTABLISHED, "established", FLAG, established)

enum weir_field {
#define X(sym, keyword, type, member) WEIR_FIELD_##sym,
	WEIR_FIELDS(X)
#undef X
		WEIR_FIELD_COUNT
};

/* The fields that struct weir_rule has room for; the first of enum weir_field. */
#define WEIR_RULE_FIELDS(X)             \
	X(SADDR, "saddr", ADDR, saddr)  \
	X(DADDR, "daddr", ADDR, daddr)  \
	X(PROTO, "proto", SMALL, proto) \
	X(SPORT, "sport", SMALL, sport) \
	X(DPORT, "dport", SMALL, dport) \
	X(ICMP_TYPE, "type", SMALL, icmp_type)

#define WEIR_RULE_FIELD_COUNT 6

/* TCP flags as they stand in byte 13 of the header. X(symbol, keyword, bit) */
#define WEIR_TCP_FLAGS(X)   \
	X(FIN, "fin", 0x01) \
	X(SYN, "syn", 0x02) \
	X(RST, "rst", 0x04) \
	X(PSH, "psh", 0x08) \
	X(ACK, "ack", 0x10) \
	X(URG, "urg", 0x20) \
	X(ECE, "ece", 0x40) \
	X(CWR, "cwr", 0x80)

/*
 * What a rule does. X(symbol, keyword)
 * COUNT, LOG and MARK go on to the next rule, and LIMIT within its rate; the
 * others decide, as LIMIT does above it, by dropping.
 */
#define WEIR_ACTIONS(X)     \
	X(PASS, "pass")     \
	X(DROP, "drop")     \
	X(COUNT, "count")   \
	X(REJECT, "reject") \
	X(LIMIT, "limit")   \
	X(LOG, "log")       \
	X(MARK, "mark")

enum weir_action {
#define X(sym, keyword) WEIR_ACTION_##sym,
	WEIR_ACTIONS(X)
#undef X
		WEIR_ACTION_KINDS
};

/* Inclusive range of addresses, as two 128-bit numbers in host order. */
struct weir_range128 {
	__u64 first_hi, first_lo;
	__u64 last_hi, last_lo;
};
_Static_assert(sizeof(struct weir_range128) == 32, "range has holes");

/* Inclusive range, host order. */
struct weir_range16 {
	__u16 first;
	__u16 last;
};
_Static_assert(sizeof(struct weir_range16) == 4, "range has holes");

/* @count disjoint ranges in ascending order, @offset bytes into the image. */
struct weir_ranges {
	__u32 offset;
	__u32 count;
};

/* One cache line. */
struct weir_rule {
	__u16 fields; /* 1 << WEIR_FIELD_*: conditions that are set */
	__u16 negated; /* 1 << WEIR_FIELD_*: conditions that are inverted */
	__u8 action; /* enum weir_action */
	__u8 tcp_mask; /* 0: the rule does not look at TCP flags */
	__u8 tcp_value; /* flags & tcp_mask must equal this */
	__u8 tcp_negated; /* 1: must not equal */
	__u32 id; /* counter; stable over reloads by filter and rule name */
	__u32 is_default; /* 1: the filter's default, which has no conditions */
	struct weir_ranges match[WEIR_RULE_FIELD_COUNT];
};
_Static_assert(sizeof(struct weir_rule) == 64, "rule is not a cache line");

#endif
