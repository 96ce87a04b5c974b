// SPDX-License-Identifier: GPL-2.0-or-later
/* Text of nft to tokens. Defines are replaced by their values here, as nft does. */
#include <string.h>

#include "import_nft.h"

#define TOKENS_MAX (8U << 20)

struct define {
	const char *name;
	const struct nft_token *value;
	size_t count;
	struct define *next;
};

struct lexer {
	struct importer *im;
	const char *at, *end;
	unsigned int line;
	struct nft_token *tokens;
	size_t count;
	struct define *defines;
};

static bool is_word_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("{}(),;=!<>|&#\"'", c);
}

static bool begins(const struct lexer *l, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(l->end - l->at) >= size && !memcmp(l->at, text, size);
}

static void skip_blanks(struct lexer *l)
{
	while (l->at < l->end) {
		if (begins(l, "\\\n") || begins(l, "\\\r\n")) {
			l->at += l->at[1] == '\n' ? 2 : 3;
			l->line++;
		} else if (*l->at == '#') {
			while (l->at < l->end && *l->at != '\n')
				l->at++;
		} else if (*l->at != '\n' && ((unsigned char)*l->at <= ' ' || *l->at == 0x7f)) {
			l->at++;
		} else {
			return;
		}
	}
}

static struct nft_token make(struct lexer *l, enum nft_kind kind, const char *start, size_t size)
{
	return (struct nft_token){ .kind = kind,
				   .text = import_copy(l->im->memory, start, size),
				   .at = start,
				   .end = start + size,
				   .line = l->line };
}

static struct nft_token lex_string(struct lexer *l)
{
	const char *start = l->at;
	const char *quote = memchr(start + 1, *start, (size_t)(l->end - start - 1));
	struct nft_token t;

	if (!quote || memchr(start, '\n', (size_t)(quote - start))) {
		l->at++;
		return make(l, NFT_SIGN, start, 1);
	}
	l->at = quote + 1;
	t = make(l, NFT_STRING, start + 1, (size_t)(quote - start - 1));
	t.at = start;
	t.end = quote + 1;
	return t;
}

static struct nft_token lex_word(struct lexer *l)
{
	const char *start = l->at;

	while (l->at < l->end && is_word_byte(*l->at))
		l->at++;
	/* "established: accept", but not "fe80::" */
	if (l->at - start > 1 && l->at[-1] == ':' && l->at[-2] != ':')
		l->at--;
	return make(l, NFT_WORD, start, (size_t)(l->at - start));
}

static struct nft_token lex(struct lexer *l)
{
	static const char *const pairs[] = { "==", "!=", "<=", ">=", "<<", ">>" };
	const char *start;

	skip_blanks(l);
	start = l->at;
	if (start == l->end)
		return make(l, NFT_END, start, 0);
	if (*start == '"' || *start == '\'')
		return lex_string(l);
	if (*start == '\n' || *start == ';') {
		struct nft_token t = make(l, NFT_NEWLINE, start, 1);

		l->line += *start == '\n';
		l->at++;
		return t;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (begins(l, pairs[i])) {
			l->at += 2;
			return make(l, NFT_SIGN, start, 2);
		}
	}
	if (!is_word_byte(*start) || (*start == ':' && !begins(l, "::")) ||
	    (*start == '/' && (l->end - start < 2 || !is_word_byte(start[1])))) {
		l->at++;
		return make(l, NFT_SIGN, start, 1);
	}
	return lex_word(l);
}

static void put(struct lexer *l, const struct nft_token *t)
{
	*IMPORT_APPEND(l->im->memory, l->tokens, l->count) = *t;
}

static const struct define *find_define(const struct lexer *l, const char *name)
{
	for (const struct define *d = l->defines; d; d = d->next) {
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

/* "$x" as its value, in the place of the "$x". */
static bool put_expanded(struct lexer *l, const struct nft_token *t)
{
	const struct define *d =
		t->kind == NFT_WORD && t->text[0] == '$' ? find_define(l, t->text + 1) : NULL;

	if (!d) {
		put(l, t);
		return l->count < TOKENS_MAX;
	}
	for (size_t i = 0; i < d->count; i++) {
		struct nft_token copy = d->value[i];

		copy.at = t->at;
		copy.end = t->end;
		copy.line = t->line;
		put(l, &copy);
		if (l->count >= TOKENS_MAX)
			return false;
	}
	return true;
}

/* define NAME = VALUE, up to the end of the line outside of braces. */
static bool take_define(struct lexer *l)
{
	struct nft_token name = lex(l), equal = lex(l), t;
	struct nft_token *kept = l->tokens;
	size_t kept_count = l->count;
	struct define *d = import_alloc(l->im->memory, sizeof(*d));
	unsigned int depth = 0;
	bool fits = true;

	if (name.kind != NFT_WORD || !nft_is(&equal, "="))
		return true;
	l->tokens = NULL;
	l->count = 0;
	for (t = lex(l); fits && t.kind != NFT_END && (depth || t.kind != NFT_NEWLINE);
	     t = lex(l)) {
		depth += nft_is(&t, "{");
		depth -= depth && nft_is(&t, "}");
		if (t.kind != NFT_NEWLINE)
			fits = put_expanded(l, &t);
	}
	*d = (struct define){ name.text, l->tokens, l->count, l->defines };
	l->defines = d;
	l->tokens = kept;
	l->count = kept_count;
	put(l, &t);
	return fits;
}

int nft_tokens(struct importer *im, struct nft_token **out, size_t *count)
{
	struct lexer l = { .im = im, .at = im->text, .end = im->text + im->size, .line = 1 };
	bool starts = true, fits = true;
	struct nft_token t;

	do {
		t = lex(&l);
		if (starts && (nft_is(&t, "define") || nft_is(&t, "redefine")))
			fits = take_define(&l);
		else
			fits = put_expanded(&l, &t);
		starts = l.count && (l.tokens[l.count - 1].kind == NFT_NEWLINE ||
				     nft_is(&l.tokens[l.count - 1], "{") ||
				     nft_is(&l.tokens[l.count - 1], "}"));
	} while (fits && t.kind != NFT_END);
	if (!fits)
		return fail(im->why, EXIT_USAGE, "%s: its defines expand to too much", im->file);
	*out = l.tokens;
	*count = l.count;
	return 0;
}

static const struct nft_token nowhere = { .kind = NFT_END, .text = "" };

const struct nft_token *nft_peek(const struct nft_cursor *c)
{
	return c->at < c->end ? c->at : &nowhere;
}

const struct nft_token *nft_next(struct nft_cursor *c)
{
	return c->at < c->end ? c->at++ : &nowhere;
}

bool nft_is(const struct nft_token *t, const char *text)
{
	return (t->kind == NFT_WORD || t->kind == NFT_SIGN) && !strcmp(t->text, text);
}

bool nft_take(struct nft_cursor *c, const char *text)
{
	if (!nft_is(nft_peek(c), text))
		return false;
	nft_next(c);
	return true;
}

void nft_skip_newlines(struct nft_cursor *c)
{
	while (nft_peek(c)->kind == NFT_NEWLINE)
		nft_next(c);
}

bool nft_take_braces(struct nft_cursor *c, struct nft_cursor *inside)
{
	unsigned int depth = 1;

	if (!nft_take(c, "{"))
		return false;
	inside->at = c->at;
	for (; depth; nft_next(c)) {
		const struct nft_token *t = nft_peek(c);

		if (c->at >= c->end || t->kind == NFT_END)
			break;
		depth += nft_is(t, "{");
		depth -= nft_is(t, "}");
	}
	inside->end = depth ? c->at : c->at - 1;
	return true;
}
