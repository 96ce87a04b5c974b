/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first hook of a packet that comes in by the driver.
 */
#ifndef WEIR_XDP_PATH_H
#define WEIR_XDP_PATH_H

#include "weir/bpf/hook.h"
#include "weir/bpf/path.h"

static __always_inline int path_head_read(struct xdp_md *ctx, const struct pkt *p,
					  struct path_head *h)
{
	__u32 bytes = p->bytes - p->l3_offset, less = bytes - 1;

	h->bytes = bytes;
	if ((__s32)bytes >= PATH_HEAD_BYTES)
		return bpf_xdp_load_bytes(ctx, p->l3_offset, h->raw, PATH_HEAD_BYTES) ? -1 : 0;
	HIDE_FROM_COMPILER(less);
	if (less >= PATH_HEAD_BYTES)
		return -1;
	return bpf_xdp_load_bytes(ctx, p->l3_offset, h->raw, less + 1) ? -1 : 0;
}

/* Not inlined, as it needs the stack. Returns 0. */
static __noinline KEEPS_RETURN int
path_at_driver(struct xdp_md *ctx, const struct weir_image *image, const struct pkt *p)
{
	struct path_head head = {};
	struct path_sight s = { .point = WEIR_PATH_AT_XDP, .image = image, .head = &head };
	struct weir_path *record;

	if (!image || !p || !(p->has & PKT_IP) || path_head_read(ctx, p, &head))
		return 0;
	s.key = path_key(&head);
	if (!s.key || s.key & image->path_sample_mask)
		return 0;
	record = path_find(s.key);
	if (!record && s.key & device_row(image)->sample_mask)
		return 0;
	s.now = path_ticks(bpf_ktime_get_ns());
	s.place.netns = image->netns;
	s.place.ifindex = ctx->ingress_ifindex;
	if ((record && path_go_on(record, &s)) || path_is_multicast(&head))
		return 0;
	if (record)
		path_begin(record, &s);
	else
		path_make(&s);
	return 0;
}

#endif
