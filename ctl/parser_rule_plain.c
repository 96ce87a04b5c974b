// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules as most of a large filter are, read in one go from the line they stand
 * on: pass or drop, a protocol, an address or a prefix of IPv4, a port or a range
 * of them. Tokens of thousands of such lines take longer than all else that an
 * apply does. Whatever else a line has, also what is wrong with it, is left to
 * the parser of all rules: both understand the same.
 */
#include "parser.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

#define PLAIN_FIELDS 5

static const enum weir_field plain_fields[PLAIN_FIELDS] = {
	WEIR_FIELD_PROTO, WEIR_FIELD_SADDR, WEIR_FIELD_DADDR, WEIR_FIELD_SPORT, WEIR_FIELD_DPORT,
};

static const struct plain_word {
	char text[8];
	__u8 size;
	__u8 place; /* in plain_fields */
	__u8 proto; /* that it names by itself; else 0 */
} plain_words[] = {
	{ "tcp", 3, 0, IPPROTO_TCP },	{ "saddr", 5, 1, 0 }, { "daddr", 5, 2, 0 },
	{ "dport", 5, 4, 0 },		{ "sport", 5, 3, 0 }, { "udp", 3, 0, IPPROTO_UDP },
	{ "icmp", 4, 0, IPPROTO_ICMP },
};

/* What a line says. Reads of it end at its newline, which is part of nothing here. */
struct plain {
	const char *at;
	range value[PLAIN_FIELDS];
	const char *word[PLAIN_FIELDS]; /* where the field's word is; NULL: the rule has none */
	__u8 word_bytes[PLAIN_FIELDS];
	__u8 proto;
	__u8 count;
	enum weir_action action;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct plain *p)
{
	while (is_blank(*p->at))
		p->at++;
}

/* Behind what was read a blank or the end of the line must stand. */
static bool at_end_of_word(const struct plain *p)
{
	return is_blank(*p->at) || *p->at == '\n';
}

/* Whether the word @text of @size bytes comes next, which then is taken. */
static bool take(struct plain *p, const char *text, size_t size)
{
	const char *at = p->at;

	for (size_t i = 0; i < size; i++) {
		if (at[i] != text[i])
			return false;
	}
	p->at += size;
	if (at_end_of_word(p))
		return true;
	p->at = at;
	return false;
}

static bool take_number(struct plain *p, unsigned int digits, unsigned int most, unsigned int *out)
{
	unsigned int number = 0, read = 0;

	for (; is_digit(*p->at) && read < digits; read++)
		number = number * 10 + (unsigned int)(*p->at++ - '0');
	*out = number;
	return read && number <= most;
}

/* As inet_pton() takes it: without leading zeros. */
static bool take_v4(struct plain *p, __u32 *out)
{
	__u32 addr = 0;

	for (int i = 0; i < 4; i++) {
		unsigned int byte;

		if (i && *p->at++ != '.')
			return false;
		if (*p->at == '0' && is_digit(p->at[1]))
			return false;
		if (!take_number(p, 3, 255, &byte))
			return false;
		addr = addr << 8 | byte;
	}
	*out = addr;
	return true;
}

static bool take_prefix(struct plain *p, range *out)
{
	__u32 addr, hosts = 0;
	unsigned int length;

	if (!take_v4(p, &addr))
		return false;
	if (*p->at == '/') {
		p->at++;
		if (!take_number(p, 2, 32, &length))
			return false;
		hosts = (__u32)(0xffffffffULL >> length);
	}
	range_set(out, V4_FIRST | addr, V4_FIRST | addr | hosts);
	return !(addr & hosts);
}

static bool take_ports(struct plain *p, range *out)
{
	unsigned int first, last;

	if (!take_number(p, 5, 65535, &first))
		return false;
	last = first;
	if (*p->at == '-') {
		p->at++;
		if (!take_number(p, 5, 65535, &last))
			return false;
	}
	range_set(out, first, last);
	return first <= last;
}

static bool take_value(struct plain *p, const struct plain_word *w)
{
	range *out = &p->value[w->place];

	if (w->proto) {
		p->proto = w->proto;
		range_set(out, w->proto, w->proto);
		return true;
	}
	skip_blanks(p);
	if (plain_fields[w->place] == WEIR_FIELD_SADDR ||
	    plain_fields[w->place] == WEIR_FIELD_DADDR)
		return take_prefix(p, out) && at_end_of_word(p);
	return take_ports(p, out) && at_end_of_word(p);
}

static bool take_match(struct plain *p)
{
	for (size_t i = 0; i < sizeof(plain_words) / sizeof(plain_words[0]); i++) {
		const struct plain_word *w = &plain_words[i];
		const char *at = p->at;

		if (*at != w->text[0] || !take(p, w->text, w->size))
			continue;
		if (p->word[w->place])
			return false;
		p->word[w->place] = at;
		p->word_bytes[w->place] = w->size;
		p->count++;
		return take_value(p, w);
	}
	return false;
}

static bool take_line(struct plain *p)
{
	skip_blanks(p);
	if (take(p, "pass", 4))
		p->action = WEIR_ACTION_PASS;
	else if (take(p, "drop", 4))
		p->action = WEIR_ACTION_DROP;
	else
		return false;
	for (skip_blanks(p); *p->at != '\n'; skip_blanks(p)) {
		if (!take_match(p))
			return false;
	}
	return p->proto != IPPROTO_ICMP || !(p->word[3] || p->word[4]);
}

static bool is_name(const struct token *t)
{
	for (size_t i = 0; i < t->size; i++) {
		char c = t->text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
			continue;
		if (!i || !(is_digit(c) || c == '-' || c == '.'))
			return false;
	}
	return t->size && t->size < NAME_BYTES;
}

/* False without memory for it. */
static bool fill_match(struct parser *p, struct match *m, const struct plain *line, int place)
{
	struct loc at = p->token.loc;

	m->ranges = malloc(sizeof(*m->ranges));
	if (!m->ranges)
		return false;
	m->ranges[0] = line->value[place];
	m->ranges_count = 1;
	m->present = true;
	at.column = (unsigned int)(line->word[place] - p->lexer.line_start) + 1;
	at.width = line->word_bytes[place];
	m->at = build_spot(at);
	return true;
}

static bool add_rule(struct parser *p, struct filter *f, const struct plain *line)
{
	struct build *b = &p->build;
	struct rule *r;
	bool fits = true;

	if (!RESERVE(b, f->rules, f->rules_count))
		return false;
	r = &f->rules[f->rules_count];
	memset(r, 0, sizeof(*r));
	memcpy(r->name, p->token.text, p->token.size);
	r->loc = p->token.loc;
	r->action = line->action;
	for (int i = 0; i < PLAIN_FIELDS && fits; i++) {
		if (line->word[i])
			fits = fill_match(p, &r->match[plain_fields[i]], line, i);
	}
	if (fits) {
		f->rules_count++;
		b->values += line->count;
		return true;
	}
	for (int i = 0; i < PLAIN_FIELDS; i++)
		free(r->match[plain_fields[i]].ranges);
	return false;
}

bool parser_rule_plain(struct parser *p, struct filter *f)
{
	struct lexer *l = &p->lexer;
	struct plain line = { .at = l->at };

	if (p->token.kind != TOKEN_WORD || !is_name(&p->token) ||
	    p->build.values > VALUES_MAX - PLAIN_FIELDS || l->at == l->end ||
	    !memchr(l->at, '\n', (size_t)(l->end - l->at)) || !take_line(&line) ||
	    !add_rule(p, f, &line))
		return false;
	l->at = line.at;
	parser_next(p);
	return true;
}
