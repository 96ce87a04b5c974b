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

/* Bytes of a host name, RFC 1035, and its NUL. */
#define HOST_BYTES 254

#define SETTLE_DEFAULT_S 3600
#define SETTLE_MAX_S (30 * 24 * 3600)
#define UDP_IDLE_MAX_S 65535
#define MSS_LEAST 536 /* RFC 9293: what every host takes */
#define MSS_MOST 65495

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

/* @rate packets, or connections, in @per_s seconds, @burst at once; of all, or of each source. */
struct limit {
	__u32 rate; /* 1 to LIMIT_RATE_MAX */
	__u32 burst; /* 1 to LIMIT_BURST_MAX */
	__u16 per_s; /* 1, 60, 3600; 0: there is no limit */
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
	bool has_configured; /* @entries come from memory, and may have begun to expire */
	__u64 configured[2]; /* then: digest of what the configuration gave it */
	__u32 timeout_s; /* of elements added live that do not say; 0: none */
	struct loc loc;
};

/*
 * Ports of a protocol that a service answers for, in host order, both ends in
 * the range. "tcp any" is 0-65535, and so is "any", whose protocol is 0: every
 * protocol, those without ports and later fragments among them.
 */
struct vip_port {
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP, or 0 */
	__u16 first;
	__u16 last;
	struct spot at;
};

struct backend {
	char name[NAME_BYTES];
	/*
	 * Network order, v4-mapped. All bytes are 0 while @host has not been
	 * resolved, which apply and plan do; what they plan with has none such.
	 */
	__u8 addr[16];
	char *host; /* DNS name that @addr comes from; NULL: the address is written */
	__u16 port; /* host order; 0: that of the packet stays. Only with nat and local */
	__u16 weight; /* 0-256; 0 gets no new flow */
	__u16 quic_id; /* the server ID in its connection IDs, if @has_quic_id */
	bool has_quic_id;
	bool drain; /* gets no new flow, keeps its weight for later */
	struct loc loc;
};

/* Backends that services share. */
struct pool {
	char name[NAME_BYTES];
	struct backend *backends;
	size_t backends_count;
	struct loc loc;
};

enum mss_mode {
	MSS_OFF, /* not written */
	MSS_AUTO, /* what fits through the encapsulation */
	MSS_FIXED,
};

enum syncookie_mode {
	SYNCOOKIE_OFF, /* not written */
	SYNCOOKIE_ABOVE, /* while more SYNs come than that */
	SYNCOOKIE_ALWAYS,
};

/* Statements of a service; parser_build.h's enum service_word. */
#define SERVICE_STATEMENTS 15

struct service {
	char name[NAME_BYTES];
	struct prefix *addrs; /* VIPs; one address has length 128. None has length 0 */
	size_t addrs_count;
	struct vip_port *ports; /* as written; those of one service do not overlap */
	size_t ports_count;
	enum weir_forward forward;
	bool gue_checksum; /* of gue: the outer UDP header has its checksum */
	/*
	 * Network order, v4-mapped. Of ipip and gue: the outer source, at most one
	 * of each family. Of nat: what clients are translated to. None: the route's.
	 */
	__u8 (*sources)[16];
	size_t sources_count;
	enum weir_hash hash; /* TUPLE unless written */
	__u8 hash_v4_bits; /* of SOURCE: 1-32 of the address, else 0 */
	__u8 hash_v6_bits; /* 1-128, else 0 */
	enum weir_track track; /* MOVED unless written */
	enum weir_udp udp; /* RING unless written */
	__u32 udp_idle_s; /* of UDP_TRACK: 1 to UDP_IDLE_MAX_S, else 0 */
	__u32 settle_s; /* 1 to SETTLE_MAX_S, SETTLE_DEFAULT_S unless written */
	enum mss_mode mss_mode;
	__u16 mss; /* of MSS_FIXED, bytes, MSS_LEAST to MSS_MOST; else 0 */
	struct match allow; /* sources that may come in; !present: all may. Never negated */
	struct limit limit; /* new connections of the service; per_s 0: no limit */
	struct limit limit_source; /* and of each source, then per_saddr; per_s 0: no limit */
	enum syncookie_mode syncookie;
	__u32 syncookie_above; /* of SYNCOOKIE_ABOVE: SYNs per second, else 0 */
	enum weir_empty empty; /* DROP unless written */
	struct spot at[SERVICE_STATEMENTS]; /* of each statement; column 0: it is not written */
	char pool[NAME_BYTES]; /* whose backends it has; "": its own */
	__u32 pool_index; /* of @pool in the model; 0 without one */
	struct backend *backends; /* its own; none beside a pool */
	size_t backends_count;
	struct loc loc;
};

/* What an interface may measure, each by itself. X(symbol, keyword) */
#define MEASURES(X)     \
	X(RTT, "rtt")   \
	X(PATH, "path") \
	X(LOSS, "loss")

enum measure {
#define X(sym, keyword) MEASURE_##sym,
	MEASURES(X)
#undef X
		MEASURE_KINDS
};

/* "measure path" looks at one packet in so many, a power of two. */
#define PATH_SAMPLE_DEFAULT 16
#define PATH_SAMPLE_MAX 65536

struct interface {
	char pattern[IFNAMSIZ]; /* a name, or with "*" and "?" a glob */
	enum xdp_mode xdp;
	enum tc_mode tc;
	char filter[NAME_BYTES]; /* of what comes in; "" when it has none */
	char filter_egress[NAME_BYTES]; /* of what leaves, at tc egress; or "" */
	bool balance;
	bool decap;
	__u32 measure; /* 1 << MEASURE_* */
	__u32 path_sample; /* of MEASURE_PATH: 1 to PATH_SAMPLE_MAX; else 0 */
	bool takes_returns; /* "return": answers of local backends come in here, at tc ingress */
	struct loc loc;
};

#define LATENCY_FLOWS_DEFAULT 65536
#define LATENCY_FLOWS_MIN 1024
#define LATENCY_FLOWS_MAX (1U << 22)
#define LATENCY_PREFIXES_DEFAULT 1024
#define LATENCY_PREFIXES_MIN 64
#define LATENCY_PREFIXES_MAX 65536

/* Sizes of what measures, for all interfaces; powers of two. */
struct latency_sizes {
	__u32 flows; /* timed at once, LATENCY_FLOWS_MIN to _MAX; 0: not written, the default */
	__u32 prefixes; /* with histograms of their own; 0: not written */
	__u8 v4_bits; /* 1-32 of a client's address; 0: none by prefix */
	__u8 v6_bits; /* 1-128; 0 where @v4_bits is */
	struct loc loc; /* of the block; column 0: there is none */
};

/* Arrays are in the order of the configuration. */
struct model {
	struct interface *interfaces;
	size_t interfaces_count;
	struct set *sets;
	size_t sets_count;
	struct filter *filters;
	size_t filters_count;
	struct pool *pools;
	size_t pools_count;
	struct service *services;
	size_t services_count;
	struct latency_sizes latency;
	char *source; /* text that says all of this, as its user wrote it; NULL: none is kept */
	size_t source_bytes;
	bool source_is_stored; /* it comes from an image or the history, and needs nothing beside it */
};

/* Release everything the model owns and make it empty. */
void model_free(struct model *m);

/* Fill the ranges of a set of prefixes or addresses from its entries. Returns 0 or -ENOMEM. */
int set_cover(struct set *s);

/* How many flows are timed at once, and prefixes of clients; defaults filled in. */
__u32 latency_flows(const struct model *m);
__u32 latency_prefixes(const struct model *m); /* 0: none */

const struct set *model_set(const struct model *m, const char *name);

/* The backends of @s, its own or its pool's; borrowed. */
const struct backend *service_backends(const struct model *m, const struct service *s,
				       size_t *count);

/*
 * Every list of backends once: those of the pools, then those of the services,
 * each in the order of the model. A service with a pool has an empty one.
 */
struct backend_group {
	const char *name; /* of the pool or service; borrowed, as @backends is */
	bool is_pool;
	struct backend *backends;
	size_t backends_count;
};
size_t model_groups_count(const struct model *m);
struct backend_group model_group(const struct model *m, size_t index);

/* The index of the group that the service @index of @m sends to: its pool's, or its own. */
size_t service_group(const struct model *m, size_t index);

/* Whether the backend's address is known: it is written, or its name was resolved. */
bool backend_has_addr(const struct backend *b);

/* True when both say the same; places in files do not count. */
bool model_equal(const struct model *a, const struct model *b);
bool rule_equal(const struct rule *a, const struct rule *b);
bool limit_equal(const struct limit *a, const struct limit *b);
bool backend_equal(const struct backend *a, const struct backend *b);
bool pool_equal(const struct pool *a, const struct pool *b);
bool service_equal(const struct service *a, const struct service *b);

/*
 * Put @ranges in canonical form in place: sorted, overlapping and adjacent
 * ones joined. Returns the new count.
 */
size_t ranges_normalise(range *ranges, size_t count);

/* Host-order interval of all addresses of @p; a v6 prefix that covers the
 * v4-mapped block still means IPv6 only, and becomes two intervals: @out has
 * room for 2. Returns how many were written. */
size_t prefix_to_ranges(const struct prefix *p, range *out);

/*
 * The checks that need the addresses of backends, once hosts are resolved:
 * errors are added to @d. What the configuration says is not asked again.
 * Returns 0, or -ENOMEM.
 */
int model_check_addresses(const struct model *m, struct diags *d);

/* Where the text of a stored configuration comes from. */
enum model_files {
	MODEL_FILES_READ, /* a set's "file" is opened and read; a host has no address yet */
	MODEL_FILES_STORED, /* it has its elements beside it and is not opened; a host its address */
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
	MODEL_PRINT_STORED, /* as the image has it: a file's ports beside the file, a host's address */
};

/* Canonical text: latency, interfaces, sets, filters, pools, services; one blank line between. */
void model_print(const struct model *m, enum model_print how, FILE *out);
void model_print_json(const struct model *m, FILE *out);

/* An address as a person writes it; @buf has INET6_ADDRSTRLEN bytes or more. */
const char *addr_text(const __u8 addr[16], char *buf, size_t size);
bool addr_is_v4(const __u8 addr[16]);

#endif
