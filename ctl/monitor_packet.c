// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers in the head of a logged frame, seen as the datapath sees them.
 */
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "monitor.h"

#define MAX_TAGS 4 /* as include/weir/bpf/packet.h */
#define MAX_EXTENSIONS 8

struct head {
	const __u8 *bytes;
	__u32 size; /* of the head */
	__u32 frame; /* bytes that the whole frame has; not below size */
	__u32 at;
	struct seen *seen;
};

/* The next @size bytes, or NULL, with the reason noted. */
static const __u8 *pull(struct head *h, __u32 size)
{
	if (size > h->size || h->at > h->size - size) {
		h->seen->end = (__u64)h->at + size > h->frame ? SEEN_BROKEN : SEEN_CUT;
		return NULL;
	}
	h->at += size;
	return h->bytes + h->at - size;
}

/* Where it ends up is for the next pull to check. */
static void skip_bytes(struct head *h, __u32 size)
{
	h->at += size;
}

static void broken(struct head *h)
{
	h->seen->end = SEEN_BROKEN;
}

static __u16 get16(const __u8 *at)
{
	return (__u16)(at[0] << 8 | at[1]);
}

static void decode_tcp(struct head *h, struct seen *s, __u32 l4_bytes)
{
	const __u8 *tcp = pull(h, 20);
	__u32 header;

	if (!tcp)
		return;
	header = (tcp[12] >> 4) * 4U;
	if (l4_bytes < 20 || header < 20 || header > l4_bytes) {
		broken(h);
		return;
	}
	s->sport = get16(tcp);
	s->dport = get16(tcp + 2);
	s->tcp_flags = tcp[13];
	s->has |= PKT_PORTS | PKT_TCP;
}

static void decode_ports(struct head *h, struct seen *s, __u32 l4_bytes, __u32 header)
{
	const __u8 *ports = pull(h, header);

	if (!ports)
		return;
	if (l4_bytes < header) {
		broken(h);
		return;
	}
	s->sport = get16(ports);
	s->dport = get16(ports + 2);
	s->has |= PKT_PORTS;
}

static void decode_icmp(struct head *h, struct seen *s, __u32 l4_bytes)
{
	const __u8 *icmp = pull(h, 8);

	if (!icmp)
		return;
	if (l4_bytes < 8) {
		broken(h);
		return;
	}
	s->icmp_type = icmp[0];
	s->icmp_code = icmp[1];
	s->has |= PKT_ICMP;
}

static void decode_transport(struct head *h, struct seen *s, __u32 l4_bytes)
{
	s->has |= PKT_PROTO;
	if (s->is_later_fragment)
		return;
	switch (s->proto) {
	case IPPROTO_TCP:
		decode_tcp(h, s, l4_bytes);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		decode_ports(h, s, l4_bytes, 8);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		decode_ports(h, s, l4_bytes, 12);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		decode_icmp(h, s, l4_bytes);
		break;
	}
}

static void put_v4mapped(const __u8 *from, __u8 to[16])
{
	memset(to, 0, 10);
	memset(to + 10, 0xff, 2);
	memcpy(to + 12, from, 4);
}

/* 0 where there is more than the field can say: a super-packet. */
static __u32 length_said(const __u8 *field, __u32 rest)
{
	return get16(field) || rest <= 0xffff ? get16(field) : rest;
}

static void decode_ipv4(struct head *h, struct seen *s)
{
	__u32 l3 = h->at, header;
	const __u8 *ip = pull(h, 20);

	if (!ip)
		return;
	header = (ip[0] & 0xf) * 4U;
	if (ip[0] >> 4 != 4 || header < 20) {
		broken(h);
		return;
	}
	put_v4mapped(ip + 12, s->src);
	put_v4mapped(ip + 16, s->dst);
	s->dscp = ip[1] >> 2;
	s->ttl = ip[8];
	s->length = length_said(ip + 2, h->frame - l3);
	s->has |= PKT_ADDR | PKT_LENGTH;
	if (s->length < header || s->length > h->frame - l3) {
		broken(h);
		return;
	}
	s->proto = ip[9];
	if (get16(ip + 6) & 0x3fff)
		s->has |= PKT_FRAGMENT;
	s->is_later_fragment = get16(ip + 6) & 0x1fff;
	skip_bytes(h, header - 20);
	decode_transport(h, s, s->length - header);
}

static bool is_extension(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_AH || proto == IPPROTO_MH || proto == IPPROTO_FRAGMENT;
}

/* Bytes of the extension header that @s->proto names; 0 where the head ends. */
static __u32 decode_extension(struct head *h, struct seen *s)
{
	bool is_fragment = s->proto == IPPROTO_FRAGMENT, is_ah = s->proto == IPPROTO_AH;
	const __u8 *ext = pull(h, is_fragment ? 8 : 2);
	__u32 size = 8;

	if (!ext)
		return 0;
	s->proto = ext[0];
	if (is_fragment) {
		if (get16(ext + 2) & 0xfff9)
			s->has |= PKT_FRAGMENT;
		s->is_later_fragment = get16(ext + 2) & 0xfff8;
		return size;
	}
	size = is_ah ? (ext[1] + 2) * 4U : (ext[1] + 1) * 8U;
	skip_bytes(h, size - 2);
	return size;
}

static void decode_ipv6_payload(struct head *h, struct seen *s, __u32 payload)
{
	for (int i = 0; i < MAX_EXTENSIONS && is_extension(s->proto); i++) {
		__u32 size = decode_extension(h, s);

		if (!size)
			return;
		if (size > payload) {
			broken(h);
			return;
		}
		payload -= size;
		if (s->is_later_fragment)
			break;
	}
	if (is_extension(s->proto) && !s->is_later_fragment)
		broken(h);
	else
		decode_transport(h, s, payload);
}

static void decode_ipv6(struct head *h, struct seen *s)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	__u32 l3 = h->at, payload;
	const __u8 *ip = pull(h, 40);

	if (!ip)
		return;
	s->is_v6 = true;
	if (ip[0] >> 4 != 6 || !memcmp(ip + 8, mapped, 12) || !memcmp(ip + 24, mapped, 12)) {
		broken(h);
		return;
	}
	memcpy(s->src, ip + 8, 16);
	memcpy(s->dst, ip + 24, 16);
	s->dscp = (get16(ip) >> 4 & 0xff) >> 2;
	s->ttl = ip[7];
	payload = length_said(ip + 4, h->frame - l3 - 40);
	s->length = payload + 40;
	s->has |= PKT_ADDR | PKT_LENGTH;
	if (payload > h->frame - l3 - 40) {
		broken(h);
		return;
	}
	s->proto = ip[6];
	decode_ipv6_payload(h, s, payload);
}

static void add_tag(struct seen *s, __u16 tci)
{
	s->has |= PKT_TAGGED;
	s->vlan[s->vlan_count++] = tci & 0xfff;
}

/* Returns whether there is something behind the Ethernet header and its tags. */
static bool decode_ethernet(struct head *h, struct seen *s)
{
	const __u8 *eth = pull(h, 14), *tag;

	if (!eth)
		return false;
	memcpy(s->dmac, eth, 6);
	memcpy(s->smac, eth + 6, 6);
	s->ethertype = get16(eth + 12);
	s->has |= PKT_ETHERNET;
	for (int i = 0; i < MAX_TAGS; i++) {
		if (s->ethertype != ETHERTYPE_VLAN && s->ethertype != 0x88a8)
			break;
		tag = pull(h, 4);
		if (!tag)
			return false;
		add_tag(s, get16(tag));
		s->ethertype = get16(tag + 2);
	}
	return true;
}

void seen_decode(const struct weir_log_event *event, struct seen *out)
{
	struct head h = {
		.bytes = event->head,
		.size = event->head_bytes < WEIR_LOG_HEAD ? event->head_bytes : WEIR_LOG_HEAD,
		.seen = out,
	};

	h.frame = event->bytes > h.size ? event->bytes : h.size;
	*out = (struct seen){ .bytes = event->bytes };
	if (event->is_tagged)
		add_tag(out, ntohs(event->vlan));
	if (!decode_ethernet(&h, out))
		return;
	if (out->ethertype == ETHERTYPE_IP)
		decode_ipv4(&h, out);
	else if (out->ethertype == ETHERTYPE_IPV6)
		decode_ipv6(&h, out);
}
