// SPDX-License-Identifier: GPL-2.0-or-later
#include "test_cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test_print.h"

int test_cases_open(struct test_cases *t, const char *path, struct failure *why)
{
	*t = (struct test_cases){ .path = path, .file = fopen(path, "re") };
	if (t->file)
		return 0;
	return errno == ENOENT ? fail(why, EXIT_NOT_FOUND, "%s: no such file", path)
			       : fail_errno(why, errno, "%s", path);
}

void test_cases_close(struct test_cases *t)
{
	if (t->file)
		fclose(t->file);
	t->file = NULL;
}

void test_case_free(struct test_case *c)
{
	free(c->text);
	c->text = NULL;
}

/* Cut @text into words, up to a "#". Returns how many, or -1 for too many. */
static int split(char *text, char *words[CASE_WORDS + 1])
{
	char *word;
	int count = 0;

	text[strcspn(text, "#\n")] = '\0';
	while ((word = strsep(&text, " \t\r"))) {
		if (!*word)
			continue;
		if (count == CASE_WORDS)
			return -1;
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

static int parse(char **words, struct test_case *out, struct failure *why)
{
	out->expect = *words++;
	if (test_expect_parse(out->expect, why))
		return -1;
	if (*words && !strcmp(*words, "rule") && words[1]) {
		out->rule = words[1];
		words += 2;
	}
	return describe_frame(words, &out->frame, why);
}

/* Say where: what a packet's words are refused with knows no line. */
static int fail_at(const struct test_cases *t, struct failure *from, struct failure *why)
{
	fail(why, EXIT_USAGE, "%s:%u: %s", t->path, t->line, from->message ? from->message : "?");
	failure_free(from);
	return -1;
}

int test_cases_next(struct test_cases *t, struct test_case *out, struct failure *why)
{
	char *words[CASE_WORDS + 1];
	struct failure inner = {};
	size_t room = 0;
	int count = 0;

	out->text = NULL;
	out->rule = NULL;
	while (!count) {
		if (getline(&out->text, &room, t->file) < 0)
			return 0;
		t->line++;
		count = split(out->text, words);
	}
	out->line = t->line;
	if (count < 0)
		fail(&inner, EXIT_USAGE, "more than %d words", CASE_WORDS);
	if (count < 0 || parse(words, out, &inner))
		return fail_at(t, &inner, why);
	return 1;
}
