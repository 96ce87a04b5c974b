// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as canonical text. */
#include "print.h"

#include <arpa/inet.h>
#include <string.h>

#include "lexer.h"
#include "parser_value.h"

#define KEYWORD(sym, keyword, ...) keyword,

const char *const print_action[] = { WEIR_ACTIONS(KEYWORD) };
const char *const print_forward[] = { WEIR_FORWARDS(KEYWORD) };
const char *const print_field[] = { WEIR_FIELDS(KEYWORD) };
const char *const print_xdp[] = { NULL, "auto", "native", "generic" };
const char *const print_tc[] = { NULL, "auto", "tcx", "clsact" };
const char *const print_set_type[] = { "prefix", "port", "address", "address+port", "interface" };

const char *print_port_proto(__u8 proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

/* Words joined by ", ". */
struct joined {
	FILE *out;
	size_t count;
};

static void join(void *arg, const char *word)
{
	struct joined *j = arg;

	fprintf(j->out, "%s%s", j->count++ ? ", " : "", word);
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

static void print_string(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_interface(const struct interface *i, FILE *out)
{
	fputs("interface ", out);
	if (needs_quotes(i->pattern))
		print_string(i->pattern, out);
	else
		fputs(i->pattern, out);
	fputs(" {\n", out);
	if (i->xdp != XDP_MODE_NONE)
		fprintf(out, "    xdp %s\n", print_xdp[i->xdp]);
	if (i->tc != TC_MODE_NONE)
		fprintf(out, "    tc %s\n", print_tc[i->tc]);
	if (i->filter[0])
		fprintf(out, "    filter %s\n", i->filter);
	fprintf(out, "%s%s%s}\n", i->balance ? "    balance\n" : "", i->decap ? "    decap\n" : "",
		i->measure ? "    measure\n" : "");
}

static void print_elements(const struct set *s, FILE *out)
{
	struct joined j = { .out = out };

	fputs("    elements { ", out);
	value_text(s->type == SET_PORT ? VALUE_PORT : VALUE_ADDR, s->elements, s->elements_count,
		   join, &j);
	fputs(j.count ? " }\n" : "}\n", out);
}

static void print_set(const struct set *s, enum model_print how, FILE *out)
{
	fprintf(out, "set %s {\n    type %s\n", s->name, print_set_type[s->type]);
	if (s->file) {
		fputs("    file ", out);
		print_string(s->file, out);
		fputc('\n', out);
	}
	if (!s->file || how == MODEL_PRINT_STORED)
		print_elements(s, out);
	fputs("}\n", out);
}

static void print_values(const struct rule *r, enum weir_field field, FILE *out)
{
	const struct match *m = &r->match[field];
	struct joined j = { .out = out };
	enum value_kind kind = rule_value_kind(r, field);
	size_t words = m->sets_count;

	value_text(kind, m->ranges, m->ranges_count, count_word, &words);
	if (m->negated)
		fputs("!= ", out);
	if (words != 1)
		fputs("{ ", out);
	value_text(kind, m->ranges, m->ranges_count, join, &j);
	for (size_t i = 0; i < m->sets_count; i++)
		fprintf(out, "%s@%s", j.count++ ? ", " : "", m->sets[i]);
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
	for (size_t i = 0; field == WEIR_FIELD_PROTO && i < sizeof(bare) / sizeof(bare[0]); i++)
		keyword |= match_is_only(m, bare[i]);
	fputc(' ', out);
	if (!keyword)
		fprintf(out, "%s ", print_field[field]);
	print_values(r, field, out);
}

static void print_flags(const struct tcp_flags_match *f, FILE *out)
{
	struct joined j = { .out = out };

	if (!f->present)
		return;
	fputs(f->negated ? " flags != " : " flags ", out);
	value_tcp_flags_text(f->value, f->mask, join, &j);
}

void print_rule(const struct rule *r, FILE *out)
{
	fputs(print_action[r->action], out);
	print_match(r, WEIR_FIELD_PROTO, out);
	print_match(r, WEIR_FIELD_SADDR, out);
	print_match(r, WEIR_FIELD_SPORT, out);
	print_match(r, WEIR_FIELD_DADDR, out);
	print_match(r, WEIR_FIELD_DPORT, out);
	print_flags(&r->tcp_flags, out);
	print_match(r, WEIR_FIELD_ICMP_TYPE, out);
}

static void print_filter(const struct filter *f, FILE *out)
{
	fprintf(out, "filter %s {\n    default %s\n", f->name, print_action[f->default_action]);
	for (size_t i = 0; i < f->rules_count; i++) {
		fprintf(out, "    rule %s ", f->rules[i].name);
		print_rule(&f->rules[i], out);
		fputc('\n', out);
	}
	fputs("}\n", out);
}

void print_backend(const struct backend *b, FILE *out)
{
	char addr[INET6_ADDRSTRLEN];

	fprintf(out, "backend %s %s weight %u%s", b->name, addr_text(b->addr, addr, sizeof(addr)),
		b->weight, b->drain ? " drain" : "");
}

void print_addresses(const struct service *s, FILE *out)
{
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->addrs_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", addr_text(s->addrs[i], addr, sizeof(addr)));
}

void print_ports(const struct service *s, FILE *out)
{
	for (size_t i = 0; i < s->ports_count; i++)
		fprintf(out, "%s%s %u", i ? ", " : "", print_port_proto(s->ports[i].proto),
			s->ports[i].port);
}

static void print_service(const struct service *s, FILE *out)
{
	fprintf(out, "service %s {\n    address ", s->name);
	print_addresses(s, out);
	fputs("\n    port ", out);
	print_ports(s, out);
	fprintf(out, "\n    forward %s\n", print_forward[s->forward]);
	for (size_t i = 0; i < s->backends_count; i++) {
		fputs("    ", out);
		print_backend(&s->backends[i], out);
		fputc('\n', out);
	}
	fputs("}\n", out);
}

void model_print(const struct model *m, enum model_print how, FILE *out)
{
	size_t blocks = 0;

	for (size_t i = 0; i < m->interfaces_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_interface(&m->interfaces[i], out);
	}
	for (size_t i = 0; i < m->sets_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_set(&m->sets[i], how, out);
	}
	for (size_t i = 0; i < m->filters_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_filter(&m->filters[i], out);
	}
	for (size_t i = 0; i < m->services_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_service(&m->services[i], out);
	}
}
