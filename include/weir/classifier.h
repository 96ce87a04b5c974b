/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a filter finds its rules without looking at each: a forest of wide
 * decision trees whose leaves name the few terms that can hold for a packet.
 *
 * A packet is a list of 32-bit keys. A node is one cache line: it compares one
 * key with up to 15 numbers and so has up to 16 children, which lie side by
 * side. A leaf's child is the leaf itself, so that all trees of a forest are
 * walked in step, for as many levels as the deepest one has, without a branch.
 */
#ifndef WEIR_CLASSIFIER_H
#define WEIR_CLASSIFIER_H

#include <linux/types.h>

/*
 * What a packet is compared by, in host order. X(symbol, keys, absent)
 *
 * @keys    how many of them: an address is four words, the first the highest
 * @absent  the value of a packet without the field, outside the field's own
 *          values; 0 where every packet has it
 */
#define WEIR_KEYS(X)                                                      \
	X(SRC, 4, 0)                                                      \
	X(DST, 4, 0)                                                      \
	X(SPORT, 1, 0x10000)                                              \
	X(DPORT, 1, 0x10000)                                              \
	X(PROTO, 1, 0x100)                                                \
	X(ICMP, 1, 0x10000) /* type << 8 | code */                        \
	X(VLAN, 1, 0x1000)                                                \
	X(LENGTH, 1, 0x80000000)                                          \
	X(SMAC, 1, 0) /* the low 32 of 48 bits, which tell cards apart */ \
	X(DMAC, 1, 0)

enum weir_key {
#define X(sym, keys, absent) WEIR_KEY_##sym, WEIR_KEY_##sym##_LAST = WEIR_KEY_##sym + (keys)-1,
	WEIR_KEYS(X)
#undef X
		WEIR_KEY_COUNT
};
_Static_assert(WEIR_KEY_COUNT == 16, "a node's key is masked with 15");

enum {
#define X(sym, keys, absent) WEIR_ABSENT_##sym = (int)(absent),
	WEIR_KEYS(X)
#undef X
};

#define WEIR_NODE_CUTS 15
#define WEIR_NODE_CHILDREN (WEIR_NODE_CUTS + 1)
#define WEIR_LEAF_TERMS 13

/*
 * The head of a node holds, from the highest bit: 24 of where child 0 is, in
 * nodes from the start of the image, of a leaf the leaf itself; 4 of the key;
 * 4 that are 15 in an inner node and 0 in a leaf.
 */
#define WEIR_NODE_HEAD(offset, key, mask) ((offset) / 64 << 8 | (key) << 4 | (mask))
#define WEIR_NODE_NEXT(head) (((head) & ~0xffU) >> 2)
#define WEIR_NODE_KEY(head) ((head) >> 4 & 15)
#define WEIR_NODE_MASK(head) ((head)&15)
/* A number in a leaf's list, and whether more is asked than the term says. */
#define WEIR_TERM_ASKS (1U << 31)
#define WEIR_TERM_NUMBER(listed) ((listed) & ~WEIR_TERM_ASKS)

#define WEIR_NODE_LEAF 0
#define WEIR_NODE_INNER 15

struct weir_node {
	__u32 head;
	union {
		/*
		 * Inner: the packet belongs to the child with the number of cuts
		 * below its key. Ascending; unused ones are ~0.
		 */
		__u32 cut[WEIR_NODE_CUTS];
		struct {
			__u32 count; /* of terms that can hold */
			__u32 list; /* offset of their numbers, ascending, WEIR_TERM_ASKS apart */
			__u32 term[WEIR_LEAF_TERMS]; /* the list, where it fits, or its first */
		};
	};
};
_Static_assert(sizeof(struct weir_node) == 64, "node is not a cache line");

/*
 * Few terms of IPv4 need no forest: each value of a field has a row of bits, one
 * for each term, and the terms that can hold have their bit in the rows of all
 * fields. X(symbol, bits of the key but for the highest, by which a root goes)
 */
#define WEIR_VECTORS(X) \
	X(SRC_LAST, 24) \
	X(DST_LAST, 24) \
	X(SPORT, 8)     \
	X(DPORT, 8)     \
	X(PROTO, 0)

enum weir_vector {
#define X(sym, bits) WEIR_VECTOR_##sym,
	WEIR_VECTORS(X)
#undef X
		WEIR_VECTOR_COUNT
};

/*
 * From a root, which is indexed by what a key is above its low bits, a trie of
 * 8 bits a level leads to the row. An entry holds 24 bits of where the next
 * table or the row is, in lines from the start of the image, and 255 for a
 * table of 256 entries or 0 for a row. A row's first entry leads to itself, so
 * that all packets take as many steps, without a branch. Term n is the bit
 * n + 64 of the row: there are none in the first word.
 */
#define WEIR_VECTOR_ENTRY(offset, mask) ((offset) / 64 << 8 | (mask))
#define WEIR_VECTOR_NEXT(entry) ((entry) >> 2 & ~63U)
#define WEIR_VECTOR_TABLE 255
#define WEIR_VECTOR_ROW 0
#define WEIR_VECTOR_ROOT 257
/* Words that are looked at together; a row has whole groups. */
#define WEIR_VECTOR_GROUP 4
#define WEIR_VECTOR_GROUPS 6
#define WEIR_VECTOR_TERMS ((WEIR_VECTOR_GROUP * WEIR_VECTOR_GROUPS - 1) * 64)

struct weir_vectors {
	__u32 root[WEIR_VECTOR_COUNT]; /* offset of __u32[WEIR_VECTOR_ROOT] */
	__u32 groups;
	__u32 pad[10];
};
_Static_assert(sizeof(struct weir_vectors) == 64, "vectors are not a cache line");

#define WEIR_FOREST_TREES 4
#define WEIR_FOREST_DEPTH 8
/* In place of a number of trees. */
#define WEIR_FOREST_VECTORS 255

struct weir_forest {
	__u32 trees; /* 0, 1 or all; some may be empty leaves */
	__u8 depth[WEIR_FOREST_TREES]; /* levels of inner nodes of each */
	/* Offsets; the tree of the lowest term first. Or of struct weir_vectors. */
	__u32 root[WEIR_FOREST_TREES];
	__u32 terms_offset; /* struct weir_term4[] or weir_term6[] by number */
	__u32 rules_offset; /* struct weir_term_rule[] by number */
};
_Static_assert(sizeof(struct weir_forest) == 32, "forest has holes");

#endif
