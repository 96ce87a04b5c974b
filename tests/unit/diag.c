// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How messages print, and which words are near to which.
 */
#include <jansson.h>
#include <string.h>

#include "diag.h"
#include "test_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char *printed(const struct diags *d, void (*print)(const struct diags *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(d, out);
	fclose(out);
	return text;
}

static void assert_prints(struct diags *d, const char *want)
{
	char *text = printed(d, diag_print);

	assert_string_equal(text, want);
	free(text);
	diag_free(d);
}

/* A bare message with neither hint nor source line. */
static void add(struct diags *d, enum diag_level level, unsigned int line, const char *message)
{
	struct loc at = { .file = "f", .line = line, .column = 1, .width = 1 };

	diag_add(d, level, at, NULL, 0, NULL, "%s", message);
}

/* An error at a place that may not be in @source. */
static void add_at(struct diags *d, const char *source, unsigned int line, unsigned int column)
{
	struct loc at = { .file = "f", .line = line, .column = column, .width = 9 };

	diag_add(d, DIAG_ERROR, at, source, strlen(source), NULL, "%s", "m");
}

static void a_message_shows_place_line_caret_and_hint(void **state)
{
	static const char source[] = "service web {\n\tbackend b1 10.0.7.11 weight 0\n}\n";
	struct diags d = { 0 };
	struct loc at = { "edge.conf", 2, 30, 1 };

	(void)state;
	diag_add(&d, DIAG_ERROR, at, source, sizeof(source) - 1, "try drain",
		 "weight %d is not allowed", 0);
	assert_prints(&d, "edge.conf:2:30: weight 0 is not allowed\n"
			  "    backend b1 10.0.7.11 weight 0\n"
			  "                                ^\n"
			  "hint: try drain\n");
}

static void a_caret_counts_characters_not_bytes(void **state)
{
	static const char source[] = "f \"d\xc3\xa9j\xc3\xa0\" xyz\r\n";
	struct diags d = { 0 };
	struct loc at = { "f", 1, 12, 3 };

	(void)state;
	diag_add(&d, DIAG_WARNING, at, source, sizeof(source) - 1, NULL, "odd");
	assert_prints(&d, "f:1:12: warning: odd\n"
			  "    f \"d\xc3\xa9j\xc3\xa0\" xyz\n"
			  "             ^~~\n");
}

static void control_bytes_never_reach_the_terminal(void **state)
{
	/* ESC, DEL, C1's CSI, right-to-left override, broken UTF-8, a surrogate */
	static const char source[] = "a\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\xff\xed\xa0\x80 b\n";
	struct diags d = { 0 };
	struct loc at = { "a\x1b", 1, 1, 1 };

	(void)state;
	diag_add(&d, DIAG_ERROR, at, source, sizeof(source) - 1, "h\x1b", "m\x1b%s", "\xc2\x9b");
	assert_prints(&d, "a?:1:1: m???\n"
			  "    a?[31m?????????? b\n"
			  "    ^\n"
			  "hint: h?\n");
}

static void a_long_line_is_cut_around_the_column(void **state)
{
	size_t size = 1 << 20;
	char *source = malloc(size), *text;
	struct diags d = { 0 };
	struct loc at = { "f", 1, 500001, 4 };

	(void)state;
	memset(source, 'x', size);
	memcpy(source + 500000, "HERE", 4);
	diag_add(&d, DIAG_ERROR, at, source, size, NULL, "m");
	assert_true(strlen(d.list[0].source_line) < 1000);
	text = printed(&d, diag_print);
	assert_true(strlen(text) < 350);
	assert_non_null(strstr(text, "HERE"));
	assert_int_equal(strstr(text, "HERE") - strchr(text, '\n'),
			 strstr(text, "^~~~") - strchr(strchr(text, '\n') + 1, '\n'));
	free(text);
	free(source);
	diag_free(&d);
}

static void a_place_past_the_end_of_the_text_prints(void **state)
{
	struct diags d = { 0 };

	(void)state;
	add_at(&d, "a\n", 9, 9);
	add_at(&d, "a\n", 1, 9);
	add_at(&d, "", 1, 1);
	add(&d, DIAG_ERROR, 0, "m");
	assert_prints(&d, "f:9:9: m\n"
			  "f:1:9: m\n    a\n     ^\n"
			  "f:1:1: m\n    \n    ^\n"
			  "f: m\n");
}

static void errors_past_the_limit_are_counted_and_push_warnings_out(void **state)
{
	struct diags d = { 0 };
	char *text;

	(void)state;
	for (int i = 0; i < 5; i++)
		add(&d, DIAG_WARNING, 1, "w");
	for (int i = 0; i < DIAG_MAX + 3; i++)
		add(&d, DIAG_ERROR, 1, "e");
	assert_int_equal(d.count, DIAG_MAX);
	assert_int_equal(d.errors, DIAG_MAX + 3);
	assert_int_equal(d.warnings, 5);
	for (size_t i = 0; i < d.count; i++)
		assert_int_equal(d.list[i].level, DIAG_ERROR);
	text = printed(&d, diag_print);
	assert_non_null(strstr(text, "and 3 more errors\n"));
	free(text);
	diag_free(&d);
}

static void messages_are_sorted_by_place_and_else_keep_their_order(void **state)
{
	static const unsigned int lines[] = { 3, 1, 2, 1, 3 };
	static const char *const messages[] = { "a", "b", "c", "d", "e" };
	static const char *const want[] = { "b", "d", "c", "a", "e" };
	struct diags d = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		add(&d, DIAG_ERROR, lines[i], messages[i]);
	diag_sort(&d);
	for (size_t i = 0; i < COUNT(want); i++)
		assert_string_equal(d.list[i].message, want[i]);
	diag_free(&d);
}

static void messages_print_as_one_json_document(void **state)
{
	struct diags d = { 0 };
	char *text;
	json_t *root, *e;

	(void)state;
	diag_add(&d, DIAG_ERROR, (struct loc){ "f\"", 2, 3, 1 }, NULL, 0, "h", "m\n\x1b");
	add(&d, DIAG_WARNING, 0, "w");
	text = printed(&d, diag_print_json);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	e = json_array_get(json_object_get(root, "errors"), 0);
	assert_string_equal(json_string_value(json_object_get(e, "message")), "m??");
	assert_string_equal(json_string_value(json_object_get(e, "file")), "f\"");
	assert_string_equal(json_string_value(json_object_get(e, "hint")), "h");
	assert_int_equal(json_integer_value(json_object_get(e, "line")), 2);
	assert_int_equal(json_integer_value(json_object_get(e, "col")), 3);
	assert_int_equal(json_array_size(json_object_get(root, "warnings")), 1);
	json_decref(root);
	free(text);
	diag_free(&d);
}

static void a_misspelling_is_recognised_and_another_word_is_not(void **state)
{
	static const char *const words[] = { "filter", "interface", "service", "set",
					     "tcp",    "udp",	    NULL };
	static const struct {
		const char *word, *near;
	} cases[] = {
		{ "fliter", "filter" },
		{ "filte", "filter" },
		{ "filterr", "filter" },
		{ "intreface", "interface" },
		{ "servcie", "service" },
		{ "tpc", "tcp" },
		{ "sett", "set" },
		{ "filter", "filter" },
		{ "flr", NULL },
		{ "tc", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "abcdef", NULL },
		{ "foobarfilter", NULL },
	};
	char long_word[300];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *near = diag_suggest(cases[i].word, words);

		if (!cases[i].near)
			assert_null(near);
		else
			assert_string_equal(near, cases[i].near);
	}
	memset(long_word, 'x', sizeof(long_word));
	long_word[299] = 0;
	assert_null(diag_suggest(long_word, words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_shows_place_line_caret_and_hint),
		cmocka_unit_test(a_caret_counts_characters_not_bytes),
		cmocka_unit_test(control_bytes_never_reach_the_terminal),
		cmocka_unit_test(a_long_line_is_cut_around_the_column),
		cmocka_unit_test(a_place_past_the_end_of_the_text_prints),
		cmocka_unit_test(errors_past_the_limit_are_counted_and_push_warnings_out),
		cmocka_unit_test(messages_are_sorted_by_place_and_else_keep_their_order),
		cmocka_unit_test(messages_print_as_one_json_document),
		cmocka_unit_test(a_misspelling_is_recognised_and_another_word_is_not),
	};

	return WEIR_RUN(tests);
}
