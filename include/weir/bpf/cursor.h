/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that compares a packet pointer with the packet's end.
 */
#ifndef WEIR_BPF_CURSOR_H
#define WEIR_BPF_CURSOR_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Headers that begin further into a frame than this are not looked at. */
#define CURSOR_MAX_OFFSET 0xfff

struct cursor {
	void *data;
	void *data_end;
	__u32 offset;
};

/*
 * The same number, of which the verifier no longer knows the value. It then
 * finds the states of two paths equal that differ in that number alone, and
 * follows one. @unknown is any number that it does not know.
 */
static __always_inline __u32 forget(__u32 value, __u32 unknown)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(value) : "r"(unknown));
	return value;
}

static __always_inline __u64 forget64(__u64 value, __u64 unknown)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(value) : "r"(unknown));
	return value;
}

/* 1 of 0, else 0; without a branch, as what packets come to is not to be predicted. */
static __always_inline __u64 is_zero(__u64 number)
{
	asm("%0 |= %1\n\t%0 >>= 63\n\t%0 ^= 1" : "+r"(number) : "r"(-number));
	return number;
}

static __always_inline struct cursor cursor_at(void *data, void *data_end, __u32 offset)
{
	return (struct cursor){ .data = data, .data_end = data_end, .offset = offset };
}

static __always_inline void *cursor_take(struct cursor *c, __u32 size)
{
	__u32 offset = c->offset & CURSOR_MAX_OFFSET;
	void *taken;

	asm volatile("" : "+r"(offset));
	taken = c->data + offset;
	if (offset != c->offset || taken + size > c->data_end)
		return NULL;
	c->offset = offset + size;
	return taken;
}

/* The next header, or NULL with the cursor unmoved where the packet ends before it does. */
#define cursor_pull(c, type) ((type *)cursor_take((c), sizeof(type)))

/* A skip past the packet's end is found by the next pull. */
static __always_inline void cursor_skip(struct cursor *c, __u32 size)
{
	c->offset += size;
}

#endif
