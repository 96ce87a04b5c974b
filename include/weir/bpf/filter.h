/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter: the first rule that matches and decides. The forest names the
 * terms that may hold for the packet, and each is checked in full.
 */
#ifndef WEIR_BPF_FILTER_H
#define WEIR_BPF_FILTER_H

#include "weir/bpf/condition.h"
#include "weir/bpf/forest.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/term.h"
#include "weir/filter.h"

#define NO_TERM (WEIR_TERM_ASKS - 1)

/* More steps than any search takes; the kernel's own bound. */
#define STEPS_MAX (1U << 23)

/* Terms of one leaf that are still to be tried: offset of their numbers, and how many. */
struct trial {
	__u32 list;
	__u32 count;
};

struct walk {
	struct keys keys;
	struct term_view view;
	struct trial trial[WEIR_FOREST_TREES]; /* the first is at work; they take turns */
	__u32 leaf[WEIR_FOREST_TREES]; /* offsets of nodes */
	__u32 left; /* leaves of this round */
	__u32 best; /* the first term that holds, of this round so far */
	__u32 floor; /* terms before it were taken in earlier rounds */
	__u32 is_wide; /* terms are struct weir_term6 */
	__u32 reason;
};

/*
 * What a packet is worked on with, one per CPU: too large for the stack, and
 * the verifier, which does not follow what is in a map, checks it faster.
 * Packets are handled with softirqs off, so no two of a CPU meet.
 */
struct scratch {
	struct pkt pkt;
	struct walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} weir_scratch SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_scratch, &zero);
}

struct search {
	const struct weir_image *image;
	const struct weir_filter *filter;
	const struct weir_forest *forest;
	struct scratch *scratch;
};

static __always_inline const struct weir_term_rule *rule_of(const struct search *s, __u32 term)
{
	return image_at(s->image, s->forest->rules_offset + term * sizeof(struct weir_term_rule));
}

static __always_inline bool term_holds(const struct search *s, __u32 term)
{
	const struct scratch *scratch = s->scratch;
	__u32 base = s->forest->terms_offset;
	const struct weir_term_rule *rule;

	if (!scratch->walk.is_wide) {
		if (!term4_holds(image_at(s->image, base + term * sizeof(struct weir_term4)),
				 &scratch->walk.view))
			return false;
	} else if (!term6_holds(image_at(s->image, base + term * sizeof(struct weir_term6)),
				&scratch->walk.view)) {
		return false;
	}
	rule = rule_of(s, term);
	return !rule->conditions_count || conditions_hold(s->image, rule, &scratch->pkt);
}

static __always_inline void judge_by_default(struct search *s)
{
	const struct pkt *p = &s->scratch->pkt;

	if (!(p->has & PKT_IP))
		return;
	count_rule(s->filter->default_id, p->bytes);
	s->scratch->walk.reason = s->filter->default_action == WEIR_ACTION_PASS
					  ? WEIR_R_FILTER_PASS
					  : WEIR_R_FILTER_DEFAULT;
}

/* What the rule of w->best does. Returns 1 where it decides, else another round begins. */
static __always_inline long act(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	const struct weir_term_rule *rule = rule_of(s, w->best);

	count_rule(rule->id, s->scratch->pkt.bytes);
	if (rule->reason) {
		w->reason = rule->reason;
		return 1;
	}
	w->floor = w->best + 1;
	w->best = NO_TERM;
	w->left = s->forest->trees;
	return 0;
}

static __always_inline long end_leaf(struct search *s)
{
	struct walk *w = &s->scratch->walk;

	if (s->forest->trees > 1) {
		struct trial first = w->trial[0];

		w->trial[0] = w->trial[1];
		w->trial[1] = w->trial[2];
		w->trial[2] = w->trial[3];
		w->trial[3] = first;
	}
	if (--w->left)
		return 0;
	if (w->best != NO_TERM)
		return act(s);
	judge_by_default(s);
	return 1;
}

/*
 * Try one term, or go on to the next leaf; at the end of a round, take the first
 * term that holds. One loop and not three within each other, which the verifier
 * would follow for long. Returns 1 when the packet is judged.
 */
static long step(__u32 unused, struct search *s)
{
	struct walk *w = &s->scratch->walk;
	__u32 term;

	if (!w->trial[0].count)
		return end_leaf(s);
	term = WEIR_TERM_NUMBER(*(const __u32 *)image_at(s->image, w->trial[0].list));
	if (term >= w->best)
		return end_leaf(s);
	if (term >= w->floor && term_holds(s, term)) {
		w->best = term;
		return end_leaf(s);
	}
	w->trial[0].list += sizeof(term);
	w->trial[0].count--;
	return 0;
}

/*
 * The first term of a short leaf that holds, before @best, as the leaf lists it;
 * @best where there is none, and WEIR_TERM_ASKS where it cannot be told here.
 */
#define FIRST_IN_LEAF(name, type, holds)                                                        \
	static __noinline __u32 name(const struct weir_image *image, __u32 leaf, __u32 terms,   \
				     const struct term_view *view, __u32 best)                  \
	{                                                                                       \
		const struct weir_node *node = image_at(image, leaf);                           \
                                                                                                \
		if (node->count > WEIR_LEAF_TERMS)                                              \
			return WEIR_TERM_ASKS;                                                  \
		for (__u32 i = 0; i < WEIR_LEAF_TERMS; i++) {                                   \
			__u32 listed = node->term[i], number = WEIR_TERM_NUMBER(listed);        \
                                                                                                \
			if (i >= node->count || number >= best)                                 \
				break;                                                          \
			if (holds(image_at(image, terms + number * sizeof(struct type)), view)) \
				return listed;                                                  \
		}                                                                               \
		return best;                                                                    \
	}

FIRST_IN_LEAF(first_in_leaf4, weir_term4, term4_holds)
FIRST_IN_LEAF(first_in_leaf6, weir_term6, term6_holds)

static __always_inline __u32 first_in_leaf(const struct search *s, __u32 leaf, __u32 best)
{
	const struct term_view *view = &s->scratch->walk.view;
	__u32 terms = s->forest->terms_offset;

	if (best & WEIR_TERM_ASKS)
		return best;
	return s->scratch->walk.is_wide ? first_in_leaf6(s->image, leaf, terms, view, best)
					: first_in_leaf4(s->image, leaf, terms, view, best);
}

/*
 * Most packets are judged by the first term that holds in leaves of a few that
 * ask for nothing more: find it. WEIR_TERM_ASKS or more where that is not so.
 */
static __always_inline __u32 first_term(const struct search *s)
{
	struct walk *w = &s->scratch->walk;
	__u32 first = NO_TERM;

	if (s->forest->trees == 1) {
		w->leaf[0] = walk_one(s->image, s->forest, &w->keys);
		return first_in_leaf(s, w->leaf[0], NO_TERM);
	}
	walk_all(s->image, s->forest, &w->keys, w->leaf);
#pragma unroll
	for (int t = 0; t < WEIR_FOREST_TREES; t++)
		first = first_in_leaf(s, w->leaf[t], first);
	return first;
}

/* Search by steps, from w->floor on. */
static __always_inline void judge_by_steps(struct search *s)
{
	struct walk *w = &s->scratch->walk;

#pragma unroll
	for (__u32 t = 0; t < WEIR_FOREST_TREES; t++) {
		const struct weir_node *node = image_at(s->image, w->leaf[t]);

		w->trial[t].list = node->list;
		w->trial[t].count = node->count;
	}
	w->left = s->forest->trees;
	w->best = NO_TERM;
	bpf_loop(STEPS_MAX, step, s, 0);
}

static __always_inline enum weir_family family_of(const struct pkt *p)
{
	if (!(p->has & PKT_ADDR))
		return WEIR_FAMILY_OTHER;
	return p->is_v6 ? WEIR_FAMILY_V6 : WEIR_FAMILY_V4;
}

/*
 * Run a filter over the packet in @scratch, parsed as deep as the filter reads.
 * A frame that is not IP is judged only by rules that ask for what every frame
 * has, and not by the default: a default of drop would cut ARP.
 *
 * Returns an enum weir_reason.
 */
static __noinline int filter_run(const struct weir_image *image, const struct weir_filter *f,
				 struct scratch *scratch)
{
	struct search s = { .image = image, .filter = f, .scratch = scratch };
	struct walk *w = &scratch->walk;
	enum weir_family family;

	if (!(scratch->pkt.has & PKT_IP) && !f->judges_all)
		return WEIR_R_CONTINUE;
	w->reason = WEIR_R_CONTINUE;
	family = family_of(&scratch->pkt);
	s.forest = &f->forest[family];
	w->is_wide = family == WEIR_FAMILY_V6;
	if (!s.forest->trees) {
		judge_by_default(&s);
		return w->reason;
	}
	keys_of(&w->keys, &scratch->pkt, f->link_keys);
	term_view(&w->view, &scratch->pkt);
	w->floor = 0;
	w->best = first_term(&s);
	if (w->best & WEIR_TERM_ASKS)
		judge_by_steps(&s);
	else if (w->best == NO_TERM)
		judge_by_default(&s);
	else if (!act(&s))
		judge_by_steps(&s);
	return w->reason;
}

static __always_inline const struct weir_filter *filter_of(const struct weir_image *image,
							   const struct weir_device *device)
{
	return image_at(image, device->filter_offset);
}

static __always_inline enum weir_reason
filter(const struct weir_image *image, const struct weir_device *device, struct scratch *scratch)
{
	return filter_run(image, filter_of(image, device), scratch);
}

#endif
