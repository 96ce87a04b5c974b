/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of a set, as weir/set.h describes them.
 */
#ifndef WEIR_SET_TREE_H
#define WEIR_SET_TREE_H

#include "set.h"

#define SET_KEY_BITS 128

/* Memory that grows; begins with the head of a set. */
struct set_memory {
	char *bytes;
	size_t used;
	size_t room;
	int error; /* -ENOMEM, -E2BIG or -EINVAL; sticky */
	/* Of the table that is being filled, where it may lead to buckets: bits before its slots. */
	__u32 slots_depth; /* 0: it may not */
};

/* Valid until the next set_memory_add(). */
#define SET_AT(m, offset, type) ((type *)((m)->bytes + (offset)))

/* Room for zeroes at an offset that is a multiple of @align, a power of two. */
__u32 set_memory_add(struct set_memory *m, size_t size, size_t align);

/* What a table leads to: keys of the first @bits, and the word of the record. */
struct set_item {
	__u64 hi;
	__u64 lo;
	__u32 bits;
	__u32 word;
};

/* Sorted by key, shorter ones first, each once. Fills the head's table of @family. */
void set_tree_add(struct set_memory *m, int family, const struct set_item *items, size_t count);

/* The same of prefixes: the table leads to buckets where that is worth it. */
void set_tree_add_prefixes(struct set_memory *m, int family, const struct set_item *items,
			   size_t count);

/*
 * The word for a region of keys that begin with the same @depth bits.
 *
 * @items   all are longer than that
 * @around  word of the longest key that is not
 */
__u32 set_region_add(struct set_memory *m, const struct set_item *items, size_t count, __u32 depth,
		     __u32 around);

/* A node of zeroes; its word. */
__u32 set_node_add(struct set_memory *m, size_t size, enum weir_set_kind kind);

/* Bits, at most @most, that all of a sorted list, which has one, have in common. */
__u32 set_common_bits(const struct set_item *items, size_t count, __u32 most);

/* Whether the prefix @r has the key. */
bool set_key_within(__u64 hi, __u64 lo, const struct weir_set_record *r);

/* The key of an interface's name. */
void set_interface_key(const char *name, struct set_element *e);

#endif
