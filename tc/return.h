/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "forward local", the way back: what a container answers comes in at the
 * host's end of its veth, and leaves for the client as from the VIP.
 *
 * Everything is written through helpers: the kernel may be about to complete the
 * transport checksum, or may hold a sum over the whole packet, and they know.
 */
#ifndef WEIR_TC_RETURN_H
#define WEIR_TC_RETURN_H

#include <linux/pkt_cls.h>

#include "weir/bpf/nat.h"
#include "weir/bpf/nat_fragment.h"
#include "weir/bpf/nat_quote.h"
#include "weir/bpf/reject.h"

#define RETURN_AF_INET 2
#define RETURN_AF_INET6 10

/* A reason, and the verdict that carries it out: that, signed, in the high half. */
#define RETURN_RESULT(reason, verdict) ((int)((__u32)(reason) | (__u32)(verdict) << 16))

/* What sums gained, as helpers that replace checksums want it. */
static __always_inline __u32 return_diff(__u64 was, __u64 is)
{
	return (__u32)checksum_fold(is) + (__u16)~checksum_fold(was);
}

static __always_inline __u32 return_diff_of_addresses(const struct nat_ends *from,
						      const struct nat_ends *to, bool is_v6)
{
	return return_diff(checksum_of_addr(&from->src, is_v6) +
				   checksum_of_addr(&from->dst, is_v6),
			   checksum_of_addr(&to->src, is_v6) + checksum_of_addr(&to->dst, is_v6));
}

static __always_inline __u32 return_diff_of_ports(const struct nat_ends *from,
						  const struct nat_ends *to)
{
	return return_diff((__u32)from->sport + from->dport, (__u32)to->sport + to->dport);
}

/*
 * Addresses of an IP header at @l3.
 *
 * @flags  BPF_F_RECOMPUTE_CSUM where nothing makes up for IPv6 addresses in the
 *         kernel's sum over the packet: their header has no checksum
 */
static __always_inline long return_write_addresses(struct __sk_buff *skb, __u32 l3, bool is_v6,
						   const struct nat_ends *to, __u32 diff,
						   __u64 flags)
{
	const __be32 both[2] = { to->src.word[3], to->dst.word[3] };

	if (is_v6)
		return bpf_skb_store_bytes(skb, l3 + offsetof(struct ipv6hdr, saddr), &to->src, 16,
					   flags) ||
		       bpf_skb_store_bytes(skb, l3 + offsetof(struct ipv6hdr, daddr), &to->dst, 16,
					   flags);
	return bpf_skb_store_bytes(skb, l3 + offsetof(struct iphdr, saddr), both, sizeof(both),
				   0) ||
	       bpf_l3_csum_replace(skb, l3 + offsetof(struct iphdr, check), 0, diff, 0);
}

/* This host is a hop on the way. */
static __always_inline long return_take_hop(struct __sk_buff *skb, const struct pkt *p)
{
	__u8 ttl = p->ttl - 1;

	if (p->is_v6)
		return bpf_skb_store_bytes(skb, p->l3_offset + offsetof(struct ipv6hdr, hop_limit),
					   &ttl, 1, BPF_F_RECOMPUTE_CSUM);
	return bpf_skb_store_bytes(skb, p->l3_offset + offsetof(struct iphdr, ttl), &ttl, 1, 0) ||
	       bpf_l3_csum_replace(skb, p->l3_offset + offsetof(struct iphdr, check),
				   bpf_htons((__u16)p->ttl << 8), bpf_htons((__u16)ttl << 8), 2);
}

static __always_inline long return_write_ports(struct __sk_buff *skb, __u32 l4,
					       const struct nat_ends *to)
{
	const __be16 both[2] = { to->sport, to->dport };

	return bpf_skb_store_bytes(skb, l4, both, sizeof(both), 0);
}

/* A packet with ports. Returns 0, or not 0. */
static __noinline int return_write(struct __sk_buff *skb, const struct pkt *p, const struct nat *n)
{
	__u32 addresses = return_diff_of_addresses(&n->from, &n->to, p->is_v6);
	__u32 ports = return_diff_of_ports(&n->from, &n->to);
	__u32 check = p->l4_offset + (n->is_udp ? CHECKSUM_UDP_AT : CHECKSUM_TCP_AT);
	__u64 flags = n->is_udp ? BPF_F_MARK_MANGLED_0 : 0;

	if (return_write_addresses(skb, p->l3_offset, p->is_v6, &n->to, addresses,
				   BPF_F_RECOMPUTE_CSUM) ||
	    return_write_ports(skb, p->l4_offset, &n->to))
		return -1;
	if (bpf_l4_csum_replace(skb, check, 0, addresses, flags | BPF_F_PSEUDO_HDR) ||
	    bpf_l4_csum_replace(skb, check, 0, ports, flags))
		return -1;
	return 0;
}

/* A fragment without ports. Returns 0, or not 0. */
static __noinline int return_write_fragment(struct __sk_buff *skb, const struct pkt *p,
					    const struct nat *n)
{
	__u32 addresses = return_diff_of_addresses(&n->from, &n->to, p->is_v6);

	return !!return_write_addresses(skb, p->l3_offset, p->is_v6, &n->to, addresses,
					BPF_F_RECOMPUTE_CSUM);
}

/*
 * What an ICMP error quotes. Leaves in @gained what that adds to the sum under
 * the error's own checksum.
 */
static __always_inline long return_write_quote(struct __sk_buff *skb, const struct pkt *p,
					       const struct nat *n, __u64 *gained)
{
	__u32 addresses = return_diff_of_addresses(&n->quoted, &n->quoted_to, p->is_v6);
	__u32 ports = return_diff_of_ports(&n->quoted, &n->quoted_to);
	__u32 check_at = nat_quoted_check(p, n), ip_check;
	__u16 was = 0, is = 0;

	*gained = (__u64)addresses + ports;
	if (return_write_ports(skb, n->quoted_l4, &n->quoted_to))
		return -1;
	if (check_at) {
		if (bpf_skb_load_bytes(skb, check_at, &was, sizeof(was)))
			return -1;
		is = n->is_udp ? checksum_replace_udp(was, 0, *gained)
			       : checksum_replace(was, 0, *gained);
		if (bpf_skb_store_bytes(skb, check_at, &is, sizeof(is), 0))
			return -1;
		*gained += return_diff(was, is);
	}
	if (p->is_v6)
		return return_write_addresses(skb, n->quoted_l3, true, &n->quoted_to, addresses, 0);
	ip_check = n->quoted_l3 + offsetof(struct iphdr, check);
	if (bpf_skb_load_bytes(skb, ip_check, &was, sizeof(was)) ||
	    return_write_addresses(skb, n->quoted_l3, false, &n->quoted_to, addresses, 0) ||
	    bpf_skb_load_bytes(skb, ip_check, &is, sizeof(is)))
		return -1;
	*gained += return_diff(was, is);
	return 0;
}

/* An ICMP error. */
static __noinline int return_write_error(struct __sk_buff *skb, const struct pkt *p,
					 const struct nat *n)
{
	__u32 addresses = return_diff_of_addresses(&n->from, &n->to, p->is_v6);
	__u32 check = p->l4_offset + offsetof(struct icmp, check);
	__u64 gained;

	if (return_write_quote(skb, p, n, &gained) ||
	    return_write_addresses(skb, p->l3_offset, p->is_v6, &n->to, addresses,
				   BPF_F_RECOMPUTE_CSUM) ||
	    bpf_l4_csum_replace(skb, check, 0, checksum_fold(gained), 0))
		return -1;
	if (p->is_v6 && bpf_l4_csum_replace(skb, check, 0, addresses, BPF_F_PSEUDO_HDR))
		return -1;
	return 0;
}

static __always_inline int return_find_by_ports(const struct weir_image *image, const struct pkt *p,
						struct nat *n)
{
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return 0;
	n->flags = p->has & PKT_TCP ? p->tcp_flags : 0;
	n->is_udp = p->proto == IPPROTO_UDP;
	n->inside.src = p->dst;
	n->inside.dst = p->src;
	n->inside.sport = p->dport;
	n->inside.dport = p->sport;
	if (!nat_back(image, n))
		return 0;
	if (p->has & PKT_FRAGMENT)
		nat_fragment_note(image, p, n);
	return 1;
}

/* The flow that a container's packet, or what it quotes, is an answer in. */
static __always_inline int return_find(struct __sk_buff *skb, const struct weir_image *image,
				       const struct pkt *p, struct nat *n)
{
	n->kind = NAT_LOCAL;
	n->is_v6 = p->is_v6;
	if (p->has & PKT_PORTS)
		return return_find_by_ports(image, p, n);
	if (fragment_lacks_ports(p))
		return nat_fragment_find(image, p, n);
	if (!nat_is_error(p) ||
	    !nat_quote((void *)(long)skb->data, (void *)(long)skb->data_end, p, n) ||
	    !nat_is_addr(&n->quoted.src, &p->dst))
		return 0;
	n->inside = n->quoted;
	return nat_back(image, n);
}

/* Which way the packet leaves: a result of bpf_fib_lookup(), and the device in @ifindex. */
static __noinline int return_route(struct __sk_buff *skb, const struct pkt *p, const struct nat *n,
				   __u32 *ifindex)
{
	struct bpf_fib_lookup fib = { .ifindex = skb->ifindex };
	long result;

	if (p->is_v6) {
		fib.family = RETURN_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &n->to.src, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &n->to.dst, sizeof(fib.ipv6_dst));
	} else {
		fib.family = RETURN_AF_INET;
		fib.ipv4_src = n->to.src.word[3];
		fib.ipv4_dst = n->to.dst.word[3];
	}
	result = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	*ifindex = fib.ifindex;
	return result;
}

static __always_inline int return_rewrite(struct __sk_buff *skb, const struct pkt *p, struct nat *n)
{
	n->from.src = p->src;
	n->from.dst = p->dst;
	n->from.sport = p->sport;
	n->from.dport = p->dport;
	if (p->has & (PKT_PORTS | PKT_FRAGMENT)) {
		nat_touch(n, NAT_BACKEND);
		return p->has & PKT_PORTS ? return_write(skb, p, n)
					  : return_write_fragment(skb, p, n);
	}
	n->quoted_to = n->outside;
	return return_write_error(skb, p, n);
}

/* Whether routers may cut the packet. */
static __always_inline bool return_may_be_cut(struct __sk_buff *skb, const struct pkt *p)
{
	__be16 word = 0;

	if (p->is_v6)
		return false;
	bpf_skb_load_bytes(skb, p->l3_offset + offsetof(struct iphdr, frag_off), &word,
			   sizeof(word));
	return !(word & bpf_htons(0x4000));
}

/*
 * Bring what a container answers to the client. A packet whose TTL ends here, or
 * that is too big for the way out, goes on to the stack as it is: the stack tells
 * the container, in words about the packet that it sent.
 *
 * Returns RETURN_RESULT(), with WEIR_R_CONTINUE for a packet that is untouched.
 */
static __noinline int return_local(struct __sk_buff *skb, const struct weir_image *image,
				   const struct pkt *p, struct nat *n)
{
	__u32 ifindex = 0;
	int way;

	if (!(p->has & PKT_ADDR) || p->has & PKT_TAGGED || p->ttl <= 1 ||
	    !return_find(skb, image, p, n))
		return RETURN_RESULT(WEIR_R_CONTINUE, TC_ACT_UNSPEC);
	nat_turn(&n->outside, &n->to);
	way = return_route(skb, p, n, &ifindex);
	if (way == BPF_FIB_LKUP_RET_FRAG_NEEDED && !return_may_be_cut(skb, p))
		return RETURN_RESULT(WEIR_R_CONTINUE, TC_ACT_UNSPEC);
	if (return_rewrite(skb, p, n))
		return RETURN_RESULT(WEIR_R_LB_ERROR, TC_ACT_SHOT);
	if (way != BPF_FIB_LKUP_RET_SUCCESS && way != BPF_FIB_LKUP_RET_NO_NEIGH)
		return RETURN_RESULT(WEIR_R_LB_NAT_STACK, TC_ACT_UNSPEC);
	if (return_take_hop(skb, p))
		return RETURN_RESULT(WEIR_R_LB_ERROR, TC_ACT_SHOT);
	return RETURN_RESULT(WEIR_R_LB_NAT_RETURN, bpf_redirect_neigh(ifindex, NULL, 0, 0));
}

#endif
