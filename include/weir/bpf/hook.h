/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program file brings, for headers that serve XDP and TC alike: the
 * helpers for a frame that need not lie in one piece have other names there.
 */
#ifndef WEIR_BPF_HOOK_H
#define WEIR_BPF_HOOK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Copy @size bytes of the frame, from @offset, to @to. Returns 0 or -errno. */
static __always_inline long hook_load(void *ctx, __u32 offset, void *to, __u32 size);

#endif
