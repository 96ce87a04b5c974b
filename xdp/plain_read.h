/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of a packet as most are, what the short way reads and writes.
 */
#ifndef WEIR_XDP_PLAIN_READ_H
#define WEIR_XDP_PLAIN_READ_H

#include "weir/balance.h"
#include "weir/bpf/checksum.h"
#include "weir/bpf/packet.h"

struct plain {
	union pkt_addr src, dst; /* v4-mapped */
	__be16 sport, dport;
	__u32 ip_bytes;
	__u32 l4_bytes;
	__u8 proto; /* TCP or UDP */
	__u8 traffic_class;
	__u8 tcp_flags; /* 0 of UDP */
	__u8 is_v6;
};

static __always_inline void plain_read_destination(struct plain *f, const void *ip, bool is_v6)
{
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;

	f->is_v6 = is_v6;
	if (is_v6) {
		pkt_copy_addr(&f->dst, &ip6->daddr);
	} else {
		f->dst.half[1] = pkt_half_v4(ip4->daddr);
	}
}

static __always_inline bool plain_read_l4(struct plain *f, const struct tcphdr *l4)
{
	const __u8 *byte = (const void *)l4;
	__u32 header = (byte[12] & 0xf0) >> 2;

	f->sport = l4->source;
	f->dport = l4->dest;
	if (f->proto == IPPROTO_UDP)
		return f->l4_bytes >= sizeof(struct udphdr);
	f->tcp_flags = byte[13];
	return f->proto == IPPROTO_TCP && header >= sizeof(*l4) && header <= f->l4_bytes;
}

/* Whether the checksum is one that is still to be completed: see complete.h. */
static __always_inline bool plain_is_partial(const struct plain *f, const void *l4)
{
	const struct udphdr *udp = l4;
	const struct tcphdr *tcp = l4;

	if (!(weir.flags & WEIR_PROGRAM_VETH) || weir.flags & WEIR_PROGRAM_GENERIC)
		return false;
	return (f->proto == IPPROTO_TCP ? tcp->check : udp->check) ==
	       checksum_fold(bpf_htonl(f->proto) + (__u64)bpf_htonl(f->l4_bytes) +
			     checksum_of_addr(&f->src, f->is_v6) +
			     checksum_of_addr(&f->dst, f->is_v6));
}

static __always_inline bool plain_read_ipv4(struct plain *f, const struct iphdr *ip, __u32 bytes)
{
	f->ip_bytes = bpf_ntohs(ip->tot_len);
	f->l4_bytes = f->ip_bytes - sizeof(*ip);
	f->proto = ip->protocol;
	f->traffic_class = ip->tos;
	f->src.half[1] = pkt_half_v4(ip->saddr);
	return *(const __u8 *)ip == 0x45 && !(ip->frag_off & bpf_htons(0x3fff)) && ip->ttl > 1 &&
	       f->ip_bytes <= bytes - ETH_HLEN && f->ip_bytes >= sizeof(*ip);
}

static __always_inline bool plain_read_ipv6(struct plain *f, const struct ipv6hdr *ip, __u32 bytes)
{
	f->l4_bytes = bpf_ntohs(ip->payload_len);
	f->ip_bytes = f->l4_bytes + sizeof(*ip);
	f->proto = ip->nexthdr;
	f->traffic_class = bpf_ntohl(*(const __be32 *)ip) >> 20;
	pkt_copy_addr(&f->src, &ip->saddr);
	return ip->version == 6 && ip->hop_limit > 1 && f->ip_bytes <= bytes - ETH_HLEN &&
	       !pkt_is_v4mapped(&ip->saddr) && !pkt_is_v4mapped(&ip->daddr);
}

/*
 * Read the rest of the packet at @ip, in a frame of @bytes. False where it is not
 * as most are, or does not go on from here as it is.
 */
static __always_inline bool plain_read(struct plain *f, const void *ip, __u32 bytes, bool is_v6)
{
	const void *l4 = ip + (is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));

	return (is_v6 ? plain_read_ipv6(f, ip, bytes) : plain_read_ipv4(f, ip, bytes)) &&
	       plain_read_l4(f, l4) && !plain_is_partial(f, l4);
}

/* Take one off the TTL of the packet at @ip; see decrement_ttl(). */
static __always_inline void plain_take_hop(void *ip, bool is_v6)
{
	struct ipv6hdr *ip6 = ip;
	struct iphdr *ip4 = ip;
	__u32 check;

	if (is_v6) {
		ip6->hop_limit--;
		return;
	}
	check = (__u32)ip4->check + bpf_htons(0x0100);
	ip4->check = check + (check >= 0xffff);
	ip4->ttl--;
}

#endif
