// SPDX-License-Identifier: GPL-2.0-or-later
/* A set's file: one element a line, "#" comments, blank lines. */
#include "parser_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lexer.h"
#include "own.h"
#include "set_text.h"

#define SET_FILE_BYTES_MAX (128L << 20)

/* Relative to the folder of the configuration. NULL without memory. */
static char *full_path(const struct build *b, const char *path)
{
	const char *slash = b->file && path[0] != '/' ? strrchr(b->file, '/') : NULL;
	char *full;

	if (asprintf(&full, "%.*s%s", slash ? (int)(slash - b->file + 1) : 0, slash ? b->file : "",
		     path) < 0)
		return NULL;
	return full;
}

static char *refuse_file(struct build *b, const struct set *s, const char *path, const char *why)
{
	build_error(b, s->loc, NULL, "set %s: cannot read %s: %s", s->name, path, why);
	return NULL;
}

static char *read_all(struct build *b, const struct set *s, const char *path, size_t *size)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	OWN_FREE char *text = NULL;
	struct stat st;
	size_t used = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return refuse_file(b, s, path,
				   errno == ENOENT ? "there is no such file; create it or "
						     "correct the name"
						   : strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse_file(b, s, path, "it is not a regular file; name one");
	if (st.st_size > SET_FILE_BYTES_MAX)
		return refuse_file(b, s, path, "it is larger than 128 MB; split the set");
	text = malloc((size_t)st.st_size + 1);
	if (!text) {
		b->out_of_memory = true;
		return NULL;
	}
	while (used < (size_t)st.st_size) {
		n = read(fd, text + used, (size_t)st.st_size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_file(b, s, path, strerror(errno));
		if (!n)
			break;
		used += (size_t)n;
	}
	*size = used;
	return TAKE_PTR(text);
}

struct set_file {
	struct build *build; /* messages count lines in this file */
	struct set *set;
	const char *text;
	size_t size;
};

static void refuse_line(struct set_file *f, struct loc at, const char *hint, const char *message)
{
	diag_add(f->build->diags, DIAG_ERROR, at, f->text, f->size, hint, "%s", message);
	f->build->failed = true;
}

static void add_line(struct set_file *f, const struct token *t)
{
	struct set *s = f->set;
	range parsed[VALUE_RANGES];
	struct problem why = { 0 };
	struct word w = { .text = t->text, .size = t->size };
	char text[WORD_TEXT_BYTES];
	size_t n = 0;

	word_text(&w, text, sizeof(text));
	if (t->kind == TOKEN_WORD)
		n = value_ranges(VALUE_PORT, text, parsed, &why);
	else
		snprintf(why.message, sizeof(why.message),
			 "a set's file has one element a line and nothing else");
	if (!n)
		refuse_line(f, t->loc, why.hint[0] ? why.hint : NULL, why.message);
	for (size_t i = 0; i < n; i++) {
		if (!RESERVE(f->build, s->elements, s->elements_count))
			return;
		s->elements[s->elements_count++] = parsed[i];
	}
}

/* A second word on a line is refused; a comma or semicolon there, too. */
static void read_lines(struct set_file *f, const char *path)
{
	struct build *b = f->build;
	unsigned int last_line = 0;
	size_t elements = 0;
	struct lexer lexer;
	struct token t;

	lexer_init(&lexer, path, f->text, f->size);
	for (t = lexer_next(&lexer); t.kind != TOKEN_EOF; t = lexer_next(&lexer)) {
		if (t.kind == TOKEN_NEWLINE)
			continue;
		if (t.loc.line == last_line) {
			if (t.loc.line && !b->failed)
				refuse_line(
					f, t.loc, NULL,
					"a set's file has one element a line; start a new line");
			continue;
		}
		last_line = t.loc.line;
		b->failed = false;
		if (++elements > SET_ELEMENTS_MAX) {
			refuse_line(f, t.loc, NULL,
				    "over 1048576 elements in a set; join some to larger prefixes");
			return;
		}
		add_line(f, &t);
		if (b->out_of_memory || b->diags->errors >= DIAG_MAX)
			return;
	}
}

void build_read_set_file(struct build *b, struct set *s)
{
	OWN_FREE char *path = full_path(b, s->file);
	OWN_FREE char *text = NULL;
	struct set_file f = { .build = b, .set = s };

	if (!path) {
		b->out_of_memory = true;
		return;
	}
	text = read_all(b, s, path, &f.size);
	f.text = text;
	if (!text)
		return;
	if (s->type != SET_PORT) {
		int error = set_file_parse(path, text, f.size, s->type, b->diags, &s->entries, NULL,
					   NULL);

		b->out_of_memory |= error == -ENOMEM;
	} else if (!lexer_check_text(path, text, f.size, b->diags)) {
		read_lines(&f, path);
	}
	b->failed = false;
}
