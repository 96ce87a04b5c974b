/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving a packet other ends: addresses, ports, and the checksums over them.
 * Either all of it is written, or, where the packet ends too early, nothing.
 */
#ifndef WEIR_XDP_NAT_WRITE_H
#define WEIR_XDP_NAT_WRITE_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/nat.h"
#include "weir/bpf/nat_quote.h"

#include "complete.h"

/* Sums of what the L3 and the L4 checksum of a packet cover and will cover. */
struct nat_sums {
	__u64 addresses_were, addresses_are;
	__u64 ports_were, ports_are;
};

static __always_inline struct nat_sums nat_sum(const struct nat_ends *from,
					       const struct nat_ends *to, bool is_v6)
{
	return (struct nat_sums){
		.addresses_were =
			checksum_of_addr(&from->src, is_v6) + checksum_of_addr(&from->dst, is_v6),
		.addresses_are =
			checksum_of_addr(&to->src, is_v6) + checksum_of_addr(&to->dst, is_v6),
		.ports_were = (__u32)from->sport + from->dport,
		.ports_are = (__u32)to->sport + to->dport,
	};
}

static __always_inline void *nat_at(struct xdp_md *ctx, __u32 offset, __u32 bytes)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, offset);

	return cursor_take(&c, bytes);
}

/*
 * Ports and checksum of a transport header, as far as it is there: an ICMP error
 * may quote eight bytes of it.
 */
static __always_inline void nat_write_l4(__be16 *port, __u16 *check, const struct nat_ends *to,
					 const struct nat_sums *sums, bool is_udp)
{
	__u64 was = sums->addresses_were + sums->ports_were;
	__u64 is = sums->addresses_are + sums->ports_are;

	port[0] = to->sport;
	port[1] = to->dport;
	if (!check)
		return;
	*check = is_udp ? checksum_replace_udp(*check, was, is) : checksum_replace(*check, was, is);
}

static __always_inline void nat_write_ipv4(struct iphdr *ip, const struct nat_ends *to,
					   const struct nat_sums *sums)
{
	ip->saddr = to->src.word[3];
	ip->daddr = to->dst.word[3];
	ip->check = checksum_replace(ip->check, sums->addresses_were, sums->addresses_are);
}

static __always_inline void nat_write_ipv6(struct ipv6hdr *ip, const struct nat_ends *to)
{
	pkt_copy_addr(&ip->saddr, &to->src);
	pkt_copy_addr(&ip->daddr, &to->dst);
}

/* This host is a hop on the way. */
static __always_inline void nat_take_hop_v4(struct iphdr *ip)
{
	__u16 *word = (__u16 *)&ip->ttl, was = *word;

	ip->ttl--;
	ip->check = checksum_replace(ip->check, was, *word);
}

/* The IP header, of a packet that takes a hop here if the stack does not do that. */
static __always_inline int nat_write_l3(struct xdp_md *ctx, const struct pkt *p,
					const struct nat *n, const struct nat_sums *sums)
{
	struct ipv6hdr *ip6;
	struct iphdr *ip;

	if (p->is_v6) {
		ip6 = nat_at(ctx, p->l3_offset, sizeof(*ip6));
		if (!ip6)
			return -1;
		nat_write_ipv6(ip6, &n->to);
		ip6->hop_limit -= !n->to_stack;
		return 0;
	}
	ip = nat_at(ctx, p->l3_offset, sizeof(*ip));
	if (!ip)
		return -1;
	nat_write_ipv4(ip, &n->to, sums);
	if (!n->to_stack)
		nat_take_hop_v4(ip);
	return 0;
}

static __always_inline struct nat_ends nat_ends_of(const struct pkt *p)
{
	return (struct nat_ends){
		.src = p->src, .dst = p->dst, .sport = p->sport, .dport = p->dport
	};
}

/*
 * Before a packet is rewritten: complete the checksum that its sender left, or,
 * where the kernel will, note that. It will for what goes on to the stack, and
 * in generic mode for everything.
 */
static __always_inline void nat_prepare(struct xdp_md *ctx, const struct pkt *p, struct nat *n)
{
	n->is_partial = 0;
	if (!(weir.flags & WEIR_PROGRAM_VETH))
		return;
	if (n->to_stack || weir.flags & WEIR_PROGRAM_GENERIC)
		n->is_partial = is_completed_later(ctx, p);
	else
		complete_checksum(ctx, p);
}

/*
 * Give the packet the ends in @n->to. One without ports, a later fragment, gets
 * addresses alone. After nat_prepare(). Returns 0, or -1 with nothing changed.
 */
static __noinline int nat_write(struct xdp_md *ctx, const struct pkt *p, const struct nat *n)
{
	const struct nat_ends from = nat_ends_of(p);
	const struct nat_sums sums = nat_sum(&from, &n->to, p->is_v6);
	bool is_udp = p->proto == IPPROTO_UDP;
	__be16 *port;
	__u16 *check;

	if (!(p->has & PKT_PORTS))
		return nat_write_l3(ctx, p, n, &sums);
	port = nat_at(ctx, p->l4_offset, sizeof(struct udphdr));
	check = nat_at(ctx, p->l4_offset + (is_udp ? CHECKSUM_UDP_AT : CHECKSUM_TCP_AT),
		       sizeof(*check));
	if (!port || !check || nat_write_l3(ctx, p, n, &sums))
		return -1;
	if (n->is_partial)
		*check = ~checksum_replace(~*check, sums.addresses_were, sums.addresses_are);
	nat_write_l4(port, n->is_partial ? NULL : check, &n->to, &sums, is_udp);
	return 0;
}

/* Where the checksum of an ICMP error lies, and what it covers of the outer header. */
static __always_inline void nat_write_icmp_check(__u16 *check, const struct pkt *p,
						 const struct nat_sums *outer, __u64 was, __u64 is)
{
	if (p->is_v6) {
		was += outer->addresses_were;
		is += outer->addresses_are;
	}
	*check = checksum_replace(*check, was, is);
}

/*
 * Give the packet that an ICMP error quotes the ends in @n->quoted_to, and the
 * error those in @n->to. Three checksums change, as far as they are there: of the
 * quoted IP header, of the quoted transport header, of the error.
 * Returns 0, or -1 with nothing changed.
 */
static __noinline int nat_write_error(struct xdp_md *ctx, const struct pkt *p, const struct nat *n)
{
	const struct nat_sums inner = nat_sum(&n->quoted, &n->quoted_to, p->is_v6);
	const struct nat_ends from = nat_ends_of(p);
	const struct nat_sums outer = nat_sum(&from, &n->to, p->is_v6);
	__u64 was = inner.addresses_were + inner.ports_were;
	__u64 is = inner.addresses_are + inner.ports_are;
	struct icmp *icmp = nat_at(ctx, p->l4_offset, sizeof(*icmp));
	__be16 *port = nat_at(ctx, n->quoted_l4, NAT_QUOTED_L4);
	void *ip = nat_at(ctx, n->quoted_l3, sizeof(struct iphdr));
	struct ipv6hdr *ip6 = p->is_v6 ? nat_at(ctx, n->quoted_l3, sizeof(*ip6)) : NULL;
	__u32 check_at = nat_quoted_check(p, n);
	__u16 *check = check_at ? nat_at(ctx, check_at, sizeof(*check)) : NULL;

	if (!icmp || !port || !ip || (p->is_v6 && !ip6) || nat_write_l3(ctx, p, n, &outer))
		return -1;
	if (check)
		was += *check;
	nat_write_l4(port, check, &n->quoted_to, &inner, n->is_udp);
	if (check)
		is += *check;
	if (ip6) {
		nat_write_ipv6(ip6, &n->quoted_to);
	} else {
		was += ((struct iphdr *)ip)->check;
		nat_write_ipv4(ip, &n->quoted_to, &inner);
		is += ((struct iphdr *)ip)->check;
	}
	nat_write_icmp_check(&icmp->check, p, &outer, was, is);
	return 0;
}

#endif
