/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule set as its filter knew it, in the fields of weir: what the readers of
 * nft and iptables make, and import_flow.c turns into filters.
 */
#ifndef WEIR_IMPORT_MODEL_H
#define WEIR_IMPORT_MODEL_H

#include <stdbool.h>

#include "failure.h"
#include "import.h"
#include "import_memory.h"
#include "model.h"
#include "ranges.h"

/* The fields of weir, and the TCP flags as a number from 0 to 255. */
#define IMPORT_FLAGS WEIR_FIELD_COUNT
#define IMPORT_FIELDS (WEIR_FIELD_COUNT + 1)

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_IP6 0x86dd

struct import_set {
	const char *name; /* as rules call it, in its table */
	char target[NAME_BYTES]; /* in the configuration; unique */
	const char *table; /* "inet filter" */
	enum set_type type;
	range *ranges; /* of PREFIX, ADDRESS and PORT */
	size_t ranges_count;
	const char **words; /* of ADDRESS_PORT and INTERFACE, as weir writes them */
	size_t words_count;
	unsigned int families; /* IMPORT_V4, IMPORT_V6 of its elements' type; 0: no addresses */
	unsigned int line;
	const char *remark; /* a comment for the configuration, or NULL */
	bool used;
	bool written_out; /* its elements stand in rules */
};

/*
 * A condition on one field: the value lies in @ranges (canonical, inside what
 * the field can be), in the set @in if there is one, and in none of @not_in.
 * The interface has names and patterns for ranges; NULL is any.
 */
struct import_cond {
	const range *ranges;
	size_t ranges_count;
	const char *const *names;
	size_t names_count;
	const char *const *not_names;
	size_t not_names_count;
	const struct import_set *in;
	const struct import_set *const *not_in;
	size_t not_in_count;
};

/* All must hold; NULL is no condition. Conditions do not change once made. */
struct import_match {
	const struct import_cond *cond[IMPORT_FIELDS];
};

enum import_verdict {
	IMPORT_GO_ON,
	IMPORT_ACCEPT,
	IMPORT_DROP,
	IMPORT_REJECT,
	IMPORT_RETURN,
	IMPORT_JUMP,
	IMPORT_GOTO,
};

enum import_limit_kind {
	IMPORT_NO_LIMIT,
	IMPORT_ABOVE, /* the rule holds above the rate: weir's limit, if it drops */
	IMPORT_WITHIN, /* it holds within the rate, what is above falls through */
};

struct import_rule {
	unsigned int line;
	unsigned int number; /* in its chain, from 1 */
	const char *chain;
	const char *text;
	const char *comment; /* or NULL */
	struct import_match match;
	const struct import_cond *leaves; /* names of the interface it leaves by, or NULL */
	bool logs;
	bool marks;
	__u32 mark;
	enum import_limit_kind limits;
	struct limit limit;
	enum import_verdict verdict;
	const char *target; /* chain of JUMP and GOTO */
	const char *why; /* it has no meaning in weir; NULL when it has */
	bool told; /* that it was left out or changed */
	bool state_told; /* that its connection state has another meaning */
	bool written; /* a line of the configuration is from it */
	bool counted; /* it has a limit in the configuration */
};

enum import_hook {
	IMPORT_NO_HOOK, /* a chain that others jump to */
	IMPORT_INGRESS, /* the hooks in the order that a packet meets them */
	IMPORT_PREROUTING,
	IMPORT_INPUT,
	IMPORT_FORWARD,
	IMPORT_OUTPUT,
	IMPORT_POSTROUTING,
	IMPORT_EGRESS,
};

#define IMPORT_V4 1U
#define IMPORT_V6 2U
#define IMPORT_FRAMES 4U /* frames that are not IP, as netdev sees them */

struct import_chain {
	const char *table; /* with its family: chains of one table may jump to each other */
	const char *name;
	unsigned int families;
	enum import_hook hook;
	long priority;
	bool drops; /* policy */
	const char **devices;
	size_t devices_count;
	struct import_rule *rules;
	size_t rules_count;
	unsigned int rules_read; /* of nft, some of which are several rules here */
	unsigned int line;
};

struct importer {
	struct import_memory *memory;
	const char *file;
	const char *text; /* of @size bytes */
	size_t size;
	bool no_lines; /* @text is made of JSON, its lines mean nothing */
	struct import_chain *chains;
	size_t chains_count;
	struct import_set **sets;
	size_t sets_count;
	struct import_note *notes;
	size_t notes_count;
	size_t understood; /* tables, chains: 0 means that it is another kind of file */
	struct failure *why;
};

/* A note; @why is kept by the importer's memory. */
void import_note(struct importer *im, enum import_note_kind kind, unsigned int line,
		 const char *text, const char *why, ...) __attribute__((format(printf, 5, 6)));

/* Printable text of at most a line: blanks joined, "..." at its end when it is cut. */
const char *import_excerpt(struct importer *im, const char *text, size_t size);

struct import_chain *import_chain_add(struct importer *im, const char *table, const char *name,
				      unsigned int families, unsigned int line);
struct import_chain *import_chain_find(struct importer *im, const char *table, const char *name);
struct import_rule *import_rule_add(struct importer *im, struct import_chain *c, unsigned int line,
				    const char *text);
struct import_set *import_set_add(struct importer *im, const char *table, const char *name,
				  enum set_type type, unsigned int line);
struct import_set *import_set_find(struct importer *im, const char *table, const char *name);

/* Say why a rule has no meaning here; the first reason stays. Returns false. */
bool import_refuse(struct importer *im, struct import_rule *r, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/* import_nft.c, import_nft_json.c, import_iptables.c: read im->text. */
int import_nft(struct importer *im);
int import_nft_json(struct importer *im);
int import_iptables(struct importer *im);

/* import_flow.c: print the configuration. */
int import_config(struct importer *im, FILE *out);

#endif
