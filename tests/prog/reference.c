// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference.h"

#include <netinet/in.h>
#include <string.h>

#include "weir/balance.h"

#define MOST_TAGS 4
#define MOST_EXTENSIONS 8

/* The bytes that are left of a packet, and no more of them than its header says. */
struct rest {
	const __u8 *at;
	size_t size;
};

static unsigned int get16(const __u8 *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void skip(struct rest *r, size_t size)
{
	r->at += size;
	r->size -= size;
}

static void parse_tcp(struct rest r, struct seen *s)
{
	size_t header;

	if (r.size < 20)
		return;
	header = (r.at[12] >> 4) * 4U;
	if (header < 20 || header > r.size)
		return;
	s->tcp = s->ports = true;
	s->sport = get16(r.at);
	s->dport = get16(r.at + 2);
	s->flags = r.at[13];
}

static void parse_ports(struct rest r, size_t header, struct seen *s)
{
	if (r.size < header)
		return;
	s->ports = true;
	s->sport = get16(r.at);
	s->dport = get16(r.at + 2);
}

static void parse_transport(struct rest r, __u8 proto, struct seen *s)
{
	s->transport = true;
	s->proto = proto;
	if (proto == 6) {
		parse_tcp(r, s);
	} else if (proto == 17 || proto == 136) { /* UDP, UDP-Lite */
		parse_ports(r, 8, s);
	} else if (proto == 132 || proto == 33) { /* SCTP, DCCP */
		parse_ports(r, 12, s);
	} else if ((proto == 1 || proto == 58) && r.size >= 8) {
		s->icmp = true;
		s->icmp_type = r.at[0];
	}
}

static void parse_ipv4(struct rest r, struct seen *s)
{
	size_t header, total;
	unsigned int fragment;

	if (r.size < 20 || r.at[0] >> 4 != 4 || (r.at[0] & 15) < 5)
		return;
	s->addresses = true;
	s->src[10] = s->src[11] = s->dst[10] = s->dst[11] = 0xff;
	memcpy(s->src + 12, r.at + 12, 4);
	memcpy(s->dst + 12, r.at + 16, 4);

	header = (r.at[0] & 15) * 4U;
	total = get16(r.at + 2);
	if (total == 0) /* larger than the field */
		total = r.size;
	if (total > r.size || header > total)
		return;
	r.size = total;
	fragment = get16(r.at + 6);
	s->fragment = fragment & 0x3fff;
	if (fragment & 0x1fff) {
		s->transport = true;
		s->proto = r.at[9];
		return;
	}
	parse_transport((struct rest){ r.at + header, total - header }, r.at[9], s);
}

static bool is_v4mapped(const __u8 *addr)
{
	static const __u8 prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, prefix, sizeof(prefix));
}

static bool names_extension(__u8 proto)
{
	/* hop by hop, routing, fragment, AH, destination options, mobility */
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 ||
	       proto == 135;
}

/* RFC 8200, section 4, and RFC 4302 for AH, which counts in words. */
static size_t extension_bytes(const __u8 *at, __u8 type)
{
	if (type == 44)
		return 8;
	return type == 51 ? (at[1] + 2) * 4U : (at[1] + 1) * 8U;
}

static void parse_chain(struct rest r, __u8 next, struct seen *s)
{
	for (int i = 0; names_extension(next); i++) {
		__u8 type = next;
		size_t size;

		if (i == MOST_EXTENSIONS || r.size < 2)
			return;
		size = extension_bytes(r.at, type);
		if (size > r.size)
			return;
		next = r.at[0];
		if (type == 44) {
			s->fragment |= (get16(r.at + 2) & 0xfff9) != 0;
			if (get16(r.at + 2) & 0xfff8) {
				s->transport = true;
				s->proto = next;
				return;
			}
		}
		skip(&r, size);
	}
	parse_transport(r, next, s);
}

static void parse_ipv6(struct rest r, struct seen *s)
{
	const __u8 *ip = r.at;
	size_t payload;

	if (r.size < 40 || ip[0] >> 4 != 6 || is_v4mapped(ip + 8) || is_v4mapped(ip + 24))
		return;
	s->addresses = true;
	memcpy(s->src, ip + 8, 16);
	memcpy(s->dst, ip + 24, 16);
	skip(&r, 40);
	payload = get16(ip + 4);
	if (payload == 0) /* larger than the field */
		payload = r.size;
	if (payload > r.size)
		return;
	r.size = payload;
	parse_chain(r, ip[6], s);
}

static bool is_tag(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

void reference_parse(const __u8 *frame, size_t size, struct seen *s)
{
	struct rest r = { frame, size };
	unsigned int type;

	memset(s, 0, sizeof(*s));
	if (size < 14)
		return;
	type = get16(frame + 12);
	skip(&r, 14);
	for (int i = 0; i < MOST_TAGS && is_tag(type) && r.size >= 4; i++) {
		type = get16(r.at + 2);
		skip(&r, 4);
		s->tagged = true;
	}
	s->tagged |= is_tag(type);
	s->ip = type == 0x0800 || type == 0x86dd || is_tag(type);
	if (type == 0x0800)
		parse_ipv4(r, s);
	else if (type == 0x86dd)
		parse_ipv6(r, s);
}

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

/* The service that has the packet's destination as one of its VIPs, or NULL. */
static const struct service *service_of(const struct model *m, const struct seen *s)
{
	for (size_t i = 0; i < m->services_count; i++) {
		const struct service *service = &m->services[i];

		for (size_t a = 0; a < service->addrs_count; a++) {
			for (size_t p = 0; p < service->ports_count; p++) {
				if (!memcmp(service->addrs[a], s->dst, 16) &&
				    service->ports[p].proto == s->proto &&
				    service->ports[p].port == s->dport)
					return service;
			}
		}
	}
	return NULL;
}

static const struct weir_slot *ring_of(const struct weir_image *image, __u16 service)
{
	const char *start = (const char *)image;
	const struct weir_vip *vips = (const struct weir_vip *)(start + image->vips_offset);

	for (__u32 i = 0; i <= image->vips_mask; i++) {
		if (vips[i].key.proto && vips[i].service == service)
			return (const struct weir_slot *)(start + vips[i].ring_offset);
	}
	return NULL;
}

int reference_backend(const struct model *m, const struct weir_image *image, const struct seen *s)
{
	const struct service *service;
	__u64 src[2], dst[2];
	__u32 position;

	if (!s->ports || s->fragment || s->tagged)
		return -1;
	service = service_of(m, s);
	if (!service)
		return -1;
	memcpy(src, s->src, 16);
	memcpy(dst, s->dst, 16);
	position = weir_ring_position(src[0], src[1], dst[0], dst[1], htons(s->sport),
				      htons(s->dport), s->proto);
	return ring_of(image, (__u16)(service - m->services))[position].current;
}
