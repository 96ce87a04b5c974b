/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic on 128-bit intervals. IPv4 lies v4-mapped, as one block, among
 * the IPv6 addresses; an IPv6 interval never means that block.
 */
#ifndef WEIR_RANGES_H
#define WEIR_RANGES_H

#include <endian.h>

#include "model.h"

typedef unsigned __int128 u128;

#define V4_FIRST ((u128)0xffff00000000ULL)
#define V4_LAST ((u128)0xffffffffffffULL)

static inline u128 range_first(const range *r)
{
	return (u128)r->first_hi << 64 | r->first_lo;
}

static inline u128 range_last(const range *r)
{
	return (u128)r->last_hi << 64 | r->last_lo;
}

static inline void range_set(range *r, u128 first, u128 last)
{
	r->first_hi = (__u64)(first >> 64);
	r->first_lo = (__u64)first;
	r->last_hi = (__u64)(last >> 64);
	r->last_lo = (__u64)last;
}

/* Host-order number of 16 bytes in network order, and back. */
static inline u128 addr_number(const __u8 addr[16])
{
	__be64 words[2];

	__builtin_memcpy(words, addr, sizeof(words));
	return (u128)be64toh(words[0]) << 64 | be64toh(words[1]);
}

static inline void number_addr(u128 number, __u8 addr[16])
{
	for (int i = 15; i >= 0; i--, number >>= 8)
		addr[i] = (__u8)number;
}

/* Field by field; memcmp of an empty list may be handed NULL. */
static inline bool ranges_equal(const range *a, size_t a_count, const range *b, size_t b_count)
{
	return a_count == b_count && (!a_count || !__builtin_memcmp(a, b, a_count * sizeof(*a)));
}

/* Whether a VIP of @s is or holds @number, an address. */
bool service_has_address(const struct service *s, u128 number);

/* Whether one of @ranges has @number, which is of 64 bits. */
static inline bool ranges_hold(const range *ranges, size_t count, __u64 number)
{
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].first_lo <= number && number <= ranges[i].last_lo)
			return true;
	}
	return false;
}

/*
 * The IPv6 interval without the v4-mapped block: 0, 1 or 2 intervals in @out.
 */
size_t v6_to_ranges(u128 first, u128 last, range *out);

#endif
