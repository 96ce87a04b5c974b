/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recursive descent over the tokens, without recursion: blocks do not nest and
 * lists do not nest. One error a statement, then on at the next one.
 */
#ifndef WEIR_PARSER_H
#define WEIR_PARSER_H

#include "lexer.h"
#include "parser_build.h"

struct define; /* parser_define.c */

struct parser {
	struct build build;
	struct lexer lexer;
	struct token token; /* the one to look at next */
	struct loc keyword; /* of the statement of the top level being read */
	struct token list; /* "{" of the list being read, if list.loc.line */
	const struct vocabulary *block; /* statements of the block being read, or NULL */
	void *defines; /* tree of struct define, by name */
	const char **define_names; /* for suggestions; borrowed */
	size_t define_names_count;
	size_t define_values; /* of all defines, against DEFINE_VALUES_MAX */
	size_t statements; /* that were understood */
	bool stop; /* a limit was passed: what follows would only repeat it */
};

void parser_next(struct parser *p);

/* The token as a word, for messages and setters. */
struct word parser_word(const struct token *t);

/* "expected a filter name before "}"" and the like, at the token. */
void parser_expected(struct parser *p, const char *what);

/* One value: a word, a string, or a define that holds one. False and an error. */
bool parser_take_value(struct parser *p, const char *what, struct word *out);

/* A keyword or a name: a word that no define can give. */
bool parser_take_word(struct parser *p, const char *what, struct word *out);

typedef void (*word_fn)(struct parser *p, void *arg, const struct word *w);

/* One value or a list of them, defines expanded; @each is called per word. */
void parser_take_values(struct parser *p, const char *what, word_fn each, void *arg);

/* "{ a, b }", with the "{" in sight. */
void parser_take_list(struct parser *p, const char *what, word_fn each, void *arg);

bool parser_at_end(const struct parser *p); /* of a statement */

/* A block's statements: @statement is called with the keyword's index and behind it. */
struct block {
	const struct vocabulary *words;
	unsigned int once; /* 1 << index of statements that may be written once only */
	void (*statement)(struct parser *p, void *object, int word, struct loc at);
};

/*
 * The block behind a header, from "{" to "}". @object is NULL after a header
 * that was refused; then the block is skipped. Returns 1 << index of the
 * statements that there were.
 */
unsigned int parser_take_block(struct parser *p, const struct block *block,
			       const struct word *header, void *object);

/* Skip what is left of a statement that was refused. */
void parser_recover(struct parser *p);

/* Statements of the top level, the keyword taken. */
void parser_define(struct parser *p);
void parser_interface(struct parser *p);
void parser_set(struct parser *p);
void parser_filter(struct parser *p);
void parser_pool(struct parser *p);
void parser_service(struct parser *p);
void parser_latency(struct parser *p);

/* The name behind the keyword of a block; false and an error when there is none. */
bool parser_take_header(struct parser *p, const char *what, struct word *name);

/* "200/s burst 400 per saddr", of the @kind called @name. */
void parser_take_limit(struct parser *p, struct limit *l, const char *kind, const char *name);

/* What stands behind "measure" in an interface. */
void parser_measure(struct parser *p, struct interface *i);

/*
 * The rule whose name is the token, where its line is as most are: added to @f,
 * with the end of the line in sight. False, with nothing changed, of all others.
 */
bool parser_rule_plain(struct parser *p, struct filter *f);

/* What belongs to the action of @r, which is taken. */
void parser_action(struct parser *p, struct rule *r);

/* True and an error for a word of an action where a match is wanted. */
bool parser_is_late(struct parser *p, const struct word *w);

/* Call @each with every word of define @token; false and an error when there is none. */
bool parser_expand(struct parser *p, const struct token *token, word_fn each, void *arg);
void parser_free_defines(struct parser *p);

#endif
