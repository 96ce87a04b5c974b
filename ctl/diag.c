// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

#define SHOWN_BYTES 120 /* of a source line */
#define KEPT_BYTES (4 * SHOWN_BYTES)
#define SUGGEST_BYTES 63
#define SUGGEST_DISTANCE 2

/*
 * Bytes of the printable character at @s, or 0 when there is none: a control
 * character of ASCII or of Unicode (C1 drives terminals, bidirectional marks
 * reorder what is read) or no UTF-8.
 */
static size_t printable(const unsigned char *s, size_t size)
{
	uint32_t code;
	size_t bytes;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || bytes > size)
		return 0;
	code = s[0] & (0xff >> (bytes + 1));
	for (size_t i = 1; i < bytes; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000) || code > 0x10ffff)
		return 0;
	if (code < 0xa0 || (code >= 0xd800 && code <= 0xdfff) || code == 0x200e || code == 0x200f ||
	    (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return bytes;
}

/* Replace, in place, what must not reach a terminal. */
static void clean(char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size;) {
		size_t bytes = printable((unsigned char *)text + i, size - i);

		if (!bytes)
			text[i] = text[i] == '\t' ? ' ' : '?';
		i += bytes ? bytes : 1;
	}
}

static char *clean_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (copy)
		clean(copy);
	return copy;
}

/* Copy the part of the line around the column; lines can be megabytes long. */
static void keep_source_line(struct diag *m, const char *source, size_t source_size)
{
	const char *at = source, *end = source + source_size, *newline;
	size_t size, skip = 0, column = m->loc.column ? m->loc.column - 1 : 0;

	for (unsigned int line = 1; line < m->loc.line; line++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return;
		at++;
	}
	newline = memchr(at, '\n', (size_t)(end - at));
	size = (size_t)((newline ? newline : end) - at);
	if (size && at[size - 1] == '\r')
		size--;
	if (column > size)
		column = size;
	if (size > KEPT_BYTES && column > KEPT_BYTES / 2)
		skip = column - KEPT_BYTES / 2;
	size -= skip;
	if (size > KEPT_BYTES)
		size = KEPT_BYTES;
	m->source_line = malloc(size + 1);
	if (!m->source_line)
		return;
	for (size_t i = 0; i < size; i++) /* a NUL would hide the rest */
		m->source_line[i] = at[skip + i] ? at[skip + i] : '?';
	m->source_line[size] = 0;
	m->source_column = (unsigned int)(column - skip) + 1;
}

static void drop(struct diag *m)
{
	free(m->file);
	free(m->message);
	free(m->hint);
	free(m->source_line);
	*m = (struct diag){ 0 };
}

/* A full list gives up its last warning for an error. */
static struct diag *find_room(struct diags *d, enum diag_level level)
{
	if (d->count < DIAG_MAX)
		return &d->list[d->count++];
	if (level != DIAG_ERROR)
		return NULL;
	for (size_t i = DIAG_MAX; i-- > 0;) {
		if (d->list[i].level == DIAG_ERROR)
			continue;
		drop(&d->list[i]);
		memmove(&d->list[i], &d->list[i + 1], (DIAG_MAX - 1 - i) * sizeof(d->list[0]));
		d->list[DIAG_MAX - 1] = (struct diag){ 0 };
		return &d->list[DIAG_MAX - 1];
	}
	return NULL;
}

void diag_add(struct diags *d, enum diag_level level, struct loc loc, const char *source,
	      size_t source_size, const char *hint, const char *format, ...)
{
	struct diag *m = find_room(d, level);
	va_list args;

	if (level == DIAG_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (!m)
		return;
	*m = (struct diag){ .level = level, .loc = loc, .hint = clean_copy(hint) };
	m->file = clean_copy(loc.file);
	m->loc.file = m->file;
	va_start(args, format);
	if (vasprintf(&m->message, format, args) < 0)
		m->message = NULL;
	va_end(args);
	if (m->message)
		clean(m->message);
	if (source && loc.line)
		keep_source_line(m, source, source_size);
}

void diag_sort(struct diags *d)
{
	for (size_t i = 1; i < d->count; i++) {
		struct diag m = d->list[i];
		size_t at = i;

		for (; at > 0; at--) {
			const struct loc *before = &d->list[at - 1].loc;

			if (before->line < m.loc.line ||
			    (before->line == m.loc.line && before->column <= m.loc.column))
				break;
			d->list[at] = d->list[at - 1];
		}
		d->list[at] = m;
	}
}

static size_t characters(const char *text, size_t bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static bool continues(const char *text, size_t at)
{
	return ((unsigned char)text[at] & 0xc0) == 0x80;
}

static void print_source_line(const struct diag *m, FILE *out)
{
	OWN_FREE char *text = clean_copy(m->source_line);
	size_t size, from, to, column, width;

	if (!text)
		return;
	size = strlen(text);
	from = strspn(text, " ");
	column = m->source_column ? m->source_column - 1 : 0;
	if (column > size)
		column = size;
	if (from > column)
		from = column;
	if (size - from > SHOWN_BYTES && column > from + SHOWN_BYTES / 2)
		from = column - SHOWN_BYTES / 2;
	while (from < size && continues(text, from))
		from++;
	to = size - from > SHOWN_BYTES ? from + SHOWN_BYTES : size;
	while (to > from && to < size && continues(text, to))
		to--;
	fprintf(out, "    %.*s\n", (int)(to - from), text + from);
	if (column < from)
		column = from;
	width = m->loc.width && column + m->loc.width <= to ? m->loc.width : 1;
	width = column < to ? characters(text + column, width) : 1;
	fprintf(out, "    %*s^", (int)characters(text + from, column - from), "");
	while (width-- > 1)
		fputc('~', out);
	fputc('\n', out);
}

void diag_print(const struct diags *d, FILE *out)
{
	size_t kept_errors = 0;

	for (size_t i = 0; i < d->count; i++) {
		const struct diag *m = &d->list[i];

		kept_errors += m->level == DIAG_ERROR;
		fprintf(out, "%s:", m->file ? m->file : "weir");
		if (m->loc.line)
			fprintf(out, "%u:%u:", m->loc.line, m->loc.column);
		fprintf(out, " %s%s\n", m->level == DIAG_WARNING ? "warning: " : "",
			m->message ? m->message : "out of memory");
		print_source_line(m, out);
		if (m->hint)
			fprintf(out, "hint: %s\n", m->hint);
	}
	if (d->errors > kept_errors)
		fprintf(out, "and %zu more error%s\n", d->errors - kept_errors,
			d->errors - kept_errors == 1 ? "" : "s");
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *one_as_json(const struct diag *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "message", json_string(m->message ? m->message : "out of memory"));
	json_object_set_new(o, "file", text_or_null(m->file));
	json_object_set_new(o, "line", m->loc.line ? json_integer(m->loc.line) : json_null());
	json_object_set_new(o, "col", m->loc.line ? json_integer(m->loc.column) : json_null());
	json_object_set_new(o, "hint", text_or_null(m->hint));
	return o;
}

void diag_print_json(const struct diags *d, FILE *out)
{
	json_t *root = json_object(), *errors = json_array(), *warnings = json_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct diag *m = &d->list[i];

		json_array_append_new(m->level == DIAG_ERROR ? errors : warnings, one_as_json(m));
	}
	json_object_set_new(root, "errors", errors);
	if (json_array_size(warnings))
		json_object_set(root, "warnings", warnings);
	json_decref(warnings);
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}

void diag_free(struct diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		drop(&d->list[i]);
	*d = (struct diags){ 0 };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements, swaps of neighbours; each counts 1. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][SUGGEST_BYTES + 1];
	size_t *two_ago = rows[0], *before = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		before[j] = two_ago[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *spare = two_ago;

		now[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			now[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(now[j], least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], two_ago[j - 2] + 1);
		}
		two_ago = before;
		before = now;
		now = spare;
	}
	return before[b_size];
}

const char *diag_suggest(const char *word, const char *const *words)
{
	size_t size = strlen(word), best = least(SUGGEST_DISTANCE, size / 3) + 1;
	const char *found = NULL;

	if (size > SUGGEST_BYTES)
		return NULL;
	for (; *words; words++) {
		size_t other = strlen(*words), distance;

		if (other > SUGGEST_BYTES || other + best <= size || size + best <= other)
			continue;
		distance = edit_distance(word, size, *words, other);
		if (distance < best) {
			best = distance;
			found = *words;
		}
	}
	return found;
}
