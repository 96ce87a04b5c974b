/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a filter finds its rules without looking at each: a forest of wide
 * decision trees whose leaves name the few terms that can hold for a packet.
 *
 * A packet is a list of 32-bit keys. A node is one cache line: it compares one
 * key with up to 13 numbers and so has up to 14 children, which lie side by
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

#define WEIR_NODE_CUTS 13
#define WEIR_NODE_CHILDREN (WEIR_NODE_CUTS + 1)
#define WEIR_NODE_LEAF 0 /* of weir_node.mask */
#define WEIR_NODE_INNER 15

struct weir_node {
	__u32 next; /* inner: offset of child 0; leaf: of itself */
	__u32 terms; /* leaf: offset of @count numbers of terms, ascending */
	__u16 count;
	__u8 key; /* inner: enum weir_key */
	__u8 mask; /* WEIR_NODE_* */
	union {
		__u32 cut[WEIR_NODE_CUTS]; /* inner: a packet belongs to the child
					    * with the number of cuts below its
					    * key; unused ones are ~0 */
		__u32 term[WEIR_NODE_CUTS]; /* leaf: terms, where they fit */
	};
};
_Static_assert(sizeof(struct weir_node) == 64, "node is not a cache line");

/* Trees by which addresses their terms tell apart: both, either, none. */
#define WEIR_FOREST_TREES 4
#define WEIR_FOREST_DEPTH 8

struct weir_forest {
	__u32 trees; /* 0, 1 or all; some may be empty leaves */
	__u32 depth; /* levels of inner nodes of the deepest */
	__u32 root[WEIR_FOREST_TREES]; /* offsets; the tree of the lowest term first */
};
_Static_assert(sizeof(struct weir_forest) == 24, "forest has holes");

#endif
