/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short ways to a verdict, where a filter is all there is to do, of packets as
 * most are. They keep what they read in registers, or where the search wants it,
 * and write no struct pkt. A packet that is not for them goes the long way, from
 * the start or from where they left it.
 */
#ifndef WEIR_XDP_FILTER_H
#define WEIR_XDP_FILTER_H

#include "weir/bpf/filter.h"
#include "weir/bpf/packet_plain.h"

/* Not a reason: the long way is to decide. */
#define SHORT_OTHER WEIR_R_COUNT

/* What a packet met: a rule, or the default. */
struct short_end {
	__u32 id; /* of its counter */
	__u32 reason;
};

static __always_inline struct short_end short_default(const struct weir_filter *f)
{
	return (struct short_end){ f->default_id, f->default_reason };
}

static __always_inline __u32 short_count(const struct scratch *scratch, const struct short_end *end,
					 __u32 bytes)
{
	count_rule(&scratch->first, end->id, bytes);
	return end->reason;
}

/* The addresses of a packet, as sets know them. */
struct short_addresses {
	__u64 src_hi, src_lo;
	__u64 dst_hi, dst_lo;
	__u32 v6; /* WEIR_SET_V6 or 0 */
};

/* False where it has none that are whole, or they stand behind a tag. */
static __always_inline bool short_read_addresses(const void *data, const void *data_end,
						 struct short_addresses *a)
{
	const __be16 *type = data + 2 * ETH_ALEN;
	const struct iphdr *ip4 = data + ETH_HLEN;
	const struct ipv6hdr *ip6 = data + ETH_HLEN;
	const __u64 *half = (const void *)&ip6->saddr;

	if ((const void *)(ip4 + 1) > data_end)
		return false;
	if (*type == bpf_htons(ETH_P_IP)) {
		a->src_hi = (__u64)bpf_ntohl(ip4->saddr) << 32;
		a->dst_hi = (__u64)bpf_ntohl(ip4->daddr) << 32;
		a->src_lo = a->dst_lo = a->v6 = 0;
		return ip4->version == 4 && ip4->ihl >= 5;
	}
	if (*type != bpf_htons(ETH_P_IPV6) || (const void *)(ip6 + 1) > data_end)
		return false;
	a->src_hi = bpf_be64_to_cpu(half[0]);
	a->src_lo = bpf_be64_to_cpu(half[1]);
	a->dst_hi = bpf_be64_to_cpu(half[2]);
	a->dst_lo = bpf_be64_to_cpu(half[3]);
	a->v6 = WEIR_SET_V6;
	return ip6->version == 6 && !pkt_is_v4mapped(&ip6->saddr) && !pkt_is_v4mapped(&ip6->daddr);
}

static __always_inline __u64 short_choose(__u64 yes, __u64 no, __u64 mask)
{
	return (yes & mask) | (no & ~mask);
}

/*
 * By rules that ask for nothing but sets of addresses. All are asked, from the
 * last to the first: whether a packet is in a set is not to be predicted, and a
 * wrong guess costs as much as a set.
 */
static __noinline int short_by_sets(struct xdp_md *ctx, const struct weir_image *image,
				    const struct weir_filter *f, const struct scratch *scratch,
				    __u32 bytes)
{
	const struct weir_set_rule *rules = image_at(image, f->set_rules_offset);
	struct short_end end = short_default(f);
	__u32 count = f->set_rules_count;
	struct short_addresses a;

	if (!short_read_addresses((void *)(long)ctx->data, (void *)(long)ctx->data_end, &a))
		return SHORT_OTHER;
	for (__u32 i = 0; i < WEIR_SET_RULES && i < count; i++) {
		const struct weir_set_rule *r = &rules[(count - 1 - i) & (WEIR_SET_RULES - 1)];
		__u64 side = -(__u64)r->is_destination, holds;

		holds = set_has_address(r->slot, short_choose(a.dst_hi, a.src_hi, side),
					short_choose(a.dst_lo, a.src_lo, side), a.v6);
		holds = -(holds ^ r->is_negated);
		end.id = short_choose(r->id, end.id, holds);
		end.reason = short_choose(r->reason, end.reason, holds);
	}
	return short_count(scratch, &end, bytes);
}

/* Read a packet for the search. False where it is not as most are. */
static __always_inline bool short_read(struct xdp_md *ctx, struct walk *w, __u32 bytes)
{
	const void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	const __be16 *type = data + 2 * ETH_ALEN;
	const struct iphdr *ip = data + ETH_HLEN;
	const struct tcphdr *l4 = (const void *)(ip + 1);
	const __u8 *byte = (const void *)l4;
	__u32 total, plain, has, sport, dport;

	if ((const void *)(l4 + 1) > data_end || *type != bpf_htons(ETH_P_IP))
		return false;
	total = bpf_ntohs(ip->tot_len);
	plain = plain_headers[ip->protocol];
	if (*(const __u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) ||
	    total > bytes - ETH_HLEN ||
	    !plain_is_whole(plain, (byte[12] & 0xf0) >> 2, total - sizeof(*ip)))
		return false;
	has = PLAIN_ALL | PLAIN_HAS(plain);
	sport = bpf_ntohs(l4->source);
	dport = bpf_ntohs(l4->dest);
	w->view.word = WEIR_WORD(has, byte[13], ip->protocol);
	w->view.sport = sport;
	w->view.dport = dport;
	w->keys.key[WEIR_KEY_SRC_LAST] = bpf_ntohl(ip->saddr);
	w->keys.key[WEIR_KEY_DST_LAST] = bpf_ntohl(ip->daddr);
	w->keys.key[WEIR_KEY_SPORT] = pick(has, PKT_PORTS, sport, WEIR_ABSENT_SPORT);
	w->keys.key[WEIR_KEY_DPORT] = pick(has, PKT_PORTS, dport, WEIR_ABSENT_DPORT);
	w->keys.key[WEIR_KEY_PROTO] = ip->protocol;
	w->keys.key[WEIR_KEY_ICMP] = pick(has, PKT_ICMP, byte[0] << 8 | byte[1], WEIR_ABSENT_ICMP);
	return true;
}

/* Whether a packet of IPv4 without a port, or with it, is in the one set that the rule asks for. */
static __always_inline bool short_in_set(const struct search *s, const struct weir_term_rule *rule)
{
	const struct weir_condition *c = image_at(s->image, rule->conditions);
	const struct walk *w = &s->scratch->walk;
	bool is_source = c->field == WEIR_FIELD_SADDR;
	__u32 port = is_source ? w->view.sport : w->view.dport;

	if (!(w->view.word & WEIR_WORD(PKT_PORTS, 0, 0)))
		port = SET_NO_PORT;
	return set_lookup(c->offset,
			  (__u64)w->keys.key[is_source ? WEIR_KEY_SRC_LAST : WEIR_KEY_DST_LAST]
				  << 32,
			  0, port) != c->negated;
}

/* What the term that holds first decides; reason 0 where more than that is asked. */
static __always_inline struct short_end short_by_term(struct search *s)
{
	struct walk *w = &s->scratch->walk;
	const struct weir_term_head *head;
	const struct weir_term_rule *rule;

	w->next = s->forest->trees ? next_term(s) : NO_TERM;
	if (w->next == NO_TERM)
		return short_default(s->filter);
	if (w->next == UNKNOWN_TERM)
		return (struct short_end){};
	head = head_of(s, w->next);
	if (head->reason)
		return (struct short_end){ head->id, head->reason };
	rule = rule_of(s, w->next);
	if (!rule->reason || !asks_for_a_set(s->image, rule))
		return (struct short_end){};
	if (short_in_set(s, rule))
		return (struct short_end){ rule->id, rule->reason };
	w->next = next_term(s);
	return w->next == NO_TERM ? short_default(s->filter) : (struct short_end){};
}

/* By rules of all kinds. Where the long way is to go on, it goes on from the term in walk.next. */
static __noinline int short_by_rules(struct xdp_md *ctx, const struct weir_image *image,
				     const struct weir_filter *f, struct scratch *scratch,
				     __u32 bytes)
{
	struct search s = { .ctx = ctx,
			    .image = image,
			    .filter = f,
			    .scratch = scratch,
			    .forest = &f->forest[WEIR_FAMILY_V4] };
	struct short_end end;

	if (f->link_keys || !short_read(ctx, &scratch->walk, bytes))
		return SHORT_OTHER;
	scratch->walk.is_wide = 0;
	if (s.forest->trees)
		lead(&s);
	end = short_by_term(&s);
	if (end.reason && end.reason != WEIR_R_FILTER_REJECT)
		return short_count(scratch, &end, bytes);
	scratch->walk.is_begun = 1;
	return SHORT_OTHER;
}

/* By the default alone, for which it is enough that the frame is one of IP. */
static __always_inline __u32 short_by_default(struct xdp_md *ctx, const struct weir_filter *f,
					      const struct scratch *scratch, __u32 bytes)
{
	const __be16 *type = (void *)(long)ctx->data + 2 * ETH_ALEN;
	struct short_end end = short_default(f);

	if ((void *)(type + 1) > (void *)(long)ctx->data_end ||
	    (*type != bpf_htons(ETH_P_IP) && *type != bpf_htons(ETH_P_IPV6)))
		return SHORT_OTHER;
	return short_count(scratch, &end, bytes);
}

/* Returns an enum weir_reason, with the packet counted at its rule, or SHORT_OTHER. */
static __always_inline __u32 filter_short(struct xdp_md *ctx, const struct weir_image *image,
					  struct scratch *scratch, __u32 bytes)
{
	const struct weir_device *device = device_row(image);
	const struct weir_filter *f = filter_of(image, device);

	if (!stage_is_on(device, WEIR_STAGE_FILTER))
		return SHORT_OTHER;
	if (f->shape == WEIR_SHAPE_DEFAULT)
		return short_by_default(ctx, f, scratch, bytes);
	if (f->shape == WEIR_SHAPE_SETS)
		return short_by_sets(ctx, image, f, scratch, bytes);
	return short_by_rules(ctx, image, f, scratch, bytes);
}

#endif
