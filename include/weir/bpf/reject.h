/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Build the answer to a packet, a TCP reset or an ICMP error, in memory of this
 * CPU: for the reject action, and for packets that the balancer cannot forward.
 * How it leaves is up to xdp/reject.h and tc/reject.h. RFC 9293, RFC 792,
 * RFC 1122, RFC 4443.
 */
#ifndef WEIR_BPF_REJECT_H
#define WEIR_BPF_REJECT_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/hook.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

#define REJECT_AF_INET 2
#define REJECT_AF_INET6 10
#define REJECT_HOPS 64

#define REJECT_TCP_FIN 0x01
#define REJECT_TCP_SYN 0x02
#define REJECT_TCP_RST 0x04
#define REJECT_TCP_ACK 0x10

#define REJECT_ICMP_UNREACHABLE 3
#define REJECT_ICMP_PORT 3
#define REJECT_ICMP_TYPES 18 /* RFC 792's, and those of the same time */
#define REJECT_ICMPV6_UNREACHABLE 1
#define REJECT_ICMPV6_PORT 4
#define REJECT_ICMPV6_INFORMATIONAL 128
#define REJECT_ICMPV6_REDIRECT 137

/*
 * What to answer: REJECT_ACTION, a reset or "port unreachable", or an ICMP
 * error for packets of one family, with an MTU or 0 in its last 16 bits.
 */
#define REJECT_ACTION 0
#define REJECT_ERROR(type, code, mtu) ((__u32)(type) << 24 | (__u32)(code) << 16 | ((mtu)&0xffff))

#define REJECT_INTERVAL_NS (1000000000ULL / WEIR_REJECT_PER_S)

/* In the CPU's buffer the transport header always lies here, the IP header before it. */
#define REJECT_L4 40
#define REJECT_QUOTE (REJECT_L4 + sizeof(struct icmp))
#define REJECT_MOST_L2 (ETH_HLEN + PKT_MAX_TAGS * sizeof(struct vlan_tag))
#define REJECT_CHUNK CHECKSUM_CHUNK

struct reject {
	struct weir_cpu *cpu;
	__u32 start; /* of the answer in the buffer */
	__u32 bytes; /* of the answer, from its IP header */
	__u32 quoted; /* bytes of the packet in it; 0: a TCP reset */
	__u32 l2_bytes; /* of what stands before it in the frame */
};

static __always_inline bool reject_is_odd_v4(__be32 addr)
{
	__u32 a = bpf_ntohl(addr);

	/* This network, loopback, multicast, class E with broadcast: RFC 1122, section 3.2.2. */
	return a >> 24 == 0 || a >> 24 == 127 || a >> 28 >= 0xe;
}

static __always_inline bool reject_is_odd_v6(const union pkt_addr *a)
{
	if ((bpf_ntohl(a->word[0]) >> 24) == 0xff)
		return true;
	return !a->half[0] && !a->word[2] && bpf_ntohl(a->word[3]) <= 1;
}

static __always_inline bool reject_is_odd(const struct pkt *p, const union pkt_addr *a)
{
	return p->is_v6 ? reject_is_odd_v6(a) : reject_is_odd_v4(a->word[3]);
}

/* An error, or what may be one. */
static __always_inline bool reject_is_icmp_error(const struct pkt *p)
{
	if (p->is_v6)
		return p->icmp_type < REJECT_ICMPV6_INFORMATIONAL ||
		       p->icmp_type == REJECT_ICMPV6_REDIRECT;
	switch (p->icmp_type) {
	case 3:
	case 4:
	case 5:
	case 11:
	case 12:
		return true;
	}
	return p->icmp_type > REJECT_ICMP_TYPES;
}

/*
 * Whether a packet may be answered at all: RFC 1122, section 3.2.2, and RFC
 * 4443, section 2.4 (e). @group is the first byte of the destination MAC.
 */
static __always_inline bool reject_may_answer(const struct pkt *p, __u8 group, __u32 what)
{
	if (!pkt_is(p, PKT_ADDR | PKT_PROTO) || group & 1)
		return false;
	if (reject_is_odd(p, &p->src) || reject_is_odd(p, &p->dst))
		return false;
	switch (p->proto) {
	case IPPROTO_TCP:
		if (what != REJECT_ACTION)
			break;
		/* Of a fragmented segment the length is not known. */
		return pkt_is(p, PKT_TCP) && !(p->has & PKT_FRAGMENT) &&
		       !(p->tcp_flags & REJECT_TCP_RST);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return p->has & PKT_ICMP && !reject_is_icmp_error(p);
	}
	/* What has no ports here is a later fragment, or may be one. */
	return !(p->has & PKT_FRAGMENT) || p->has & PKT_PORTS;
}

/*
 * A token bucket of this CPU, which alone writes it. Errors have their own: a
 * flood of what rules reject must not silence path MTU discovery.
 */
static __always_inline bool reject_admits(struct weir_cpu *cpu, __u32 what)
{
	__u64 *bucket = what == REJECT_ACTION ? &cpu->reject_tat : &cpu->error_tat;
	__u64 now = bpf_ktime_get_coarse_ns();
	__u64 tat = *bucket > now ? *bucket : now;

	if (tat - now > (WEIR_REJECT_BURST - 1) * REJECT_INTERVAL_NS)
		return false;
	*bucket = tat + REJECT_INTERVAL_NS;
	return true;
}

/*
 * Sum of @bytes, in memory order, of the buffer from its transport header on;
 * behind them lie zeroes. Unfolded.
 */
static __always_inline __u64 reject_sum(const struct weir_cpu *cpu, __u32 bytes)
{
	const __u8 *at = cpu->answer + REJECT_L4;
	__u32 chunk, less;
	__u64 sum = 0;

	bytes = (bytes + 3) & ~3U;
#pragma unroll
	for (int i = 0; i < 3; i++) {
		chunk = bytes < REJECT_CHUNK ? bytes : REJECT_CHUNK;
		if (!chunk)
			break;
		/* Linux 6.1 forgets a comparison of what is on the stack, not a mask. */
		less = chunk - 1;
		HIDE_FROM_COMPILER(less);
		chunk = (less & (REJECT_CHUNK - 1)) + 1;
		sum += (__u32)bpf_csum_diff(NULL, 0, (void *)at, chunk, 0);
		at += REJECT_CHUNK;
		bytes -= chunk;
	}
	return sum;
}

static __always_inline void reject_write_ipv4(struct iphdr *ip, const struct pkt *p, __u32 bytes,
					      __u8 proto)
{
	__u64 sum = 0;

	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(bytes),
		.frag_off = bpf_htons(0x4000),
		.ttl = REJECT_HOPS,
		.protocol = proto,
		.saddr = p->dst.word[3],
		.daddr = p->src.word[3],
	};
#pragma unroll
	for (int i = 0; i < 5; i++)
		sum += ((__u32 *)ip)[i];
	ip->check = ~checksum_fold(sum);
}

static __always_inline void reject_write_ipv6(struct ipv6hdr *ip, const struct pkt *p, __u32 bytes,
					      __u8 proto)
{
	*(__be32 *)ip = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(bytes - sizeof(*ip));
	ip->nexthdr = proto;
	ip->hop_limit = REJECT_HOPS;
	__builtin_memcpy(&ip->saddr, &p->dst, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &p->src, sizeof(ip->daddr));
}

static __always_inline void reject_write_ip(struct reject *r, const struct pkt *p, __u32 l4_bytes,
					    __u8 proto)
{
	r->start = p->is_v6 ? 0 : REJECT_L4 - sizeof(struct iphdr);
	r->bytes = REJECT_L4 - r->start + l4_bytes;
	if (p->is_v6)
		reject_write_ipv6((void *)r->cpu->answer, p, r->bytes, proto);
	else
		reject_write_ipv4((void *)(r->cpu->answer + r->start), p, r->bytes, proto);
}

/*
 * RFC 9293, section 3.10.7.1. The acknowledgement covers SYN, FIN and data.
 *
 * Where a device is to complete the packet's checksum, it will write over that
 * of the reset: the sum of everything else, with the field itself. Nothing is
 * lost when the field has its final value, and the window, which means nothing
 * in a reset, makes it that: -2 * pseudo header - rest.
 */
static __always_inline int reject_build_reset(struct reject *r, void *ctx, const struct pkt *p)
{
	struct tcphdr *tcp = (void *)(r->cpu->answer + REJECT_L4);
	__u64 pseudo = checksum_pseudo(p, IPPROTO_TCP, sizeof(*tcp));
	__u32 payload = p->l4_bytes - p->tcp_header_bytes, rest;
	struct tcphdr in;

	if (hook_load(ctx, p->l4_offset, &in, sizeof(in)))
		return -1;
	*tcp = (struct tcphdr){ .source = in.dest, .dest = in.source, .doff = 5, .rst = 1 };
	if (p->tcp_flags & REJECT_TCP_ACK) {
		tcp->seq = in.ack_seq;
	} else {
		payload += !!(p->tcp_flags & REJECT_TCP_SYN) + !!(p->tcp_flags & REJECT_TCP_FIN);
		tcp->ack_seq = bpf_htonl(bpf_ntohl(in.seq) + payload);
		tcp->ack = 1;
	}
	rest = checksum_fold(reject_sum(r->cpu, sizeof(*tcp)));
	if (checksum_is_partial(p, in.check)) {
		pseudo = checksum_fold(pseudo);
		tcp->window = ~checksum_fold(2 * pseudo + rest);
		tcp->check = pseudo;
	} else {
		tcp->check = ~checksum_fold(pseudo + rest);
	}
	r->quoted = 0;
	reject_write_ip(r, p, sizeof(*tcp), IPPROTO_TCP);
	return 0;
}

/*
 * A quoted packet whose checksum a device is to complete gets one that it
 * leaves as it is: half of minus the sum of the rest.
 */
static __always_inline void reject_settle_quoted(struct reject *r, const struct pkt *p)
{
	__u32 at = checksum_place(p) - p->l3_offset, before, rest;
	__u16 *check;

	if (at >= REJECT_CHUNK - REJECT_QUOTE || at + sizeof(*check) > r->quoted)
		return;
	/* Changes nothing, as above. */
	HIDE_FROM_COMPILER(at);
	check = (__u16 *)(r->cpu->answer + REJECT_QUOTE + (at & (REJECT_CHUNK - 1)));
	if (!*check || !checksum_is_partial(p, *check))
		return;
	*check = 0;
	/* Of all there is from the transport header on: everything, less what lies before it. */
	before = REJECT_QUOTE - REJECT_L4 + p->l4_offset - p->l3_offset;
	before &= REJECT_CHUNK - 4;
	rest = checksum_fold(reject_sum(r->cpu, sizeof(struct icmp) + r->quoted));
	rest += 0xffff - checksum_fold((__u32)bpf_csum_diff(
				 NULL, 0, (void *)(r->cpu->answer + REJECT_L4), before, 0));
	rest = 0xffff - checksum_fold(rest);
	*check = (rest & 1 ? rest + 0xffff : rest) / 2 ?: 0xffff;
}

static __always_inline struct icmp reject_icmp_header(const struct pkt *p, __u32 what)
{
	if (what == REJECT_ACTION)
		what = p->is_v6 ? REJECT_ERROR(REJECT_ICMPV6_UNREACHABLE, REJECT_ICMPV6_PORT, 0)
				: REJECT_ERROR(REJECT_ICMP_UNREACHABLE, REJECT_ICMP_PORT, 0);
	return (struct icmp){
		.type = what >> 24,
		.code = what >> 16,
		.rest = bpf_htonl(what & 0xffff),
	};
}

/* An ICMP error, with as much of the packet as the RFCs let in. */
static __always_inline int reject_build_icmp(struct reject *r, void *ctx, const struct pkt *p,
					     __u32 what)
{
	__u32 most = p->is_v6 ? WEIR_REJECT_MOST_V6 - REJECT_QUOTE
			      : WEIR_REJECT_MOST_V4 - sizeof(struct iphdr) - sizeof(struct icmp);
	__u32 bytes = p->l4_offset - p->l3_offset + p->l4_bytes;
	struct icmp *icmp = (void *)(r->cpu->answer + REJECT_L4);
	__u64 pseudo = 0;
	__u32 less;

	bytes = bytes < most ? bytes : most;
	less = bytes - 1;
	HIDE_FROM_COMPILER(less);
	if (less >= WEIR_REJECT_MOST_V6 - REJECT_QUOTE)
		return -1;
	bytes = less + 1;
	if (hook_load(ctx, p->l3_offset, r->cpu->answer + REJECT_QUOTE, bytes))
		return -1;
#pragma unroll
	for (int i = 0; i < 4; i++)
		r->cpu->answer[REJECT_QUOTE + bytes + i] = 0;
	*icmp = reject_icmp_header(p, what);
	r->quoted = bytes;
	reject_settle_quoted(r, p);
	bytes += sizeof(*icmp);
	if (p->is_v6)
		pseudo = checksum_pseudo(p, IPPROTO_ICMPV6, bytes);
	icmp->check = ~checksum_fold(pseudo + reject_sum(r->cpu, bytes));
	reject_write_ip(r, p, bytes, p->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	return 0;
}

/*
 * Build the answer to a packet in @r.
 *
 * @group  first byte of its destination MAC
 * @what   REJECT_ACTION or REJECT_ERROR()
 * Returns WEIR_R_FILTER_REJECT, or the reason why there is none.
 */
static __always_inline enum weir_reason reject_build(struct reject *r, void *ctx,
						     const struct pkt *p, __u8 group, __u32 what)
{
	__u32 zero = 0;
	int error;

	r->cpu = bpf_map_lookup_elem(&weir_cpu, &zero);
	if (!r->cpu || !reject_may_answer(p, group, what))
		return WEIR_R_FILTER_REJECT_SILENT;
	if (!reject_admits(r->cpu, what))
		return WEIR_R_FILTER_REJECT_LIMITED;
	error = what == REJECT_ACTION && p->proto == IPPROTO_TCP
			? reject_build_reset(r, ctx, p)
			: reject_build_icmp(r, ctx, p, what);
	return error ? WEIR_R_FILTER_REJECT_SILENT : WEIR_R_FILTER_REJECT;
}

/* The frame's head as the answer has it: tags stay, MACs change places. */
static __always_inline void reject_swap_macs(__u8 *l2)
{
	struct ethhdr *eth = (void *)l2;
	struct ethhdr was = *eth;

	__builtin_memcpy(eth->h_dest, was.h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, was.h_dest, ETH_ALEN);
}

/*
 * Build the answer in @r, and the head of its frame in @l2, of REJECT_MOST_L2
 * bytes. Returns as reject_build() does.
 */
static __always_inline enum weir_reason reject_prepare(struct reject *r, void *ctx,
						       const struct pkt *p, __u8 *l2, __u32 what)
{
	__u32 tags_bytes = p->l3_offset - ETH_HLEN;
	enum weir_reason reason;

	HIDE_FROM_COMPILER(tags_bytes);
	if (tags_bytes > REJECT_MOST_L2 - ETH_HLEN)
		return WEIR_R_FILTER_REJECT_SILENT;
	r->l2_bytes = tags_bytes + ETH_HLEN;
	if (hook_load(ctx, 0, l2, tags_bytes + ETH_HLEN))
		return WEIR_R_FILTER_REJECT_SILENT;
	reason = reject_build(r, ctx, p, l2[0], what);
	if (reason == WEIR_R_FILTER_REJECT)
		reject_swap_macs(l2);
	return reason;
}

/* Write the answer over a frame that has its size. Returns 0 or below. */
static __always_inline long reject_put(void *ctx, const struct reject *r, const __u8 *l2)
{
	__u32 less = r->bytes - 1, tags_bytes = r->l2_bytes - ETH_HLEN;

	HIDE_FROM_COMPILER(less);
	HIDE_FROM_COMPILER(tags_bytes);
	if (tags_bytes > REJECT_MOST_L2 - ETH_HLEN || less >= WEIR_REJECT_MOST_V6)
		return -1;
	if (hook_store(ctx, 0, l2, tags_bytes + ETH_HLEN))
		return -1;
	if (r->start)
		return hook_store(ctx, tags_bytes + ETH_HLEN,
				  r->cpu->answer + REJECT_L4 - sizeof(struct iphdr), less + 1);
	return hook_store(ctx, tags_bytes + ETH_HLEN, r->cpu->answer, less + 1);
}

/*
 * Where the answer leaves: as the kernel would route it, and back where the
 * packet came from if the kernel does not say, or the frame is tagged. The MACs
 * in @l2, swapped already, follow.
 */
static __always_inline __u32 reject_exit(void *ctx, const struct pkt *p, const struct reject *r,
					 __u32 ifindex, __u8 *l2)
{
	struct bpf_fib_lookup fib = { .ifindex = ifindex, .tot_len = r->bytes };

	if (p->has & PKT_TAGGED)
		return ifindex;
	if (p->is_v6) {
		fib.family = REJECT_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &p->dst, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &p->src, sizeof(fib.ipv6_dst));
	} else {
		fib.family = REJECT_AF_INET;
		fib.ipv4_src = p->dst.word[3];
		fib.ipv4_dst = p->src.word[3];
	}
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return ifindex;
	__builtin_memcpy(l2, fib.dmac, ETH_ALEN);
	__builtin_memcpy(l2 + ETH_ALEN, fib.smac, ETH_ALEN);
	return fib.ifindex;
}

/* What a global function returns: a reason, and the verdict that carries it out. */
#define REJECT_RESULT(reason, verdict) ((int)(reason) | (int)(verdict) << 16)

#endif
