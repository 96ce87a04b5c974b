// SPDX-License-Identifier: GPL-2.0-or-later
/* weir import nft|iptables-save FILE */
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "import_model.h"
#include "own.h"
#include "read_config.h"

static int compare_notes(const void *a, const void *b)
{
	const struct import_note *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return strcmp(x->text, y->text);
}

static bool is_json(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && text[i] && strchr(" \t\r\n", text[i]))
		i++;
	return i < size && text[i] == '{';
}

static int read_rules(enum import_format format, struct importer *im)
{
	if (format == IMPORT_IPTABLES)
		return import_iptables(im);
	return is_json(im->text, im->size) ? import_nft_json(im) : import_nft(im);
}

static bool is_written(const struct importer *im, const char *text)
{
	for (size_t i = 0; i < im->chains_count; i++) {
		const struct import_chain *c = &im->chains[i];

		for (size_t k = 0; k < c->rules_count; k++) {
			if (c->rules[k].text == text && c->rules[k].written)
				return true;
		}
	}
	return false;
}

/* Whether a note of its line says that the text of @n is left out, and nothing of it is there. */
static bool is_left_out(const struct importer *im, const struct import_note *n)
{
	const struct import_note *first = n, *end = im->notes + im->notes_count;

	while (first > im->notes && first[-1].line == n->line)
		first--;
	for (; first < end && first->line == n->line; first++) {
		if (first->text == n->text && first->kind == IMPORT_LEFT_OUT)
			return !is_written(im, n->text);
	}
	return false;
}

/* A rule that is not there has no other meaning than it had. */
static size_t notes_kept(const struct importer *im, struct import_note *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < im->notes_count; i++) {
		const struct import_note *n = &im->notes[i];

		if (n->kind == IMPORT_LEFT_OUT || !is_left_out(im, n))
			out[kept++] = *n;
	}
	return kept;
}

/* What is printed is taken: the parser has the last word. */
static int check_config(const char *config, size_t size, struct failure *why)
{
	struct diags d = {};
	struct model m = {};
	int error = model_parse("import", config, size, MODEL_FILES_STORED, &d, &m);

	if (error)
		fail(why, EXIT_REFUSED,
		     "the translation is not valid, which is an error of weir: %s",
		     d.count ? d.list[0].message : "out of memory");
	model_free(&m);
	diag_free(&d);
	return error ? -1 : 0;
}

static int print_all(struct importer *im, struct import_result *out)
{
	OWN_FREE char *config = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&config, &size);
	int error;

	if (!stream)
		return fail(im->why, EXIT_REFUSED, "out of memory");
	error = import_config(im, stream);
	if (fclose(stream) && !error)
		error = fail(im->why, EXIT_REFUSED, "out of memory");
	if (error || check_config(config, size, im->why))
		return -1;
	if (im->notes_count)
		qsort(im->notes, im->notes_count, sizeof(*im->notes), compare_notes);
	out->config = import_copy(im->memory, config, size);
	out->notes = import_alloc(im->memory, im->notes_count * sizeof(*im->notes));
	out->notes_count = notes_kept(im, out->notes);
	for (size_t i = 0; i < out->notes_count && im->no_lines; i++)
		out->notes[i].line = 0;
	return 0;
}

int import_translate(enum import_format format, const char *file, const char *text, size_t size,
		     struct import_result *out, struct failure *why)
{
	struct importer im = { .file = file, .size = size, .why = why };

	*out = (struct import_result){ .memory = import_memory_new() };
	im.memory = out->memory;
	im.text = import_copy(im.memory, text, size);
	if (read_rules(format, &im))
		return -1;
	if (!im.understood)
		return fail(why, EXIT_USAGE, "%s: there is no table in it; it wants %s", file,
			    format == IMPORT_NFT ? "what \"nft list ruleset\" prints"
						 : "what iptables-save or ip6tables-save prints");
	return print_all(&im, out);
}

void import_free(struct import_result *r)
{
	import_memory_free(r->memory);
	*r = (struct import_result){};
}

static void print_note(const char *file, const struct import_note *n)
{
	const char *end = n->kind == IMPORT_LEFT_OUT ? "left out" : "changed";

	if (n->line)
		fprintf(stderr, "%s:%u: %s: %s: %s\n", file, n->line, end, n->text, n->why);
	else
		fprintf(stderr, "%s: %s: %s: %s\n", file, end, n->text, n->why);
}

static json_t *note_json(const struct import_note *n)
{
	return json_pack("{s:o,s:s,s:s}", "line", n->line ? json_integer(n->line) : json_null(),
			 "text", n->text, "why", n->why);
}

static int print_json(const struct import_result *r)
{
	json_t *left_out = json_array(), *changed = json_array();

	for (size_t i = 0; i < r->notes_count; i++)
		json_array_append_new(r->notes[i].kind == IMPORT_LEFT_OUT ? left_out : changed,
				      note_json(&r->notes[i]));
	return json_print(json_pack("{s:s,s:o,s:o}", "config", r->config, "left_out", left_out,
				    "changed", changed));
}

int cmd_import(struct command *c)
{
	bool nft = !strcmp(c->args[0], "nft");
	const char *name = read_name(c->args[1]);
	OWN(import_free) struct import_result result = {};
	OWN_FREE char *text = NULL;
	size_t size = 0;

	if (!nft && strcmp(c->args[0], "iptables-save") && strcmp(c->args[0], "ip6tables-save")) {
		fail(&c->why, EXIT_USAGE, "usage: weir import nft|iptables-save FILE");
		return command_failed(c);
	}
	if (read_text(c, c->args[1], &text, &size) ||
	    import_translate(nft ? IMPORT_NFT : IMPORT_IPTABLES, name, text, size, &result,
			     &c->why))
		return command_failed(c);
	if (c->json) {
		print_json(&result);
	} else {
		fputs(result.config, stdout);
		for (size_t i = 0; i < result.notes_count; i++)
			print_note(name, &result.notes[i]);
	}
	return c->strict && result.notes_count ? EXIT_REFUSED : EXIT_DONE;
}
