// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the filter sees of a frame, read byte by byte. Where the frame ends
 * early or contradicts itself, the fields from there on are missing.
 */
#include <netinet/in.h>
#include <string.h>

#include "judge.h"

#define MOST_TAGS 4
#define MOST_EXTENSIONS 8
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd

struct rest {
	const __u8 *at;
	size_t size;
};

static unsigned int get16(const __u8 *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static u128 get_number(const __u8 *at, size_t bytes)
{
	u128 number = 0;

	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static void skip(struct rest *r, size_t size)
{
	r->at += size;
	r->size -= size;
}

static size_t port_header(unsigned int proto)
{
	switch (proto) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	}
	return 0;
}

static void read_transport(struct rest r, unsigned int proto, struct judge_packet *p)
{
	size_t header = port_header(proto);

	judge_set(p, WEIR_FIELD_PROTO, proto);
	if (proto == IPPROTO_TCP && r.size >= 20) {
		header = (r.at[12] >> 4) * 4U;
		p->has_tcp_flags = header >= 20 && header <= r.size;
		p->tcp_flags = r.at[13];
		header = p->has_tcp_flags ? header : 0;
	}
	if (header && header <= r.size) {
		judge_set(p, WEIR_FIELD_SPORT, get16(r.at));
		judge_set(p, WEIR_FIELD_DPORT, get16(r.at + 2));
	}
	if ((proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) && r.size >= 8) {
		judge_set(p, WEIR_FIELD_ICMP_TYPE, r.at[0]);
		judge_set(p, WEIR_FIELD_ICMP_CODE, r.at[1]);
	}
}

/* 0 where there is more than the field can say: a super-packet. */
static size_t length_said(const __u8 *field, size_t rest)
{
	return get16(field) || rest <= 0xffff ? get16(field) : rest;
}

/* What a header can say at most, and a rule can ask for. */
static size_t length_told(size_t length)
{
	return length < 40 + 0xffff ? length : 40 + 0xffff;
}

static void read_ipv4(struct rest r, struct judge_packet *p)
{
	size_t header, total;
	unsigned int fragment;

	if (r.size < 20 || r.at[0] >> 4 != 4 || (r.at[0] & 15) < 5)
		return;
	header = (r.at[0] & 15) * 4U;
	total = length_said(r.at + 2, r.size);
	judge_set(p, WEIR_FIELD_LENGTH, length_told(total));
	judge_set(p, WEIR_FIELD_SADDR, V4_FIRST + get_number(r.at + 12, 4));
	judge_set(p, WEIR_FIELD_DADDR, V4_FIRST + get_number(r.at + 16, 4));
	judge_set(p, WEIR_FIELD_TTL, r.at[8]);
	judge_set(p, WEIR_FIELD_DSCP, r.at[1] >> 2);
	if (total > r.size || header > total)
		return;
	fragment = get16(r.at + 6);
	judge_set(p, WEIR_FIELD_FRAGMENT, (fragment & 0x3fff) != 0);
	if (fragment & 0x1fff)
		judge_set(p, WEIR_FIELD_PROTO, r.at[9]);
	else
		read_transport((struct rest){ r.at + header, total - header }, r.at[9], p);
}

static bool is_extension(unsigned int proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS || proto == IPPROTO_MH;
}

static size_t extension_bytes(const __u8 *at, unsigned int type)
{
	if (type == IPPROTO_FRAGMENT)
		return 8;
	return type == IPPROTO_AH ? (at[1] + 2) * 4U : (at[1] + 1) * 8U;
}

static void read_chain(struct rest r, unsigned int next, struct judge_packet *p)
{
	for (int i = 0; is_extension(next); i++) {
		unsigned int type = next;
		size_t size;

		if (i == MOST_EXTENSIONS || r.size < 2)
			return;
		size = extension_bytes(r.at, type);
		if (size > r.size)
			return;
		next = r.at[0];
		if (type == IPPROTO_FRAGMENT && get16(r.at + 2) & 0xfff9)
			judge_set(p, WEIR_FIELD_FRAGMENT, 1);
		if (type == IPPROTO_FRAGMENT && get16(r.at + 2) & 0xfff8) {
			judge_set(p, WEIR_FIELD_PROTO, next);
			return;
		}
		skip(&r, size);
	}
	read_transport(r, next, p);
}

static void read_ipv6(struct rest r, struct judge_packet *p)
{
	const __u8 *ip = r.at;
	size_t payload;

	if (r.size < 40 || ip[0] >> 4 != 6)
		return;
	payload = length_said(ip + 4, r.size - 40);
	judge_set(p, WEIR_FIELD_LENGTH, length_told(40 + payload));
	judge_set(p, WEIR_FIELD_SADDR, addr_number(ip + 8));
	judge_set(p, WEIR_FIELD_DADDR, addr_number(ip + 24));
	judge_set(p, WEIR_FIELD_TTL, ip[7]);
	judge_set(p, WEIR_FIELD_DSCP, get16(ip) >> 6 & 63);
	judge_set(p, WEIR_FIELD_FRAGMENT, 0);
	skip(&r, 40);
	if (payload > r.size)
		return;
	r.size = payload;
	read_chain(r, ip[6], p);
}

static bool is_tag(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

void judge_read(const __u8 *frame, size_t size, const char *ifname, struct judge_packet *p)
{
	struct rest r = { frame, size };
	unsigned int type;

	*p = (struct judge_packet){ .ifname = ifname };
	judge_set(p, WEIR_FIELD_IFACE, 0);
	if (size < 14)
		return;
	judge_set(p, WEIR_FIELD_DMAC, get_number(frame, 6));
	judge_set(p, WEIR_FIELD_SMAC, get_number(frame + 6, 6));
	type = get16(frame + 12);
	skip(&r, 14);
	for (int i = 0; is_tag(type) && i < MOST_TAGS && r.size >= 4; i++) {
		if (!i)
			judge_set(p, WEIR_FIELD_VLAN, get16(r.at) & 0xfff);
		type = get16(r.at + 2);
		skip(&r, 4);
	}
	judge_set(p, WEIR_FIELD_ETHERTYPE, type);
	p->is_ip = type == TYPE_IPV4 || type == TYPE_IPV6 || is_tag(type);
	if (p->is_ip) {
		p->has |= 1U << WEIR_FIELD_ESTABLISHED;
		p->unknown |= 1U << WEIR_FIELD_ESTABLISHED;
	}
	if (type == TYPE_IPV4)
		read_ipv4(r, p);
	else if (type == TYPE_IPV6)
		read_ipv6(r, p);
}
