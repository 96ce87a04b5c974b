// SPDX-License-Identifier: GPL-2.0-or-later
/* Drafts of terms to terms in the image, of each family by itself. */
#include <errno.h>
#include <stdlib.h>

#include "filter_terms.h"
#include "own.h"

static __u32 mask32(int bits)
{
	return bits <= 0 ? 0 : ~0U << (32 - bits);
}

/* An address of a term of IPv4 counts from bit 96 of the v4-mapped one. */
static struct weir_term4 narrow(const struct weir_term6 *t)
{
	return (struct weir_term4){
		.src = t->src_lo,
		.src_mask = mask32(t->src_lo_bits - 32),
		.dst = t->dst_lo,
		.dst_mask = mask32(t->dst_lo_bits - 32),
		.word = t->word,
		.mask = t->mask,
		.sport_first = t->sport_first,
		.sport_last = t->sport_last,
		.dport_first = t->dport_first,
		.dport_last = t->dport_last,
	};
}

static void put_terms(struct filter_build *f, enum weir_family family, __u32 terms, __u32 rules)
{
	struct weir_term4 *term4 = BUILDER_AT(f->b, terms, struct weir_term4);
	struct weir_term6 *term6 = BUILDER_AT(f->b, terms, struct weir_term6);
	struct weir_term_rule *rule = BUILDER_AT(f->b, rules, struct weir_term_rule);

	for (__u32 i = 0; i < f->drafts.count && rule; i++) {
		const struct draft *draft = &f->drafts.list[i];

		if (!(draft->families & 1 << family))
			continue;
		if (family == WEIR_FAMILY_V6)
			*term6++ = draft->term;
		else
			*term4++ = narrow(&draft->term);
		*rule++ = draft->rule;
	}
}

void terms_place(struct filter_build *f, enum weir_family family)
{
	OWN_FREE struct boxed *boxed = malloc((f->drafts.count + 1) * sizeof(*boxed));
	struct weir_forest *forest = &f->out.forest[family];
	__u32 count = 0;

	if (!boxed)
		f->b->error = -ENOMEM;
	for (__u32 i = 0; i < f->drafts.count && boxed; i++) {
		if (f->drafts.list[i].families & 1 << family)
			boxed[count++] = f->drafts.list[i].boxed;
	}
	forest->terms_offset =
		builder_add(f->b, count * (family == WEIR_FAMILY_V6 ? sizeof(struct weir_term6)
								    : sizeof(struct weir_term4)));
	forest->rules_offset = builder_add(f->b, count * sizeof(struct weir_term_rule));
	if (f->b->error)
		return;
	put_terms(f, family, forest->terms_offset, forest->rules_offset);
	classifier_build(f->b, boxed, count, family, forest);
}

void drafts_free(struct drafts *d)
{
	free(d->list);
	*d = (struct drafts){};
}
