/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way through a packet as most are: untagged, no fragment, without
 * options or extension headers, its headers in one piece. One check of bounds,
 * then loads and stores, and no branch that follows what one packet is and the
 * next is not. It finds what pkt_parse() finds, or leaves the packet to it.
 */
#ifndef WEIR_BPF_PACKET_PLAIN_H
#define WEIR_BPF_PACKET_PLAIN_H

#include "weir/bpf/packet.h"

/* What a transport header says, as enum pkt_has, and in the high byte how long it is at least. */
#define PLAIN(has, bytes) ((has) | (bytes) << 8)
#define PLAIN_HAS(plain) ((plain)&0x7f)
#define PLAIN_BYTES(plain) ((plain) >> 8)
#define PLAIN_EXTENSION 0x80

_Static_assert((PKT_PORTS | PKT_TCP | PKT_ICMP) <= 0x7f, "what a header says does not fit");

const volatile __u16 plain_headers[256] = {
	[IPPROTO_TCP] = PLAIN(PKT_PORTS | PKT_TCP, sizeof(struct tcphdr)),
	[IPPROTO_UDP] = PLAIN(PKT_PORTS, sizeof(struct udphdr)),
	[IPPROTO_UDPLITE] = PLAIN(PKT_PORTS, sizeof(struct udphdr)),
	[IPPROTO_SCTP] = PLAIN(PKT_PORTS, 12),
	[IPPROTO_DCCP] = PLAIN(PKT_PORTS, 12),
	[IPPROTO_ICMP] = PLAIN(PKT_ICMP, sizeof(struct icmp)),
	[IPPROTO_ICMPV6] = PLAIN(PKT_ICMP, sizeof(struct icmp)),
	[IPPROTO_HOPOPTS] = PLAIN_EXTENSION,
	[IPPROTO_ROUTING] = PLAIN_EXTENSION,
	[IPPROTO_FRAGMENT] = PLAIN_EXTENSION,
	[IPPROTO_AH] = PLAIN_EXTENSION,
	[IPPROTO_DSTOPTS] = PLAIN_EXTENSION,
	[IPPROTO_MH] = PLAIN_EXTENSION,
};

/* What a frame has whose headers are all there, beside what its transport header says. */
#define PLAIN_ALL (PKT_ETHERNET | PKT_IP | PKT_ADDR | PKT_LENGTH | PKT_PROTO)

/* Whether a transport header of which is said @plain is whole; @header is what a TCP header says. */
static __always_inline bool plain_is_whole(__u32 plain, __u32 header, __u32 l4_bytes)
{
	__u32 is_tcp = -(plain / PKT_TCP & 1);

	/* Differences that are negative where something ends too soon. */
	return !(((l4_bytes - PLAIN_BYTES(plain)) |
		  (((header - (__u32)sizeof(struct tcphdr)) | (l4_bytes - header)) & is_tcp)) >>
		 31);
}

/*
 * Returns false where the transport header is cut or broken. Fields that it
 * does not have come out as something, and their bits of has unset.
 */
static __always_inline bool pkt_plain_l4(struct pkt *p, const struct tcphdr *l4, __u8 proto,
					 __u32 l4_bytes)
{
	const __u8 *byte = (const void *)l4;
	__u32 header = (byte[12] & 0xf0) >> 2, plain = plain_headers[proto];

	if (!plain_is_whole(plain, header, l4_bytes))
		return false;
	p->sport = l4->source;
	p->dport = l4->dest;
	p->icmp_type = byte[0];
	p->icmp_code = byte[1];
	p->tcp_flags = byte[13];
	p->tcp_header_bytes = header;
	p->proto = proto;
	p->l4_bytes = l4_bytes;
	p->has |= PLAIN_ALL | PLAIN_HAS(plain);
	return true;
}

static __always_inline void pkt_plain_link(struct pkt *p, const __be32 *eth, __be16 type)
{
	p->mac[0] = eth[0];
	p->mac[1] = eth[1];
	p->mac[2] = eth[2];
	p->ethertype = type;
	p->l3_offset = ETH_HLEN;
}

static __always_inline bool pkt_plain_ipv4(struct pkt *p, const struct iphdr *ip)
{
	__u32 total = bpf_ntohs(ip->tot_len);

	if (*(const __u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) ||
	    total > p->bytes - ETH_HLEN ||
	    !pkt_plain_l4(p, (const void *)(ip + 1), ip->protocol, total - sizeof(*ip)))
		return false;
	/* In halves, as they are read: a load of two stores waits for both. */
	p->src.half[0] = p->dst.half[0] = 0;
	p->src.half[1] = pkt_half_v4(ip->saddr);
	p->dst.half[1] = pkt_half_v4(ip->daddr);
	p->traffic_class = ip->tos;
	p->ttl = ip->ttl;
	p->ip_bytes = total;
	p->l4_offset = ETH_HLEN + sizeof(*ip);
	return true;
}

static __always_inline bool pkt_plain_ipv6(struct pkt *p, const struct ipv6hdr *ip)
{
	__u32 payload = bpf_ntohs(ip->payload_len);

	if (ip->version != 6 || plain_headers[ip->nexthdr] & PLAIN_EXTENSION || !payload ||
	    payload > p->bytes - ETH_HLEN - sizeof(*ip) || pkt_is_v4mapped(&ip->saddr) ||
	    pkt_is_v4mapped(&ip->daddr) ||
	    !pkt_plain_l4(p, (const void *)(ip + 1), ip->nexthdr, payload))
		return false;
	pkt_copy_addr(&p->src, &ip->saddr);
	pkt_copy_addr(&p->dst, &ip->daddr);
	p->traffic_class = bpf_ntohl(*(const __be32 *)ip) >> 20;
	p->ttl = ip->hop_limit;
	p->ip_bytes = payload + sizeof(*ip);
	p->l4_offset = ETH_HLEN + sizeof(*ip);
	p->is_v6 = 1;
	return true;
}

/*
 * Parse in full a frame that begins with an Ethernet header.
 *
 * @p  as pkt_init() leaves it
 *
 * Returns false where the frame is not as most are, with @p's bytes, has, mark
 * and is_v6 as they were: then pkt_parse() is to look at it.
 */
static __always_inline bool pkt_parse_plain(void *data, void *data_end, struct pkt *p)
{
	const __be16 *type = data + 2 * ETH_ALEN;
	void *l3 = data + ETH_HLEN;

	if (l3 + sizeof(struct iphdr) + sizeof(struct tcphdr) > data_end)
		return false;
	if (*type == bpf_htons(ETH_P_IP)) {
		if (!pkt_plain_ipv4(p, l3))
			return false;
	} else if (*type == bpf_htons(ETH_P_IPV6)) {
		if (l3 + sizeof(struct ipv6hdr) + sizeof(struct tcphdr) > data_end ||
		    !pkt_plain_ipv6(p, l3))
			return false;
	} else {
		return false;
	}
	pkt_plain_link(p, data, *type);
	return true;
}

#endif
