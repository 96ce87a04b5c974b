// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules as canonical text, and the words that they are made of. */
#include <netinet/in.h>

#include "lexer.h"
#include "parser_value.h"
#include "print.h"

void print_joined(void *list, const char *word)
{
	struct print_list *l = list;

	if (l->count++)
		fputs(", ", l->out);
	fputs(word, l->out);
}

static void count_word(void *arg, const char *word)
{
	(void)word;
	++*(size_t *)arg;
}

static bool needs_quotes(const char *text)
{
	if (!*text || *text == '$' || *text == '@')
		return true;
	for (; *text; text++) {
		if (!lexer_is_word_byte((unsigned char)*text))
			return true;
	}
	return false;
}

void print_string(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void print_word(const char *text, FILE *out)
{
	if (needs_quotes(text))
		print_string(text, out);
	else
		fputs(text, out);
}

static void print_names(const struct rule *r, struct print_list *l)
{
	for (size_t i = 0; i < r->interfaces_count; i++) {
		if (l->count++)
			fputs(", ", l->out);
		print_word(r->interfaces[i], l->out);
	}
}

static bool is_one_value(const range *r)
{
	return r->first_hi == r->last_hi && r->first_lo == r->last_lo;
}

static void print_values(const struct rule *r, enum weir_field field, FILE *out)
{
	const struct match *m = &r->match[field];
	struct print_list l = { .out = out };
	enum value_kind kind = rule_value_kind(r, field);
	size_t words = m->sets_count;

	if (!m->negated && !m->sets_count &&
	    value_compared_text(kind, m->ranges, m->ranges_count, print_joined, &l))
		return;
	/* one range may be two words, of IPv4 and IPv6; one value is one */
	if (m->ranges_count == 1 && is_one_value(m->ranges))
		words++;
	else
		value_text(kind, m->ranges, m->ranges_count, count_word, &words);
	if (field == WEIR_FIELD_IFACE)
		words += r->interfaces_count;
	if (m->negated)
		fputs("!= ", out);
	if (words != 1)
		fputs("{ ", out);
	if (field == WEIR_FIELD_IFACE)
		print_names(r, &l);
	else
		value_text(kind, m->ranges, m->ranges_count, print_joined, &l);
	for (size_t i = 0; i < m->sets_count; i++) {
		fputs(l.count++ ? ", @" : "@", out);
		fputs(m->sets[i], out);
	}
	if (words != 1)
		fputs(" }", out);
}

static void print_match(const struct rule *r, enum weir_field field, FILE *out)
{
	static const unsigned int bare[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					     IPPROTO_ICMPV6 };
	const struct match *m = &r->match[field];
	bool keyword = false;

	if (!m->present)
		return;
	if (field_type[field] == FIELD_FLAG) {
		fputs(m->negated ? " not " : " ", out);
		fputs(print_field[field], out);
		return;
	}
	for (size_t i = 0; field == WEIR_FIELD_PROTO && i < sizeof(bare) / sizeof(bare[0]); i++)
		keyword |= match_is_only(m, bare[i]);
	fputc(' ', out);
	if (!keyword) {
		fputs(print_field[field], out);
		fputc(' ', out);
	}
	print_values(r, field, out);
}

static void print_flags(const struct tcp_flags_match *f, FILE *out)
{
	struct print_list l = { .out = out };

	if (!f->present)
		return;
	fputs(f->negated ? " flags != " : " flags ", out);
	value_tcp_flags_text(f->value, f->mask, print_joined, &l);
}

const char *print_limit_per(const struct limit *l, char *buf, size_t size)
{
	if (l->v4_bits == 32 && l->v6_bits == 128)
		snprintf(buf, size, "saddr");
	else
		snprintf(buf, size, "saddr/%u/%u", l->v4_bits, l->v6_bits);
	return buf;
}

void print_limit(const struct limit *l, FILE *out)
{
	char per[24];

	fprintf(out, "%u/%s", l->rate, value_unit_text(l->per_s));
	if (l->burst != value_default_burst(l))
		fprintf(out, " burst %u", l->burst);
	if (l->per_saddr)
		fprintf(out, " per %s", print_limit_per(l, per, sizeof(per)));
}

static void print_action_values(const struct rule *r, FILE *out)
{
	if (r->action == WEIR_ACTION_LIMIT) {
		fputc(' ', out);
		print_limit(&r->limit, out);
	} else if (r->action == WEIR_ACTION_LOG && r->log_sample != 1) {
		fprintf(out, " sample 1/%u", r->log_sample);
	} else if (r->action == WEIR_ACTION_MARK) {
		fprintf(out, " 0x%x", r->mark);
	}
}

static void print_expr(const struct expr_match *e, FILE *out)
{
	if (!e->text)
		return;
	fputs(e->negated ? " not expr " : " expr ", out);
	print_string(e->text, out);
}

void print_rule(const struct rule *r, FILE *out)
{
	static const enum weir_field behind_flags[] = {
		WEIR_FIELD_ICMP_TYPE,	WEIR_FIELD_ICMP_CODE, WEIR_FIELD_LENGTH,
		WEIR_FIELD_TTL,		WEIR_FIELD_DSCP,      WEIR_FIELD_FRAGMENT,
		WEIR_FIELD_ESTABLISHED, WEIR_FIELD_IFACE,     WEIR_FIELD_VLAN,
		WEIR_FIELD_ETHERTYPE,	WEIR_FIELD_SMAC,      WEIR_FIELD_DMAC,
	};

	fputs(print_action[r->action], out);
	print_action_values(r, out);
	print_match(r, WEIR_FIELD_PROTO, out);
	print_match(r, WEIR_FIELD_SADDR, out);
	print_match(r, WEIR_FIELD_SPORT, out);
	print_match(r, WEIR_FIELD_DADDR, out);
	print_match(r, WEIR_FIELD_DPORT, out);
	print_flags(&r->tcp_flags, out);
	for (size_t i = 0; i < sizeof(behind_flags) / sizeof(behind_flags[0]); i++)
		print_match(r, behind_flags[i], out);
	print_expr(&r->expr, out);
}
