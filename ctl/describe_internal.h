/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet's words say, between their parser and the frame's builder.
 */
#ifndef WEIR_DESCRIBE_INTERNAL_H
#define WEIR_DESCRIBE_INTERNAL_H

#include <stdbool.h>

#include "describe.h"

struct endpoint {
	bool is_set;
	bool has_port;
	__u8 addr[16]; /* network order, v4-mapped */
	__u16 port;
};

enum fragment_part {
	FRAGMENT_NONE,
	FRAGMENT_FIRST,
	FRAGMENT_LATER,
};

struct description {
	int proto; /* -1: none said */
	int ethertype; /* -1: as the addresses are */
	struct endpoint from, to;
	bool has_flags;
	__u8 flags;
	int type, code; /* of ICMP; -1: not said */
	int length; /* of the IP packet; -1: as short as can be */
	int ttl; /* -1: 64 */
	int dscp; /* -1: 0 */
	int vlan; /* -1: no tag */
	__u8 smac[6], dmac[6];
	enum fragment_part fragment;
};

int describe_parse(char *const *words, struct description *d, struct failure *why);
int describe_build(const struct description *d, struct frame *out, struct failure *why);

#endif
