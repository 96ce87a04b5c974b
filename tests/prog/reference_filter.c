// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference.h"

#include <endian.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

/* What one frame has, number by number. */
struct values {
	u128 number[WEIR_FIELD_COUNT];
	__u32 has; /* 1 << enum weir_field */
	const struct seen *seen;
};

struct condition {
	enum weir_field field;
	bool negated;
	const range *ranges;
	size_t ranges_count;
	const struct set **sets;
	size_t sets_count;
};

struct decoded {
	const struct rule *rule;
	__u32 needs; /* 1 << enum weir_field: what a packet must have to match at all */
	bool wants_frames; /* looks at frames that are not IP */
	struct condition *conditions;
	size_t conditions_count;
};

struct reference {
	const struct filter *filter;
	struct decoded *rules;
	__u32 *went_on;
};

static void give(struct values *v, enum weir_field field, bool has, u128 number)
{
	v->number[field] = number;
	v->has |= (__u32)has << field;
}

static void read_values(const struct seen *s, struct values *v)
{
	*v = (struct values){ .seen = s };
	give(v, WEIR_FIELD_SADDR, s->addresses, addr_number(s->src));
	give(v, WEIR_FIELD_DADDR, s->addresses, addr_number(s->dst));
	give(v, WEIR_FIELD_PROTO, s->transport, s->proto);
	give(v, WEIR_FIELD_SPORT, s->ports, s->sport);
	give(v, WEIR_FIELD_DPORT, s->ports, s->dport);
	give(v, WEIR_FIELD_ICMP_TYPE, s->icmp, s->icmp_type);
	give(v, WEIR_FIELD_ICMP_CODE, s->icmp, s->icmp_code);
	give(v, WEIR_FIELD_LENGTH, s->addresses, s->length);
	give(v, WEIR_FIELD_TTL, s->addresses, s->ttl);
	give(v, WEIR_FIELD_DSCP, s->addresses, s->dscp);
	give(v, WEIR_FIELD_ETHERTYPE, s->ethernet, s->ethertype);
	give(v, WEIR_FIELD_SMAC, s->ethernet, s->smac);
	give(v, WEIR_FIELD_DMAC, s->ethernet, s->dmac);
	give(v, WEIR_FIELD_VLAN, s->has_vlan, s->vlan);
	give(v, WEIR_FIELD_IFACE, s->ethernet, 0);
	give(v, WEIR_FIELD_FRAGMENT, s->ip, s->fragment);
	give(v, WEIR_FIELD_ESTABLISHED, s->ip, s->established);
}

static bool in_ranges(const range *ranges, size_t count, u128 number)
{
	for (size_t i = 0; i < count; i++) {
		if (range_first(&ranges[i]) <= number && number <= range_last(&ranges[i]))
			return true;
	}
	return false;
}

static bool has_name(char *const *names, size_t count, const char *device)
{
	for (size_t i = 0; i < count; i++) {
		if (device && !fnmatch(names[i], device, 0))
			return true;
	}
	return false;
}

/* The address, v4-mapped, and the port of an element, whose key begins with an IPv4 address. */
static bool is_pair(const struct set_element *e, u128 addr, u128 port)
{
	u128 key = (u128)e->hi << 64 | e->lo;

	return addr == (e->is_v6 ? key : V4_FIRST + (key >> 96)) && port == (e->detail & 0xffff);
}

static bool in_pairs(const struct set *set, enum weir_field field, const struct values *v)
{
	enum weir_field port = field == WEIR_FIELD_SADDR ? WEIR_FIELD_SPORT : WEIR_FIELD_DPORT;

	for (size_t i = 0; i < set->entries.count && v->seen->ports; i++) {
		if (is_pair(&set->entries.list[i], v->number[field], v->number[port]))
			return true;
	}
	return false;
}

static bool in_names(const struct set *set, const char *device)
{
	for (size_t i = 0; i < set->entries.count && device; i++) {
		__u64 key[2] = { htobe64(set->entries.list[i].hi),
				 htobe64(set->entries.list[i].lo) };
		char name[sizeof(key) + 1] = {};

		memcpy(name, key, sizeof(key));
		if (!strcmp(name, device))
			return true;
	}
	return false;
}

static bool in_set(const struct set *set, enum weir_field field, const struct values *v)
{
	switch (set->type) {
	case SET_ADDRESS_PORT:
		return in_pairs(set, field, v);
	case SET_INTERFACE:
		return in_names(set, v->seen->device);
	default:
		return in_ranges(set->elements, set->elements_count, v->number[field]);
	}
}

bool reference_in_set(const struct set *set, enum weir_field field, const struct seen *s)
{
	struct values v;

	read_values(s, &v);
	return in_set(set, field, &v);
}

/* A pair needs its port, for being another one, too. */
static bool lacks_port(const struct condition *c, const struct values *v)
{
	for (size_t i = 0; i < c->sets_count; i++) {
		if (c->sets[i]->type == SET_ADDRESS_PORT && !v->seen->ports)
			return true;
	}
	return false;
}

static bool condition_holds(const struct decoded *d, const struct condition *c,
			    const struct values *v)
{
	bool holds = in_ranges(c->ranges, c->ranges_count, v->number[c->field]);

	if (c->field == WEIR_FIELD_IFACE)
		holds = has_name(d->rule->interfaces, d->rule->interfaces_count, v->seen->device);
	for (size_t i = 0; i < c->sets_count && !holds; i++)
		holds = in_set(c->sets[i], c->field, v);
	if (c->negated)
		return !holds && !lacks_port(c, v);
	return holds;
}

static bool flags_hold(const struct tcp_flags_match *flags, const struct seen *s)
{
	if (!flags->present)
		return true;
	return s->tcp && ((s->flags & flags->mask) == flags->value) != flags->negated;
}

static bool rule_holds(const struct decoded *d, const struct values *v)
{
	if ((!v->seen->ip && !d->wants_frames) || d->needs & ~v->has)
		return false;
	for (size_t i = 0; i < d->conditions_count; i++) {
		if (!condition_holds(d, &d->conditions[i], v))
			return false;
	}
	return flags_hold(&d->rule->tcp_flags, v->seen);
}

static bool goes_on(enum weir_action action)
{
	return action == WEIR_ACTION_COUNT || action == WEIR_ACTION_LOG ||
	       action == WEIR_ACTION_MARK || action == WEIR_ACTION_LIMIT;
}

static void decide(struct judgement *j, size_t rule, enum weir_action action)
{
	j->rule = (int)rule;
	j->reject = action == WEIR_ACTION_REJECT;
	j->drop = j->reject || action == WEIR_ACTION_DROP;
}

void reference_judge(struct reference *r, const struct seen *s, struct judgement *j)
{
	const struct filter *f = r->filter;
	struct values v;

	*j = (struct judgement){ .rule = REFERENCE_NO_RULE, .went_on = r->went_on };
	read_values(s, &v);
	for (size_t i = 0; i < f->rules_count; i++) {
		if (!rule_holds(&r->rules[i], &v))
			continue;
		if (!goes_on(f->rules[i].action)) {
			decide(j, i, f->rules[i].action);
			return;
		}
		r->went_on[j->went_on_count++] = (__u32)i;
	}
	if (s->ip)
		decide(j, f->rules_count, f->default_action);
}

static void *need(size_t count, size_t size)
{
	void *memory = calloc(count + 1, size);

	if (!memory)
		abort();
	return memory;
}

static void decode_condition(const struct model *m, const struct rule *rule, enum weir_field field,
			     struct condition *c)
{
	const struct match *match = &rule->match[field];

	*c = (struct condition){
		.field = field,
		.negated = match->negated,
		.ranges = match->ranges,
		.ranges_count = match->ranges_count,
		.sets = need(match->sets_count, sizeof(*c->sets)),
		.sets_count = match->sets_count,
	};
	for (size_t i = 0; i < match->sets_count; i++)
		c->sets[i] = model_set(m, match->sets[i]);
}

static void decode_rule(const struct model *m, const struct rule *rule, struct decoded *d)
{
	*d = (struct decoded){ .rule = rule,
			       .conditions = need(WEIR_FIELD_COUNT, sizeof(struct condition)) };
	if (rule->expr.text) {
		fprintf(stderr, "reference: rule %s: expr is judged by libpcap\n", rule->name);
		abort();
	}
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (!rule->match[field].present)
			continue;
		decode_condition(m, rule, field, &d->conditions[d->conditions_count++]);
		d->needs |= 1U << field;
	}
	d->wants_frames = d->needs & (1U << WEIR_FIELD_ETHERTYPE | 1U << WEIR_FIELD_SMAC |
				      1U << WEIR_FIELD_DMAC | 1U << WEIR_FIELD_VLAN);
}

struct reference *reference_new(const struct model *m, const struct filter *f)
{
	struct reference *r = need(1, sizeof(*r));

	r->filter = f;
	r->rules = need(f->rules_count, sizeof(*r->rules));
	r->went_on = need(f->rules_count, sizeof(*r->went_on));
	for (size_t i = 0; i < f->rules_count; i++)
		decode_rule(m, &f->rules[i], &r->rules[i]);
	return r;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->filter->rules_count; i++) {
		for (size_t c = 0; c < r->rules[i].conditions_count; c++)
			free(r->rules[i].conditions[c].sets);
		free(r->rules[i].conditions);
	}
	free(r->went_on);
	free(r->rules);
	free(r);
}
