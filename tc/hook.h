/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What headers that serve XDP and TC alike ask of TC.
 */
#ifndef WEIR_TC_HOOK_H
#define WEIR_TC_HOOK_H

#include "weir/bpf/conn.h"
#include "weir/bpf/hook.h"
#include "weir/bpf/log.h"

static __always_inline long hook_load(void *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(ctx, offset, to, size);
}

static __always_inline long hook_store(void *ctx, __u32 offset, const void *from, __u32 size)
{
	return bpf_skb_store_bytes(ctx, offset, from, size,
				   BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

static __always_inline bool hook_established(void *ctx, const struct weir_image *image,
					     const struct pkt *p)
{
	struct __sk_buff *skb = ctx;
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;

	if (p->has & PKT_LEAVES)
		return conn_is_known(image, data, data_end, p);
	return conn_is_established(image, data, data_end, p);
}

static __always_inline void hook_log(void *ctx, struct pkt *p, struct log_waiting *w, __u32 rule)
{
	struct __sk_buff *skb = ctx;

	log_packet(ctx, p->has & PKT_LEAVES ? WEIR_LOG_EGRESS : WEIR_LOG_INGRESS, skb->ifindex, p,
		   w, rule, skb->vlan_present ? skb->vlan_tci : -1);
}

#endif
