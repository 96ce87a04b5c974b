// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as its JSON twin. */
#include <arpa/inet.h>
#include <jansson.h>

#include "model.h"
#include "parser_value.h"
#include "print.h"
#include "set_text.h"

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
	if (i->balance)
		json_object_set_new(o, "balance", json_true());
	if (i->decap)
		json_object_set_new(o, "decap", json_true());
	if (i->measure)
		json_object_set_new(o, "measure", json_true());
	return o;
}

static void append_string(void *arg, const char *word)
{
	json_array_append_new(arg, json_string(word));
}

/* A number where the word is one, so that machines need not parse it. */
static void append_number(void *arg, const char *word)
{
	unsigned int number;
	struct problem why;

	if (value_number(word, "", 0, 65535, &number, &why))
		json_array_append_new(arg, json_integer(number));
	else
		append_string(arg, word);
}

static json_t *values_json(enum value_kind kind, const range *ranges, size_t count)
{
	json_t *list = json_array();

	value_text(kind, ranges, count, kind == VALUE_ADDR ? append_string : append_number, list);
	return list;
}

static json_t *entries_json(const struct set *s)
{
	json_t *list = json_array();
	char text[SET_TEXT_BYTES];

	for (size_t i = 0; i < s->entries.count; i++)
		append_string(list, set_element_text(s->type, &s->entries.list[i], text));
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
				    values_json(VALUE_PORT, s->elements, s->elements_count));
	else if (!s->file)
		json_object_set_new(o, "elements", entries_json(s));
	return o;
}

static json_t *match_json(const struct rule *r, enum weir_field field)
{
	const struct match *m = &r->match[field];
	json_t *o = json_object();
	json_t *in = values_json(rule_value_kind(r, field), m->ranges, m->ranges_count);
	char name[NAME_BYTES + 1];

	for (size_t i = 0; i < m->sets_count; i++) {
		snprintf(name, sizeof(name), "@%s", m->sets[i]);
		append_string(in, name);
	}
	if (m->negated)
		json_object_set_new(o, "not", json_true());
	json_object_set_new(o, "in", in);
	return o;
}

static json_t *flags_json(const struct tcp_flags_match *f)
{
	json_t *o = json_object(), *in = json_array();

	value_tcp_flags_text(f->value, f->mask, append_string, in);
	if (f->negated)
		json_object_set_new(o, "not", json_true());
	json_object_set_new(o, "in", in);
	return o;
}

static json_t *rule_json(const struct rule *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(r->name));
	json_object_set_new(o, "action", json_string(print_action[r->action]));
	for (int f = 0; f < WEIR_FIELD_COUNT; f++) {
		if (r->match[f].present)
			json_object_set_new(o, print_field[f], match_json(r, (enum weir_field)f));
	}
	if (r->tcp_flags.present)
		json_object_set_new(o, "flags", flags_json(&r->tcp_flags));
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

static json_t *backend_json(const struct backend *b)
{
	json_t *o = json_object();
	char addr[INET6_ADDRSTRLEN];

	json_object_set_new(o, "name", json_string(b->name));
	json_object_set_new(o, "address", json_string(addr_text(b->addr, addr, sizeof(addr))));
	json_object_set_new(o, "weight", json_integer(b->weight));
	if (b->drain)
		json_object_set_new(o, "drain", json_true());
	return o;
}

static json_t *port_json(const struct vip_port *p)
{
	json_t *o = json_object();

	json_object_set_new(o, "proto", json_string(print_port_proto(p->proto)));
	json_object_set_new(o, "port", json_integer(p->port));
	return o;
}

static json_t *service_json(const struct service *s)
{
	json_t *o = json_object(), *addrs = json_array(), *ports = json_array();
	json_t *backends = json_array();
	char addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->addrs_count; i++)
		append_string(addrs, addr_text(s->addrs[i], addr, sizeof(addr)));
	for (size_t i = 0; i < s->ports_count; i++)
		json_array_append_new(ports, port_json(&s->ports[i]));
	for (size_t i = 0; i < s->backends_count; i++)
		json_array_append_new(backends, backend_json(&s->backends[i]));
	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "address", addrs);
	json_object_set_new(o, "port", ports);
	json_object_set_new(o, "forward", json_string(print_forward[s->forward]));
	json_object_set_new(o, "backends", backends);
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
	json_t *root = json_object(), *interfaces, *sets, *filters, *services;

	LIST(interfaces, m->interfaces, m->interfaces_count, interface_json);
	LIST(sets, m->sets, m->sets_count, set_json);
	LIST(filters, m->filters, m->filters_count, filter_json);
	LIST(services, m->services, m->services_count, service_json);
	json_object_set_new(root, "interfaces", interfaces);
	json_object_set_new(root, "sets", sets);
	json_object_set_new(root, "filters", filters);
	json_object_set_new(root, "services", services);
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
