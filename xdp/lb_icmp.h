/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP of a service: errors go where the flow goes that they quote, and a ping
 * of a VIP is answered in its place. RFC 792, RFC 4443.
 */
#ifndef WEIR_XDP_LB_ICMP_H
#define WEIR_XDP_LB_ICMP_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/conn.h"
#include "weir/bpf/filter.h"
#include "weir/bpf/packet.h"

#include "balance.h"
#include "send.h"

#define PING_HOPS 64

/*
 * The packet that a client would send in the flow that an ICMP error quotes:
 * what is quoted left a backend, with the VIP as its source.
 *
 * Returns 1 with what choosing a backend reads in @flow, else 0.
 */
static __noinline int icmp_quoted_flow(struct xdp_md *ctx, const struct pkt *p, struct pkt *flow)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct conn_key k = {};

	if (!conn_is_icmp(p) || !conn_is_error(p) || !conn_key_of(data, data_end, p, &k))
		return 0;
	if (k.proto == IPPROTO_ICMP || k.proto == IPPROTO_ICMPV6)
		return 0;
	pkt_init(flow, p->bytes, PKT_IP | PKT_ADDR | PKT_PROTO | PKT_PORTS);
	flow->src = k.remote;
	flow->dst = k.local;
	flow->sport = k.remote_port;
	flow->dport = k.local_port;
	flow->proto = k.proto;
	flow->is_v6 = p->is_v6;
	flow->tcp_flags = CONN_ACK;
	if (k.proto == IPPROTO_TCP)
		flow->has |= PKT_TCP;
	return 1;
}

static __always_inline bool is_ping(const struct pkt *p)
{
	return conn_is_icmp(p) && p->icmp_type == conn_echo_type(p) && !p->icmp_code &&
	       !(p->has & PKT_FRAGMENT);
}

/* The sums do not change where two addresses change places. */
static __always_inline bool answer_ipv4(struct cursor c)
{
	struct iphdr *ip = cursor_pull(&c, struct iphdr);
	__be32 from;
	__be16 was;

	if (!ip)
		return false;
	from = ip->saddr;
	was = *(__be16 *)&ip->ttl;
	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->ttl = PING_HOPS;
	ip->check = checksum_replace(ip->check, was, *(__be16 *)&ip->ttl);
	return true;
}

static __always_inline bool answer_ipv6(struct cursor c)
{
	struct ipv6hdr *ip = cursor_pull(&c, struct ipv6hdr);
	struct in6_addr from;

	if (!ip)
		return false;
	from = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->hop_limit = PING_HOPS;
	return true;
}

static __always_inline bool answer_echo(struct cursor c, __u8 type)
{
	struct icmp *icmp = cursor_pull(&c, struct icmp);
	__be16 was;

	if (!icmp)
		return false;
	was = *(__be16 *)icmp;
	icmp->type = type;
	icmp->check = checksum_replace(icmp->check, was, *(__be16 *)icmp);
	return true;
}

static __always_inline bool answer_frame(struct cursor c)
{
	struct ethhdr *eth = cursor_pull(&c, struct ethhdr), was;

	if (!eth)
		return false;
	was = *eth;
	__builtin_memcpy(eth->h_dest, was.h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, was.h_dest, ETH_ALEN);
	return true;
}

/*
 * Turn a ping into its answer, which goes back to the neighbour that it came
 * from. Options and tags stay.
 *
 * Returns WEIR_R_LB_PING, or WEIR_R_LB_ERROR.
 */
static __noinline int ping_answer(struct xdp_md *ctx, const struct pkt *p)
{
	struct cursor frame = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);
	struct cursor l3 = frame, l4 = frame;
	__u8 type = p->is_v6 ? CONN_ICMPV6_ECHO_REPLY : CONN_ICMP_ECHO_REPLY;

	l3.offset = p->l3_offset;
	l4.offset = p->l4_offset;
	if (!answer_frame(frame) || !(p->is_v6 ? answer_ipv6(l3) : answer_ipv4(l3)) ||
	    !answer_echo(l4, type))
		return WEIR_R_LB_ERROR;
	return WEIR_R_LB_PING;
}

/* Sources of translated flows are VIPs without ports; who pings one asks this host. */
static __always_inline bool icmp_vip_has_ports(const struct weir_image *image,
					       const struct choice *c)
{
	const struct weir_vip *vip = image_at(image, c->vip_offset);

	return vip->ports_count;
}

/*
 * What becomes of an ICMP packet to a VIP. Returns WEIR_R_CONTINUE for what no
 * rule here is for: it may be some service's all the same.
 */
static __always_inline enum weir_reason balance_icmp(struct xdp_md *ctx,
						     const struct weir_image *image,
						     struct scratch *scratch, int *verdict)
{
	struct choice *c = &scratch->choice;
	enum weir_reason reason;

	if (is_ping(&scratch->pkt)) {
		if (!icmp_vip_has_ports(image, c))
			return WEIR_R_CONTINUE;
		*verdict = send_out_of(ctx, ctx->ingress_ifindex);
		return ping_answer(ctx, &scratch->pkt);
	}
	if (!icmp_quoted_flow(ctx, &scratch->pkt, &scratch->quoted))
		return WEIR_R_CONTINUE;
	reason = balance_look(image, &scratch->quoted, c);
	if (reason == WEIR_R_LB_FORWARD)
		c->why = WEIR_WHY_ICMP;
	return reason;
}

#endif
