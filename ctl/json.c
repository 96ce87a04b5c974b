// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as its JSON twin. */
#include <jansson.h>

#include "json_model.h"
#include "parser_value.h"
#include "print.h"
#include "set_text.h"

/* true stands for round-trip times alone. */
static json_t *measure_json(const struct interface *i)
{
	static const char *const words[] = {
#define X(sym, keyword) keyword,
		MEASURES(X)
#undef X
	};
	json_t *list;

	if (i->measure == 1U << MEASURE_RTT)
		return json_true();
	list = json_array();
	for (int m = 0; m < MEASURE_KINDS; m++) {
		if (i->measure & 1U << m)
			json_array_append_new(list, json_string(words[m]));
	}
	return list;
}

static json_t *latency_json(const struct latency_sizes *l)
{
	json_t *o = json_object();

	if (l->flows)
		json_object_set_new(o, "flows", json_integer(l->flows));
	if (l->v4_bits)
		json_object_set_new(o, "prefix", json_pack("[i,i]", l->v4_bits, l->v6_bits));
	if (l->prefixes)
		json_object_set_new(o, "prefixes", json_integer(l->prefixes));
	return o;
}

static json_t *interface_json(const struct interface *i)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(i->pattern));
	if (i->xdp != XDP_MODE_NONE)
		json_object_set_new(o, "xdp", json_string(print_xdp[i->xdp]));
	if (i->tc != TC_MODE_NONE)
		json_object_set_new(o, "tc", json_string(print_tc[i->tc]));
	if (i->filter[0])
		json_object_set_new(o, "filter", json_string(i->filter));
	if (i->filter_egress[0])
		json_object_set_new(o, "filter_egress", json_string(i->filter_egress));
	if (i->balance)
		json_object_set_new(o, "balance", json_true());
	if (i->decap)
		json_object_set_new(o, "decap", json_true());
	if (i->measure)
		json_object_set_new(o, "measure", measure_json(i));
	if (i->measure & 1U << MEASURE_PATH)
		json_object_set_new(o, "path_sample", json_integer(i->path_sample));
	if (i->takes_returns)
		json_object_set_new(o, "return", json_true());
	return o;
}

void json_append_string(void *arg, const char *word)
{
	json_array_append_new(arg, json_string(word));
}

#define NUMBER_MAX 1000000000 /* above all that a word of the language is */

/* A number where the word is one, so that machines need not parse it. */
static void append_number(void *arg, const char *word)
{
	unsigned int number;
	struct problem why;

	if (value_number(word, "", 0, NUMBER_MAX, &number, &why))
		json_array_append_new(arg, json_integer(number));
	else
		json_append_string(arg, word);
}

json_t *json_values(enum value_kind kind, const range *ranges, size_t count)
{
	json_t *list = json_array();

	value_text(kind, ranges, count,
		   kind == VALUE_ADDR || kind == VALUE_MAC ? json_append_string : append_number,
		   list);
	return list;
}

static json_t *entries_json(const struct set *s)
{
	json_t *list = json_array();
	char text[SET_TEXT_BYTES];

	for (size_t i = 0; i < s->entries.count; i++)
		json_append_string(list, set_element_text(s->type, &s->entries.list[i], text));
	return list;
}

static json_t *set_json(const struct set *s)
{
	json_t *o = json_object();
	char text[SET_TEXT_BYTES];

	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "type", json_string(print_set_type[s->type]));
	if (s->file)
		json_object_set_new(o, "file", json_string(s->file));
	if (s->timeout_s)
		json_object_set_new(o, "timeout",
				    json_string(set_timeout_text(s->timeout_s, text)));
	if (s->type == SET_PORT)
		json_object_set_new(o, "elements",
				    json_values(VALUE_PORT, s->elements, s->elements_count));
	else if (!s->file)
		json_object_set_new(o, "elements", entries_json(s));
	return o;
}

static json_t *names_json(const struct rule *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->interfaces_count; i++)
		json_append_string(list, r->interfaces[i]);
	return list;
}

static json_t *match_json(const struct rule *r, enum weir_field field)
{
	const struct match *m = &r->match[field];
	json_t *o = json_object();
	json_t *in = field == WEIR_FIELD_IFACE
			     ? names_json(r)
			     : json_values(rule_value_kind(r, field), m->ranges, m->ranges_count);
	char name[NAME_BYTES + 1];

	for (size_t i = 0; i < m->sets_count; i++) {
		snprintf(name, sizeof(name), "@%s", m->sets[i]);
		json_append_string(in, name);
	}
	if (m->negated)
		json_object_set_new(o, "not", json_true());
	json_object_set_new(o, "in", in);
	return o;
}

static json_t *flags_json(const struct tcp_flags_match *f)
{
	json_t *o = json_object(), *in = json_array();

	value_tcp_flags_text(f->value, f->mask, json_append_string, in);
	if (f->negated)
		json_object_set_new(o, "not", json_true());
	json_object_set_new(o, "in", in);
	return o;
}

static json_t *expr_json(const struct expr_match *e)
{
	if (!e->negated)
		return json_string(e->text);
	return json_pack("{s:b,s:[s]}", "not", 1, "in", e->text);
}

json_t *limit_json(const struct limit *l)
{
	json_t *o = json_object();
	char per[24];

	json_object_set_new(o, "rate", json_integer(l->rate));
	json_object_set_new(o, "per_s", json_integer(l->per_s));
	json_object_set_new(o, "burst", json_integer(l->burst));
	if (l->per_saddr)
		json_object_set_new(o, "per", json_string(print_limit_per(l, per, sizeof(per))));
	return o;
}

static void add_action(json_t *o, const struct rule *r)
{
	json_object_set_new(o, "action", json_string(print_action[r->action]));
	if (r->action == WEIR_ACTION_LIMIT)
		json_object_set_new(o, "limit", limit_json(&r->limit));
	else if (r->action == WEIR_ACTION_LOG)
		json_object_set_new(o, "sample", json_integer(r->log_sample));
	else if (r->action == WEIR_ACTION_MARK)
		json_object_set_new(o, "mark", json_integer(r->mark));
}

static json_t *rule_json(const struct rule *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(r->name));
	add_action(o, r);
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		const struct match *m = &r->match[f];

		if (m->present && field_type[f] == FIELD_FLAG)
			json_object_set_new(o, print_field[f], json_boolean(!m->negated));
		else if (m->present)
			json_object_set_new(o, print_field[f], match_json(r, (enum weir_field)f));
	}
	if (r->tcp_flags.present)
		json_object_set_new(o, "flags", flags_json(&r->tcp_flags));
	if (r->expr.text)
		json_object_set_new(o, "expr", expr_json(&r->expr));
	return o;
}

static json_t *filter_json(const struct filter *f)
{
	json_t *o = json_object(), *rules = json_array();

	for (size_t i = 0; i < f->rules_count; i++)
		json_array_append_new(rules, rule_json(&f->rules[i]));
	json_object_set_new(o, "name", json_string(f->name));
	json_object_set_new(o, "default", json_string(print_action[f->default_action]));
	json_object_set_new(o, "rules", rules);
	return o;
}

#define LIST(out, objects, count, make)                                    \
	do {                                                               \
		(out) = json_array();                                      \
		for (size_t i = 0; i < (count); i++)                       \
			json_array_append_new((out), make(&(objects)[i])); \
	} while (0)

void model_print_json(const struct model *m, FILE *out)
{
	json_t *root = json_object(), *interfaces, *sets, *filters, *pools, *services,
	       *latency = latency_json(&m->latency);

	LIST(interfaces, m->interfaces, m->interfaces_count, interface_json);
	LIST(sets, m->sets, m->sets_count, set_json);
	LIST(filters, m->filters, m->filters_count, filter_json);
	LIST(pools, m->pools, m->pools_count, pool_json);
	LIST(services, m->services, m->services_count, service_json);
	if (json_object_size(latency))
		json_object_set(root, "latency", latency);
	json_decref(latency);
	json_object_set_new(root, "interfaces", interfaces);
	json_object_set_new(root, "sets", sets);
	json_object_set_new(root, "filters", filters);
	json_object_set_new(root, "pools", pools);
	json_object_set_new(root, "services", services);
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
