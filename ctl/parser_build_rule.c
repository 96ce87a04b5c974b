// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_build.h"

#include <netinet/in.h>
#include <string.h>

#include "ranges.h"

/* "rule limit 200/s" and "rule mark 7" lack a name, too. */
static bool starts_number(const struct word *w)
{
	return w->size && w->text[0] >= '0' && w->text[0] <= '9';
}

struct rule *build_rule(struct build *b, struct filter *f, const struct word *name,
			const struct word *action)
{
	struct rule *r;
	int index;

	if (vocabulary_find(&words_action, name) >= 0 &&
	    (vocabulary_find(&words_match, action) >= 0 || starts_number(action))) {
		build_error(b, name->loc, NULL, "the rule has no name; write rule NAME %.*s ...",
			    (int)name->size, name->text);
		return NULL;
	}
	index = build_keyword(b, action, &words_action);
	if (index < 0 || !RESERVE(b, f->rules, f->rules_count))
		return NULL;
	r = &f->rules[f->rules_count];
	memset(r, 0, sizeof(*r));
	if (!build_name(b, name, "rule", r->name))
		return NULL;
	r->loc = name->loc;
	r->action = (enum weir_action)index;
	r->log_sample = r->action == WEIR_ACTION_LOG;
	f->rules_count++;
	return r;
}

struct match *build_match(struct build *b, struct rule *r, enum weir_field field, struct loc at)
{
	struct match *m = &r->match[field];

	if (m->present) {
		build_error(b, at, NULL,
			    "rule %s has %s twice; put the values into one list, { a, b }", r->name,
			    field == WEIR_FIELD_PROTO ? "a protocol" : words_match.words[field]);
		return NULL;
	}
	m->present = true;
	m->at = build_spot(at);
	return m;
}

static bool set_fits(struct build *b, enum weir_field field, const struct word *w)
{
	static const enum ref_kind kinds[WEIR_FIELD_COUNT] = {
		[WEIR_FIELD_SADDR] = REF_SET_ADDR,	[WEIR_FIELD_DADDR] = REF_SET_ADDR,
		[WEIR_FIELD_SPORT] = REF_SET_PORT,	[WEIR_FIELD_DPORT] = REF_SET_PORT,
		[WEIR_FIELD_IFACE] = REF_SET_INTERFACE,
	};
	char name[NAME_BYTES];
	struct word bare = *w;

	bare.kind = WORD_PLAIN;
	if (kinds[field] == REF_FILTER) {
		build_error(b, w->loc, NULL, "%s takes no set; write its values in { }",
			    words_match.words[field]);
		return false;
	}
	return build_name(b, &bare, "set", name) && build_ref(b, kinds[field], w);
}

/* Each is compared with those before it. */
#define MATCH_SETS_MAX 1000
#define RULE_SETS_MAX 230 /* of those that are looked up: a rule has 255 conditions */
#define MATCH_NAMES_MAX 1000

/* Values of sets of ports become the rule's own; other sets are a condition each. */
static size_t looked_up(const struct rule *r)
{
	return r->match[WEIR_FIELD_SADDR].sets_count + r->match[WEIR_FIELD_DADDR].sets_count +
	       r->match[WEIR_FIELD_IFACE].sets_count;
}

static bool is_looked_up(enum weir_field field)
{
	return field == WEIR_FIELD_SADDR || field == WEIR_FIELD_DADDR || field == WEIR_FIELD_IFACE;
}

static void add_match_set(struct build *b, struct rule *r, enum weir_field field,
			  const struct word *w)
{
	struct match *m = &r->match[field];

	for (size_t i = 0; i < m->sets_count; i++) {
		if (word_is(&(struct word){ .text = w->text, .size = w->size }, m->sets[i]))
			return;
	}
	if (m->sets_count == MATCH_SETS_MAX) {
		build_error(b, w->loc, NULL, "over %d sets in one match; join some",
			    MATCH_SETS_MAX);
		return;
	}
	if (is_looked_up(field) && looked_up(r) == RULE_SETS_MAX) {
		build_error(b, w->loc, NULL,
			    "over %d sets of addresses and interfaces in rule %s; join some, or "
			    "write two rules",
			    RULE_SETS_MAX, r->name);
		return;
	}
	if (!RESERVE(b, m->sets, m->sets_count))
		return;
	m->sets[m->sets_count] = build_copy(b, w);
	m->sets_count += m->sets[m->sets_count] != NULL;
}

static void add_match_ranges(struct build *b, struct match *m, enum value_kind kind,
			     const struct word *w)
{
	size_t count = m->ranges_count;

	build_ranges(b, &m->ranges, &count, kind, w);
	m->ranges_count = (__u32)count;
}

/* "@" begins a set in JSON, so a name cannot begin with it. */
static void add_interface(struct build *b, struct rule *r, const struct word *w)
{
	if (!build_count_value(b, w) || !build_interface_name(b, w))
		return;
	if (w->text[0] == '@') {
		build_error(b, w->loc, NULL, "a name here cannot begin with \"@\"; use a pattern");
		return;
	}
	for (size_t i = 0; i < r->interfaces_count; i++) {
		if (word_is(w, r->interfaces[i]))
			return;
	}
	if (r->interfaces_count == MATCH_NAMES_MAX) {
		build_error(b, w->loc, NULL, "over %d interfaces in one match; use patterns",
			    MATCH_NAMES_MAX);
		return;
	}
	if (!RESERVE(b, r->interfaces, r->interfaces_count))
		return;
	r->interfaces[r->interfaces_count] = build_copy(b, w);
	r->interfaces_count += r->interfaces[r->interfaces_count] != NULL;
}

void build_match_value(struct build *b, struct rule *r, enum weir_field field, const struct word *w)
{
	struct match *m = &r->match[field];

	if (w->kind == WORD_SET) {
		if (build_count_value(b, w) && set_fits(b, field, w))
			add_match_set(b, r, field, w);
	} else if (field == WEIR_FIELD_IFACE) {
		add_interface(b, r, w);
	} else {
		add_match_ranges(b, m, rule_value_kind(r, field), w);
	}
}

static void set_one_range(struct build *b, struct match *m, const range *only)
{
	if (!RESERVE(b, m->ranges, 0))
		return;
	m->ranges[0] = *only;
	m->ranges_count = 1;
}

void build_match_compared(struct build *b, struct rule *r, enum weir_field field, enum compare how,
			  const struct word *w)
{
	enum value_kind kind = rule_value_kind(r, field);
	char text[WORD_TEXT_BYTES];
	struct problem why;
	range result;

	word_text(w, text, sizeof(text));
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "a set cannot stand here; write a number");
	else if (!build_count_value(b, w))
		return;
	else if (!value_compared(kind, how, text, &result, &why))
		build_problem(b, w, &why);
	else
		set_one_range(b, &r->match[field], &result);
}

struct match *build_match_flag(struct build *b, struct rule *r, enum weir_field field,
			       struct loc at)
{
	struct match *m = &r->match[field];
	const range one = { .first_lo = 1, .last_lo = 1 };

	if (m->present) {
		build_error(b, at, NULL, "rule %s has %s twice; keep one", r->name,
			    words_match.words[field]);
		return NULL;
	}
	m->present = true;
	m->at = build_spot(at);
	set_one_range(b, m, &one);
	return m;
}

struct tcp_flags_match *build_flags(struct build *b, struct rule *r, const struct word *w,
				    struct loc at)
{
	struct tcp_flags_match *flags = &r->tcp_flags;
	struct problem why;
	char text[WORD_TEXT_BYTES];

	if (flags->present) {
		build_error(b, at, NULL, "rule %s has flags twice; write one FLAGS/MASK", r->name);
		return NULL;
	}
	flags->present = true;
	flags->at = build_spot(at);
	word_text(w, text, sizeof(text));
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "flags takes no set; write FLAGS/MASK");
	else if (!value_tcp_flags(text, &flags->value, &flags->mask, &why))
		build_problem(b, w, &why);
	return flags;
}
