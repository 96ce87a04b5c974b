// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that is cut, mutated, huge or no text at all; files of sets.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config_text.h"
#include "mutate.h"

#define MUTATIONS 4000
#define MEGABYTE (1U << 20)

/* Accepted or refused; what counts is that the sanitizers are silent. */
static void parse_and_print(const char *text, size_t size)
{
	struct diags d = { 0 };
	struct model m = { 0 };
	char *messages;
	size_t messages_size;
	FILE *out = open_memstream(&messages, &messages_size);
	int err = parse_config(text, size, &d, &m);

	assert_int_equal(err, d.errors ? -EINVAL : 0);
	diag_print(&d, out);
	fclose(out);
	for (size_t i = 0; i < messages_size; i++)
		assert_true((unsigned char)messages[i] >= ' ' || messages[i] == '\n');
	free(messages);
	diag_free(&d);
	model_free(&m);
}

static void a_configuration_cut_at_any_byte_does_no_harm(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(example_config); size++)
		parse_and_print(example_config, size);
}

static void a_mutated_configuration_does_no_harm(void **state)
{
	static const char *const pieces[] = {
		"{",  "}",    "\n",	 ";",	  "\"",		"$office", "@mail",   ",",
		"!=", "=",    "filter ", "rule ", "10.0.0.0/8", "::/0",	   "0-65535", "\\",
		"#",  "not ", "> ",	 "<=",	  "limit 5/s ", "expr "
	};
	char text[sizeof(example_config)];

	(void)state;
	random_start();
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(text, example_config, sizeof(example_config));
		parse_and_print(text,
				mutate(text, sizeof(example_config) - 1, pieces, COUNT(pieces)));
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* @most leaves room for the sanitizers, which slow it down some ten times. */
static void assert_refused_fast(const char *what, const char *text, size_t size, double most)
{
	struct diags d = { 0 };
	struct model m;
	double start = seconds();

	assert_int_equal(parse_config(text, size, &d, &m), -EINVAL);
	if (seconds() - start > most)
		fail_msg("%s took %.1f s", what, seconds() - start);
	diag_free(&d);
}

static void ten_megabytes_of_garbage_are_refused_fast(void **state)
{
	static const char letters[] = "abcdef{}\n;, $@\"!=#";
	static const char *const words[] = { "filter ",
					     "rule ",
					     "x ",
					     "{ ",
					     "} ",
					     "\n",
					     ", ",
					     "$x ",
					     "@y ",
					     "; ",
					     "set ",
					     "= ",
					     "interface e { " };
	size_t size = 10 * MEGABYTE, used = 0;
	char *text = malloc(size + 32);

	(void)state;
	random_start();
	for (size_t i = 0; i < size; i++)
		text[i] = (char)random_u64();
	assert_refused_fast("noise", text, size, 1);
	for (size_t i = 0; i < size; i++)
		text[i] = letters[random_below(sizeof(letters) - 1)];
	assert_refused_fast("letters", text, size, 5);
	while (used < size) {
		const char *word = words[random_below(COUNT(words))];

		memcpy(text + used, word, strlen(word));
		used += strlen(word);
	}
	assert_refused_fast("words", text, size, 10);
	memset(text, '{', size);
	assert_refused_fast("braces", text, size, 10);
	memset(text, 'a', size);
	assert_refused_fast("a word", text, size, 10);
	free(text);
}

static void binary_files_get_one_message(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *message;
	} cases[] = {
		{ "set s {\n  \0 }", 13, "2:3: NUL byte; delete it" },
		{ "\x7f"
		  "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
		  20, "1:1: this does not look like a weir configuration; it is no text" },
		{ "# caf\xe9\nx", 8, "1:6: byte 0xe9 is not UTF-8; save the file as UTF-8" },
		{ "set \x1b[31m", 9, "1:5: control byte 0x1b; delete it" },
		{ "set a\rb", 7,
		  "1:6: carriage return in the middle of a line; end lines with a newline" },
		{ "a\nb\nc\nd\ne\nf\ng\n", 14, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct diags d = { 0 };
		struct model m;

		assert_int_equal(parse_config(cases[i].text, cases[i].size, &d, &m), -EINVAL);
		if (cases[i].message) {
			assert_string_equal(first_message(&d), cases[i].message);
			assert_int_equal(d.errors, 1);
		} else {
			assert_string_equal(d.list[d.count - 1].message,
					    "this does not look like a weir configuration; nothing "
					    "so far was understood");
		}
		diag_free(&d);
	}
}

static void a_hundred_thousand_rules_parse_fast(void **state)
{
	struct diags d = { 0 };
	struct model m = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	double start;

	(void)state;
	fputs("interface eth0 { filter f }\nset s { type prefix; elements 10.0.0.0/8 }\nfilter f "
	      "{\n",
	      out);
	for (unsigned int i = 0; i < 100000; i++)
		fprintf(out, "rule r%u drop tcp saddr { 192.0.%u.0/24, @s } dport %u\n", i, i % 256,
			i % 65536);
	fputs("}\n", out);
	fclose(out);
	start = seconds();
	assert_int_equal(parse_config(text, size, &d, &m), 0);
	if (seconds() - start > 10) /* with sanitizers; 0.3 s without */
		fail_msg("%.1f s", seconds() - start);
	assert_int_equal(m.filters[0].rules_count, 100000);
	free(text);
	diag_free(&d);
	model_free(&m);
}

static void defines_that_double_are_stopped(void **state)
{
	struct diags d = { 0 };
	struct model m;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs("define d0 = { 1, 2 }\n", out);
	for (unsigned int i = 1; i < 100; i++)
		fprintf(out, "define d%u = { $d%u, $d%u }\n", i, i - 1, i - 1);
	fclose(out);
	assert_int_equal(parse_config(text, size, &d, &m), -EINVAL);
	assert_string_equal(d.list[0].message,
			    "over 262144 values in all defines; use a set with a file");
	assert_int_equal(d.errors, 1);
	free(text);
	diag_free(&d);
}

static char folder[] = "/tmp/weir-config-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/set.txt", folder);
	unlink(path);
	return rmdir(folder);
}

/* Parse a configuration in the folder, whose set reads @elements from a relative path. */
static int parse_set_file(const char *type, const char *elements, struct diags *d, struct model *m)
{
	char path[64], text[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/set.txt", folder);
	f = fopen(path, "w");
	fputs(elements, f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/edge.conf", folder);
	snprintf(text, sizeof(text), "set s { type %s; file \"set.txt\" }", type);
	return model_parse(path, text, strlen(text), MODEL_FILES_READ, d, m);
}

static void a_set_file_is_read_from_the_folder_of_the_configuration(void **state)
{
	struct diags d = { 0 };
	struct model m = { 0 };
	char *user, *stored;

	(void)state;
	assert_int_equal(parse_set_file("prefix",
					"# bogons\n\n10.0.0.0/8\r\n  192.168.0.0/16 # home\n"
					"2001:db8::/32\n::1-::9",
					&d, &m),
			 0);
	user = print_config(&m, MODEL_PRINT_USER);
	stored = print_config(&m, MODEL_PRINT_STORED);
	assert_string_equal(user, "set s {\n    type prefix\n    file \"set.txt\"\n}\n");
	/* Its elements lie in the set's own memory. */
	assert_string_equal(stored, user);
	assert_int_equal(m.sets[0].entries.count, 7);
	assert_int_equal(m.sets[0].elements_count, 4);
	free(user);
	free(stored);
	diag_free(&d);
	model_free(&m);
}

static void a_broken_line_of_a_set_file_is_named(void **state)
{
	static const struct {
		const char *elements, *message;
	} cases[] = {
		{ "10.0.0.0/8\n 10.0.0.1/8\n",
		  "2:2: 10.0.0.1/8 has host bits set; write 10.0.0.0/8 or 10.0.0.1/32" },
		{ "10.0.0.0/8 10.0.0.1\n",
		  "1:12: a set's file has one element a line; only \"timeout 1h\" and "
		  "\"comment ...\" may follow it" },
		{ "10.0.0.0/8 comment who and why\n",
		  "1:24: a comment of several words needs quotes, as in comment \"who and why\"" },
		{ "{ 10.0.0.0/8 }\n", "1:1: \"{\" is not an address" },
		{ "a\x01\n", "1:2: control byte 0x01; delete it" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct diags d = { 0 };
		struct model m;
		const char *file;

		assert_int_equal(parse_set_file("prefix", cases[i].elements, &d, &m), -EINVAL);
		assert_string_equal(first_message(&d), cases[i].message);
		assert_int_equal(d.errors, 1);
		file = strrchr(d.list[0].loc.file, '/');
		assert_string_equal(file, "/set.txt");
		diag_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_cut_at_any_byte_does_no_harm),
		cmocka_unit_test(a_mutated_configuration_does_no_harm),
		cmocka_unit_test(ten_megabytes_of_garbage_are_refused_fast),
		cmocka_unit_test(binary_files_get_one_message),
		cmocka_unit_test(a_hundred_thousand_rules_parse_fast),
		cmocka_unit_test(defines_that_double_are_stopped),
		cmocka_unit_test(a_set_file_is_read_from_the_folder_of_the_configuration),
		cmocka_unit_test(a_broken_line_of_a_set_file_is_named),
	};

	return WEIR_RUN_GROUP(tests, make_folder, remove_folder);
}
