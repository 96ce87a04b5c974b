// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test: what becomes of a packet, without sending it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "own.h"
#include "packets.h"
#include "read_config.h"
#include "resolve.h"
#include "stored.h"
#include "test_cases.h"
#include "test_print.h"
#include "trial.h"

struct test {
	struct state state;
	struct model model;
	struct trial trial;
	struct test_report report;
};

#define TEST_NONE                                        \
	{                                                \
		.state = STATE_NONE, .trial = TRIAL_NONE \
	}

static void close_test(struct test *t)
{
	trial_close(&t->trial);
	model_free(&t->model);
	state_close(&t->state);
	json_decref(t->report.list);
}

static int open_trial(struct test *t, struct command *c)
{
	const struct test_options *o = &c->test;
	enum trial_direction direction = o->egress ? TRIAL_EGRESS : TRIAL_INGRESS;
	const char *ifname = o->dev;

	if (o->config ? read_config(c, o->config, &t->model) ||
				resolve_backends(&t->model, &c->diags, &c->why)
		      : state_open(&t->state, c->instance, &c->why) ||
				stored_model(t->state.image, &t->model, &c->why))
		return -1;
	/* What check warns of is no news here. */
	diag_free(&c->diags);
	if (!ifname)
		ifname = trial_only_device(&t->model, &c->why);
	if (!ifname)
		return -1;
	if (o->config)
		return trial_build(&t->trial, &t->model, ifname, direction, &c->why);
	return trial_copy(&t->trial, &t->state, &t->model, ifname, direction, &c->why);
}

static int run_one(struct test *t, const struct frame *in, struct command *c)
{
	struct trial_result result;

	if (!t->report.is_file)
		t->report.number = 1;
	if (trial_run(&t->trial, in, &result, &c->why))
		return -1;
	return test_report_add(&t->report, &t->trial, &result, in);
}

static int run_file(struct test *t, const char *path, struct frame *in, struct command *c)
{
	struct packets *packets = packets_open(path, &c->why);
	int got = -1;

	t->report.is_file = true;
	while (packets && (got = packets_next(packets, in, &c->why)) == 1) {
		t->report.number++;
		if (run_one(t, in, c)) {
			got = -1;
			break;
		}
	}
	packets_close(packets);
	return got;
}

static int run_cases(struct test *t, const char *path, struct command *c)
{
	OWN_FREE struct test_case *one = calloc(1, sizeof(*one));
	OWN(test_cases_close) struct test_cases cases = {};
	int got;

	if (!one || test_cases_open(&cases, path, &c->why))
		return one ? -1 : fail_errno(&c->why, ENOMEM, "cannot test");
	t->report.is_file = true;
	while ((got = test_cases_next(&cases, one, &c->why)) == 1) {
		t->report.number = one->line;
		t->report.expect = one->expect;
		t->report.rule = one->rule;
		if (run_one(t, &one->frame, c))
			got = -1;
		test_case_free(one);
		if (got < 0)
			break;
	}
	test_case_free(one);
	return got;
}

/* One word that begins no packet is the name of a file. */
static bool is_file(const struct command *c)
{
	return c->args_count == 1 && !describe_is_protocol(c->args[0]);
}

static int check_words(struct command *c)
{
	if (c->args_count != 1 || is_file(c))
		return 0;
	return fail(&c->why, EXIT_USAGE,
		    "\"%s\" is where a packet begins, and its addresses are missing; write "
		    "\"%s from ADDRESS to ADDRESS\", or ./%s for a capture of that name",
		    c->args[0], c->args[0], c->args[0]);
}

static int run_all(struct test *t, struct frame *in, struct command *c)
{
	if (c->test.cases)
		return run_cases(t, c->test.cases, c);
	if (is_file(c))
		return run_file(t, c->args[0], in, c);
	return run_one(t, in, c);
}

static int check_options(struct command *c)
{
	const struct test_options *o = &c->test;

	if ((c->args_count > 0) + (o->hex != NULL) + (o->cases != NULL) != 1)
		return fail(&c->why, EXIT_USAGE,
			    "say one packet in words, or --hex BYTES, or --cases FILE, or a "
			    "capture's FILE");
	if (o->cases && (o->expect || o->rule))
		return fail(&c->why, EXIT_USAGE,
			    "--cases says itself what is expected of each packet");
	return test_expect_parse(o->expect, &c->why);
}

int cmd_test(struct command *c)
{
	OWN(close_test) struct test t = TEST_NONE;
	OWN_FREE struct frame *in = calloc(1, sizeof(*in));

	if (!in)
		fail(&c->why, EXIT_REFUSED, "out of memory");
	if (!in || check_options(c) || check_words(c))
		return command_failed(c);
	if (c->test.hex ? hex_frame(c->test.hex, in, &c->why)
			: c->args_count > 1 && describe_frame(c->args, in, &c->why))
		return command_failed(c);
	t.report = (struct test_report){
		.list = c->json ? json_array() : NULL,
		.expect = c->test.expect,
		.rule = c->test.rule,
	};
	if (open_trial(&t, c) || run_all(&t, in, c))
		return command_failed(c);
	return test_report_end(&t.report);
}
