// SPDX-License-Identifier: GPL-2.0-or-later
/* Filters of the JSON twin, through the setters that the text parser uses. */
#include <stdlib.h>
#include <string.h>

#include "json_node.h"

#define KEYWORD(sym, keyword, ...) keyword,

NODE_KEYS(filter_keys, "name", "default", "rules");
NODE_KEYS(rule_keys, "name", "action", WEIR_FIELDS(KEYWORD) "flags", "expr", "limit", "sample",
	  "mark");
NODE_KEYS(match_keys, "not", "in");
NODE_KEYS(limit_keys, "rate", "per_s", "burst", "per");

struct match_target {
	struct rule *rule;
	int word; /* enum match_word */
	bool negated;
	struct loc at;
};

static void add_match_value(struct build *b, void *arg, const struct word *w)
{
	struct match_target *t = arg;
	struct expr_match *expr;

	if (t->word == MATCH_FLAGS) {
		if (build_flags(b, t->rule, w, t->at))
			t->rule->tcp_flags.negated = t->negated;
	} else if (t->word == MATCH_EXPR) {
		expr = build_expr(b, t->rule, w, t->at);
		if (expr)
			expr->negated = t->negated;
	} else {
		build_match_value(b, t->rule, (enum weir_field)t->word, w);
	}
}

/* "fragment": true, or false for "not fragment". */
static void import_flag(struct build *b, struct rule *r, enum weir_field field,
			const struct node *n)
{
	struct match *m;

	if (!node_is(b, n, JSON_TRUE))
		return;
	m = build_match_flag(b, r, field, n->at);
	if (m)
		m->negated = json_is_false(n->json);
}

static void import_match(struct build *b, struct rule *r, int word, const struct node *n)
{
	struct match_target target = { r, word, false, n->at };
	struct node in = *n;
	struct match *m;

	if (json_is_object(n->json)) {
		if (!node_has_only(b, n, &match_keys))
			return;
		target.negated = node_is_true(b, n, "not");
		in = node_member(b, n, "in");
		if (!in.json) {
			build_error(b, n->at, NULL, "\"in\" is missing; add a list of values");
			return;
		}
	}
	if (word < MATCH_FLAGS) {
		m = build_match(b, r, (enum weir_field)word, n->at);
		if (!m)
			return;
		m->negated = target.negated;
	} else if (json_is_array(in.json) && json_array_size(in.json) != 1) {
		build_error(b, in.at, NULL, "%s takes one value; write one string",
			    words_match.words[word]);
		return;
	}
	node_each_value(b, &in, add_match_value, &target);
}

static void set_burst(struct build *b, void *arg, const struct word *w)
{
	build_limit_burst(b, arg, w);
}

static void set_mark(struct build *b, void *arg, const struct word *w)
{
	build_mark(b, arg, w);
}

/* An integer that must be there, if @fallback is 0. */
static json_int_t integer(struct build *b, const struct node *object, const char *key,
			  json_int_t fallback, struct loc *at)
{
	struct node n = node_member_of(b, object, key, JSON_INTEGER);

	*at = n.json ? n.at : object->at;
	if (!n.json && !fallback)
		build_error(b, object->at, NULL, "\"%s\" is missing; add a number", key);
	return n.json ? json_integer_value(n.json) : fallback;
}

void json_import_limit(struct build *b, struct limit *l, const struct node *n)
{
	struct loc rate_at, per_s_at;
	json_int_t rate, per_s;
	struct node burst;
	struct word w;
	char text[32];

	if (!node_has_only(b, n, &limit_keys))
		return;
	rate = integer(b, n, "rate", 0, &rate_at);
	per_s = integer(b, n, "per_s", 1, &per_s_at);
	if (per_s != 1 && per_s != 60 && per_s != 3600)
		build_error(b, per_s_at, NULL, "a rate is per 1, 60 or 3600 seconds; write one");
	if (b->failed)
		return;
	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT "/%s", rate,
		 value_unit_text((__u16)per_s));
	build_limit_rate(b, l,
			 &(struct word){ .text = text, .size = strlen(text), .loc = rate_at });
	burst = node_member(b, n, "burst");
	if (burst.json)
		node_one_value(b, &burst, set_burst, l);
	if (node_optional(b, n, "per", &w))
		build_limit_per(b, l, &w);
}

static void import_limit(struct build *b, struct rule *r, const struct node *n)
{
	json_import_limit(b, &r->limit, n);
}

static void import_sample(struct build *b, struct rule *r, const struct node *n)
{
	char text[32];

	if (!node_is(b, n, JSON_INTEGER))
		return;
	snprintf(text, sizeof(text), "1/%" JSON_INTEGER_FORMAT, json_integer_value(n->json));
	build_log_sample(b, r, &(struct word){ .text = text, .size = strlen(text), .loc = n->at });
}

static void import_mark(struct build *b, struct rule *r, const struct node *n)
{
	node_one_value(b, n, set_mark, r);
}

/* What an action has beside it, and whether it may be left out. */
static void import_action(struct build *b, struct rule *r, const struct node *rule)
{
	static const struct {
		const char *key;
		enum weir_action action;
		bool is_needed;
		void (*import)(struct build *b, struct rule *r, const struct node *n);
	} parts[] = {
		{ "limit", WEIR_ACTION_LIMIT, true, import_limit },
		{ "sample", WEIR_ACTION_LOG, false, import_sample },
		{ "mark", WEIR_ACTION_MARK, true, import_mark },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct node n = node_member(b, rule, parts[i].key);

		if (n.json && r->action == parts[i].action)
			parts[i].import(b, r, &n);
		else if (n.json)
			build_error(b, n.at, NULL, "\"%s\" belongs to the action \"%s\"",
				    parts[i].key, words_action.words[parts[i].action]);
		else if (r->action == parts[i].action && parts[i].is_needed)
			build_error(b, rule->at, NULL, "\"%s\" is missing; add it", parts[i].key);
	}
}

static void import_rule(struct build *b, void *arg, const struct node *n)
{
	struct word name, action;
	struct rule *r;

	if (!node_has_only(b, n, &rule_keys) || !node_required(b, n, "name", &name) ||
	    !node_required(b, n, "action", &action) || !(r = build_rule(b, arg, &name, &action)))
		return;
	import_action(b, r, n);
	/* proto comes before type, whose names depend on it */
	for (int i = 0; i <= MATCH_EXPR; i++) {
		struct node match = node_member(b, n, words_match.words[i]);

		if (!match.json)
			continue;
		if (i < WEIR_FIELD_COUNT && field_type[i] == FIELD_FLAG)
			import_flag(b, r, (enum weir_field)i, &match);
		else
			import_match(b, r, i, &match);
	}
	if (!b->failed)
		build_rule_end(b, r);
}

void json_import_filter(struct build *b, void *arg, const struct node *n)
{
	struct filter *f;
	struct word w;

	(void)arg;
	if (!node_has_only(b, n, &filter_keys) || !node_required(b, n, "name", &w) ||
	    !(f = build_filter(b, &w))) {
		b->names_lost = true;
		return;
	}
	if (node_optional(b, n, "default", &w))
		f->default_action = build_default(build_keyword(b, &w, &words_default));
	node_each_object(b, n, "rules", import_rule, f);
}
