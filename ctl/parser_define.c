// SPDX-License-Identifier: GPL-2.0-or-later
/* "define NAME = VALUE": kept with the defines in it expanded. */
#include "parser.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A define of defines doubles with every line; this ends it. */
#define DEFINE_VALUES_MAX (1U << 18)

struct define {
	char name[NAME_BYTES];
	struct loc loc;
	struct word *words;
	size_t words_count;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct define *)a)->name, ((const struct define *)b)->name);
}

static struct define *find(struct parser *p, const char *name)
{
	struct define key, **found;

	memcpy(key.name, name, NAME_BYTES);
	found = tfind(&key, &p->defines, compare);
	return found ? *found : NULL;
}

static void refuse_unknown(struct parser *p, const struct token *token, const char *name)
{
	const char *near;
	char hint[NAME_BYTES + 32];

	if (p->build.failed)
		return;
	if (p->build.names_lost) { /* it may stand in what was not understood */
		p->build.failed = true;
		return;
	}
	if (p->define_names)
		p->define_names[p->define_names_count] = NULL;
	near = p->define_names && p->build.diags->errors < DIAG_MAX
		       ? diag_suggest(name, p->define_names)
		       : NULL;
	snprintf(hint, sizeof(hint), "did you mean \"$%s\"?", near ? near : "");
	build_error(&p->build, token->loc, near ? hint : NULL,
		    "$%s is not defined; add \"define %s = ...\" above", name, name);
}

bool parser_expand(struct parser *p, const struct token *token, word_fn each, void *arg)
{
	struct word w = { .text = token->text, .size = token->size, .loc = token->loc };
	const struct define *define;
	char name[NAME_BYTES] = { 0 };

	if (!build_name(&p->build, &w, "define", name))
		return false;
	define = find(p, name);
	if (!define) {
		refuse_unknown(p, token, name);
		return false;
	}
	for (size_t i = 0; i < define->words_count && !p->build.failed; i++) {
		w = define->words[i];
		w.loc = token->loc;
		w.define = token->text;
		w.define_size = token->size;
		w.define_line = define->loc.line;
		each(p, arg, &w);
	}
	return true;
}

static void add_word(struct parser *p, void *arg, const struct word *w)
{
	struct define *define = arg;

	if (p->define_values >= DEFINE_VALUES_MAX) {
		build_error(&p->build, w->loc, NULL,
			    "over %u values in all defines; use a set with a file",
			    DEFINE_VALUES_MAX);
		p->stop = true;
		return;
	}
	if (!RESERVE(&p->build, define->words, define->words_count))
		return;
	define->words[define->words_count++] = *w;
	p->define_values++;
}

static void free_define(void *node)
{
	struct define *define = node;

	free(define->words);
	free(define);
}

/* Room for one more name and the NULL behind them. */
static bool add_name(struct parser *p, const struct define *define)
{
	if (!RESERVE(&p->build, p->define_names, p->define_names_count) ||
	    !RESERVE(&p->build, p->define_names, p->define_names_count + 1))
		return false;
	p->define_names[p->define_names_count++] = define->name;
	return true;
}

static void keep(struct parser *p, struct define *define)
{
	const struct define *first = find(p, define->name);

	if (first) {
		build_error(&p->build, define->loc, NULL,
			    "define %s is already on line %u; rename one", define->name,
			    first->loc.line);
		free_define(define);
		return;
	}
	if (!add_name(p, define) || !tsearch(define, &p->defines, compare)) {
		p->build.out_of_memory = true;
		p->define_names_count = 0;
		free_define(define);
	}
}

void parser_define(struct parser *p)
{
	struct define *define = calloc(1, sizeof(*define));
	struct word name;

	if (!define) {
		p->build.out_of_memory = true;
		return;
	}
	if (!parser_take_word(p, "a name", &name) ||
	    !build_name(&p->build, &name, "define", define->name)) {
		p->build.names_lost = true;
		free_define(define);
		return;
	}
	define->loc = name.loc;
	if (p->token.kind == TOKEN_EQUAL) {
		parser_next(p);
		parser_take_values(p, "a value or a list", add_word, define);
	} else {
		parser_expected(p, "\"=\"");
	}
	if (!define->words_count)
		build_error(&p->build, define->loc, NULL, "define %s holds nothing; name a value",
			    define->name);
	keep(p, define);
}

void parser_free_defines(struct parser *p)
{
	tdestroy(p->defines, free_define);
	free(p->define_names);
}
