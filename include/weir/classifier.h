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
			__u32 term[WEIR_LEAF_TERMS]; /* the list itself, where it fits */
		};
	};
};
_Static_assert(sizeof(struct weir_node) == 64, "node is not a cache line");

#define WEIR_FOREST_TREES 4
#define WEIR_FOREST_DEPTH 8

struct weir_forest {
	__u32 trees; /* 0, 1 or all; some may be empty leaves */
	__u32 depth; /* levels of inner nodes of the deepest */
	__u32 root[WEIR_FOREST_TREES]; /* offsets; the tree of the lowest term first */
	__u32 terms_offset; /* struct weir_term4[] or weir_term6[] by number */
	__u32 rules_offset; /* struct weir_term_rule[] by number */
};
_Static_assert(sizeof(struct weir_forest) == 32, "forest has holes");

#endif
