// SPDX-License-Identifier: GPL-2.0-or-later
#include "judge.h"

#include <fnmatch.h>
#include <string.h>

enum { ADDR, NUMBER, NAME, FLAG };

static const __u8 types[WEIR_FIELD_COUNT] = {
#define X(sym, keyword, type, member) [WEIR_FIELD_##sym] = type,
	WEIR_FIELDS(X)
#undef X
};

bool action_decides(enum weir_action action)
{
	return action == WEIR_ACTION_PASS || action == WEIR_ACTION_DROP ||
	       action == WEIR_ACTION_REJECT;
}

static bool is_of_ethernet(int field)
{
	return field == WEIR_FIELD_ETHERTYPE || field == WEIR_FIELD_SMAC ||
	       field == WEIR_FIELD_DMAC || field == WEIR_FIELD_VLAN;
}

bool rule_is_ethernet(const struct rule *r)
{
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		if (r->match[f].present && is_of_ethernet(f))
			return true;
	}
	return false;
}

bool rule_is_ip_only(const struct rule *r)
{
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		if (r->match[f].present && !is_of_ethernet(f) && f != WEIR_FIELD_IFACE)
			return true;
	}
	return r->tcp_flags.present;
}

static bool in_ranges(const range *list, size_t count, u128 value)
{
	for (size_t i = 0; i < count; i++) {
		if (range_first(&list[i]) <= value && value <= range_last(&list[i]))
			return true;
	}
	return false;
}

static enum judge_answer in_set(const struct set *set, u128 value)
{
	if (!set || set->type == SET_ADDRESS_PORT || set->type == SET_INTERFACE)
		return JUDGE_MAYBE;
	return in_ranges(set->elements, set->elements_count, value) ? JUDGE_YES : JUDGE_NO;
}

static enum judge_answer in_sets(const struct model *m, const struct match *match, u128 value)
{
	enum judge_answer answer = JUDGE_NO;

	for (size_t i = 0; i < match->sets_count && answer != JUDGE_YES; i++) {
		enum judge_answer one = in_set(model_set(m, match->sets[i]), value);

		answer = one == JUDGE_NO ? answer : one;
	}
	return answer;
}

static bool in_names(const struct rule *r, const char *name)
{
	for (size_t i = 0; i < r->interfaces_count; i++) {
		if (!fnmatch(r->interfaces[i], name, 0))
			return true;
	}
	return false;
}

static enum judge_answer negate(enum judge_answer answer)
{
	return answer == JUDGE_MAYBE ? JUDGE_MAYBE : answer == JUDGE_YES ? JUDGE_NO : JUDGE_YES;
}

static enum judge_answer judge_match(const struct model *m, const struct rule *r, int field,
				     const struct judge_packet *p)
{
	const struct match *match = &r->match[field];
	enum judge_answer answer = JUDGE_YES;
	u128 value = p->value[field];

	if (!(p->has & 1U << field))
		return JUDGE_NO;
	if (p->unknown & 1U << field)
		return JUDGE_MAYBE;
	if (types[field] == NAME) {
		if (!in_names(r, p->ifname))
			answer = match->sets_count ? JUDGE_MAYBE : JUDGE_NO;
	} else if (!in_ranges(match->ranges, match->ranges_count, value)) {
		answer = in_sets(m, match, value);
	}
	return match->negated ? negate(answer) : answer;
}

static enum judge_answer judge_tcp_flags(const struct tcp_flags_match *f,
					 const struct judge_packet *p)
{
	if (!p->has_tcp_flags)
		return JUDGE_NO;
	return ((p->tcp_flags & f->mask) == f->value) == f->negated ? JUDGE_NO : JUDGE_YES;
}

enum judge_answer judge_rule(const struct model *m, const struct rule *r,
			     const struct judge_packet *p)
{
	enum judge_answer answer = JUDGE_YES, one;

	if (!p->is_ip && !rule_is_ethernet(r))
		return JUDGE_NO;
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (!r->match[field].present)
			continue;
		one = judge_match(m, r, field, p);
		if (one == JUDGE_NO)
			return JUDGE_NO;
		answer = one == JUDGE_MAYBE ? JUDGE_MAYBE : answer;
	}
	if (r->tcp_flags.present && judge_tcp_flags(&r->tcp_flags, p) == JUDGE_NO)
		return JUDGE_NO;
	return r->expr.text ? JUDGE_MAYBE : answer;
}

unsigned int judge_misses(const struct model *m, const struct rule *r, const struct judge_packet *p,
			  int *which)
{
	unsigned int misses = 0;

	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (!r->match[field].present || judge_match(m, r, field, p) != JUDGE_NO)
			continue;
		*which = field;
		misses++;
	}
	if (r->tcp_flags.present && judge_tcp_flags(&r->tcp_flags, p) == JUDGE_NO) {
		*which = JUDGE_TCP_FLAGS;
		misses++;
	}
	return misses;
}

static bool is_taken(enum judge_answer answer, enum weir_action action, enum judge_doubt doubt)
{
	if (answer == JUDGE_MAYBE)
		return (action == WEIR_ACTION_PASS) == (doubt == JUDGE_HOPE);
	return answer == JUDGE_YES;
}

struct verdict judge_filter(const struct model *m, const struct filter *f,
			    const struct judge_packet *p, enum judge_doubt doubt)
{
	for (size_t i = 0; i < f->rules_count; i++) {
		const struct rule *r = &f->rules[i];

		if (action_decides(r->action) && is_taken(judge_rule(m, r, p), r->action, doubt))
			return (struct verdict){ r->action, r, true };
	}
	if (!p->is_ip)
		return (struct verdict){ WEIR_ACTION_PASS, NULL, false };
	return (struct verdict){ f->default_action, NULL, true };
}
