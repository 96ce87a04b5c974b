// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions and statements of libnftables-json(5), as text. */
#include <string.h>

#include "import_nft_json.h"

#define DEPTH_MAX 16
#define NOT_KNOWN "@not-known" /* no word of nft: the rule is left out */

static void print_items(const json_t *list, const char *between, FILE *out, unsigned int depth)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list)) {
		nft_json_value(list, out, depth);
		return;
	}
	json_array_foreach(list, i, item)
	{
		if (i)
			fputs(between, out);
		if (json_is_array(item) && json_array_size(item) == 2) {
			/* a map's element */
			nft_json_value(json_array_get(item, 0), out, depth);
			fputs(" : ", out);
			nft_json_statement(json_array_get(item, 1), out);
		} else {
			nft_json_value(item, out, depth);
		}
	}
}

static void print_pair(const json_t *list, const char *between, FILE *out, unsigned int depth)
{
	nft_json_value(json_array_get(list, 0), out, depth);
	fputs(between, out);
	nft_json_value(json_array_get(list, 1), out, depth);
}

static void print_text(const json_t *o, const char *key, FILE *out)
{
	const char *text = json_string_value(json_object_get(o, key));

	nft_json_word(text ? text : NOT_KNOWN, out);
}

/* {"elem": {"val": V, "timeout": N, "comment": "..."}} */
static void print_element(const json_t *o, FILE *out, unsigned int depth)
{
	nft_json_value(json_object_get(o, "val"), out, depth);
	if (json_object_get(o, "timeout"))
		fputs(" timeout 1s", out);
	if (json_object_get(o, "expires"))
		fputs(" expires 1s", out);
}

static void print_object(const char *key, const json_t *v, FILE *out, unsigned int depth)
{
	if (!strcmp(key, "payload") && json_object_get(v, "protocol")) {
		print_text(v, "protocol", out);
		fputc(' ', out);
		print_text(v, "field", out);
	} else if (!strcmp(key, "meta") || !strcmp(key, "ct")) {
		fprintf(out, "%s ", key);
		print_text(v, "key", out);
	} else if (!strcmp(key, "prefix")) {
		nft_json_value(json_object_get(v, "addr"), out, depth);
		fprintf(out, "/%lld", (long long)json_integer_value(json_object_get(v, "len")));
	} else if (!strcmp(key, "range")) {
		print_pair(v, "-", out, depth);
	} else if (!strcmp(key, "set")) {
		fputs("{ ", out);
		print_items(v, ", ", out, depth);
		fputs(" }", out);
	} else if (!strcmp(key, "concat")) {
		print_items(v, " . ", out, depth);
	} else if (!strcmp(key, "|")) {
		fputc('(', out);
		print_items(v, " | ", out, depth);
		fputc(')', out);
	} else if (!strcmp(key, "&")) {
		print_pair(v, " & ", out, depth);
	} else if (!strcmp(key, "elem")) {
		print_element(v, out, depth);
	} else if (!strcmp(key, "exthdr") && !json_object_get(v, "field")) {
		fputs("exthdr ", out);
		print_text(v, "name", out);
	} else {
		fputs(NOT_KNOWN, out);
	}
}

void nft_json_value(const json_t *value, FILE *out, unsigned int depth)
{
	const char *key;
	json_t *v;

	if (depth > DEPTH_MAX) {
		fputs(NOT_KNOWN, out);
	} else if (json_is_string(value)) {
		nft_json_word(json_string_value(value), out);
	} else if (json_is_integer(value)) {
		fprintf(out, "%lld", (long long)json_integer_value(value));
	} else if (json_is_array(value)) {
		print_items(value, ",", out, depth + 1);
	} else if (json_is_object(value) && json_object_size(value) == 1) {
		json_object_foreach((json_t *)value, key, v) print_object(key, v, out, depth + 1);
	} else {
		fputs(value && json_is_boolean(value) ? json_is_true(value) ? "exists" : "missing"
						      : NOT_KNOWN,
		      out);
	}
}

static void print_match(const json_t *m, FILE *out)
{
	const char *op = json_string_value(json_object_get(m, "op"));

	nft_json_value(json_object_get(m, "left"), out, 0);
	fputc(' ', out);
	/* "in" is what stands there without an operator */
	if (op && strcmp(op, "in") && (strlen(op) > 2 || !strpbrk(op, "=<>!")))
		fputs(NOT_KNOWN, out);
	else if (op && strcmp(op, "in"))
		fprintf(out, "%.2s ", op);
	nft_json_value(json_object_get(m, "right"), out, 0);
}

static void print_limit(const json_t *l, FILE *out)
{
	const json_t *unit = json_object_get(l, "rate_unit"), *burst = json_object_get(l, "burst");

	if (unit && json_is_string(unit) && strcmp(json_string_value(unit), "packets")) {
		fputs(NOT_KNOWN, out);
		return;
	}
	fprintf(out, "limit rate %s%lld/", json_is_true(json_object_get(l, "inv")) ? "over " : "",
		(long long)json_integer_value(json_object_get(l, "rate")));
	print_text(l, "per", out);
	if (burst)
		fprintf(out, " burst %lld packets", (long long)json_integer_value(burst));
}

static void print_log(const json_t *l, FILE *out)
{
	fputs("log", out);
	if (json_object_get(l, "prefix")) {
		fputs(" prefix ", out);
		print_text(l, "prefix", out);
	}
}

static void print_reject(const json_t *r, FILE *out)
{
	const char *type = json_string_value(json_object_get(r, "type"));

	fputs("reject", out);
	if (type && !strcmp(type, "tcp reset")) {
		fputs(" with tcp reset", out);
	} else if (type && json_object_get(r, "expr")) {
		fputs(" with ", out);
		nft_json_word(type, out);
		fputs(" type ", out);
		print_text(r, "expr", out);
	}
}

/* {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}} */
static void print_mangle(const json_t *m, FILE *out)
{
	nft_json_value(json_object_get(m, "key"), out, 0);
	fputs(" set ", out);
	nft_json_value(json_object_get(m, "value"), out, 0);
}

/* Changes of sets, and limits by source that stand in them. */
static void print_dynamic(const json_t *o, const char *elements, FILE *out)
{
	const json_t *statement = json_array_get(json_object_get(o, "stmt"), 0);

	if (!statement)
		statement = json_object_get(o, "stmt");
	fputs("update ", out);
	print_text(o, json_object_get(o, "set") ? "set" : "name", out);
	fputs(" { ", out);
	nft_json_value(json_object_get(o, elements), out, 0);
	fputc(' ', out);
	if (statement)
		nft_json_statement(statement, out);
	fputs(" }", out);
}

static void print_jump(const char *word, const json_t *v, FILE *out)
{
	fprintf(out, "%s ", word);
	print_text(v, "target", out);
}

static void print_known(const char *key, const json_t *v, FILE *out)
{
	if (!strcmp(key, "match"))
		print_match(v, out);
	else if (!strcmp(key, "limit") && json_is_object(v))
		print_limit(v, out);
	else if (!strcmp(key, "log"))
		print_log(v, out);
	else if (!strcmp(key, "reject"))
		print_reject(v, out);
	else if (!strcmp(key, "mangle"))
		print_mangle(v, out);
	else if (!strcmp(key, "set"))
		print_dynamic(v, "elem", out);
	else if (!strcmp(key, "meter"))
		print_dynamic(v, "key", out);
	else if (!strcmp(key, "jump") || !strcmp(key, "goto"))
		print_jump(key, v, out);
	else
		nft_json_word(key, out);
}

void nft_json_statement(const json_t *statement, FILE *out)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)statement, key, v)
	{
		if (!strcmp(key, "counter")) {
			fputs(json_is_string(v) ? "counter name " : "counter", out);
			if (json_is_string(v))
				nft_json_word(json_string_value(v), out);
		} else if (!strcmp(key, "vmap")) {
			nft_json_value(json_object_get(v, "key"), out, 0);
			fputs(" vmap ", out);
			nft_json_value(json_object_get(v, "data"), out, 0);
		} else {
			print_known(key, v, out);
		}
	}
}
