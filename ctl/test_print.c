// SPDX-License-Identifier: GPL-2.0-or-later
#include "test_print.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "note.h"
#include "reason.h"

/* Rules that nearly matched, to be named. */
#define NEAR 3

enum { PASS, DROP, REJECT, FORWARD, FATES };

static const char *const fate_names[FATES] = {
	[PASS] = "pass",
	[DROP] = "drop",
	[REJECT] = "reject",
	[FORWARD] = "forward",
};

static const char *const action_names[WEIR_ACTION_KINDS] = {
#define X(sym, keyword) [WEIR_ACTION_##sym] = keyword,
	WEIR_ACTIONS(X)
#undef X
};

int test_expect_parse(const char *expect, struct failure *why)
{
	for (int i = 0; expect && i < FATES; i++) {
		if (!strcmp(expect, fate_names[i]))
			return 0;
	}
	return expect ? fail(why, EXIT_USAGE,
			     "\"%s\" is no verdict; expect pass, drop, reject or forward", expect)
		      : 0;
}

static bool is_reject(enum weir_reason reason)
{
	return reason == WEIR_R_FILTER_REJECT || reason == WEIR_R_FILTER_REJECT_LIMITED ||
	       reason == WEIR_R_FILTER_REJECT_SILENT;
}

/*
 * A packet that is answered is not just dropped, whoever says so: a rule or the
 * default. Where no reason is counted, what the rule says has to do.
 */
static int fate_of(const struct trial *t, const struct trial_result *result)
{
	enum weir_action action = result->rule	       ? result->rule->action
				  : result->is_default ? t->filter->default_action
						       : WEIR_ACTION_PASS;

	if (action == WEIR_ACTION_REJECT || (result->has_reason && is_reject(result->reason)))
		return REJECT;
	if (result->fate == WEIR_FATE_FORWARD)
		return FORWARD;
	return result->fate == WEIR_FATE_DROP ? DROP : PASS;
}

const char *test_verdict(const struct trial *t, const struct trial_result *result)
{
	return fate_names[fate_of(t, result)];
}

static const char *reason_of(const struct trial_result *result)
{
	return result->has_reason ? reasons[result->reason].name : "-";
}

/* Of a packet that is not whole the verdict is that on its beginning, and proves nothing. */
static bool is_expected(const struct test_report *r, const struct trial_result *result,
			const struct frame *in, int fate)
{
	if ((r->expect || r->rule) && (result->is_refused || in->lost))
		return false;
	if (r->expect && strcmp(r->expect, fate_names[fate]) != 0)
		return false;
	if (!r->rule)
		return true;
	return result->rule ? !strcmp(r->rule, result->rule->name)
			    : result->is_default && !strcmp(r->rule, "default");
}

/* Rules that counted the packet and let it go on. */
static void print_others(const struct trial *t, const struct trial_result *result)
{
	for (size_t i = 0; t->filter && i < t->filter->rules_count; i++) {
		const struct rule *rule = &t->filter->rules[i];

		if (rule != result->rule && trial_matched(t, i))
			printf("  passed by rule %s (%s)\n", rule->name,
			       action_names[rule->action]);
	}
}

static const char *const condition_names[] = {
#define X(sym, keyword, type, member) [WEIR_FIELD_##sym] = keyword,
	WEIR_FIELDS(X)
#undef X
		[JUDGE_TCP_FLAGS] = "flags",
};

/* Where no rule decided: those that one condition kept from it, as one may have meant them to. */
static void print_near(const struct trial *t, const struct frame *in)
{
	struct judge_packet p = trial_packet(t, in);
	unsigned int said = 0;

	for (size_t i = 0; i < t->filter->rules_count && said < NEAR; i++) {
		const struct rule *r = &t->filter->rules[i];
		int which;

		if (!action_decides(r->action) || r->action == t->filter->default_action ||
		    judge_misses(t->model, r, &p, &which) != 1)
			continue;
		printf("  but for %s, rule %s (%s)\n", condition_names[which], r->name,
		       action_names[r->action]);
		said++;
	}
}

static void print_result(const struct test_report *r, const struct trial *t,
			 const struct trial_result *result, const struct frame *in, int fate,
			 bool expected)
{
	if (r->is_file)
		printf("%6zu  ", r->number);
	if (result->is_refused)
		printf("-  too %s: the kernel %s", result->is_too_short ? "short" : "long",
		       result->is_too_short ? "has no such frame" : "runs no such frame in a test");
	else
		printf("%s  %s", fate_names[fate], reason_of(result));
	if (result->rule)
		printf("  rule %s  (filter %s)", result->rule->name, t->filter->name);
	else if (result->is_default)
		printf("  default  (filter %s)", t->filter->name);
	if (in->lost)
		printf("  cut in the capture, %zu of %zu bytes", in->size, in->size + in->lost);
	printf("%s\n", expected ? "" : in->lost ? "  NOT JUDGED" : "  NOT AS EXPECTED");
	if (r->is_file || result->is_refused)
		return;
	print_others(t, result);
	if (result->is_default)
		print_near(t, in);
}

static json_t *matched_json(const struct trial *t)
{
	json_t *list = json_array();

	for (size_t i = 0; t->filter && i < t->filter->rules_count; i++) {
		if (trial_matched(t, i))
			json_array_append_new(list, json_string(t->filter->rules[i].name));
	}
	return list;
}

static json_t *result_json(const struct test_report *r, const struct trial *t,
			   const struct trial_result *result, const struct frame *in, int fate,
			   bool expected)
{
	if (result->is_refused)
		return json_pack("{s:I,s:n,s:b,s:b}", "number", (json_int_t)r->number, "verdict",
				 "cut", in->lost != 0, "as_expected", expected);
	return json_pack("{s:I,s:s,s:s?,s:s?,s:s?,s:b,s:o,s:b,s:b}", "number",
			 (json_int_t)r->number, "verdict", fate_names[fate], "reason",
			 result->has_reason ? reason_of(result) : NULL, "filter",
			 t->filter ? t->filter->name : NULL, "rule",
			 result->rule ? result->rule->name : NULL, "default", result->is_default,
			 "matched", matched_json(t), "cut", in->lost != 0, "as_expected", expected);
}

int test_report_add(struct test_report *r, const struct trial *t, const struct trial_result *result,
		    const struct frame *in)
{
	int fate = fate_of(t, result);
	bool expected = is_expected(r, result, in, fate);

	r->packets++;
	r->mismatches += !expected;
	if (!result->is_refused)
		r->fates[fate]++;
	if (r->list)
		json_array_append_new(r->list, result_json(r, t, result, in, fate, expected));
	else
		print_result(r, t, result, in, fate, expected);
	return 0;
}

int test_report_end(struct test_report *r)
{
	if (r->list) {
		json_print(json_pack("{s:O,s:I}", "packets", r->list, "mismatches",
				     (json_int_t)r->mismatches));
	} else if (r->is_file) {
		printf("%zu packets: %zu pass, %zu drop, %zu reject, %zu forward\n", r->packets,
		       r->fates[PASS], r->fates[DROP], r->fates[REJECT], r->fates[FORWARD]);
	}
	if (r->mismatches && r->is_file)
		note("%zu of %zu packets were not as expected", r->mismatches, r->packets);
	return r->mismatches ? EXIT_REFUSED : EXIT_DONE;
}
