/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers that a failed run can repeat: WEIR_TEST_SEED=, as printed.
 */
#ifndef WEIR_TEST_RANDOM_H
#define WEIR_TEST_RANDOM_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <linux/types.h>

static __u64 random_state;

static inline void random_start(void)
{
	const char *seed = getenv("WEIR_TEST_SEED");

	if (seed)
		random_state = strtoull(seed, NULL, 0);
	else if (getrandom(&random_state, sizeof(random_state), 0) != sizeof(random_state))
		abort();
	printf("WEIR_TEST_SEED=%#llx\n", random_state);
}

/* splitmix64; Steele, Lea and Flood, OOPSLA '14. */
static inline __u64 random_u64(void)
{
	__u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline __u32 random_below(__u32 limit)
{
	return (__u32)((random_u64() >> 32) * limit >> 32);
}

#endif
