// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What "nft -j list ruleset" prints: put into nft's language, which then is read
 * as any. Notes have no line then; their text is the rule.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "import_nft.h"
#include "import_nft_json.h"
#include "own.h"

/* A word of nft where there is one, and else quoted, so that nothing can be put in between. */
void nft_json_word(const char *text, FILE *out)
{
	bool plain = *text;

	for (const char *c = text; *c; c++)
		plain &= (unsigned char)*c > ' ' && *c != 0x7f && !strchr("{}(),;=!<>|&#\"'", *c);
	if (plain) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const char *c = text; *c; c++)
		fputc(*c == '"' || (unsigned char)*c < ' ' ? '?' : *c, out);
	fputc('"', out);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void print_words(const json_t *o, const char *const *keys, FILE *out)
{
	for (; *keys; keys++) {
		nft_json_word(text_of(o, *keys), out);
		fputc(' ', out);
	}
}

/* A string, or strings with @between. */
static void print_list(const json_t *value, const char *between, FILE *out)
{
	const json_t *item;
	size_t i;

	if (json_is_string(value))
		nft_json_word(json_string_value(value), out);
	json_array_foreach(value, i, item)
	{
		if (i)
			fputs(between, out);
		if (json_is_string(item))
			nft_json_word(json_string_value(item), out);
	}
}

static void print_chain(const json_t *o, FILE *out)
{
	static const char *const keys[] = { "family", "table", "name", NULL };
	const json_t *devices = json_object_get(o, "dev");

	fputs("add chain ", out);
	print_words(o, keys, out);
	fputs("{ ", out);
	if (*text_of(o, "hook")) {
		fputs("type ", out);
		nft_json_word(text_of(o, "type"), out);
		fputs(" hook ", out);
		nft_json_word(text_of(o, "hook"), out);
		if (devices) {
			fputs(" devices = { ", out);
			print_list(devices, ", ", out);
			fputs(" }", out);
		}
		fprintf(out, " priority %lld; policy ",
			(long long)json_integer_value(json_object_get(o, "prio")));
		nft_json_word(*text_of(o, "policy") ? text_of(o, "policy") : "accept", out);
	}
	fputs("; }\n", out);
}

static void print_set(const json_t *o, const char *what, FILE *out)
{
	static const char *const keys[] = { "family", "table", "name", NULL };
	const json_t *elements = json_object_get(o, "elem"), *item;
	size_t i;

	fprintf(out, "add %s ", what);
	print_words(o, keys, out);
	fputs("{ type ", out);
	print_list(json_object_get(o, "type"), " . ", out);
	fputs("; flags ", out);
	print_list(json_object_get(o, "flags"), ",", out);
	fputs("; ", out);
	if (json_array_size(elements)) {
		fputs("elements = { ", out);
		json_array_foreach(elements, i, item)
		{
			fputs(i ? ", " : "", out);
			nft_json_value(item, out, 0);
		}
		fputs(" }; ", out);
	}
	fputs("}\n", out);
}

static void print_rule(const json_t *o, FILE *out)
{
	static const char *const keys[] = { "family", "table", "chain", NULL };
	const json_t *item;
	size_t i;

	fputs("add rule ", out);
	print_words(o, keys, out);
	json_array_foreach(json_object_get(o, "expr"), i, item)
	{
		nft_json_statement(item, out);
		fputc(' ', out);
	}
	if (*text_of(o, "comment")) {
		fputs("comment ", out);
		nft_json_word(text_of(o, "comment"), out);
	}
	fputc('\n', out);
}

static void print_object(const json_t *object, FILE *out)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		static const char *const names[] = { "family", "name", NULL };

		if (!strcmp(key, "add") || !strcmp(key, "create")) {
			if (json_is_object(value) && !json_object_get(value, "add"))
				print_object(value, out);
		} else if (!strcmp(key, "table")) {
			fputs("add table ", out);
			print_words(value, names, out);
			fputc('\n', out);
		} else if (!strcmp(key, "chain")) {
			print_chain(value, out);
		} else if (!strcmp(key, "set") || !strcmp(key, "map")) {
			print_set(value, key, out);
		} else if (!strcmp(key, "rule")) {
			print_rule(value, out);
		} else if (strcmp(key, "metainfo") && strcmp(key, "flush")) {
			fprintf(out, "add ");
			nft_json_word(key, out);
			fputc(' ', out);
			nft_json_word(text_of(value, "name"), out);
			fputc('\n', out);
		}
	}
}

int import_nft_json(struct importer *im)
{
	json_error_t error;
	json_t *root = json_loadb(im->text, im->size, 0, &error);
	OWN_FREE char *text = NULL;
	size_t size = 0, i;
	const json_t *item;
	FILE *out;

	if (!root)
		return fail(im->why, EXIT_USAGE, "%s:%d:%d: %s", im->file, error.line, error.column,
			    error.text);
	out = open_memstream(&text, &size);
	if (!out) {
		json_decref(root);
		return fail(im->why, EXIT_REFUSED, "out of memory");
	}
	json_array_foreach(json_object_get(root, "nftables"), i, item) print_object(item, out);
	json_decref(root);
	fclose(out);
	im->text = import_copy(im->memory, text ? text : "", size);
	im->size = size;
	im->no_lines = true;
	return import_nft(im);
}
