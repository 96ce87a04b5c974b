/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What headers that serve XDP and TC alike ask of XDP.
 */
#ifndef WEIR_XDP_HOOK_H
#define WEIR_XDP_HOOK_H

#include "weir/bpf/conn.h"
#include "weir/bpf/hook.h"
#include "weir/bpf/log.h"

static __always_inline long hook_load(void *ctx, __u32 offset, void *to, __u32 size)
{
	return bpf_xdp_load_bytes(ctx, offset, to, size);
}

static __always_inline long hook_store(void *ctx, __u32 offset, const void *from, __u32 size)
{
	return bpf_xdp_store_bytes(ctx, offset, (void *)from, size);
}

static __always_inline bool hook_established(void *ctx, const struct weir_image *image,
					     const struct pkt *p)
{
	struct xdp_md *md = ctx;

	return conn_is_established(image, (void *)(long)md->data, (void *)(long)md->data_end, p);
}

static __always_inline void hook_log(void *ctx, struct pkt *p, struct log_waiting *w, __u32 rule)
{
	struct xdp_md *md = ctx;

	log_packet(ctx, WEIR_LOG_XDP, md->ingress_ifindex, p, w, rule, -1);
}

#endif
