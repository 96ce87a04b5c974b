/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lowering the MSS that a SYN offers, RFC 9293, section 3.7.1, so that segments
 * fit the way with what is put around them.
 */
#ifndef WEIR_XDP_MSS_H
#define WEIR_XDP_MSS_H

#include "weir/bpf/checksum.h"
#include "weir/bpf/packet.h"

#include "choice.h"

#define MSS_SYN 0x02
#define MSS_END 0
#define MSS_NOP 1
#define MSS_KIND 2
#define MSS_BYTES 4
#define MSS_MOST_OPTIONS 40
#define MSS_MASK 63

struct mss_walk {
	const __u8 *options;
	__u32 bytes;
	__u32 at;
	__u32 found; /* where the option's value is; 0: not found */
};

/* One option. Returns 1 where the walk ends. */
static long mss_step(__u32 unused, struct mss_walk *w)
{
	__u8 kind, size;

	if (w->at >= w->bytes)
		return 1;
	kind = w->options[w->at & MSS_MASK];
	if (kind == MSS_END)
		return 1;
	if (kind == MSS_NOP) {
		w->at++;
		return 0;
	}
	if (w->at + 1 >= w->bytes)
		return 1;
	size = w->options[(w->at + 1) & MSS_MASK];
	if (size < 2 || w->at + size > w->bytes)
		return 1;
	if (kind == MSS_KIND && size == MSS_BYTES) {
		w->found = w->at + 2;
		return 1;
	}
	w->at += size;
	return 0;
}

/* The value's offset in the frame, or 0; the value in @value, as it lies there. */
static __always_inline __u32 mss_find(struct xdp_md *ctx, const struct pkt *p, __be16 *value)
{
	__u32 start = p->l4_offset + sizeof(struct tcphdr), zero = 0;
	__u32 less = p->tcp_header_bytes - sizeof(struct tcphdr) - 1;
	struct weir_cpu *cpu = bpf_map_lookup_elem(&weir_cpu, &zero);
	struct mss_walk w = {};

	HIDE_FROM_COMPILER(less);
	if (!cpu || less >= MSS_MOST_OPTIONS || hook_load(ctx, start, cpu->answer, less + 1))
		return 0;
	w.options = cpu->answer;
	w.bytes = less + 1;
	bpf_loop(MSS_MOST_OPTIONS, mss_step, &w, 0);
	if (!w.found)
		return 0;
	__builtin_memcpy(value, cpu->answer + (w.found & MSS_MASK), sizeof(*value));
	return start + w.found;
}

/* A value at an odd place lies across two words of the sum. */
static __always_inline __u16 mss_as_summed(const struct pkt *p, __u32 at, __be16 value)
{
	return (at - p->l4_offset) & 1 ? __builtin_bswap16(value) : value;
}

/*
 * Lower the MSS of a SYN or SYN-ACK to @most, host order, 1 to 65,535. Segments
 * without the option, or with broken options before it, stay as they are.
 *
 * @is_partial  the checksum is the kernel's to complete
 *
 * Global, so that it is verified once. Returns 0.
 */
__noinline int mss_clamp(struct xdp_md *ctx, const struct pkt *p, __u32 most, int is_partial)
{
	__be16 was = 0, is = bpf_htons(most);
	__u32 check_at, at;
	__u16 check;

	if (!p)
		return 0;
	check_at = p->l4_offset + CHECKSUM_TCP_AT;
	at = mss_find(ctx, p, &was);
	if (!at || bpf_ntohs(was) <= most || hook_load(ctx, check_at, &check, sizeof(check)))
		return 0;
	if (bpf_xdp_store_bytes(ctx, at, &is, sizeof(is)) || is_partial)
		return 0;
	check = checksum_replace(check, mss_as_summed(p, at, was), mss_as_summed(p, at, is));
	bpf_xdp_store_bytes(ctx, check_at, &check, sizeof(check));
	return 0;
}

/* What fits into packets of @mtu bytes; 0: nothing. */
static __always_inline __u32 mss_of_mtu(const struct pkt *p, __u32 mtu)
{
	__u32 headers =
		(p->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct tcphdr);

	return mtu > headers ? mtu - headers : 0;
}

/*
 * What the MSS of a packet may be at most: the service's number, or what fits
 * the way there. 0 where it stays as it is.
 */
static __always_inline __u32 mss_most(const struct pkt *p, const struct weir_service *service,
				      __u32 mtu)
{
	__u32 most;

	if (!is_needed(WEIR_NEED_MSS) || !(service->flags & WEIR_SERVICE_MSS) ||
	    !(p->has & PKT_TCP) || !(p->tcp_flags & MSS_SYN))
		return 0;
	most = service->mss ? service->mss : mss_of_mtu(p, mtu);
	return most <= 0xffff ? most : 0;
}

#endif
