/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a configuration says, after defines are expanded. It prints back:
 * parsing what model_print() wrote gives an equal model.
 */
#ifndef WEIR_MODEL_H
#define WEIR_MODEL_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "diag.h"
#include "set_element.h"
#include "weir/balance.h"
#include "weir/filter.h"

/* Names: a letter or _, then letters, digits, "_", "-", ".", at most 63 bytes. */
#define NAME_BYTES 64

#define WEIGHT_MAX 256

enum xdp_mode {
	XDP_MODE_NONE, /* the interface has no XDP program */
	XDP_MODE_AUTO, /* native where the driver can, generic otherwise; says which */
	XDP_MODE_NATIVE,
	XDP_MODE_GENERIC,
};

enum tc_mode {
	TC_MODE_NONE, /* not written; measure attaches tc all the same, as auto */
	TC_MODE_AUTO, /* tcx where the kernel has it, clsact otherwise; says which */
	TC_MODE_TCX,
	TC_MODE_CLSACT,
};

/*
 * 16 bytes in network order, v4-mapped; @length counts from the first bit, so
 * 10.0.0.0/8 has 104. Bits past @length are 0.
 */
struct prefix {
	__u8 addr[16];
	__u8 length;
};

/*
 * An interval of numbers in host order, both ends in it. Addresses use all 128
 * bits (v4-mapped), everything else only the low 16 of @first_lo and @last_lo.
 */
typedef struct weir_range128 range;

/* What the values of a field are; include/weir/filter.h says which has what. */
enum field_type { FIELD_ADDR, FIELD_NUMBER, FIELD_FLAG, FIELD_NAME };
extern const enum field_type field_type[WEIR_FIELD_COUNT];

/* A place in the configuration, packed: a filter may have 100,000 rules. */
struct spot {
	__u32 line; /* 0: from JSON, the column names a path */
	__u32 column : 24;
	__u32 width : 8;
};

/*
 * A condition: the packet's field lies in one of @ranges or of @sets. A field
 * that is a flag has the range 1-1; one that is a name has struct rule's list.
 */
struct match {
	range *ranges; /* sorted, disjoint, not adjacent: the canonical form */
	char **sets; /* names, in the order written */
	__u32 ranges_count;
	__u16 sets_count;
	bool present;
	bool negated;
	struct spot at;
};
_Static_assert(sizeof(struct match) == 32, "every rule has one per field");

struct tcp_flags_match {
	bool present;
	bool negated;
	__u8 value; /* subset of mask */
	__u8 mask;
	struct spot at;
};

/* The pcap-filter(7) expression of a rule. */
struct expr_match {
	char *text; /* NULL: the rule has none */
	bool negated;
	struct loc loc; /* of the text, inside the quotes; line 0 from JSON */
};

#define EXPR_BYTES_MAX 4096

#define LIMIT_RATE_MAX 1000000000
#define LIMIT_BURST_MAX (1U << 24)

/* @rate packets in @per_s seconds, @burst at once; of the rule, or of each source. */
struct limit {
	__u32 rate; /* 1 to LIMIT_RATE_MAX */
	__u32 burst; /* 1 to LIMIT_BURST_MAX */
	__u16 per_s; /* 1, 60, 3600; 0: the rule is no limit */
	bool per_saddr;
	__u8 v4_bits; /* 1 to 32 of a source's address; 0 without @per_saddr */
	__u8 v6_bits; /* 1 to 128 */
};

struct rule {
	char name[NAME_BYTES];
	enum weir_action action;
	struct tcp_flags_match tcp_flags;
	struct limit limit; /* of WEIR_ACTION_LIMIT, or 0 */
	__u32 log_sample; /* of WEIR_ACTION_LOG: one in so many, 1 for all; or 0 */
	__u32 mark; /* of WEIR_ACTION_MARK, or 0 */
	struct match match[WEIR_FIELD_COUNT];
	char **interfaces; /* names and globs of match[WEIR_FIELD_IFACE], as written */
	size_t interfaces_count;
	struct expr_match expr;
	struct loc loc;
};

struct filter {
	char name[NAME_BYTES];
	enum weir_action default_action; /* PASS, DROP or REJECT */
	struct rule *rules;
	size_t rules_count;
	struct loc loc;
};

enum set_type {
	SET_PREFIX, /* addresses and prefixes of both families */
	SET_PORT,
	SET_ADDRESS, /* single addresses */
	SET_ADDRESS_PORT, /* pairs of an address and a port */
	SET_INTERFACE, /* names of devices */
	SET_TYPE_KINDS
};

struct set {
	char name[NAME_BYTES];
	enum set_type type;
	char *file; /* where the elements were read from, or NULL: written inline */
	range *elements; /* ports; of prefixes and addresses what they cover. Canonical */
	size_t elements_count;
	/*
	 * All types but ports: sorted, each once. A stored configuration has none
	 * of those that came from a file: they lie in the set's own memory.
	 */
	struct set_elements entries;
	bool is_elsewhere; /* it is such a set */
	__u32 timeout_s; /* of elements added live that do not say; 0: none */
	struct loc loc;
};

struct vip_port {
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	__u16 port; /* host order, not 0 */
};

struct backend {
	char name[NAME_BYTES];
	__u8 addr[16]; /* network order, v4-mapped */
	__u16 weight; /* 1-256 */
	bool drain; /* gets nothing, keeps its weight for later */
	struct loc loc;
};

struct service {
	char name[NAME_BYTES];
	__u8 (*addrs)[16]; /* VIPs, network order, v4-mapped */
	size_t addrs_count;
	struct vip_port *ports;
	size_t ports_count;
	enum weir_forward forward;
	struct backend *backends;
	size_t backends_count;
	struct loc loc;
};

struct interface {
	char pattern[IFNAMSIZ]; /* a name, or with "*" and "?" a glob */
	enum xdp_mode xdp;
	enum tc_mode tc;
	char filter[NAME_BYTES]; /* of what comes in; "" when it has none */
	char filter_egress[NAME_BYTES]; /* of what leaves, at tc egress; or "" */
	bool balance;
	bool decap;
	bool measure;
	struct loc loc;
};

/* Arrays are in the order of the configuration. */
struct model {
	struct interface *interfaces;
	size_t interfaces_count;
	struct set *sets;
	size_t sets_count;
	struct filter *filters;
	size_t filters_count;
	struct service *services;
	size_t services_count;
	char *source; /* text that says all of this, as its user wrote it; NULL: none is kept */
	size_t source_bytes;
};

/* Release everything the model owns and make it empty. */
void model_free(struct model *m);

/* Fill the ranges of a set of prefixes or addresses from its entries. Returns 0 or -ENOMEM. */
int set_cover(struct set *s);

const struct set *model_set(const struct model *m, const char *name);

/* True when both say the same; places in files do not count. */
bool model_equal(const struct model *a, const struct model *b);
bool rule_equal(const struct rule *a, const struct rule *b);

/*
 * Put @ranges in canonical form in place: sorted, overlapping and adjacent
 * ones joined. Returns the new count.
 */
size_t ranges_normalise(range *ranges, size_t count);

/* Host-order interval of all addresses of @p; a v6 prefix that covers the
 * v4-mapped block still means IPv6 only, and becomes two intervals: @out has
 * room for 2. Returns how many were written. */
size_t prefix_to_ranges(const struct prefix *p, range *out);

/* Where the text of a stored configuration comes from. */
enum model_files {
	MODEL_FILES_READ, /* a set's "file" is opened and read */
	MODEL_FILES_STORED, /* it has its elements beside it and is not opened */
};

/*
 * Parse @size bytes of configuration text.
 *
 * @file   name for messages; must outlive @out
 * @out    the model; untouched when a message of level error was added
 *
 * Returns 0, -EINVAL when @d has errors, or -ENOMEM. Never prints.
 */
int model_parse(const char *file, const char *text, size_t size, enum model_files files,
		struct diags *d, struct model *out);

/* The same from the JSON twin that model_print_json() writes. */
int model_parse_json(const char *file, const char *text, size_t size, struct diags *d,
		     struct model *out);

enum model_print {
	MODEL_PRINT_USER, /* as a user would write it: a file's set names the file */
	MODEL_PRINT_STORED, /* as the image has it: a file's ports beside the file */
	MODEL_PRINT_WHOLE, /* and all other elements that the model has */
};

/* Canonical text: interfaces, sets, filters, services; one blank line between. */
void model_print(const struct model *m, enum model_print how, FILE *out);
void model_print_json(const struct model *m, FILE *out);

/* An address as a person writes it; @buf has INET6_ADDRSTRLEN bytes or more. */
const char *addr_text(const __u8 addr[16], char *buf, size_t size);
bool addr_is_v4(const __u8 addr[16]);

#endif
