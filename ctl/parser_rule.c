// SPDX-License-Identifier: GPL-2.0-or-later
/* filter NAME { default ...; rule ... } */
#include "parser.h"

#include <stdlib.h>
#include <string.h>

struct values {
	struct rule *rule;
	enum weir_field field;
};

static void add_value(struct parser *p, void *arg, const struct word *w)
{
	struct values *values = arg;

	build_match_value(&p->build, values->rule, values->field, w);
}

/* "!=" in front of values. True when it was there. */
static bool take_not(struct parser *p)
{
	if (p->token.kind == TOKEN_EQUAL)
		build_error(&p->build, p->token.loc, NULL,
			    "a match has no \"=\"; write the value right behind the field");
	if (p->token.kind != TOKEN_NOT_EQUAL)
		return false;
	parser_next(p);
	return true;
}

static int comparison(const struct parser *p)
{
	switch (p->token.kind) {
	case TOKEN_LESS:
		return COMPARE_LESS;
	case TOKEN_LESS_EQUAL:
		return COMPARE_LESS_EQUAL;
	case TOKEN_GREATER:
		return COMPARE_GREATER;
	case TOKEN_GREATER_EQUAL:
		return COMPARE_GREATER_EQUAL;
	default:
		return -1;
	}
}

static void take_compared(struct parser *p, struct rule *r, enum weir_field field, int how)
{
	struct word w;

	if (field == WEIR_FIELD_IFACE || !value_has_order(rule_value_kind(r, field)))
		build_error(&p->build, p->token.loc, NULL,
			    "%s takes no comparison; write its values in { }",
			    words_match.words[field]);
	parser_next(p);
	if (!p->build.failed && parser_take_value(p, "a number", &w))
		build_match_compared(&p->build, r, field, (enum compare)how, &w);
}

static void take_field(struct parser *p, struct rule *r, enum weir_field field, struct loc at)
{
	struct values values = { r, field };
	struct match *m = build_match(&p->build, r, field, at);

	if (!m)
		return;
	if (comparison(p) >= 0) {
		take_compared(p, r, field, comparison(p));
		return;
	}
	m->negated = take_not(p);
	if (m->negated && comparison(p) >= 0)
		build_error(&p->build, p->token.loc, NULL,
			    "a comparison is not negated; write the opposite one");
	parser_take_values(p, "a value", add_value, &values);
}

static void take_protocol(struct parser *p, struct rule *r, const struct word *w)
{
	if (build_match(&p->build, r, WEIR_FIELD_PROTO, w->loc))
		build_match_value(&p->build, r, WEIR_FIELD_PROTO, w);
}

#define FLAGS_BYTES 128

static bool joins(char c)
{
	return c == '/' || c == ',';
}

/* "syn,ack / syn,ack" is one word of several tokens: join them. */
static bool take_flags_text(struct parser *p, char text[FLAGS_BYTES])
{
	size_t used = 0;

	while (p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_COMMA) {
		const char *more = p->token.kind == TOKEN_COMMA ? "," : p->token.text;

		if (used && !joins(text[used - 1]) && !joins(more[0]))
			break;
		if (used + p->token.size >= FLAGS_BYTES)
			break;
		memcpy(text + used, more, p->token.size);
		used += p->token.size;
		parser_next(p);
	}
	text[used] = 0;
	return used;
}

static void take_flags(struct parser *p, struct rule *r, struct loc at)
{
	char text[FLAGS_BYTES];
	struct tcp_flags_match *flags;
	bool negated = take_not(p);
	struct word w = parser_word(&p->token);

	if (p->token.kind == TOKEN_DEFINE) {
		if (!parser_take_value(p, "TCP flags", &w))
			return;
	} else if (take_flags_text(p, text)) {
		w.text = text;
		w.size = strlen(text);
	} else {
		if (p->token.kind == TOKEN_OPEN)
			build_error(&p->build, w.loc, NULL,
				    "flags takes no list; write them as in syn,ack/syn,ack,fin");
		parser_expected(p, "TCP flags");
		return;
	}
	flags = build_flags(&p->build, r, &w, at);
	if (flags)
		flags->negated = negated;
}

static void take_expr(struct parser *p, struct rule *r, struct loc at, bool negated)
{
	struct expr_match *e;
	struct word w;

	if (take_not(p))
		build_error(&p->build, at, NULL, "write not expr \"...\"");
	else if (p->token.kind == TOKEN_WORD)
		build_error(&p->build, p->token.loc, NULL,
			    "an expression stands in quotes; write expr \"...\"");
	if (p->build.failed || !parser_take_value(p, "an expression in quotes", &w))
		return;
	e = build_expr(&p->build, r, &w, at);
	if (e)
		e->negated = negated;
}

static void take_flag(struct parser *p, struct rule *r, enum weir_field field, struct loc at,
		      bool negated)
{
	struct match *m = build_match_flag(&p->build, r, field, at);

	if (m)
		m->negated = negated;
	if (comparison(p) >= 0 || p->token.kind == TOKEN_EQUAL || p->token.kind == TOKEN_NOT_EQUAL)
		build_error(&p->build, p->token.loc, NULL,
			    "%s takes no value; write \"%s\" or \"not %s\"",
			    words_match.words[field], words_match.words[field],
			    words_match.words[field]);
}

/* "not" and what it may stand before. */
static void take_negated(struct parser *p, struct rule *r, struct loc at)
{
	struct word w = parser_word(&p->token);
	int index = p->token.kind == TOKEN_WORD ? vocabulary_find(&words_match, &w) : -1;

	if (index == MATCH_EXPR ||
	    (index >= 0 && index < WEIR_FIELD_COUNT && field_type[index] == FIELD_FLAG)) {
		parser_next(p);
		if (index == MATCH_EXPR)
			take_expr(p, r, w.loc, true);
		else
			take_flag(p, r, (enum weir_field)index, w.loc, true);
	} else if (index > MATCH_NOT) {
		build_error(&p->build, at, NULL, "write \"proto != %s\"", words_match.words[index]);
	} else if (index >= 0 && index != MATCH_NOT) {
		build_error(&p->build, at, NULL, "write \"%s != ...\"", words_match.words[index]);
	} else {
		parser_expected(p, "fragment, established or expr");
	}
}

static void second_action(struct parser *p, const struct word *w)
{
	build_error(&p->build, w->loc, NULL, "a rule has one action; " WORD_FMT " is a second one",
		    WORD_ARGS(w));
}

static void take_match(struct parser *p, struct rule *r)
{
	struct word w = parser_word(&p->token);
	int index;

	index = vocabulary_find(&words_match, &w);
	if (index < 0) {
		if (vocabulary_find(&words_action, &w) >= 0)
			second_action(p, &w);
		else if (!parser_is_late(p, &w))
			build_keyword(&p->build, &w, &words_match);
		return;
	}
	parser_next(p);
	if (index < WEIR_FIELD_COUNT && field_type[index] == FIELD_FLAG)
		take_flag(p, r, (enum weir_field)index, w.loc, false);
	else if (index < WEIR_FIELD_COUNT)
		take_field(p, r, (enum weir_field)index, w.loc);
	else if (index == MATCH_EXPR)
		take_expr(p, r, w.loc, false);
	else if (index == MATCH_NOT)
		take_negated(p, r, w.loc);
	else if (index == MATCH_FLAGS)
		take_flags(p, r, w.loc);
	else
		take_protocol(p, r, &w);
}

static void take_rule(struct parser *p, struct filter *f)
{
	struct word name, action;
	struct rule *r;

	if (!parser_take_word(p, "a rule name", &name) ||
	    !parser_take_word(p, "an action, such as pass or drop,", &action))
		return;
	r = build_rule(&p->build, f, &name, &action);
	if (r)
		parser_action(p, r);
	while (r && !p->build.failed && p->token.kind == TOKEN_WORD)
		take_match(p, r);
	if (!r || p->build.failed)
		return;
	if (p->token.kind == TOKEN_NOT_EQUAL)
		parser_expected(p, "a field");
	else if (p->token.kind == TOKEN_COMMA)
		build_error(&p->build, p->token.loc, NULL,
			    "a list of values stands in braces; write { a, b }");
	else if (!parser_at_end(p))
		parser_expected(p, "a match");
	build_rule_end(&p->build, r);
}

static void filter_statement(struct parser *p, void *object, int word, struct loc at)
{
	struct filter *f = object;
	struct word w;
	int action;

	(void)at;
	if (word == FILTER_RULE) {
		if (!parser_rule_plain(p, f))
			take_rule(p, f);
		return;
	}
	if (!parser_take_value(p, "pass, drop or reject", &w))
		return;
	action = build_keyword(&p->build, &w, &words_default);
	f->default_action = build_default(action);
}

/* Lines up to the "}" that begins one: about as many rules as there are. */
static size_t count_lines(const struct lexer *l)
{
	const char *at = l->at;
	size_t lines = 0;

	while ((at = memchr(at, '\n', (size_t)(l->end - at))) && ++at < l->end && *at != '}')
		lines++;
	return lines;
}

void parser_filter(struct parser *p)
{
	static const struct block block = { &words_filter, 1U << FILTER_DEFAULT, filter_statement };
	struct filter *f;
	struct word name;

	if (!parser_take_word(p, "a filter name", &name)) {
		p->build.names_lost = true;
		return;
	}
	f = build_filter(&p->build, &name);
	if (f)
		build_expect_rules(&p->build, f, count_lines(&p->lexer));
	parser_take_block(p, &block, &name, f);
}
