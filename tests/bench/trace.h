/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets of a benchmark, one header after the other, as the program that
 * writes them into frames and user space both see them.
 */
#ifndef WEIR_BENCH_TRACE_H
#define WEIR_BENCH_TRACE_H

#include <linux/types.h>

#define TRACE_HEADERS (1U << 16)

/* In network order. The ports of ICMP are its type and code. */
struct trace_header4 {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u8 proto;
	__u8 pad[3];
};
_Static_assert(sizeof(struct trace_header4) == 16, "trace header has holes");

struct trace_header6 {
	__u8 saddr[16], daddr[16];
	__be16 sport, dport;
	__u8 proto;
	__u8 pad[3];
};
_Static_assert(sizeof(struct trace_header6) == 40, "trace header has holes");

struct trace4 {
	struct trace_header4 header[TRACE_HEADERS];
};

struct trace6 {
	struct trace_header6 header[TRACE_HEADERS];
};

#define FRAME4_BYTES 64
#define FRAME6_BYTES 84

#endif
