/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN cookies: what opens a connection under attack is answered here, and no
 * backend sees it. A client that acknowledges its cookie can be reached where
 * it says it is; it is reset once, and goes through when it connects again.
 * RFC 4987, section 3.6. The kernel makes the cookies and checks them.
 */
#ifndef WEIR_XDP_SYNCOOKIE_H
#define WEIR_XDP_SYNCOOKIE_H

#include "weir/bpf/limit.h"
#include "weir/bpf/pin.h"
#include "weir/bpf/reject.h"

#include "send.h"
#include "settle.h"

/* In the place of a service's id, in tags of pins: who is verified is so for all. */
#define SYNCOOKIE_NUMBER 0xfffffe
/* Of the buckets of a service; its limit has ADMIT_BUCKET. */
#define SYNCOOKIE_BUCKET 1
#define SYNCOOKIE_TCP_FLAGS 0x3f /* those that are no part of ECN */

/* An IPv4 address, or an IPv6 network of 64 bits: a host has as many addresses there as it likes. */
static __always_inline __u64 syncookie_tag(const struct weir_image *image, const struct pkt *p)
{
	struct siphash_words words = {
		.word = { (__u64)SYNCOOKIE_NUMBER << 40, p->src.word[3] },
		.count = 2,
	};

	if (p->is_v6) {
		words.word[1] = p->src.half[0];
		words.count = 3;
	}
	return siphash_keyed(&words, image);
}

/*
 * Whether a SYN is to be answered with a cookie. Where all places for its source
 * are taken by flows, nobody could remember that it was verified: it goes on, as
 * it would be reset for ever.
 */
static __always_inline bool syncookie_is_due(const struct weir_image *image,
					     const struct weir_service *service,
					     const struct weir_limit *limit, const struct pkt *p)
{
	struct weir_settle *settle = settle_of(service);
	__u32 now = pin_now();
	union pin_word w = {};
	struct weir_pin_set *set;
	__u64 tag;

	if (service->syncookie_offset && limit_admits_number(image, limit, SYNCOOKIE_BUCKET))
		return false;
	if (!settle || reject_is_odd(p, &p->src))
		return false;
	tag = syncookie_tag(image, p);
	set = pin_set(tag);
	if (!set || pin_find(set, tag, now, &w) || !pin_has_room(set, PIN_YIELD_TO_SOURCE, now))
		return false;
	settle_extend(&settle->cookies_until_s, (__u64)now + WEIR_COOKIE_S);
	return true;
}

static __always_inline bool syncookie_is_right(struct xdp_md *ctx, const struct pkt *p)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct cursor l3 = cursor_at(data, data_end, p->l3_offset);
	struct cursor l4 = cursor_at(data, data_end, p->l4_offset);
	struct tcphdr *tcp = cursor_pull(&l4, struct tcphdr);
	struct ipv6hdr *ip6;
	struct iphdr *ip4;

	if (!tcp)
		return false;
	if (p->is_v6) {
		ip6 = cursor_pull(&l3, struct ipv6hdr);
		return ip6 && !bpf_tcp_raw_check_syncookie_ipv6(ip6, tcp);
	}
	ip4 = cursor_pull(&l3, struct iphdr);
	return ip4 && !bpf_tcp_raw_check_syncookie_ipv4(ip4, tcp);
}

/* Whether an ACK has a cookie that is out; its source is verified then. */
static __always_inline bool syncookie_comes_back(struct xdp_md *ctx, const struct weir_image *image,
						 const struct weir_service *service,
						 const struct pkt *p)
{
	const struct weir_settle *settle = settle_of(service);
	__u32 now = pin_now();
	struct weir_pin_set *set;
	bool lost;
	__u64 tag;

	if (!settle || now > settle->cookies_until_s || !syncookie_is_right(ctx, p))
		return false;
	tag = syncookie_tag(image, p);
	set = pin_set(tag);
	if (set)
		pin_put_over(set, tag, pin_make(WEIR_PIN_VERIFIED, WEIR_PIN_VERIFIED_S, 0, now),
			     PIN_YIELD_TO_SOURCE, now, &lost);
	return true;
}

static __always_inline bool syncookie_may_be_asked(const struct pkt *p)
{
	return (p->tcp_flags & (REJECT_TCP_SYN | REJECT_TCP_ACK | REJECT_TCP_RST)) ==
	       REJECT_TCP_SYN;
}

/*
 * What ends a handshake has no options, as the SYN-ACK had none: most segments
 * of established flows have, and are not looked at any further.
 */
static __always_inline bool syncookie_may_be_answer(const struct pkt *p)
{
	return (p->tcp_flags & SYNCOOKIE_TCP_FLAGS) == REJECT_TCP_ACK &&
	       p->l4_bytes == sizeof(struct tcphdr) && !(p->has & PKT_FRAGMENT);
}

/*
 * Not inlined, and global: its instructions are verified once.
 *
 * @limit  of SYNs that get no cookie; of meaning where the service has one
 */
__noinline int syncookie_try(struct xdp_md *ctx, const struct weir_image *image,
			     const struct weir_service *service, const struct weir_limit *limit,
			     const struct pkt *p)
{
	if (!image || !service || !limit || !p)
		return WEIR_R_CONTINUE;
	if (syncookie_may_be_asked(p))
		return syncookie_is_due(image, service, limit, p) ? WEIR_R_LB_SYNCOOKIE
								  : WEIR_R_CONTINUE;
	return syncookie_comes_back(ctx, image, service, p) ? WEIR_R_LB_SYNCOOKIE_VERIFIED
							    : WEIR_R_CONTINUE;
}

/*
 * What cookies make of a packet to @service. Returns WEIR_R_CONTINUE, or a
 * reason for which syncookie_answer() has the answer.
 */
static __always_inline enum weir_reason syncookie_judge(struct xdp_md *ctx,
							const struct weir_image *image,
							const struct weir_service *service,
							const struct pkt *p)
{
	if (!is_needed(WEIR_NEED_SYNCOOKIE) || !(service->flags & WEIR_SERVICE_SYNCOOKIE) ||
	    !(p->has & PKT_TCP))
		return WEIR_R_CONTINUE;
	if (!syncookie_may_be_asked(p) && !syncookie_may_be_answer(p))
		return WEIR_R_CONTINUE;
	return forget(
		syncookie_try(ctx, image, service, image_at(image, service->syncookie_offset), p),
		p->bytes);
}

/*
 * The cookie for the SYN @in, or below 0. Options are left out: they would only
 * choose an MSS, and no connection comes of this one.
 */
static __always_inline __s64 syncookie_make(struct xdp_md *ctx, const struct pkt *p,
					    struct tcphdr in)
{
	struct cursor l3 =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l3_offset);
	struct ipv6hdr *ip6;
	struct iphdr *ip4;

	in.doff = sizeof(in) / 4;
	if (p->is_v6) {
		ip6 = cursor_pull(&l3, struct ipv6hdr);
		return ip6 ? bpf_tcp_raw_gen_syncookie_ipv6(ip6, &in, sizeof(in)) : -1;
	}
	ip4 = cursor_pull(&l3, struct iphdr);
	return ip4 ? bpf_tcp_raw_gen_syncookie_ipv4(ip4, &in, sizeof(in)) : -1;
}

/*
 * As reject_build_reset() does it where a device is to complete the checksum:
 * here the urgent pointer, which means nothing without its flag, makes the
 * field final.
 */
static __always_inline void syncookie_sum(struct tcphdr *tcp, const struct pkt *p, __u16 was)
{
	__u64 pseudo = checksum_pseudo(p, IPPROTO_TCP, sizeof(*tcp)), rest = 0;

#pragma unroll
	for (int i = 0; i < 5; i++)
		rest += ((__u32 *)tcp)[i];
	if (checksum_is_partial(p, was)) {
		pseudo = checksum_fold(pseudo);
		tcp->urg_ptr = ~checksum_fold(2 * pseudo + rest);
		tcp->check = pseudo;
	} else {
		tcp->check = ~checksum_fold(pseudo + rest);
	}
}

/* Headers @tcp and what stands before it, in the packet's place. Returns 0 or below. */
static __always_inline long syncookie_put(struct xdp_md *ctx, const struct pkt *p,
					  const struct tcphdr *tcp)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u32 ip_bytes = p->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct cursor at = cursor_at(data, data_end, 0);
	__u32 bytes = p->l3_offset + ip_bytes + sizeof(*tcp);
	struct ethhdr *eth = cursor_pull(&at, struct ethhdr);
	struct tcphdr *out;
	void *ip;

	/* Who sends to a group is not to be answered. */
	if (!eth || eth->h_dest[0] & 1)
		return -1;
	at.offset = p->l3_offset;
	if (p->is_v6) {
		ip = cursor_pull(&at, struct ipv6hdr);
		out = cursor_pull(&at, struct tcphdr);
		if (!ip || !out)
			return -1;
		reject_write_ipv6(ip, p, ip_bytes + sizeof(*tcp), IPPROTO_TCP);
	} else {
		ip = cursor_pull(&at, struct iphdr);
		out = cursor_pull(&at, struct tcphdr);
		if (!ip || !out)
			return -1;
		reject_write_ipv4(ip, p, ip_bytes + sizeof(*tcp), IPPROTO_TCP);
	}
	*out = *tcp;
	reject_swap_macs((__u8 *)eth);
	return bytes == p->bytes ? 0 : bpf_xdp_adjust_tail(ctx, (int)(bytes - p->bytes));
}

/*
 * Turn the packet into the answer to it: a SYN-ACK with a cookie, or a reset of
 * the connection that had one. Window 0 keeps the client from sending data
 * before. It leaves by the neighbour that it came from.
 *
 * Returns @reason with @verdict filled, or WEIR_R_LB_ERROR.
 */
static __noinline int syncookie_answer(struct xdp_md *ctx, const struct pkt *p, int reason,
				       int *verdict)
{
	struct cursor at =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, p->l4_offset);
	const struct tcphdr *header = cursor_pull(&at, struct tcphdr);
	struct tcphdr in, tcp;
	__s64 cookie;

	if (!header)
		return WEIR_R_LB_ERROR;
	in = *header;
	tcp = (struct tcphdr){ .source = in.dest, .dest = in.source, .doff = 5 };
	if (reason == WEIR_R_LB_SYNCOOKIE) {
		cookie = syncookie_make(ctx, p, in);
		if (cookie < 0)
			return WEIR_R_LB_ERROR;
		tcp.seq = bpf_htonl((__u32)cookie);
		tcp.ack_seq = bpf_htonl(bpf_ntohl(in.seq) + 1);
		tcp.syn = 1;
		tcp.ack = 1;
	} else {
		tcp.seq = in.ack_seq;
		tcp.rst = 1;
	}
	syncookie_sum(&tcp, p, in.check);
	if (syncookie_put(ctx, p, &tcp))
		return WEIR_R_LB_ERROR;
	*verdict = send_out_of(ctx, ctx->ingress_ifindex);
	return reason;
}

#endif
