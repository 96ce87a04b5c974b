// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions must compile, and fit the program. */
#include "parser_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "own.h"

/* The byte of the file at @at, or NULL. */
static const char *source_at(const struct build *b, const struct loc *at)
{
	const char *line = b->text, *end;

	if (!at->line || !line)
		return NULL;
	end = line + b->size;
	for (unsigned int n = 1; n < at->line && line; n++) {
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	return line && at->column <= (size_t)(end - line) ? line + at->column - 1 : NULL;
}

/* Bytes of the file that the first @bytes of a text in quotes take: some have a backslash. */
static unsigned int in_source(const char *source, const char *end, size_t bytes)
{
	const char *at = source;

	for (; bytes && at < end; bytes--)
		at += *at == '\\' && at + 1 < end && (at[1] == '"' || at[1] == '\\') ? 2 : 1;
	return (unsigned int)(at - source);
}

/* Where in the file a part of the expression is; of a define, or in JSON, where the whole is. */
static struct loc place_of(const struct build *b, const struct expr_match *e, size_t at,
			   size_t width)
{
	const char *source = source_at(b, &e->loc), *end;
	struct loc loc = e->loc;
	unsigned int before;

	if (!source || source == b->text || source[-1] != '"')
		return loc;
	end = b->text + b->size;
	before = in_source(source, end, at);
	loc.column += before;
	loc.width = in_source(source + before, end, width);
	return loc;
}

static void check_one(struct build *b, struct expr_set *set, const struct rule *r)
{
	struct failure why = {};
	struct expr_error error;
	struct expr_code code;
	int result = expr_compile(r->expr.text, &code, &error);

	b->failed = false;
	if (result == -EINVAL) {
		build_error(b, place_of(b, &r->expr, error.at, error.width), NULL, "%s",
			    error.message);
		return;
	}
	if (!result)
		expr_code_free(&code);
	if (!result && set->count == WEIR_EXPR_MAX)
		build_error(b, r->expr.loc, NULL,
			    "a filter has at most %d different expressions; join some with "
			    "\"or\", or write what they say as matches",
			    WEIR_EXPR_MAX);
	else if (!result && expr_set_add(set, r->expr.text, &why) && why.code == EXIT_USAGE)
		build_error(b, r->expr.loc, NULL, "%s", why.message);
	else if (result || why.message)
		b->out_of_memory = true;
	failure_free(&why);
}

/* The kernel's limit is on all of them; the last one is what made it too much. */
static void check_size(struct build *b, const struct expr_set *set, const struct rule *last)
{
	OWN_FREE struct bpf_insn *insns = expr_room();

	for (int context = 0; insns && context < EXPR_CONTEXTS; context++) {
		int count = expr_translate(set, context, 0, insns, WEIR_EXPR_FILTER_INSNS);

		b->failed = false;
		if (count == -E2BIG) {
			build_error(b, last->expr.loc, NULL,
				    "the expressions of this filter take more than %d "
				    "instructions; make them shorter or fewer, or list addresses "
				    "in a set",
				    WEIR_EXPR_FILTER_INSNS);
			return;
		}
		b->out_of_memory |= count < 0;
	}
	b->out_of_memory |= !insns;
}

static void check_filter(struct build *b, const struct filter *f)
{
	OWN(expr_set_free) struct expr_set set = {};
	const struct rule *last = NULL;
	size_t errors = b->diags->errors;

	for (size_t i = 0; i < f->rules_count && b->diags->errors == errors; i++) {
		const struct rule *r = &f->rules[i];

		if (!r->expr.text || expr_set_has(&set, r->expr.text))
			continue;
		check_one(b, &set, r);
		last = r;
	}
	if (last && b->diags->errors == errors && !b->out_of_memory)
		check_size(b, &set, last);
}

void check_exprs(struct build *b)
{
	/* What is in force was checked; a name may have left /etc/hosts since. */
	if (b->files == MODEL_FILES_STORED)
		return;
	for (size_t i = 0; i < b->model.filters_count; i++)
		check_filter(b, &b->model.filters[i]);
}
