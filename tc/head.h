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
 * What lies in one piece from the IP header on, up to what a key is made of.
 *
 * @network  offset of the IP header from skb->head
 * @h        zeroed
 *
 * Returns 0, or -1 when there is nothing.
 */
static __always_inline int head_read(struct sk_buff *skb, __u32 network, struct path_head *h)
{
	const unsigned char *from = skb->head + network;
	__u32 bytes = skb->tail - network, less = bytes - 1;

	h->bytes = bytes;
	if ((__s32)bytes >= PATH_HEAD_BYTES)
		return bpf_probe_read_kernel(h->raw, PATH_HEAD_BYTES, from) ? -1 : 0;
	HIDE_FROM_COMPILER(less);
	if (less >= PATH_HEAD_BYTES)
		return -1;
	return bpf_probe_read_kernel(h->raw, less + 1, from) ? -1 : 0;
}

#endif
