// SPDX-License-Identifier: GPL-2.0-or-later
#include "import_model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define EXCERPT_BYTES 96

static const char *formatted(struct importer *im, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	return import_text(im->memory, "%s", text);
}

void import_note(struct importer *im, enum import_note_kind kind, unsigned int line,
		 const char *text, const char *why, ...)
{
	struct import_note *n;
	va_list args;
	const char *reason;

	va_start(args, why);
	reason = formatted(im, why, args);
	va_end(args);
	n = IMPORT_APPEND(im->memory, im->notes, im->notes_count);
	*n = (struct import_note){ kind, line, text, reason };
}

const char *import_excerpt(struct importer *im, const char *text, size_t size)
{
	char out[EXCERPT_BYTES + sizeof("...")];
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';

		if (blank && (!used || out[used - 1] == ' '))
			continue;
		if (used == EXCERPT_BYTES) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		out[used++] = blank ? ' ' : c < ' ' || c >= 0x7f ? '?' : (char)c;
	}
	while (used && out[used - 1] == ' ')
		used--;
	return import_copy(im->memory, out, used);
}

struct import_chain *import_chain_find(struct importer *im, const char *table, const char *name)
{
	for (size_t i = 0; i < im->chains_count; i++) {
		if (!strcmp(im->chains[i].name, name) && !strcmp(im->chains[i].table, table))
			return &im->chains[i];
	}
	return NULL;
}

struct import_chain *import_chain_add(struct importer *im, const char *table, const char *name,
				      unsigned int families, unsigned int line)
{
	struct import_chain *c = import_chain_find(im, table, name);

	if (c)
		return c;
	c = IMPORT_APPEND(im->memory, im->chains, im->chains_count);
	*c = (struct import_chain){
		.table = table, .name = name, .families = families, .line = line
	};
	im->understood++;
	return c;
}

struct import_rule *import_rule_add(struct importer *im, struct import_chain *c, unsigned int line,
				    const char *text)
{
	struct import_rule *r = IMPORT_APPEND(im->memory, c->rules, c->rules_count);

	*r = (struct import_rule){ .line = line, .number = (unsigned int)c->rules_count };
	r->chain = c->name;
	r->text = text;
	return r;
}

struct import_set *import_set_find(struct importer *im, const char *table, const char *name)
{
	for (size_t i = 0; i < im->sets_count; i++) {
		if (!strcmp(im->sets[i]->name, name) && !strcmp(im->sets[i]->table, table))
			return im->sets[i];
	}
	return NULL;
}

struct import_set *import_set_add(struct importer *im, const char *table, const char *name,
				  enum set_type type, unsigned int line)
{
	struct import_set *s = import_alloc(im->memory, sizeof(*s));

	*s = (struct import_set){ .name = name, .table = table, .type = type, .line = line };
	*IMPORT_APPEND(im->memory, im->sets, im->sets_count) = s;
	return s;
}

bool import_refuse(struct importer *im, struct import_rule *r, const char *why, ...)
{
	va_list args;

	if (r->why)
		return false;
	va_start(args, why);
	r->why = formatted(im, why, args);
	va_end(args);
	return false;
}
