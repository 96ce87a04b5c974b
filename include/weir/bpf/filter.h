/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter: the first rule that matches and decides. The forest names the
 * terms that may hold for the packet, and each is checked in full.
 */
#ifndef WEIR_BPF_FILTER_H
#define WEIR_BPF_FILTER_H

#include "weir/bpf/choice.h"
#include "weir/bpf/condition.h"
#include "weir/bpf/forest.h"
#include "weir/bpf/limit.h"
#include "weir/bpf/log.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/nat.h"
#include "weir/bpf/packet.h"
#include "weir/bpf/term.h"
#include "weir/bpf/timed.h"
#include "weir/bpf/vectors.h"
#include "weir/filter.h"

#define NO_TERM (WEIR_TERM_ASKS - 1)
#define UNKNOWN_TERM (NO_TERM - 1)

/* Every round takes one term at least; the kernel's own bound. */
#define ROUNDS_MAX (1U << 23)

/* The search for the first term that holds, and was not yet taken. */
struct walk {
	struct keys keys;
	struct term_view view;
	union {
		struct bits bits;
		__u32 leaf[WEIR_FOREST_TREES]; /* offsets of nodes */
	};
	__u32 best; /* as the leaf lists it; the first so far */
	__u32 floor; /* terms before it were taken, or were not what they seemed */
	__u32 next; /* term that holds, or UNKNOWN_TERM */
	__u32 is_wide; /* terms are struct weir_term6 */
	__u32 is_begun; /* what is above is of this packet, and @next was not judged */
	__u32 list; /* of a long leaf: offset of the next number */
	__u32 reason;
};

/*
 * What a packet is worked on with, one per CPU: too large for the stack, and
 * the verifier, which does not follow what is in a map, checks it faster.
 * Packets are handled with softirqs off, so no two of a CPU meet.
 */
struct scratch {
	struct weir_first_counters first;
	struct pkt pkt;
	struct walk walk;
	struct log_waiting log;
	struct choice choice;
	struct pkt quoted; /* the flow that an ICMP error is about */
	struct nat nat;
	struct timed timed;
	enum weir_reason admitted; /* what filter and decap say */
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
	void *ctx;
	const struct weir_image *image;
	const struct weir_filter *filter;
	const struct weir_forest *forest;
	struct scratch *scratch;
};

/*
 * Looking through a leaf for the first term that holds, for terms of one size:
 * a question for the size in each turn is one that the verifier asks again and
 * again, too. Where a leaf has more terms than lie in its node, a loop of the
 * kernel's takes over.
 *
 * try_NAME() looks at a term as its leaf lists it. Returns 1 where that ends
 * the search: it holds, or an earlier one is known. The others return 0.
 */
#define SEARCH(name, type, differs)                                                           \
	static __always_inline long try_##name(const struct search *s, struct walk *w,        \
					       __u32 terms, __u32 listed)                     \
	{                                                                                     \
		__u32 number = WEIR_TERM_NUMBER(listed);                                      \
		const struct type *term = image_at(s->image, terms + number * sizeof(*term)); \
                                                                                              \
		if (number >= WEIR_TERM_NUMBER(w->best))                                      \
			return 1;                                                             \
		if (differs(term, &w->keys, &w->view) | is_below(number, w->floor))           \
			return 0;                                                             \
		w->best = listed;                                                             \
		return 1;                                                                     \
	}                                                                                     \
                                                                                              \
	static long try_listed_##name(__u32 unused, struct search *s)                         \
	{                                                                                     \
		struct walk *w = &s->scratch->walk;                                           \
		const __u32 *listed = image_at(s->image, w->list);                            \
                                                                                              \
		w->list += sizeof(*listed);                                                   \
		return try_##name(s, w, s->forest->terms_offset, *listed);                    \
	}                                                                                     \
                                                                                              \
	static __always_inline int search_long_##name(struct search *s,                       \
						      const struct weir_node *node)           \
	{                                                                                     \
		s->scratch->walk.list = node->list;                                           \
		bpf_loop(node->count, try_listed_##name, s, 0);                               \
		return 0;                                                                     \
	}                                                                                     \
                                                                                              \
	static __noinline int search_##name(struct search *s, __u32 leaf)                     \
	{                                                                                     \
		const struct weir_node *node = image_at(s->image, leaf);                      \
		struct walk *w = &s->scratch->walk;                                           \
		__u32 terms = s->forest->terms_offset;                                        \
                                                                                              \
		if (node->count > WEIR_LEAF_TERMS)                                            \
			return WEIR_TERM_NUMBER(node->term[0]) < WEIR_TERM_NUMBER(w->best)    \
				       ? search_long_##name(s, node)                          \
				       : 0;                                                   \
		for (__u32 i = 0; i < WEIR_LEAF_TERMS && i < node->count; i++) {              \
			if (try_##name(s, w, terms, node->term[i]))                           \
				break;                                                        \
		}                                                                             \
		return 0;                                                                     \
	}

SEARCH(narrow, weir_term4, term4_differs)
SEARCH(wide, weir_term6, term6_differs)

/* The first term that holds and was not taken yet, or NO_TERM, as its leaf lists it. */
static __always_inline __u32 find_term(struct search *s)
{
	struct walk *w = &s->scratch->walk;

	w->best = NO_TERM;
	if (w->is_wide) {
		search_wide(s, w->leaf[0]);
#pragma unroll
		for (int t = 1; t < WEIR_FOREST_TREES && s->forest->trees > 1; t++)
			search_wide(s, w->leaf[t]);
	} else {
		search_narrow(s, w->leaf[0]);
#pragma unroll
		for (int t = 1; t < WEIR_FOREST_TREES && s->forest->trees > 1; t++)
			search_narrow(s, w->leaf[t]);
	}
	return w->best;
}

static __always_inline void judge_by_default(struct search *s)
{
	const struct pkt *p = &s->scratch->pkt;

	if (!(p->has & PKT_IP))
		return;
	count_rule(&s->scratch->first, s->filter->default_id, p->bytes);
	s->scratch->walk.reason = s->filter->default_reason;
}

/* Once it is known what the packet is. */
static __always_inline void lead(const struct search *s)
{
	struct walk *w = &s->scratch->walk;

	w->floor = 0;
	if (s->forest->trees == WEIR_FOREST_VECTORS)
		bits_start(&w->bits, s->image, image_at(s->image, s->forest->root[0]), &w->keys);
	else if (s->forest->trees == 1)
		w->leaf[0] = walk_one(s->image, s->forest, &w->keys);
	else
		walk_all(s->image, s->forest, &w->keys, w->leaf);
}

static __always_inline void start_walk(const struct search *s)
{
	const struct pkt *p = &s->scratch->pkt;
	struct walk *w = &s->scratch->walk;

	term_view(&w->view, p);
	keys_of(&w->keys, p);
	if (w->is_wide) {
		term_view_v6(&w->view, p);
		keys_of_v6(&w->keys, p);
	}
	if (s->filter->link_keys)
		keys_of_link(&w->keys, p);
	lead(s);
}

/*
 * What a rule does that lets the packet go on. Returns 0, or the reason why it
 * does not after all.
 */
static __noinline int go_on(struct search *s, const struct weir_term_rule *rule)
{
	const struct weir_rule *row =
		image_at(s->image, s->filter->rules_offset + rule->rule * sizeof(*row));
	struct pkt *p = &s->scratch->pkt;

	switch (rule->action) {
	case WEIR_ACTION_LIMIT:
		if (!limit_admits(s->image, image_at(s->image, row->argument), p))
			return WEIR_R_FILTER_LIMIT;
		break;
	case WEIR_ACTION_LOG:
		if (log_samples(row->argument))
			hook_log(s->ctx, p, &s->scratch->log, rule->id);
		break;
	case WEIR_ACTION_MARK:
		p->mark = row->argument;
		p->has |= PKT_MARKED;
		break;
	}
	return 0;
}

/* What the rule of a term does. Returns 1 where it decides. */
static __always_inline long act(struct search *s, const struct weir_term_rule *rule)
{
	__u32 reason = rule->reason;

	count_rule(&s->scratch->first, rule->id, s->scratch->pkt.bytes);
	if (!reason && rule->action != WEIR_ACTION_COUNT)
		reason = go_on(s, rule);
	s->scratch->walk.reason = reason;
	return !!reason;
}

static __always_inline const struct weir_term_rule *rule_of(const struct search *s, __u32 number)
{
	return image_at(s->image, s->forest->rules_offset + number * sizeof(struct weir_term_rule));
}

static __always_inline const struct weir_term_head *head_of(const struct search *s, __u32 number)
{
	_Static_assert(sizeof(struct weir_term6) == 2 * sizeof(struct weir_term4), "not a shift");
	__u32 offset = number * sizeof(struct weir_term4);

	return image_at(s->image, s->forest->terms_offset + (offset << s->scratch->walk.is_wide));
}

/* The next term of a forest that holds, or NO_TERM. */
static __always_inline __u32 next_of_forest(struct search *s)
{
	__u32 number = WEIR_TERM_NUMBER(find_term(s));

	s->scratch->walk.floor = number + 1;
	return number;
}

/* The next term that has its bit in all rows, and holds; or NO_TERM. */
static __always_inline __u32 next_of_vectors(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	const struct weir_term4 *term;
	__u32 number;

	number = bits_take(&w->bits, s->image, NO_TERM);
	term = image_at(s->image, s->forest->terms_offset + number * sizeof(*term));
	if (number != NO_TERM && term4_differs(term, &w->keys, &w->view))
		return UNKNOWN_TERM;
	return number;
}

static __noinline int next_term(struct search *s)
{
	if (s->forest->trees == WEIR_FOREST_VECTORS)
		return next_of_vectors(s);
	return next_of_forest(s);
}

/* What the rule of a term does that holds. Returns 1 where it decides. */
static __always_inline long judge_by(struct search *s, const struct weir_term_rule *rule)
{
	if (rule->conditions_count && !conditions_hold(s->ctx, s->image, rule, &s->scratch->pkt))
		return 0;
	return act(s, rule);
}

/* Returns 1 when the packet is judged. */
static long judge(__u32 unused, struct search *s)
{
	struct walk *w = &s->scratch->walk;
	__u32 number = w->next;

	w->next = UNKNOWN_TERM;
	if (number == UNKNOWN_TERM)
		number = next_term(s);
	if (number == NO_TERM) {
		judge_by_default(s);
		return 1;
	}
	return number == UNKNOWN_TERM ? 0 : judge_by(s, rule_of(s, number));
}

/* Whether no other term holds, and the default had its say. */
static __always_inline long is_last(struct search *s)
{
	s->scratch->walk.next = next_term(s);
	if (s->scratch->walk.next != NO_TERM)
		return 0;
	judge_by_default(s);
	return 1;
}

/* Not a reason: the condition does not hold. */
#define NOT_IN_SET (WEIR_R_COUNT + 1)

/* What a rule decides whose one condition is a set of addresses; 0: it has others, or goes on. */
static __noinline int reason_by_set(const struct search *s, const struct weir_term_rule *rule)
{
	if (!rule->reason || !asks_for_a_set(s->image, rule))
		return 0;
	return is_in_its_set(s->image, rule, &s->scratch->pkt) ? rule->reason : NOT_IN_SET;
}

/*
 * Most packets meet a rule that decides by itself, or whose one condition is a
 * set of addresses, or none: they need not pay for the kernel's loop.
 *
 * Returns 1 when the packet is judged; if not, judge() goes on.
 */
static __always_inline long judge_at_once(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	__u32 number = next_term(s), reason;
	const struct weir_term_head *head = head_of(s, number);

	if (number == NO_TERM) {
		judge_by_default(s);
		return 1;
	}
	w->next = number;
	if (number == UNKNOWN_TERM)
		return 0;
	reason = head->reason;
	if (!reason) {
		reason = forget(reason_by_set(s, rule_of(s, number)), number);
		if (!reason)
			return 0;
		if (reason == NOT_IN_SET)
			return is_last(s);
	}
	w->reason = reason;
	count_rule(&s->scratch->first, head->id, s->scratch->pkt.bytes);
	return 1;
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
static __noinline int filter_run(void *ctx, const struct weir_image *image,
				 const struct weir_filter *f, struct scratch *scratch)
{
	struct search s = { .ctx = ctx, .image = image, .filter = f, .scratch = scratch };
	struct walk *w = &scratch->walk;
	__u32 family;

	if (!(scratch->pkt.has & PKT_IP) && !f->judges_all)
		return WEIR_R_CONTINUE;
	w->reason = WEIR_R_CONTINUE;
	/* For the verifier one way on, and not one for each family. */
	family = forget(family_of(&scratch->pkt), scratch->pkt.bytes) & 3;
	s.forest = &f->forest[family];
	if (!w->is_begun) {
		if (!s.forest->trees) {
			judge_by_default(&s);
			return w->reason;
		}
		w->is_wide = family == WEIR_FAMILY_V6;
		start_walk(&s);
		if (judge_at_once(&s))
			return w->reason;
	}
	w->is_begun = 0;
	bpf_loop(ROUNDS_MAX, judge, &s, 0);
	return w->reason;
}

static __always_inline const struct weir_filter *filter_of(const struct weir_image *image,
							   const struct weir_device *device)
{
	return image_at(image, device->filter_offset);
}

static __always_inline bool filter_drops(enum weir_reason reason)
{
	return reason == WEIR_R_FILTER_DROP || reason == WEIR_R_FILTER_DEFAULT ||
	       reason == WEIR_R_FILTER_LIMIT || reason == WEIR_R_FILTER_REJECT ||
	       reason == WEIR_R_FILTER_REJECT_LIMITED || reason == WEIR_R_FILTER_REJECT_SILENT;
}

/* Once it is decided: the log rules that the packet met tell what became of it. */
static __always_inline void filter_tell(struct scratch *scratch, enum weir_reason reason)
{
	if (scratch->pkt.has & PKT_LOGGED)
		log_tell(&scratch->log, reason);
}

static __always_inline enum weir_reason filter(void *ctx, const struct weir_image *image,
					       const struct weir_device *device,
					       struct scratch *scratch)
{
	return filter_run(ctx, image, filter_of(image, device), scratch);
}

#endif
