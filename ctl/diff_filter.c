// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "diff_internal.h"
#include "own.h"
#include "print.h"

#define NOWHERE ((size_t)-1)

static void rule_line(struct diff *d, char sign, const struct filter *f, const struct rule *r)
{
	diff_line(d, sign, "filter", f->name);
	fprintf(d->out, "   rule %s ", r->name);
	print_rule(r, d->out);
	fputc('\n', d->out);
}

static void changed_rule(struct diff *d, const struct filter *f, const struct rule *a,
			 const struct rule *b)
{
	diff_line(d, '~', "filter", f->name);
	fprintf(d->out, "   rule %s  ", b->name);
	print_rule(a, d->out);
	fputs(" -> ", d->out);
	print_rule(b, d->out);
	fputc('\n', d->out);
}

/*
 * Which rules stayed: a longest increasing run of @old, the former places of
 * the rules. All others have moved; this is the fewest that can have.
 */
static void find_unmoved(const size_t *old, size_t count, bool *unmoved, size_t *tails,
			 size_t *before)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		size_t low = 0, high = longest;

		if (old[i] == NOWHERE)
			continue;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (old[tails[middle]] < old[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? tails[low - 1] : NOWHERE;
		tails[low] = i;
		longest += low == longest;
	}
	for (size_t i = longest ? tails[longest - 1] : NOWHERE; i != NOWHERE; i = before[i])
		unmoved[i] = true;
}

static void print_moves(struct diff *d, const struct filter *f, const size_t *old,
			const bool *unmoved)
{
	const char *next = NULL; /* the unmoved rule behind this one */
	OWN_FREE const char **before = calloc(f->rules_count + 1, sizeof(*before));

	for (size_t i = f->rules_count; before && i-- > 0;) {
		before[i] = next;
		if (unmoved[i])
			next = f->rules[i].name;
	}
	for (size_t i = 0; before && i < f->rules_count; i++) {
		if (unmoved[i] || old[i] == NOWHERE)
			continue;
		if (before[i])
			diff_change(d, "filter", f->name, "rule %s moved before rule %s",
				    f->rules[i].name, before[i]);
		else
			diff_change(d, "filter", f->name, "rule %s moved to the end",
				    f->rules[i].name);
	}
}

static void diff_moves(struct diff *d, const struct filter *b, const size_t *old)
{
	OWN_FREE bool *unmoved = calloc(b->rules_count + 1, sizeof(*unmoved));
	OWN_FREE size_t *tails = calloc(b->rules_count + 1, sizeof(*tails));
	OWN_FREE size_t *before = calloc(b->rules_count + 1, sizeof(*before));

	if (!unmoved || !tails || !before)
		return;
	find_unmoved(old, b->rules_count, unmoved, tails, before);
	print_moves(d, b, old, unmoved);
}

void diff_filter(struct diff *d, const struct filter *a, const struct filter *b)
{
	OWN(name_index_free) struct name_index before = { 0 }, after = { 0 };
	OWN_FREE size_t *old = calloc(b->rules_count + 1, sizeof(*old));

	name_index_make(a->rules, a->rules_count, sizeof(*a->rules), &before);
	name_index_make(b->rules, b->rules_count, sizeof(*b->rules), &after);
	if (!old)
		return;
	if (a->default_action != b->default_action)
		diff_change(d, "filter", b->name, "default %s -> %s",
			    print_action[a->default_action], print_action[b->default_action]);
	for (size_t i = 0; i < a->rules_count; i++) {
		if (!name_index_find(&after, a->rules[i].name))
			rule_line(d, '-', b, &a->rules[i]);
	}
	for (size_t i = 0; i < b->rules_count; i++) {
		const struct named *found = name_index_find(&before, b->rules[i].name);

		old[i] = found ? found->index : NOWHERE;
		if (!found)
			rule_line(d, '+', b, &b->rules[i]);
		else if (!rule_equal(&a->rules[found->index], &b->rules[i]))
			changed_rule(d, b, &a->rules[found->index], &b->rules[i]);
	}
	diff_moves(d, b, old);
}
