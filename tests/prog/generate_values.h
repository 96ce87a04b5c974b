/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few values that random rules and random frames both draw from, so that
 * they meet and miss each other by one.
 */
#ifndef WEIR_TEST_GENERATE_VALUES_H
#define WEIR_TEST_GENERATE_VALUES_H

#include <arpa/inet.h>

#include "generate.h"

enum family { V4, V6, MIXED };

struct address {
	enum family family;
	__u8 bytes[16]; /* the first 4 of them for V4 */
	char text[INET6_ADDRSTRLEN];
};

/* Of @family, which is V4 or V6. */
void random_address(struct address *a, enum family family);

/* Write @a->text anew. */
void address_write(struct address *a);

/* X(name, type, values...): a pool, and value_NAME() picks from it. */
#define GENERATE_POOLS(X)                                                                      \
	X(port, __u16, 0, 1, 22, 53, 80, 443, 1000, 1005, 1010, 32768, 65534, 65535)           \
	X(icmp_type, __u8, 0, 3, 8, 11, 128, 129, 135, 255)                                    \
	X(icmp_code, __u8, 0, 0, 1, 3, 4, 255)                                                 \
	X(ttl, __u8, 0, 1, 2, 61, 63, 64, 254, 255)                                            \
	X(dscp, __u8, 0, 0, 1, 8, 10, 46, 62, 63)                                              \
	X(length, __u16, 0, 1, 20, 28, 39, 40, 41, 48, 52, 60, 61, 64, 72, 80, 1500, 65535)    \
	X(ethertype, __u16, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x88cc, 0, 0x05dc, 0xffff) \
	X(vlan, __u16, 0, 1, 100, 100, 101, 102, 2048, 4094, 4095)                             \
	X(mac, __u64, 0x020000000001, 0x020000000002, 0x020000000003, 0x020000ffffff,          \
	  0x020001000000, 0x000000000001, 0xffffffffffff, 0x01005e000001, 0x7fffffffffff,      \
	  0x800000000000)

#define X(name, type, ...) type value_##name(void);
GENERATE_POOLS(X)
#undef X

#endif
