// SPDX-License-Identifier: GPL-2.0-or-later
/* A rule's action, and what must fit together in a rule. */
#include <netinet/in.h>
#include <string.h>

#include "parser_build.h"
#include "ranges.h"

/* Words that value_*() reads; sets are none of them. */
static bool plain_text(struct build *b, const struct word *w, char text[WORD_TEXT_BYTES])
{
	word_text(w, text, WORD_TEXT_BYTES);
	if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "a set cannot stand here; write a value");
	return w->kind != WORD_SET;
}

void build_limit_rate(struct build *b, struct limit *l, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (!plain_text(b, w, text))
		return;
	if (!value_rate(text, l, &why))
		build_problem(b, w, &why);
	l->burst = value_default_burst(l);
}

void build_limit_burst(struct build *b, struct limit *l, const struct word *w)
{
	unsigned int burst;

	if (build_number(b, w, "burst", 1, LIMIT_BURST_MAX, &burst))
		l->burst = burst;
}

void build_limit_per(struct build *b, struct limit *l, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (plain_text(b, w, text) && !value_limit_per(text, l, &why))
		build_problem(b, w, &why);
}

void build_log_sample(struct build *b, struct rule *r, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (plain_text(b, w, text) && !value_sample(text, &r->log_sample, &why))
		build_problem(b, w, &why);
}

void build_mark(struct build *b, struct rule *r, const struct word *w)
{
	char text[WORD_TEXT_BYTES];
	struct problem why;

	if (plain_text(b, w, text) && !value_mark(text, &r->mark, &why))
		build_problem(b, w, &why);
}

enum weir_action build_default(int index)
{
	static const enum weir_action actions[] = { WEIR_ACTION_PASS, WEIR_ACTION_DROP,
						    WEIR_ACTION_REJECT };

	return index < 0 ? WEIR_ACTION_PASS : actions[index];
}

/*
 * A backslash takes a quote or a backslash as it is; before anything else it
 * stays, as pcap-filter(7) writes "ip proto \\tcp".
 */
static char *expr_text(struct build *b, const struct word *w)
{
	char *text = build_copy(b, w);
	size_t used = 0;

	for (size_t i = 0; text && i < w->size; i++) {
		if (w->kind == WORD_STRING && text[i] == '\\' && i + 1 < w->size &&
		    (text[i + 1] == '"' || text[i + 1] == '\\'))
			i++;
		text[used++] = text[i];
	}
	if (text)
		text[used] = 0;
	return text;
}

/* Where the text begins: behind the quote. A define's is where it is used. */
static struct loc inside_quotes(const struct word *w)
{
	struct loc at = w->loc;

	if (w->kind != WORD_STRING || w->define || !at.line || at.width < 2)
		return at;
	at.column++;
	at.width = at.width > 2 ? at.width - 2 : 1;
	return at;
}

static bool is_blank(const struct word *w)
{
	for (size_t i = 0; i < w->size; i++) {
		if (w->text[i] != ' ' && w->text[i] != '\t')
			return false;
	}
	return true;
}

static bool has_control(const struct word *w)
{
	for (size_t i = 0; i < w->size; i++) {
		if ((unsigned char)w->text[i] < ' ' || w->text[i] == 0x7f)
			return true;
	}
	return false;
}

struct expr_match *build_expr(struct build *b, struct rule *r, const struct word *w, struct loc at)
{
	struct expr_match *e = &r->expr;

	if (e->text)
		build_error(b, at, NULL, "rule %s has expr twice; join them with \"and\"", r->name);
	else if (w->kind == WORD_SET)
		build_error(b, w->loc, NULL, "expr takes no set; write saddr or daddr beside it");
	else if (is_blank(w))
		build_error(b, w->loc, NULL, "the expression is empty; write one, or delete expr");
	else if (w->size > EXPR_BYTES_MAX)
		build_error(b, w->loc, NULL, "an expression has at most %d bytes; shorten it",
			    EXPR_BYTES_MAX);
	else if (has_control(w))
		build_error(b, w->loc, NULL, "an expression has no control characters");
	if (b->failed)
		return NULL;
	e->loc = inside_quotes(w);
	e->text = expr_text(b, w);
	return e;
}

static bool may_be(const struct match *proto, unsigned int number)
{
	return !proto->present ||
	       ranges_hold(proto->ranges, proto->ranges_count, number) != proto->negated;
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

bool rule_may_have_ports(const struct rule *r)
{
	static const __u8 with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP,
					   IPPROTO_UDPLITE };
	bool possible = false;

	for (size_t i = 0; i < sizeof(with_ports); i++)
		possible |= may_be(&r->match[WEIR_FIELD_PROTO], with_ports[i]);
	return possible;
}

static void check_ports(struct build *b, const struct rule *r)
{
	const struct match *sport = &r->match[WEIR_FIELD_SPORT];
	const struct match *dport = &r->match[WEIR_FIELD_DPORT];

	if ((sport->present || dport->present) && !rule_may_have_ports(r))
		build_error(b, build_loc(b, sport->present ? sport->at : dport->at), NULL,
			    "rule %s can never match; its protocol has no ports", r->name);
}

static void imply_tcp(struct build *b, struct rule *r)
{
	struct match *proto = &r->match[WEIR_FIELD_PROTO];
	const range tcp = { .first_lo = IPPROTO_TCP, .last_lo = IPPROTO_TCP };

	if (proto->present) {
		build_error(b, build_loc(b, r->tcp_flags.at), NULL,
			    "rule %s looks at TCP flags but not only at tcp; write \"tcp\"",
			    r->name);
		return;
	}
	if (!RESERVE(b, proto->ranges, 0))
		return;
	proto->ranges[0] = tcp;
	proto->ranges_count = 1;
	proto->present = true;
	proto->at = r->tcp_flags.at;
}

void build_rule_end(struct build *b, struct rule *r)
{
	const struct match *type = &r->match[WEIR_FIELD_ICMP_TYPE];
	const struct match *code = &r->match[WEIR_FIELD_ICMP_CODE];

	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		struct match *m = &r->match[f];

		if (!m->present)
			continue;
		m->ranges_count = (__u32)ranges_normalise(m->ranges, m->ranges_count);
		if (!m->ranges_count && !m->sets_count &&
		    !(f == WEIR_FIELD_IFACE && r->interfaces_count))
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
	if (code->present && !type->present)
		build_error(b, build_loc(b, code->at), NULL,
			    "\"code\" needs a type in rule %s; a code's meaning depends on it",
			    r->name);
	check_ports(b, r);
}
