/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule sets of any size that are hard for a classifier, as text.
 */
#ifndef WEIR_TEST_RULESET_H
#define WEIR_TEST_RULESET_H

#include "generate.h"

/*
 * X(symbol, name, most). The first six have the shapes of ClassBench (Taylor
 * and Turner, INFOCOM '05): access lists, firewalls, IP chains. @most is how
 * many rules a test should ask for.
 */
#define RULESETS(X)                                          \
	X(ACL4, access_lists_of_ipv4, 20000)                 \
	X(ACL6, access_lists_of_ipv6, 20000)                 \
	X(FW4, firewalls_of_ipv4, 20000)                     \
	X(FW6, firewalls_of_ipv6, 20000)                     \
	X(IPC4, chains_of_ipv4, 20000)                       \
	X(IPC6, chains_of_ipv6, 20000)                       \
	X(BOTH, mixtures_of_both_families, 20000)            \
	X(OVERLAPS, wide_prefixes_that_all_overlap, 5000)    \
	X(PORTS, port_ranges_of_any_address, 5000)           \
	X(IDENTICAL, copies_of_one_rule, 5000)               \
	X(NESTED4, nested_prefixes_from_0_to_32_bits, 5000)  \
	X(NESTED6, nested_prefixes_from_0_to_128_bits, 5000) \
	X(COUNTS, counting_rules_that_all_match, 1000)       \
	X(LISTS, long_lists_and_sets, 500)                   \
	X(NEGATED, negations, 2000)                          \
	X(EDGES, ends_of_the_address_space, 2000)            \
	X(ADJACENT, ranges_side_by_side, 20000)              \
	X(EXACT, exact_addresses_and_ports, 20000)           \
	X(TYPES, icmp_types_alone, 1000)                     \
	X(VLANS, vlans_alone, 1000)                          \
	X(LENGTHS, lengths_alone, 1000)                      \
	X(MACS, macs_alone, 5000)                            \
	X(LINK, macs_vlans_lengths_and_icmp_types, 5000)     \
	X(FIELDS, conditions_on_every_field, 5000)

enum ruleset {
#define X(sym, name, most) RULESET_##sym,
	RULESETS(X)
#undef X
		RULESET_KINDS
};

/* Text with one filter "f" of @rules rules over the device GENERATE_DEVICE; freed by the caller. */
char *ruleset_text(enum ruleset kind, __u32 rules);

#endif
