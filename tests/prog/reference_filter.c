// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference.h"

#include <string.h>

/* 16 bytes against a range of 128-bit numbers, or the low 16 bits of it. */
static bool in_range(const range *r, const __u8 value[16])
{
	__u8 first[16], last[16];

	for (int i = 0; i < 8; i++) {
		first[i] = (__u8)(r->first_hi >> (56 - 8 * i));
		first[8 + i] = (__u8)(r->first_lo >> (56 - 8 * i));
		last[i] = (__u8)(r->last_hi >> (56 - 8 * i));
		last[8 + i] = (__u8)(r->last_lo >> (56 - 8 * i));
	}
	return memcmp(first, value, 16) <= 0 && memcmp(value, last, 16) <= 0;
}

static bool in_match(const struct model *m, const struct match *match, const __u8 value[16])
{
	for (size_t i = 0; i < match->ranges_count; i++) {
		if (in_range(&match->ranges[i], value))
			return true;
	}
	for (size_t s = 0; s < match->sets_count; s++) {
		const struct set *set = model_set(m, match->sets[s]);

		for (size_t i = 0; i < set->elements_count; i++) {
			if (in_range(&set->elements[i], value))
				return true;
		}
	}
	return false;
}

static void number(unsigned int n, __u8 value[16])
{
	memset(value, 0, 16);
	value[14] = (__u8)(n >> 8);
	value[15] = (__u8)n;
}

/* The value of @field as 16 bytes; false when the packet has none. */
static bool read_field(const struct seen *s, enum weir_field field, __u8 value[16])
{
	switch (field) {
	case WEIR_FIELD_SADDR:
		memcpy(value, s->src, 16);
		return s->addresses;
	case WEIR_FIELD_DADDR:
		memcpy(value, s->dst, 16);
		return s->addresses;
	case WEIR_FIELD_PROTO:
		number(s->proto, value);
		return s->transport;
	case WEIR_FIELD_SPORT:
		number(s->sport, value);
		return s->ports;
	case WEIR_FIELD_DPORT:
		number(s->dport, value);
		return s->ports;
	case WEIR_FIELD_ICMP_TYPE:
		number(s->icmp_type, value);
		return s->icmp;
	default:
		return false;
	}
}

static bool rule_holds(const struct model *m, const struct rule *rule, const struct seen *s)
{
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		const struct match *match = &rule->match[f];
		__u8 value[16];

		if (!match->present)
			continue;
		if (!read_field(s, f, value))
			return false;
		if (in_match(m, match, value) == match->negated)
			return false;
	}
	if (rule->tcp_flags.present) {
		const struct tcp_flags_match *flags = &rule->tcp_flags;
		bool equal = (s->flags & flags->mask) == flags->value;

		if (!s->tcp || equal == flags->negated)
			return false;
	}
	return true;
}

void reference_filter(const struct model *m, const struct filter *f, const struct seen *s,
		      struct judgement *j)
{
	*j = (struct judgement){ .rule = REFERENCE_NO_RULE };
	if (!s->ip)
		return;
	for (size_t i = 0; i < f->rules_count; i++) {
		if (!rule_holds(m, &f->rules[i], s))
			continue;
		j->counted[i] = true;
		if (f->rules[i].action == WEIR_ACTION_COUNT)
			continue;
		j->rule = (int)i;
		j->drop = f->rules[i].action == WEIR_ACTION_DROP;
		return;
	}
	j->rule = (int)f->rules_count;
	j->counted[f->rules_count] = true;
	j->drop = f->default_action == WEIR_ACTION_DROP;
}
