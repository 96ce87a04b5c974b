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

static void take_field(struct parser *p, struct rule *r, enum weir_field field, struct loc at)
{
	struct values values = { r, field };
	struct match *m = build_match(&p->build, r, field, at);

	if (!m)
		return;
	m->negated = take_not(p);
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

static void second_action(struct parser *p, const struct word *w)
{
	build_error(&p->build, w->loc, NULL, "a rule has one action; " WORD_FMT " is a second one",
		    WORD_ARGS(w));
}

static void take_match(struct parser *p, struct rule *r)
{
	struct word w = parser_word(&p->token);
	int index;

	if (vocabulary_find(&words_action, &w) >= 0) {
		second_action(p, &w);
		return;
	}
	index = build_keyword(&p->build, &w, &words_match);
	if (index < 0)
		return;
	parser_next(p);
	if (index < WEIR_FIELD_COUNT)
		take_field(p, r, (enum weir_field)index, w.loc);
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
	    !parser_take_word(p, "an action, pass, drop or count,", &action))
		return;
	r = build_rule(&p->build, f, &name, &action);
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
		take_rule(p, f);
		return;
	}
	if (!parser_take_value(p, "pass or drop", &w))
		return;
	action = build_keyword(&p->build, &w, &words_default);
	f->default_action = action == 1 ? WEIR_ACTION_DROP : WEIR_ACTION_PASS;
}

void parser_filter(struct parser *p)
{
	static const struct block block = { &words_filter, 1U << FILTER_DEFAULT, filter_statement };
	struct word name;

	if (!parser_take_word(p, "a filter name", &name)) {
		p->build.names_lost = true;
		return;
	}
	parser_take_block(p, &block, &name, build_filter(&p->build, &name));
}
