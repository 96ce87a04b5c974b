// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands right behind a rule's action: limit 200/s burst 400 per saddr */
#include "parser.h"

void parser_take_limit(struct parser *p, struct limit *l, const char *kind, const char *name)
{
	unsigned int written = 0;
	struct word w;
	int word;

	if (!parser_take_value(p, "a rate, as 200/s,", &w))
		return;
	build_limit_rate(&p->build, l, &w);
	while (!p->build.failed && p->token.kind == TOKEN_WORD) {
		w = parser_word(&p->token);
		word = vocabulary_find(&words_limit, &w);
		if (word < 0)
			return;
		if (written & 1U << word)
			build_error(&p->build, w.loc, NULL, "%s %s has %s twice; keep one", kind,
				    name, words_limit.words[word]);
		written |= 1U << word;
		parser_next(p);
		if (word == LIMIT_BURST && parser_take_value(p, "a number of packets", &w))
			build_limit_burst(&p->build, l, &w);
		else if (word == LIMIT_PER && parser_take_value(p, "saddr", &w))
			build_limit_per(&p->build, l, &w);
	}
}

static void take_sample(struct parser *p, struct rule *r)
{
	struct word w = parser_word(&p->token);

	if (p->token.kind != TOKEN_WORD || !word_is(&w, "sample"))
		return;
	parser_next(p);
	if (parser_take_value(p, "a sample, as 1/100,", &w))
		build_log_sample(&p->build, r, &w);
}

void parser_action(struct parser *p, struct rule *r)
{
	struct word w;

	if (r->action == WEIR_ACTION_LIMIT)
		parser_take_limit(p, &r->limit, "rule", r->name);
	else if (r->action == WEIR_ACTION_LOG)
		take_sample(p, r);
	else if (r->action == WEIR_ACTION_MARK && parser_take_value(p, "a mark", &w))
		build_mark(&p->build, r, &w);
}

bool parser_is_late(struct parser *p, const struct word *w)
{
	static const struct {
		const char *word, *place;
	} late[] = {
		{ "burst", "limit RATE/UNIT" },
		{ "per", "limit RATE/UNIT" },
		{ "sample", "log" },
	};

	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		if (!word_is(w, late[i].word))
			continue;
		build_error(&p->build, w->loc, NULL, "\"%s\" stands right behind \"%s\"",
			    late[i].word, late[i].place);
		return true;
	}
	return false;
}
