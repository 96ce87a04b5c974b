/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What routers said of the paths to backends of tunnels: RFC 1191, RFC 8201.
 */
#ifndef WEIR_PMTU_H
#define WEIR_PMTU_H

#include "weir/balance.h"

#define WEIR_PMTU_SLOTS 16384
#define WEIR_PMTU_LIVES_S 600 /* as long as the kernel believes a router */
/* Less is not believed: RFC 791, RFC 8200. */
#define WEIR_PMTU_LEAST_V4 576
#define WEIR_PMTU_LEAST_V6 1280

/*
 * The slot of a destination, which packets that go there claim: what is said of
 * others is not noted. One that lives is not taken away.
 */
struct weir_pmtu {
	__u64 tag; /* weir_pmtu_tag(); 0: nobody's */
	__u32 mtu; /* of an IP packet with its outer header */
	__u32 until_s; /* CLOCK_MONOTONIC, coarse; past it @mtu says nothing */
};
_Static_assert(sizeof(struct weir_pmtu) == 16, "path MTU has holes");

/* Of an address, v4-mapped, by its halves as they lie in memory. No two of IPv4 share one. */
static inline __attribute__((always_inline)) __u64 weir_pmtu_tag(__u64 half0, __u64 half1)
{
	return weir_mix64(half1 ^ weir_mix64(half0));
}

#endif
