/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network namespace for the test process, in which the kernel's FIB has an
 * answer for every kind of backend:
 *
 *     in0    10.1.0.1/24  2001:db8:1::1/64   where packets come in
 *     out0   10.2.0.1/24  2001:db8:2::1/64   another way out
 *
 * Neighbours .11 and .12 of both are known, .99 is not. 10.9.0.0/16 and
 * 2001:db8:9::/48 lie behind 10.2.0.12 and 2001:db8:2::12. There is no default
 * route.
 */
#ifndef WEIR_TEST_TESTNET_H
#define WEIR_TEST_TESTNET_H

#include <linux/types.h>

struct testnet {
	__u32 in, out; /* ifindex */
	__u8 in_mac[6], out_mac[6];
};

/* MAC addresses of the neighbours .11 and .12, of in0 and out0. */
extern const __u8 testnet_in_11[6], testnet_in_12[6], testnet_out_11[6], testnet_out_12[6];

/* Returns NULL, or why the machine cannot do it. */
const char *testnet_start(struct testnet *t);

/* In a test of a file whose start() left in "refusal" what stands in its way. */
#define NEED_NET()                                \
	do {                                      \
		if (refusal)                      \
			WEIR_SKIP("%s", refusal); \
	} while (0)

#endif
