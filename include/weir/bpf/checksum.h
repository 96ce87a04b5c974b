/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internet checksums: RFC 1071, and RFC 1624 where a field changes. Sums are of
 * words as they lie in memory, so no byte order is ever turned; they may be
 * added to each other, and are folded at the end.
 */
#ifndef WEIR_BPF_CHECKSUM_H
#define WEIR_BPF_CHECKSUM_H

#include "weir/bpf/hook.h"
#include "weir/bpf/maps.h"
#include "weir/bpf/packet.h"

/* bpf_csum_diff() takes no more; the CPU's buffer has room for it. */
#define CHECKSUM_CHUNK 512
#define CHECKSUM_MOST_CHUNKS 128 /* an IP packet has no more */
#define CHECKSUM_TCP_AT 16
#define CHECKSUM_UDP_AT 6

/* To 16 bits; not complemented. */
static __always_inline __u16 checksum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline __u64 checksum_of_addr(const union pkt_addr *addr, bool is_v6)
{
	if (!is_v6)
		return addr->word[3];
	return (__u64)addr->word[0] + addr->word[1] + addr->word[2] + addr->word[3];
}

/* Of the pseudo header of TCP, UDP and ICMPv6. The same in both directions. */
static __always_inline __u64 checksum_pseudo(const struct pkt *p, __u8 proto, __u32 l4_bytes)
{
	return bpf_htonl(proto) + (__u64)bpf_htonl(l4_bytes) + checksum_of_addr(&p->src, p->is_v6) +
	       checksum_of_addr(&p->dst, p->is_v6);
}

/*
 * A checksum field after fields that it covers have changed. RFC 1624, equation 3.
 *
 * @was, @is  sums of what they held and hold; a field of one byte, or at an odd
 *            offset, counts with the whole words that it lies in
 */
static __always_inline __u16 checksum_replace(__u16 check, __u64 was, __u64 is)
{
	return ~checksum_fold((__u64)(__u16)~check + (__u16)~checksum_fold(was) +
			      checksum_fold(is));
}

/*
 * The same for UDP, where 0 says that there is no checksum: none stays none,
 * and a sum that happens to be 0 is written as its other form.
 */
static __always_inline __u16 checksum_replace_udp(__u16 check, __u64 was, __u64 is)
{
	__u16 now;

	if (!check)
		return 0;
	now = checksum_replace(check, was, is);
	return now ? now : 0xffff;
}

/*
 * Whether the field is one that a device is still to complete: the sum of the
 * pseudo header alone, as senders on this host leave it (CHECKSUM_PARTIAL). One
 * complete one in 65,536 looks the same; to complete that changes nothing.
 */
static __always_inline bool checksum_is_partial(const struct pkt *p, __u16 check)
{
	return check == checksum_fold(checksum_pseudo(p, p->proto, p->l4_bytes));
}

struct checksum_work {
	void *ctx;
	struct weir_cpu *cpu;
	__u32 offset;
	__u32 left; /* bytes */
	__u64 sum;
};

/* Returns 1 at the end; with bytes left there, the packet ends before it should. */
static long checksum_add_chunk(__u32 unused, struct checksum_work *w)
{
	__u32 less = (w->left < CHECKSUM_CHUNK ? w->left : CHECKSUM_CHUNK) - 1;
	__u32 *end;

	HIDE_FROM_COMPILER(less);
	if (less >= CHECKSUM_CHUNK)
		return 1;
	if (hook_load(w->ctx, w->offset, w->cpu->answer, less + 1))
		return 1;
	/* Words are summed, the last one filled up with zeroes. */
	end = (void *)(w->cpu->answer + less + 1);
	__builtin_memset(end, 0, sizeof(*end));
	w->sum += (__u32)bpf_csum_diff(NULL, 0, (void *)w->cpu->answer,
				       (less & (CHECKSUM_CHUNK - 4)) + 4, 0);
	w->offset += less + 1;
	w->left -= less + 1;
	return !w->left;
}

/*
 * Sum @bytes of the packet from @offset, which may lie anywhere in it, into
 * @sum. Uses the CPU's buffer for answers. Returns 0, or -1 when the packet is
 * shorter.
 */
static __noinline int checksum_add_packet(void *ctx, __u32 offset, __u32 bytes, __u64 *sum)
{
	struct checksum_work w = { .ctx = ctx, .offset = offset, .left = bytes };
	__u32 zero = 0;

	w.cpu = bpf_map_lookup_elem(&weir_cpu, &zero);
	if (!w.cpu)
		return -1;
	bpf_loop(CHECKSUM_MOST_CHUNKS, checksum_add_chunk, &w, 0);
	*sum += w.sum;
	return w.left ? -1 : 0;
}

/* Where the packet has its TCP or UDP checksum, from the frame's start; 0: nowhere. */
static __always_inline __u32 checksum_place(const struct pkt *p)
{
	if (!(p->has & PKT_PORTS) || p->has & PKT_FRAGMENT)
		return 0;
	if (p->proto == IPPROTO_TCP)
		return p->l4_offset + CHECKSUM_TCP_AT;
	return p->proto == IPPROTO_UDP ? p->l4_offset + CHECKSUM_UDP_AT : 0;
}

#endif
