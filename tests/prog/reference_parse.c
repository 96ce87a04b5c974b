// SPDX-License-Identifier: GPL-2.0-or-later
#include "reference.h"

#include <string.h>

#include "packet.h"

#define MOST_TAGS 4
#define MOST_EXTENSIONS 8

/* The bytes that are left of a packet, and no more of them than its header says. */
struct rest {
	const __u8 *at;
	size_t size;
};

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
		s->icmp_code = r.at[1];
	}
}

/* What a configuration can write at most. */
static __u32 most_length(size_t length)
{
	return length > 65575 ? 65575 : (__u32)length;
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
	s->dscp = r.at[1] >> 2;
	s->ttl = r.at[8];

	header = (r.at[0] & 15) * 4U;
	total = get16(r.at + 2);
	if (total == 0 && r.size > 65535) /* larger than the field */
		total = r.size;
	s->length = most_length(total);
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
	s->dscp = (get16(ip) >> 4 & 0xff) >> 2;
	s->ttl = ip[7];
	skip(&r, 40);
	payload = get16(ip + 4);
	if (payload == 0 && r.size > 65535) /* larger than the field */
		payload = r.size;
	s->length = most_length(40 + payload);
	if (payload > r.size)
		return;
	r.size = payload;
	parse_chain(r, ip[6], s);
}

static bool is_tag(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

static __u64 get48(const __u8 *at)
{
	return (__u64)get16(at) << 32 | (__u64)get16(at + 2) << 16 | get16(at + 4);
}

/* Step over the tags, if they are whole and not too many. Returns the type below them. */
static unsigned int parse_tags(struct rest *r, unsigned int type, struct seen *s)
{
	s->tagged = is_tag(type);
	for (int i = 0; i < MOST_TAGS && is_tag(type) && r->size >= 4; i++) {
		if (i == 0) {
			s->has_vlan = true;
			s->vlan = get16(r->at) & 0xfff;
		}
		type = get16(r->at + 2);
		skip(r, 4);
	}
	return type;
}

void reference_parse(const __u8 *frame, size_t size, struct seen *s)
{
	struct rest r = { frame, size };
	unsigned int type;

	memset(s, 0, sizeof(*s));
	if (size < 14)
		return;
	s->ethernet = true;
	s->dmac = get48(frame);
	s->smac = get48(frame + 6);
	skip(&r, 14);
	type = parse_tags(&r, get16(frame + 12), s);
	s->ethertype = (__u16)type;
	s->ip = type == 0x0800 || type == 0x86dd || is_tag(type);
	if (type == 0x0800)
		parse_ipv4(r, s);
	else if (type == 0x86dd)
		parse_ipv6(r, s);
}

void reference_take_tag(struct seen *s, __u16 tci)
{
	s->tagged = s->has_vlan = true;
	s->vlan = tci & 0xfff;
}
