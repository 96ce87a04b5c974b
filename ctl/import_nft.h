/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft's language, as far as filters need it: tokens, the structure of tables,
 * and the rules of chains.
 */
#ifndef WEIR_IMPORT_NFT_H
#define WEIR_IMPORT_NFT_H

#include "import_rule.h"

enum nft_kind {
	NFT_END, /* of the file, or of the rule */
	NFT_NEWLINE, /* or ";" */
	NFT_WORD,
	NFT_STRING,
	NFT_SIGN, /* one of { } ( ) , : | & = ! < > / == != <= >= << >> */
};

struct nft_token {
	enum nft_kind kind;
	const char *text; /* without quotes */
	const char *at, *end; /* in the file; of the $define that it came from */
	unsigned int line;
};

/* Tokens of a file, defines replaced. -1 and im->why when they are too many. */
int nft_tokens(struct importer *im, struct nft_token **out, size_t *count);

/* A sequence of tokens that is being read; NFT_END again and again at its end. */
struct nft_cursor {
	const struct nft_token *at, *end;
};

const struct nft_token *nft_peek(const struct nft_cursor *c);
const struct nft_token *nft_next(struct nft_cursor *c);
bool nft_is(const struct nft_token *t, const char *text); /* a word or a sign */
bool nft_take(struct nft_cursor *c, const char *text); /* it, if it is there */
void nft_skip_newlines(struct nft_cursor *c);

/* What stands between "{" and its "}", both taken; false when there is no such. */
bool nft_take_braces(struct nft_cursor *c, struct nft_cursor *inside);

/* What a value is; the type of a set's elements and of what is compared with them. */
enum nft_type {
	NFT_TYPE_NONE,
	NFT_TYPE_ADDR4,
	NFT_TYPE_ADDR6,
	NFT_TYPE_PORT,
	NFT_TYPE_PROTO,
	NFT_TYPE_ICMP,
	NFT_TYPE_ICMP6,
	NFT_TYPE_CODE,
	NFT_TYPE_CODE6,
	NFT_TYPE_NUMBER,
	NFT_TYPE_DSCP,
	NFT_TYPE_ETHERTYPE,
	NFT_TYPE_MAC,
	NFT_TYPE_FAMILY,
	NFT_TYPE_NAME,
	NFT_TYPE_STATE,
	NFT_TYPE_FLAGS,
};

/* A set or a map of verdicts of a table. */
struct nft_set {
	const char *table;
	const char *name;
	struct import_set *set; /* what it is in weir; NULL: its elements are put into the rule */
	enum nft_type types[2]; /* the second with concatenations of two */
	struct nft_cursor elements;
	bool is_map;
	bool changes; /* by rules, or by time */
};

struct nft_file {
	struct importer *im;
	struct nft_set *sets;
	size_t sets_count;
};

struct nft_set *nft_set_find(struct nft_file *f, const char *table, const char *name);

/* "set NAME {" or "map NAME {" taken up to the block in @body. */
void nft_read_set(struct nft_file *f, const char *table, const struct nft_token *name,
		  struct nft_cursor body, bool is_map);
/* More elements, of "add element". */
void nft_add_elements(struct nft_file *f, struct nft_set *s, struct nft_cursor elements);

/* One rule of a chain, without its newline. */
void nft_read_rule(struct nft_file *f, struct import_chain *chain, struct nft_cursor rule);

/* A value of @type, "a", "a-b" or "a/b"; false when it is none. */
bool nft_value(enum nft_type type, const char *word, range *out);

/* The type that a set calls "ipv4_addr", and that of "ip saddr" behind typeof. */
enum nft_type nft_type_named(const char *name);
enum nft_type nft_type_of(const char *header, const char *field);

/* What can stand for a key of a rule and of an element of a set or map in it. */
struct nft_key {
	enum nft_type type;
	int field; /* WEIR_FIELD_*, IMPORT_FLAGS; NFT_LEAVES */
};

#define NFT_LEAVES (IMPORT_FIELDS + 1) /* the interface that a packet leaves by */

/* The rule that is being read. */
struct nft_rule {
	struct nft_file *file;
	struct import_chain *chain;
	struct import_rule rule;
	struct nft_cursor c;
	/* One rule each, instead of the one: elements of maps and of concatenations. */
	struct import_rule *ways;
	size_t ways_count;
	bool counts;
	bool acts; /* it does something that weir has no part in */
};

/* A condition: what it compares, and the rest of it. False when the rule was refused. */
bool nft_read_match(struct nft_rule *r);
bool nft_read_comparison(struct nft_rule *r, const struct nft_key *key);
/* Keys with "." between, @first taken, and the pairs that they are compared with. */
bool nft_read_pairs(struct nft_rule *r, const struct nft_key *first);

/* Whether the next word begins a statement, which then is read. */
bool nft_read_statement(struct nft_rule *r);

/* One value of @key, as a condition of @to. */
bool nft_read_value(struct nft_rule *r, struct nft_cursor *c, struct import_rule *to,
		    const struct nft_key *key);
/* Comments and counters of an element. */
void nft_skip_remarks(struct nft_cursor *c);
/* "accept", "jump x"; false when there is none */
bool nft_read_verdict(struct nft_cursor *c, struct import_rule *out);
bool nft_take_key(struct nft_rule *r, struct nft_key *key);
bool nft_add_cond(struct nft_rule *r, struct import_rule *to, const struct nft_key *key,
		  const struct import_cond *c, enum import_sense sense);

/* "syn", "(syn | ack)", "0x2": flags joined, by @comma, too, where no list is divided by it. */
bool nft_flags(struct nft_cursor *c, const char *comma, unsigned int *out);

#endif
