// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * measure and latency { }: what is accepted, how it prints, what is refused.
 */
#include <string.h>

#include "config_text.h"
#include "diff.h"

/* What stands in interface eth0, and how it prints. */
static const struct {
	const char *in, *out;
	__u32 measure, path_sample;
} written[] = {
	{ "measure", "measure", 1U << MEASURE_RTT, 0 },
	{ "measure rtt", "measure", 1U << MEASURE_RTT, 0 },
	{ "measure path", "measure path", 1U << MEASURE_PATH, PATH_SAMPLE_DEFAULT },
	{ "measure path sample 1/16", "measure path", 1U << MEASURE_PATH, 16 },
	{ "measure path sample 1/1, rtt", "measure rtt, path sample 1/1",
	  1U << MEASURE_RTT | 1U << MEASURE_PATH, 1 },
	{ "measure loss ,rtt,path   sample 1/65536", "measure rtt, path sample 1/65536, loss",
	  (1U << MEASURE_KINDS) - 1, 65536 },
	{ "measure loss", "measure loss", 1U << MEASURE_LOSS, 0 },
};

static void measurements_print_in_their_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(written); i++) {
		char in[120], want[120], *out;
		struct model m;

		snprintf(in, sizeof(in), "interface eth0 { %s }", written[i].in);
		snprintf(want, sizeof(want), "interface eth0 {\n    xdp auto\n    %s\n}\n",
			 written[i].out);
		m = good_config(in);
		out = print_config(&m, MODEL_PRINT_USER);
		assert_string_equal(out, want);
		assert_int_equal(m.interfaces[0].measure, written[i].measure);
		assert_int_equal(m.interfaces[0].path_sample, written[i].path_sample);
		free(out);
		model_free(&m);
	}
}

static void sizes_have_defaults_and_print_when_written(void **state)
{
	struct model none = good_config("interface eth0 { measure }");
	struct model m = good_config("define n = 2048\n"
				     "latency { prefix 24 48; flows $n\n prefixes 256 }");
	struct model prefix = good_config("latency { prefix 32 128 }");
	char *out = print_config(&m, MODEL_PRINT_USER);

	(void)state;
	assert_string_equal(out,
			    "latency {\n    flows 2048\n    prefix 24 48\n    prefixes 256\n}\n");
	assert_int_equal(latency_flows(&none), LATENCY_FLOWS_DEFAULT);
	assert_int_equal(latency_prefixes(&none), 0);
	assert_int_equal(latency_flows(&m), 2048);
	assert_int_equal(latency_prefixes(&m), 256);
	assert_int_equal(latency_prefixes(&prefix), LATENCY_PREFIXES_DEFAULT);
	assert_false(model_equal(&none, &m));
	assert_false(model_equal(&m, &prefix));
	free(out);
	model_free(&none);
	model_free(&m);
	model_free(&prefix);
}

static const struct refusal mistakes[] = {
	{ "interface eth0 { measure rrt }", "1:26: unknown measurement \"rrt\"; measurements are "
					    "rtt, path, loss | did you mean \"rtt\"?" },
	{ "interface eth0 { measure jitter }", "1:26: unknown measurement \"jitter\"; measurements "
					       "are rtt, path, loss" },
	{ "interface eth0 { measure rtt path }",
	  "1:30: expected the end of the statement before \"path\"" },
	{ "interface eth0 { measure rtt, }", "1:31: expected rtt, path or loss before \"}\"" },
	{ "interface eth0 { measure rtt, rtt }",
	  "1:31: interface eth0 measures rtt twice; keep one" },
	{ "interface eth0 { measure { rtt, path } }",
	  "1:26: expected rtt, path or loss before \"{\"" },
	{ "interface eth0 { measure rtt sample 1/4 }",
	  "1:37: rtt looks at every packet; only path is sampled: write \"path sample 1/64\"" },
	{ "interface eth0 { measure path sample 1/100 }",
	  "1:38: a hash chooses the sample, so that N of 1/N is a power of two; write 1/64 or "
	  "1/128" },
	{ "interface eth0 { measure path sample 1/131072 }",
	  "1:38: a sample of the path goes from 1/1 to 1/65536" },
	{ "interface eth0 { measure path sample 64 }",
	  "1:38: \"64\" is no sample; write 1/N, as 1/100 for one packet in a hundred" },
	{ "interface eth0 { measure path sample }",
	  "1:38: expected a sample, as 1/64, before \"}\"" },
	{ "path", "1:1: unknown statement \"path\"; statements are define, interface, set, filter, "
		  "pool, service, latency | \"path\" belongs behind \"measure\"" },
	{ "interface eth0 { prefixes 64 }",
	  "1:18: unknown statement \"prefixes\" in interface; its statements are xdp, tc, filter, "
	  "balance, decap, measure, return | \"prefixes\" belongs inside latency { }" },
	{ "latency { flow 4096 }",
	  "1:11: unknown statement \"flow\" in latency; its statements are "
	  "flows, prefix, prefixes | did you mean \"flows\"?" },
	{ "latency { flows 70000 }",
	  "1:17: number of flows 70000 is no power of two; write 65536 or 131072" },
	{ "latency { flows 512 }",
	  "1:17: number of flows 512 is out of range; it goes from 1024 to 4194304" },
	{ "latency { prefix 24 }",
	  "1:21: expected the prefix length of IPv6, as in \"prefix 24 48\", before \"}\"" },
	{ "latency { prefix 33 48 }",
	  "1:18: prefix length of IPv4 33 is out of range; it goes from 1 to 32" },
	{ "latency { prefix 24 0 }",
	  "1:21: prefix length of IPv6 0 is out of range; it goes from 1 to 128" },
	{ "latency { prefixes 1024 }",
	  "1:1: latency has room for prefixes, but no length of them; add \"prefix 24 48\", of "
	  "IPv4 and IPv6" },
	{ "latency { prefix 24 48; prefixes 100 }",
	  "1:34: number of prefixes 100 is no power of two; write 64 or 128" },
	{ "latency { flows 2048; flows 4096 }", "1:23: \"flows\" is already on line 1; keep one" },
	{ "latency { }\nlatency { }", "2:1: latency is already on line 1; keep one" },
	{ "latency flows 4096", "1:9: expected \"{\" before \"flows\"" },
	{ "latency {\n flows 4096\n", "1:9: the block of latency is not closed; add a \"}\"" },
};

static void mistakes_have_a_place_and_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++)
		assert_refused(&mistakes[i]);
}

static const struct {
	const char *json, *want;
} twins[] = {
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":true}]}", "interface e { measure }" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"tc\":\"tcx\",\"measure\":false}]}",
	  "interface e { tc tcx }" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":[\"path\",\"loss\"]}]}",
	  "interface e { measure path, loss }" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":[\"path\"],\"path_sample\":1}]}",
	  "interface e { measure path sample 1/1 }" },
	{ "{\"latency\":{\"flows\":4096}}", "latency { flows 4096 }" },
	{ "{\"latency\":{\"prefix\":[24,48],\"prefixes\":64}}",
	  "latency { prefix 24 48; prefixes 64 }" },
};

static void the_json_twin_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(twins); i++) {
		struct model want = good_config(twins[i].want), got = { 0 };
		struct diags d = { 0 };

		if (model_parse_json("twin", twins[i].json, strlen(twins[i].json), &d, &got))
			fail_msg("%s: %s", twins[i].json, first_message(&d));
		if (!model_equal(&want, &got))
			fail_msg("%s is not %s", twins[i].json, twins[i].want);
		model_free(&want);
		model_free(&got);
		diag_free(&d);
	}
}

static const struct refusal json_mistakes[] = {
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":[\"rtx\"]}]}",
	  "interfaces[0].measure: unknown measurement \"rtx\"; measurements are rtt, path, loss | "
	  "did you mean \"rtt\"?" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":\"rtt\"}]}",
	  "interfaces[0].measure: this is a string; write true or false" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":true,\"path_sample\":4}]}",
	  "interfaces[0].path_sample: only path is sampled; add \"path\" to \"measure\"" },
	{ "{\"interfaces\":[{\"name\":\"e\",\"measure\":[\"path\"],\"path_sample\":-1}]}",
	  "interfaces[0].path_sample: a sample of the path goes from 1/1 to 1/65536" },
	{ "{\"latency\":{\"prefix\":[24]}}",
	  "latency.prefix: write the lengths of IPv4 and IPv6, as in [24, 48]" },
	{ "{\"latency\":{\"flows\":\"many\"}}",
	  "latency.flows: \"many\" is no number of flows; write a number from 1024 to 4194304" },
	{ "{\"latency\":{\"room\":1}}",
	  "latency: unknown key \"room\"; keys are flows, prefix, prefixes" },
	{ "{\"latency\":[]}", "latency: this is a list; write an object" },
};

static void mistakes_in_json_are_named_by_their_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(json_mistakes); i++) {
		const struct refusal *r = &json_mistakes[i];
		struct diags d = { 0 };
		struct model m = { 0 };
		char got[600];

		assert_int_equal(model_parse_json("twin", r->text, strlen(r->text), &d, &m),
				 -EINVAL);
		snprintf(got, sizeof(got), "%s%s%s", d.list[0].message, d.list[0].hint ? " | " : "",
			 d.list[0].hint ? d.list[0].hint : "");
		assert_string_equal(got, r->message);
		assert_int_equal(d.errors, 1);
		diag_free(&d);
	}
}

static const struct {
	const char *from, *to, *want;
} changes[] = {
	{ "interface a { xdp; measure }", "interface a { xdp; measure rtt, path }",
	  "~ interface a   measure rtt -> rtt, path\n" },
	{ "interface a { measure path }", "interface a { measure path sample 1/4 }",
	  "~ interface a   measure path -> path sample 1/4\n" },
	{ "interface a { measure path, loss }", "interface a { xdp auto }",
	  "~ interface a   measure path, loss -> none\n" },
	{ "", "interface a { measure loss }", "+ interface a   xdp auto measure loss\n" },
	{ "interface a { measure }", "interface a { measure }\nlatency { flows 1024 }",
	  "~ latency flows   65536 -> 1024\n" },
	{ "latency { flows 65536 }", "", "" },
	{ "", "latency { prefix 24 48 }",
	  "~ latency prefix   none -> 24 48, room for 1024 prefixes\n" },
	{ "latency { prefix 24 48 }", "latency { prefix 24 56; prefixes 64 }",
	  "~ latency prefix   24 48, room for 1024 prefixes -> 24 56, room for 64 prefixes\n" },
};

static void changes_name_what_was_and_what_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct model from = good_config(changes[i].from), to = good_config(changes[i].to);
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		model_diff(&from, &to, out);
		fclose(out);
		assert_string_equal(text, changes[i].want);
		free(text);
		model_free(&from);
		model_free(&to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measurements_print_in_their_order),
		cmocka_unit_test(sizes_have_defaults_and_print_when_written),
		cmocka_unit_test(mistakes_have_a_place_and_a_remedy),
		cmocka_unit_test(the_json_twin_says_the_same),
		cmocka_unit_test(mistakes_in_json_are_named_by_their_path),
		cmocka_unit_test(changes_name_what_was_and_what_is),
	};

	return WEIR_RUN(tests);
}
