/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which IPv4 destinations share a route, whatever that is. Between two
 * neighbouring ends of prefixes, of any table's routes and of rules, the kernel
 * decides the same for all.
 */
#ifndef WEIR_FIB_H
#define WEIR_FIB_H

#include <linux/types.h>
#include <stddef.h>

struct fib {
	__u32 *first; /* addresses that intervals begin with, sorted, host order; [0] is 0 */
	size_t count;
};

/*
 * Read the intervals of the calling thread's network namespace.
 *
 * Returns 0 with @out, to be freed with fib_free(); -EOPNOTSUPP where a route
 * has several ways, of which the destination's hash is to choose, -E2BIG for
 * more than @most intervals, or another -errno; @out is empty then.
 */
int fib_read(size_t most, struct fib *out);
void fib_free(struct fib *f);

/* The interval of @addr, in host order. */
size_t fib_interval(const struct fib *f, __u32 addr);

#endif
