// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backend changed in the text that says it: nothing else of the text changes,
 * and what it says now is the model with the change.
 */
#include "edit_backend.h"

#include "config_text.h"

static const char text[] =
	"# the front of everything\n"
	"define heavy = 40\n"
	"interface eth0 { balance }\n"
	"pool ws {   # two of them\n"
	"    backend b1 10.0.7.11 weight 10 quic-id 1 # the old one\n"
	"    backend \"b2\" 2001:db8::2 drain weight $heavy   # \"drain\" is in quotes here\n"
	"\tbackend b3 10.0.7.13\t# weight 7, one day\n"
	"    backend b4 10.0.7.14 drain; backend b5 10.0.7.15 weight 5 drain  quic-id 9\n"
	"}\n"
	"service web { address 192.0.2.10; port tcp 443; forward ipip; backends ws }\n"
	"service api { address 192.0.2.11; port tcp 443; forward ipip; backend b1 10.0.8.1 }\n"
	"# the end, without a newline";

struct row {
	const char *backend;
	long weight;
	int drain;
	const char *was, *is; /* what the only difference is */
};

static const struct row rows[] = {
	{ "b1", 3, -1, "b1 10.0.7.11 weight 10 quic-id 1 #", "b1 10.0.7.11 weight 3 quic-id 1 #" },
	{ "b1", -1, 1, "quic-id 1 #", "quic-id 1 drain #" },
	{ "b1", -1, 0, "", "" },
	{ "b2", 0, -1, "weight $heavy", "weight 0" },
	{ "b2", -1, 0, "::2 drain weight", "::2 weight" },
	{ "b2", -1, 1, "", "" },
	{ "b3", 256, -1, "10.0.7.13\t#", "10.0.7.13 weight 256\t#" },
	{ "b3", -1, 1, "10.0.7.13\t#", "10.0.7.13 drain\t#" },
	{ "b4", 2, -1, "10.0.7.14 drain;", "10.0.7.14 drain weight 2;" },
	{ "b4", -1, 0, "10.0.7.14 drain;", "10.0.7.14;" },
	{ "b5", 6, -1, "weight 5 drain", "weight 6 drain" },
	{ "b5", -1, 0, "5 drain  quic-id 9", "5  quic-id 9" },
};

static struct model parse(const char *config, size_t size)
{
	struct diags d = {};
	struct model m = {};

	if (model_parse("t", config, size, MODEL_FILES_READ, &d, &m))
		fail_msg("%s\nin: %s", first_message(&d), config);
	diag_free(&d);
	return m;
}

static struct backend *find(struct model *m, const char *name)
{
	for (size_t i = 0; i < m->pools[0].backends_count; i++) {
		if (!strcmp(m->pools[0].backends[i].name, name))
			return &m->pools[0].backends[i];
	}
	fail_msg("no %s", name);
	return NULL;
}

static char *replaced(const char *was, const char *is)
{
	const char *at = strstr(text, was);
	char *made = malloc(sizeof(text) + strlen(is));

	assert_non_null(at);
	assert_non_null(made);
	sprintf(made, "%.*s%s%s", (int)(at - text), text, is, at + strlen(was));
	return made;
}

static void only_what_is_asked_for_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		const struct backend_change change = { r->weight, r->drain };
		struct model m = parse(text, strlen(text)), again;
		struct backend *b = find(&m, r->backend);
		char *want = replaced(r->was, r->is), *got = NULL;
		size_t size = 0;

		assert_int_equal(edit_backend(text, strlen(text), b, &change, &got, &size), 0);
		assert_string_equal(got, want);
		assert_int_equal(size, strlen(want));
		if (r->weight >= 0)
			b->weight = (__u16)r->weight;
		if (r->drain >= 0)
			b->drain = r->drain;
		again = parse(got, size);
		assert_true(model_equal(&m, &again));
		model_free(&m);
		model_free(&again);
		free(want);
		free(got);
	}
}

/* One change after another, each by places of the text that the last one left. */
static void changes_add_up(void **state)
{
	char *now = strdup(text), *next = NULL;
	size_t size = strlen(text);
	struct model m;

	(void)state;
	for (int i = 0; i < 200; i++) {
		const struct row *r = &rows[(i * 7) % COUNT(rows)];
		const struct backend_change change = { r->weight, r->drain };
		struct model again;
		struct backend *b;

		m = parse(now, size);
		b = find(&m, r->backend);
		assert_int_equal(edit_backend(now, size, b, &change, &next, &size), 0);
		b->weight = r->weight >= 0 ? (__u16)r->weight : b->weight;
		b->drain = r->drain >= 0 ? r->drain : b->drain;
		again = parse(next, size);
		assert_true(model_equal(&m, &again));
		model_free(&m);
		model_free(&again);
		free(now);
		now = next;
	}
	assert_non_null(strstr(now, "# \"drain\" is in quotes here\n"));
	assert_non_null(strstr(now, "# the end, without a newline"));
	free(now);
}

static void a_backend_that_stands_elsewhere_is_not_edited(void **state)
{
	const struct backend_change change = { 5, -1 };
	struct model m = parse(text, strlen(text));
	struct backend b = *find(&m, "b1"), moved;
	char *out = NULL;
	size_t size = 77;

	(void)state;
	for (unsigned int line = 0; line < 20; line++) {
		for (unsigned int column = 0; column < 90; column++) {
			/* b1 of the pool, and that of service api */
			if ((line == b.loc.line && column == b.loc.column) ||
			    (line == 11 && column == 71))
				continue;
			moved = b;
			moved.loc.line = line;
			moved.loc.column = column;
			assert_int_equal(
				edit_backend(text, strlen(text), &moved, &change, &out, &size),
				-ENOENT);
			assert_null(out);
			assert_int_equal(size, 77);
		}
	}
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_asked_for_changes),
		cmocka_unit_test(changes_add_up),
		cmocka_unit_test(a_backend_that_stands_elsewhere_is_not_edited),
	};

	return WEIR_RUN(tests);
}
