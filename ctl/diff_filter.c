// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
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

/* Where the rules of @b stood in @a; @stays is set for those of @a that still stand somewhere. */
static int find_old(const struct filter *a, const struct filter *b, size_t *old, bool *stays)
{
	OWN(name_index_free) struct name_index before = { 0 };
	size_t next = 0; /* most rules stand behind the one that they stood behind */

	for (size_t i = 0; i < b->rules_count; i++) {
		const struct named *found;

		if (next == a->rules_count || strcmp(a->rules[next].name, b->rules[i].name) != 0) {
			if (!before.count &&
			    name_index_make(a->rules, a->rules_count, sizeof(*a->rules), &before))
				return -ENOMEM;
			found = name_index_find(&before, b->rules[i].name);
			old[i] = found ? found->index : NOWHERE;
			if (!found)
				continue;
			next = found->index;
		}
		old[i] = next;
		stays[next++] = true;
	}
	return 0;
}

static bool is_ascending(const size_t *old, size_t count)
{
	size_t last = NOWHERE;

	for (size_t i = 0; i < count; i++) {
		if (old[i] == NOWHERE)
			continue;
		if (last != NOWHERE && old[i] < last)
			return false;
		last = old[i];
	}
	return true;
}

void diff_filter(struct diff *d, const struct filter *a, const struct filter *b)
{
	OWN_FREE size_t *old = calloc(b->rules_count + 1, sizeof(*old));
	OWN_FREE bool *stays = calloc(a->rules_count + 1, sizeof(*stays));

	if (!old || !stays || find_old(a, b, old, stays))
		return;
	if (a->default_action != b->default_action)
		diff_change(d, "filter", b->name, "default %s -> %s",
			    print_action[a->default_action], print_action[b->default_action]);
	for (size_t i = 0; i < a->rules_count; i++) {
		if (!stays[i])
			rule_line(d, '-', b, &a->rules[i]);
	}
	for (size_t i = 0; i < b->rules_count; i++) {
		if (old[i] == NOWHERE)
			rule_line(d, '+', b, &b->rules[i]);
		else if (!rule_equal(&a->rules[old[i]], &b->rules[i]))
			changed_rule(d, b, &a->rules[old[i]], &b->rules[i]);
	}
	if (!is_ascending(old, b->rules_count))
		diff_moves(d, b, old);
}
