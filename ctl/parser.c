// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser.h"

#include <errno.h>
#include <string.h>

/* So many statements refused and none understood: some other file. */
#define GARBAGE_STATEMENTS 5

void parser_next(struct parser *p)
{
	p->token = lexer_next(&p->lexer);
}

struct word parser_word(const struct token *t)
{
	return (struct word){ .text = t->text,
			      .size = t->size,
			      .loc = t->loc,
			      .kind = t->kind == TOKEN_SET	? WORD_SET
				      : t->kind == TOKEN_STRING ? WORD_STRING
								: WORD_PLAIN };
}

static const char *const token_texts[] = {
#define X(sym, what) [TOKEN_##sym] = what,
	TOKENS(X)
#undef X
};

void parser_expected(struct parser *p, const char *what)
{
	struct word w = parser_word(&p->token);

	switch (p->token.kind) {
	case TOKEN_UNCLOSED:
		build_error(&p->build, w.loc, NULL, "the string is not closed; add a \"");
		break;
	case TOKEN_STRAY:
		build_error(&p->build, w.loc, NULL,
			    "stray " WORD_FMT "; negation is written \"!=\"", WORD_ARGS(&w));
		break;
	case TOKEN_WORD:
	case TOKEN_STRING:
	case TOKEN_SET:
		build_error(&p->build, w.loc, NULL, "expected %s before " WORD_FMT, what,
			    WORD_ARGS(&w));
		break;
	case TOKEN_DEFINE:
		build_error(&p->build, w.loc, NULL, "expected %s before \"$%.*s\"", what,
			    (int)(w.size < WORD_SHOWN ? w.size : WORD_SHOWN), w.text);
		break;
	default:
		build_error(&p->build, w.loc, NULL, "expected %s before %s", what,
			    token_texts[p->token.kind]);
	}
}

bool parser_at_end(const struct parser *p)
{
	return p->token.kind == TOKEN_NEWLINE || p->token.kind == TOKEN_SEMICOLON ||
	       p->token.kind == TOKEN_CLOSE || p->token.kind == TOKEN_EOF;
}

bool parser_take_word(struct parser *p, const char *what, struct word *out)
{
	if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING) {
		parser_expected(p, what);
		return false;
	}
	*out = parser_word(&p->token);
	parser_next(p);
	return true;
}

struct single {
	struct word *out;
	size_t count;
};

static void keep_single(struct parser *p, void *arg, const struct word *w)
{
	struct single *s = arg;

	(void)p;
	if (!s->count++)
		*s->out = *w;
}

bool parser_take_value(struct parser *p, const char *what, struct word *out)
{
	struct single single = { .out = out };
	struct token t = p->token;

	if (t.kind != TOKEN_DEFINE)
		return parser_take_word(p, what, out);
	if (!parser_expand(p, &t, keep_single, &single))
		return false;
	if (single.count != 1) {
		build_error(&p->build, t.loc, NULL, "$%.*s holds %zu values; one is wanted here",
			    (int)t.size, t.text, single.count);
		return false;
	}
	parser_next(p);
	return true;
}

/* A word, set or define; false when the token is none of them. */
static bool take_item(struct parser *p, word_fn each, void *arg)
{
	struct token t = p->token;
	struct word w = parser_word(&t);

	if (t.kind == TOKEN_DEFINE)
		parser_expand(p, &t, each, arg);
	else if (t.kind == TOKEN_WORD || t.kind == TOKEN_STRING || t.kind == TOKEN_SET)
		each(p, arg, &w);
	else
		return false;
	parser_next(p);
	return true;
}

static void skip_newlines(struct parser *p)
{
	while (p->token.kind == TOKEN_NEWLINE)
		parser_next(p);
}

static void list_broken(struct parser *p, const char *what)
{
	if (p->token.kind == TOKEN_OPEN)
		build_error(&p->build, p->token.loc, NULL,
			    "lists do not nest; leave out the \"{\"");
	else if (p->token.kind == TOKEN_EOF || p->token.kind == TOKEN_SEMICOLON ||
		 p->token.loc.line != p->list.loc.line)
		build_error(&p->build, p->list.loc, NULL, "the list is not closed; add a \"}\"");
	else
		parser_expected(p, what);
}

void parser_take_list(struct parser *p, const char *what, word_fn each, void *arg)
{
	p->list = p->token;
	parser_next(p);
	for (;;) {
		skip_newlines(p);
		if (p->token.kind == TOKEN_CLOSE)
			break;
		if (!take_item(p, each, arg)) {
			list_broken(p, what);
			return;
		}
		skip_newlines(p);
		if (p->token.kind == TOKEN_CLOSE)
			break;
		if (p->token.kind != TOKEN_COMMA) {
			list_broken(p, "\",\" or \"}\"");
			return;
		}
		parser_next(p);
	}
	p->list.loc.line = 0;
	parser_next(p);
}

void parser_take_values(struct parser *p, const char *what, word_fn each, void *arg)
{
	if (p->token.kind == TOKEN_OPEN)
		parser_take_list(p, what, each, arg);
	else if (!take_item(p, each, arg))
		parser_expected(p, what);
}

static bool starts_statement(const struct parser *p)
{
	struct word w = parser_word(&p->token);

	if (p->token.kind != TOKEN_WORD)
		return false;
	if (w.loc.column == 1 && vocabulary_find(&words_top, &w) >= 0)
		return true;
	return p->list.loc.line && p->block && vocabulary_find(p->block, &w) >= 0;
}

/*
 * The end of the statement is where its braces are closed, or where, at the
 * start of a line, something stands that only a new statement begins with.
 */
void parser_recover(struct parser *p)
{
	size_t depth = p->list.loc.line ? 1 : 0;
	bool line_start = false;

	for (;; parser_next(p)) {
		enum token_kind kind = p->token.kind;

		if (kind == TOKEN_EOF || (line_start && starts_statement(p)))
			break;
		if (!depth &&
		    (kind == TOKEN_NEWLINE || kind == TOKEN_SEMICOLON || kind == TOKEN_CLOSE))
			break;
		depth += kind == TOKEN_OPEN;
		depth -= kind == TOKEN_CLOSE;
		line_start = kind == TOKEN_NEWLINE;
	}
	p->list.loc.line = 0;
}

static void end_statement(struct parser *p)
{
	if (!p->build.failed && !parser_at_end(p)) {
		if (p->token.kind == TOKEN_COMMA)
			build_error(&p->build, p->token.loc, NULL,
				    "a list of values stands in braces; write { a, b }");
		else
			parser_expected(p, "the end of the statement");
	}
	if (p->build.failed)
		parser_recover(p);
	else
		p->statements++;
}

static bool open_block(struct parser *p, const struct word *header)
{
	struct parser before = *p;

	skip_newlines(p);
	if (p->token.kind == TOKEN_OPEN) {
		if (before.token.kind == TOKEN_NEWLINE)
			build_error(&p->build, p->token.loc, NULL,
				    "the \"{\" must stand on the same line as %.*s",
				    (int)header->size, header->text);
		return true;
	}
	p->lexer = before.lexer;
	p->token = before.token;
	parser_expected(p, "\"{\"");
	return false;
}

struct written {
	unsigned int mask;
	unsigned int line[32]; /* of the first statement of each kind */
};

static bool take_statement(struct parser *p, const struct block *block, void *object,
			   struct written *written)
{
	struct word w = parser_word(&p->token);
	int index;

	p->build.failed = false;
	if (p->token.kind != TOKEN_WORD) {
		parser_expected(p, "a statement");
		return false;
	}
	index = build_keyword(&p->build, &w, block->words);
	if (index < 0)
		return false;
	if (written->mask & block->once & 1U << index)
		build_error(&p->build, w.loc, NULL, "\"%s\" is already on line %u; keep one",
			    block->words->words[index], written->line[index]);
	else
		written->line[index] = w.loc.line;
	written->mask |= 1U << index;
	parser_next(p);
	block->statement(p, object, index, w.loc);
	return true;
}

/*
 * A statement of the top level in column 1: the "}" before it is missing,
 * unless it may stand in the block, too, as "filter" in an interface.
 */
static bool next_block_begins(const struct parser *p)
{
	struct word w = parser_word(&p->token);

	return p->token.kind == TOKEN_WORD && w.loc.column == 1 &&
	       vocabulary_find(&words_top, &w) >= 0 &&
	       (!p->block || vocabulary_find(p->block, &w) < 0);
}

unsigned int parser_take_block(struct parser *p, const struct block *block,
			       const struct word *header, void *object)
{
	struct written written = { 0 };
	bool refused = false;
	struct token open;

	if (!object)
		p->build.names_lost = true;
	if (!open_block(p, header) || !object)
		return 0;
	open = p->token;
	p->block = block->words;
	for (parser_next(p);;) {
		while (p->token.kind == TOKEN_NEWLINE || p->token.kind == TOKEN_SEMICOLON)
			parser_next(p);
		if (p->token.kind == TOKEN_CLOSE || p->token.kind == TOKEN_EOF ||
		    next_block_begins(p))
			break;
		take_statement(p, block, object, &written);
		end_statement(p);
		refused = p->build.failed;
	}
	p->block = NULL;
	p->build.failed = false;
	if (p->token.kind == TOKEN_CLOSE) {
		parser_next(p);
		return written.mask;
	}
	/* what was refused last may have had the "}" in it */
	p->build.failed = refused && p->token.kind == TOKEN_EOF;
	build_error(&p->build, open.loc, NULL, "the block of %.*s is not closed; add a \"}\"",
		    (int)header->size, header->text);
	p->build.names_lost = true;
	return written.mask;
}

static void top_statement(struct parser *p)
{
	static void (*const parsers[])(struct parser *) = {
		[TOP_DEFINE] = parser_define,	[TOP_INTERFACE] = parser_interface,
		[TOP_SET] = parser_set,		[TOP_FILTER] = parser_filter,
		[TOP_POOL] = parser_pool,	[TOP_SERVICE] = parser_service,
		[TOP_LATENCY] = parser_latency,
	};
	struct word w = parser_word(&p->token);
	int index;

	if (p->token.kind == TOKEN_CLOSE) {
		build_error(&p->build, w.loc, NULL, "this \"}\" closes nothing; delete it");
		parser_next(p);
		return;
	}
	if (p->token.kind != TOKEN_WORD) {
		parser_expected(p, "a statement");
		return;
	}
	index = build_keyword(&p->build, &w, &words_top);
	if (index < 0) {
		p->build.names_lost = true;
		return;
	}
	p->keyword = w.loc;
	parser_next(p);
	parsers[index](p);
}

/* A header that was refused may have left its block on the next line, or open. */
static void end_top_statement(struct parser *p)
{
	if (!p->build.failed || next_block_begins(p)) {
		if (!next_block_begins(p))
			end_statement(p);
		return;
	}
	parser_recover(p);
	if (p->token.kind == TOKEN_CLOSE)
		parser_next(p);
}

static bool is_garbage(struct parser *p)
{
	if (p->statements || p->build.diags->errors < GARBAGE_STATEMENTS)
		return false;
	p->build.failed = false;
	build_error(&p->build, p->token.loc, NULL,
		    "this does not look like a weir configuration; nothing so far was understood");
	return true;
}

static void parse_all(struct parser *p)
{
	parser_next(p);
	for (;;) {
		while (p->token.kind == TOKEN_NEWLINE || p->token.kind == TOKEN_SEMICOLON)
			parser_next(p);
		if (p->token.kind == TOKEN_EOF || p->build.out_of_memory || p->stop ||
		    p->build.values > VALUES_MAX || is_garbage(p))
			return;
		p->build.failed = false;
		top_statement(p);
		end_top_statement(p);
	}
}

int model_parse(const char *file, const char *text, size_t size, enum model_files files,
		struct diags *d, struct model *out)
{
	struct parser p = { .build = { .file = file,
				       .text = size ? text : "",
				       .size = size,
				       .files = files,
				       .diags = d } };
	int err;

	if (lexer_check_text(file, p.build.text, size, d))
		return -EINVAL;
	lexer_init(&p.lexer, file, p.build.text, size);
	parse_all(&p);
	err = build_finish(&p.build, out);
	parser_free_defines(&p);
	return err;
}
