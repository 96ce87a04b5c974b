/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a model out of words. The text parser and the JSON importer both
 * come through here, so that both accept and refuse the same.
 *
 * Functions report what is wrong and go on; only the first error of a
 * statement is kept. Pointers into the model are good until the next object
 * of their kind is added.
 */
#ifndef WEIR_PARSER_BUILD_H
#define WEIR_PARSER_BUILD_H

#include "model.h"
#include "parser_value.h"

enum word_kind {
	WORD_PLAIN,
	WORD_STRING, /* was in quotes */
	WORD_SET, /* was @NAME; the text is NAME */
};

struct word {
	const char *text; /* not terminated; outlives the build */
	size_t size;
	enum word_kind kind;
	struct loc loc; /* for messages; where $x is used, not where it is defined */
	const char *define; /* name of the define it came from, of @define_size, or NULL */
	size_t define_size;
	unsigned int define_line;
};

/* printf("... " WORD_FMT, WORD_ARGS(w)) */
#define WORD_SHOWN 60
#define WORD_FMT "\"%s%.*s%s\""
#define WORD_ARGS(w)                                                                              \
	(w)->kind == WORD_SET ? "@" : "", (int)((w)->size < WORD_SHOWN ? (w)->size : WORD_SHOWN), \
		(w)->text, (w)->size < WORD_SHOWN ? "" : "..."

/* The words that may stand somewhere. X-macros of include/weir make some. */
struct vocabulary {
	const char *what; /* "action" */
	const char *plural; /* "actions" */
	const char *const *words; /* NULL-terminated */
	const char *const *later; /* known, but of a later version; NULL-terminated */
	const char *where; /* " in interface", or "" */
	const char *own; /* the one of them that weir alone writes; or NULL */
};

extern const struct vocabulary words_top, words_interface, words_set, words_filter, words_pool,
	words_service, words_measure, words_latency;
extern const struct vocabulary words_match, words_action, words_limit, words_default, words_xdp,
	words_tc, words_set_type;
extern const struct vocabulary words_forward, words_track, words_udp, words_syncookie, words_empty,
	words_port_proto, words_backend;

/* Order of the words in the vocabularies of statements. */
enum top_word {
	TOP_DEFINE,
	TOP_INTERFACE,
	TOP_SET,
	TOP_FILTER,
	TOP_POOL,
	TOP_SERVICE,
	TOP_LATENCY,
};
enum interface_word { IF_XDP, IF_TC, IF_FILTER, IF_BALANCE, IF_DECAP, IF_MEASURE, IF_RETURN };
enum latency_word { LATENCY_FLOWS, LATENCY_PREFIX, LATENCY_PREFIXES };
enum set_word { SET_WORD_TYPE, SET_WORD_FILE, SET_WORD_ELEMENTS, SET_WORD_TIMEOUT };
enum filter_word { FILTER_DEFAULT, FILTER_RULE };
enum pool_word { POOL_BACKEND };
enum service_word {
	SERVICE_ADDRESS,
	SERVICE_PORT,
	SERVICE_FORWARD,
	SERVICE_SOURCE,
	SERVICE_HASH,
	SERVICE_TRACK,
	SERVICE_UDP,
	SERVICE_SETTLE,
	SERVICE_MSS,
	SERVICE_ALLOW,
	SERVICE_LIMIT,
	SERVICE_SYNCOOKIE,
	SERVICE_EMPTY,
	SERVICE_BACKEND,
	SERVICE_BACKENDS,
	SERVICE_WORDS
};
_Static_assert(SERVICE_WORDS == SERVICE_STATEMENTS, "struct service has a place for each");
enum limit_word { LIMIT_BURST, LIMIT_PER };
enum backend_word { BACKEND_WEIGHT, BACKEND_DRAIN, BACKEND_QUIC_ID, BACKEND_RESOLVED };
enum port_proto_word { PORT_TCP, PORT_UDP, PORT_ANY };
/* Fields come first, as enum weir_field. */
enum match_word {
	MATCH_FLAGS = WEIR_FIELD_COUNT,
	MATCH_EXPR,
	MATCH_NOT,
	MATCH_TCP,
	MATCH_UDP,
	MATCH_ICMP,
	MATCH_ICMPV6,
};

/* A name that must exist once everything is read. */
enum ref_kind {
	REF_FILTER,
	REF_SET_ADDR, /* a prefix, address or address+port set */
	REF_SET_PORT,
	REF_SET_INTERFACE,
	REF_SET_ALLOW, /* a prefix or address set */
	REF_POOL,
};

struct ref {
	enum ref_kind kind;
	const char *text;
	size_t size;
	struct loc loc;
};

struct build {
	const char *file;
	const char *text;
	size_t size;
	enum model_files files;
	struct diags *diags;
	struct model model;
	struct ref *refs;
	size_t refs_count;
	char **paths; /* JSON: where loc.line is 0, loc.column - 1 is an index */
	size_t paths_count;
	void *roomy; /* an array that has room for so many bytes already */
	size_t roomy_bytes;
	size_t values; /* of all lists, against VALUES_MAX */
	bool failed; /* this statement has had its error */
	bool names_lost; /* a block without a name was refused: do not miss names */
	bool out_of_memory;
};

/* What a configuration may hold, defines expanded; the image's limit is lower. */
#define VALUES_MAX (4U << 20)
#define SET_ELEMENTS_MAX (1U << 20)
#define VIPS_MAX (1U << 18)

/*
 * Check the whole, move the model to @out, free the rest. Returns 0, -EINVAL
 * or -ENOMEM, then @out is untouched.
 */
int build_finish(struct build *b, struct model *out);

/* The checks that need the whole model; warnings only when there is no error. */
void build_check(struct build *b);

/* Add an error unless this statement has one. @hint may be NULL. */
void build_error(struct build *b, struct loc at, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void build_warn(struct build *b, struct loc at, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* An error about a word; says which define it came from. */
void build_problem(struct build *b, const struct word *w, const struct problem *why);

/* A place as a rule keeps it, and back. */
struct spot build_spot(struct loc at);
struct loc build_loc(const struct build *b, struct spot at);

/* "line 12", or a JSON path. */
const char *build_place(const struct build *b, const struct loc *at, char *buf, size_t size);

/* Room for one more element behind @count of them; reports lack of memory. */
bool build_reserve(struct build *b, void **array, size_t count, size_t element_bytes);

#define RESERVE(b, array, count) build_reserve((b), (void **)&(array), (count), sizeof(*(array)))

bool word_is(const struct word *w, const char *text);

/* Terminated copy; a longer word, which is no value, is cut. */
#define WORD_TEXT_BYTES 160
void word_text(const struct word *w, char *buf, size_t size);
char *build_copy(struct build *b, const struct word *w);

/* A number out of a word; false and an error when it is none. */
bool build_number(struct build *b, const struct word *w, const char *what, unsigned int least,
		  unsigned int most, unsigned int *out);

/* Count a value against VALUES_MAX. */
bool build_count_value(struct build *b, const struct word *w);

/* Ranges of @w at the end of an array. */
void build_ranges(struct build *b, range **ranges, size_t *count, enum value_kind kind,
		  const struct word *w);

/* Remember that @w must be the name of something. */
bool build_ref(struct build *b, enum ref_kind kind, const struct word *w);

/* Index of @w in the vocabulary, or -1 and an error. */
int build_keyword(struct build *b, const struct word *w, const struct vocabulary *v);
int vocabulary_find(const struct vocabulary *v, const struct word *w);

/* Copy a name that follows the rules for names. @what: "filter". */
bool build_name(struct build *b, const struct word *w, const char *what, char name[NAME_BYTES]);

struct interface *build_interface(struct build *b, const struct word *pattern);
/* The filter of what comes in, and of what leaves. */
void build_interface_filter(struct build *b, struct interface *i, const struct word *name);
void build_interface_egress(struct build *b, struct interface *i, const struct word *name);
/* False and an error for what no interface is called; "*" and "?" may be in it. */
bool build_interface_name(struct build *b, const struct word *w);
/* "rtt", "path" or "loss"; @sample: the "1/64" behind "path", or NULL. */
void build_interface_measure(struct build *b, struct interface *i, const struct word *w,
			     const struct word *sample);
/* The same as a number; what is wrong with it lies @at. */
void build_path_sample(struct build *b, struct interface *i, struct loc at, __s64 of);
void build_interface_end(struct build *b, struct interface *i);

/* The block "latency": false and an error when there is one already. */
bool build_latency(struct build *b, struct loc at);
void build_latency_flows(struct build *b, const struct word *w);
void build_latency_prefix(struct build *b, const struct word *v4, const struct word *v6);
void build_latency_prefixes(struct build *b, const struct word *w);
void build_latency_end(struct build *b);

/* A set's type until its statement is read. */
#define SET_TYPE_UNSET SET_TYPE_KINDS
/* Its statement was refused: do not judge the elements. */
#define SET_TYPE_REFUSED ((enum set_type)(SET_TYPE_KINDS + 1))
struct set *build_set(struct build *b, const struct word *name);
void build_set_file(struct build *b, struct set *s, const struct word *path);
void build_set_timeout(struct build *b, struct set *s, const struct word *w);
void build_set_element(struct build *b, struct set *s, const struct word *w);
/* @written: 1 << SET_WORD_* of the statements that there were. Reads the set's file. */
void build_set_end(struct build *b, struct set *s, unsigned int written);

/* Read @s->file, relative to the configuration's folder; @s->loc is blamed. */
void build_read_set_file(struct build *b, struct set *s);

struct filter *build_filter(struct build *b, const struct word *name);
/* Room for about @count rules of @f, which has none yet; a guess, and no limit. */
void build_expect_rules(struct build *b, struct filter *f, size_t count);
struct rule *build_rule(struct build *b, struct filter *f, const struct word *name,
			const struct word *action);
/* The rule's condition on @field, to be filled; NULL and an error when it has one. */
struct match *build_match(struct build *b, struct rule *r, enum weir_field field, struct loc at);
void build_match_value(struct build *b, struct rule *r, enum weir_field field,
		       const struct word *w);
struct tcp_flags_match *build_flags(struct build *b, struct rule *r, const struct word *w,
				    struct loc at);
/* A number that compares so with the one @w. */
void build_match_compared(struct build *b, struct rule *r, enum weir_field field, enum compare how,
			  const struct word *w);
/* A match without values: "fragment". */
struct match *build_match_flag(struct build *b, struct rule *r, enum weir_field field,
			       struct loc at);
struct expr_match *build_expr(struct build *b, struct rule *r, const struct word *w, struct loc at);

/* What stands behind an action, @r's being the one that wants it; a service has limits, too. */
void build_limit_rate(struct build *b, struct limit *l, const struct word *w);
void build_limit_burst(struct build *b, struct limit *l, const struct word *w);
void build_limit_per(struct build *b, struct limit *l, const struct word *w);
void build_log_sample(struct build *b, struct rule *r, const struct word *w);
void build_mark(struct build *b, struct rule *r, const struct word *w);

/* False when the rule's protocols all have no ports. */
bool rule_may_have_ports(const struct rule *r);

/* The default that the word at @index of words_default means. */
enum weir_action build_default(int index);

void build_rule_end(struct build *b, struct rule *r);

struct pool *build_pool(struct build *b, const struct word *name);

/* The list that backends are added to: a pool's, or a service's own. */
struct backend_list {
	struct backend **list;
	size_t *count;
};
/* False, with the error, where what stands in its place is an address. */
bool build_backend_has_name(struct build *b, const struct word *name);
/* The error of a port that stands behind an address with the word "port" at @at; @port may be NULL. */
void build_backend_port(struct build *b, const struct word *at, const struct word *address,
			const struct word *port);
/* @address: an address, "10.0.0.1:8443", "[2001:db8::1]:8443", a host's name, "name:8443". */
struct backend *build_backend(struct build *b, const struct backend_list *to,
			      const struct word *name, const struct word *address);
void build_backend_weight(struct build *b, struct backend *backend, const struct word *w);
void build_backend_quic_id(struct build *b, struct backend *backend, const struct word *w);
/* What the name of a backend was resolved to, in a stored configuration. */
void build_backend_resolved(struct build *b, struct backend *backend, const struct word *w);
/* After its properties: a stored one has what its name was resolved to. */
void build_backend_end(struct build *b, const struct backend *backend);

struct service *build_service(struct build *b, const struct word *name);
void build_service_address(struct build *b, struct service *s, const struct word *w);
/* @port is NULL for "any", every protocol. */
void build_service_port(struct build *b, struct service *s, const struct word *proto,
			const struct word *port);
/* @checksum: the word behind "gue", or NULL. */
void build_service_forward(struct build *b, struct service *s, const struct word *w,
			   const struct word *checksum);
void build_service_source(struct build *b, struct service *s, const struct word *w);
void build_service_hash(struct build *b, struct service *s, const struct word *w);
void build_service_track(struct build *b, struct service *s, const struct word *w);
/* @idle: the time behind "track"; NULL: there is none. */
void build_service_udp(struct build *b, struct service *s, const struct word *w,
		       const struct word *idle);
void build_service_settle(struct build *b, struct service *s, const struct word *w);
void build_service_mss(struct build *b, struct service *s, const struct word *w);
/* A statement stands @at: what is in it may be blamed on it. */
void build_service_statement(struct service *s, enum service_word word, struct loc at);
void build_service_allow(struct build *b, struct service *s, const struct word *w);
/* @at: the statement; one for the service and one for each source. */
void build_service_limit(struct build *b, struct service *s, const struct limit *limit,
			 struct loc at);
/* @rate: the rate behind "above"; NULL: there is none. */
void build_service_syncookie(struct build *b, struct service *s, const struct word *w,
			     const struct word *rate);
void build_service_empty(struct build *b, struct service *s, const struct word *w);
void build_service_pool(struct build *b, struct service *s, const struct word *w);
void build_service_end(struct build *b, struct service *s);

#endif
