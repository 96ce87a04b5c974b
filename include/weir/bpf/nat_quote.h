/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet that an ICMP error quotes: where it lies and what its ends are.
 * RFC 792 and RFC 4443; RFC 5508 for what a translator does with it.
 */
#ifndef WEIR_BPF_NAT_QUOTE_H
#define WEIR_BPF_NAT_QUOTE_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/conn_key.h"
#include "weir/bpf/nat.h"

/* All that every error quotes of a transport header. */
#define NAT_QUOTED_L4 8

static __always_inline bool nat_is_error(const struct pkt *p)
{
	return conn_is_icmp(p) && conn_is_error(p) && !(p->has & PKT_FRAGMENT);
}

static __always_inline bool nat_quoted_l4(struct cursor *c, const struct pkt *p, struct nat *n,
					  __u8 proto)
{
	__be16 *port;

	n->quoted_l4 = c->offset;
	port = cursor_take(c, NAT_QUOTED_L4);
	if (!port || c->offset > p->l4_offset + p->l4_bytes)
		return false;
	n->quoted.sport = port[0];
	n->quoted.dport = port[1];
	n->is_udp = proto == IPPROTO_UDP;
	return proto == IPPROTO_UDP || proto == IPPROTO_TCP;
}

static __always_inline bool nat_quoted_v4(struct cursor *c, const struct pkt *p, struct nat *n)
{
	struct iphdr *ip = cursor_pull(c, struct iphdr);

	if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return false;
	n->quoted.src = p->src; /* the prefix of v4-mapped addresses */
	n->quoted.dst = p->src;
	n->quoted.src.word[3] = ip->saddr;
	n->quoted.dst.word[3] = ip->daddr;
	cursor_skip(c, ip->ihl * 4 - sizeof(*ip));
	return nat_quoted_l4(c, p, n, ip->protocol);
}

/* Before the transport header at most a fragment's is looked behind. */
static __always_inline bool nat_quoted_v6(struct cursor *c, const struct pkt *p, struct nat *n)
{
	struct ipv6hdr *ip = cursor_pull(c, struct ipv6hdr);
	struct fragment *fragment;
	__u8 proto;

	if (!ip || ip->version != 6)
		return false;
	pkt_copy_addr(&n->quoted.src, &ip->saddr);
	pkt_copy_addr(&n->quoted.dst, &ip->daddr);
	proto = ip->nexthdr;
	if (proto == IPPROTO_FRAGMENT) {
		fragment = cursor_pull(c, struct fragment);
		if (!fragment || fragment->offset & bpf_htons(0xfff8))
			return false;
		proto = fragment->next;
	}
	return nat_quoted_l4(c, p, n, proto);
}

/*
 * Read what the error @p quotes into @n: quoted, quoted_l3, quoted_l4, is_udp,
 * is_v6. False where it quotes neither TCP nor UDP, or too little of it.
 */
static __always_inline bool nat_quote(void *data, void *data_end, const struct pkt *p,
				      struct nat *n)
{
	struct cursor c = cursor_at(data, data_end, p->l4_offset + sizeof(struct icmp));

	n->quoted_l3 = c.offset;
	n->is_v6 = p->is_v6;
	n->flags = 0;
	return p->is_v6 ? nat_quoted_v6(&c, p, n) : nat_quoted_v4(&c, p, n);
}

/* The same packet on its way back. */
static __always_inline void nat_turn(const struct nat_ends *from, struct nat_ends *to)
{
	to->src = from->dst;
	to->dst = from->src;
	to->sport = from->dport;
	to->dport = from->sport;
}

static __always_inline bool nat_is_addr(const union pkt_addr *a, const union pkt_addr *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/*
 * Where the TCP or UDP checksum of the quoted packet lies, from the frame's
 * start; 0 where the quote ends before it.
 */
static __always_inline __u32 nat_quoted_check(const struct pkt *p, const struct nat *n)
{
	__u32 offset = n->quoted_l4 + (n->is_udp ? CHECKSUM_UDP_AT : CHECKSUM_TCP_AT);

	return offset + sizeof(__u16) > p->l4_offset + p->l4_bytes ? 0 : offset;
}

#endif
