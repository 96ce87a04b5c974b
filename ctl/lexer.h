/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration text to tokens. Tokens point into the text and own nothing.
 */
#ifndef WEIR_LEXER_H
#define WEIR_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

/* X(symbol, what a message calls it) */
#define TOKENS(X)                           \
	X(EOF, "the end of the file")       \
	X(NEWLINE, "the end of the line")   \
	X(SEMICOLON, "\";\"")               \
	X(WORD, "a word")                   \
	X(STRING, "a string")               \
	X(DEFINE, "a define")               \
	X(SET, "a set")                     \
	X(OPEN, "\"{\"")                    \
	X(CLOSE, "\"}\"")                   \
	X(COMMA, "\",\"")                   \
	X(EQUAL, "\"=\"")                   \
	X(NOT_EQUAL, "\"!=\"")              \
	X(LESS, "\"<\"")                    \
	X(LESS_EQUAL, "\"<=\"")             \
	X(GREATER, "\">\"")                 \
	X(GREATER_EQUAL, "\">=\"")          \
	X(UNCLOSED, "a string without end") \
	X(STRAY, "a stray character")

enum token_kind {
#define X(sym, what) TOKEN_##sym,
	TOKENS(X)
#undef X
};

struct token {
	enum token_kind kind;
	const char *text; /* without quotes, "$" or "@"; escapes as written */
	size_t size;
	struct loc loc; /* of the whole token */
};

struct lexer {
	const char *file;
	const char *at;
	const char *end;
	const char *line_start;
	unsigned int line;
};

void lexer_init(struct lexer *l, const char *file, const char *text, size_t size);

/* The next token; TOKEN_EOF again and again at the end. */
struct token lexer_next(struct lexer *l);

/*
 * Refuse what is no text: NUL, control bytes, broken UTF-8. Adds at most one
 * error, at the first such byte. Returns 0 or -EINVAL.
 */
int lexer_check_text(const char *file, const char *text, size_t size, struct diags *d);

/* True when @c may be part of a word. */
bool lexer_is_word_byte(unsigned char c);

#endif
