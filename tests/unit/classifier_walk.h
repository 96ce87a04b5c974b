/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled filter, walked in user space as its contract in include/weir says.
 * Every offset is checked against the image's size.
 */
#ifndef WEIR_TEST_CLASSIFIER_WALK_H
#define WEIR_TEST_CLASSIFIER_WALK_H

#include <stdlib.h>
#include <string.h>

#include "../prog/generate.h"
#include "../prog/reference.h"
#include "image.h"
#include "ranges.h"
#include "test_main.h"
#include "weir/classifier.h"
#include "weir/packet.h"

#define MOST_RULES 20000
#define MOST_CANDIDATES (1 << 20)

struct twin {
	struct model model;
	struct reference *reference;
	struct weir_image *image;
	__u32 bytes;
	const struct weir_filter *filter;
};

/* What the walk found. */
struct found {
	int rule;
	__u32 went_on[MOST_RULES];
	size_t went_on_count;
};

static struct twin t;

/* @size bytes at @offset, all of them in the image. */
static const void *at(__u64 offset, __u64 size)
{
	assert_true(offset <= t.bytes && size <= t.bytes - offset);
	return (const char *)t.image + offset;
}

static __u32 word_of(const __u8 addr[16], int word)
{
	addr += (ptrdiff_t)4 * word;
	return (__u32)addr[0] << 24 | (__u32)addr[1] << 16 | (__u32)addr[2] << 8 | addr[3];
}

/* A key of what the packet lacks and WEIR_KEYS has no number for may be any. */
static void fill_keys(const struct seen *s, __u32 key[WEIR_KEY_COUNT])
{
	for (int i = 0; i < 4; i++) {
		key[WEIR_KEY_SRC + i] = s->addresses ? word_of(s->src, i) : (__u32)generate_u64();
		key[WEIR_KEY_DST + i] = s->addresses ? word_of(s->dst, i) : (__u32)generate_u64();
	}
	key[WEIR_KEY_SPORT] = s->ports ? s->sport : WEIR_ABSENT_SPORT;
	key[WEIR_KEY_DPORT] = s->ports ? s->dport : WEIR_ABSENT_DPORT;
	key[WEIR_KEY_PROTO] = s->transport ? s->proto : WEIR_ABSENT_PROTO;
	key[WEIR_KEY_ICMP] = WEIR_ABSENT_ICMP;
	if (s->icmp)
		key[WEIR_KEY_ICMP] = (__u32)s->icmp_type << 8 | s->icmp_code;
	key[WEIR_KEY_VLAN] = s->has_vlan ? s->vlan : WEIR_ABSENT_VLAN;
	key[WEIR_KEY_LENGTH] = s->addresses ? s->length : (__u32)WEIR_ABSENT_LENGTH;
	key[WEIR_KEY_SMAC] = (__u32)s->smac;
	key[WEIR_KEY_DMAC] = (__u32)s->dmac;
}

static enum weir_family family_of(const struct seen *s)
{
	u128 src = addr_number(s->src);

	if (!s->addresses)
		return WEIR_FAMILY_OTHER;
	return V4_FIRST <= src && src <= V4_LAST ? WEIR_FAMILY_V4 : WEIR_FAMILY_V6;
}

static const struct weir_node *walk(__u32 offset, __u32 depth, const __u32 key[WEIR_KEY_COUNT])
{
	const struct weir_node *node = at(offset, sizeof(*node));

	assert_true(depth <= WEIR_FOREST_DEPTH);
	for (__u32 level = 0; level < depth; level++) {
		__u32 mask = WEIR_NODE_MASK(node->head), child = 0;

		assert_true(mask == WEIR_NODE_LEAF || mask == WEIR_NODE_INNER);
		for (int i = 0; i < WEIR_NODE_CUTS; i++) {
			assert_true(!mask || !i || node->cut[i - 1] <= node->cut[i]);
			child += node->cut[i] < key[WEIR_NODE_KEY(node->head)];
		}
		node = at(WEIR_NODE_NEXT(node->head) + (child & mask) * sizeof(*node),
			  sizeof(*node));
	}
	assert_int_equal(WEIR_NODE_MASK(node->head), WEIR_NODE_LEAF);
	return node;
}

static __u32 has_of(const struct seen *s)
{
	return (s->ip ? PKT_IP : 0) | (s->addresses ? PKT_ADDR | PKT_LENGTH : 0) |
	       (s->transport ? PKT_PROTO : 0) | (s->ports ? PKT_PORTS : 0) |
	       (s->tcp ? PKT_TCP : 0) | (s->icmp ? PKT_ICMP : 0) |
	       (s->fragment ? PKT_FRAGMENT : 0) | (s->has_vlan ? PKT_TAGGED : 0) |
	       (s->ethernet ? PKT_ETHERNET : 0);
}

static __u64 number_of(enum weir_field field, const struct seen *s)
{
	switch (field) {
	case WEIR_FIELD_PROTO:
		return s->proto;
	case WEIR_FIELD_SPORT:
		return s->sport;
	case WEIR_FIELD_DPORT:
		return s->dport;
	case WEIR_FIELD_ICMP_TYPE:
		return s->icmp_type;
	case WEIR_FIELD_ICMP_CODE:
		return s->icmp_code;
	case WEIR_FIELD_LENGTH:
		return s->length;
	case WEIR_FIELD_TTL:
		return s->ttl;
	case WEIR_FIELD_DSCP:
		return s->dscp;
	case WEIR_FIELD_ETHERTYPE:
		return s->ethertype;
	case WEIR_FIELD_SMAC:
		return s->smac;
	case WEIR_FIELD_DMAC:
		return s->dmac;
	case WEIR_FIELD_VLAN:
		return s->vlan;
	case WEIR_FIELD_FRAGMENT:
		return s->fragment;
	default: /* the only device has row 0, and nothing is established */
		return 0;
	}
}

static bool condition_holds(const struct weir_condition *c, const struct seen *s)
{
	const struct weir_range128 *addrs;
	const struct weir_range64 *numbers;
	bool holds = false;
	u128 addr;

	switch (c->kind) {
	case WEIR_CONDITION_NUMBER:
		numbers = at(c->offset, c->count * sizeof(*numbers));
		for (__u32 i = 0; i < c->count; i++)
			holds |= numbers[i].first <= number_of(c->field, s) &&
				 number_of(c->field, s) <= numbers[i].last;
		break;
	case WEIR_CONDITION_ADDR:
		addrs = at(c->offset, c->count * sizeof(*addrs));
		addr = addr_number(c->field == WEIR_FIELD_SADDR ? s->src : s->dst);
		for (__u32 i = 0; i < c->count; i++)
			holds |= range_first(&addrs[i]) <= addr && addr <= range_last(&addrs[i]);
		break;
	case WEIR_CONDITION_TCP_FLAGS:
		holds = (s->flags & c->offset >> 8) == (c->offset & 0xff);
		break;
	case WEIR_CONDITION_SET:
		assert_true(c->offset < t.model.sets_count);
		holds = reference_in_set(&t.model.sets[c->offset], c->field, s);
		break;
	case WEIR_CONDITION_ESTABLISHED: /* nothing is, here */
		break;
	default:
		fail_msg("condition of kind %u is not known here", c->kind);
	}
	return holds != c->negated;
}

static bool conditions_hold(const struct weir_term_rule *term, const struct seen *s)
{
	const struct weir_condition *c = at(term->conditions, term->conditions_count * sizeof(*c));

	for (__u32 i = 0; i < term->conditions_count; i++) {
		bool holds = condition_holds(&c[i], s);

		for (; c[i].or_next; i++) {
			assert_true(i + 1 < term->conditions_count);
			holds |= condition_holds(&c[i + 1], s);
		}
		if (!holds)
			return false;
	}
	return true;
}

static bool half_is(const __u8 *bytes, __u64 half, __u32 bits)
{
	__u64 value = (__u64)word_of(bytes, 0) << 32 | word_of(bytes, 1);

	assert_true(bits <= 64);
	return !bits || (value ^ half) >> (64 - bits) == 0;
}

static bool ports_hold(__u32 sport_first, __u32 sport_last, __u32 dport_first, __u32 dport_last,
		       const struct seen *s)
{
	return !s->ports || (sport_first <= s->sport && s->sport <= sport_last &&
			     dport_first <= s->dport && s->dport <= dport_last);
}

static bool word_holds(__u32 word, __u32 mask, const struct seen *s)
{
	return !((word ^ WEIR_WORD(has_of(s), s->flags, s->proto)) & mask);
}

static bool address_holds(__u32 of_term, __u32 of_packet, __u8 shift)
{
	assert_true(shift <= 32);
	return (__u64)of_term >> shift == (__u64)of_packet >> shift;
}

static bool term4_holds(const struct weir_term4 *term, const struct seen *s)
{
	return address_holds(term->src, word_of(s->src, 3), term->head.src_shift) &&
	       address_holds(term->dst, word_of(s->dst, 3), term->head.dst_shift) &&
	       word_holds(term->word, term->mask, s) &&
	       ports_hold(term->sport_first, term->sport_last, term->dport_first, term->dport_last,
			  s);
}

static bool term6_holds(const struct weir_term6 *term, const struct seen *s)
{
	return half_is(s->src, term->src_hi, term->src_hi_bits) &&
	       half_is(s->src + 8, term->src_lo, term->src_lo_bits) &&
	       half_is(s->dst, term->dst_hi, term->dst_hi_bits) &&
	       half_is(s->dst + 8, term->dst_lo, term->dst_lo_bits) &&
	       word_holds(term->word, term->mask, s) &&
	       ports_hold(term->sport_first, term->sport_last, term->dport_first, term->dport_last,
			  s);
}

static bool term_holds(const struct weir_forest *forest, __u32 number, const struct seen *s)
{
	if (family_of(s) == WEIR_FAMILY_V6)
		return term6_holds(at(forest->terms_offset + number * sizeof(struct weir_term6),
				      sizeof(struct weir_term6)),
				   s);
	return term4_holds(at(forest->terms_offset + number * sizeof(struct weir_term4),
			      sizeof(struct weir_term4)),
			   s);
}

static const struct weir_term_rule *rule_of(const struct weir_forest *forest, __u32 number,
					    enum weir_family family)
{
	__u32 bytes =
		family == WEIR_FAMILY_V6 ? sizeof(struct weir_term6) : sizeof(struct weir_term4);
	const struct weir_term_head *head =
		at(forest->terms_offset + number * bytes, sizeof(struct weir_term_head));
	const struct weir_term_rule *rule =
		at(forest->rules_offset + number * sizeof(*rule), sizeof(struct weir_term_rule));

	assert_int_equal(head->id, rule->id);
	assert_int_equal(head->reason, rule->conditions_count ? 0 : rule->reason);
	return rule;
}

static int compare_numbers(const void *a, const void *b)
{
	__u32 one = WEIR_TERM_NUMBER(*(const __u32 *)a);
	__u32 other = WEIR_TERM_NUMBER(*(const __u32 *)b);

	return one < other ? -1 : one > other;
}

/* The offset of the row of bits for a key: as many steps as there are, ended by itself. */
static __u32 row_of(__u32 root, __u32 key, __u32 bits)
{
	const __u32 *entry;

	assert_true(key >> bits < WEIR_VECTOR_ROOT);
	entry = at(root + (key >> bits) * sizeof(*entry), sizeof(*entry));
	while (bits) {
		__u32 mask = *entry & 255;

		bits -= 8;
		assert_true(mask == WEIR_VECTOR_TABLE || mask == WEIR_VECTOR_ROW);
		entry = at(WEIR_VECTOR_NEXT(*entry) + (key >> bits & mask) * sizeof(*entry),
			   sizeof(*entry));
	}
	assert_int_equal(*entry & 255, WEIR_VECTOR_ROW);
	assert_int_equal(*(const __u32 *)at(WEIR_VECTOR_NEXT(*entry), 4), *entry);
	return WEIR_VECTOR_NEXT(*entry);
}

/* The terms that have their bits in the rows of all fields. */
static size_t collect_bits(const struct weir_forest *forest, const __u32 key[WEIR_KEY_COUNT],
			   __u32 candidates[MOST_CANDIDATES])
{
	const struct weir_vectors *v = at(forest->root[0], sizeof(*v));
	__u32 words = v->groups * WEIR_VECTOR_GROUP;
	const __u64 *row[WEIR_VECTOR_COUNT];
	size_t count = 0;

	assert_in_range(v->groups, 1, WEIR_VECTOR_GROUPS);
#define X(sym, bits)             \
	row[WEIR_VECTOR_##sym] = \
		at(row_of(v->root[WEIR_VECTOR_##sym], key[WEIR_KEY_##sym], bits), words * 8);
	WEIR_VECTORS(X)
#undef X
	for (__u32 i = 0; i < (words - 1) * 64; i++) {
		bool is_set = true;

		for (int f = 0; f < WEIR_VECTOR_COUNT; f++)
			is_set &= row[f][1 + i / 64] >> i % 64 & 1;
		if (is_set)
			candidates[count++] = i;
	}
	return count;
}

/* The terms in the leaves that the packet falls into, in ascending order. */
static size_t collect(const struct seen *s, __u32 candidates[MOST_CANDIDATES])
{
	const struct weir_forest *forest = &t.filter->forest[family_of(s)];
	__u32 key[WEIR_KEY_COUNT];
	size_t count = 0;

	fill_keys(s, key);
	if (forest->trees == WEIR_FOREST_VECTORS)
		return collect_bits(forest, key, candidates);
	for (__u32 tree = 0; tree < forest->trees; tree++) {
		const struct weir_node *leaf = walk(forest->root[tree], forest->depth[tree], key);
		const __u32 *terms = at(leaf->list, leaf->count * sizeof(*terms));

		for (__u32 i = 0; i < leaf->count; i++) {
			assert_true(i == 0 ||
				    WEIR_TERM_NUMBER(terms[i - 1]) < WEIR_TERM_NUMBER(terms[i]));
			assert_true(count < MOST_CANDIDATES);
			candidates[count++] = terms[i];
		}
	}
	qsort(candidates, count, sizeof(*candidates), compare_numbers);
	return count;
}

static bool goes_on(enum weir_action action)
{
	return action != WEIR_ACTION_PASS && action != WEIR_ACTION_DROP &&
	       action != WEIR_ACTION_REJECT;
}

static void find(const struct seen *s, struct found *found)
{
	static __u32 candidates[MOST_CANDIDATES];
	const struct weir_forest *forest = &t.filter->forest[family_of(s)];
	size_t count = 0;

	found->rule = s->ip ? (int)t.filter->rules_count - 1 : REFERENCE_NO_RULE;
	found->went_on_count = 0;
	if (s->ip || t.filter->judges_all)
		count = collect(s, candidates);
	for (size_t i = 0; i < count; i++) {
		__u32 number = WEIR_TERM_NUMBER(candidates[i]);
		const struct weir_term_rule *term = rule_of(forest, number, family_of(s));

		if (forest->trees != WEIR_FOREST_VECTORS)
			assert_int_equal(!!(candidates[i] & WEIR_TERM_ASKS),
					 !!term->conditions_count);
		if (!term_holds(forest, number, s) || !conditions_hold(term, s))
			continue;
		if (!goes_on(term->action)) {
			found->rule = (int)term->rule;
			return;
		}
		assert_true(found->went_on_count < MOST_RULES);
		found->went_on[found->went_on_count++] = term->rule;
	}
}

#endif
