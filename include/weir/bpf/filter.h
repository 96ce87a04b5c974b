/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter: the first rule that matches and decides. A plain loop over the
 * rules in the image, one cache line each.
 */
#ifndef WEIR_BPF_FILTER_H
#define WEIR_BPF_FILTER_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/filter.h"

/* Halvings that a search needs at most: an image holds fewer than 2^23 ranges. */
#define SEARCH_HALVINGS 24

static __always_inline bool in_ranges16(const struct weir_image *image,
					const struct weir_ranges *ranges, __u16 value)
{
	const struct weir_range16 *r;
	__u32 base = ranges->offset, n = ranges->count;

	for (int i = 0; i < 16 && n > 1; i++) {
		__u32 half = n / 2;

		r = image_at(image, base + half * sizeof(*r));
		if (r->first <= value)
			base += half * sizeof(*r);
		n -= half;
	}
	r = image_at(image, base);
	return n && r->first <= value && value <= r->last;
}

static __always_inline bool at_most128(__u64 a_hi, __u64 a_lo, __u64 b_hi, __u64 b_lo)
{
	return a_hi < b_hi || (a_hi == b_hi && a_lo <= b_lo);
}

static __always_inline bool in_ranges128(const struct weir_image *image, __u32 base, __u32 n,
					 const union pkt_addr *addr)
{
	__u64 hi = bpf_be64_to_cpu(addr->half[0]), lo = bpf_be64_to_cpu(addr->half[1]);
	const struct weir_range128 *r;

	for (int i = 0; i < SEARCH_HALVINGS && n > 1; i++) {
		__u32 half = n / 2;

		r = image_at(image, base + half * sizeof(*r));
		if (at_most128(r->first_hi, r->first_lo, hi, lo))
			base += half * sizeof(*r);
		n -= half;
	}
	r = image_at(image, base);
	return n && at_most128(r->first_hi, r->first_lo, hi, lo) &&
	       at_most128(hi, lo, r->last_hi, r->last_lo);
}

/*
 * How a condition of each type reads the packet: the bit that says that the
 * field is there, and the search.
 */
#define HAS_SADDR PKT_ADDR
#define HAS_DADDR PKT_ADDR
#define HAS_PROTO PKT_PROTO
#define HAS_SPORT PKT_PORTS
#define HAS_DPORT PKT_PORTS
#define HAS_ICMP_TYPE PKT_ICMP

#define VALUE_SADDR(p) (&(p)->src)
#define VALUE_DADDR(p) (&(p)->dst)
#define VALUE_PROTO(p) ((p)->proto)
#define VALUE_SPORT(p) bpf_ntohs((p)->sport)
#define VALUE_DPORT(p) bpf_ntohs((p)->dport)
#define VALUE_ICMP_TYPE(p) ((p)->icmp_type)

#define SEARCH_ADDR(image, ranges, value) \
	in_ranges128(image, (ranges)->offset, (ranges)->count, value)
#define SEARCH_SMALL(image, ranges, value) in_ranges16(image, ranges, value)

/* A field that the packet lacks fails the condition and its negation alike. */
static __always_inline bool rule_matches(const struct weir_image *image,
					 const struct weir_rule *rule, const struct pkt *p)
{
	__u16 fields = rule->fields;

#define X(sym, keyword, type, member)                                                       \
	if (fields & (1 << WEIR_FIELD_##sym)) {                                             \
		bool negated = rule->negated & (1 << WEIR_FIELD_##sym);                     \
                                                                                            \
		if (!(p->has & HAS_##sym))                                                  \
			return false;                                                       \
		if (SEARCH_##type(image, &rule->match[WEIR_FIELD_##sym], VALUE_##sym(p)) == \
		    negated)                                                                \
			return false;                                                       \
	}
	WEIR_RULE_FIELDS(X)
#undef X
	if (rule->tcp_mask) {
		if (!(p->has & PKT_TCP))
			return false;
		if (((p->tcp_flags & rule->tcp_mask) == rule->tcp_value) == rule->tcp_negated)
			return false;
	}
	return true;
}

struct walk {
	const struct weir_image *image;
	const struct pkt *pkt;
	__u32 rules_offset;
	__u32 reason;
};

static long walk_rule(__u32 index, struct walk *w)
{
	const struct weir_rule *rule =
		image_at(w->image, w->rules_offset + index * sizeof(struct weir_rule));

	if (!rule_matches(w->image, rule, w->pkt))
		return 0;
	count(&weir_rules, rule->id, w->pkt->bytes);
	if (rule->action == WEIR_ACTION_COUNT)
		return 0;
	if (rule->action == WEIR_ACTION_PASS)
		w->reason = WEIR_R_FILTER_PASS;
	else
		w->reason = rule->is_default ? WEIR_R_FILTER_DEFAULT : WEIR_R_FILTER_DROP;
	return 1;
}

/*
 * Run the device's filter. Frames that are not IP are not its business: a
 * default of drop would cut ARP.
 */
static __always_inline enum weir_reason
filter(const struct weir_image *image, const struct weir_device *device, const struct pkt *p)
{
	struct walk w = { .image = image, .pkt = p, .rules_offset = device->rules_offset };

	if (!(p->has & PKT_IP))
		return WEIR_R_CONTINUE;
	bpf_loop(device->rules_count, walk_rule, &w, 0);
	return w.reason;
}

#endif
