// SPDX-License-Identifier: GPL-2.0-or-later
/* Filters and sets as text of weir.conf(5). */
#include <netinet/in.h>
#include <stdlib.h>

#include "import_cond.h"
#include "import_flow.h"
#include "import_match.h"
#include "parser_value.h"
#include "print.h"

/* Words of a list, as many as there are. */
struct words {
	struct import_memory *memory;
	const char **list;
	size_t count;
};

static void add_word(void *arg, const char *word)
{
	struct words *w = arg;

	*IMPORT_APPEND(w->memory, w->list, w->count) = import_text(w->memory, "%s", word);
}

/* The name of an interface, which may have to be quoted. */
static void add_name(struct words *w, const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	print_word(name, out);
	fclose(out);
	add_word(w, text);
	free(text);
}

static bool is_only(const struct import_match *m, int field, unsigned int number)
{
	const struct import_cond *c = m->cond[field];

	return c && c->ranges_count == 1 && range_first(c->ranges) == number &&
	       range_last(c->ranges) == number;
}

static enum value_kind kind_of(const struct import_match *m, int field)
{
	switch (field) {
	case WEIR_FIELD_SADDR:
	case WEIR_FIELD_DADDR:
		return VALUE_ADDR;
	case WEIR_FIELD_PROTO:
		return VALUE_PROTO;
	case WEIR_FIELD_ICMP_TYPE:
		return is_only(m, WEIR_FIELD_PROTO, IPPROTO_ICMP)     ? VALUE_ICMP_TYPE
		       : is_only(m, WEIR_FIELD_PROTO, IPPROTO_ICMPV6) ? VALUE_ICMPV6_TYPE
								      : VALUE_TYPE_NUMBER;
	case WEIR_FIELD_ICMP_CODE:
		return VALUE_ICMP_CODE;
	case WEIR_FIELD_LENGTH:
		return VALUE_LENGTH;
	case WEIR_FIELD_TTL:
		return VALUE_TTL;
	case WEIR_FIELD_DSCP:
		return VALUE_DSCP;
	case WEIR_FIELD_ETHERTYPE:
		return VALUE_ETHERTYPE;
	case WEIR_FIELD_SMAC:
	case WEIR_FIELD_DMAC:
		return VALUE_MAC;
	case WEIR_FIELD_VLAN:
		return VALUE_VLAN;
	default:
		return VALUE_PORT;
	}
}

static struct words words_of(struct importer *im, const struct import_match *m, int field,
			     const struct import_cond *c)
{
	struct words w = { .memory = im->memory };

	value_text(kind_of(m, field), c->ranges, c->ranges_count, add_word, &w);
	return w;
}

static void print_words(const struct words *w, FILE *out)
{
	if (w->count != 1)
		fputs("{ ", out);
	for (size_t i = 0; i < w->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", w->list[i]);
	if (w->count != 1)
		fputs(" }", out);
}

static void print_interfaces(struct importer *im, const struct import_cond *c, FILE *out)
{
	const char *const *names = c->names ? c->names : c->not_names;
	size_t count = c->names ? c->names_count : c->not_names_count;
	struct words w = { .memory = im->memory };

	for (size_t i = 0; i < count; i++)
		add_name(&w, names[i]);
	if (c->in)
		add_word(&w, import_text(im->memory, "@%s", c->in->target));
	for (size_t i = 0; i < c->not_in_count; i++)
		add_word(&w, import_text(im->memory, "@%s", c->not_in[i]->target));
	fputs(c->names || c->in ? "interface " : "interface != ", out);
	print_words(&w, out);
}

/* Values or, where that is shorter, "!=" and the others. */
static void print_values(struct importer *im, const struct import_match *m, int field, FILE *out)
{
	const struct import_cond *c = m->cond[field];
	const struct import_cond *rest = import_cond_complement(im, c, import_field_most(field));
	struct words is = words_of(im, m, field, c), not = words_of(im, m, field, rest);
	struct words compared = { .memory = im->memory };
	bool negated = c->not_in_count || (not .count && not .count < is.count);

	if (!c->in && !c->not_in_count &&
	    value_compared_text(kind_of(m, field), c->ranges, c->ranges_count, add_word,
				&compared)) {
		fprintf(out, "%s %s", import_field_name(field), compared.list[0]);
		return;
	}
	if (c->in)
		is.count = 0;
	if (c->in)
		add_word(&is, import_text(im->memory, "@%s", c->in->target));
	for (size_t i = 0; i < c->not_in_count; i++)
		add_word(&not, import_text(im->memory, "@%s", c->not_in[i]->target));
	negated &= !c->in;
	fprintf(out, "%s %s", import_field_name(field), negated ? "!= " : "");
	print_words(negated ? &not : &is, out);
}

static void print_tcp_flags(const struct import_cond *c, FILE *out);

void import_print_cond(struct importer *im, const struct import_match *m, int field, FILE *out)
{
	const struct import_cond *c = m->cond[field];
	bool is = range_first(c->ranges);

	if (field == IMPORT_FLAGS)
		print_tcp_flags(c, out);
	else if (field == WEIR_FIELD_IFACE)
		print_interfaces(im, c, out);
	else if (field == WEIR_FIELD_FRAGMENT || field == WEIR_FIELD_ESTABLISHED)
		fprintf(out, "%s%s", is ? "" : "not ", import_field_name(field));
	else if (field == WEIR_FIELD_PROTO &&
		 (is_only(m, field, IPPROTO_TCP) || is_only(m, field, IPPROTO_UDP) ||
		  is_only(m, field, IPPROTO_ICMP) || is_only(m, field, IPPROTO_ICMPV6)))
		print_words(&(struct words){ im->memory, words_of(im, m, field, c).list, 1 }, out);
	else
		print_values(im, m, field, out);
}

static void put_word(void *arg, const char *word)
{
	fputs(word, arg);
}

static void print_tcp_flags(const struct import_cond *c, FILE *out)
{
	unsigned int value = 0, mask = 0;
	bool negated = false;

	import_flags_cube(c, &value, &mask, &negated);
	fputs(negated ? "flags != " : "flags ", out);
	value_tcp_flags_text((__u8)value, (__u8)mask, put_word, out);
}

static void print_line_action(const struct import_line *line, FILE *out)
{
	const struct limit *l = &line->limit;

	fputs(print_action[line->action], out);
	if (line->action == WEIR_ACTION_MARK)
		fprintf(out, " 0x%x", line->mark);
	if (line->action != WEIR_ACTION_LIMIT)
		return;
	fprintf(out, " %u/%s burst %u", l->rate, value_unit_text(l->per_s), l->burst);
	if (!l->per_saddr)
		return;
	fputs(" per saddr", out);
	if (l->v4_bits != 32 || l->v6_bits != 128)
		fprintf(out, "/%u/%u", l->v4_bits, l->v6_bits);
}

static void print_line(struct importer *im, const struct import_line *line, const char *name,
		       FILE *out)
{
	static const int order[] = {
		WEIR_FIELD_PROTO,     WEIR_FIELD_SADDR,	    WEIR_FIELD_SPORT,
		WEIR_FIELD_DADDR,     WEIR_FIELD_DPORT,	    IMPORT_FLAGS,
		WEIR_FIELD_ICMP_TYPE, WEIR_FIELD_ICMP_CODE, WEIR_FIELD_LENGTH,
		WEIR_FIELD_TTL,	      WEIR_FIELD_DSCP,	    WEIR_FIELD_ETHERTYPE,
		WEIR_FIELD_SMAC,      WEIR_FIELD_DMAC,	    WEIR_FIELD_VLAN,
		WEIR_FIELD_IFACE,     WEIR_FIELD_FRAGMENT,  WEIR_FIELD_ESTABLISHED,
	};
	_Static_assert(sizeof(order) / sizeof(order[0]) == IMPORT_FIELDS, "a field is missing");

	fprintf(out, "    rule %s ", name);
	print_line_action(line, out);
	for (size_t i = 0; i < IMPORT_FIELDS; i++) {
		if (!line->match.cond[order[i]])
			continue;
		fputc(' ', out);
		import_print_cond(im, &line->match, order[i], out);
	}
	fputc('\n', out);
}

/* A rule that packets of the other family could meet, or a default. */
static bool meets_others(const struct import_filter *f)
{
	for (size_t i = 0; i < f->lines_count; i++) {
		const struct import_match *m = &f->lines[i].match;

		if (!f->lines[i].gone && !import_match_family(m))
			return true;
	}
	return f->default_action == WEIR_ACTION_DROP;
}

/* IPv6 was none of the business of rules for IPv4. */
static void print_other_family(const struct import_filter *f, struct import_names *names, FILE *out)
{
	bool v4 = f->families == IMPORT_V4;
	const char *family = v4 ? "ipv6" : "ipv4";

	if (f->families == (IMPORT_V4 | IMPORT_V6) || !meets_others(f))
		return;
	fprintf(out, "    # the rules are for IPv%d alone\n    rule %s pass ethertype %s\n",
		v4 ? 4 : 6, import_name_make_unique(names, family, ""), v4 ? "ip6" : "ip");
}

void import_print_filter(struct importer *im, const struct import_filter *f, FILE *out)
{
	struct import_names *names = import_names_new(im);

	fprintf(out, "filter %s {\n    default %s\n", f->name, print_action[f->default_action]);
	print_other_family(f, names, out);
	for (size_t i = 0; i < f->lines_count; i++) {
		if (!f->lines[i].gone)
			print_line(im, &f->lines[i], import_line_name(names, &f->lines[i]), out);
	}
	fputs("}\n", out);
}

/* Single addresses, which stood side by side and were joined. */
static void add_addresses(struct words *w, const range *r)
{
	for (u128 at = range_first(r);; at++) {
		range one;

		range_set(&one, at, at);
		value_text(VALUE_ADDR, &one, 1, add_word, w);
		if (at == range_last(r))
			return;
	}
}

void import_print_set(struct importer *im, const struct import_set *s, FILE *out)
{
	struct words w = { .memory = im->memory };

	for (size_t i = 0; i < s->words_count; i++) {
		if (s->type == SET_INTERFACE)
			add_name(&w, s->words[i]);
		else
			add_word(&w, s->words[i]);
	}
	for (size_t i = 0; s->type == SET_ADDRESS && i < s->ranges_count; i++)
		add_addresses(&w, &s->ranges[i]);
	if (s->type != SET_ADDRESS && s->ranges_count)
		value_text(s->type == SET_PORT ? VALUE_PORT : VALUE_ADDR, s->ranges,
			   s->ranges_count, add_word, &w);
	if (s->remark)
		fprintf(out, "# %s\n", s->remark);
	fprintf(out, "set %s {\n    type %s\n    elements {", s->target, print_set_type[s->type]);
	for (size_t i = 0; i < w.count; i++)
		fprintf(out, "%s%s", i ? ", " : " ", w.list[i]);
	fputs(w.count ? " }\n}\n" : "}\n}\n", out);
}
