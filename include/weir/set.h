/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets: memory of their own, beside the image, that changes without an apply.
 *
 * The map weir_sets has one value, the arena: a directory of slots, and sets.
 * A set is one piece of memory, its places are byte offsets from its start.
 * ctl builds it elsewhere, copies it to where nothing lies, and puts its place
 * in the directory with one store of 64 bits: a packet sees the set before or
 * the set after. Memory is used again only after a grace period. What is not
 * in the directory does not exist, so a writer that is killed leaves no mess.
 *
 * The elements are records, 32 bytes each. A table of 2^bits words, indexed by
 * the first bits of the packet's key, leads to them. A word is 0 (nothing is
 * there), or a node's place in units of 32 bytes, and its kind: a record, 16
 * or 256 words for the next 4 or 8 bits, a check that jumps over bits that all
 * records below have in common, or a bucket. Every record is compared in full.
 *
 * A bucket is for large sets of prefixes: eight of them to a cache line, which
 * answers for keys without their records.
 *
 * Prefixes of IPv4 may have a cover besides: maps of bits, small enough to stay
 * in a cache, that answer for most keys. What they answer is not in the table.
 */
#ifndef WEIR_SET_H
#define WEIR_SET_H

#include <linux/types.h>

/* Slots of the directory; a set that apply replaces has two for a moment. */
#define WEIR_MAX_SETS 1024
#define WEIR_MAX_SET_ELEMENTS (1U << 20)
#define WEIR_MAX_SETS_BYTES (1U << 28)
/* The value is this much longer than sets_mask + 1: the largest node lies inside it. */
#define WEIR_SETS_PAD 4096
#define WEIR_SETS_NAME_BYTES 64

/* Places in the directory are in units of 64 bytes. */
#define WEIR_SETS_UNIT 64

/* Low half: first unit; high half: units. 0: free. */
struct weir_sets {
	__u64 place[WEIR_MAX_SETS];
};

/* X(symbol, keyword) */
#define WEIR_SET_TYPES(X)               \
	X(PREFIX, "prefix")             \
	X(PORT, "port")                 \
	X(ADDRESS, "address")           \
	X(ADDRESS_PORT, "address+port") \
	X(INTERFACE, "interface")

enum weir_set_type {
#define X(sym, keyword) WEIR_SET_##sym,
	WEIR_SET_TYPES(X)
#undef X
		WEIR_SET_TYPE_COUNT
};

/* The low bits of a word. */
enum weir_set_kind {
	WEIR_SET_RECORD, /* struct weir_set_record; word 0 is none */
	WEIR_SET_BRANCH16, /* 16 words, by the next 4 bits */
	WEIR_SET_BRANCH256, /* 256 words, by the next 8 bits */
	WEIR_SET_CHECK, /* struct weir_set_check */
	WEIR_SET_BUCKET, /* this and the kinds above: struct weir_set_line[1 << (kind - this)] */
};
#define WEIR_SET_KIND_BITS 3
#define WEIR_SET_NODE 32

/* No more bits than this in the first table. */
#define WEIR_SET_MAX_BITS 22

/*
 * An element. Its key is 128 bits, host order, from the top: an IPv4 address
 * is the first 32 and the rest is 0. Of an interface it is the name's 16 bytes.
 */
struct weir_set_record {
	__u64 hi;
	__u64 lo;
	__u32 detail; /* prefix: its length; else port | WEIR_SET_V6, to be equal */
	__u32 expires; /* in ticks; from then on it does not match. 0: never */
	/*
	 * To look at next where this one does not match, in nodes; 0: none. A
	 * shorter prefix around it that may outlive it, a key of the same hash.
	 */
	__u32 next;
	__u32 note; /* offset of struct weir_set_note; 0: none */
};
_Static_assert(sizeof(struct weir_set_record) == WEIR_SET_NODE, "record is not half a line");

#define WEIR_SET_V6 (1U << 16)

/* Where the first @bits of the key are those of @hi and @lo go on with @inside, else with @beside. */
struct weir_set_check {
	__u64 hi;
	__u64 lo;
	__u32 bits;
	__u32 inside;
	__u32 beside;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_set_check) == WEIR_SET_NODE, "check is not half a line");

/* For user space. */
struct weir_set_note {
	__u32 flags; /* WEIR_SET_LIVE */
	char text[]; /* comment, "" for none; NUL-terminated */
};

/* The element was added by "weir set", not by a configuration. */
#define WEIR_SET_LIVE 1

/*
 * Prefixes of a bucket, by what a key has behind the bits of its table and those
 * all keys begin with: the first WEIR_SET_SLOT_BITS of that, of which the first
 * ones say which line of the bucket it is. A slot is the prefix in the same
 * place, and behind it one bit that is 1, and then 0 to the end. All slots in use
 * are different, or equal to the one before; the longer of two nested ones stands
 * behind the other. The highest bit is set where a key that matches is to be
 * looked for in the word of the slot, the last that matches: an element with an
 * expiry, or elements that are longer than a slot. Otherwise it is in the set.
 * The words follow the lines of the bucket: __u32[WEIR_SET_SLOTS] for each line,
 * if there is any.
 */
#define WEIR_SET_SLOTS 8
#define WEIR_SET_SLOT_BITS 62
#define WEIR_SET_SLOT_ASK (1ULL << 63)
/* Matches no key. */
#define WEIR_SET_SLOT_FREE (1ULL << 62 | 1)
/* Of the longest prefix. */
#define WEIR_SET_SLOT_PREFIX (WEIR_SET_SLOT_BITS - 1)
/* Lines of a bucket at most, as a power of two. */
#define WEIR_SET_LINES_SHIFT 3

struct weir_set_line {
	__u64 slot[WEIR_SET_SLOTS];
};
_Static_assert(sizeof(struct weir_set_line) == 64, "bucket is not in cache lines");

/*
 * Keys of one family, which begin with the same bits; those and the next @bits
 * are all but @shift of the key's first 64. (hi ^ common) >> shift is the index
 * of the word, or too large, when the key begins with other bits.
 */
struct weir_set_table {
	__u64 common;
	__u32 offset; /* __u32[1 << bits] */
	__u8 shift;
	__u8 bits;
	__u16 pad;
};
_Static_assert(sizeof(struct weir_set_table) == 16, "table has holes");

/*
 * The leaves of a cover are the prefixes of 64 - @shift bits that begin with
 * what all elements have in common; (hi ^ common) >> shift is the index of one,
 * or 2^@bits or more, when nothing is there. Bit n of a map is bit n % 64 of its
 * word n / 64. Where a leaf has its bit in @covered, all of it is in the set for
 * good. Where it has not, it is as a whole outside, unless the bit of its group
 * is in @mixed: then elements that are longer or expire are near, and the table
 * knows of them.
 */
struct weir_set_cover {
	__u64 common;
	__u32 covered; /* offset of __u64[], a bit for each leaf; 0: there is no cover */
	__u32 mixed; /* offset of __u64[], a bit for each group of leaves */
	__u8 shift;
	__u8 bits;
	__u16 pad[3];
};
_Static_assert(sizeof(struct weir_set_cover) == 24, "cover has holes");

#define WEIR_SET_COVER_MAX_BITS 24
/* Leaves of a group, as a power of two. */
#define WEIR_SET_GROUP_SHIFT 3

/*
 * The head of a set. The first line is what packets read. Prefixes have a table
 * for each family, addresses and address+port one, of hashed keys; interfaces
 * one, indexed by the device's slot.
 */
struct weir_set {
	struct weir_set_table table[2]; /* IPv4, or all; IPv6 */
	union {
		__u64 factor[3]; /* of the hash */
		struct weir_set_cover cover; /* of prefixes, IPv4 */
	};
	__u32 type; /* enum weir_set_type */
	__u32 bytes; /* all of it */

	char name[WEIR_SETS_NAME_BYTES];
	__u32 records_offset; /* in ascending order: IPv4, IPv6; address, length or port */
	__u32 records_count;
	__u32 records_v4; /* how many of them are IPv4 */
	__u32 timeout_s; /* of elements added live that do not say; 0: none */
	__u64 configured[2]; /* hash of what the configuration says that is in it */
	__u64 changed_s; /* CLOCK_REALTIME of the last change */
	__u64 nothing; /* 0: the word of a table that has no keys */
	__u64 pad[2];
};
_Static_assert(sizeof(struct weir_set) == 192, "set header is not three cache lines");

/* Expiry is in ticks of the coarse monotonic clock: 67 ms, 9 years in 32 bits. */
#define WEIR_SET_TICK_SHIFT 26

/*
 * Of an exact key; its first bits are the best. The factors are odd, random and
 * secret: nobody can choose keys that share a hash. Some do all the same.
 */
static inline __attribute__((always_inline)) __u64 weir_set_hash(__u64 hi, __u64 lo, __u32 detail,
								 const __u64 factor[3])
{
	return hi * factor[0] + lo * factor[1] + detail * factor[2];
}

#endif
