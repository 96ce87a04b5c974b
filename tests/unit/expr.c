// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions: what is refused, and where; what is one program and what are two.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "diag.h"
#include "expr.h"

/* Last: cmocka has a macro fail() of its own. */
#include "test_main.h"

static void add(struct expr_set *set, const char *text)
{
	struct failure why = {};

	if (expr_set_add(set, text, &why))
		fail_msg("%s", why.message);
}

static int translate(const struct expr_set *set, enum expr_context context, size_t room)
{
	struct bpf_insn *insns = expr_room();
	int count = expr_translate(set, context, 0, insns, room);

	free(insns);
	return count;
}

static __u64 hash_of(const char *a, const char *b, enum expr_context context)
{
	struct expr_set set = {};
	__u64 hash;

	add(&set, a);
	if (b)
		add(&set, b);
	assert_int_equal(expr_set_hash(&set, context, &hash), 0);
	expr_set_free(&set);
	return hash;
}

static void an_error_points_at_the_token_that_libpcap_stopped_at(void **state)
{
	static const struct {
		const char *text, *token, *message;
	} cases[] = {
		{ "tcp prot 80", "prot", "syntax error" },
		{ "ip and (tcp port 80 or udp prt 7)", "prt", "syntax error" },
		{ "tcp[13] @ 3 = 1", "@", "syntax error" },
		{ "tcp and port 70000 or udp", "70000", "illegal port number" },
		{ "udp or host 10.0.0.300", "10.0.0.300", "invalid IPv4 address" },
		{ "tcp or host nowhere.invalid or udp", "nowhere.invalid", "unknown host" },
		{ "ip6 and inbound", "inbound", "\"filter NAME\" in an interface block" },
		{ "outbound", "outbound", "\"filter NAME egress\" in an interface block" },
		{ "tcp and on eth0", "eth0", "write interface NAME beside expr" },
		{ "ifname eth0 or udp", "eth0", "write interface NAME beside expr" },
		{ "tcp or ifindex 3", "ifindex", "write interface" },
		{ "tcp and udp", "tcp and udp", "no packet can match" },
		{ "geneve or tcp", "geneve or tcp", "no certain answer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct expr_error error = {};
		struct expr_code code;

		assert_int_equal(expr_compile(cases[i].text, &code, &error), -EINVAL);
		if (strncmp(cases[i].text + error.at, cases[i].token, strlen(cases[i].token)) ||
		    error.width != strlen(cases[i].token) ||
		    !strstr(error.message, cases[i].message))
			fail_msg("\"%s\": %zu+%zu: %s", cases[i].text, error.at, error.width,
				 error.message);
	}
}

static void an_expression_that_ends_too_early_says_so_at_its_end(void **state)
{
	static const char *const texts[] = { "tcp and", "(tcp", "tcp[13", "not" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct expr_error error = {};
		struct expr_code code;

		assert_int_equal(expr_compile(texts[i], &code, &error), -EINVAL);
		assert_int_equal(error.at, strlen(texts[i]));
		assert_non_null(strstr(error.message, "ends too early"));
	}
}

static void check_place(const char *config, unsigned int line, unsigned int column,
			unsigned int width)
{
	struct diags diags = {};
	struct model m = {};

	assert_int_not_equal(
		model_parse("t.conf", config, strlen(config), MODEL_FILES_READ, &diags, &m), 0);
	assert_int_equal(diags.errors, 1);
	if (diags.list[0].loc.line != line || diags.list[0].loc.column != column ||
	    diags.list[0].loc.width != width)
		fail_msg("%u:%u+%u: %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].loc.width, diags.list[0].message);
	diag_free(&diags);
}

static void a_configuration_names_the_column_inside_the_string(void **state)
{
	(void)state;
	check_place("filter f {\n rule a drop expr \"tcp prot 80\"\n}\n", 2, 24, 4);
	/* a backslash before another takes a column that the text has not */
	check_place("filter f {\n rule a drop expr \"ip proto \\\\tcp and prt 7\"\n}\n", 2, 39, 3);
	/* of a define, where it is used */
	check_place("define e = \"tcp prot 80\"\nfilter f {\n rule a drop expr $e\n}\n", 3, 19, 2);
}

static void what_is_in_force_is_not_checked_again(void **state)
{
	static const char config[] = "filter f {\n rule a drop expr \"host gone.invalid\"\n}\n";
	struct diags diags = {};
	struct model m = {};

	(void)state;
	assert_int_equal(
		model_parse("(applied)", config, strlen(config), MODEL_FILES_STORED, &diags, &m),
		0);
	model_free(&m);
	diag_free(&diags);
}

static void a_filter_has_so_many_expressions_and_no_more(void **state)
{
	char *config = NULL;
	size_t size;
	FILE *out = open_memstream(&config, &size);

	(void)state;
	fputs("filter f {\n", out);
	for (int i = 0; i <= WEIR_EXPR_MAX; i++)
		fprintf(out, "rule r%d drop expr \"tcp port %d\"\nrule s%d drop expr \"udp\"\n", i,
			i + 1, i);
	fputs("}\n", out);
	fclose(out);
	/* "udp" is one of them, however often it stands there */
	check_place(config, 2 + 2 * (WEIR_EXPR_MAX - 1), 21, 11);
	free(config);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct expr_set set = {};
	int count;

	(void)state;
	add(&set, "tcp port 80 or udp port 53");
	for (int context = 0; context < EXPR_CONTEXTS; context++) {
		count = translate(&set, context, WEIR_EXPR_INSNS);
		assert_true(count > 0);
		assert_int_equal(translate(&set, context, (size_t)count), count);
		assert_int_equal(translate(&set, context, (size_t)count - 1), -E2BIG);
		assert_int_equal(translate(&set, context, 1), -E2BIG);
	}
	expr_set_free(&set);
}

static void the_hash_is_of_the_code_and_not_of_the_order(void **state)
{
	struct expr_set none = {};
	__u64 hash = 1;

	(void)state;
	assert_int_equal(expr_set_hash(&none, EXPR_XDP, &hash), 0);
	assert_int_equal(hash, 0);
	assert_int_equal(hash_of("tcp", "udp", EXPR_XDP), hash_of("udp", "tcp", EXPR_XDP));
	assert_int_equal(hash_of("tcp", "tcp", EXPR_XDP), hash_of("tcp", NULL, EXPR_XDP));
	assert_int_not_equal(hash_of("tcp", NULL, EXPR_XDP), hash_of("udp", NULL, EXPR_XDP));
	assert_int_not_equal(hash_of("tcp", NULL, EXPR_XDP), hash_of("tcp", NULL, EXPR_SKB));
}

/* Every jump lands in the program and every way through it ends. */
static void the_translation_has_no_way_out_but_exit(void **state)
{
	struct bpf_insn *insns = expr_room();
	struct expr_set set = {};
	int count;

	(void)state;
	add(&set, "tcp port 80");
	add(&set, "vlan 10 and ip6 protochain 17");
	add(&set, "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420 or ip[8] % ip[9] = 3");
	for (int context = 0; context < EXPR_CONTEXTS; context++) {
		count = expr_translate(&set, context, 0, insns, WEIR_EXPR_INSNS);
		assert_true(count > 0);
		for (int i = 0; i < count; i++) {
			__u8 class = BPF_CLASS(insns[i].code), op = BPF_OP(insns[i].code);

			if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL ||
			    op == BPF_EXIT)
				continue;
			assert_in_range(i + 1 + insns[i].off, 0, count - 1);
		}
		assert_int_equal(insns[count - 1].code, BPF_JMP | BPF_EXIT);
	}
	expr_set_free(&set);
	free(insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_points_at_the_token_that_libpcap_stopped_at),
		cmocka_unit_test(an_expression_that_ends_too_early_says_so_at_its_end),
		cmocka_unit_test(a_configuration_names_the_column_inside_the_string),
		cmocka_unit_test(what_is_in_force_is_not_checked_again),
		cmocka_unit_test(a_filter_has_so_many_expressions_and_no_more),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(the_hash_is_of_the_code_and_not_of_the_order),
		cmocka_unit_test(the_translation_has_no_way_out_but_exit),
	};

	return WEIR_RUN(tests);
}
