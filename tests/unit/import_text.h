/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations, as tests want them.
 */
#ifndef WEIR_TEST_IMPORT_TEXT_H
#define WEIR_TEST_IMPORT_TEXT_H

/* before cmocka, which has a macro of the name fail */
#include "import.h"

#include "config_text.h"

/* What stands in every translation. */
#define NO_INTERFACE                                                                 \
	"# The rules name no interface; write a block for each that they are for:\n" \
	"# interface eth0 { xdp auto; filter input }\n"                              \
	"\n"
#define COMES_IN                                                                              \
	"# What comes in, before routing: packets that are forwarded are judged here, too.\n" \
	"filter input {\n"
#define LEAVES                                                 \
	"\n"                                                   \
	"# What leaves, packets that are forwarded as well.\n" \
	"filter output {\n"

/* "12 left out, 15 changed": the notes by line. */
static inline const char *notes_text(const struct import_result *r)
{
	static char text[4096];
	size_t used = 0;

	text[0] = 0;
	for (size_t i = 0; i < r->notes_count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u %s", i ? ", " : "",
					 r->notes[i].line,
					 r->notes[i].kind == IMPORT_LEFT_OUT ? "left out"
									     : "changed");
	return text;
}

/* The configuration and the notes that @text becomes; and weir takes the configuration. */
static inline void assert_translates(enum import_format format, const char *text,
				     const char *config, const char *notes)
{
	struct import_result r;
	struct failure why = {};
	struct model m;

	if (import_translate(format, "rules", text, strlen(text), &r, &why))
		fail_msg("%s\nrefused: %s", text, why.message);
	assert_string_equal(r.config, config);
	assert_string_equal(notes_text(&r), notes);
	m = good_config(r.config);
	model_free(&m);
	import_free(&r);
}

/* The lines with a rule of what @text becomes, without "rule NAME", and then the reasons. */
static inline char *rules_of(enum import_format format, const char *text)
{
	struct import_result r;
	struct failure why = {};
	char *out = NULL;
	size_t size;
	FILE *stream = open_memstream(&out, &size);

	if (import_translate(format, "rules", text, strlen(text), &r, &why))
		fail_msg("%s\nrefused: %s", text, why.message);
	for (const char *at = r.config; (at = strstr(at, "    rule ")); at++) {
		const char *rule = strchr(at + 9, ' ') + 1;

		fprintf(stream, "%.*s\n", (int)strcspn(rule, "\n"), rule);
	}
	for (size_t i = 0; i < r.notes_count; i++)
		fprintf(stream, "%u: %s\n", r.notes[i].line, r.notes[i].why);
	fclose(stream);
	import_free(&r);
	return out;
}

#endif
