// SPDX-License-Identifier: GPL-2.0-or-later
#include "generate.h"

#include <string.h>

#include "../unit/random.h"
#include "generate_values.h"

void generate_start(void)
{
	random_start();
}

__u64 generate_u64(void)
{
	return random_u64();
}

__u32 generate_below(__u32 limit)
{
	return random_below(limit);
}

bool generate_one_in(__u32 n)
{
	return !random_below(n);
}

#define X(name, type, ...)                                    \
	type value_##name(void)                               \
	{                                                     \
		static const type values[] = { __VA_ARGS__ }; \
                                                              \
		return GENERATE_PICK(values);                 \
	}
GENERATE_POOLS(X)
#undef X

void address_write(struct address *a)
{
	inet_ntop(a->family == V4 ? AF_INET : AF_INET6, a->bytes, a->text, sizeof(a->text));
}

/* 10.0.0-1.0-7, or an edge, or anything. */
static void random_v4(struct address *a)
{
	static const char *const edges[] = { "0.0.0.0", "255.255.255.255", "127.255.255.255",
					     "128.0.0.0" };
	__u32 any = (__u32)random_u64();

	a->family = V4;
	if (generate_one_in(16)) {
		memcpy(a->bytes, &any, 4);
	} else if (generate_one_in(16)) {
		inet_pton(AF_INET, GENERATE_PICK(edges), a->bytes);
	} else {
		memcpy(a->bytes, (__u8[]){ 10, 0, any % 2, any >> 8 & 7 }, 4);
	}
	address_write(a);
}

/* 2001:db8:0:0-1::0-7, or an edge: around the v4-mapped block, and the ends. */
static void random_v6(struct address *a)
{
	static const char *const edges[] = { "::",
					     "::1",
					     "::fffe:ffff:ffff",
					     "::1:0:0:0",
					     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					     "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					     "8000::",
					     "2001:db8:0:0:ffff:ffff:ffff:ffff",
					     "2001:db8::8000:0:0:0" };
	__u64 any[2] = { random_u64(), random_u64() };

	a->family = V6;
	if (generate_one_in(16)) {
		memcpy(a->bytes, any, 16);
	} else if (generate_one_in(8)) {
		inet_pton(AF_INET6, GENERATE_PICK(edges), a->bytes);
	} else {
		inet_pton(AF_INET6, "2001:db8::", a->bytes);
		a->bytes[7] = any[0] % 2;
		a->bytes[15] = any[0] >> 8 & 7;
	}
	address_write(a);
}

void random_address(struct address *a, enum family family)
{
	memset(a, 0, sizeof(*a));
	if (family == V4)
		random_v4(a);
	else
		random_v6(a);
}
