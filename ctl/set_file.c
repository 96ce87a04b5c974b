// SPDX-License-Identifier: GPL-2.0-or-later
/* A set's file. Read without the lexer of the language: it may have a million lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"
#include "set_text.h"
#include "weir/set.h"

#define LINE_BYTES 400
/* Lines between two calls of the progress. */
#define PROGRESS_LINES 65536

struct reader {
	const char *path, *text;
	size_t size;
	enum set_type type;
	struct diags *diags;
	struct set_elements *out;
	unsigned int line;
	char copy[LINE_BYTES]; /* of the line, cut into words */
	char *at;
	bool is_quoted; /* the last word had quotes */
};

static int refuse(struct reader *r, const char *word, const char *message, const char *hint)
{
	const struct loc at = { .file = r->path,
				.line = r->line,
				.column = (unsigned int)(word - r->copy) + 1,
				.width = *word ? (unsigned int)strlen(word) : 1 };

	diag_add(r->diags, DIAG_ERROR, at, r->text, r->size, hint && *hint ? hint : NULL, "%s",
		 message);
	return -EINVAL;
}

/* The next word of the line, in place; a string without its quotes. NULL at the end. */
static char *next_word(struct reader *r)
{
	char *word = r->at + strspn(r->at, " \t"), *end;

	if (!*word || *word == '#')
		return NULL;
	r->is_quoted = *word == '"' && (end = strchr(word + 1, '"'));
	if (r->is_quoted) {
		word++;
	} else {
		end = word + strcspn(word, " \t#");
		if (*end == '#') {
			/* ends the line, too */
			*end = 0;
			r->at = end;
			return word;
		}
	}
	r->at = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static int read_timeout(struct reader *r, char *name, __u32 *seconds)
{
	char *word = next_word(r);
	struct problem why;

	if (!word)
		return refuse(r, name, "timeout takes a time, as in \"timeout 1h\"", NULL);
	return set_timeout_parse(word, seconds, &why) ? 0 : refuse(r, word, why.message, why.hint);
}

static int read_comment(struct reader *r, char *name, const char **comment)
{
	char *word = next_word(r);
	struct problem why;

	if (!word)
		return refuse(r, name, "comment takes a text, as in comment \"who and why\"", NULL);
	*comment = word;
	return set_comment_check(word, &why) ? 0 : refuse(r, word, why.message, why.hint);
}

static int read_options(struct reader *r, __u32 *timeout_s, const char **comment)
{
	bool is_bare = false; /* a comment of one word came last, without quotes */
	char *word;
	int error = 0;

	while (!error && (word = next_word(r))) {
		if (!strcmp(word, "timeout"))
			error = read_timeout(r, word, timeout_s);
		else if (!strcmp(word, "comment"))
			error = read_comment(r, word, comment);
		else if (is_bare)
			error = refuse(r, word,
				       "a comment of several words needs quotes, as in comment "
				       "\"who and why\"",
				       NULL);
		else
			error = refuse(r, word,
				       "a set's file has one element a line; only \"timeout 1h\" "
				       "and \"comment ...\" may follow it",
				       NULL);
		is_bare = *comment && !r->is_quoted;
	}
	return error;
}

static int read_line(struct reader *r)
{
	size_t first = r->out->count;
	const char *comment = NULL;
	struct problem why = {};
	__u32 timeout_s = 0;
	char *word = next_word(r);
	int error;

	if (!word)
		return 0;
	error = set_element_parse(r->type, word, r->out, &why);
	if (error == -EINVAL)
		return refuse(r, word, why.message, why.hint);
	if (!error)
		error = read_options(r, &timeout_s, &comment);
	for (size_t i = first; i < r->out->count && !error; i++) {
		r->out->list[i].timeout_s = timeout_s;
		if (comment && !(r->out->list[i].comment = strdup(comment)))
			error = -ENOMEM;
	}
	if (!error && r->out->count > WEIR_MAX_SET_ELEMENTS)
		error = refuse(r, word, "over 1048576 elements in a set; join some to prefixes",
			       NULL);
	return error;
}

/* The text of the line without its end; what is cut off is refused. */
static int take_line(struct reader *r, const char *line, size_t size)
{
	if (size && line[size - 1] == '\r')
		size--;
	r->at = r->copy;
	r->copy[0] = 0;
	if (size >= LINE_BYTES)
		return refuse(r, r->copy, "the line is too long for an element", NULL);
	memcpy(r->copy, line, size);
	r->copy[size] = 0;
	if (memchr(line, 0, size))
		return refuse(r, r->copy, "the line has a NUL byte; this is no text file", NULL);
	return read_line(r);
}

int set_file_parse(const char *path, const char *text, size_t size, enum set_type type,
		   struct diags *d, struct set_elements *out, set_progress progress, void *arg)
{
	struct reader r = {
		.path = path, .text = text, .size = size, .type = type, .diags = d, .out = out
	};
	size_t errors = d->errors, start = 0;

	if (lexer_check_text(path, text, size, d))
		return -EINVAL;

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		start = 3; /* byte order mark */
	while (start < size) {
		const char *newline = memchr(text + start, '\n', size - start);
		size_t end = newline ? (size_t)(newline - text) : size;
		int error;

		r.line++;
		error = take_line(&r, text + start, end - start);
		if (error == -ENOMEM)
			return error;
		if (d->errors - errors >= DIAG_MAX || out->count > WEIR_MAX_SET_ELEMENTS)
			break;
		start = end + 1;
		if (progress && r.line % PROGRESS_LINES == 0)
			progress(arg, start, size);
	}
	return d->errors > errors ? -EINVAL : 0;
}
