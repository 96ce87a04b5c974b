// SPDX-License-Identifier: GPL-2.0-or-later
#include "edit_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"
#include "parser_build.h"

/* Bytes of the text; begin == end: an empty place. */
struct span {
	size_t begin, end;
};

/* Where the properties of a backend stand. */
struct places {
	struct span weight; /* its number; empty: none is written */
	struct span drain; /* the word and the blanks before it; empty: none */
	size_t end; /* of the last word */
};

static const char *find_line(const char *text, size_t size, unsigned int line)
{
	const char *at = text, *end = text + size;

	for (; at && line > 1; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return at;
}

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->size == strlen(word) && !memcmp(t->text, word, t->size);
}

static struct span span_of(const struct lexer *l, const char *text, const struct token *t)
{
	size_t begin = (size_t)(l->line_start - text) + t->loc.column - 1;

	return (struct span){ begin, begin + t->loc.width };
}

/* A word and the blanks before it. */
static struct span with_blanks(const char *text, struct span s)
{
	while (s.begin && (text[s.begin - 1] == ' ' || text[s.begin - 1] == '\t'))
		s.begin--;
	return s;
}

/* Name and address, then words of which all but one have a value. */
static int find_places(struct lexer *l, const char *text, const char *name, struct places *out)
{
	const char *begin = l->at;
	const char *const *words = words_backend.words;
	struct token t = lexer_next(l);
	struct places p = {};

	if ((t.kind != TOKEN_WORD && t.kind != TOKEN_STRING) || t.size != strlen(name) ||
	    memcmp(t.text, name, t.size) != 0 || t.text - (t.kind == TOKEN_STRING) != begin)
		return -ENOENT;
	t = lexer_next(l);
	p.end = span_of(l, text, &t).end;
	for (t = lexer_next(l); t.kind == TOKEN_WORD; t = lexer_next(l)) {
		struct span span = span_of(l, text, &t);

		p.end = span.end;
		if (is_word(&t, words[BACKEND_DRAIN])) {
			p.drain = with_blanks(text, span);
			continue;
		}
		span.begin = is_word(&t, words[BACKEND_WEIGHT]);
		t = lexer_next(l);
		p.end = span_of(l, text, &t).end;
		if (span.begin)
			p.weight = span_of(l, text, &t);
	}
	*out = p;
	return 0;
}

/* Of @text, with @weight and @drain in place of what stood there. */
static char *splice(const char *text, size_t size, struct span first, const char *first_text,
		    struct span second, const char *second_text, size_t *out_size)
{
	size_t firsts = strlen(first_text), seconds = strlen(second_text);
	size_t room = size + firsts + seconds + 1;
	char *made = malloc(room), *at = made;

	if (!made)
		return NULL;
	at = mempcpy(at, text, first.begin);
	at = mempcpy(at, first_text, firsts);
	at = mempcpy(at, text + first.end, second.begin - first.end);
	at = mempcpy(at, second_text, seconds);
	at = mempcpy(at, text + second.end, size - second.end);
	*at = '\0';
	*out_size = (size_t)(at - made);
	return made;
}

int edit_backend(const char *text, size_t size, const struct backend *backend,
		 const struct backend_change *change, char **out, size_t *out_size)
{
	const char *line = find_line(text, size, backend->loc.line);
	char weight[32] = "", *made;
	const char *drain = "";
	struct places p;
	struct lexer l;
	struct span at_weight, at_drain;

	if (!line || !backend->loc.line || !backend->loc.column ||
	    backend->loc.column > size - (size_t)(line - text) ||
	    memchr(line, '\n', backend->loc.column))
		return -ENOENT;
	lexer_init(&l, "", text, size);
	l.at = line + backend->loc.column - 1;
	l.line_start = line;
	if (find_places(&l, text, backend->name, &p))
		return -ENOENT;
	at_weight = at_drain = (struct span){ p.end, p.end };
	if (change->weight >= 0 && p.weight.end) {
		at_weight = p.weight;
		snprintf(weight, sizeof(weight), "%ld", change->weight);
	} else if (change->weight >= 0) {
		snprintf(weight, sizeof(weight), " weight %ld", change->weight);
	}
	if (change->drain == 0)
		at_drain = p.drain.end ? p.drain : at_drain;
	else if (change->drain == 1 && !p.drain.end)
		drain = " drain";
	made = at_weight.begin <= at_drain.begin
		       ? splice(text, size, at_weight, weight, at_drain, drain, out_size)
		       : splice(text, size, at_drain, drain, at_weight, weight, out_size);
	if (!made)
		return -ENOMEM;
	*out = made;
	return 0;
}
