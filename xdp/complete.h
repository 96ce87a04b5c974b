/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Senders behind a veth leave the checksum of TCP and UDP to a device that the
 * packet never meets, and the kernel's note of it is lost when native XDP sends
 * the packet on. So it is completed here. In generic mode the note stays, and
 * completing it would be done twice.
 */
#ifndef WEIR_XDP_COMPLETE_H
#define WEIR_XDP_COMPLETE_H

#include "weir/balance.h"
#include "weir/bpf/checksum.h"

/* Global, so that it is verified once. Returns 0. */
__noinline int complete_if_partial(struct xdp_md *ctx, const struct pkt *p)
{
	__u64 sum = 0;
	__u16 check;
	__u32 at;

	if (!p)
		return 0;
	at = checksum_place(p);
	if (!at || hook_load(ctx, at, &check, sizeof(check)) || !checksum_is_partial(p, check))
		return 0;
	if (checksum_add_packet(ctx, p->l4_offset, p->l4_bytes, &sum))
		return 0;
	check = ~checksum_fold(sum);
	if (!check && p->proto == IPPROTO_UDP)
		check = 0xffff;
	bpf_xdp_store_bytes(ctx, at, &check, sizeof(check));
	return 0;
}

/* Before anything of the packet that its checksum covers is read or changed. */
static __always_inline void complete_checksum(struct xdp_md *ctx, const struct pkt *p)
{
	if (weir.flags & WEIR_PROGRAM_VETH && !(weir.flags & WEIR_PROGRAM_GENERIC))
		complete_if_partial(ctx, p);
}

/*
 * Whether the packet's checksum is that of its pseudo header alone, which the
 * kernel will complete where it can. A complete one may look the same.
 */
static __noinline int is_completed_later(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 at = checksum_place(p);
	__u64 sum = 0;
	__u16 check;

	if (!at || hook_load(ctx, at, &check, sizeof(check)) || !checksum_is_partial(p, check))
		return 0;
	if (checksum_add_packet(ctx, p->l4_offset, p->l4_bytes, &sum))
		return 0;
	return checksum_fold(sum + checksum_pseudo(p, p->proto, p->l4_bytes)) != 0xffff;
}

#endif
