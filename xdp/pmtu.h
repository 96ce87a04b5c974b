/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Path MTU behind routers: an ICMP error about a packet with an outer header
 * comes to this host, which has no socket or tunnel device that would heed it.
 * It is noted here and goes on to the stack. RFC 1191, RFC 8201.
 */
#ifndef WEIR_XDP_PMTU_H
#define WEIR_XDP_PMTU_H

#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"
#include "weir/gue.h"
#include "weir/pmtu.h"

#include "choice.h"

#define PMTU_V4 3
#define PMTU_V4_CODE 4
#define PMTU_V6 2

struct pmtu_error {
	__u64 tag; /* of the destination of what is quoted */
	__u32 mtu; /* what fits */
	__u32 bytes; /* what did not */
	__u32 least; /* what is to be believed */
};

static __always_inline bool pmtu_is_wanted(void)
{
	return is_needed(WEIR_NEED_IPIP) || is_needed(WEIR_NEED_GUE);
}

/* Whether an IP packet may be such an error. Of @ip as many bytes are there as an IPv4 header has. */
static __always_inline bool pmtu_is_icmp(const void *ip, bool is_v6)
{
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;

	return is_v6 ? ip6->nexthdr == IPPROTO_ICMPV6 : ip4->protocol == IPPROTO_ICMP;
}

static __always_inline struct weir_pmtu *pmtu_slot(__u64 tag)
{
	__u32 index = tag & (WEIR_PMTU_SLOTS - 1);

	return bpf_map_lookup_elem(&weir_pmtu, &index);
}

/* What the path to a backend takes, over a link that takes @mtu. */
static __always_inline __u32 pmtu_of(const struct weir_backend *backend, __u32 mtu)
{
	const __u64 *addr = (const __u64 *)backend->addr;
	__u64 tag = weir_pmtu_tag(addr[0], addr[1]);
	struct weir_pmtu *slot = pmtu_slot(tag);

	if (!slot)
		return mtu;
	if (slot->until_s > tick_s())
		return slot->tag == tag && slot->mtu < mtu ? slot->mtu : mtu;
	if (slot->tag != tag)
		slot->tag = tag;
	return mtu;
}

/* Whether what is quoted is one of this host's, as far as the next header tells. */
static __always_inline bool pmtu_is_tunnel(struct cursor *c, __u8 proto)
{
	struct udphdr *udp;

	if (proto != IPPROTO_UDP)
		return proto == IPPROTO_IPIP || proto == IPPROTO_IPV6;
	udp = cursor_pull(c, struct udphdr);
	return udp && udp->dest == bpf_htons(WEIR_GUE_PORT);
}

static __always_inline bool pmtu_read_v4(struct cursor *c, struct pmtu_error *e)
{
	struct iphdr *ip = cursor_pull(c, struct iphdr), *quoted;
	struct icmp *icmp;

	if (!ip || ip->protocol != IPPROTO_ICMP || ip->ihl < 5 || ip->frag_off & bpf_htons(0x3fff))
		return false;
	cursor_skip(c, ip->ihl * 4 - sizeof(*ip));
	icmp = cursor_pull(c, struct icmp);
	quoted = cursor_pull(c, struct iphdr);
	if (!icmp || !quoted || icmp->type != PMTU_V4 || icmp->code != PMTU_V4_CODE ||
	    *(__u8 *)quoted != 0x45 || quoted->saddr != ip->daddr)
		return false;
	e->mtu = bpf_ntohl(icmp->rest) & 0xffff;
	e->bytes = bpf_ntohs(quoted->tot_len);
	e->least = WEIR_PMTU_LEAST_V4;
	e->tag = weir_pmtu_tag(0, pkt_half_v4(quoted->daddr));
	return pmtu_is_tunnel(c, quoted->protocol);
}

static __always_inline bool pmtu_read_v6(struct cursor *c, struct pmtu_error *e)
{
	struct ipv6hdr *ip = cursor_pull(c, struct ipv6hdr), *quoted;
	const __u64 *from, *to;
	struct icmp *icmp;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
		return false;
	icmp = cursor_pull(c, struct icmp);
	quoted = cursor_pull(c, struct ipv6hdr);
	if (!icmp || !quoted || icmp->type != PMTU_V6 || quoted->version != 6)
		return false;
	from = (const __u64 *)&quoted->saddr;
	to = (const __u64 *)&ip->daddr;
	if (from[0] != to[0] || from[1] != to[1])
		return false;
	e->mtu = bpf_ntohl(icmp->rest);
	e->bytes = bpf_ntohs(quoted->payload_len) + sizeof(*quoted);
	e->least = WEIR_PMTU_LEAST_V6;
	to = (const __u64 *)&quoted->daddr;
	e->tag = weir_pmtu_tag(to[0], to[1]);
	return pmtu_is_tunnel(c, quoted->nexthdr);
}

/*
 * Note what a frame says of the path to a backend, if it does. Believed is no
 * more than the outer header that it quotes: of a destination that packets went
 * to lately, and less than what is said not to have fitted.
 *
 * Global, so that it is verified once. Returns 0.
 */
__noinline int pmtu_hear(struct xdp_md *ctx)
{
	struct cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct ethhdr *eth = cursor_pull(&c, struct ethhdr);
	struct pmtu_error e = {};
	struct weir_pmtu *slot;

	if (!eth)
		return 0;
	if (eth->h_proto == bpf_htons(ETH_P_IP)
		    ? !pmtu_read_v4(&c, &e)
		    : eth->h_proto != bpf_htons(ETH_P_IPV6) || !pmtu_read_v6(&c, &e))
		return 0;
	slot = pmtu_slot(e.tag);
	if (!slot || slot->tag != e.tag || e.mtu < e.least || e.mtu >= e.bytes)
		return 0;
	slot->mtu = e.mtu;
	slot->until_s = tick_s() + WEIR_PMTU_LIVES_S;
	return 0;
}

#endif
