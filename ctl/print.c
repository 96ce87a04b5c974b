// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as canonical text. */
#include "print.h"

#include <string.h>

#include "parser_value.h"
#include "set_text.h"

#define KEYWORD(sym, keyword, ...) keyword,

const char *const print_action[] = { WEIR_ACTIONS(KEYWORD) };
const char *const print_field[] = { WEIR_FIELDS(KEYWORD) };
const char *const print_xdp[] = { NULL, "auto", "native", "generic" };
const char *const print_tc[] = { NULL, "auto", "tcx", "clsact" };
const char *const print_set_type[] = { "prefix", "port", "address", "address+port", "interface" };

const char *measure_text(const struct interface *i, char text[MEASURE_TEXT_BYTES])
{
	static const char *const words[] = { MEASURES(KEYWORD) };
	size_t used = 0;

	text[0] = 0;
	for (int m = 0; m < MEASURE_KINDS; m++) {
		if (!(i->measure & 1U << m))
			continue;
		used += (size_t)snprintf(text + used, MEASURE_TEXT_BYTES - used, "%s%s",
					 used ? ", " : "", words[m]);
		if (m == MEASURE_PATH && i->path_sample != PATH_SAMPLE_DEFAULT)
			used += (size_t)snprintf(text + used, MEASURE_TEXT_BYTES - used,
						 " sample 1/%u", i->path_sample);
	}
	return text;
}

static void print_measure(const struct interface *i, FILE *out)
{
	char text[MEASURE_TEXT_BYTES];

	if (i->measure == 1U << MEASURE_RTT)
		fputs("    measure\n", out);
	else if (i->measure)
		fprintf(out, "    measure %s\n", measure_text(i, text));
}

static void print_interface(const struct interface *i, FILE *out)
{
	fputs("interface ", out);
	print_word(i->pattern, out);
	fputs(" {\n", out);
	if (i->xdp != XDP_MODE_NONE)
		fprintf(out, "    xdp %s\n", print_xdp[i->xdp]);
	if (i->tc != TC_MODE_NONE)
		fprintf(out, "    tc %s\n", print_tc[i->tc]);
	if (i->filter[0])
		fprintf(out, "    filter %s\n", i->filter);
	if (i->filter_egress[0])
		fprintf(out, "    filter %s egress\n", i->filter_egress);
	fprintf(out, "%s%s", i->balance ? "    balance\n" : "", i->decap ? "    decap\n" : "");
	print_measure(i, out);
	fputs(i->takes_returns ? "    return\n}\n" : "}\n", out);
}

static bool print_latency(const struct latency_sizes *l, FILE *out)
{
	if (!l->flows && !l->v4_bits && !l->prefixes)
		return false;
	fputs("latency {\n", out);
	if (l->flows)
		fprintf(out, "    flows %u\n", l->flows);
	if (l->v4_bits)
		fprintf(out, "    prefix %u %u\n", l->v4_bits, l->v6_bits);
	if (l->prefixes)
		fprintf(out, "    prefixes %u\n", l->prefixes);
	fputs("}\n", out);
	return true;
}

static void print_elements(const struct set *s, FILE *out)
{
	struct print_list j = { .out = out };
	char text[SET_TEXT_BYTES];

	fputs("    elements { ", out);
	for (size_t i = 0; i < s->entries.count; i++)
		print_joined(&j, set_element_text(s->type, &s->entries.list[i], text));
	if (s->type == SET_PORT)
		value_text(VALUE_PORT, s->elements, s->elements_count, print_joined, &j);
	fputs(j.count ? " }\n" : "}\n", out);
}

static void print_set(const struct set *s, enum model_print how, FILE *out)
{
	char text[SET_TEXT_BYTES];

	fprintf(out, "set %s {\n    type %s\n", s->name, print_set_type[s->type]);
	if (s->file) {
		fputs("    file ", out);
		print_string(s->file, out);
		fputc('\n', out);
	}
	if (s->timeout_s)
		fprintf(out, "    timeout %s\n", set_timeout_text(s->timeout_s, text));
	if (!s->file || (how != MODEL_PRINT_USER && s->type == SET_PORT))
		print_elements(s, out);
	fputs("}\n", out);
}

static void print_filter(const struct filter *f, FILE *out)
{
	fprintf(out, "filter %s {\n    default %s\n", f->name, print_action[f->default_action]);
	for (size_t i = 0; i < f->rules_count; i++) {
		fputs("    rule ", out);
		fputs(f->rules[i].name, out);
		fputc(' ', out);
		print_rule(&f->rules[i], out);
		fputc('\n', out);
	}
	fputs("}\n", out);
}

void model_print(const struct model *m, enum model_print how, FILE *out)
{
	size_t blocks = print_latency(&m->latency, out);

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
	for (size_t i = 0; i < m->pools_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_pool_block(&m->pools[i], how, out);
	}
	for (size_t i = 0; i < m->services_count; i++) {
		fputs(blocks++ ? "\n" : "", out);
		print_service_block(&m->services[i], how, out);
	}
}
