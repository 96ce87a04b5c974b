// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms, collected until all are known, and then put where the datapath finds them. */
#include <errno.h>
#include <stdlib.h>

#include "filter_terms.h"
#include "own.h"

bool drafts_reserve(struct filter_build *f, __u32 room)
{
	struct drafts *d = &f->drafts;
	void *list, *boxed;

	if (room <= d->room)
		return true;
	list = realloc(d->list, room * sizeof(*d->list));
	if (list)
		d->list = list;
	boxed = realloc(d->boxed, room * sizeof(*d->boxed));
	if (boxed)
		d->boxed = boxed;
	if (!list || !boxed) {
		f->b->error = -ENOMEM;
		return false;
	}
	d->room = room;
	return true;
}

void drafts_add(struct filter_build *f, const struct draft *draft, const struct boxed *boxed)
{
	struct drafts *d = &f->drafts;

	if (d->count == d->room && !drafts_reserve(f, d->room ? d->room * 2 : 64))
		return;
	d->list[d->count] = *draft;
	d->boxed[d->count++] = *boxed;
}

void drafts_free(struct drafts *d)
{
	free(d->list);
	free(d->boxed);
	*d = (struct drafts){};
}

/* An address of a term of IPv4 counts from bit 96 of the v4-mapped one. */
static __u8 shift32(__u8 lo_bits)
{
	return lo_bits <= 32 ? 32 : 64 - lo_bits;
}

static struct weir_term4 narrow(const struct weir_term6 *t)
{
	return (struct weir_term4){
		.head.src_shift = shift32(t->src_lo_bits),
		.head.dst_shift = shift32(t->dst_lo_bits),
		.src = t->src_lo,
		.dst = t->dst_lo,
		.word = t->word,
		.mask = t->mask,
		.sport_first = t->sport_first,
		.sport_last = t->sport_last,
		.dport_first = t->dport_first,
		.dport_last = t->dport_last,
	};
}

static void say_rule(struct weir_term_head *head, const struct weir_term_rule *rule)
{
	head->id = rule->id;
	head->reason = rule->conditions_count ? 0 : rule->reason;
}

static void put_terms(struct filter_build *f, enum weir_family family, __u32 terms, __u32 rules)
{
	struct weir_term4 *term4 = BUILDER_AT(f->b, terms, struct weir_term4);
	struct weir_term6 *term6 = BUILDER_AT(f->b, terms, struct weir_term6);
	struct weir_term_rule *rule = BUILDER_AT(f->b, rules, struct weir_term_rule);

	for (__u32 i = 0; i < f->drafts.count && term4; i++) {
		const struct draft *draft = &f->drafts.list[i];

		if (!(draft->families & 1 << family))
			continue;
		if (family == WEIR_FAMILY_V6) {
			*term6 = draft->term;
			say_rule(&term6++->head, &draft->rule);
		} else {
			*term4 = narrow(&draft->term);
			say_rule(&term4++->head, &draft->rule);
		}
		*rule++ = draft->rule;
	}
}

static __u32 count_family(const struct drafts *d, enum weir_family family)
{
	__u32 count = 0;

	for (__u32 i = 0; i < d->count; i++)
		count += d->list[i].families >> family & 1;
	return count;
}

/* The boxes of the family's terms: all there are, or a copy that the caller frees in @copy. */
static const struct boxed *boxes_of(const struct drafts *d, enum weir_family family, __u32 count,
				    struct boxed **copy)
{
	struct boxed *next;

	if (count == d->count)
		return d->boxed;
	next = *copy = malloc((count + 1) * sizeof(**copy));
	for (__u32 i = 0; i < d->count && next; i++) {
		if (d->list[i].families & 1 << family)
			*next++ = d->boxed[i];
	}
	return *copy;
}

void terms_place(struct filter_build *f, enum weir_family family)
{
	__u32 count = count_family(&f->drafts, family);
	struct weir_forest *forest = &f->out.forest[family];
	OWN_FREE struct boxed *copy = NULL;
	const struct boxed *boxed = boxes_of(&f->drafts, family, count, &copy);

	if (!boxed && count)
		f->b->error = -ENOMEM;
	forest->terms_offset =
		builder_add(f->b, count * (family == WEIR_FAMILY_V6 ? sizeof(struct weir_term6)
								    : sizeof(struct weir_term4)));
	forest->rules_offset = builder_add(f->b, count * sizeof(struct weir_term_rule));
	if (f->b->error)
		return;
	put_terms(f, family, forest->terms_offset, forest->rules_offset);
	classifier_build(f->b, boxed, count, family, forest);
}
