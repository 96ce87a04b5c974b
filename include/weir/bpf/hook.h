/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program file brings, for headers that serve XDP and TC alike: the
 * helpers for a frame that need not lie in one piece have other names there.
 */
#ifndef WEIR_BPF_HOOK_H
#define WEIR_BPF_HOOK_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct log_waiting;
struct pkt;
struct weir_image;

/*
 * A size for a helper is 1 at least, which Linux 6.1 believes of less + 1, and
 * not of a number that was compared with 0. The compiler must not take that for
 * the number it came from.
 */
#define HIDE_FROM_COMPILER(less) asm volatile("" : "+r"(less))

/* Copy @size bytes of the frame, from @offset, to @to. Returns 0 or -errno. */
static __always_inline long hook_load(void *ctx, __u32 offset, void *to, __u32 size);

/* Write @size bytes to the frame, from @offset on. Returns 0 or -errno. */
static __always_inline long hook_store(void *ctx, __u32 offset, const void *from, __u32 size);

/* Whether the packet is of a connection that this host opened. */
static __always_inline bool hook_established(void *ctx, const struct weir_image *image,
					     const struct pkt *p);

/* Note a packet for the reader of the log, for the rule with this id. */
static __always_inline void hook_log(void *ctx, struct pkt *p, struct log_waiting *w, __u32 rule);

#endif
