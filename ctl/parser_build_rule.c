// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser_build.h"

#include <netinet/in.h>
#include <string.h>

#include "ranges.h"

struct rule *build_rule(struct build *b, struct filter *f, const struct word *name,
			const struct word *action)
{
	struct rule r = { .loc = name->loc };
	int index;

	if (vocabulary_find(&words_action, name) >= 0 &&
	    vocabulary_find(&words_match, action) >= 0) {
		build_error(b, name->loc, NULL, "the rule has no name; write rule NAME %.*s ...",
			    (int)name->size, name->text);
		return NULL;
	}
	index = build_keyword(b, action, &words_action);
	if (!build_name(b, name, "rule", r.name) || index < 0 ||
	    !RESERVE(b, f->rules, f->rules_count))
		return NULL;
	r.action = (enum weir_action)index;
	f->rules[f->rules_count] = r;
	return &f->rules[f->rules_count++];
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
	enum ref_kind kind = field == WEIR_FIELD_SADDR || field == WEIR_FIELD_DADDR ? REF_SET_PREFIX
			     : field == WEIR_FIELD_SPORT || field == WEIR_FIELD_DPORT
				     ? REF_SET_PORT
				     : REF_SET_NONE;
	char name[NAME_BYTES];
	struct word bare = *w;

	bare.kind = WORD_PLAIN;
	if (kind == REF_SET_NONE) {
		build_error(b, w->loc, NULL, "%s takes no set; write its values in { }",
			    words_match.words[field]);
		return false;
	}
	return build_name(b, &bare, "set", name) && build_ref(b, kind, w);
}

static void add_match_set(struct build *b, struct match *m, const struct word *w)
{
	for (size_t i = 0; i < m->sets_count; i++) {
		if (word_is(&(struct word){ .text = w->text, .size = w->size }, m->sets[i]))
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

void build_match_value(struct build *b, struct rule *r, enum weir_field field, const struct word *w)
{
	struct match *m = &r->match[field];

	if (w->kind != WORD_SET)
		add_match_ranges(b, m, rule_value_kind(r, field), w);
	else if (build_count_value(b, w) && set_fits(b, field, w))
		add_match_set(b, m, w);
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

static bool may_be(const struct match *proto, unsigned int number)
{
	bool inside = false;

	for (size_t i = 0; i < proto->ranges_count; i++)
		inside |= proto->ranges[i].first_lo <= number && number <= proto->ranges[i].last_lo;
	return !proto->present || inside != proto->negated;
}

/* Whether all protocols that the rule names are ICMP of some family. */
static bool names_icmp(const struct match *proto)
{
	for (size_t i = 0; i < proto->ranges_count; i++) {
		const range *r = &proto->ranges[i];

		if (r->first_lo != r->last_lo ||
		    (r->first_lo != IPPROTO_ICMP && r->first_lo != IPPROTO_ICMPV6))
			return false;
	}
	return proto->present && !proto->negated;
}

static void check_ports(struct build *b, const struct rule *r)
{
	static const __u8 with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP,
					   IPPROTO_UDPLITE };
	const struct match *sport = &r->match[WEIR_FIELD_SPORT];
	const struct match *dport = &r->match[WEIR_FIELD_DPORT];
	bool possible = false;

	if (!sport->present && !dport->present)
		return;
	for (size_t i = 0; i < sizeof(with_ports); i++)
		possible |= may_be(&r->match[WEIR_FIELD_PROTO], with_ports[i]);
	if (!possible)
		build_error(b, build_loc(b, sport->present ? sport->at : dport->at), NULL,
			    "rule %s can never match; its protocol has no ports", r->name);
}

static void imply_tcp(struct build *b, struct rule *r)
{
	struct match *proto = &r->match[WEIR_FIELD_PROTO];

	if (proto->present) {
		build_error(b, build_loc(b, r->tcp_flags.at), NULL,
			    "rule %s looks at TCP flags but not only at tcp; write \"tcp\"",
			    r->name);
		return;
	}
	if (!RESERVE(b, proto->ranges, 0))
		return;
	range_set(&proto->ranges[0], IPPROTO_TCP, IPPROTO_TCP);
	proto->ranges_count = 1;
	proto->present = true;
	proto->at = r->tcp_flags.at;
}

void build_rule_end(struct build *b, struct rule *r)
{
	const struct match *type = &r->match[WEIR_FIELD_ICMP_TYPE];

	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		struct match *m = &r->match[f];

		m->ranges_count = (__u32)ranges_normalise(m->ranges, m->ranges_count);
		if (m->present && !m->ranges_count && !m->sets_count)
			build_error(b, build_loc(b, m->at), NULL,
				    "the list of %s is empty; name a value", words_match.words[f]);
	}
	if (b->failed)
		return;
	if (r->tcp_flags.present && !match_is_only(&r->match[WEIR_FIELD_PROTO], IPPROTO_TCP))
		imply_tcp(b, r);
	if (type->present && !names_icmp(&r->match[WEIR_FIELD_PROTO]))
		build_error(b, build_loc(b, type->at),
			    "types of icmp and icmpv6 have different numbers",
			    "\"type\" needs icmp or icmpv6 in rule %s; write it before \"type\"",
			    r->name);
	check_ports(b, r);
}
