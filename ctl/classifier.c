// SPDX-License-Identifier: GPL-2.0-or-later
#include "classifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "classifier_cut.h"
#include "classifier_vectors.h"
#include "own.h"

/* A leaf with so few terms is not worth another level. */
#define LEAF_TERMS 4
/* A forest of so few terms is one leaf. */
#define FOREST_TERMS 8
/* Terms in all leaves for each term there is, before leaves grow instead. */
#define COPIES_MAX 32
/* What one tree for all is given: so many terms, copies, and terms in a leaf. */
#define ONE_TERMS 2048
#define ONE_COPIES 12
#define ONE_LEAF WEIR_LEAF_TERMS
/* From so many terms on another thread is worth its while. */
#define BESIDE_TERMS 4096

const struct box box_all = { .last = { [0 ... WEIR_KEY_COUNT - 1] = ~0U } };

/* One tree while it grows. */
struct tree {
	struct builder *b;
	const struct boxed *terms;
	enum weir_family family;
	__u32 keys; /* 1 << enum weir_key that terms have borders in */
	size_t copies_left;
	__u32 depth;
	__u32 largest; /* leaf, in terms */
};

static bool covers(const struct box *outer, const struct box *inner)
{
	for (int k = 0; k < WEIR_KEY_COUNT; k++) {
		if (outer->first[k] > inner->first[k] || outer->last[k] < inner->last[k])
			return false;
	}
	return true;
}

/*
 * What stands behind a term that decides for the whole box is never reached.
 * Frames without addresses lack more than a box can tell.
 */
static __u32 reachable(const struct tree *t, const struct box *box, const __u32 *list, __u32 count)
{
	for (__u32 i = 0; i < count && t->family != WEIR_FAMILY_OTHER; i++) {
		if (t->terms[list[i]].decides && covers(&t->terms[list[i]].box, box))
			return i + 1;
	}
	return count;
}

static void put_leaf(struct tree *t, __u32 at, const __u32 *list, __u32 count)
{
	__u32 place = at + offsetof(struct weir_node, term);
	struct weir_node *node;
	__u32 *out;

	if (count > WEIR_LEAF_TERMS)
		place = builder_add(t->b, count * sizeof(*list));
	node = BUILDER_AT(t->b, at, struct weir_node);
	if (!node)
		return;
	node->head = WEIR_NODE_HEAD(at, 0, WEIR_NODE_LEAF);
	node->count = count;
	node->list = place;
	if (count)
		node->term[0] = list[0];
	out = BUILDER_AT(t->b, place, __u32);
	for (__u32 i = 0; i < count; i++)
		out[i] = list[i] | (t->terms[list[i]].asks ? WEIR_TERM_ASKS : 0);
	t->copies_left -= count < t->copies_left ? count : t->copies_left;
	if (count > t->largest)
		t->largest = count;
}

static void grow(struct tree *t, __u32 at, struct box *box, __u32 *list, __u32 count, __u32 depth);

/* The terms of each child, in one list. */
struct parts {
	__u32 *list;
	__u32 begin[WEIR_NODE_CHILDREN + 1];
};

/* Which children each term of @list reaches into, the first and the last of them. */
static void find_children(const struct tree *t, const struct cut *cut, const __u32 *list,
			  __u32 count, __u8 (*reach)[2], __u32 sizes[WEIR_NODE_CHILDREN])
{
	for (__u32 i = 0; i < count; i++) {
		const struct box *box = &t->terms[list[i]].box;

		reach[i][0] = cut_child(cut, box->first[cut->key]);
		reach[i][1] = cut_child(cut, box->last[cut->key]);
		for (__u32 child = reach[i][0]; child <= reach[i][1]; child++)
			sizes[child]++;
	}
}

/* Returns 0 with what the caller frees in @parts, or -ENOMEM. */
static int part(const struct tree *t, const struct cut *cut, const __u32 *list, __u32 count,
		struct parts *parts)
{
	OWN_FREE __u8(*reach)[2] = malloc(count * sizeof(*reach));
	__u32 sizes[WEIR_NODE_CHILDREN] = {}, at[WEIR_NODE_CHILDREN], total = 0;

	if (!reach)
		return -ENOMEM;
	find_children(t, cut, list, count, reach, sizes);
	for (int child = 0; child < WEIR_NODE_CHILDREN; child++) {
		parts->begin[child] = at[child] = total;
		total += sizes[child];
	}
	parts->begin[WEIR_NODE_CHILDREN] = total;
	parts->list = malloc((total + 1) * sizeof(*parts->list));
	if (!parts->list)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++) {
		for (__u32 child = reach[i][0]; child <= reach[i][1]; child++)
			parts->list[at[child]++] = list[i];
	}
	return 0;
}

static void grow_children(struct tree *t, const struct cut *cut, __u32 next, struct box *box,
			  const __u32 *list, __u32 count, __u32 depth)
{
	__u32 first = box->first[cut->key], last = box->last[cut->key];
	struct parts parts;

	if (part(t, cut, list, count, &parts)) {
		t->b->error = -ENOMEM;
		return;
	}
	for (__u32 child = 0; child <= cut->count && !t->b->error; child++) {
		__u32 begin = parts.begin[child];

		box->first[cut->key] = child ? cut_first(cut, child) : first;
		box->last[cut->key] = child < cut->count ? cut_last(cut, child) : last;
		grow(t, next + child * sizeof(struct weir_node), box, parts.list + begin,
		     parts.begin[child + 1] - begin, depth + 1);
	}
	free(parts.list);
	box->first[cut->key] = first;
	box->last[cut->key] = last;
}

static void put_inner(struct tree *t, const struct cut *cut, __u32 at, __u32 next)
{
	struct weir_node *node = BUILDER_AT(t->b, at, struct weir_node);

	if (!node)
		return;
	*node = (struct weir_node){ .head = WEIR_NODE_HEAD(next, cut->key, WEIR_NODE_INNER) };
	memset(node->cut, 0xff, sizeof(node->cut));
	memcpy(node->cut, cut->at, cut->count * sizeof(*cut->at));
}

/* The subtree for @list, whose terms all reach into @box, in the node at @at. */
static void grow(struct tree *t, __u32 at, struct box *box, __u32 *list, __u32 count, __u32 depth)
{
	struct cut cut;
	__u32 next;

	count = reachable(t, box, list, count);
	if (count <= LEAF_TERMS || depth == WEIR_FOREST_DEPTH || !t->copies_left ||
	    !cut_choose(t->terms, list, count, box, t->keys, &cut)) {
		put_leaf(t, at, list, count);
		return;
	}
	next = builder_add(t->b, (cut.count + 1) * sizeof(struct weir_node));
	put_inner(t, &cut, at, next);
	if (depth + 1 > t->depth)
		t->depth = depth + 1;
	if (!t->b->error)
		grow_children(t, &cut, next, box, list, count, depth);
}

static bool is_narrow(const struct box *box, int key)
{
	return box->last[key] - box->first[key] < 1U << 20;
}

/* Which addresses a term tells apart: what is wide in one would be copied by cuts there. */
static int group_of(const struct boxed *term, enum weir_family family)
{
	int word = family == WEIR_FAMILY_V4 ? 3 : 0;

	if (family == WEIR_FAMILY_OTHER)
		return 0;
	return is_narrow(&term->box, WEIR_KEY_SRC + word) |
	       is_narrow(&term->box, WEIR_KEY_DST + word) << 1;
}

/* Terms that share a tree, ascending. */
struct group {
	__u32 *list;
	__u32 count;
};

/* The terms sorted into groups; @list has room for all. */
static void take_groups(const struct boxed *terms, __u32 count, enum weir_family family,
			__u32 *list, struct group groups[WEIR_FOREST_TREES])
{
	for (int group = 0; group < WEIR_FOREST_TREES; group++) {
		groups[group] = (struct group){ .list = list };
		for (__u32 i = 0; i < count; i++) {
			if (group_of(&terms[i], family) == group)
				*list++ = i;
		}
		groups[group].count = list - groups[group].list;
	}
}

static int by_first(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (!x->count || !y->count)
		return !x->count - !y->count;
	return x->list[0] < y->list[0] ? -1 : x->list[0] > y->list[0];
}

/* Every packet of a family lies in here. */
static struct box family_box(enum weir_family family)
{
	struct box box = box_all;

	for (int word = 0; word < 3 && family == WEIR_FAMILY_V4; word++) {
		box.first[WEIR_KEY_SRC + word] = box.last[WEIR_KEY_SRC + word] =
			word == 2 ? 0xffff : 0;
		box.first[WEIR_KEY_DST + word] = box.last[WEIR_KEY_DST + word] =
			word == 2 ? 0xffff : 0;
	}
	return box;
}

/* Keys of @all that some term does not hold for all of; most filters look at few. */
static __u32 used_keys(const struct boxed *terms, const struct group *g, const struct box *all)
{
	__u32 keys = 0;

	for (__u32 i = 0; i < g->count; i++) {
		const struct box *box = &terms[g->list[i]].box;

		for (int key = 0; key < WEIR_KEY_COUNT; key++)
			keys |= (__u32)(box->first[key] > all->first[key] ||
					box->last[key] < all->last[key])
				<< key;
	}
	return keys;
}

/* t->copies_left is that of a term until now. */
static void plant(struct tree *t, const struct group *g, struct weir_forest *forest, __u32 place)
{
	struct box box = family_box(t->family);

	t->keys = used_keys(t->terms, g, &box);
	t->copies_left = (size_t)g->count * t->copies_left + 64;
	forest->root[place] = builder_add(t->b, sizeof(struct weir_node));
	grow(t, forest->root[place], &box, g->list, g->count, 0);
	forest->depth[place] = t->depth;
}

/*
 * One tree for all terms costs a packet least, where it need not copy many.
 * Returns false, and leaves nothing behind, where it must.
 */
static bool plant_one(struct builder *b, const struct boxed *terms, __u32 *list, __u32 count,
		      enum weir_family family, struct weir_forest *forest)
{
	struct tree t = { .b = b, .terms = terms, .family = family, .copies_left = ONE_COPIES };
	struct group all = { .list = list, .count = count };
	size_t before = b->used;

	for (__u32 i = 0; i < count; i++)
		list[i] = i;
	plant(&t, &all, forest, 0);
	if (b->error || count <= FOREST_TERMS || (t.copies_left && t.largest <= ONE_LEAF)) {
		forest->trees = 1;
		return true;
	}
	b->used = before;
	forest->depth[0] = 0;
	return false;
}

/* Some of the trees of a forest. */
struct planting {
	struct builder *b;
	const struct boxed *terms;
	enum weir_family family;
	const struct group *groups;
	struct weir_forest *forest;
	__u32 first, end; /* of the trees */
};

static void *plant_some(void *arg)
{
	const struct planting *p = arg;

	for (__u32 i = p->first; i < p->end; i++) {
		struct tree t = {
			.b = p->b, .terms = p->terms, .family = p->family, .copies_left = COPIES_MAX
		};

		plant(&t, &p->groups[i], p->forest, i);
	}
	return NULL;
}

/* A tree that grew in another image, with its root at @at in this one: @by further on. */
static void move_tree(struct builder *b, __u32 at, __u32 by)
{
	struct weir_node *node = BUILDER_AT(b, at, struct weir_node);
	__u32 next;

	node->head += WEIR_NODE_HEAD(by, 0, 0);
	if (WEIR_NODE_MASK(node->head) == WEIR_NODE_LEAF) {
		node->list += by;
		return;
	}
	next = WEIR_NODE_NEXT(node->head);
	move_tree(b, next, by);
	for (__u32 i = 0; i < WEIR_NODE_CUTS && node->cut[i] != ~0U; i++)
		move_tree(b, next + (i + 1) * sizeof(*node), by);
}

/* Append what was built by itself. */
static void take_planted(struct builder *b, const struct planting *p)
{
	__u32 base = builder_copy(b, p->b->bytes, p->b->used);

	if (p->b->error)
		b->error = p->b->error;
	for (__u32 i = p->first; i < p->end && !b->error; i++) {
		p->forest->root[i] += base;
		move_tree(b, p->forest->root[i], base);
	}
	free(p->b->bytes);
}

/* The first tree here and the others beside it, which then follow it all the same. */
static void plant_beside(struct planting *all)
{
	struct builder beside = {};
	struct planting first = *all, rest = *all;
	pthread_t thread;

	first.end = rest.first = 1;
	rest.b = &beside;
	if (pthread_create(&thread, NULL, plant_some, &rest)) {
		plant_some(all);
		return;
	}
	plant_some(&first);
	pthread_join(thread, NULL);
	take_planted(all->b, &rest);
}

void classifier_build(struct builder *b, const struct boxed *terms, __u32 count,
		      enum weir_family family, struct weir_forest *forest)
{
	OWN_FREE __u32 *list = malloc((count + 1) * sizeof(*list));
	struct group groups[WEIR_FOREST_TREES];
	struct planting all;

	if (!list) {
		b->error = -ENOMEM;
		return;
	}
	if (count > FOREST_TERMS && family == WEIR_FAMILY_V4 &&
	    vectors_build(b, terms, count, forest))
		return;
	if (!count || (count <= ONE_TERMS && plant_one(b, terms, list, count, family, forest)))
		return;
	take_groups(terms, count, family, list, groups);
	/* A match in an early tree spares the search in those that begin later. */
	qsort(groups, WEIR_FOREST_TREES, sizeof(groups[0]), by_first);
	forest->trees = WEIR_FOREST_TREES;
	all = (struct planting){ b, terms, family, groups, forest, 0, WEIR_FOREST_TREES };
	if (count < BESIDE_TERMS)
		plant_some(&all);
	else
		plant_beside(&all);
}
