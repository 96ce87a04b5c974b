/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of build_check(). */
#ifndef WEIR_PARSER_CHECK_H
#define WEIR_PARSER_CHECK_H

#include "name_index.h"
#include "parser_build.h"

#define FAMILY_V4 1U
#define FAMILY_V6 2U
#define FAMILY_BOTH (FAMILY_V4 | FAMILY_V6)

/* Families of IP that addresses, a rule's ethertype and its protocol are of; 0 for none. */
unsigned int ranges_families(const range *ranges, size_t count);
unsigned int ethertype_families(const struct rule *r);
unsigned int protocol_families(const struct rule *r);

/*
 * Refuse rules that want what no packet has: an IPv4 source and an IPv6
 * destination, ports in ARP, a set with ports and a protocol without.
 */
void check_families(struct build *b, const struct name_index *sets);

/* What is allowed but is hardly meant. */
void check_warn(struct build *b);

#endif
