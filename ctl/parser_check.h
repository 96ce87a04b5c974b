/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of build_check(). */
#ifndef WEIR_PARSER_CHECK_H
#define WEIR_PARSER_CHECK_H

#include <stddef.h>

#include "name_index.h"
#include "own.h"
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

/* Index the objects of an array; says so when there is no memory. */
#define CHECK_INDEX(b, array, count, out) \
	((b)->out_of_memory |= name_index_make((array), (count), sizeof(*(array)), (out)) < 0)

/* Refuse the second of a name; the object's struct loc is @loc_offset behind it. */
void check_twins(struct build *b, const char *what, const struct name_index *index,
		 size_t loc_offset);

#define CHECK_TWINS(b, what, array, count)                                         \
	do {                                                                       \
		OWN(name_index_free) struct name_index twins = { 0 };              \
                                                                                   \
		CHECK_INDEX(b, array, count, &twins);                              \
		check_twins(b, what, &twins, offsetof(__typeof__(*(array)), loc)); \
	} while (0)

/*
 * Refuse services that want the same packets, backends that cannot be had, and
 * settings that do not go together. Every backend that services name exists.
 */
void check_services(struct build *b);

/* Refuse expressions that libpcap does, or that do not fit. */
void check_exprs(struct build *b);

/* What is allowed but is hardly meant. */
void check_warn(struct build *b);
void check_warn_services(struct build *b);

#endif
