// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Most rules are read in one go, others token by token. A comment behind a rule
 * says nothing and has it read the long way: what comes out must be the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "own.h"
#include "random.h"

#include "test_main.h"

#define FILTERS 400
#define LINES 40

struct read {
	struct model model;
	struct diags diags;
	int error;
};

static const char *const names[] = { "a", "_b.c-d", "web", "drop", "tcp", "1a", "x!", "$x", "" };
static const char *const addresses[] = {
	"10.0.0.1",	"10.1.0.0/16", "0.0.0.0/0", "192.0.2.1/32", "255.255.255.255",
	"10.0.0.1/8",	"10.0.0.0/33", "10.0.0",    "10.0.0.256",   "010.0.0.1",
	"10.0.0.0/08",	"10.0.0.0/",   "1.2.3.4.5", "2001:db8::1",  "10.0.0.1-10.0.0.9",
	"{ 10.0.0.1 }", "$net",	       "@nets",	    "10.0.0.1x",    "0.0.0.00",
};
static const char *const ports[] = {
	"80",  "0",   "65535", "1024-65535", "080",	 "70-70",  "65536",  "80-70",
	"80-", "-80", "8a",    "100000",     "{ 1, 2 }", "000080", "> 1024", "!= 80",
};
static const char *const others[] = {
	"tcp", "udp", "icmp", "proto 6", "flags syn", "length > 100", "tcpx", ";", "\t", "", "ip",
};

#define PICK(array) ((array)[random_below(sizeof(array) / sizeof((array)[0]))])

/* The first of a list are right, and more likely. */
static const char *pick_likely(const char *const *list, __u32 right, __u32 count)
{
	return random_below(20) ? list[random_below(right)] : list[random_below(count)];
}

static void print_match(FILE *out)
{
	static const char *const blanks[] = { " ", "  ", "\t", " \t " };
	const char *blank = random_below(8) ? " " : PICK(blanks);

	switch (random_below(6)) {
	case 0:
	case 1:
		fprintf(out, "%ssaddr%s%s", blank, blank, pick_likely(addresses, 5, 20));
		break;
	case 2:
		fprintf(out, "%sdaddr%s%s", blank, blank, pick_likely(addresses, 5, 20));
		break;
	case 3:
		fprintf(out, "%ssport%s%s", blank, blank, pick_likely(ports, 6, 16));
		break;
	case 4:
		fprintf(out, "%sdport%s%s", blank, blank, pick_likely(ports, 6, 16));
		break;
	default:
		fprintf(out, "%s%s", blank, pick_likely(others, 3, 11));
	}
}

static void print_rule(FILE *out, __u32 number, const char *end)
{
	static const char *const actions[] = { "pass", "drop", "count", "passs", "log" };

	fprintf(out, "rule %s%u %s", pick_likely(names, 3, 9), number, pick_likely(actions, 2, 5));
	for (__u32 i = random_below(5); i; i--)
		print_match(out);
	fprintf(out, "%s\n", end);
}

/* The same filter, with @end behind each rule. */
static char *print_filter(__u64 seed, __u32 lines, const char *end)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	random_state = seed;
	fputs("define net = 10.2.0.0/16\nset nets { type prefix; elements { 10.3.0.0/16 } }\n"
	      "interface eth0 { filter f }\nfilter f {\n",
	      out);
	for (__u32 i = 0; i < lines; i++)
		print_rule(out, i, end);
	fputs("}\n", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static struct read read_text(const char *text)
{
	struct read r = {};

	r.error =
		model_parse("test.conf", text, strlen(text), MODEL_FILES_READ, &r.diags, &r.model);
	return r;
}

static void read_free(struct read *r)
{
	model_free(&r->model);
	diag_free(&r->diags);
}

static void assert_same_places(const struct filter *a, const struct filter *b)
{
	for (size_t i = 0; i < a->rules_count; i++) {
		const struct rule *x = &a->rules[i], *y = &b->rules[i];

		assert_int_equal(x->loc.line, y->loc.line);
		assert_int_equal(x->loc.column, y->loc.column);
		assert_int_equal(x->loc.width, y->loc.width);
		for (int f = 0; f < WEIR_FIELD_COUNT; f++)
			assert_memory_equal(&x->match[f].at, &y->match[f].at, sizeof(struct spot));
	}
}

static void assert_same(const struct read *a, const struct read *b)
{
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->diags.errors, b->diags.errors);
	assert_int_equal(a->diags.warnings, b->diags.warnings);
	for (size_t i = 0; i < a->diags.count; i++) {
		assert_string_equal(a->diags.list[i].message, b->diags.list[i].message);
		assert_int_equal(a->diags.list[i].loc.line, b->diags.list[i].loc.line);
		assert_int_equal(a->diags.list[i].loc.column, b->diags.list[i].loc.column);
	}
	if (a->error)
		return;
	assert_true(model_equal(&a->model, &b->model));
	assert_same_places(&a->model.filters[0], &b->model.filters[0]);
}

/* Single rules, of which most are right, and filters, in which some rule is wrong. */
static void a_rule_means_the_same_read_in_one_go_and_by_tokens(void **state)
{
	__u64 seed;
	__u32 right = 0;

	(void)state;
	random_start();
	seed = random_state;
	for (__u32 i = 0; i < FILTERS; i++) {
		__u32 lines = i % 4 ? 1 : LINES;
		OWN_FREE char *plain = print_filter(seed + i, lines, "");
		OWN_FREE char *long_way = print_filter(seed + i, lines, " #");
		struct read a = read_text(plain), b = read_text(long_way);

		assert_same(&a, &b);
		right += !a.error;
		read_free(&a);
		read_free(&b);
	}
	assert_true(right > FILTERS / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_means_the_same_read_in_one_go_and_by_tokens),
	};

	return WEIR_RUN(tests);
}
