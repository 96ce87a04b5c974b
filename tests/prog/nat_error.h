/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors that quote a packet.
 */
#ifndef WEIR_TEST_NAT_ERROR_H
#define WEIR_TEST_NAT_ERROR_H

#include "packet.h"

/* An error about @about. Numbers in host order. */
struct nat_error {
	const char *src, *dst;
	int ttl; /* as struct packet's */
	__u8 type, code;
	__u32 rest; /* the MTU, or 0 */
	const struct packet *about;
	size_t quoted; /* bytes of it, from its IP header on; 0: all */
	__u16 padding; /* bytes behind the IP packet */
};

/* Build it, with the checksum over everything. Returns how many bytes it quotes. */
size_t nat_error_build(const struct nat_error *e, struct frame *f);

#endif
