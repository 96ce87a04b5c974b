// SPDX-License-Identifier: GPL-2.0-or-later
#include "lexer.h"

#include <errno.h>
#include <limits.h>
#include <linux/types.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BAD_BYTES_OF_GARBAGE 8 /* in its first GARBAGE_WINDOW bytes */
#define GARBAGE_WINDOW 4096

static const bool no_word_byte[256] = {
	[0 ... ' '] = true, [0x7f] = true, ['{'] = true, ['}'] = true, [';'] = true, [','] = true,
	['#'] = true,	    ['"'] = true,  ['='] = true, ['!'] = true, ['<'] = true, ['>'] = true,
};

bool lexer_is_word_byte(unsigned char c)
{
	return !no_word_byte[c];
}

void lexer_init(struct lexer *l, const char *file, const char *text, size_t size)
{
	size_t mark = strlen(BYTE_ORDER_MARK);

	*l = (struct lexer){ .file = file, .line_start = text, .end = text + size, .line = 1 };
	if (size >= mark && !memcmp(text, BYTE_ORDER_MARK, mark))
		text += mark;
	l->at = text;
}

static void skip_blanks(struct lexer *l)
{
	while (l->at < l->end) {
		if (*l->at == '#') {
			const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));

			l->at = newline ? newline : l->end;
		}
		if (l->at == l->end || (*l->at != ' ' && *l->at != '\t' && *l->at != '\r'))
			return;
		l->at++;
	}
}

static unsigned int clipped(size_t n)
{
	return n < UINT_MAX ? (unsigned int)n : UINT_MAX;
}

static struct token make(const struct lexer *l, enum token_kind kind, const char *start,
			 size_t bytes)
{
	return (struct token){ .kind = kind,
			       .text = start,
			       .size = bytes,
			       .loc = { .file = l->file,
					.line = l->line,
					.column = clipped((size_t)(start - l->line_start) + 1),
					.width = clipped(bytes ? bytes : 1) } };
}

static struct token lex_string(struct lexer *l)
{
	const char *start = l->at++;
	struct token t;

	while (l->at < l->end && *l->at != '"' && *l->at != '\n') {
		if (*l->at == '\\' && l->at + 1 < l->end && l->at[1] != '\n')
			l->at++;
		l->at++;
	}
	if (l->at == l->end || *l->at != '"')
		return make(l, TOKEN_UNCLOSED, start, 1);
	l->at++;
	t = make(l, TOKEN_STRING, start, (size_t)(l->at - start));
	t.text++;
	t.size -= 2;
	return t;
}

static struct token lex_word(struct lexer *l)
{
	enum token_kind kind = *l->at == '$'   ? TOKEN_DEFINE
			       : *l->at == '@' ? TOKEN_SET
					       : TOKEN_WORD;
	const char *start = l->at, *at = start, *end = l->end;
	struct token t;

	while (at < end && !no_word_byte[(unsigned char)*at])
		at++;
	l->at = at;
	t = make(l, kind, start, (size_t)(at - start));
	if (kind != TOKEN_WORD) {
		t.text++;
		t.size--;
	}
	return t;
}

static struct token lex_sign(struct lexer *l)
{
	static const struct {
		char sign;
		enum token_kind alone, with_equal; /* TOKEN_EOF: there is none */
	} signs[] = {
		{ '{', TOKEN_OPEN },
		{ '}', TOKEN_CLOSE },
		{ ';', TOKEN_SEMICOLON },
		{ ',', TOKEN_COMMA },
		{ '=', TOKEN_EQUAL },
		{ '!', TOKEN_STRAY, TOKEN_NOT_EQUAL },
		{ '<', TOKEN_LESS, TOKEN_LESS_EQUAL },
		{ '>', TOKEN_GREATER, TOKEN_GREATER_EQUAL },
	};
	const char *start = l->at++;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (signs[i].sign != *start)
			continue;
		if (signs[i].with_equal == TOKEN_EOF || l->at == l->end || *l->at != '=')
			return make(l, signs[i].alone, start, 1);
		l->at++;
		return make(l, signs[i].with_equal, start, 2);
	}
	return make(l, TOKEN_STRAY, start, 1);
}

struct token lexer_next(struct lexer *l)
{
	struct token t;

	skip_blanks(l);
	if (l->at == l->end)
		return make(l, TOKEN_EOF, l->at, 0);
	if (*l->at == '\n') {
		t = make(l, TOKEN_NEWLINE, l->at, 1);
		l->line_start = ++l->at;
		l->line++;
		return t;
	}
	if (*l->at == '"')
		return lex_string(l);
	if (lexer_is_word_byte((unsigned char)*l->at))
		return lex_word(l);
	return lex_sign(l);
}

/* Bytes of the character at @s, 0 when it is no text. */
static size_t text_bytes(const unsigned char *s, size_t size)
{
	size_t bytes;

	if (s[0] < 0x80)
		return (s[0] >= ' ' && s[0] != 0x7f) || s[0] == '\t' || s[0] == '\n' ||
		       (s[0] == '\r' && size > 1 && s[1] == '\n');
	bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || bytes > size)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return bytes;
}

static size_t count_bad_bytes(const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t bad = 0;

	for (size_t i = 0; i < size;) {
		size_t bytes = text_bytes(s + i, size - i);

		bad += !bytes;
		i += bytes ? bytes : 1;
	}
	return bad;
}

static void refuse(struct diags *d, struct loc at, const char *text, size_t size, size_t offset)
{
	unsigned char byte = (unsigned char)text[offset];
	size_t rest = size - offset < GARBAGE_WINDOW ? size - offset : GARBAGE_WINDOW;

	if (count_bad_bytes(text + offset, rest) >= BAD_BYTES_OF_GARBAGE)
		diag_add(d, DIAG_ERROR, at, text, size, NULL,
			 "this does not look like a weir configuration; it is no text");
	else if (!byte)
		diag_add(d, DIAG_ERROR, at, text, size, NULL, "NUL byte; delete it");
	else if (byte == '\r')
		diag_add(d, DIAG_ERROR, at, text, size, NULL,
			 "carriage return in the middle of a line; end lines with a newline");
	else if (byte < 0x80)
		diag_add(d, DIAG_ERROR, at, text, size, NULL, "control byte 0x%02x; delete it",
			 byte);
	else
		diag_add(d, DIAG_ERROR, at, text, size, NULL,
			 "byte 0x%02x is not UTF-8; save the file as UTF-8", byte);
}

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* Bytes from @s that are plain for sure, eight at a time: from " " to "~". */
static size_t plain_bytes(const unsigned char *s, size_t size)
{
	size_t i = 0;

	for (; i + sizeof(__u64) <= size; i += sizeof(__u64)) {
		__u64 eight;

		memcpy(&eight, s + i, sizeof(eight));
		/* A byte's highest bit: it was set, or less than " " borrows, or 0x7f carries. */
		if ((eight | (eight - EACH_BYTE(' ')) | (eight + EACH_BYTE(1))) & EACH_BYTE(0x80))
			break;
	}
	return i;
}

int lexer_check_text(const char *file, const char *text, size_t size, struct diags *d)
{
	const unsigned char *s = (const unsigned char *)text;
	struct loc at = { .file = file, .line = 1, .width = 1 };
	size_t line_start = 0;

	for (size_t i = 0; i < size;) {
		size_t bytes;

		i += plain_bytes(s + i, size - i);
		while (i < size && s[i] >= ' ' && s[i] < 0x7f)
			i++;
		if (i == size)
			break;
		bytes = text_bytes(s + i, size - i);
		if (!bytes) {
			at.column = clipped(i - line_start + 1);
			refuse(d, at, text, size, i);
			return -EINVAL;
		}
		if (s[i] == '\n') {
			at.line++;
			line_start = i + 1;
		}
		i += bytes;
	}
	return 0;
}
