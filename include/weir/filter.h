/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiled form of a filter: what the image holds and the datapath walks.
 * Rules become terms, in the order of the configuration; the forest names the
 * terms that may hold for a packet, and the first that does and decides wins.
 */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include <linux/types.h>

#include "weir/classifier.h"

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
struct weir_range64 {
	__u64 first;
	__u64 last;
};
_Static_assert(sizeof(struct weir_range64) == 16, "range has holes");

/*
 * What a term cannot say by itself. All conditions of a term must hold.
 */
enum weir_condition_kind {
	WEIR_CONDITION_NUMBER, /* the field lies in one of @count weir_range64 at @offset */
	WEIR_CONDITION_ADDR, /* ... weir_range128 */
	WEIR_CONDITION_TCP_FLAGS, /* flags & (offset >> 8) == (offset & 0xff) */
	WEIR_CONDITION_SET, /* the field lies in the set in slot @offset */
	WEIR_CONDITION_EXPR, /* the expression named @offset holds */
	WEIR_CONDITION_ESTABLISHED, /* the packet is of a connection that this host opened */
};

struct weir_condition {
	__u8 kind;
	__u8 field; /* enum weir_field */
	__u8 negated;
	__u8 or_next; /* 1: the next one holding is as good */
	__u32 offset;
	__u32 count; /* of disjoint ranges in ascending order */
	__u32 pad2;
};
_Static_assert(sizeof(struct weir_condition) == 16, "condition has holes");

/* The rule that a term is of, and what is asked beyond the term. */
struct weir_term_rule {
	__u32 rule; /* of the filter, from 0 */
	__u32 id; /* counter; stable over reloads by filter and rule name */
	__u32 conditions; /* offset */
	__u8 conditions_count;
	__u8 action; /* enum weir_action */
	__u8 reason; /* enum weir_reason where the action decides, else 0 */
	__u8 pad;
};
_Static_assert(sizeof(struct weir_term_rule) == 16, "term's rule has holes");

/*
 * A term is one combination of a rule's values; the rule holds where one of its
 * terms does. Terms stand in the order of the rules. The ports are inclusive
 * intervals. What else a packet is stands in one word, of which a term compares
 * the bits in @mask: its enum pkt_has, its TCP flags, its protocol.
 */
#define WEIR_WORD(has, flags, proto) ((__u32)(has) << 16 | (__u32)(flags) << 8 | (proto))

/* How every term begins: all of its rule that most packets need. */
struct weir_term_head {
	__u32 id; /* of the rule's counter */
	__u8 reason; /* enum weir_reason, where the rule decides and has no conditions; else 0 */
	__u8 src_shift, dst_shift; /* of IPv4: low bits of an address that do not count, 0 to 32 */
	__u8 pad;
};

/* For IPv4, and for what has no addresses: half a line of cache. */
struct weir_term4 {
	struct weir_term_head head;
	__u32 src, dst; /* host order */
	__u32 word, mask;
	__u16 sport_first, sport_last;
	__u16 dport_first, dport_last;
};
_Static_assert(sizeof(struct weir_term4) == 32, "term is not half a cache line");

/* Terms of IPv6 lie twice as far apart. */
struct weir_term6 {
	struct weir_term_head head;
	__u64 src_hi, src_lo; /* host order */
	__u64 dst_hi, dst_lo;
	__u8 src_hi_bits, src_lo_bits; /* of each half that count, 0 to 64 */
	__u8 dst_hi_bits, dst_lo_bits;
	__u32 word, mask;
	__u16 sport_first, sport_last;
	__u16 dport_first, dport_last;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_term6) == 64, "term is not a cache line");

/* A rule by itself, whatever it matches; a filter's default is its last one. */
struct weir_rule {
	__u32 id; /* counter */
	__u8 action; /* enum weir_action */
	__u8 is_default;
	__u8 pad[2];
	__u32 argument; /* LIMIT: offset of struct weir_limit; LOG: 1/N; MARK: the mark */
	__u32 pad2;
};
_Static_assert(sizeof(struct weir_rule) == 16, "rule has holes");

/* The packets that a forest is for: keys of addresses mean different things. */
#define WEIR_FAMILIES(X) \
	X(V4)            \
	X(V6)            \
	X(OTHER) /* not IP, or its header is broken */

enum weir_family {
#define X(sym) WEIR_FAMILY_##sym,
	WEIR_FAMILIES(X)
#undef X
		WEIR_FAMILY_COUNT
};

/* How much of a packet a filter reads; what is not read need not be parsed. */
enum weir_depth {
	WEIR_DEPTH_TYPE, /* its Ethernet type */
	WEIR_DEPTH_ADDR, /* addresses too */
	WEIR_DEPTH_ALL,
};

/* What a filter comes to; packets that need no more have a short way. */
enum weir_filter_shape {
	WEIR_SHAPE_ANY,
	WEIR_SHAPE_DEFAULT, /* the default, which is not reject, is all there is */
	WEIR_SHAPE_SETS, /* and a few rules before it: struct weir_set_rule */
};

#define WEIR_SET_RULES 4

/* A rule that passes or drops and asks for nothing but whether an address is in a set. */
struct weir_set_rule {
	__u32 id; /* counter */
	__u16 slot; /* of a set of prefixes or addresses */
	__u8 reason; /* enum weir_reason */
	__u8 is_destination : 1;
	__u8 is_negated : 1;
};
_Static_assert(sizeof(struct weir_set_rule) == 8, "set rule has holes");

struct weir_filter {
	struct weir_forest forest[WEIR_FAMILY_COUNT];
	__u32 rules_offset; /* struct weir_rule[rules_count], default last */
	__u32 rules_count;
	__u32 default_id;
	__u8 default_reason; /* enum weir_reason */
	__u8 depth; /* enum weir_depth */
	__u8 judges_all; /* 1: some rule judges frames that are not IP */
	__u8 link_keys; /* 1: the forest compares lengths, VLANs or MACs */
	__u8 shape; /* enum weir_filter_shape */
	__u8 set_rules_count; /* 1 to WEIR_SET_RULES where the shape is SETS */
	__u8 pad[2];
	__u32 set_rules_offset; /* struct weir_set_rule[] */
	__u32 pad2[2];
};
_Static_assert(sizeof(struct weir_filter) == 128, "filter is not two cache lines");

#endif
