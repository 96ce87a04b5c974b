// SPDX-License-Identifier: GPL-2.0-or-later
#include "near.h"

#include <stdlib.h>
#include <string.h>

#include "generate_values.h"
#include "ranges.h"

/* What a frame is to have. */
struct wish {
	u128 number[WEIR_FIELD_COUNT];
	__u32 given; /* 1 << enum weir_field */
	bool has_flags;
	__u8 flags;
};

static bool is_given(const struct wish *w, enum weir_field field)
{
	return w->given >> field & 1;
}

static u128 point_at(const range *r)
{
	u128 first = range_first(r), last = range_last(r);
	u128 any = (u128)generate_u64() << 64 | generate_u64();

	switch (generate_below(12)) {
	case 0:
		return first - 1;
	case 1:
		return last + 1;
	case 2 ... 4:
		return first;
	case 5 ... 7:
		return last;
	default:
		return last - first == ~(u128)0 ? any : first + any % (last - first + 1);
	}
}

static void wish_match(const struct model *m, const struct match *match, enum weir_field field,
		       struct wish *w)
{
	const range *ranges = match->ranges;
	size_t count = match->ranges_count;

	if (match->sets_count && (!count || generate_one_in(2))) {
		const struct set *set =
			model_set(m, match->sets[generate_below(match->sets_count)]);

		ranges = set->elements;
		count = set->elements_count;
	}
	if (!count)
		return;
	w->number[field] = point_at(&ranges[generate_below((__u32)count)]);
	w->given |= 1U << field;
}

/* One wrong bit, or none. */
static void wish_flags(const struct tcp_flags_match *flags, struct wish *w)
{
	w->has_flags = true;
	w->flags = flags->value | ((__u8)generate_u64() & ~flags->mask);
	if (generate_one_in(3))
		w->flags ^= 1 << generate_below(8);
}

/* What @w does not ask for yet. */
static void wish_rule(const struct model *m, const struct rule *rule, struct wish *w)
{
	for (int field = 0; field < WEIR_FIELD_COUNT; field++) {
		if (rule->match[field].present && !is_given(w, field))
			wish_match(m, &rule->match[field], field, w);
	}
	if (rule->tcp_flags.present && !w->has_flags)
		wish_flags(&rule->tcp_flags, w);
}

static bool is_v4_number(u128 number)
{
	return V4_FIRST <= number && number <= V4_LAST;
}

static enum family family_of(const struct wish *w)
{
	if (is_given(w, WEIR_FIELD_SADDR))
		return is_v4_number(w->number[WEIR_FIELD_SADDR]) ? V4 : V6;
	if (is_given(w, WEIR_FIELD_DADDR))
		return is_v4_number(w->number[WEIR_FIELD_DADDR]) ? V4 : V6;
	if (is_given(w, WEIR_FIELD_ETHERTYPE) && generate_one_in(2))
		return w->number[WEIR_FIELD_ETHERTYPE] == TYPE_IPV4 ? V4 : V6;
	return generate_below(2);
}

/* The wish where it is of the packet's family, and anything where it is not. */
static void wished_address(const struct wish *w, enum weir_field field, enum family family,
			   struct address *a)
{
	bool is_v4 = is_v4_number(w->number[field]);

	if (!is_given(w, field) || is_v4 != (family == V4)) {
		random_address(a, family);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->family = family;
	number_addr(is_v4 ? w->number[field] << 96 : w->number[field], a->bytes);
	address_write(a);
}

static __u8 wished_proto(const struct wish *w)
{
	static const __u8 with_ports[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	static const __u8 any[] = { 6, 17, 1, 58, 132, 33, 136, 47, 50, 89 };

	if (is_given(w, WEIR_FIELD_PROTO))
		return (__u8)w->number[WEIR_FIELD_PROTO];
	if (w->has_flags && !generate_one_in(8))
		return IPPROTO_TCP;
	if (is_given(w, WEIR_FIELD_ICMP_TYPE) && !generate_one_in(8))
		return generate_one_in(2) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if ((is_given(w, WEIR_FIELD_SPORT) || is_given(w, WEIR_FIELD_DPORT)) &&
	    !generate_one_in(16))
		return GENERATE_PICK(with_ports);
	return GENERATE_PICK(any);
}

#define WISHED(w, sym, otherwise) \
	(is_given((w), WEIR_FIELD_##sym) ? (w)->number[WEIR_FIELD_##sym] : (u128)(otherwise))

static void set_transport(const struct wish *w, struct packet *p)
{
	static const __u8 flags[] = { SYN, SYN | ACK, ACK, RST, FIN | ACK };

	p->proto = wished_proto(w);
	p->sport = (__u16)WISHED(w, SPORT, generate_one_in(2) ? value_port() : generate_u64());
	p->dport = (__u16)WISHED(w, DPORT, generate_one_in(2) ? value_port() : generate_u64());
	p->icmp_type = (__u8)WISHED(w, ICMP_TYPE, value_icmp_type());
	p->icmp_code = (__u8)WISHED(w, ICMP_CODE, value_icmp_code());
	p->flags = w->has_flags ? w->flags : GENERATE_PICK(flags);
}

static void set_network(const struct wish *w, enum family family, struct packet *p)
{
	__u8 ttl = (__u8)WISHED(w, TTL, value_ttl());

	p->ttl = ttl ? ttl : -1;
	p->tos = (__u8)(WISHED(w, DSCP, value_dscp()) << 2 | generate_below(4));
	if (!is_given(w, WEIR_FIELD_FRAGMENT) ? !generate_one_in(16) : !generate_one_in(3))
		return;
	if (family == V4)
		p->fragment = generate_one_in(2) ? IPV4_MORE_FRAGMENTS : 1 + generate_below(0x1fff);
	else
		p->extensions[0] = (struct packet_extension)EXT_FRAGMENT(
			generate_one_in(2) ? IPV6_MORE_FRAGMENTS : 8 * generate_below(0x2000));
}

static void set_ethernet(const struct wish *w, struct packet *p)
{
	p->smac = (__u64)WISHED(w, SMAC, value_mac()) & 0xffffffffffff;
	p->dmac = (__u64)WISHED(w, DMAC, value_mac()) & 0xffffffffffff;
	if (is_given(w, WEIR_FIELD_VLAN) ? !generate_one_in(4) : generate_one_in(16)) {
		p->tags[0] = generate_one_in(2) ? TYPE_8021Q : TYPE_8021AD;
		p->tcis[0] = (__u16)(WISHED(w, VLAN, value_vlan()) & 0xfff) |
			     (__u16)(generate_below(16) << 12);
		if (generate_one_in(4))
			p->tags[1] = TYPE_8021Q;
	}
	if (!is_given(w, WEIR_FIELD_ETHERTYPE))
		return;
	p->type = (__u16)w->number[WEIR_FIELD_ETHERTYPE];
	if (p->type == 0 || p->type == TYPE_IPV4 || p->type == TYPE_IPV6)
		p->type = 0;
	else
		p->src = p->dst = NULL;
}

/* By its payload; where that would be too much or too little, the header lies. */
static void set_length(const struct wish *w, struct packet *p, struct frame *out)
{
	size_t base = ETHERNET_BYTES;
	int missing;

	if (!is_given(w, WEIR_FIELD_LENGTH) || !p->src)
		return;
	for (int i = 0; i < PACKET_TAGS && p->tags[i]; i++)
		base += 4;
	missing = (int)(__u16)w->number[WEIR_FIELD_LENGTH] - (int)(out->size - base);
	if (missing >= 0 && p->payload + missing < 1400)
		p->payload += (__u16)missing;
	else
		p->claim.length = (__u16)w->number[WEIR_FIELD_LENGTH];
	packet_build(p, out);
}

void near_frame(const struct model *m, const struct filter *f, struct frame *out)
{
	struct address src, dst;
	struct packet p = {};
	struct wish w = {};
	enum family family;

	if (f->rules_count)
		wish_rule(m, &f->rules[generate_below((__u32)f->rules_count)], &w);
	if (f->rules_count && generate_one_in(2))
		wish_rule(m, &f->rules[generate_below((__u32)f->rules_count)], &w);
	family = family_of(&w);
	wished_address(&w, WEIR_FIELD_SADDR, family, &src);
	wished_address(&w, WEIR_FIELD_DADDR, family, &dst);
	p.src = src.text;
	p.dst = dst.text;
	p.payload = (__u16)generate_below(8);
	set_transport(&w, &p);
	set_network(&w, family, &p);
	set_ethernet(&w, &p);
	packet_build(&p, out);
	set_length(&w, &p, out);
	if (generate_one_in(64))
		out->size = ETHERNET_BYTES + generate_below((__u32)out->size - ETHERNET_BYTES + 1);
}
