/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame, parsed once for every stage.
 */
#ifndef WEIR_BPF_PACKET_H
#define WEIR_BPF_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir/bpf/cursor.h"
#include "weir/filter.h"
#include "weir/packet.h"

union pkt_addr {
	__be32 word[4];
	__u64 half[2]; /* as they lie in memory */
};

/* A field is not to be read without its bit in has. */
struct pkt {
	union pkt_addr src; /* v4-mapped */
	union pkt_addr dst;
	__be32 mac[3]; /* of the destination, then of the source, as in the frame */
	__u32 bytes; /* whole frame */
	__u32 ip_bytes; /* by the IP header: without padding; PKT_MOST_IP_BYTES at most */
	__u32 l3_offset;
	__u32 l4_offset;
	__u32 l4_bytes; /* transport header and payload, by the IP header's length */
	__be16 sport;
	__be16 dport;
	__u16 has; /* enum pkt_has */
	__u8 is_v6;
	__u8 proto; /* last header of the IPv6 chain */
	__u8 tcp_flags;
	__u8 tcp_header_bytes;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 traffic_class;
	__u8 ttl; /* or hop limit */
	__u16 vlan; /* of the outermost tag */
	__be16 ethertype; /* below all tags */
	__u32 mark; /* that a rule gave it, of meaning with PKT_MARKED */
	__be32 fragment_id; /* of meaning with PKT_FRAGMENT; of IPv4, 16 bits */
};

/*
 * 16 bytes in two words. What the compiler does not know to lie at a multiple of 8
 * it copies in smaller parts, and who reads a word of those waits for all of them.
 */
static __always_inline void pkt_copy_addr(void *to, const void *from)
{
	__u64 *half = to;

	half[0] = ((const __u64 *)from)[0];
	half[1] = ((const __u64 *)from)[1];
}

/* The half of a v4-mapped address that has it, as one word. */
static __always_inline __u64 pkt_half_v4(__be32 addr)
{
	union {
		__be32 word[2];
		__u64 half;
	} mapped = { .word = { bpf_htonl(0xffff), addr } };

	return mapped.half;
}

#define PKT_MAX_TAGS 4
#define PKT_MAX_EXTENSIONS 8
#define PKT_V4MAPPED bpf_htonl(0xffff)
#define PKT_MOST_SAID 0xffff /* by a length field */
#define PKT_MOST_IP_BYTES (sizeof(struct ipv6hdr) + PKT_MOST_SAID) /* by an IP header */

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

struct extension {
	__u8 next;
	__u8 units; /* of 8 bytes, less the first; AH: of 4, less two */
};

struct icmp {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 rest;
};

struct fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset; /* in units of 8, over 3 flag bits */
	__be32 id;
};

/* 48 bits, most significant byte first. */
static __always_inline __u64 pkt_dmac(const struct pkt *p)
{
	return (__u64)bpf_ntohl(p->mac[0]) << 16 | bpf_ntohl(p->mac[1]) >> 16;
}

static __always_inline __u64 pkt_smac(const struct pkt *p)
{
	return (__u64)(bpf_ntohl(p->mac[1]) & 0xffff) << 32 | bpf_ntohl(p->mac[2]);
}

static __always_inline bool pkt_is(const struct pkt *p, __u16 has)
{
	return (p->has & has) == has;
}

static __always_inline void pkt_parse_tcp(struct cursor *c, struct pkt *p)
{
	struct tcphdr *tcp = cursor_pull(c, struct tcphdr);

	if (!tcp || p->l4_bytes < sizeof(*tcp) || tcp->doff < 5 || tcp->doff * 4U > p->l4_bytes)
		return;
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->tcp_flags = ((__u8 *)tcp)[13];
	p->tcp_header_bytes = tcp->doff * 4;
	p->has |= PKT_PORTS | PKT_TCP;
}

/* UDP, UDP-Lite, SCTP and DCCP begin with their ports; no stage reads on. */
static __always_inline void pkt_parse_ports(struct cursor *c, struct pkt *p, __u32 header_bytes)
{
	__be16 *port = cursor_take(c, header_bytes);

	if (!port || p->l4_bytes < header_bytes)
		return;
	p->sport = port[0];
	p->dport = port[1];
	p->has |= PKT_PORTS;
}

static __always_inline void pkt_parse_icmp(struct cursor *c, struct pkt *p)
{
	struct icmp *icmp = cursor_pull(c, struct icmp);

	if (!icmp || p->l4_bytes < sizeof(*icmp))
		return;
	p->icmp_type = icmp->type;
	p->icmp_code = icmp->code;
	p->has |= PKT_ICMP;
}

static __always_inline void pkt_parse_l4(struct cursor *c, struct pkt *p)
{
	p->l4_offset = c->offset;
	p->has |= PKT_PROTO;

	switch (p->proto) {
	case IPPROTO_TCP:
		pkt_parse_tcp(c, p);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		pkt_parse_ports(c, p, sizeof(struct udphdr));
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		pkt_parse_ports(c, p, 12);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		pkt_parse_icmp(c, p);
		break;
	}
}

/* A length of 0 is a super-packet's where there is more than the field can say, else true. */
static __always_inline __u32 pkt_said(__be16 field, __u32 rest)
{
	__u32 said = bpf_ntohs(field);

	return said || rest <= PKT_MOST_SAID ? said : rest;
}

/* No rule can ask for more than a header can say. */
static __always_inline __u32 pkt_ip_bytes(__u32 bytes)
{
	return bytes < PKT_MOST_IP_BYTES ? bytes : PKT_MOST_IP_BYTES;
}

static __always_inline void pkt_parse_ipv4(struct cursor *c, struct pkt *p, enum weir_depth depth)
{
	struct iphdr *ip = cursor_pull(c, struct iphdr);
	__u32 total, header;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return;
	p->src.half[0] = p->dst.half[0] = forget(0, p->bytes);
	p->src.word[2] = p->dst.word[2] = PKT_V4MAPPED;
	p->src.word[3] = ip->saddr;
	p->dst.word[3] = ip->daddr;
	p->traffic_class = ip->tos;
	p->ttl = ip->ttl;
	p->has |= PKT_ADDR | PKT_LENGTH;

	header = ip->ihl * 4;
	total = pkt_said(ip->tot_len, p->bytes - p->l3_offset);
	p->ip_bytes = pkt_ip_bytes(total);
	if (depth < WEIR_DEPTH_ALL)
		return;
	if (total < header || total > p->bytes - p->l3_offset)
		return;
	p->proto = ip->protocol;
	p->l4_bytes = total - header;
	cursor_skip(c, header - sizeof(*ip));

	if (ip->frag_off & bpf_htons(0x3fff)) {
		p->has |= PKT_FRAGMENT;
		p->fragment_id = ip->id;
	}
	if (ip->frag_off & bpf_htons(0x1fff)) {
		p->l4_offset = c->offset;
		p->has |= PKT_PROTO;
		return;
	}
	pkt_parse_l4(c, p);
}

static __always_inline bool pkt_is_extension(__u8 proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return true;
	}
	return false;
}

/*
 * Step over one extension header, if @p->proto names one.
 * Returns 1 when it did, 0 at the transport header, -1 where there is nothing
 * more to parse: at a later fragment, or where the packet ends.
 */
static __always_inline int pkt_step_extension(struct cursor *c, struct pkt *p)
{
	struct extension *ext;
	struct fragment *frag;
	__u32 size;

	switch (p->proto) {
	case IPPROTO_FRAGMENT:
		frag = cursor_pull(c, struct fragment);
		size = sizeof(*frag);
		if (!frag || size > p->l4_bytes)
			return -1;
		p->proto = frag->next;
		if (frag->offset & bpf_htons(0xfff9)) { /* an atomic fragment is none */
			p->has |= PKT_FRAGMENT;
			p->fragment_id = frag->id;
		}
		if (frag->offset & bpf_htons(0xfff8)) {
			p->l4_offset = c->offset;
			p->has |= PKT_PROTO;
			return -1;
		}
		break;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
	case IPPROTO_MH:
		ext = cursor_pull(c, struct extension);
		if (!ext)
			return -1;
		size = p->proto == IPPROTO_AH ? (ext->units + 2) * 4U : (ext->units + 1) * 8U;
		p->proto = ext->next;
		cursor_skip(c, size - sizeof(*ext));
		break;
	default:
		return 0;
	}
	if (size > p->l4_bytes)
		return -1;
	p->l4_bytes -= size;
	return 1;
}

/*
 * Returns 0 at the transport header, -1 where there is none to be found.
 * Unrolled: Linux 6.1 refuses a loop that is entered by falling into it, as
 * clang lays this one out.
 */
static __always_inline int pkt_skip_extensions(struct cursor *c, struct pkt *p)
{
	int step = 1;

#pragma unroll
	for (int i = 0; i < PKT_MAX_EXTENSIONS; i++) {
		c->offset = forget(c->offset, p->bytes);
		p->proto = forget(p->proto, p->bytes);
		p->has = forget(p->has, p->bytes);
		step = pkt_step_extension(c, p);
		if (step <= 0)
			return step;
	}
	return pkt_is_extension(p->proto) ? -1 : 0;
}

static __always_inline bool pkt_is_v4mapped(const struct in6_addr *a)
{
	return !a->in6_u.u6_addr32[0] && !a->in6_u.u6_addr32[1] &&
	       a->in6_u.u6_addr32[2] == PKT_V4MAPPED;
}

static __always_inline void pkt_parse_ipv6(struct cursor *c, struct pkt *p, enum weir_depth depth)
{
	struct ipv6hdr *ip = cursor_pull(c, struct ipv6hdr);
	__u32 payload;

	if (!ip || ip->version != 6)
		return;
	/* No such address belongs on a wire, and here it would pass for IPv4. */
	if (pkt_is_v4mapped(&ip->saddr) || pkt_is_v4mapped(&ip->daddr))
		return;
	pkt_copy_addr(&p->src, &ip->saddr);
	pkt_copy_addr(&p->dst, &ip->daddr);
	p->traffic_class = bpf_ntohl(*(__be32 *)ip) >> 20;
	p->ttl = ip->hop_limit;
	p->has |= PKT_ADDR | PKT_LENGTH;

	payload = pkt_said(ip->payload_len, p->bytes - p->l3_offset - sizeof(*ip));
	p->ip_bytes = pkt_ip_bytes(payload + sizeof(*ip));
	if (depth < WEIR_DEPTH_ALL)
		return;
	if (payload > p->bytes - p->l3_offset - sizeof(*ip))
		return;
	p->proto = ip->nexthdr;
	p->l4_bytes = payload;

	if (!pkt_skip_extensions(c, p))
		pkt_parse_l4(c, p);
}

/* The Ethernet type below all tags; one tag too many leaves a tag's type. */
static __always_inline __be16 pkt_parse_ethernet(struct cursor *c, struct pkt *p)
{
	struct ethhdr *eth = cursor_pull(c, struct ethhdr);
	struct vlan_tag *tag;
	__be16 type;

	if (!eth)
		return 0;
	/* In words: a copy of a packed struct goes byte by byte. */
	for (int i = 0; i < 3; i++)
		p->mac[i] = ((const __be32 *)eth)[i];
	p->has |= PKT_ETHERNET;
	type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < PKT_MAX_TAGS; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		tag = cursor_pull(c, struct vlan_tag);
		if (!tag)
			break;
		if (!(p->has & PKT_TAGGED))
			p->vlan = bpf_ntohs(tag->tci) & 0xfff;
		p->has |= PKT_TAGGED;
		type = tag->type;
	}
	return type;
}

/* Begin with a frame of @bytes, of which nothing is known but what @has says. */
static __always_inline void pkt_init(struct pkt *p, __u32 bytes, __u16 has)
{
	p->bytes = bytes;
	p->l3_offset = p->l4_offset = p->l4_bytes = 0;
	p->has = has;
	p->is_v6 = 0;
}

/*
 * Parse a frame that begins with an Ethernet header.
 *
 * @p  as pkt_init() leaves it. What cannot be parsed, because the frame ends or
 *     contradicts itself, leaves its bits in has unset; IP under more tags or
 *     extension headers than are walked counts as that too.
 * @depth  what is deeper is left alone, with its bits unset
 */
static __always_inline void pkt_parse(void *data, void *data_end, struct pkt *p,
				      enum weir_depth depth)
{
	struct cursor c = cursor_at(data, data_end, 0);
	__be16 type = pkt_parse_ethernet(&c, p);

	p->l3_offset = c.offset;
	p->ethertype = type;
	switch (type) {
	case bpf_htons(ETH_P_IP):
		p->has |= PKT_IP;
		if (depth > WEIR_DEPTH_TYPE)
			pkt_parse_ipv4(&c, p, depth);
		break;
	case bpf_htons(ETH_P_IPV6):
		p->has |= PKT_IP;
		p->is_v6 = 1;
		if (depth > WEIR_DEPTH_TYPE)
			pkt_parse_ipv6(&c, p, depth);
		break;
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		p->has |= PKT_IP;
		break;
	}
}

#endif
