/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The headers of a packet of the kernel's.
 */
#ifndef WEIR_TC_HEAD_H
#define WEIR_TC_HEAD_H

#include <linux/if_ether.h>

#include "weir/bpf/hook.h"
#include "weir/bpf/path_head.h"

#include "kernel.h"

#define VLAN_TAG_BYTES 4

/*
 * The first words of a packet, loaded one by one: a helper that copies takes
 * longer than all else that a hook does. Memory behind a packet is there, and
 * has its fragments. Returns whether @bytes were enough.
 */
static __always_inline bool head_load(const unsigned char *from, __u32 bytes, struct path_head *h)
{
	__u64 *to = (void *)h->raw;
	const __u64 *word;

	if (!weir.hook_casts || (__s32)bytes < PATH_HEAD_V4_BYTES)
		return false;
	word = WORDS(from);
#pragma unroll
	for (int i = 0; i < 7; i++)
		to[i] = word[i];
	to[7] = to[8] = 0;
	if (h->v4.version == 4)
		return true;
	if ((__s32)bytes < PATH_HEAD_BYTES)
		return false;
	to[7] = word[7];
	to[8] = word[8];
	return true;
}

/*
 * What lies in one piece from the IP header on, up to what a key is made of.
 *
 * @network  offset of the IP header from skb->head
 * @h        what it has of the packet is filled in
 *
 * Returns 0, or -1 when there is nothing.
 */
static __always_inline int head_read(struct sk_buff *skb, __u32 network, struct path_head *h)
{
	const unsigned char *from = GET(skb, head) + network;
	__u32 bytes = GET(skb, tail) - network, less = bytes - 1;

	h->bytes = bytes;
	if (head_load(from, bytes, h))
		return 0;
	if ((__s32)bytes >= PATH_HEAD_BYTES)
		return bpf_probe_read_kernel(h->raw, PATH_HEAD_BYTES, from) ? -1 : 0;
	HIDE_FROM_COMPILER(less);
	if (less >= PATH_HEAD_BYTES)
		return -1;
	__builtin_memset(h->raw, 0, sizeof(h->raw));
	return bpf_probe_read_kernel(h->raw, less + 1, from) ? -1 : 0;
}

#endif
