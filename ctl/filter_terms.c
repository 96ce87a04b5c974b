// SPDX-License-Identifier: GPL-2.0-or-later
#include "filter_terms.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "ranges.h"
#include "weir/packet.h"
#include "weir/reason.h"

/* A rule of more combinations keeps its longest lists as conditions instead. */
#define TERMS_PER_RULE 64

#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_IPV6 0x86dd

struct choice {
	u128 first;
	u128 last; /* of a prefix: first and bits say it all */
	__u8 bits;
};

/* The values of one field that terms are made of; none: a term leaves the field open. */
struct choices {
	struct choice list[TERMS_PER_RULE];
	__u32 count;
};

/* Fields that a term can say. */
enum dimension { DIM_SADDR, DIM_DADDR, DIM_SPORT, DIM_DPORT, DIM_PROTO, DIM_COUNT };

static const enum weir_field dimension_field[DIM_COUNT] = {
	WEIR_FIELD_SADDR, WEIR_FIELD_DADDR, WEIR_FIELD_SPORT, WEIR_FIELD_DPORT, WEIR_FIELD_PROTO,
};

/* Bits that are 0 below the lowest that is 1; 128 of 0. */
static unsigned int zeros_below(u128 number)
{
	__u64 low = number, high = number >> 64;

	return low ? __builtin_ctzll(low) : high ? 64 + __builtin_ctzll(high) : 128;
}

/* Where the highest bit that is 1 stands; 128 of 0, which is 1 << 128. */
static unsigned int highest_bit(u128 number)
{
	__u64 low = number, high = number >> 64;

	return high ? 127 - __builtin_clzll(high) : low ? 63 - __builtin_clzll(low) : 128;
}

/* Split an interval into prefixes. False where there are too many. */
static bool add_prefixes(struct choices *c, u128 first, u128 last)
{
	for (;;) {
		unsigned int free_bits = zeros_below(first), most = highest_bit(last - first + 1);

		if (free_bits > most)
			free_bits = most;
		if (c->count == TERMS_PER_RULE)
			return false;
		c->list[c->count++] = (struct choice){ .first = first, .bits = 128 - free_bits };
		if (free_bits == 128 || last - first < (u128)1 << free_bits)
			return true;
		first += (u128)1 << free_bits;
	}
}

static bool add_interval(struct choices *c, u128 first, u128 last)
{
	if (c->count == TERMS_PER_RULE)
		return false;
	c->list[c->count++] = (struct choice){ .first = first, .last = last };
	return true;
}

static bool add_choice(struct choices *c, enum dimension dim, const range *r)
{
	if (dim == DIM_SADDR || dim == DIM_DADDR)
		return add_prefixes(c, range_first(r), range_last(r));
	if (dim == DIM_PROTO && r->first_lo != r->last_lo)
		return false;
	return add_interval(c, r->first_lo, r->last_lo);
}

/* Ports that are not in the list, as intervals. */
static bool add_other_ports(struct choices *c, const range *list, size_t count)
{
	__u32 next = 0;

	for (size_t i = 0; i < count; i++) {
		if (list[i].first_lo > next && !add_interval(c, next, list[i].first_lo - 1))
			return false;
		next = list[i].last_lo + 1;
	}
	return next > 0xffff || add_interval(c, next, 0xffff);
}

static bool is_live(const struct match *match, enum dimension dim)
{
	return match->sets_count && (dim == DIM_SADDR || dim == DIM_DADDR);
}

/* False where the field must stay a condition. */
static bool choose(struct filter_build *f, const struct match *match, enum dimension dim,
		   struct choices *c)
{
	bool is_port = dim == DIM_SPORT || dim == DIM_DPORT, fits = true;
	const range *all = match->ranges;
	OWN_FREE range *joined = NULL;
	size_t count = match->ranges_count;

	c->count = 0;
	if (!match->present)
		return true;
	if (is_live(match, dim) || (match->negated && !is_port))
		return false;
	if (match->sets_count) {
		all = joined = match_values(f->spec->model, match, &count);
		if (!all)
			f->b->error = -ENOMEM;
	}
	if (f->b->error)
		return false;
	if (match->negated)
		return add_other_ports(c, all, count) && c->count;
	for (size_t i = 0; i < count && fits; i++)
		fits = add_choice(c, dim, &all[i]);
	return fits && c->count;
}

/* Leave out the field with the longest list until the combinations are few enough. */
static __u32 limit_choices(struct choices choices[DIM_COUNT])
{
	__u32 left_out = 0;

	for (;;) {
		__u64 product = 1;
		int longest = 0;

		for (int dim = 0; dim < DIM_COUNT; dim++) {
			if (choices[dim].count)
				product *= choices[dim].count;
			if (choices[dim].count > choices[longest].count)
				longest = dim;
		}
		if (product <= TERMS_PER_RULE)
			return left_out;
		choices[longest].count = 0;
		left_out |= 1U << dimension_field[longest];
	}
}

static bool has_pairs(const struct model *m, const struct match *match)
{
	for (size_t i = 0; i < match->sets_count; i++) {
		if (model_set(m, match->sets[i])->type == SET_ADDRESS_PORT)
			return true;
	}
	return false;
}

/* Addresses with ports, of which a packet without ports is no case either way. */
static __u16 needs_of_pairs(const struct model *m, const struct rule *r)
{
	const struct match *from = &r->match[WEIR_FIELD_SADDR], *to = &r->match[WEIR_FIELD_DADDR];

	return (from->negated && has_pairs(m, from)) || (to->negated && has_pairs(m, to))
		       ? PKT_PORTS
		       : 0;
}

/* 1 << field of those that the rule has a condition on. */
static __u32 fields_of(const struct rule *r)
{
	__u32 fields = 0;

	for (int field = 0; field < WEIR_FIELD_COUNT; field++)
		fields |= (__u32)r->match[field].present << field;
	return fields;
}

static __u16 needs_of(const struct rule *r, __u32 fields)
{
	static const __u16 needs[WEIR_FIELD_COUNT] = {
		[WEIR_FIELD_SADDR] = PKT_ADDR,	       [WEIR_FIELD_DADDR] = PKT_ADDR,
		[WEIR_FIELD_PROTO] = PKT_PROTO,	       [WEIR_FIELD_SPORT] = PKT_PORTS,
		[WEIR_FIELD_DPORT] = PKT_PORTS,	       [WEIR_FIELD_ICMP_TYPE] = PKT_ICMP,
		[WEIR_FIELD_ICMP_CODE] = PKT_ICMP,     [WEIR_FIELD_LENGTH] = PKT_LENGTH,
		[WEIR_FIELD_TTL] = PKT_ADDR,	       [WEIR_FIELD_DSCP] = PKT_ADDR,
		[WEIR_FIELD_ETHERTYPE] = PKT_ETHERNET, [WEIR_FIELD_SMAC] = PKT_ETHERNET,
		[WEIR_FIELD_DMAC] = PKT_ETHERNET,      [WEIR_FIELD_VLAN] = PKT_TAGGED,
		[WEIR_FIELD_FRAGMENT] = PKT_IP,	       [WEIR_FIELD_ESTABLISHED] = PKT_IP,
	};
	__u16 all = rule_judges_all(r) ? 0 : PKT_IP;

	for (; fields; fields &= fields - 1)
		all |= needs[__builtin_ctz(fields)];
	return r->tcp_flags.present ? all | PKT_TCP : all;
}

bool rule_judges_all(const struct rule *r)
{
	return r->match[WEIR_FIELD_ETHERTYPE].present || r->match[WEIR_FIELD_SMAC].present ||
	       r->match[WEIR_FIELD_DMAC].present || r->match[WEIR_FIELD_VLAN].present;
}

static bool may_hold(const struct match *m, __u64 number)
{
	bool inside = false;

	for (size_t i = 0; i < m->ranges_count; i++)
		inside |= m->ranges[i].first_lo <= number && number <= m->ranges[i].last_lo;
	return !m->present || inside != m->negated;
}

static __u8 families_of(const struct rule *r, __u16 needs)
{
	const struct match *type = &r->match[WEIR_FIELD_ETHERTYPE];
	__u8 families = 0;

	if (may_hold(type, ETHERTYPE_IP))
		families |= 1 << WEIR_FAMILY_V4;
	if (may_hold(type, ETHERTYPE_IPV6))
		families |= 1 << WEIR_FAMILY_V6;
	return needs & PKT_ADDR ? families : families | 1 << WEIR_FAMILY_OTHER;
}

static void box_set(struct box *box, int key, __u32 first, __u32 last)
{
	box->first[key] = first;
	box->last[key] = last;
}

/* The four words of a prefix: equal, then an interval, then open. */
static void box_prefix(struct box *box, int key, const struct choice *c)
{
	for (int word = 0; word < 4 && c->bits > word * 32; word++) {
		__u32 value = (__u32)(c->first >> (96 - word * 32));
		unsigned int bits = c->bits - word * 32;

		box_set(box, key + word, value, bits >= 32 ? value : value | ~0U >> bits);
	}
}

/* Families that an address belongs to: a wide one may hold the v4-mapped block. */
static __u8 prefix_families(const struct choice *c)
{
	u128 last = c->bits ? c->first | (c->bits < 128 ? ~(u128)0 >> c->bits : 0) : ~(u128)0;

	if (c->first >= V4_FIRST && last <= V4_LAST)
		return 1 << WEIR_FAMILY_V4;
	if (last < V4_FIRST || c->first > V4_LAST)
		return 1 << WEIR_FAMILY_V6;
	return 1 << WEIR_FAMILY_V4 | 1 << WEIR_FAMILY_V6;
}

static void say(struct draft *draft, struct box *box, enum dimension dim, const struct choice *c)
{
	struct weir_term6 *t = &draft->term;

	switch (dim) {
	case DIM_SADDR:
		t->src_hi = c->first >> 64;
		t->src_lo = c->first;
		t->src_hi_bits = c->bits < 64 ? c->bits : 64;
		t->src_lo_bits = c->bits < 64 ? 0 : c->bits - 64;
		box_prefix(box, WEIR_KEY_SRC, c);
		draft->families &= prefix_families(c);
		break;
	case DIM_DADDR:
		t->dst_hi = c->first >> 64;
		t->dst_lo = c->first;
		t->dst_hi_bits = c->bits < 64 ? c->bits : 64;
		t->dst_lo_bits = c->bits < 64 ? 0 : c->bits - 64;
		box_prefix(box, WEIR_KEY_DST, c);
		draft->families &= prefix_families(c);
		break;
	case DIM_SPORT:
		t->sport_first = c->first;
		t->sport_last = c->last;
		box_set(box, WEIR_KEY_SPORT, c->first, c->last);
		break;
	case DIM_DPORT:
		t->dport_first = c->first;
		t->dport_last = c->last;
		box_set(box, WEIR_KEY_DPORT, c->first, c->last);
		break;
	case DIM_PROTO:
		t->word |= WEIR_WORD(0, 0, c->first);
		t->mask |= WEIR_WORD(0, 0, 0xff);
		box_set(box, WEIR_KEY_PROTO, c->first, c->first);
		break;
	case DIM_COUNT:
		break;
	}
}

/* The interval around a condition's values helps the forest, which need not be exact. */
static void box_hull(struct box *box, int key, const struct match *m, unsigned int shift)
{
	if (!m->present || m->negated || !m->ranges_count)
		return;
	box_set(box, key, (__u32)m->ranges[0].first_lo << shift,
		((__u32)m->ranges[m->ranges_count - 1].last_lo << shift) | ((1U << shift) - 1));
}

/* Only the low half of an address is a key: where the values share the high one. */
static void box_mac(struct box *box, int key, const struct match *m)
{
	if (m->present && m->ranges_count &&
	    m->ranges[0].first_lo >> 32 == m->ranges[m->ranges_count - 1].last_lo >> 32)
		box_hull(box, key, m, 0);
}

/* @fields are those that the term leaves to conditions. */
static void box_conditions(struct box *box, const struct rule *r, __u32 fields)
{
	const struct match *m = r->match;

	if (fields & 1U << WEIR_FIELD_SPORT && !m[WEIR_FIELD_SPORT].sets_count)
		box_hull(box, WEIR_KEY_SPORT, &m[WEIR_FIELD_SPORT], 0);
	if (fields & 1U << WEIR_FIELD_DPORT && !m[WEIR_FIELD_DPORT].sets_count)
		box_hull(box, WEIR_KEY_DPORT, &m[WEIR_FIELD_DPORT], 0);
	if (fields & 1U << WEIR_FIELD_PROTO)
		box_hull(box, WEIR_KEY_PROTO, &m[WEIR_FIELD_PROTO], 0);
	box_hull(box, WEIR_KEY_ICMP, &m[WEIR_FIELD_ICMP_TYPE], 8);
	box_hull(box, WEIR_KEY_VLAN, &m[WEIR_FIELD_VLAN], 0);
	box_hull(box, WEIR_KEY_LENGTH, &m[WEIR_FIELD_LENGTH], 0);
	box_mac(box, WEIR_KEY_SMAC, &m[WEIR_FIELD_SMAC]);
	box_mac(box, WEIR_KEY_DMAC, &m[WEIR_FIELD_DMAC]);
}

/* One term for each combination: count through the choices as an odometer does. */
static void add_combinations(struct filter_build *f, const struct draft *open,
			     const struct boxed *open_boxed,
			     const struct choices choices[DIM_COUNT])
{
	__u32 turn[DIM_COUNT] = {};
	int dim;

	do {
		struct draft draft = *open;
		struct boxed boxed = *open_boxed;

		for (dim = 0; dim < DIM_COUNT; dim++) {
			if (choices[dim].count)
				say(&draft, &boxed.box, dim, &choices[dim].list[turn[dim]]);
		}
		if (draft.families)
			drafts_add(f, &draft, &boxed);
		for (dim = 0; dim < DIM_COUNT; dim++) {
			if (++turn[dim] < choices[dim].count)
				break;
			turn[dim] = 0;
		}
	} while (dim < DIM_COUNT && !f->b->error);
}

/* What an action that decides makes of a packet; 0 of the others. */
static enum weir_reason reason_of(enum weir_action action)
{
	switch (action) {
	case WEIR_ACTION_PASS:
		return WEIR_R_FILTER_PASS;
	case WEIR_ACTION_DROP:
		return WEIR_R_FILTER_DROP;
	case WEIR_ACTION_REJECT:
		return WEIR_R_FILTER_REJECT;
	default:
		return 0;
	}
}

static void note_depth(struct filter_build *f, const struct rule *r, __u32 fields)
{
	const __u32 shallow = 1U << WEIR_FIELD_SADDR | 1U << WEIR_FIELD_DADDR |
			      1U << WEIR_FIELD_ETHERTYPE | 1U << WEIR_FIELD_SMAC |
			      1U << WEIR_FIELD_DMAC | 1U << WEIR_FIELD_VLAN |
			      1U << WEIR_FIELD_IFACE;
	const struct model *m = f->spec->model;
	__u8 depth = r->tcp_flags.present || r->expr.text || r->action == WEIR_ACTION_REJECT ||
				     r->action == WEIR_ACTION_LOG || fields & ~shallow ||
				     has_pairs(m, &r->match[WEIR_FIELD_SADDR]) ||
				     has_pairs(m, &r->match[WEIR_FIELD_DADDR])
			     ? WEIR_DEPTH_ALL
			     : WEIR_DEPTH_ADDR;

	if (depth > f->out.depth)
		f->out.depth = depth;
	f->out.judges_all |= rule_judges_all(r);
}

static void note_keys(struct filter_build *f, const struct box *box)
{
	for (int key = WEIR_KEY_VLAN; key < WEIR_KEY_COUNT; key++)
		f->out.link_keys |= box->first[key] || box->last[key] != ~0U;
}

/* What all terms of a rule have in common; @left are the fields that they cannot say. */
static struct draft open_draft(struct filter_build *f, const struct rule *rule, __u32 fields,
			       __u32 left)
{
	const struct tcp_flags_match *flags = &rule->tcp_flags;
	__u16 needs = needs_of(rule, fields) | needs_of_pairs(f->spec->model, rule);
	struct draft d = { .families = families_of(rule, needs) };

	d.term.sport_last = d.term.dport_last = 0xffff;
	d.term.word = d.term.mask = WEIR_WORD(needs, 0, 0);
	if (flags->present && !flags->negated) {
		d.term.word |= WEIR_WORD(0, flags->value, 0);
		d.term.mask |= WEIR_WORD(0, flags->mask, 0);
	}
	d.rule.action = rule->action;
	d.rule.conditions = conditions_add(f, rule, left, &d.rule.conditions_count);
	d.rule.reason = reason_of(rule->action);
	return d;
}

void terms_add_rule(struct filter_build *f, const struct rule *rule, __u32 number, __u32 id)
{
	struct choices choices[DIM_COUNT];
	__u32 said = 0, fields = fields_of(rule), left;
	struct boxed boxed = { .box = box_all };
	struct draft open;

	for (int dim = 0; dim < DIM_COUNT; dim++) {
		if (choose(f, &rule->match[dimension_field[dim]], dim, &choices[dim]))
			said |= 1U << dimension_field[dim];
		else
			choices[dim].count = 0;
	}
	said &= ~limit_choices(choices);
	left = fields & ~said;
	open = open_draft(f, rule, fields, left);
	open.rule.rule = number;
	open.rule.id = id;
	boxed.asks = open.rule.conditions_count;
	boxed.decides = open.rule.reason && !boxed.asks && !rule->tcp_flags.present;
	box_conditions(&boxed.box, rule, left);
	note_keys(f, &boxed.box);
	note_depth(f, rule, fields);
	add_combinations(f, &open, &boxed, choices);
}
